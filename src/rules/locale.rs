//! Languages: which of a text's languages a reader gets, and what helpers must know of one (direction, plurals, months,
//! symbols of money). Comes from templates and readers, goes to `text` and `helpers`.
//!
//! Digits are Latin in every language: that is what Iraqi businesses print on invoices, and what people search for.

use crate::rules::decimal::Decimal;

/// A language as far as texts depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// Arabic: six plural forms, Levantine month names, right to left.
    Arabic,
    /// Another one written from right to left (Kurdish Sorani, Persian, Hebrew, Urdu …); English forms and names.
    RightToLeft,
    /// English, and every language not known here.
    English,
}

const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// As said in Iraq and the Levant.
const MONTHS_AR: [&str; 12] = [
    "كانون الثاني",
    "شباط",
    "آذار",
    "نيسان",
    "أيار",
    "حزيران",
    "تموز",
    "آب",
    "أيلول",
    "تشرين الأول",
    "تشرين الثاني",
    "كانون الأول",
];
/// Monday first.
const DAYS_EN: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const DAYS_AR: [&str; 7] = [
    "الاثنين",
    "الثلاثاء",
    "الأربعاء",
    "الخميس",
    "الجمعة",
    "السبت",
    "الأحد",
];

impl Language {
    /// Of a BCP 47 tag.
    pub(crate) fn of(tag: &str) -> Self {
        let word = tag.split(['-', '_']).next().unwrap_or_default();
        if word.eq_ignore_ascii_case("ar") {
            return Self::Arabic;
        }
        let rtl = ["ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"];
        if rtl.iter().any(|r| word.eq_ignore_ascii_case(r)) {
            Self::RightToLeft
        } else {
            Self::English
        }
    }

    /// Whether numbers need isolating, so that a minus or a currency stays where it belongs.
    pub(crate) fn is_rtl(self) -> bool {
        self != Self::English
    }

    /// A month's name; 1 = January.
    pub(crate) fn month(self, month: i8) -> &'static str {
        let names = if self == Self::Arabic {
            &MONTHS_AR
        } else {
            &MONTHS_EN
        };
        usize::try_from(month - 1)
            .ok()
            .and_then(|i| names.get(i))
            .copied()
            .unwrap_or("")
    }

    /// A weekday's name; 0 = Monday.
    pub(crate) fn weekday(self, day: i8) -> &'static str {
        let names = if self == Self::Arabic {
            &DAYS_AR
        } else {
            &DAYS_EN
        };
        usize::try_from(day)
            .ok()
            .and_then(|i| names.get(i))
            .copied()
            .unwrap_or("")
    }

    /// What stands between the items of a list.
    pub(crate) fn comma(self) -> &'static str {
        if self == Self::English { ", " } else { "، " }
    }

    /// What a currency is written as.
    pub(crate) fn currency(self, code: &str) -> &str {
        match (self, code) {
            (Self::Arabic, "IQD") => "د.ع",
            (Self::Arabic, "JOD") => "د.أ",
            (Self::Arabic, "KWD") => "د.ك",
            (Self::Arabic, "BHD") => "د.ب",
            (Self::Arabic, "AED") => "د.إ",
            (Self::Arabic, "SAR") => "ر.س",
            _ => code,
        }
    }

    /// The plural form of a number, by CLDR's cardinal rules.
    pub(crate) fn plural(self, number: &Decimal) -> &'static str {
        let (whole, fraction) = number.parts();
        if self != Self::Arabic {
            // English: one is the integer 1 written without decimals; "1.0 days".
            return if whole == "1" && fraction.is_empty() {
                "one"
            } else {
                "other"
            };
        }
        if fraction.bytes().any(|b| b != b'0') {
            return "other";
        }
        let digits = &whole.as_bytes()[whole.len().saturating_sub(2)..];
        let hundredth = digits
            .iter()
            .fold(0u32, |n, b| n * 10 + u32::from(b - b'0'));
        match (whole, hundredth) {
            ("0", _) => "zero",
            ("1", _) => "one",
            ("2", _) => "two",
            (_, 3..=10) => "few",
            (_, 11..=99) => "many",
            _ => "other",
        }
    }
}

/// How many decimals a currency is used with. IQD has three on paper and none in use.
pub(crate) fn decimals(currency: &str) -> usize {
    match currency {
        "IQD" | "IRR" | "JPY" | "KRW" | "VND" | "SYP" | "LBP" | "YER" => 0,
        "BHD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// `ar_IQ` → `ar-iq`, for comparing.
pub(crate) fn normal(tag: &str) -> String {
    tag.trim().replace('_', "-").to_ascii_lowercase()
}

/// Whether it looks like a BCP 47 tag.
pub(crate) fn is_tag(tag: &str) -> bool {
    let mut words = tag.split(['-', '_']);
    let first = words.next().unwrap_or_default();
    (2..=8).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_alphabetic())
        && words.all(|w| (1..=8).contains(&w.len()) && w.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Which of a text's languages a reader gets: their own tag, else their language, else another variety of their
/// language, else English, else the first. `None` only when there is none at all.
pub(crate) fn choose<'t>(
    tags: impl Iterator<Item = &'t str> + Clone,
    locale: &str,
) -> Option<usize> {
    let language = |tag: &str| {
        tag.split(['-', '_'])
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    let (wanted, wanted_language) = (normal(locale), language(locale.trim()));
    let find = |test: &dyn Fn(&str) -> bool| tags.clone().position(test);
    find(&|tag| normal(tag) == wanted)
        .or_else(|| find(&|tag| normal(tag) == wanted_language))
        .or_else(|| find(&|tag| language(tag) == wanted_language))
        .or_else(|| find(&|tag| normal(tag) == "en"))
        .or_else(|| find(&|tag| language(tag) == "en"))
        .or_else(|| tags.clone().next().map(|_| 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chosen<'t>(tags: &[&'t str], locale: &str) -> Option<&'t str> {
        choose(tags.iter().copied(), locale).map(|i| tags[i])
    }

    #[test]
    fn a_reader_gets_their_tag_else_their_language_else_english_else_the_first() {
        assert_eq!(chosen(&["ar", "ar-IQ", "en"], "ar_iq"), Some("ar-IQ"));
        assert_eq!(chosen(&["ar", "en"], "ar-IQ"), Some("ar"));
        assert_eq!(chosen(&["ar_EG", "en"], "ar-IQ"), Some("ar_EG"));
        assert_eq!(chosen(&["ar", "en"], "AR"), Some("ar"));
        assert_eq!(chosen(&["ar", "en"], "ckb"), Some("en"));
        assert_eq!(chosen(&["ar", "ckb"], "tr"), Some("ar"));
        assert_eq!(chosen(&["ar"], ""), Some("ar"));
        assert_eq!(chosen(&[], "en"), None);
    }

    #[test]
    fn arabic_has_six_plural_forms_and_english_two() {
        let form = |language: Language, n: &str| language.plural(&Decimal::parse(n).unwrap());
        for (n, expected) in [
            ("0", "zero"),
            ("1", "one"),
            ("2", "two"),
            ("3", "few"),
            ("10", "few"),
            ("11", "many"),
            ("26", "many"),
            ("99", "many"),
            ("100", "other"),
            ("101", "other"),
            ("102", "other"),
            ("103", "few"),
            ("111", "many"),
            ("1003", "few"),
            ("0.5", "other"),
            ("2.0", "two"),
        ] {
            assert_eq!(form(Language::Arabic, n), expected, "{n}");
        }
        for (n, expected) in [
            ("1", "one"),
            ("0", "other"),
            ("2", "other"),
            ("1.0", "other"),
            ("1.5", "other"),
        ] {
            assert_eq!(form(Language::English, n), expected, "{n}");
        }
    }

    proptest! {
        #[test]
        fn every_reader_gets_a_language_of_the_text(
            tags in prop::collection::vec("[a-z]{2,3}([-_][A-Z]{2})?", 1..6), locale in ".{0,12}",
        ) {
            let chosen = choose(tags.iter().map(String::as_str), &locale);
            prop_assert!(chosen.is_some_and(|i| i < tags.len()));
        }
    }
}
