//! What is wrong with a rule is found when it is compiled, with its place.

use serde_json::json;

use super::*;
use crate::rules::{check, limits};

pub(super) fn template_fault(template: serde_json::Value) -> (String, String) {
    let fault = fault(&row(&template.to_string()));
    (
        fault.place.replace("/notification_template", ""),
        fault.detail,
    )
}

#[test]
fn keys_are_checked_one_by_one() {
    for (template, place, word) in [
        (json!({}), "/title", "needs a title"),
        (json!({"title": 7}), "/title", "a number"),
        (json!({"title": {}}), "/title", "no language"),
        (
            json!({"title": {"en": "x", "english!": "y"}}),
            "/title/english!",
            "no language",
        ),
        (
            json!({"title": {"ar-IQ": "x", "ar_iq": "y"}}),
            "/title/ar_iq",
            "twice",
        ),
        (json!({"title": {"en": ["x"]}}), "/title/en", "a list"),
        (
            json!({"title": "t", "titel": "x"}),
            "/titel",
            "did you mean `title`?",
        ),
        (
            json!({"title": "t", "recipients_roles": []}),
            "/recipients_roles",
            "did you mean `recipient_roles`?",
        ),
        (
            json!({"title": "t", "severity": "warn"}),
            "/severity",
            "there are info",
        ),
        (
            json!({"title": "t", "category": "two words"}),
            "/category",
            "one word",
        ),
        (
            json!({"title": "t", "channels": "email"}),
            "/channels",
            "must be a list",
        ),
        (
            json!({"title": "t", "channels": []}),
            "/channels",
            "no channel",
        ),
        (
            json!({"title": "t", "channels": ["in_app", "e_mail"]}),
            "/channels/1",
            "did you mean `email`?",
        ),
        (
            json!({"title": "t", "recipient_roles": ["a", {}]}),
            "/recipient_roles/1",
            "an object",
        ),
        (
            json!({"title": "t", "recipient_roles": [""]}),
            "/recipient_roles/0",
            "1 to 128",
        ),
        (
            json!({"title": "t", "recipient_roles": vec!["r"; 51]}),
            "/recipient_roles",
            "more than 50",
        ),
        (
            json!({"title": "t", "recipient_users": [1.5]}),
            "/recipient_users/0",
            "must be a text",
        ),
        (
            json!({"title": "t", "recipient_branches": "all"}),
            "/recipient_branches",
            "\"any\"",
        ),
        (
            json!({"title": "t", "recipient_branches": []}),
            "/recipient_branches",
            "\"any\"",
        ),
        (
            json!({"title": "t", "recipient_fields": ["a..b"]}),
            "/recipient_fields/0",
            "no path",
        ),
        (
            json!({"title": "t", "exclude_actor": "yes"}),
            "/exclude_actor",
            "true or false",
        ),
        (
            json!({"title": "t", "mandatory": 1}),
            "/mandatory",
            "true or false",
        ),
        (
            json!({"title": "t", "on_missing": "crash"}),
            "/on_missing",
            "\"dash\" or \"fail\"",
        ),
        (
            json!({"title": "t", "action_url": "javascript:alert(1)"}),
            "/action_url line 1 column 1",
            "relative",
        ),
        (
            json!({"title": "t", "action_url": {"en": "/a", "ar": "data:{{x}}"}}),
            "/action_url/ar line 1 column 1",
            "relative",
        ),
        (
            json!({"title": "t", "email_html": "{{{x}}}"}),
            "/email_html line 1 column 1",
            "always escaped",
        ),
        (json!([]), "", "a list"),
    ] {
        let (at, detail) = template_fault(template.clone());
        assert_eq!(at, place, "{template}: {detail}");
        assert!(detail.contains(word), "{template}: {detail}");
    }
    for later in crate::rules::definition::LATER {
        let (at, detail) = template_fault(json!({"title": "t", later: 1}));
        assert_eq!(at, format!("/{later}"));
        assert!(detail.contains("yet"), "{detail}");
    }
}

#[test]
pub(super) fn template_faults_have_line_and_column() {
    for (source, at, word) in [
        ("{{a", "line 1 column 1", "never closed"),
        ("one\n  {{#if a}}x", "line 2", "can't be read"),
        (
            "{{#if a}}\n{{/each}}",
            "line 2 column 1",
            "`{{#if}}` is closed by `{{/each}}`",
        ),
        ("x {{a b}}", "line 1 column 3", "no helper `a`"),
        (
            "x\n{{mony amount \"IQD\"}}",
            "line 2 column 1",
            "did you mean `money`?",
        ),
        (
            "{{money amount}}",
            "line 1 column 1",
            "takes 2 values, not 1",
        ),
        (
            "{{number amount decimal=1}}",
            "line 1 column 1",
            "did you mean `decimals`?",
        ),
        ("{{number amount decimals=x}}", "line 1 column 1", "0 to 10"),
        ("{{plural n one=\"x\"}}", "line 1 column 1", "other="),
        (
            "{{date d \"lang\"}}",
            "line 1 column 1",
            "did you mean `long`?",
        ),
        ("{{date d style}}", "line 1 column 1", "format"),
        ("{{> part}}", "line 1 column 1", "partials"),
        (
            "{{#*inline \"x\"}}a{{/inline}}",
            "line 1 column 1",
            "decorators",
        ),
        (
            "{{lookup a b}}",
            "line 1 column 1",
            "`lookup` isn't offered",
        ),
        ("{{log a}}", "line 1 column 1", "`log` isn't offered"),
        ("{{{{raw}}}}x{{{{/raw}}}}", "line 1 column 1", "raw blocks"),
        (
            "{{#lines}}x{{/lines}}",
            "line 1 column 1",
            "{{#each lines}}",
        ),
        ("{{#number a}}x{{/number}}", "line 1 column 1", "no block"),
        ("{{../a}}", "line 1 column 1", "goes up further"),
        ("{{@index}}", "line 1 column 1", "isn't inside"),
        (
            "{{#each a}}{{@idx}}{{/each}}",
            "line 1 column 12",
            "there is no `@idx`",
        ),
        (
            "{{event.branch}}",
            "line 1 column 1",
            "did you mean `branch_id`?",
        ),
        (
            "{{recipient.nam}}",
            "line 1 column 1",
            "a recipient has no `nam`",
        ),
        ("{{#if a b}}x{{/if}}", "line 1 column 1", "takes one value"),
        ("{{(a b) c}}", "line 1 column 9", "can't be read"),
    ] {
        let (place, detail) = template_fault(json!({"title": "t", "body": {"ar": source}}));
        assert!(
            place.starts_with(&format!("/body/ar {at}")),
            "{source}: {place}: {detail}"
        );
        assert!(detail.contains(word), "{source}: {detail}");
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let deep = format!("{}{}", "{{#if a}}".repeat(9), "{{/if}}".repeat(9));
    let chain = format!("{{{{#if a}}}}{}{{{{/if}}}}", "{{else if b}}x".repeat(60));
    for source in [
        deep,
        chain,
        "x".repeat(limits::TEMPLATE_BYTES + 1),
        format!("{{{{a {}b{}}}}}", "(not ".repeat(400), ")".repeat(400)),
    ] {
        let (place, _) = template_fault(json!({"title": source}));
        assert!(place.starts_with("/title line 1 column "), "{place}");
    }
}

#[test]
fn conditions_are_refused_with_the_pointer_of_the_operator() {
    let nested = |n: usize| {
        (0..n)
            .fold(
                json!(true),
                |inner, _| json!({"some": [{"var": "payload.lines"}, inner]}),
            )
            .to_string()
    };
    for (condition, place, word) in [
        (r#"{"and": [true, {"equals": [1, 1]}]}"#.to_owned(), "/and/1/equals", "no operator `equals`"),
        (r#"{"and": [true, {"filtr": [1, 1]}]}"#.to_owned(), "/and/1/filtr", "did you mean `filter`?"),
        (r#"{"/x": 1}"#.to_owned(), "/~1x", "no operator"),
        (r#"{">": [{"var": "amount"}, 1]}"#.to_owned(), "/>/0/var", "did you mean `payload.amount`?"),
        (r#"{"missing": ["payload.amount", "number"]}"#.to_owned(), "/missing", "did you mean `payload.number`?"),
        (r#"{"missing_some": [1, ["event.tpe"]]}"#.to_owned(), "/missing_some", "an event has no `tpe`"),
        (r#"{"==": [{"var": "event.branch"}, 1]}"#.to_owned(), "/==/0/var", "did you mean `branch_id`?"),
        (r#"{"==": [{"a": 1, "b": 2}, 1]}"#.to_owned(), "/==/0", "exactly one key"),
        ("{".to_owned(), "", "no JSON"),
        (nested(3), "/some/1/some/1/some", "more than 2 iterations"),
        (r#"{"reduce": [{"var": "payload.l"}, {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "x"]}"#.to_owned(), "/reduce/1/cat", "would grow"),
        (r#"{"reduce": [[1], [{"var": "accumulator"}, {"var": "accumulator"}], 0]}"#.to_owned(), "/reduce/1", "can't be built"),
        (format!("{}1{}", "{\"!\":[".repeat(40), "]}".repeat(40)), "", "nested deeper"),
        (format!("{{\"in\": [\"a\", \"{}\"]}}", "x".repeat(limits::CONDITION_BYTES)), "", "longer than"),
    ] {
        let fault = fault(&RuleRow { conditions: Some(condition.clone()), ..row(r#"{"title": "t"}"#) });
        assert!(fault.place.starts_with(&format!("/conditions{place}")), "{condition}: {}", fault.place);
        assert!(fault.detail.contains(word), "{condition}: {}", fault.detail);
    }
    assert_eq!(
        RuleSet::compile(&[RuleRow {
            conditions: Some(nested(2)),
            ..row(r#"{"title": "t"}"#)
        }])
        .1,
        []
    );
}

#[test]
fn every_operator_offered_is_one_the_engine_has() {
    let engine = datalogic_rs::Engine::new();
    let names: Vec<&str> = engine.builtin_operator_names().collect();
    for operator in crate::rules::operators::OPERATORS {
        assert!(names.contains(&operator), "{operator}");
    }
}

#[test]
fn a_broken_or_doubled_rule_harms_no_other() {
    let good = row(r#"{"title": "t"}"#);
    let rows = [
        RuleRow {
            id: 2,
            version: 3,
            notification_template: "[".to_owned(),
            ..good.clone()
        },
        good.clone(),
        RuleRow {
            id: 3,
            version: 1,
            ..good.clone()
        },
        RuleRow {
            id: 3,
            version: 2,
            ..good.clone()
        },
        RuleRow {
            id: 4,
            event_type_pattern: "Not A Pattern".to_owned(),
            ..good.clone()
        },
        good,
    ];
    let (set, faults) = RuleSet::compile(&rows);
    assert_eq!(set.len(), 2);
    let mut which: Vec<(i64, i32)> = faults
        .iter()
        .map(|(id, version, _)| (*id, *version))
        .collect();
    which.sort_unstable();
    assert_eq!(which, [(1, 1), (2, 3), (3, 1), (4, 1)]);
}

#[test]
fn a_thousand_rules_compile_and_are_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    fn sent<T: Send>(_: &T) {}
    let rows: Vec<RuleRow> = (0..1_000)
        .map(|i| RuleRow {
            id: i,
            ..row(README_RULE)
        })
        .collect();
    let (set, faults) = RuleSet::compile(&rows);
    assert_eq!((set.len(), faults.len()), (1_000, 0));
    shared(&set);
    let event = event("invoice.overdue", PAYLOAD);
    sent(&EventContext::new(&event).unwrap());
}

#[test]
fn check_says_what_is_probably_not_meant() {
    let hints = |template: serde_json::Value| -> Vec<String> {
        check(&row(&template.to_string()))
            .unwrap()
            .into_iter()
            .map(|w| w.detail)
            .collect()
    };
    assert_eq!(check(&row(README_RULE)).unwrap(), []);
    let found = hints(json!({
        "title": {"en": "a", "ar": "b"}, "body": {"en": "c"}, "email_html": "x", "action_label": "go", "on_missing": "fail",
        "sms_body": "{{a.b}} {{#each lines}}{{name}}{{/each}} {{date due}}",
    }));
    assert_eq!(found.len(), 4, "{found:?}");
    for word in [
        "nobody",
        "body has no `ar`",
        "email_html is never used",
        "action_label",
    ] {
        assert!(found.iter().any(|hint| hint.contains(word)), "{word}");
    }
    let steps = hints(json!({
        "title": "a", "recipient_users": ["ali"], "expires_after": "2h", "email_subject": "b",
        "escalate": [{"after": "1h", "channels": ["email"]}, {"after": "1h"}],
    }));
    assert_eq!(
        steps,
        [
            "step 2 of its escalation never comes: by then expires_after says that it is of no use any more"
        ]
    );
    let odd = hints(json!({
        "title": {"en": "a", "arabic": "b"}, "recipient_users": ["ali"], "exclude_users": ["ali", "noor"],
    }));
    assert!(
        odd[0].starts_with("`arabic` is no language's code"),
        "{odd:?}"
    );
    assert!(
        odd[1].ends_with("exclude_users names all of recipient_users"),
        "{odd:?}"
    );
    assert!(check(&row(r#"{"title": "{{"}"#)).is_err());
}
