//! The language of a mail: its tag, its direction, and the few words of the layout that are ours. From a recipient's
//! locale to `layout`. Pure.

/// Languages written from right to left.
const RIGHT_TO_LEFT: [&str; 9] = ["ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur"];

/// The language a mail is in.
pub(super) struct Language {
    /// As in `Content-Language` and `lang`: `ar-IQ`; empty when the locale is none.
    pub(super) tag: String,
    /// Written from right to left.
    pub(super) right_to_left: bool,
    /// The layout's own words in it, or in English.
    pub(super) words: &'static Words,
}

impl Language {
    /// Of a recipient's locale: `ar`, `ar-IQ`, `ar_IQ.UTF-8`.
    pub(super) fn of(locale: &str) -> Self {
        let locale = locale.trim();
        let locale = locale.split(['.', '@']).next().unwrap_or_default();
        let tag = locale.replace('_', "-");
        let sound = tag.len() <= 35
            && tag.split('-').all(|part| {
                (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
            });
        let tag = if sound { tag } else { String::new() };
        let primary = tag
            .split('-')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        Self {
            right_to_left: RIGHT_TO_LEFT.contains(&primary.as_str()),
            words: if primary == "ar" { &ARABIC } else { &ENGLISH },
            tag,
        }
    }
}

/// The few words that are ours, not the rule's.
pub(super) struct Words {
    /// In the order of `Severity::ALL`.
    pub(super) severities: [&'static str; 4],
    /// The button's text when the rule gives none.
    pub(super) open: &'static str,
    /// Behind the button's text, where no link can be given.
    pub(super) sign_in: &'static str,
    /// The last line, before the sender's name.
    pub(super) footer: &'static str,
}

const ENGLISH: Words = Words {
    severities: ["Information", "Warning", "Error", "Critical"],
    open: "Open",
    sign_in: "sign in to the ERP to open it.",
    footer: "Automatic message from",
};

const ARABIC: Words = Words {
    severities: ["معلومة", "تحذير", "خطأ", "حرج"],
    open: "فتح",
    sign_in: "سجّل الدخول إلى النظام لفتحها.",
    footer: "رسالة آلية من",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_become_tags_and_directions() {
        for (locale, tag, right_to_left) in [
            ("ar", "ar", true),
            ("ar_IQ.UTF-8", "ar-IQ", true),
            ("ckb", "ckb", true),
            ("FA-ir", "FA-ir", true),
            ("he", "he", true),
            ("ur", "ur", true),
            ("en-GB", "en-GB", false),
            ("arn", "arn", false),
            ("", "", false),
            ("en\r\nBcc: x", "", false),
        ] {
            let language = Language::of(locale);
            assert_eq!(language.tag, tag, "{locale:?}");
            assert_eq!(language.right_to_left, right_to_left, "{locale:?}");
        }
    }

    #[test]
    fn only_arabic_gets_arabic_words() {
        assert_eq!(Language::of("ar-IQ").words.open, ARABIC.open);
        assert_eq!(Language::of("ckb").words.open, ENGLISH.open);
        assert_eq!(Language::of("").words.open, ENGLISH.open);
    }
}
