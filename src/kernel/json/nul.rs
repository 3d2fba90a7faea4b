//! NUL, which JSON can write and PostgreSQL can't hold. Pure.

use std::borrow::Cow;

/// JSON text without the characters U+0000 in its strings. An escaped backslash before `u0000` is no such character.
#[must_use]
pub fn without_nul(json: &str) -> Cow<'_, str> {
    const NUL: &str = "\\u0000";
    if !json.contains(NUL) {
        return Cow::Borrowed(json);
    }
    let (mut out, mut rest) = (String::with_capacity(json.len()), json);
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = &rest[at..];
        if let Some(after) = escape.strip_prefix(NUL) {
            rest = after;
            continue;
        }
        // Whatever is escaped, a backslash too, goes with its sign.
        let end = escape
            .char_indices()
            .nth(2)
            .map_or(escape.len(), |(end, _)| end);
        out.push_str(&escape[..end]);
        rest = &escape[end..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_character_goes_and_the_six_characters_stay() {
        let json = |text: &str| serde_json::to_string(text).unwrap();
        assert_eq!(without_nul(&json("a\0b\0")), json("ab"));
        assert_eq!(without_nul(&json("q\\u0000z")), json("q\\u0000z"));
        assert_eq!(without_nul(&json("\\\0\"\\")), json("\\\"\\"));
        assert_eq!(without_nul("{}"), "{}");
    }
}
