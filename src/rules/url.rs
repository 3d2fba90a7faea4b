//! Where a notification's button leads: relative or http(s), nothing else, decided when the rule is compiled as far as
//! its text allows and again when the variables are in. Comes from `definition` and `text`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

use crate::rules::template::{Node, Template};

/// What is encoded of a variable: everything that could mean something in a path, a query or a scheme.
pub(crate) const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Whether a finished URL may be given to a reader.
pub(crate) fn is_safe(url: &str) -> bool {
    if url
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
    {
        return false;
    }
    if let Some(rest) = url.strip_prefix('/') {
        return !rest.starts_with('/');
    }
    let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
    let rest = if lower.starts_with("https://") {
        url.get(8..)
    } else if lower.starts_with("http://") {
        url.get(7..)
    } else {
        None
    };
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '[' || c == '%'))
}

/// Whether what a template begins with can still become a safe URL.
pub(crate) fn may_begin(template: &Template) -> bool {
    let Some(start) = template.beginning() else {
        return !template.nodes.is_empty();
    };
    let start = start.trim_start();
    if start.is_empty() {
        return template.nodes.len() > 1;
    }
    let whole = template
        .nodes
        .iter()
        .all(|node| matches!(node, Node::Text(_)));
    if whole {
        return is_safe(start.trim_end());
    }
    let lower = start.to_ascii_lowercase();
    let scheme = |s: &str| lower.starts_with(s) || s.starts_with(&lower);
    (start.starts_with('/') && !start.starts_with("//") && !start.starts_with("/\\"))
        || scheme("https://")
        || scheme("http://")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::lower::compile;

    #[test]
    fn only_relative_and_http_urls_are_safe() {
        for url in [
            "/",
            "/invoices/7?a=b#c",
            "https://erp.example/x",
            "HTTP://a",
            "http://[::1]/",
        ] {
            assert!(is_safe(url), "{url}");
        }
        for url in [
            "",
            "//evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "http:/x",
            "https://",
            "https:///x",
            "ftp://x",
            "invoices/7",
            "/a b",
            "/a\nb",
            "\u{1}/x",
            "mailto:a@b.c",
        ] {
            assert!(!is_safe(url), "{url}");
        }
    }

    #[test]
    fn a_template_that_can_only_become_something_else_is_known_beforehand() {
        let begins = |source: &str| may_begin(&compile(source, true).unwrap());
        for source in [
            "/invoices/{{id}}",
            "https://{{host}}/x",
            "{{#if a}}/a{{else}}/b{{/if}}",
            "http{{s}}://x",
            "/x",
        ] {
            assert!(begins(source), "{source}");
        }
        for source in [
            "javascript:{{x}}",
            "data:{{x}}",
            "//{{x}}",
            "invoices/{{id}}",
            "",
            "/\\\\{{x}}",
            "http:x",
        ] {
            assert!(!begins(source), "{source}");
        }
    }
}
