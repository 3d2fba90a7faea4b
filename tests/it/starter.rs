//! The starter rules through the rules' own compiler and engine: every one compiles, and the example of its type matches it
//! and gives whole sentences in both languages. No database.

#![allow(clippy::unwrap_used)] // what can't be read fails the test

use jiff::Timestamp;
use neurolink::ingest::Event;
use neurolink::kernel::Severity;
use neurolink::ops::starter::{EXAMPLES, RULES};
use neurolink::rules::set::EventContext;
use neurolink::rules::{Reader, RuleRow, RuleSet};
use serde_json::Value;

fn text(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().map(str::to_owned)
}

fn rows() -> Vec<RuleRow> {
    let rules: Vec<Value> = serde_json::from_str(RULES).unwrap();
    rules
        .iter()
        .zip(1..)
        .map(|(rule, id)| RuleRow {
            id,
            name: text(rule, "name").unwrap(),
            source_module: text(rule, "source_module"),
            event_type_pattern: text(rule, "event_type_pattern").unwrap(),
            conditions: (!rule["conditions"].is_null()).then(|| rule["conditions"].to_string()),
            notification_template: rule["notification_template"].to_string(),
            priority: i32::try_from(rule["priority"].as_i64().unwrap()).unwrap(),
            version: 1,
            is_held: false,
        })
        .collect()
}

fn events() -> Vec<Event> {
    let examples: Vec<Value> = serde_json::from_str(EXAMPLES).unwrap();
    let at: Timestamp = "2026-11-15T09:00:00Z".parse().unwrap();
    examples
        .iter()
        .zip(1..)
        .map(|(example, id)| Event {
            id,
            source_module: text(example, "source_module").unwrap(),
            event_type: text(example, "event_type").unwrap(),
            severity: text(example, "severity")
                .and_then(|word| Severity::parse(&word))
                .unwrap_or_default(),
            occurred_at: at,
            received_at: at,
            payload: example["payload"].to_string(),
            correlation_id: None,
            branch_id: text(example, "branch_id"),
            actor_id: text(example, "actor_id"),
            entity_type: text(example, "entity_type"),
            entity_id: text(example, "entity_id"),
        })
        .collect()
}

fn reader(locale: &str) -> Reader {
    Reader {
        locale: locale.to_owned(),
        timezone: "Asia/Baghdad".to_owned(),
        fields: serde_json::json!({"id": "zainab", "locale": locale}),
    }
}

#[test]
fn every_starter_rule_compiles() {
    let (rules, faults) = RuleSet::compile(&rows());
    assert_eq!(faults, []);
    assert_eq!(rules.len(), 17);
}

#[test]
fn the_example_of_each_type_matches_its_rule_alone_and_reads_whole_in_both_languages() {
    let (rules, _) = RuleSet::compile(&rows());
    for event in events() {
        let mut context = EventContext::new(&event).unwrap();
        let (matches, warnings) = rules.evaluate(&context, event.received_at, &mut |_, _| {});
        assert_eq!(warnings, [], "{}", event.event_type);
        let names: Vec<_> = matches.iter().map(|m| m.rule.facts.name.as_str()).collect();
        assert_eq!(names, [format!("starter.{}", event.event_type)]);
        for (locale, language) in [("en", "en"), ("ar-IQ", "ar")] {
            let mut warnings = Vec::new();
            let rendered = matches[0]
                .rule
                .render(&mut context, &reader(locale), &mut warnings)
                .unwrap();
            assert_eq!(warnings, [], "{} {locale}", event.event_type);
            assert_eq!(rendered.locale, language, "{}", event.event_type);
            for words in [&rendered.title, &rendered.body] {
                assert!(!words.trim().is_empty(), "{}", event.event_type);
                assert!(!words.contains(['{', '}', '—', '#']), "{words}");
            }
            let url = rendered.action_url.unwrap();
            assert!(url.ends_with(event.entity_id.as_deref().unwrap()), "{url}");
            assert!(rendered.action_label.is_some(), "{}", event.event_type);
        }
    }
}

#[test]
fn counts_take_the_form_their_number_needs_in_arabic() {
    let (rules, _) = RuleSet::compile(&rows());
    let overdue = events()
        .into_iter()
        .find(|e| e.event_type == "invoice.overdue")
        .unwrap();
    for (days, words) in [
        (1, "يوم واحد"),
        (2, "يومين"),
        (3, "3 أيام"),
        (12, "12 يوماً"),
        (100, "100 يوم"),
    ] {
        let mut payload: Value = serde_json::from_str(&overdue.payload).unwrap();
        payload["days_overdue"] = days.into();
        let event = Event {
            payload: payload.to_string(),
            ..overdue.clone()
        };
        let mut context = EventContext::new(&event).unwrap();
        let (matches, _) = rules.evaluate(&context, event.received_at, &mut |_, _| {});
        let title = matches[0]
            .rule
            .render(&mut context, &reader("ar-IQ"), &mut Vec::new())
            .unwrap()
            .title;
        // Numbers stand in direction isolates, which nobody sees.
        let seen: String = title
            .chars()
            .filter(|c| !('\u{2066}'..='\u{2069}').contains(c))
            .collect();
        assert!(seen.ends_with(words), "{seen}");
    }
}
