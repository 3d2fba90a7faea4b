//! Companies, rules and events as they may be: what is odd about any of them is likely.

use proptest::prelude::*;
use serde_json::{Value, json};

/// A company at one moment.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) people: Vec<Value>,
    pub(super) rules: Vec<Value>,
    pub(super) events: Vec<Value>,
}

fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(words)
}

fn some_of(words: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(words, 0..=words.len())
}

const ROLES: &[&str] = &["accountant", "cfo", "driver"];
const USERS: &[&str] = &["u0", "u1", "u2", "u3", "nobody"];

fn person() -> impl Strategy<Value = Value> {
    let wishes = prop_oneof![
        3 => Just(json!({})),
        1 => Just(json!({"*": {"email": false}})),
        1 => Just(json!({"money": {"in_app": false, "email": true}, "*": {"email": false}})),
    ];
    (
        some_of(ROLES),
        some_of(&["B1", "B2", "*"]),
        one_of(&["en", "ar-IQ", "ar", "ku", "en-GB"]),
        one_of(&["Asia/Baghdad", "UTC", "No/Where"]),
        any::<bool>(),
        prop::bool::weighted(0.85),
        wishes,
    )
        .prop_map(|(roles, branches, locale, zone, mail, active, wishes)| {
            json!({"roles": roles, "branches": branches, "locale": locale, "zone": zone,
                   "email": mail.then_some("x@tsh.example"), "active": active, "wishes": wishes})
        })
}

fn condition() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (one_of(&[">", "<", "==", "!="]), 0..4)
            .prop_map(|(sign, n)| json!({sign: [{"var": "payload.n"}, n]})),
        Just(json!({"in": [{"var": "payload.kind"}, ["x", "y"]]})),
        Just(json!({"==": [{"var": "event.branch_id"}, "B1"]})),
        Just(json!({"some": [{"var": "payload.lines"}, {">": [{"var": "q"}, 1]}]})),
        Just(json!({">": [{"var": "payload.kind"}, 1]})),
        Just(json!({"var": "payload.gone"})),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| json!({"and": parts})),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| json!({"or": parts})),
            inner.prop_map(|part| json!({"!": part})),
        ]
    })
}

fn text() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("N {{n}} {{kind}}")),
        Just(json!(
            "{{recipient.display_name}}: {{money amount \"IQD\"}} {{gone}}"
        )),
        Just(
            json!({"en": "at {{datetime at}}", "ar": "في {{date at}} {{plural n one=\"#\" few=\"# ##\" other=\"# #\"}}"})
        ),
        Just(json!("{{#each lines}}{{q}};{{else}}none{{/each}}")),
    ]
}

fn rule() -> impl Strategy<Value = Value> {
    let branches = prop_oneof![
        Just(json!("event")),
        Just(json!("any")),
        Just(json!(["B2"]))
    ];
    let about = (
        one_of(&["a.b", "a.*", "*", "c.d"]),
        prop::option::weighted(0.3, one_of(&["m1", "m2"])),
        prop::option::weighted(0.8, condition()),
    );
    let whom = (
        some_of(ROLES),
        some_of(USERS),
        branches,
        some_of(&["owner", "lines.owner"]),
        any::<bool>(),
    );
    let what = (
        text(),
        prop::option::of(text()),
        prop::sample::subsequence(vec!["in_app", "email", "sms"], 1..=3),
        one_of(&["general", "money"]),
        prop::bool::weighted(0.2),
        one_of(&["dash", "dash", "fail"]),
        -1..250,
    );
    (about, whom, what).prop_map(|(about, whom, what)| {
        let (pattern, module, condition) = about;
        let (roles, users, branches, fields, exclude) = whom;
        let (title, body, channels, category, mandatory, missing, priority) = what;
        json!({
            "event_type_pattern": pattern, "source_module": module, "conditions": condition, "priority": priority,
            "notification_template": {
                "title": title, "body": body, "channels": channels, "category": category, "mandatory": mandatory,
                "on_missing": missing, "recipient_roles": roles, "recipient_users": users, "recipient_branches": branches,
                "recipient_fields": fields, "exclude_actor": exclude, "action_url": "/x/{{n}}"
            }
        })
    })
}

fn event() -> impl Strategy<Value = Value> {
    (
        one_of(&["a.b", "a.c.d", "c.d"]),
        one_of(&["m1", "m2"]),
        prop::option::of(one_of(&["B1", "B2"])),
        prop::option::of(one_of(USERS)),
        0..5,
        one_of(&["x", "y", "z"]),
        prop::option::of(one_of(USERS)),
        prop::collection::vec((0..3, one_of(USERS)), 0..3),
    )
        .prop_map(|(type_, module, branch, actor, n, kind, owner, lines)| {
            let lines: Vec<Value> = lines.iter().map(|(q, owner)| json!({"q": q, "owner": owner})).collect();
            json!({"type": type_, "module": module, "branch": branch, "actor": actor,
                   "payload": {"n": n, "kind": kind, "amount": 1250.5, "at": "2026-03-05T22:30:00Z", "owner": owner, "lines": lines}})
        })
}

pub(super) fn world() -> impl Strategy<Value = World> {
    (
        prop::collection::vec(person(), 4),
        prop::collection::vec(rule(), 1..6),
        prop::collection::vec(event(), 3..10),
    )
        .prop_map(|(people, rules, events)| World {
            people,
            rules,
            events,
        })
}
