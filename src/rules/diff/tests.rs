//! Each difference as people read it, and none where both say the same.

use serde_json::{Value, json};

use super::*;

fn draft(template: &Value) -> Draft {
    Draft {
        name: "overdue".into(),
        source_module: None,
        event_type_pattern: "invoice.overdue".into(),
        conditions: None,
        notification_template: template.to_string(),
        priority: 100,
        enabled: true,
    }
}

fn words(before: &Draft, after: &Draft) -> Vec<String> {
    let changes = diff(before, after).unwrap();
    changes.into_iter().map(|change| change.words).collect()
}

/// What differs between two templates: place and words.
fn template(before: Value, after: Value) -> Vec<(String, String)> {
    let full = |mut keys: Value| {
        if keys["title"].is_null() {
            keys["title"] = "t".into();
        }
        draft(&keys)
    };
    let changes = diff(&full(before), &full(after)).unwrap();
    let short = |place: String| place.replace("/notification_template", "");
    changes
        .into_iter()
        .map(|change| (short(change.place), change.words))
        .collect()
}

/// What differs between two conditions.
fn condition(before: Value, after: Value) -> Vec<(String, String)> {
    let with = |condition: &Value| Draft {
        conditions: Some(condition.to_string()).filter(|_| !condition.is_null()),
        ..draft(&json!({"title": "t"}))
    };
    let changes = diff(&with(&before), &with(&after)).unwrap();
    changes
        .into_iter()
        .map(|change| (change.place, change.words))
        .collect()
}

fn pairs(found: &[(String, String)]) -> Vec<(&str, &str)> {
    found
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect()
}

#[test]
fn what_stands_beside_the_template_is_told_in_words_with_its_values() {
    let before = draft(&json!({"title": "t"}));
    let after = Draft {
        name: "late".into(),
        source_module: Some("sales".into()),
        event_type_pattern: "invoice.*".into(),
        priority: 200,
        enabled: false,
        ..before.clone()
    };
    assert_eq!(
        words(&before, &after),
        [
            "renamed from `overdue` to `late`",
            "switched off",
            "now only about events of module sales (was: any module)",
            "now about events of type `invoice.*` (was: `invoice.overdue`)",
            "priority 100 → 200 (now critical)",
        ]
    );
    let back = words(&after, &before);
    assert_eq!(back[1], "switched on");
    assert_eq!(back[2], "now about events of any module (was: only sales)");
    assert_eq!(back[4], "priority 200 → 100 (now normal)");
    let changes = diff(&before, &after).unwrap();
    assert_eq!(
        serde_json::to_value(&changes[4]).unwrap(),
        json!({"place": "/priority", "kind": "changed", "before": 100, "after": 200,
               "words": "priority 100 → 200 (now critical)"})
    );
}

#[test]
fn what_means_the_same_is_no_difference() {
    let before = json!({"title": {"en": "a", "ar": "ب"}, "recipient_users": [7, "ali"], "channels": ["in_app"], "mandatory": false,
        "category": "general", "on_missing": "dash", "body": null, "throttle": {"n": 1.0}});
    let after = json!({"title": {"ar": "ب", "en": "a"}, "recipient_users": ["ali", "7"], "throttle": {"n": 1, "per": null}});
    assert_eq!(template(before, after), []);
    let old = json!({"and": [{">": [{"var": "payload.n"}, 7.0]}, {"var": "payload.x"}]});
    let new = json!({"and": [{"var": "payload.x"}, {">": [{"var": "payload.n"}, 7]}]});
    assert_eq!(condition(old, new), []);
    assert_eq!(condition(Value::Null, json!(null)), []);
}

#[test]
fn conditions_are_told_part_by_part_as_people_write_them() {
    let more = |n: i64| json!({">": [{"var": "payload.days_overdue"}, n]});
    let branch = json!({"==": [{"var": "event.branch_id"}, "BGD"]});
    assert_eq!(
        pairs(&condition(more(7), more(14))),
        [(
            "/conditions",
            "condition: `payload.days_overdue > 7` became `payload.days_overdue > 14`"
        )]
    );
    assert_eq!(
        pairs(&condition(Value::Null, more(7))),
        [(
            "/conditions",
            "now only if `payload.days_overdue > 7` (was: always)"
        )]
    );
    assert_eq!(
        pairs(&condition(more(7), Value::Null)),
        [(
            "/conditions",
            "now always (was: only if `payload.days_overdue > 7`)"
        )]
    );
    assert_eq!(
        pairs(&condition(more(7), json!({"and": [branch, more(7)]}))),
        [(
            "/conditions/and/0",
            "now also asked: `event.branch_id == \"BGD\"`"
        )]
    );
    assert_eq!(
        pairs(&condition(
            json!({"and": [branch, more(7), {"var": "payload.is_large"}]}),
            json!({"and": [more(9), {"!": {"var": "payload.is_paid"}}]})
        )),
        [
            (
                "/conditions/and/0",
                "no longer asked: `event.branch_id == \"BGD\"`"
            ),
            (
                "/conditions/and/0",
                "condition: `payload.days_overdue > 7` became `payload.days_overdue > 9`"
            ),
            ("/conditions/and/2", "no longer asked: `payload.is_large`"),
            ("/conditions/and/1", "now also asked: `not payload.is_paid`"),
        ]
    );
    assert_eq!(
        pairs(&condition(
            json!({"or": [branch]}),
            json!({"or": [branch, more(30)]})
        )),
        [(
            "/conditions/or/1",
            "now also enough: `payload.days_overdue > 30`"
        )]
    );
    let became = condition(
        json!({"or": [branch, more(1)]}),
        json!({"and": [branch, more(1)]}),
    );
    assert_eq!(became.len(), 1);
    assert!(
        became[0].1.contains(" or ") && became[0].1.contains("became"),
        "{became:?}"
    );
}

#[test]
fn texts_are_told_by_language() {
    assert_eq!(
        pairs(&template(
            json!({"title": {"en": "Late", "ar": "متأخر"}, "body": "same", "sms_body": "x"}),
            json!({"title": {"en": "Late", "ar": "متأخرة", "tlh": "X"}, "body": {"en": "same"}, "action_label": {"en": "Go"}})
        )),
        [
            (
                "/title/ar",
                "title in Arabic changed from “متأخر” to “متأخرة”"
            ),
            ("/title/tlh", "title in `tlh` added: “X”"),
            ("/body", "body changed from “same” to en “same”"),
            (
                "/action_label/en",
                "the button's text in English added: “Go”"
            ),
            ("/sms_body", "SMS text taken away (was: “x”)"),
        ]
    );
    let long = |end: &str| format!("{}{end}\nline", "word ".repeat(60));
    let found = template(json!({"body": long("old")}), json!({"body": long("new")}));
    assert_eq!(
        found[0].1,
        "body changed from “…word word word word old⏎line” to “…word word word word new⏎line”"
    );
}

#[test]
fn who_comes_and_who_goes_is_told_and_how_they_hear_of_it() {
    assert_eq!(
        pairs(&template(
            json!({"channels": ["in_app", "email"], "recipient_roles": ["accountant"], "recipient_users": ["ali"],
                   "exclude_users": ["x"], "severity": "warning"}),
            json!({"channels": ["email", "sms"], "recipient_roles": ["accountant", "cfo"], "recipient_groups": ["year end"],
                   "recipient_managers": ["actor", "payload.owner", "recipients"], "recipient_fields": ["assigned_to"],
                   "recipient_followers": true, "exclude_actor": true, "recipient_branches": ["BGD", "BSR"],
                   "category": "invoices", "on_missing": "fail", "mandatory": true})
        )),
        [
            ("/severity", "severity warning → the event's own"),
            ("/category", "category general → invoices"),
            ("/channels/0", "no longer in the inbox"),
            ("/channels/1", "now also by SMS"),
            ("/recipient_roles/1", "now also told: role cfo"),
            ("/recipient_users/0", "no longer told: ali"),
            (
                "/recipient_branches",
                "now looked for in branches BGD, BSR (was: the event's branch for roles, any for groups)"
            ),
            (
                "/recipient_fields/0",
                "now also told: whom `payload.assigned_to` names"
            ),
            ("/recipient_groups/0", "now also told: group year end"),
            (
                "/recipient_managers/0",
                "now also told: the manager of who did it"
            ),
            (
                "/recipient_managers/1",
                "now also told: the managers of whom `payload.owner` names"
            ),
            (
                "/recipient_managers/2",
                "now also told: the managers of those told"
            ),
            (
                "/recipient_followers",
                "now also told: whoever follows what the event is about"
            ),
            ("/exclude_actor", "now left out: who did it"),
            ("/exclude_users/0", "no longer left out: x"),
            (
                "/mandatory",
                "now mandatory: preferences can't switch it off"
            ),
            (
                "/on_missing",
                "a missing variable now stops the notification (was: prints —)"
            ),
        ]
    );
}

#[test]
fn keys_without_words_of_their_own_are_told_by_their_values() {
    assert_eq!(
        pairs(&template(
            json!({"a/b": 1, "$comment": "x", "later": {"x": 1, "y": {"z": 2}}}),
            json!({"a/b": [2], "$comment": ["y"], "later": {"x": 1, "y": {"z": 3}, "w": "v"}, "new": "n"})
        )),
        [
            ("/$comment", "the comment changed"),
            ("/a~1b", "a/b 1 → [2]"),
            ("/later/w", "later.w added: v"),
            ("/later/y/z", "later.y.z 2 → 3"),
            ("/new", "new added: n"),
        ]
    );
}

#[test]
fn how_often_and_whom_later_is_said_in_words() {
    assert_eq!(
        pairs(&template(
            json!({"dedupe_key": "{{id}}", "throttle": {"limit": 3, "per": "1h"}, "owner": "noor",
                   "escalate": [{"after": "2h"}, {"after": "1d", "recipient_roles": ["cfo"]}]}),
            json!({"dedupe_key": {"key": "{{id}}", "within": "2h"}, "throttle": {"limit": 5, "per": "1h", "key": "{{c}}"},
                   "digest": {"every": "1w", "on": "sunday", "at": "08:00", "title": {"en": "News"}}, "storm_limit": 0,
                   "escalate": [{"after": "2h", "unless": "acknowledged", "recipient_managers": ["recipients"], "exclude_actor": true,
                                 "recipient_branches": "any", "channels": ["in_app", "sms"]}]})
        )),
        [
            (
                "/dedupe_key",
                "events are now the same by `{{id}}` within 2h (was: by `{{id}}` within 24h)"
            ),
            (
                "/throttle",
                "each person is now told at most 5 times in 1h for each `{{c}}` (was: at most 3 times in 1h)"
            ),
            (
                "/digest",
                "now told gathered every 1w on sunday at 08:00 (was: each by itself)"
            ),
            (
                "/digest/title/en",
                "the digest's title in English added: “News”"
            ),
            (
                "/escalate/0",
                "escalation, step 1: 2h later, unless acknowledged: the managers of those told of any branch, but not who did it, \
                 in the inbox, by SMS (was: 2h later, unless read: the same people again)"
            ),
            (
                "/escalate/1",
                "escalation, step 2 taken away (was: 1d later, unless read: role cfo)"
            ),
            (
                "/storm_limit",
                "now held never (was: above the node's own limit)"
            ),
            (
                "/owner",
                "now told when it is held: who changed it last (was: noor)"
            ),
        ]
    );
    let only_texts = template(
        json!({"digest": {"every": "1d", "at": "08:00", "title": "a"}}),
        json!({"digest": {"every": "1d", "at": "08:00", "title": "b"}}),
    );
    assert_eq!(
        pairs(&only_texts),
        [(
            "/digest/title",
            "the digest's title changed from “a” to “b”"
        )]
    );
}

#[test]
fn when_a_rule_tells_and_what_it_resolves_is_said_in_words() {
    assert_eq!(
        pairs(&template(
            json!({"delay": "10m", "resolves": ["invoice.overdue", "a.b"]}),
            json!({"delay": {"before": "3d", "date": "due_date", "at": "09:00"}, "resolves": ["invoice.overdue", "c.*"], "expires_after": "7d"})
        )),
        [
            (
                "/delay",
                "now told 3d before `due_date` at 09:00 (was: 10m later)"
            ),
            (
                "/resolves",
                "now also resolves: c.*; no longer resolves: a.b"
            ),
            ("/expires_after", "now of use for 7d (was: for ever)"),
        ]
    );
}

#[test]
fn what_is_no_rule_has_a_difference_all_the_same() {
    let broken = draft(&json!([1]));
    let whole = draft(&json!({"title": "t"}));
    assert_eq!(words(&broken, &whole), ["the template changed"]);
    assert_eq!(words(&broken, &broken), [""; 0]);
    let odd = template(json!({"channels": "email"}), json!({"channels": ["email"]}));
    assert_eq!(odd[0].1, "channels email → [\"email\"]");
}
