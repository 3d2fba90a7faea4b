//! What is known of a language: its numbers, plurals, lists and currencies, by ICU4X from CLDR's data. Comes from the tags
//! of texts and readers, goes to `setting`. Days and times are in `calendar`.
//!
//! Digits are Latin in every language: that is what Iraqi businesses print on invoices, and what people search for. Hours are
//! 24 unless the tag asks otherwise (`en-u-hc-h12`). A bare `ar` is Iraq's Arabic (its months), a bare `en` the world's
//! English (`6 March 2026`).

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock, PoisonError, RwLock};

use icu_decimal::DecimalFormatter;
use icu_experimental::dimension::percent::formatter::PercentFormatter;
use icu_list::ListFormatter;
use icu_list::options::{ListFormatterOptions, ListLength};
use icu_locale::extensions::unicode::{key, value};
use icu_locale::subtags::{language, region, script};
use icu_locale::{Direction as Runs, Locale, LocaleDirectionality, LocaleExpander, locale};
use icu_plurals::{PluralCategory, PluralRules};

use crate::rules::bidi::Direction;
use crate::rules::calendar::Calendar;
use crate::rules::currency;
use crate::rules::decimal::Decimal;
use crate::rules::locale::normal;

/// Made when first needed, and kept; none where even CLDR's root has nothing.
pub(crate) type Lazy<T> = OnceLock<Option<T>>;

/// Gives what is kept, or makes it.
pub(crate) fn made<T, E>(cell: &Lazy<T>, make: impl FnOnce() -> Result<T, E>) -> Option<&T> {
    cell.get_or_init(|| make().ok()).as_ref()
}

/// How a list's items are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joint {
    /// `a, b and c`
    And,
    /// `a, b or c`
    Or,
    /// As short as the language can.
    Narrow,
}

impl Joint {
    /// The words, for messages.
    pub(crate) const NAMES: [&'static str; 3] = ["and", "or", "narrow"];

    /// From its word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "and" => Some(Self::And),
            "or" => Some(Self::Or),
            "narrow" => Some(Self::Narrow),
            _ => None,
        }
    }
}

/// A language, ready to write.
pub(crate) struct Language {
    tag: Locale,
    direction: Direction,
    comma: &'static str,
    calendar: Calendar,
    numbers: Lazy<DecimalFormatter>,
    percents: Lazy<PercentFormatter<DecimalFormatter>>,
    plurals: Lazy<PluralRules>,
    lists: [Lazy<ListFormatter>; 3],
}

/// So many are kept ready. Tags come from templates and people, so there is an end to them only here.
const KEPT: usize = 256;

static LANGUAGES: LazyLock<RwLock<HashMap<String, Arc<Language>>>> = LazyLock::new(RwLock::default);

impl Language {
    /// Of a BCP 47 tag; English for what is none, and for a language CLDR doesn't know.
    pub(crate) fn of(tag: &str) -> Arc<Self> {
        let known = LANGUAGES.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(language) = known.get(tag) {
            return Arc::clone(language);
        }
        drop(known);
        let language = Arc::new(Self::new(locale_of(tag)));
        let mut known = LANGUAGES.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(tag.to_owned(), Arc::clone(&language));
        language
    }

    fn new(mut tag: Locale) -> Self {
        let rtl = directions().is_right_to_left(&tag.id);
        let mut likely = tag.id.clone();
        LocaleExpander::new_extended().maximize(&mut likely);
        let arabic_comma = rtl && likely.script != Some(script!("Hebr"));
        let keywords = &mut tag.extensions.unicode.keywords;
        keywords.set(key!("nu"), value!("latn"));
        if keywords.get(&key!("hc")).is_none() {
            keywords.set(key!("hc"), value!("h23"));
        }
        Self {
            direction: if rtl {
                Direction::RightToLeft
            } else {
                Direction::LeftToRight
            },
            comma: if arabic_comma { "، " } else { ", " },
            calendar: Calendar::of(&tag),
            tag,
            numbers: Lazy::new(),
            percents: Lazy::new(),
            plurals: Lazy::new(),
            lists: Default::default(),
        }
    }

    /// Which way it runs.
    pub(crate) fn direction(&self) -> Direction {
        self.direction
    }

    /// What stands between the items of a plain list.
    pub(crate) fn comma(&self) -> &'static str {
        self.comma
    }

    /// Days and times.
    pub(crate) fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// Digit for digit, grouped.
    pub(crate) fn number(&self, number: &Decimal) -> String {
        let numbers = made(&self.numbers, || {
            DecimalFormatter::try_new((&self.tag).into(), Default::default())
        });
        numbers.map_or_else(
            || number.digits().to_string(),
            |n| n.format(number.digits()).to_string(),
        )
    }

    /// What is per cent already, with its sign.
    pub(crate) fn percent(&self, number: &Decimal) -> String {
        let percents = made(&self.percents, || {
            PercentFormatter::try_new((&self.tag).into(), Default::default())
        });
        percents.map_or_else(
            || format!("{}%", self.number(number)),
            |p| p.format(number.digits()).to_string(),
        )
    }

    /// An amount with its currency after it, as invoices have it.
    pub(crate) fn money(&self, number: &Decimal, code: &str) -> String {
        let name = if self.tag.id.language == language!("ar") {
            currency::in_arabic(code)
        } else {
            code
        };
        format!("{} {name}", self.number(number))
    }

    /// The plural form of a number, by CLDR's cardinal rules.
    pub(crate) fn plural(&self, number: &Decimal) -> &'static str {
        let plurals = made(&self.plurals, || {
            PluralRules::try_new_cardinal((&self.tag).into())
        });
        match plurals.map(|p| p.category_for(number.digits())) {
            Some(PluralCategory::Zero) => "zero",
            Some(PluralCategory::One) => "one",
            Some(PluralCategory::Two) => "two",
            Some(PluralCategory::Few) => "few",
            Some(PluralCategory::Many) => "many",
            Some(PluralCategory::Other) | None => "other",
        }
    }

    /// Items as a list in a sentence.
    pub(crate) fn list(&self, joint: Joint, items: &[String]) -> String {
        let prefs = || (&self.tag).into();
        let length = |length| ListFormatterOptions::default().with_length(length);
        let lists = made(&self.lists[joint as usize], || match joint {
            Joint::And => ListFormatter::try_new_and(prefs(), length(ListLength::Wide)),
            Joint::Or => ListFormatter::try_new_or(prefs(), length(ListLength::Wide)),
            Joint::Narrow => ListFormatter::try_new_and(prefs(), length(ListLength::Narrow)),
        });
        lists.map_or_else(
            || items.join(self.comma),
            |l| l.format(items.iter()).to_string(),
        )
    }
}

fn directions() -> LocaleDirectionality {
    LocaleDirectionality::new_extended()
}

fn locale_of(tag: &str) -> Locale {
    let tag = normal(tag);
    // `ar_iq.utf-8` is how Unix writes it.
    let tag = tag.split(['.', '@']).next().unwrap_or_default();
    let known = |locale: &Locale| directions().get(&locale.id).is_some_and(|_: Runs| true);
    let mut found = Locale::try_from_str(tag)
        .ok()
        .filter(known)
        .unwrap_or(locale!("en-001"));
    if found.id.region.is_none() && found.id.script.is_none() {
        if found.id.language == language!("ar") {
            found.id.region = Some(region!("IQ"));
        } else if found.id.language == language!("en") {
            found.id.region = Some(region!("001"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn numbers_are_grouped_as_the_language_does_with_latin_digits() {
        for (tag, expected) in [
            ("en", "-1,234,567.50"),
            ("ar", "\u{200e}-1,234,567.50"),
            ("ar-EG", "\u{200e}-1,234,567.50"),
            ("fa", "\u{200e}−1,234,567.50"),
            ("ckb", "-1,234,567.50"),
            ("tr", "-1.234.567,50"),
            ("hi", "-12,34,567.50"),
            ("ar-u-nu-arab", "\u{200e}-1,234,567.50"),
        ] {
            assert_eq!(
                Language::of(tag).number(&number("-1234567.50")),
                expected,
                "{tag}"
            );
        }
        let long = "12345678901234567890.123";
        assert_eq!(
            Language::of("en").number(&number(long)),
            "12,345,678,901,234,567,890.123"
        );
    }

    #[test]
    fn arabic_has_six_plural_forms_and_english_two() {
        let form = |tag: &str, n: &str| Language::of(tag).plural(&number(n));
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
            assert_eq!(form("ar-IQ", n), expected, "{n}");
        }
        for (n, expected) in [
            ("1", "one"),
            ("0", "other"),
            ("2", "other"),
            ("1.0", "other"),
            ("1.5", "other"),
        ] {
            assert_eq!(form("en", n), expected, "{n}");
        }
        assert_eq!((form("he", "2"), form("pl", "3")), ("two", "few"));
    }

    #[test]
    fn lists_and_percents_are_the_languages_own() {
        let items = ["A".to_owned(), "B".to_owned(), "C".to_owned()];
        let list = |tag: &str, joint| Language::of(tag).list(joint, &items);
        assert_eq!(list("en", Joint::And), "A, B and C");
        assert_eq!(list("en-US", Joint::And), "A, B, and C");
        assert_eq!(list("en", Joint::Or), "A, B or C");
        assert_eq!(list("en", Joint::Narrow), "A, B, C");
        assert_eq!(list("ar", Joint::And), "A وB وC");
        assert_eq!(list("ar", Joint::Or), "A أو B أو C");
        assert_eq!(list("tr", Joint::And), "A, B ve C");
        let percent = |tag: &str| Language::of(tag).percent(&number("15.5"));
        assert_eq!(
            (percent("en"), percent("tr")),
            ("15.5%".into(), "%15,5".into())
        );
        for (tag, comma) in [
            ("ar", "، "),
            ("ckb", "، "),
            ("fa", "، "),
            ("he", ", "),
            ("ku", ", "),
        ] {
            assert_eq!(Language::of(tag).comma(), comma, "{tag}");
        }
    }

    #[test]
    fn what_is_no_language_is_english_and_there_is_an_end_to_what_is_kept() {
        for tag in ["", "x", "zz", "not a tag", "123", "\u{0}"] {
            let language = Language::of(tag);
            assert_eq!(language.tag.id, locale!("en-001").id, "{tag}");
        }
        assert_eq!(Language::of("ar_IQ.UTF-8").tag.id, locale!("ar-IQ").id);
        for i in 0..2 * KEPT {
            let _ = Language::of(&format!("en-x-a{i}"));
        }
        let known = LANGUAGES.read().unwrap();
        assert!(known.len() <= KEPT);
    }

    #[test]
    fn scripts_from_right_to_left_are_known() {
        for (tag, direction) in [
            ("ar", Direction::RightToLeft),
            ("ckb", Direction::RightToLeft),
            ("ckb-IQ", Direction::RightToLeft),
            ("fa-IR", Direction::RightToLeft),
            ("ur", Direction::RightToLeft),
            ("ps", Direction::RightToLeft),
            ("ug", Direction::RightToLeft),
            ("dv", Direction::RightToLeft),
            ("yi", Direction::RightToLeft),
            ("sd", Direction::RightToLeft),
            ("ku", Direction::LeftToRight),
            ("ku-Arab", Direction::RightToLeft),
            ("az", Direction::LeftToRight),
            ("ar-Latn", Direction::LeftToRight),
            ("tr", Direction::LeftToRight),
        ] {
            assert_eq!(Language::of(tag).direction(), direction, "{tag}");
        }
    }
}
