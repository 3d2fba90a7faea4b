//! What is gathered for digests: rows of `neurolink_digest_items`. Comes from the pipeline instead of notifications, goes back to it when
//! the digest is due; it stays, and says which digest told of an event.

pub mod store;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something gathered for a digest, instead of a notification.
#[derive(Debug, Clone)]
pub struct Item {
    /// The event.
    pub event_id: i64,
    /// The rule.
    pub rule_id: i64,
    /// Its version.
    pub rule_version: i32,
    /// The person.
    pub user_id: String,
    /// The rule's.
    pub category: String,
    /// info, warning, error, critical.
    pub severity: String,
    /// Where it would have gone.
    pub channels: Vec<String>,
    /// The language it is written in.
    pub locale: String,
    /// One line.
    pub title: String,
    /// Plain text.
    pub body: String,
    /// Relative or http(s).
    pub action_url: Option<String>,
    /// The button's text.
    pub action_label: Option<String>,
    /// When the event occurred.
    pub occurred_at: Timestamp,
    /// From then on it is of no use.
    pub expires_at: Option<Timestamp>,
    /// The rule's own texts for mail and SMS.
    pub mail: Option<Mail>,
}

/// A rule's own texts for mail and SMS, for one thing that is told alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mail {
    /// One line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_subject: Option<String>,
    /// HTML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_html: Option<String>,
    /// Plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms_body: Option<String>,
}

/// What waits for a digest.
#[derive(Debug, Default)]
pub struct Waiting {
    /// How many.
    pub total: i64,
    /// The first of them.
    pub items: Vec<Item>,
}
