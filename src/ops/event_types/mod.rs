//! Which event types there are: the seventeen standard ones with what they mean, and those that were seen, each with the payload
//! fields seen in it. Comes from `ops::catalog`, `neurolink_event_types` and `neurolink_event_fields`; goes to whoever writes
//! rules, by `GET /v1/event-types` and `/v1/event-types/{type}`.

pub mod routes;
pub mod store;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::kernel::Result;
use crate::ops::catalog::{self, Standard, Title};

/// An event type of a module, as those see it who write rules.
#[derive(Debug, Serialize)]
pub struct EventType {
    /// `invoice.overdue`.
    pub event_type: String,
    /// `invoicing`.
    pub source_module: String,
    /// What is known of it from the start.
    #[serde(flatten)]
    pub meaning: Meaning,
    /// When one was first evaluated here; `null` = never.
    pub first_seen_at: Option<Timestamp>,
    /// When one was last received, give or take two minutes.
    pub last_seen_at: Option<Timestamp>,
}

/// What is known of a standard type; of any other, nothing.
#[derive(Debug, Default, Serialize)]
pub struct Meaning {
    /// One of the seventeen that starter rules know.
    pub is_standard: bool,
    /// Its name for people, per language.
    pub title: Option<Title>,
    /// What it says.
    pub description: Option<String>,
    /// JSON Schema (2020-12) of its payload.
    pub schema: Option<Box<RawValue>>,
    /// A payload as an ERP sends it.
    pub example: Option<Box<RawValue>>,
}

impl From<Standard> for Meaning {
    fn from(standard: Standard) -> Self {
        Self {
            is_standard: true,
            title: Some(standard.title),
            description: Some(standard.description),
            schema: Some(standard.schema),
            example: Some(standard.example.payload),
        }
    }
}

/// All that is known of one event type.
#[derive(Debug, Serialize)]
pub struct Known {
    /// `invoice.overdue`.
    pub event_type: String,
    /// What is known of it from the start.
    #[serde(flatten)]
    pub meaning: Meaning,
    /// The modules that send it, by name.
    pub modules: Vec<Module>,
    /// The payload fields that were seen, by path. No values.
    pub fields: Vec<Field>,
}

/// A module that sends events of a type, or should.
#[derive(Debug, Serialize)]
pub struct Module {
    /// `invoicing`.
    pub source_module: String,
    /// When one was first evaluated here; `null` = never.
    pub first_seen_at: Option<Timestamp>,
    /// When one was last received, give or take two minutes.
    pub last_seen_at: Option<Timestamp>,
}

/// A payload field that was seen.
#[derive(Debug, Serialize)]
pub struct Field {
    /// As `recipient_fields` writes it: `lines.sku` is the field `sku` of each item of the list `lines`.
    pub path: String,
    /// string, number, boolean, array, object, null: those that were seen.
    pub kinds: Vec<String>,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When it was last seen, give or take an hour.
    pub last_seen_at: Timestamp,
}

/// The standard types by type and module.
fn standard() -> Result<BTreeMap<(String, String), Meaning>> {
    let all = catalog::standard()?;
    let keyed = all.into_iter().map(|standard| {
        let key = (standard.event_type.clone(), standard.source_module.clone());
        (key, Meaning::from(standard))
    });
    Ok(keyed.collect())
}
