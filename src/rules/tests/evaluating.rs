//! Which rules are true for an event, and for whom.

use serde_json::json;

use super::*;
use crate::rules::limits;
use crate::rules::model::Branches;

fn conditional(condition: serde_json::Value) -> RuleRow {
    RuleRow {
        conditions: Some(condition.to_string()),
        ..row(r#"{"title": "t"}"#)
    }
}

/// Whether a condition holds on a payload, and the kinds of its warnings.
fn holds(condition: serde_json::Value, payload: &str) -> (bool, Vec<&'static str>) {
    let (set, faults) = RuleSet::compile(&[conditional(condition)]);
    assert_eq!(faults, []);
    let event = event("invoice.overdue", payload);
    let context = EventContext::new(&event).unwrap();
    let (matches, warnings) = set.evaluate(&context, now(), &mut |_, _| {});
    (
        !matches.is_empty(),
        warnings.into_iter().map(|w| w.kind).collect(),
    )
}

#[test]
fn rules_are_found_by_type_and_module_and_come_in_order() {
    let rule = |id, priority, pattern: &str, module: Option<&str>| RuleRow {
        id,
        priority,
        event_type_pattern: pattern.to_owned(),
        source_module: module.map(str::to_owned),
        ..row(r#"{"title": "t"}"#)
    };
    let (set, _) = RuleSet::compile(&[
        rule(1, 0, "*", None),
        rule(2, 10, "invoice.*", Some("invoicing")),
        rule(3, 10, "invoice.overdue", Some("sales")),
        rule(4, 10, "invoice.overdue", None),
        rule(5, 300, "invoice.paid", None),
        rule(6, -5, "invoice.overdue.*", None),
        rule(7, 10, "invoice.*", None),
    ]);
    let found = |event_type: &str| {
        let event = event(event_type, "{}");
        let context = EventContext::new(&event).unwrap();
        let mut progress = Vec::new();
        let (matches, _) = set.evaluate(&context, now(), &mut |id, version| {
            progress.push((id, version))
        });
        let ids: Vec<i64> = matches.iter().map(|m| m.rule.facts.id).collect();
        assert_eq!(progress, ids.iter().map(|id| (*id, 1)).collect::<Vec<_>>());
        ids
    };
    assert_eq!(found("invoice.overdue"), [2, 4, 7, 1]);
    assert_eq!(found("invoice.overdue.twice"), [2, 7, 1, 6]);
    assert_eq!(found("invoice.paid"), [5, 2, 7, 1]);
    assert_eq!(found("stock.low"), [1]);
}

#[test]
fn conditions_see_payload_event_and_now() {
    for (condition, truth) in [
        (json!({">": [{"var": "payload.amount"}, 1000]}), true),
        (json!({"==": [{"var": "event.severity"}, "warning"]}), true),
        (json!({"==": [{"var": "event.branch_id"}, "BGW"]}), true),
        (json!({"==": [{"var": "event.correlation_id"}, null]}), true),
        (json!({"==": [{"var": "event.id"}, 900]}), true),
        (json!({"<": [{"var": "payload.days_overdue"}, 5]}), false),
        // Null compares as 0.
        (json!({"<": [{"var": "payload.gone"}, 5]}), true),
        (json!({">": [{"var": "payload.gone"}, 0]}), false),
        (
            json!({"in": [{"var": "payload.currency"}, ["IQD", "USD"]]}),
            true,
        ),
        (
            json!({"some": [{"var": "payload.lines"}, {">": [{"var": "qty"}, 10]}]}),
            true,
        ),
        (
            json!({"all": [{"var": "payload.lines"}, {">": [{"var": "qty"}, 10]}]}),
            false,
        ),
        (json!({"missing": ["payload.amount", "payload.gone"]}), true),
        (json!({"!": {"missing": ["payload.amount"]}}), true),
        (
            json!({"==": [{"var": "now"}, "2026-03-06T00:00:00Z"]}),
            true,
        ),
        (
            json!({"==": [{"reduce": [{"var": "payload.lines"}, {"+": [{"var": "current.qty"}, {"var": "accumulator"}]}, 0]}, 14]}),
            true,
        ),
        (json!({"var": "payload.empty"}), false),
        (json!({"var": "payload.tags"}), true),
        (json!({"var": ["payload.gone", "x"]}), true),
        (json!(true), true),
        (json!([]), false),
    ] {
        let (holds, warnings) = holds(condition.clone(), PAYLOAD);
        assert_eq!(holds, truth, "{condition}");
        assert_eq!(warnings, Vec::<&str>::new(), "{condition}");
    }
    assert!(holds(json!(null), "{}").0);
}

#[test]
fn a_type_error_is_no_match_and_is_counted() {
    let (held, warnings) = holds(json!({">": [{"var": "payload.currency"}, 100]}), PAYLOAD);
    assert_eq!((held, warnings), (false, vec!["type_error"]));
}

#[test]
fn iterating_is_bounded_by_the_payloads_longest_list() {
    let list = |n: usize| format!(r#"{{"l": [{}]}}"#, vec!["1"; n].join(","));
    let once = json!({"some": [{"var": "payload.l"}, {"==": [{"var": ""}, 1]}]});
    let twice =
        json!({"some": [{"var": "payload.l"}, {"some": [{"val": [[2], "payload", "l"]}, true]}]});
    let within = json!({"some": [{"var": "payload.l"}, {"in": [{"var": ""}, {"val": [[2], "payload", "l"]}]}]});
    assert_eq!(
        holds(once.clone(), &list(limits::ARRAY_TWO_LEVELS + 1)),
        (true, vec![])
    );
    assert_eq!(
        holds(once, &list(limits::ARRAY_ONE_LEVEL + 1)),
        (false, vec!["too_large"])
    );
    assert_eq!(
        holds(twice, &list(limits::ARRAY_TWO_LEVELS + 1)),
        (false, vec!["too_large"])
    );
    assert_eq!(
        holds(within, &list(limits::ARRAY_TWO_LEVELS + 1)),
        (false, vec!["too_large"])
    );
}

#[test]
fn a_condition_that_would_take_all_memory_is_stopped_and_the_next_rule_goes_on() {
    let vars: Vec<_> = (0..300).map(|_| json!({"var": "payload.big"})).collect();
    let hungry = RuleRow {
        id: 1,
        ..conditional(json!({"==": [{"cat": vars}, "x"]}))
    };
    let modest = RuleRow {
        id: 2,
        ..conditional(json!({"var": "payload.big"}))
    };
    let (set, faults) = RuleSet::compile(&[hungry, modest]);
    assert_eq!(faults, []);
    let event = event(
        "invoice.overdue",
        &format!(r#"{{"big": "{}"}}"#, "x".repeat(1_000_000)),
    );
    let context = EventContext::new(&event).unwrap();
    let (matches, warnings) = set.evaluate(&context, now(), &mut |_, _| {});
    assert_eq!(
        matches.iter().map(|m| m.rule.facts.id).collect::<Vec<_>>(),
        [2]
    );
    assert_eq!(
        warnings.iter().map(|w| w.kind).collect::<Vec<_>>(),
        ["too_large"]
    );
}

#[test]
fn a_payload_that_cannot_be_read_is_an_error_of_the_event() {
    for payload in ["", "[]", "{\"a\":", "7"] {
        assert!(
            EventContext::new(&event("a.b", payload)).is_err(),
            "{payload}"
        );
    }
}

#[test]
fn the_audience_comes_from_the_template_and_the_event() {
    let audience = |template: serde_json::Value, branch: Option<&str>| {
        let (set, faults) = RuleSet::compile(&[row(&template.to_string())]);
        assert_eq!(faults, []);
        let event = Event {
            branch_id: branch.map(str::to_owned),
            ..event("invoice.overdue", PAYLOAD)
        };
        let context = EventContext::new(&event).unwrap();
        set.evaluate(&context, now(), &mut |_, _| {})
            .0
            .remove(0)
            .audience
    };
    let of = |ids: &[&str]| Branches::Of(ids.iter().map(|id| (*id).to_owned()).collect());
    let a = audience(
        json!({"title": "t", "recipient_roles": ["accountant"]}),
        Some("BGW"),
    );
    assert_eq!(
        (a.roles, a.branches, a.users.len(), a.except),
        (vec!["accountant".to_owned()], of(&["BGW"]), 0, None)
    );
    assert_eq!(
        audience(json!({"title": "t"}), None).branches,
        Branches::Any
    );
    assert_eq!(
        audience(
            json!({"title": "t", "recipient_branches": "any"}),
            Some("BGW")
        )
        .branches,
        Branches::Any
    );
    assert_eq!(
        audience(
            json!({"title": "t", "recipient_branches": ["*"]}),
            Some("BGW")
        )
        .branches,
        Branches::Any
    );
    assert_eq!(
        audience(
            json!({"title": "t", "recipient_branches": ["BSR", 3]}),
            Some("BGW")
        )
        .branches,
        of(&["BSR", "3"])
    );
    let a = audience(
        json!({"title": "t", "recipient_users": ["boss", 5, "boss"], "recipient_fields": ["assigned_to", "payload.lines.owner_id"], "exclude_actor": true}),
        None,
    );
    assert_eq!(a.users, ["boss", "5", "42", "sara", "ali"]);
    assert_eq!(a.except.as_deref(), Some("42"));
}
