//! The room as a whole: rules in as rows, matches and texts out.

mod compiling;
mod evaluating;
mod languages;
mod properties;
mod reference;
mod remembering;
mod rendering;

use jiff::Timestamp;
use serde_json::json;

use crate::ingest::Event;
use crate::kernel::Severity;
use crate::rules::set::{CompiledRule, EventContext};
use crate::rules::{Fault, Reader, Rendered, RuleRow, RuleSet, Warning};
use std::sync::Arc;

/// The rule insert of the product's README, verbatim.
pub(super) const README_RULE: &str = r##"{
      "title": "Invoice {{invoice_number}} is overdue",
      "body": "Invoice #{{invoice_number}} for {{customer_name}} is {{days_overdue}} days overdue. Amount: {{amount}} {{currency}}",
      "severity": "warning", "action_url": "/invoices/{{invoice_id}}", "action_label": "View Invoice",
      "channels": ["in_app", "email"], "recipient_roles": ["accountant", "finance_manager"] }"##;

pub(super) const PAYLOAD: &str = r#"{"invoice_id": 7, "invoice_number": "INV-2026-007", "customer_name": "Al-Rafidain & Sons",
    "days_overdue": 12, "amount": 1250.50, "currency": "IQD", "due": "2026-03-05", "at": "2026-03-05T22:30:00Z",
    "assigned_to": 42, "nothing": null, "empty": "", "zero": 0, "html": "<b>\"x\"</b>", "ratio": 0.155,
    "lines": [{"item": "Rice", "qty": 3, "owner_id": "sara"}, {"item": "Tea", "qty": 11, "owner_id": "ali"}],
    "big": 12345678901234567890.123, "odd": 9007199254740993, "tags": ["a", "b"], "map": {"k": "v", "k2": {"deep": true}}}"#;

pub(super) fn event(event_type: &str, payload: &str) -> Event {
    Event {
        id: 900,
        source_module: "invoicing".to_owned(),
        event_type: event_type.to_owned(),
        severity: Severity::Warning,
        occurred_at: "2026-03-05T22:30:00Z".parse().unwrap(),
        received_at: "2026-03-05T22:30:01Z".parse().unwrap(),
        payload: payload.to_owned(),
        correlation_id: None,
        branch_id: Some("BGW".to_owned()),
        actor_id: Some("42".to_owned()),
        entity_type: Some("invoice".to_owned()),
        entity_id: Some("7".to_owned()),
    }
}

pub(super) fn row(template: &str) -> RuleRow {
    RuleRow {
        id: 1,
        name: "sample".to_owned(),
        source_module: None,
        event_type_pattern: "invoice.overdue".to_owned(),
        conditions: None,
        notification_template: template.to_owned(),
        priority: 100,
        version: 1,
        is_held: false,
    }
}

pub(super) fn reader(locale: &str) -> Reader {
    Reader {
        locale: locale.to_owned(),
        timezone: "Asia/Baghdad".to_owned(),
        fields: json!({"id": "u1", "display_name": "علي", "roles": ["accountant"], "email": "a@b.iq"}),
    }
}

pub(super) fn now() -> Timestamp {
    "2026-03-06T00:00:00Z".parse().unwrap()
}

pub(super) fn compiled(row: &RuleRow) -> Arc<CompiledRule> {
    let (rule, _) = CompiledRule::compile(row).unwrap();
    Arc::new(rule)
}

pub(super) fn fault(row: &RuleRow) -> Fault {
    let (set, mut faults) = RuleSet::compile(std::slice::from_ref(row));
    assert!(set.is_empty(), "{row:?} compiles");
    faults.remove(0).2
}

/// Renders a template on the sample payload.
pub(super) fn rendered(
    template: &serde_json::Value,
    locale: &str,
) -> (Result<Rendered, Warning>, Vec<Warning>) {
    let rule = compiled(&row(&template.to_string()));
    let event = event("invoice.overdue", PAYLOAD);
    let mut context = EventContext::new(&event).unwrap();
    let mut warnings = Vec::new();
    let rendered = rule.render(&mut context, &reader(locale), &mut warnings);
    (rendered, warnings)
}

/// The body of a text, and its warnings as `kind: detail`.
pub(super) fn body(source: &str, locale: &str) -> (String, Vec<String>) {
    let (rendered, warnings) = rendered(&json!({"title": "t", "body": source}), locale);
    let warnings = warnings
        .into_iter()
        .map(|w| format!("{}: {}", w.kind, w.detail))
        .collect();
    (rendered.unwrap().body, warnings)
}
