//! Values of one direction inside texts of the other: a Latin invoice number in an Arabic sentence, an Arabic name in an
//! English one. What could pull its neighbours out of order is wrapped in isolates (U+2068 … U+2069). Used by `render`,
//! `calls` and `setting`.
//!
//! The characters, not HTML's `<bdi>`: they mean the same in a title, in a subject and in a mail, stand in every element
//! (also in `<title>`), and outlive programs that throw away elements they don't know.

use std::borrow::Cow;

use icu_properties::CodePointMapData;
use icu_properties::props::BidiClass;

const OPEN: char = '\u{2068}';
const CLOSE: char = '\u{2069}';

/// Which way a text runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// As English.
    LeftToRight,
    /// As Arabic.
    RightToLeft,
}

/// What a character means for the direction of what stands around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pull {
    Letter(Direction),
    /// Arabic-Indic ones run to the left in any company.
    ArabicDigit,
    Digit,
    None,
}

fn pull(c: char) -> Pull {
    match c {
        'a'..='z' | 'A'..='Z' => return Pull::Letter(Direction::LeftToRight),
        '0'..='9' => return Pull::Digit,
        '\0'..='\x7f' => return Pull::None,
        _ => {}
    }
    match CodePointMapData::<BidiClass>::new().get(c) {
        BidiClass::LeftToRight => Pull::Letter(Direction::LeftToRight),
        BidiClass::RightToLeft | BidiClass::ArabicLetter => Pull::Letter(Direction::RightToLeft),
        BidiClass::ArabicNumber => Pull::ArabicDigit,
        BidiClass::EuropeanNumber => Pull::Digit,
        _ => Pull::None,
    }
}

/// The direction of a text's first letter; `None` without any.
pub(crate) fn leaning(text: &str) -> Option<Direction> {
    text.chars().find_map(|c| match pull(c) {
        Pull::Letter(direction) => Some(direction),
        _ => None,
    })
}

/// A value, isolated where it needs it: in a text from left to right, what holds letters of the other direction; in one
/// from right to left, what holds letters of the other, and what has no letters but digits with something between them
/// (`2026-03-05`, `0770 123`). Bare digits stay in place by themselves.
pub(crate) fn isolated(value: Cow<'_, str>, around: Direction) -> Cow<'_, str> {
    if needs(&value, around) {
        Cow::Owned(wrapped(&value))
    } else {
        value
    }
}

/// A figure a helper has written: as `isolated`, and from right to left whatever isn't bare digits, so that its sign and its
/// currency stay with it.
pub(crate) fn figure(text: String, around: Direction) -> String {
    let bare = || text.bytes().all(|b| b.is_ascii_digit());
    if needs(&text, around) || (around == Direction::RightToLeft && !bare()) {
        wrapped(&text)
    } else {
        text
    }
}

/// Without what could steer the direction of the text around it: a payload's own embeddings and overrides, and isolates that
/// aren't closed. Closed ones are somebody's own isolates (a text of ours that is quoted in another).
pub(crate) fn disarmed(value: &str) -> Cow<'_, str> {
    if value.is_ascii() || !value.contains(steers) {
        return Cow::Borrowed(value);
    }
    let mut depth = 0_usize;
    let closed = value.chars().all(|c| {
        match c {
            '\u{2066}'..=OPEN => depth += 1,
            CLOSE if depth == 0 => return false,
            CLOSE => depth -= 1,
            _ => {}
        }
        true
    });
    if closed && depth == 0 {
        Cow::Owned(value.replace(|c: char| matches!(c, '\u{202a}'..='\u{202e}'), ""))
    } else {
        Cow::Owned(value.replace(steers, ""))
    }
}

/// Without any isolate, embedding or override.
pub(crate) fn stripped(value: &str) -> Cow<'_, str> {
    if value.is_ascii() || !value.contains(steers) {
        return Cow::Borrowed(value);
    }
    Cow::Owned(value.replace(steers, ""))
}

fn steers(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..=CLOSE)
}

fn needs(value: &str, around: Direction) -> bool {
    if around == Direction::LeftToRight && value.is_ascii() {
        return false;
    }
    let (mut same, mut digits, mut signs) = (false, false, false);
    let mut depth = 0_usize;
    for c in value.chars() {
        match c {
            '\u{2066}'..=OPEN => depth += 1,
            CLOSE => depth = depth.saturating_sub(1),
            // What is isolated already pulls nothing.
            _ if depth > 0 => {}
            _ => match pull(c) {
                Pull::Letter(direction) if direction == around => same = true,
                Pull::Letter(_) => return true,
                Pull::ArabicDigit if around == Direction::LeftToRight => return true,
                Pull::ArabicDigit | Pull::Digit => digits = true,
                Pull::None => signs = true,
            },
        }
    }
    around == Direction::RightToLeft && digits && signs && !same
}

fn wrapped(text: &str) -> String {
    let mut wrapped = String::with_capacity(text.len() + 6);
    wrapped.push(OPEN);
    wrapped.push_str(text);
    wrapped.push(CLOSE);
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{LeftToRight, RightToLeft};

    #[test]
    fn what_pulls_another_way_is_isolated_and_nothing_else() {
        for (value, in_arabic, in_english) in [
            ("INV-2026-007", true, false),
            ("Al-Rafidain & Sons", true, false),
            ("شركة النهرين", false, true),
            ("شركة ABC", true, true),
            ("شركة 24/7", false, true),
            ("12", false, false),
            ("0770 123 4567", true, false),
            ("2026-03-05", true, false),
            ("-7", true, false),
            ("+964 770", true, false),
            ("٢٠٢٦", false, true),
            ("", false, false),
            ("…", false, false),
            ("שלום", false, true),
            ("Ürün", true, false),
            ("فاتورة \u{2068}INV-7\u{2069}", false, true),
        ] {
            for (around, expected) in [(RightToLeft, in_arabic), (LeftToRight, in_english)] {
                let isolated = isolated(Cow::Borrowed(value), around);
                assert_eq!(isolated != value, expected, "{value} in {around:?}");
                assert!(!expected || isolated == wrapped(value), "{isolated}");
            }
        }
    }

    #[test]
    fn a_value_cannot_steer_the_text_around_it() {
        assert_eq!(disarmed("\u{202e}abc\u{2069}\u{2068}"), "abc");
        assert_eq!(disarmed("\u{202e}a\u{2068}b\u{2069}"), "a\u{2068}b\u{2069}");
        assert_eq!(stripped("\u{202e}a\u{2068}b\u{2069}"), "ab");
        assert_eq!(disarmed("a\u{200f}b"), "a\u{200f}b");
        assert!(matches!(disarmed("علي"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_text_leans_the_way_of_its_first_letter() {
        assert_eq!(leaning("… 12 فاتورة INV"), Some(RightToLeft));
        assert_eq!(leaning("(a) ب"), Some(LeftToRight));
        assert_eq!(leaning("12 — %"), None);
    }
}
