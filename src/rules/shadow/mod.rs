//! What shadow rules would have told: rows of `neurolink_shadow_matches`, read by admins and auditors as far as they see the events.

pub mod routes;
pub mod store;

use jiff::Timestamp;
use serde::Serialize;

/// A match of a shadow rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShadowMatch {
    /// The event.
    pub event_id: i64,
    /// Its type.
    pub event_type: String,
    /// Where it happened.
    pub branch_id: Option<String>,
    /// When.
    pub occurred_at: Timestamp,
    /// The version of the rule that was tried.
    pub rule_version: i32,
    /// How many people it would have told.
    pub recipients: i32,
    /// The first of them.
    pub users: Vec<String>,
    /// When it was evaluated.
    pub matched_at: Timestamp,
}
