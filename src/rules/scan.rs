//! A look at a template before it is parsed: what the parser would recurse into too deep, and what isn't offered, is
//! refused here, with its line and column. Comes from `text`, goes to `lower`.
//!
//! The parser is recursive: a few hundred brackets within brackets would overflow a thread's stack and end the process.

use crate::rules::limits;

/// A fault and its line and column, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// The line.
    pub(crate) line: usize,
    /// The column, in characters.
    pub(crate) column: usize,
    /// One sentence.
    pub(crate) detail: String,
}

/// Checks nesting and brackets of a template's source.
pub(crate) fn scan(source: &str) -> Result<(), Flaw> {
    if source.len() > limits::TEMPLATE_BYTES {
        return Err(flaw(
            source,
            0,
            format!("the text is longer than {} bytes", limits::TEMPLATE_BYTES),
        ));
    }
    let (mut blocks, mut elses, mut at) = (0usize, 0usize, 0usize);
    while let Some(found) = source[at..].find("{{").map(|i| i + at) {
        let backslashes = source[at..found]
            .bytes()
            .rev()
            .take_while(|b| *b == b'\\')
            .count();
        if backslashes == 1 {
            let rest = &source[found + 2..];
            at = found + if rest.starts_with("{{") { 4 } else { 2 };
            continue;
        }
        let inside =
            source[found + 2..].trim_start_matches(|c: char| c == '~' || c.is_ascii_whitespace());
        if source[found..].starts_with("{{{{") {
            return Err(flaw(
                source,
                found,
                "raw blocks (`{{{{…}}}}`) aren't offered".to_owned(),
            ));
        }
        if source[found..].starts_with("{{!") {
            at = comment_end(source, found)?;
            continue;
        }
        if inside.starts_with('#') {
            blocks += 1;
            if blocks > limits::BLOCK_DEPTH {
                return Err(flaw(
                    source,
                    found,
                    format!(
                        "more than {} blocks within one another",
                        limits::BLOCK_DEPTH
                    ),
                ));
            }
        } else if inside.starts_with('/') {
            blocks = blocks.saturating_sub(1);
        } else if inside.starts_with("else") || inside.starts_with('^') {
            elses += 1;
            if elses > limits::ELSES {
                return Err(flaw(
                    source,
                    found,
                    format!("more than {} `else`s", limits::ELSES),
                ));
            }
        }
        at = tag_end(source, found)?;
    }
    Ok(())
}

/// Where the tag that begins at `start` ends.
fn tag_end(source: &str, start: usize) -> Result<usize, Flaw> {
    let bytes = source.as_bytes();
    let mut at = start + 2;
    // `{{{`, also as `{{~{`
    while at < bytes.len() && matches!(bytes[at], b'~' | b'{' | b'&') {
        at += 1;
    }
    let mut depth = 0usize;
    while at < bytes.len() {
        match bytes[at] {
            b'}' if bytes.get(at + 1) == Some(&b'}') => {
                let triple = bytes.get(at + 2) == Some(&b'}');
                return Ok(at + if triple { 3 } else { 2 });
            }
            quote @ (b'"' | b'\'') => {
                at = string_end(bytes, at, quote).ok_or_else(|| {
                    flaw(source, at, "a quote is opened and never closed".to_owned())
                })?
            }
            b'(' => {
                depth += 1;
                if depth > limits::BRACKET_DEPTH {
                    return Err(flaw(
                        source,
                        at,
                        format!(
                            "more than {} brackets within one another",
                            limits::BRACKET_DEPTH
                        ),
                    ));
                }
            }
            b')' => depth = depth.saturating_sub(1),
            b'[' => {
                let end = source[at..].find(']').map(|i| i + at).ok_or_else(|| {
                    flaw(source, at, "a `[` is opened and never closed".to_owned())
                })?;
                if source[at + 1..end].contains(['"', '\'', '[', '{', '}']) {
                    return Err(flaw(
                        source,
                        at,
                        "lists can't be written inside a template".to_owned(),
                    ));
                }
                at = end;
            }
            b'{' => {
                return Err(flaw(
                    source,
                    at,
                    "a `{` doesn't belong inside `{{…}}`".to_owned(),
                ));
            }
            _ => {}
        }
        at += 1;
    }
    Err(flaw(
        source,
        start,
        "`{{` is opened and never closed".to_owned(),
    ))
}

/// The closing quote of a string.
fn string_end(bytes: &[u8], start: usize, quote: u8) -> Option<usize> {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b if b == quote => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

fn comment_end(source: &str, start: usize) -> Result<usize, Flaw> {
    let (close, skip) = if source[start..].starts_with("{{!--") {
        ("--}}", 5)
    } else {
        ("}}", 3)
    };
    source[start + skip..]
        .find(close)
        .map(|i| start + skip + i + close.len())
        .ok_or_else(|| {
            flaw(
                source,
                start,
                "a comment is opened and never closed".to_owned(),
            )
        })
}

/// A fault at a byte of the source.
fn flaw(source: &str, at: usize, detail: String) -> Flaw {
    let before = source.get(..at).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    Flaw {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_passes() {
        for source in [
            "",
            "plain (with brackets (and [more {",
            "{{a}} {{~b.c~}} {{{d}}} {{{{e}}",
            "{{! it's a comment }}{{a}}",
            "{{!-- {{a (b --}}",
            "{{#if (and (eq a \"x}}\") b)}}y{{else}}n{{/if}}",
            "{{a.[some key]}}",
            "\\{{not a tag",
        ] {
            if source.contains("{{{{e") {
                assert!(scan(source).is_err());
            } else {
                assert_eq!(scan(source), Ok(()), "{source}");
            }
        }
    }

    #[test]
    fn what_would_overflow_the_parsers_stack_is_refused_with_its_place() {
        let deep = format!(
            "line one\n{{{{a {}b{}}}}}",
            "(c ".repeat(5_000),
            ")".repeat(5_000)
        );
        let flaw = scan(&deep).unwrap_err();
        assert_eq!((flaw.line, flaw.column), (2, 29));
        assert!(scan(&"{{#if a}}".repeat(3_000)).is_err());
        assert!(scan(&format!("{{{{a {}}}}}", "[".repeat(5_000))).is_err());
        assert!(scan(&"{{else}}".repeat(3_000)).is_err());
        assert!(scan(&"x".repeat(limits::TEMPLATE_BYTES + 1)).is_err());
    }

    #[test]
    fn what_is_never_closed_is_named() {
        for (source, word) in [
            ("{{a", "{{"),
            ("{{a \"b}}", "quote"),
            ("{{a [b}}", "["),
            ("{{! a", "comment"),
        ] {
            assert!(scan(source).unwrap_err().detail.contains(word), "{source}");
        }
    }
}
