//! Bad input meets a bound, and the bound says where: what the other files of this folder don't show already.

use serde_json::{Value, json};

use super::*;
use crate::rules::limits;

fn template_fault(template: &Value) -> (String, String) {
    let fault = fault(&row(&template.to_string()));
    let place = fault.place.replace("/notification_template", "");
    (place, fault.detail)
}

fn condition_fault(condition: &str) -> (String, String) {
    let fault = fault(&RuleRow {
        conditions: Some(condition.to_owned()),
        ..row(r#"{"title": "t"}"#)
    });
    (fault.place, fault.detail)
}

/// A text's rendering on a payload: its body or the warning that ended it, and what was noted.
fn body_on(source: &str, payload: &str) -> (Result<String, Warning>, Vec<Warning>) {
    let rule = compiled(&row(&json!({"title": "t", "body": source}).to_string()));
    let event = event("invoice.overdue", payload);
    let mut context = EventContext::new(&event).unwrap();
    let mut warnings = Vec::new();
    let texts = rule.render(&mut context, &reader("en"), &mut warnings);
    (texts.map(|texts| texts.body), warnings)
}

#[test]
fn a_template_has_a_size() {
    let comment = "x".repeat(limits::RULE_BYTES);
    let (place, detail) = template_fault(&json!({"title": "t", "$comment": comment}));
    assert_eq!(place, "");
    assert!(detail.contains("longer than 1048576 bytes"), "{detail}");
}

#[test]
fn lists_of_a_template_end_somewhere() {
    let many = |n: usize| (0..n).map(|i| format!("p{i}")).collect::<Vec<_>>();
    for (key, most) in [
        ("recipient_roles", limits::ROLES),
        ("recipient_users", limits::USERS),
        ("recipient_branches", limits::BRANCHES),
        ("recipient_fields", limits::FIELDS),
    ] {
        let (place, detail) = template_fault(&json!({"title": "t", key: many(most + 1)}));
        assert_eq!(place, format!("/{key}"));
        assert!(detail.contains(&format!("more than {most}")), "{detail}");
        compiled(&row(&json!({"title": "t", key: many(most)}).to_string()));
    }
    let languages: serde_json::Map<_, _> = (0..=limits::LANGUAGES)
        .map(|i| (format!("en-x-{i}"), json!("t")))
        .collect();
    let (place, detail) = template_fault(&json!({"title": languages}));
    assert_eq!(place, "/title");
    assert!(detail.contains("more than 32 languages"), "{detail}");
}

#[test]
fn words_of_a_template_end_somewhere() {
    let long = |n: usize| "x".repeat(n);
    for (template, place, word) in [
        (
            json!({"title": "t", "recipient_roles": ["a", long(limits::ID_CHARS + 1)]}),
            "/recipient_roles/1",
            "1 to 128 characters",
        ),
        (
            json!({"title": "t", "category": long(limits::CATEGORY_CHARS + 1)}),
            "/category",
            "at most 64 characters",
        ),
        (
            json!({"title": "{{number amount decimals=11}}"}),
            "/title line 1 column 1",
            "0 to 10",
        ),
    ] {
        let (at, detail) = template_fault(&template);
        assert_eq!(at, place);
        assert!(detail.contains(word), "{detail}");
    }
    // Nor does looking for the word that was meant take longer with the word.
    let (place, detail) = template_fault(&json!({"title": "t", long(900_000): 1}));
    assert!(place.len() > 900_000 && detail.starts_with("there is no key"));
}

#[test]
fn templates_nest_and_branch_only_so_far_and_say_where_it_was_too_much() {
    for (source, place, word) in [
        (
            format!("{}{}", "{{#if a}}".repeat(9), "{{/if}}".repeat(9)),
            "line 1 column 73",
            "more than 8 blocks",
        ),
        (
            format!("{{{{#if a}}}}{}{{{{/if}}}}", "{{else if b}}x".repeat(33)),
            "line 1 column",
            "more than 32 `else if`s",
        ),
        (
            "{{#if a}}{{else}}{{/if}}".repeat(limits::ELSES + 1),
            "line 1 column 4810",
            "more than 200 `else`s",
        ),
        (
            format!("x\n{{{{upper {}a{}}}}}", "(not ".repeat(9), ")".repeat(9)),
            "line 2 column",
            "more than 8 brackets",
        ),
        (
            "x".repeat(limits::TEMPLATE_BYTES + 1),
            "line 1 column 1",
            "longer than 32768 bytes",
        ),
    ] {
        let (at, detail) = template_fault(&json!({"title": "t", "body": {"ar": source}}));
        assert!(
            at.starts_with(&format!("/body/ar {place}")),
            "{at}: {detail}"
        );
        assert!(detail.contains(word), "{at}: {detail}");
    }
}

#[test]
fn nothing_in_a_template_calls_itself_and_nothing_searches_by_pattern() {
    for source in [
        "{{> body}}",
        "{{#> layout}}x{{/layout}}",
        "{{#*inline \"a\"}}{{> a}}{{/inline}}",
        "{{matches name \"(a+)+$\"}}",
        "{{regex name}}",
        "{{replace name \"a\" \"b\"}}",
    ] {
        let (place, detail) = template_fault(&json!({"title": source}));
        assert_eq!(place, "/title line 1 column 1", "{source}");
        assert!(
            detail.contains("aren't offered") || detail.contains("no helper"),
            "{source}: {detail}"
        );
    }
    for condition in [
        r#"{"match": [{"var": "payload.a"}, "(a+)+$"]}"#,
        r#"{"regex": ["(a+)+$"]}"#,
        r#"{"split": [{"var": "payload.a"}, "x"]}"#,
        r#"{"try": [1]}"#,
        r#"{"throw": [1]}"#,
        r#"{"log": [1]}"#,
    ] {
        let (place, detail) = condition_fault(condition);
        assert!(place.starts_with("/conditions/"), "{condition}: {place}");
        assert!(
            detail.contains("there is no operator"),
            "{condition}: {detail}"
        );
    }
}

#[test]
fn conditions_that_iterate_twice_hold_no_long_lists_and_merge_nothing() {
    let twice = |inner: &str| {
        format!(
            r#"{{"some": [{{"var": "payload.l"}}, {{"some": [{{"val": [[2], "payload", "l"]}}, {inner}]}}]}}"#
        )
    };
    let list = vec!["1"; limits::ARRAY_TWO_LEVELS + 1].join(",");
    for inner in [
        format!(r#"{{"in": [1, [{list}]]}}"#),
        r#"{"merge": [1, 2]}"#.to_owned(),
    ] {
        let (place, detail) = condition_fault(&twice(&inner));
        assert_eq!(place, "/conditions");
        assert!(detail.contains("at most 1000 items"), "{detail}");
    }
}

#[test]
fn json_that_is_nested_without_end_is_no_json() {
    let nested = "[".repeat(limits::CONDITION_BYTES / 2) + &"]".repeat(limits::CONDITION_BYTES / 2);
    let (place, detail) = condition_fault(&nested);
    assert_eq!(place, "/conditions");
    assert!(detail.contains("no JSON"), "{detail}");
    let fault = fault(&row(&format!(
        r#"{{"title": {}1{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    )));
    assert_eq!(fault.place, "/notification_template");
    assert!(fault.detail.contains("no JSON"), "{}", fault.detail);
}

#[test]
fn a_list_costs_a_step_an_item_however_it_is_written() {
    let payload = format!(
        r#"{{"l": [{}]}}"#,
        vec!["\"\""; limits::STEPS + 1].join(",")
    );
    for source in ["{{l}}", "{{join l}}", "{{join l style=\"and\"}}"] {
        let (text, _) = body_on(source, &payload);
        let warning = text.unwrap_err();
        assert_eq!(warning.kind, "render_failed", "{source}");
        assert!(
            warning.detail.contains("more than 200000 steps"),
            "{source}"
        );
    }
}

#[test]
fn output_without_end_stops_at_its_limit() {
    let payload = format!(r#"{{"l": [{}]}}"#, vec!["1"; 5_000].join(","));
    let (text, warnings) = body_on("{{#each l}}0123456789{{/each}}", &payload);
    assert_eq!(text.unwrap().chars().count(), limits::BODY_CHARS);
    assert_eq!(warnings[0].kind, "too_large");
    assert!(warnings[0].detail.contains("10000 characters"));
}

#[test]
fn numbers_too_long_to_work_on_are_printed_as_they_are() {
    let long = "9".repeat(limits::NUMBER_CHARS + 1);
    for number in [long.as_str(), "1e61", "-1e-61"] {
        let (text, warnings) = body_on("{{number n}}", &format!(r#"{{"n": {number}}}"#));
        assert_eq!(text.unwrap(), number);
        assert_eq!(warnings[0].kind, "type_error");
    }
}

#[test]
fn warnings_of_an_event_end_somewhere() {
    let holes: String = (0..2 * limits::WARNINGS)
        .map(|i| format!("{{{{gone{i}}}}}"))
        .collect();
    let (_, warnings) = body_on(&holes, "{}");
    assert_eq!(warnings.len(), limits::WARNINGS);
}
