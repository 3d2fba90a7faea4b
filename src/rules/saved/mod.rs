//! Rules as they are kept, for those who look at them and change them: what a rule and its versions are there. Comes from
//! `store`, goes to `routes` and to commands.

pub mod store;

use jiff::Timestamp;
use serde::Serialize;

use crate::rules::draft::Draft;
use crate::rules::held::Hold;

/// A rule as it stands in the database.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Saved {
    /// Its id.
    pub id: i64,
    /// Its present version.
    pub version: i32,
    /// Its content.
    #[serde(flatten)]
    pub draft: Draft,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its content last changed.
    pub updated_at: Timestamp,
    /// What is wrong with this version.
    pub fault: Option<Found>,
    /// Whether this version told too much, and is held.
    pub hold: Option<Hold>,
}

/// A version of a rule, past or present.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Version {
    /// The rule.
    pub rule_id: i64,
    /// Which.
    pub version: i32,
    /// What the rule said then.
    #[serde(flatten)]
    pub draft: Draft,
    /// A token's subject, or a database role.
    pub changed_by: String,
    /// When it came.
    pub changed_at: Timestamp,
    /// What was found wrong with it.
    pub fault: Option<Found>,
}

/// A fault that a node has found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// compile or watchdog.
    pub kind: String,
    /// JSON pointer into the rule, with line and column inside a template.
    pub place: String,
    /// One sentence.
    pub detail: String,
    /// When.
    pub found_at: Timestamp,
}

/// What a page of rules is made of.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only (switched off) ones.
    pub enabled: Option<bool>,
    /// Only those about this event type.
    pub event_type: Option<String>,
    /// Only those about this module, or any.
    pub source_module: Option<String>,
    /// Only those with(out) a fault.
    pub faulty: Option<bool>,
}
