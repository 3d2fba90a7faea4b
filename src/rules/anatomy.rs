//! A condition taken apart for one event: every part readable, with its place, what its variables are, and whether it is true.
//! Comes from a rule's row and an event, goes to previews. Each part is evaluated by itself by the engine that evaluates the whole
//! (the root is the whole), so nothing here is a second opinion.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bumpalo::Bump;
use serde::Serialize;
use serde_json::Value as Json;

use crate::ingest::Event;
use crate::rules::blame;
use crate::rules::conditions::{Condition, Data, Verdict};
use crate::rules::model::RuleRow;

/// Parts that are taken apart; what is inside of further ones is shown whole.
const PARTS: usize = 200;

/// A part of a condition, and the parts it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// JSON pointer into the rule: `/conditions/and/1`.
    pub place: String,
    /// Readable: `payload.days_overdue > 0`.
    pub part: String,
    /// Whether it is true for the event; what can't be compared isn't.
    pub is_true: bool,
    /// Whether the whole depends on it: an `and` stops at its first part that isn't true, an `or` at its first that is.
    pub is_reached: bool,
    /// What its variables are, where it isn't taken apart further.
    pub values: Vec<Variable>,
    /// Why it can't be evaluated.
    pub error: Option<String>,
    /// What it is made of.
    pub parts: Vec<Part>,
}

/// A variable of a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// `payload.days_overdue`.
    pub path: String,
    /// As JSON, cut where it is long; `None` = it isn't there.
    pub value: Option<String>,
}

impl RuleRow {
    /// The rule's condition for an event, part by part. `None` where there is none, or nothing of it can be evaluated. Takes as long
    /// as the rule does, once a level: not for an async thread.
    #[must_use]
    pub fn dissected(&self, event: &Event, now: jiff::Timestamp) -> Option<Part> {
        let text = self.conditions.as_deref()?;
        let json: Json = serde_json::from_str(text)
            .ok()
            .filter(|json: &Json| !json.is_null())?;
        Condition::compile(text).ok()?;
        // A panic inside of an engine is this rule's, and nobody else's trouble.
        let dissect = || {
            let arena = Bump::new();
            let data = Data::new(event, now, &arena).ok()?;
            let mut left = PARTS;
            let mut place = String::from("/conditions");
            Some(part(&json, &data, true, &mut place, &mut left))
        };
        catch_unwind(AssertUnwindSafe(dissect)).ok().flatten()
    }
}

fn part(
    json: &Json,
    data: &Data<'_>,
    is_reached: bool,
    place: &mut String,
    left: &mut usize,
) -> Part {
    let (is_true, error) = match Condition::compile(&json.to_string()).map(|c| c.holds(data)) {
        Ok(Verdict::Match) => (true, None),
        Ok(Verdict::NoMatch) => (false, None),
        Ok(Verdict::TypeError(detail) | Verdict::TooLarge(detail)) => (false, Some(detail)),
        Err(fault) => (false, Some(fault.detail)),
    };
    *left = left.saturating_sub(1);
    let parts = if *left == 0 {
        Vec::new()
    } else {
        inner(json, data, is_reached, place, left)
    };
    Part {
        part: blame::shown(json),
        values: if parts.is_empty() {
            blame::variables_of(json, data)
        } else {
            Vec::new()
        },
        place: place.clone(),
        is_true,
        is_reached,
        error,
        parts,
    }
}

/// The parts of what only joins parts; anything else is shown whole.
fn inner(
    json: &Json,
    data: &Data<'_>,
    is_reached: bool,
    place: &mut String,
    left: &mut usize,
) -> Vec<Part> {
    let Some((operator @ ("and" | "or" | "!" | "!!"), argument)) = blame::operation(json) else {
        return Vec::new();
    };
    let length = place.len();
    let mut parts = Vec::new();
    let mut reached = is_reached;
    match argument.as_array() {
        Some(items) => {
            for (index, item) in items.iter().enumerate() {
                if *left == 0 {
                    break;
                }
                place.push_str(&format!("/{operator}/{index}"));
                let of = part(item, data, reached, place, left);
                place.truncate(length);
                // Where the engine goes no further.
                reached &= of.error.is_none()
                    && match operator {
                        "and" => of.is_true,
                        "or" => !of.is_true,
                        _ => true,
                    };
                parts.push(of);
            }
        }
        None => {
            place.push_str(&format!("/{operator}"));
            parts.push(part(argument, data, reached, place, left));
            place.truncate(length);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Severity;
    use jiff::Timestamp;

    fn tree(condition: &str, payload: &str) -> Part {
        let event = Event {
            id: 7,
            source_module: "m".into(),
            event_type: "a.b".into(),
            severity: Severity::Info,
            occurred_at: Timestamp::UNIX_EPOCH,
            received_at: Timestamp::UNIX_EPOCH,
            payload: payload.into(),
            correlation_id: None,
            branch_id: Some("BGD".into()),
            actor_id: None,
            entity_type: None,
            entity_id: None,
        };
        let row = RuleRow {
            id: 1,
            name: "r".into(),
            source_module: None,
            event_type_pattern: "*".into(),
            conditions: Some(condition.into()),
            notification_template: r#"{"title": "T"}"#.into(),
            priority: 0,
            version: 1,
            is_held: false,
        };
        row.dissected(&event, Timestamp::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn every_part_says_whether_it_is_true_and_what_it_looked_at() {
        let whole = tree(
            r#"{"and": [{"==": [{"var": "event.branch_id"}, "BGD"]},
                        {"or": [{">": [{"var": "payload.days"}, 30]}, {"!": {"var": "payload.paid"}}]},
                        {"<": [{"var": "payload.days"}, 3]},
                        {"in": [{"var": "payload.currency"}, ["IQD"]]}]}"#,
            r#"{"days": 5}"#,
        );
        assert!(!whole.is_true && whole.is_reached && whole.place == "/conditions");
        let told: Vec<(&str, bool, bool)> = whole
            .parts
            .iter()
            .map(|p| (p.place.as_str(), p.is_true, p.is_reached))
            .collect();
        assert_eq!(
            told,
            [
                ("/conditions/and/0", true, true),
                ("/conditions/and/1", true, true),
                ("/conditions/and/2", false, true),
                ("/conditions/and/3", false, false),
            ]
        );
        let either = &whole.parts[1];
        assert_eq!(either.parts[0].part, "payload.days > 30");
        assert_eq!(
            either.parts[0].values,
            [Variable {
                path: "payload.days".into(),
                value: Some("5".into())
            }]
        );
        let not = &either.parts[1];
        assert_eq!(
            (not.part.as_str(), not.is_true, not.parts[0].is_true),
            ("not payload.paid", true, false)
        );
        assert_eq!(not.parts[0].place, "/conditions/and/1/or/1/!");
        assert_eq!(not.parts[0].values[0].value, None);
    }

    #[test]
    fn what_cant_be_compared_says_so_and_a_bare_condition_is_one_part() {
        let odd = tree(r#"{">": [{"var": "payload.n"}, 1]}"#, r#"{"n": [1]}"#);
        assert!(!odd.is_true && odd.parts.is_empty());
        let plain = tree("true", "{}");
        assert!(plain.is_true && plain.parts.is_empty() && plain.values.is_empty());
    }

    #[test]
    fn a_condition_of_very_many_parts_is_taken_apart_as_far_as_it_can_be_read() {
        let many: Vec<String> = (0..400)
            .map(|n| format!(r#"{{"==": [{{"var": "payload.n"}}, {n}]}}"#))
            .collect();
        let whole = tree(
            &format!(r#"{{"or": [{}]}}"#, many.join(",")),
            r#"{"n": 399}"#,
        );
        assert!(whole.is_true);
        assert_eq!(whole.parts.len(), PARTS - 1);
    }
}
