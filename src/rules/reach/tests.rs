//! What is said of rules that can't match or reach anybody, and that nothing is said of those that can.

use serde_json::{Value, json};

use super::*;

fn draft(pattern: &str, module: Option<&str>, condition: Value, template: Value) -> Draft {
    let mut template = template;
    template["title"] = "t".into();
    Draft {
        name: "r".into(),
        source_module: module.map(str::to_owned),
        event_type_pattern: pattern.into(),
        conditions: Some(condition.to_string()).filter(|_| !condition.is_null()),
        notification_template: template.to_string(),
        priority: 0,
        enabled: true,
    }
}

/// The standard types, one of the ERP's own, some people and a worker that mails.
fn known() -> Known {
    let mut known = Known::standard().unwrap();
    known
        .types
        .insert("truck.parked".into(), ["fleet".to_owned()].into());
    known.roles.insert("accountant".into());
    known.names = (
        vec!["accountant".into(), "cfo".into()],
        vec!["year end".into()],
    );
    known.people = [("ali".to_owned(), true), ("omar".to_owned(), false)].into();
    known.channels = Some(["email".to_owned()].into());
    known
}

fn said(draft: &Draft) -> Vec<(&'static str, String)> {
    let warnings = known().warnings(draft);
    warnings.into_iter().map(|w| (w.kind, w.detail)).collect()
}

#[track_caller]
fn says(draft: &Draft, kind: &str, words: &str) {
    let said = said(draft);
    assert!(
        said.len() == 1 && said[0].0 == kind && said[0].1.contains(words),
        "{said:?}"
    );
}

#[test]
fn nothing_is_said_of_a_rule_that_can_reach_somebody() {
    let sound = json!({"recipient_roles": ["accountant"], "recipient_users": ["ali"], "channels": ["in_app", "email"],
        "recipient_fields": ["sales_rep_id"], "exclude_users": ["omar"]});
    let condition = json!({"and": [{">": [{"var": "payload.amount"}, 7]}, {"!": {"var": "payload.unheard_of"}},
        {"<": [{"var": "payload.unheard_of"}, 7]}, {"==": [{"var": ["payload.unheard_of", 5]}, 5]},
        {"or": [{"var": "payload.unheard_of"}, {"var": "payload.amount"}]}, {"==": [{"var": "event.branch_id"}, "BGD"]}]});
    assert_eq!(
        said(&draft(
            "invoice.created",
            Some("invoicing"),
            condition,
            sound.clone()
        )),
        []
    );
    for pattern in ["*", "invoice.*", "truck.parked", "truck.*"] {
        let anything = json!({"var": "payload.anything"});
        let condition = if pattern == "invoice.*" {
            Value::Null
        } else {
            anything
        };
        assert_eq!(
            said(&draft(pattern, None, condition, json!({}))),
            [],
            "{pattern}"
        );
    }
    // What can't be compiled is the compiler's to tell.
    let broken = Draft {
        notification_template: "{}".into(),
        ..draft("nothing.like_it", None, Value::Null, json!({}))
    };
    assert_eq!(said(&broken), []);
}

#[test]
fn types_and_modules_that_no_event_has_are_named_with_the_nearest() {
    let of = |pattern: &str, module| draft(pattern, module, Value::Null, json!({}));
    says(
        &of("invoice.overdu", None),
        "unknown_event_type",
        "did you mean `invoice.overdue`?",
    );
    says(
        &of("invoce.*", None),
        "unknown_event_type",
        "did you mean `invoice.*`?",
    );
    says(
        &of("zebra.born", None),
        "unknown_event_type",
        "none of the standard ones",
    );
    says(
        &of("invoice.overdue", Some("invoicng")),
        "unknown_module",
        "did you mean `invoicing`?",
    );
    says(
        &of("truck.*", Some("sales")),
        "unknown_module",
        "they come from fleet",
    );
    says(
        &of("*", Some("nowhere")),
        "unknown_module",
        "ever came from module nowhere",
    );
}

#[test]
fn conditions_that_need_what_no_known_event_carries_are_told() {
    for condition in [
        json!({">": [{"var": "payload.amont"}, 7]}),
        json!({"and": [{"var": "payload.amount"}, {"==": [{"var": "payload.amont"}, "x"]}]}),
        json!({"or": [{"in": [{"var": "payload.amont"}, ["a", "b"]]}, {"!!": {"var": "payload.amont"}}]}),
        json!({">=": [{"var": "payload.amont"}, 1]}),
    ] {
        says(
            &draft("invoice.created", None, condition, json!({})),
            "unknown_field",
            "needs `payload.amont`, and no known event of type `invoice.created` carries that (did you mean `amount`?)",
        );
    }
    // What is asked for may be missing, unless another was meant.
    says(
        &draft(
            "invoice.created",
            None,
            json!({"!": {"var": "payload.amont"}}),
            json!({}),
        ),
        "unknown_field",
        "its condition reads `payload.amont`, and no known event of type `invoice.created` carries that (did you mean `amount`?)",
    );
    let fields = json!({"recipient_fields": ["sales_rep"]});
    says(
        &draft("invoice.created", None, Value::Null, fields),
        "unknown_field",
        "recipient_fields names `sales_rep`, and no known event of type `invoice.created` carries that (did you mean `sales_rep_id`?)",
    );
    let texts = json!({"action_label": {"en": "{{invoice_numbr}} {{payload.amount}}"}, "body": "{{#if note}}{{note}}{{/if}}{{default custmer_name \"x\"}}{{remark}}",
        "dedupe_key": "{{custmer_name}}", "throttle": {"limit": 1, "per": "1h", "key": "{{nobody_knows}}"},
        "escalate": [{"after": "1h", "title": "{{#each lines}}{{item}}{{/each}}{{event.event_type}}{{recipient.id}}"}]});
    let draft_of = draft("invoice.created", None, Value::Null, texts);
    let found: Vec<String> = said(&draft_of)
        .into_iter()
        .map(|(_, detail)| detail)
        .collect();
    let carries = "and no known event of type `invoice.created` carries that";
    for detail in [
        format!("action_label says `invoice_numbr`, {carries} (did you mean `invoice_number`?)"),
        format!("body says `custmer_name`, {carries} (did you mean `customer_name`?)"),
        format!("body says `remark`, {carries}"),
        format!("dedupe_key says `custmer_name`, {carries} (did you mean `customer_name`?)"),
        format!("throttle/key says `nobody_knows`, {carries}"),
    ] {
        assert!(found.contains(&detail), "{found:#?} lack {detail}");
    }
    assert_eq!(found.len(), 5, "{found:#?}");
    let many: String = (0..300)
        .map(|n| format!("{{{{nobody_knows_{n}}}}}"))
        .collect();
    let many = draft("invoice.created", None, Value::Null, json!({"body": many}));
    assert_eq!(said(&many).len(), texts::SAID);
    // Of a type that was seen, and nothing of what it carries, nothing can be said.
    let condition = json!({"var": "payload.whatever"});
    assert_eq!(said(&draft("truck.parked", None, condition, json!({}))), []);
}

#[test]
fn roles_groups_people_and_channels_that_lead_to_nobody_are_told() {
    let of = |template| draft("invoice.created", None, Value::Null, template);
    says(
        &of(json!({"recipient_roles": ["acountant"]})),
        "empty_role",
        "(did you mean `accountant`?)",
    );
    says(
        &of(json!({"recipient_roles": ["accountant"], "recipient_branches": ["BSR", "NJF"]})),
        "empty_role",
        "nobody active who holds the role accountant belongs to BSR, NJF",
    );
    says(
        &of(json!({"recipient_groups": ["year ends"]})),
        "empty_group",
        "(did you mean `year end`?)",
    );
    says(
        &of(json!({"recipient_users": ["ali", "nobody"]})),
        "unknown_person",
        "directory: nobody",
    );
    says(
        &of(json!({"recipient_users": ["omar"]})),
        "inactive_person",
        "told nothing: omar",
    );
    says(
        &of(json!({"owner": "nobody"})),
        "unknown_person",
        "owner names who isn't in the directory: nobody",
    );
    says(
        &of(json!({"owner": "omar"})),
        "inactive_person",
        "owner names who isn't active",
    );
    says(
        &of(json!({"exclude_users": [1, 2, 3, 4, 5, 6, 7]})),
        "unknown_person",
        "directory: 1, 2, 3, 4, 5 and 2 more",
    );
    says(
        &of(json!({"channels": ["in_app", "sms"]})),
        "channel_not_configured",
        "settings for sms",
    );
    let silent = Known {
        channels: None,
        ..known()
    };
    assert_eq!(silent.warnings(&of(json!({"channels": ["sms"]}))), []);
}

#[test]
fn what_is_told_later_and_resolved_is_looked_at_too() {
    let of = |template| draft("invoice.created", None, Value::Null, template);
    let step = json!({"recipient_roles": ["accountant"], "escalate": [{"after": "1h", "recipient_roles": ["cfoo"]}]});
    says(&of(step), "empty_role", "(did you mean `cfo`?)");
    let step =
        json!({"channels": ["sms"], "escalate": [{"after": "1h", "channels": ["in_app", "sms"]}]});
    says(&of(step), "channel_not_configured", "settings for sms");
    let delay = json!({"delay": {"before": "3d", "date": "due_dat"}});
    says(&of(delay), "unknown_field", "delay names `due_dat`");
    says(
        &of(json!({"resolves": ["invoice.overdu"]})),
        "unknown_event_type",
        "it resolves `invoice.overdu`",
    );
}

#[test]
fn paths_are_learnt_through_lists_and_places_in_them_are_passed_over() {
    let mut found = BTreeSet::new();
    fields::collect(
        &json!({"a": {"b": [{"c": 1}, {"d": {"e": {"f": 2}}}]}, "n": null}),
        &mut found,
    );
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    let expected = ["a", "a.b", "a.b.c", "a.b.d", "a.b.d.e", "n"];
    assert_eq!(found, expected.into_iter().collect());
    assert!(fields::is_carried("a.b.0.c", &found) && !fields::is_carried("a.b.1.x", &found));
    assert!(
        fields::is_carried("a.b.d.e.f", &found),
        "too deep to be missed"
    );
}
