//! The reference in `README.md` is true: its examples do what they say, its limits are the code's.

use serde_json::json;

use super::*;
use crate::rules::definition::{LATER, all_keys};
use crate::rules::{helpers, limits, operators};

const README: &str = include_str!("../README.md");

/// What stands between the lines of a fenced block.
fn block(language: &str) -> &'static str {
    let start = format!("```{language}\n");
    let rest = &README[README.find(&start).unwrap() + start.len()..];
    &rest[..rest.find("```").unwrap()]
}

#[test]
fn the_condition_of_the_reference_matches() {
    let row = RuleRow {
        conditions: Some(block("json conditions").to_owned()),
        ..row(r#"{"title": "t"}"#)
    };
    let (set, faults) = RuleSet::compile(&[row]);
    assert_eq!(faults, []);
    let event = event("invoice.overdue", PAYLOAD);
    let context = EventContext::new(&event).unwrap();
    let (matches, warnings) = set.evaluate(&context, now(), &mut |_, _| {});
    assert_eq!((matches.len(), warnings.len()), (1, 0));
}

#[test]
fn the_template_of_the_reference_renders_in_both_languages() {
    let rule = compiled(&row(block("json template")));
    let event = event("invoice.overdue", PAYLOAD);
    let mut context = EventContext::new(&event).unwrap();
    let mut warnings = Vec::new();
    let english = rule
        .render(&mut context, &reader("en"), &mut warnings)
        .unwrap();
    assert_eq!(
        english.body,
        "Al-Rafidain & Sons owes 1,251 IQD since Thursday, 5 March 2026 (12 days)."
    );
    assert_eq!(
        english.email_html.unwrap(),
        "<p>Dear علي, Al-Rafidain &amp; Sons is 12 days late.</p><ul><li>0: Rice, 3 (IQD)</li><li>1: Tea, 11 (IQD)</li></ul>"
    );
    let arabic = rule
        .render(&mut context, &reader("ar-IQ"), &mut warnings)
        .unwrap();
    assert_eq!(arabic.title, "الفاتورة INV-2026-007 متأخرة");
    assert_eq!(
        arabic.body,
        "على Al-Rafidain & Sons مبلغ \u{2068}1,251 د.ع\u{2069} منذ 5 آذار 2026 (12 يوماً)."
    );
    assert_eq!(warnings, []);
}

#[test]
fn every_helper_does_what_the_table_says() {
    let payload = README
        .split("time zone. On\n`")
        .nth(1)
        .unwrap()
        .split('`')
        .next()
        .unwrap();
    let event = event("invoice.overdue", payload);
    let mut seen = Vec::new();
    let rows = README.lines().filter(|l| l.starts_with("| `{{"));
    for line in rows {
        let cells: Vec<&str> = line.split('`').collect();
        let (source, english, arabic) = (cells[1], cells[3], cells[5]);
        let rule = compiled(&row(&json!({"title": source}).to_string()));
        for (locale, expected) in [("en", english), ("ar", arabic)] {
            let mut context = EventContext::new(&event).unwrap();
            let mut warnings = Vec::new();
            let texts = rule
                .render(&mut context, &reader(locale), &mut warnings)
                .unwrap();
            assert_eq!(
                (texts.title.as_str(), &warnings[..]),
                (expected, &[][..]),
                "{source} in {locale}"
            );
        }
        seen.push(source);
    }
    assert!(seen.len() >= 20, "the table of helpers is gone");
}

#[test]
fn keys_operators_and_helpers_are_all_in_the_reference() {
    for key in all_keys() {
        assert!(README.contains(&format!("| `{key}` |")), "{key}");
    }
    for word in LATER.into_iter().chain(operators::OPERATORS) {
        assert!(README.contains(&format!("`{word}`")), "{word}");
    }
    for helper in helpers::NAMES {
        assert!(README.contains(helper), "{helper}");
    }
    for field in crate::rules::facts::EVENT_FIELDS {
        assert!(README.contains(&format!("`{field}`")), "{field}");
    }
}

#[test]
fn the_limits_of_the_reference_are_the_codes() {
    let line = |begins: &str| {
        README
            .lines()
            .find(|l| l.starts_with(&format!("| {begins}")))
            .unwrap_or_default()
            .to_owned()
    };
    let numbers = |text: String| -> Vec<usize> {
        text.split(|c: char| !c.is_ascii_digit())
            .filter_map(|n| n.parse().ok())
            .collect()
    };
    for (begins, expected) in [
        (
            "a condition |",
            vec![
                limits::CONDITION_BYTES,
                limits::CONDITION_DEPTH,
                limits::CONDITION_NESTING,
            ],
        ),
        (
            "the payload's longest",
            vec![limits::ARRAY_ONE_LEVEL, limits::ARRAY_TWO_LEVELS],
        ),
        ("memory of", vec![limits::CONDITION_MEMORY]),
        (
            "a text of a template",
            vec![
                limits::TEMPLATE_BYTES,
                limits::BLOCK_DEPTH,
                limits::CHAIN,
                limits::BRACKET_DEPTH,
            ],
        ),
        (
            "rounds of all loops",
            vec![limits::ITERATIONS, limits::STEPS],
        ),
        ("title, subject", vec![limits::TITLE_CHARS]),
        ("body, SMS", vec![limits::BODY_CHARS]),
        ("HTML as", vec![limits::HTML_BYTES]),
        ("URL as", vec![limits::URL_BYTES]),
        (
            "roles, people",
            vec![
                limits::ROLES,
                limits::USERS,
                limits::BRANCHES,
                limits::FIELDS,
            ],
        ),
        ("steps of", vec![limits::ESCALATIONS, limits::RESOLVES]),
        ("a dedupe,", vec![limits::KEY_CHARS]),
        ("people told", vec![limits::AT_ONCE, limits::NAMED]),
        ("languages of", vec![limits::LANGUAGES]),
    ] {
        assert_eq!(numbers(line(begins)), expected, "{begins}");
    }
    assert!(README.contains(&format!("at most {} an event", limits::WARNINGS)));
}
