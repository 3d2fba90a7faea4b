//! The demo's story: rounds of business acts, each with the events an ERP would emit for it. The same seed and round give
//! the same story. Half of the acts come in by SQL, in one transaction like the ERP's own, half by HTTP's batch, and each
//! act takes the other way in the next round. Pure: nothing is sent from here.

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use crate::cli::demo::script;
use crate::cli::demo::world::{CASTS, Dice};
use crate::ingest::NewEvent;
use crate::kernel::{Error, Result};

/// By which way an act's events come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// `neurolink_emit`, several in one transaction.
    Sql,
    /// `POST /v1/events/batch`.
    Http,
}

/// An event of the story.
#[derive(Debug, Clone, PartialEq)]
pub struct StoryEvent {
    /// Its case in `expected.json`: the event type, with a remark where it matters (`stock.adjusted, a small one`).
    pub case: String,
    /// One line for people.
    pub summary: String,
    /// The event; it always has a key and a branch.
    pub event: NewEvent,
}

/// What the ERP does in one go.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// Where.
    pub branch: &'static str,
    /// One line for people.
    pub title: String,
    /// How its events come in.
    pub way: Way,
    /// At least one.
    pub events: Vec<StoryEvent>,
}

/// A stretch of the story in which each of the seventeen standard types occurs in both branches.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// 1 = the first.
    pub number: u32,
    /// In the order they happen.
    pub acts: Vec<Act>,
}

/// The story: yields rounds, one after another.
#[derive(Debug, Clone)]
pub struct Story {
    seed: u64,
    next: u32,
    today: Date,
}

/// Rounds have five digits in the events' keys.
const LAST_ROUND: u32 = 99_999;

impl Story {
    /// A story that begins with round `first`. `today` dates its documents.
    #[must_use]
    pub fn new(seed: u64, first: u32, today: Date) -> Self {
        Self {
            seed,
            next: first.max(1),
            today,
        }
    }

    /// What the keys of a story's events begin with; the round's five digits, a dash and the event's place follow.
    #[must_use]
    pub fn key_prefix(seed: u64) -> String {
        format!("demo-{seed}-")
    }
}

impl Iterator for Story {
    type Item = Round;

    fn next(&mut self) -> Option<Round> {
        if self.next > LAST_ROUND {
            return None;
        }
        let number = self.next;
        self.next += 1;
        let mut dice = Dice::new(self.seed, number);
        let [baghdad, basra] = CASTS.map(|cast| script::acts(cast, number, self.today, &mut dice));
        let mut acts = Vec::with_capacity(baghdad.len() + basra.len());
        // The branches work side by side; what belongs together within a branch stays in order.
        for (place, pair) in baghdad.into_iter().zip(basra).enumerate() {
            let by_sql = (place + number as usize).is_multiple_of(2);
            for (mut act, sql) in [(pair.0, by_sql), (pair.1, !by_sql)] {
                act.way = if sql { Way::Sql } else { Way::Http };
                acts.push(act);
            }
        }
        let prefix = Self::key_prefix(self.seed);
        let events = acts.iter_mut().flat_map(|act| &mut act.events);
        for (place, told) in events.enumerate() {
            told.event.idempotency_key = Some(format!("{prefix}{number:05}-{:03}", place + 1));
        }
        Some(Round { number, acts })
    }
}

impl Round {
    /// All events, in order.
    pub fn events(&self) -> impl Iterator<Item = &StoryEvent> {
        self.acts.iter().flat_map(|act| &act.events)
    }
}

/// The body of `POST /v1/events/batch` that brings these events.
///
/// # Errors
/// `Internal` when a payload isn't JSON.
pub fn batch_body<'a>(events: impl IntoIterator<Item = &'a NewEvent>) -> Result<String> {
    let mut items = Vec::new();
    for event in events {
        let payload: Value = serde_json::from_str(&event.payload)
            .map_err(|e| Error::internal("a payload of the story isn't JSON", e))?;
        let mut item = Map::new();
        item.insert("source_module".to_owned(), json!(event.source_module));
        item.insert("event_type".to_owned(), json!(event.event_type));
        item.insert("payload".to_owned(), payload);
        let given = [
            ("severity", event.severity.map(|s| s.as_str().to_owned())),
            ("occurred_at", event.occurred_at.map(|t| t.to_string())),
            ("idempotency_key", event.idempotency_key.clone()),
            ("correlation_id", event.correlation_id.clone()),
            ("branch_id", event.branch_id.clone()),
            ("actor_id", event.actor_id.clone()),
            ("entity_type", event.entity_type.clone()),
            ("entity_id", event.entity_id.clone()),
            ("traceparent", event.traceparent.clone()),
        ];
        for (name, value) in given {
            if let Some(text) = value {
                item.insert(name.to_owned(), Value::String(text));
            }
        }
        items.push(Value::Object(item));
    }
    Ok(Value::Array(items).to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::ops::catalog;
    use crate::ops::starter::STANDARD_TYPES;

    fn round(seed: u64, number: u32) -> Round {
        Story::new(seed, number, jiff::civil::date(2026, 11, 15))
            .next()
            .unwrap()
    }

    #[test]
    fn the_same_seed_tells_the_same_story_and_another_tells_another() {
        assert_eq!(round(7, 3), round(7, 3));
        assert_ne!(round(7, 3), round(8, 3));
        assert_ne!(round(7, 3), round(7, 4));
    }

    #[test]
    fn every_round_has_all_seventeen_types_in_both_branches() {
        for number in 1..=20 {
            let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for told in round(1, number).events() {
                seen.entry(told.event.branch_id.clone().unwrap())
                    .or_default()
                    .insert(told.event.event_type.clone());
            }
            assert_eq!(
                seen.keys().map(String::as_str).collect::<Vec<_>>(),
                ["BGD", "BSR"]
            );
            let all: BTreeSet<String> = STANDARD_TYPES.map(str::to_owned).into();
            assert!(seen.values().all(|types| *types == all));
        }
    }

    #[test]
    fn half_of_the_acts_come_by_sql_and_each_takes_the_other_way_in_the_next_round() {
        let (first, second) = (round(1, 1), round(1, 2));
        let sql = first.acts.iter().filter(|a| a.way == Way::Sql).count();
        assert_eq!(sql * 2, first.acts.len());
        assert!(
            first
                .acts
                .iter()
                .zip(&second.acts)
                .all(|(a, b)| a.way != b.way)
        );
    }

    #[test]
    fn an_order_is_created_approved_shipped_and_delivered_and_its_invoice_is_paid_in_that_order() {
        let round = round(5, 1);
        for branch in ["BGD", "BSR"] {
            let at = |case: &str| {
                round
                    .events()
                    .position(|t| t.case == case && t.event.branch_id.as_deref() == Some(branch))
                    .unwrap()
            };
            let line = [
                "order.created",
                "order.approved",
                "invoice.created",
                "order.shipped",
                "order.delivered",
                "invoice.partially_paid",
                "invoice.paid",
            ];
            assert!(
                line.map(at).windows(2).all(|w| w[0] < w[1]),
                "orders in {branch}"
            );
            let purchase = ["po.created", "po.approved", "po.received"];
            assert!(
                purchase.map(at).windows(2).all(|w| w[0] < w[1]),
                "purchases in {branch}"
            );
        }
    }

    #[test]
    fn keys_are_unique_over_rounds_and_documents_never_carry_a_number_twice() {
        let mut keys = BTreeSet::new();
        let mut created = BTreeSet::new();
        for number in 1..=50 {
            for told in round(1, number).events() {
                let event = &told.event;
                assert!(keys.insert(event.idempotency_key.clone().unwrap()));
                if event.event_type.ends_with(".created") {
                    let document = (event.entity_type.clone(), event.entity_id.clone());
                    assert!(created.insert(document), "{told:?}");
                }
            }
        }
    }

    #[test]
    fn every_payload_of_the_story_has_the_keys_that_the_example_of_its_type_has() {
        let examples = catalog::examples().unwrap();
        for told in round(1, 1).events() {
            let example = examples
                .iter()
                .find(|e| e["event_type"] == told.event.event_type.as_str())
                .unwrap();
            let payload: Value = serde_json::from_str(&told.event.payload).unwrap();
            for (key, value) in example["payload"].as_object().unwrap() {
                let same = std::mem::discriminant(&payload[key]) == std::mem::discriminant(value);
                assert!(same, "{} {key}", told.case);
            }
            assert_eq!(example["source_module"], told.event.source_module.as_str());
            assert_eq!(
                example["entity_type"],
                told.event.entity_type.as_deref().unwrap()
            );
        }
    }

    #[test]
    fn a_batch_body_names_the_fields_as_http_does_and_leaves_out_what_is_not_given() {
        let round = round(1, 1);
        let told = round.events().next().unwrap();
        let body: Value = serde_json::from_str(&batch_body([&told.event]).unwrap()).unwrap();
        assert_eq!(body[0]["event_type"], "order.created");
        assert_eq!(body[0]["idempotency_key"], "demo-1-00001-001");
        assert!(body[0]["payload"]["amount"].is_number());
        assert!(body[0].get("traceparent").is_none());
    }
}
