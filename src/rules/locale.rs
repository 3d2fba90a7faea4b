//! Languages as tags: what is one, which of a text's languages a reader gets, and in which the helpers of that text speak.
//! Comes from templates and readers, goes to `text` and `write`. What is known of a language is in `language`.

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

/// A tag's first word.
fn language(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or_default()
}

/// Whether two tags are the same, without making new texts of them: this is asked for every text of every reader.
fn same(a: &str, b: &str) -> bool {
    let fold = |byte: u8| {
        if byte == b'_' {
            b'-'
        } else {
            byte.to_ascii_lowercase()
        }
    };
    a.len() == b.len() && a.bytes().zip(b.bytes()).all(|(a, b)| fold(a) == fold(b))
}

/// The tag helpers go by: the reader's own where it is of the text's language or the text has none, else the text's.
pub(crate) fn spoken<'t>(text: Option<&'t str>, reader: &'t str) -> &'t str {
    match text {
        Some(text) if !same(language(text), language(reader.trim())) => text,
        _ => reader,
    }
}

/// Which of a text's languages a reader gets: their own tag, else it shortened from its end, else another variety of their
/// language, else English, else the first. `None` only when there is none at all.
pub(crate) fn choose<'t>(
    tags: impl Iterator<Item = &'t str> + Clone,
    locale: &str,
) -> Option<usize> {
    let wanted = locale.trim();
    let find = |test: &dyn Fn(&str) -> bool| tags.clone().position(test);
    // `ku-Arab-IQ`, `ku-Arab`, `ku`.
    let mut shorter = Some(wanted);
    std::iter::from_fn(|| {
        let tag = shorter?;
        shorter = tag.rsplit_once(['-', '_']).map(|(head, _)| head);
        Some(tag)
    })
    .find_map(|wanted| find(&|tag| same(tag, wanted)))
    .or_else(|| find(&|tag| same(language(tag), language(wanted))))
    .or_else(|| find(&|tag| same(tag, "en")))
    .or_else(|| find(&|tag| same(language(tag), "en")))
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
        assert_eq!(chosen(&["ku", "ku-Arab"], "ku-Arab-IQ"), Some("ku-Arab"));
        assert_eq!(chosen(&["ar", "en"], "ckb"), Some("en"));
        assert_eq!(chosen(&["ar", "ckb"], "tr"), Some("ar"));
        assert_eq!(chosen(&["ar"], ""), Some("ar"));
        assert_eq!(chosen(&[], "en"), None);
    }

    #[test]
    fn helpers_speak_the_readers_variety_of_the_texts_language() {
        for (text, reader, expected) in [
            (Some("ar"), "ar-IQ", "ar-IQ"),
            (Some("ar_EG"), "AR", "AR"),
            (Some("en"), "ar-IQ", "en"),
            (Some("en"), "en_US", "en_US"),
            (None, "ckb", "ckb"),
        ] {
            assert_eq!(spoken(text, reader), expected, "{text:?} for {reader}");
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
