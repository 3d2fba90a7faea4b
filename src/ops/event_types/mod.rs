//! Which event types there are: the seventeen standard ones with what they mean, and those that were seen. Comes from
//! `sql/starter/examples.json` and `neurolink_event_types`, goes to whoever writes rules, by `GET /v1/event-types`.

pub mod routes;
pub mod store;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::kernel::{Error, Result};
use crate::ops::starter;

/// What each standard type says, in the order of [`starter::STANDARD_TYPES`].
const DESCRIPTIONS: [&str; 17] = [
    "An invoice was issued to a customer.",
    "An invoice is past its due date and not paid in full.",
    "An invoice was paid in full.",
    "A part of an invoice was paid, and a balance is open.",
    "A product's stock in a warehouse is at its reorder level or below.",
    "A product is out of stock in a warehouse.",
    "A stock count was corrected by hand; a negative value is a loss.",
    "Goods are on their way from one warehouse to another, whose branch the event is of.",
    "A sales order came in.",
    "A sales order was approved, and can be packed.",
    "A sales order left the warehouse with a carrier.",
    "A sales order reached its customer.",
    "A sales order was cancelled.",
    "A purchase order waits for approval.",
    "A purchase order was approved.",
    "The goods of a purchase order arrived; fewer than ordered is possible.",
    "A purchase order was refused.",
];

/// An event type, as those see it who write rules.
#[derive(Debug, Serialize)]
pub struct EventType {
    /// `invoice.overdue`.
    pub event_type: String,
    /// `invoicing`.
    pub source_module: String,
    /// One of the seventeen that starter rules know.
    pub is_standard: bool,
    /// What it says; standard types only.
    pub description: Option<&'static str>,
    /// A payload as an ERP sends it; standard types only.
    pub example: Option<Box<RawValue>>,
    /// When one was first evaluated here; `null` = never.
    pub first_seen_at: Option<Timestamp>,
    /// When one was last received, give or take two minutes.
    pub last_seen_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Example {
    source_module: String,
    event_type: String,
    payload: Box<RawValue>,
}

/// The standard types by type and module: what they say, and an example.
type Standard = BTreeMap<(String, String), (&'static str, Box<RawValue>)>;

fn standard() -> Result<Standard> {
    let examples: Vec<Example> = serde_json::from_str(starter::EXAMPLES)
        .map_err(|e| Error::internal("the built-in examples can't be read", e))?;
    Ok(examples
        .into_iter()
        .zip(DESCRIPTIONS)
        .map(|(e, description)| ((e.event_type, e.source_module), (description, e.payload)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_standard_type_has_its_description_and_example() {
        let standard = standard().unwrap();
        assert_eq!(standard.len(), 17);
        for event_type in starter::STANDARD_TYPES {
            let found = standard.iter().find(|((t, _), _)| t == event_type);
            let (_, (description, example)) = found.unwrap();
            assert!(example.get().starts_with('{'), "{event_type}");
            let noun = match event_type.split('.').next().unwrap() {
                "po" => "purchase order",
                "order" => "sales order",
                "stock" if event_type == "stock.transferred" => "goods",
                noun => noun,
            };
            assert!(
                description.to_lowercase().contains(noun),
                "{event_type}: {description}"
            );
        }
    }
}
