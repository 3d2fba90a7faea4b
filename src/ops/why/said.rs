//! What providers have said of deliveries, without the addresses in it: for auditors. Comes from the stored facts and the
//! deliveries' own addresses, goes into the same answer. Pure.

use std::collections::HashMap;

use serde_json::Value;

use super::store::Stored;
use crate::kernel::{Error, Result, mask};

/// The stored facts, read.
///
/// # Errors
/// When they are no JSON.
pub fn facts(stored: &Stored) -> Result<Value> {
    serde_json::from_str(&stored.facts).map_err(|e| Error::internal("stored facts are no JSON", e))
}

/// The deliveries of which something is said, by id.
#[must_use]
pub fn deliveries(facts: &Value) -> Vec<i64> {
    let told = facts["told"].as_array().into_iter().flatten();
    let deliveries = told.flat_map(|told| told["deliveries"].as_array().into_iter().flatten());
    let said = deliveries.filter(|delivery| delivery["reason"].is_string());
    said.filter_map(|delivery| delivery["id"].as_i64())
        .collect()
}

/// Masks the reasons, in the facts and where the answer repeats them. (Not all of the answer: a person's id may look like an address,
/// and who asks has named it.)
pub fn mask(stored: &mut Stored, mut facts: Value, addresses: &HashMap<i64, String>) {
    let mut masked: Vec<(String, String)> = Vec::new();
    let told = facts.get_mut("told").and_then(Value::as_array_mut);
    let told = told.into_iter().flatten();
    let deliveries = told.filter_map(|told| told.get_mut("deliveries")?.as_array_mut());
    for delivery in deliveries.flatten() {
        let id = delivery["id"].as_i64();
        let own = id.and_then(|id| addresses.get(&id)).map(String::as_str);
        let Some(reason) = delivery["reason"].as_str() else {
            continue;
        };
        let said = mask::text(reason, own);
        if said != reason {
            masked.push((reason.to_owned(), said.clone()));
            delivery["reason"] = Value::String(said);
        }
    }
    // One may be a part of another: the longer first, or it would not be found any more.
    masked.sort_by_key(|(reason, _)| std::cmp::Reverse(reason.len()));
    for (reason, said) in masked {
        stored.answer = stored.answer.replace(&reason, &said);
    }
    stored.facts = facts.to_string();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_lose_their_addresses_and_the_person_keeps_their_id() {
        let facts = r#"{"event": {"id": 7}, "told": [{"deliveries": [
            {"id": 33, "reason": "no +9647701234567"},
            {"id": 34, "reason": "no +9647701234567 (ali@tsh.example)"},
            {"id": 35, "reason": null}]}]}"#;
        let mut stored = Stored {
            code: "undelivered".into(),
            answer: "No: ali@tsh.example was chosen: not by SMS (no +9647701234567), \
                     not by e-mail (no +9647701234567 (ali@tsh.example))."
                .into(),
            is_complete: true,
            facts: facts.into(),
        };
        let facts = super::facts(&stored).unwrap();
        assert_eq!(deliveries(&facts), [33, 34]);
        let own = "+9647701234567".to_owned();
        mask(
            &mut stored,
            facts,
            &HashMap::from([(33, own.clone()), (34, own)]),
        );
        assert_eq!(
            stored.answer,
            "No: ali@tsh.example was chosen: not by SMS (no ***567), not by e-mail (no ***567 (a***@tsh.example))."
        );
        assert!(!stored.facts.contains("96477"), "{}", stored.facts);
        assert!(stored.facts.contains(r#""reason":null"#));
    }
}
