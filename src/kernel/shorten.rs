//! Texts cut to a length as a reader would cut them: between what is seen as one character, never inside a direction isolate
//! (half a number says another number), with a sign that something is missing. Pure.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

/// Opens an isolate: U+2066, U+2067, U+2068.
fn opens(c: char) -> bool {
    matches!(c, '\u{2066}'..='\u{2068}')
}

/// Closes it.
const CLOSE: char = '\u{2069}';

/// The text if it costs at most `room`, else as much of its beginning as leaves room for `sign`, and `sign`. `cost` says
/// what a character costs.
#[must_use]
pub fn shorten<'t>(
    text: &'t str,
    room: usize,
    sign: &str,
    cost: impl Fn(char) -> usize,
) -> Cow<'t, str> {
    if text.chars().map(&cost).sum::<usize>() <= room {
        return Cow::Borrowed(text);
    }
    Cow::Owned(cut(text, room, sign, cost))
}

/// As `shorten`, of a text that is known to go on.
#[must_use]
pub fn cut(text: &str, room: usize, sign: &str, cost: impl Fn(char) -> usize) -> String {
    let of = |part: &str| part.chars().map(&cost).sum::<usize>();
    let room = room.saturating_sub(of(sign));
    let (mut spent, mut depth) = (0, 0_usize);
    // Where it may end: behind the last whole character that is in no isolate, and behind the last at all.
    let (mut outside, mut anywhere) = (0, 0);
    for (at, seen) in text.grapheme_indices(true) {
        spent += of(seen);
        if spent > room {
            break;
        }
        for c in seen.chars() {
            if opens(c) {
                depth += 1;
            } else if c == CLOSE {
                depth = depth.saturating_sub(1);
            }
        }
        anywhere = at + seen.len();
        if depth == 0 {
            outside = anywhere;
        }
    }
    let mut kept = match (outside, anywhere) {
        // One character that is seen as one, and is longer than all there is room for.
        (0, 0) => return within(text, room, &cost) + sign,
        // All of it is one isolate: some of it says more than nothing.
        (0, end) => within(&text[..end], room, &cost),
        (end, _) => text[..end].to_owned(),
    };
    kept.truncate(kept.trim_end().len());
    kept.push_str(sign);
    kept
}

/// As many characters as there is room for, whatever they are seen as, without isolates: the last may not be closed.
fn within(text: &str, room: usize, cost: &impl Fn(char) -> usize) -> String {
    let mut spent = 0;
    text.chars()
        .take_while(|c| {
            spent += cost(*c);
            spent <= room
        })
        .filter(|c| !opens(*c) && *c != CLOSE)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by_chars(text: &str, room: usize) -> String {
        shorten(text, room, "…", |_| 1).into_owned()
    }

    #[test]
    fn what_fits_is_left_alone_and_what_does_not_says_so() {
        assert_eq!(by_chars("abc", 3), "abc");
        assert_eq!(by_chars("abcd", 3), "ab…");
        assert_eq!(by_chars("ab cd", 4), "ab…");
        assert_eq!(by_chars("", 0), "");
        assert_eq!(by_chars("abc", 1), "…");
    }

    #[test]
    fn what_is_seen_as_one_character_stays_whole() {
        // A family of four, a letter with its accent, an Arabic letter with its vowel.
        assert_eq!(by_chars("x👨‍👩‍👧‍👦y", 5), "x…");
        assert_eq!(by_chars("ae\u{301}z", 3), "a…");
        assert_eq!(by_chars("غد\u{64b}ا و", 3), "غ…");
        assert_eq!(by_chars("a\r\nb", 3), "a…");
        let utf16 = shorten("a😀b", 3, "…", char::len_utf16);
        assert_eq!(utf16, "a…");
    }

    #[test]
    fn an_isolate_is_kept_whole_or_left_out() {
        assert_eq!(
            by_chars("الفاتورة \u{2068}INV-7\u{2069} متأخرة", 14),
            "الفاتورة…"
        );
        assert_eq!(
            by_chars("الفاتورة \u{2068}INV-7\u{2069} متأخرة", 18),
            "الفاتورة \u{2068}INV-7\u{2069}…"
        );
        assert_eq!(by_chars("\u{2068}1,250.50\u{2069}", 6), "1,25…");
    }

    proptest! {
        #[test]
        fn nothing_gets_longer_than_its_room_and_isolates_stay_closed(
            text in "[ab é👍\u{301}\u{200d}\u{2068}\u{2069}\u{2067}س\n]{0,30}", room in 1usize..20,
        ) {
            let short = shorten(&text, room, "…", char::len_utf16);
            prop_assert!(short.encode_utf16().count() <= room);
            if short != text {
                let mut depth = 0_i32;
                for c in short.chars() {
                    depth += i32::from(opens(c)) - i32::from(c == CLOSE);
                }
                prop_assert!(depth <= 0, "{short:?}");
            }
        }
    }
}
