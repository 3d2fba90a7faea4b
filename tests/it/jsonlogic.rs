//! The tests of JSONLogic's reference implementation, with the answers it gives, put to the rules as a worker evaluates them:
//! a rule with the test as its condition, compiled and evaluated by a `RuleSet`. No database.
//!
//! A condition asks about `payload`, a test about data of its own. So each test runs inside an iteration over one item, its
//! data, where variables are the item's; what it came to is compared with the reference's answer, which lies in the payload.

#![allow(clippy::unwrap_used)] // what can't be read fails the test

use std::path::Path;

use jiff::Timestamp;
use neurolink::ingest::Event;
use neurolink::kernel::Severity;
use neurolink::rules::set::EventContext;
use neurolink::rules::{RuleRow, RuleSet};
use serde_json::{Value, json};

/// Operators of the reference that a rule can't use, and why. Everything else is answered alike.
const DIFFERENCES: [(&str, &str); 10] = [
    ("log", "a condition decides, and has nowhere to write to"),
    ("add_to_a", ADDED),
    ("fives.add", ADDED),
    ("fives.subtract", ADDED),
    ("times", ADDED),
    ("array_times", ADDED),
    ("push", ADDED),
    ("push.if", ADDED),
    ("push.then", ADDED),
    ("push.else", ADDED),
];

const ADDED: &str = "added by the program around the reference; the author of a rule can't add any";

/// What the reference was asked and what it answered.
fn cases() -> Vec<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/jsonlogic/cases.json");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; fetch the tests of npm's json-logic-js with: deploy/setup.sh --for test",
            file.display()
        )
    });
    serde_json::from_str(&text).unwrap()
}

/// What the worker makes of a condition: whether it holds, or why it doesn't.
fn evaluated(condition: &Value, payload: &Value) -> Result<bool, String> {
    let row = RuleRow {
        id: 1,
        name: "test".to_owned(),
        source_module: None,
        event_type_pattern: "test.case".to_owned(),
        conditions: Some(condition.to_string()),
        notification_template: r#"{"title": "t"}"#.to_owned(),
        priority: 0,
        version: 1,
        is_held: false,
    };
    let (rules, faults) = RuleSet::compile(&[row]);
    if let Some((_, _, fault)) = faults.first() {
        return Err(format!("{}: {}", fault.place, fault.detail));
    }
    let event = Event {
        id: 1,
        source_module: "test".to_owned(),
        event_type: "test.case".to_owned(),
        severity: Severity::Info,
        occurred_at: Timestamp::UNIX_EPOCH,
        received_at: Timestamp::UNIX_EPOCH,
        payload: payload.to_string(),
        correlation_id: None,
        branch_id: None,
        actor_id: None,
        entity_type: None,
        entity_id: None,
    };
    let context = EventContext::new(&event).unwrap();
    let (matches, warnings) = rules.evaluate(&context, event.received_at, &mut |_, _| {});
    match warnings.first() {
        Some(warning) => Err(format!("{}: {}", warning.kind, warning.detail)),
        None => Ok(!matches.is_empty()),
    }
}

/// Whether a test comes to a value, as the worker has it.
fn comes_to(case: &Value, expected: &Value) -> Result<bool, String> {
    let payload = json!({"data": case["data"], "expected": expected});
    let answer = json!({"val": [[2], "payload", "expected"]});
    let condition = json!({"some": [[{"var": "payload.data"}], {"===": [case["rule"], answer]}]});
    evaluated(&condition, &payload)
}

/// Whether the worker does with a test what the reference did, or differs as told.
fn agrees(case: &Value) -> bool {
    match (case.get("result"), comes_to(case, &case["result"])) {
        (Some(_), Ok(same)) => same,
        (_, Err(refused)) => {
            let names =
                |operator: &str| refused.ends_with(&format!("there is no operator `{operator}`"));
            let differs = DIFFERENCES.iter().any(|(operator, _)| names(operator));
            differs || (case.get("throws").is_some() && refused.contains("there is no operator"))
        }
        (None, Ok(_)) => false,
    }
}

#[test]
fn every_answer_of_the_reference_implementation_is_ours_but_for_named_differences() {
    let cases = cases();
    assert!(cases.len() > 300, "only {} tests", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .filter(|case| !agrees(case))
        .map(|case| format!("{case}: {:?}", comes_to(case, &case["result"])))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
    let text = json!(cases).to_string();
    for (operator, why) in DIFFERENCES {
        assert!(
            text.contains(&format!("{{\"{operator}\":")),
            "{operator} ({why}) isn't asked any more"
        );
    }
}

#[test]
fn no_other_answer_than_the_references_is_taken_for_it() {
    for case in cases() {
        let other = json!(["something", "else"]);
        assert_ne!(comes_to(&case, &other), Ok(true), "{case}");
    }
}
