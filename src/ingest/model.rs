//! Events: as a producer sends them, and as they are stored.

use jiff::Timestamp;

use crate::kernel::Severity;

/// An event as a producer sent it, checked. `None` = not given.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// `invoicing`.
    pub source_module: String,
    /// `invoice.overdue`.
    pub event_type: String,
    /// A JSON object, in the producer's own text, so that no digit of a number is lost on the way.
    pub payload: String,
    /// Default info.
    pub severity: Option<Severity>,
    /// Default: when it is stored.
    pub occurred_at: Option<Timestamp>,
    /// At most 255 characters.
    pub idempotency_key: Option<String>,
    /// At most 255 characters.
    pub correlation_id: Option<String>,
    /// At most 128 characters.
    pub branch_id: Option<String>,
    /// At most 128 characters.
    pub actor_id: Option<String>,
    /// At most 64 characters.
    pub entity_type: Option<String>,
    /// At most 128 characters.
    pub entity_id: Option<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

impl NewEvent {
    /// The event as the rules would see it, were it stored now: id 0. (PostgreSQL may write the payload another way.)
    #[must_use]
    pub fn unstored(self, now: Timestamp) -> Event {
        Event {
            id: 0,
            source_module: self.source_module,
            event_type: self.event_type,
            severity: self.severity.unwrap_or_default(),
            occurred_at: self.occurred_at.unwrap_or(now),
            received_at: now,
            payload: self.payload,
            correlation_id: self.correlation_id,
            branch_id: self.branch_id,
            actor_id: self.actor_id,
            entity_type: self.entity_type,
            entity_id: self.entity_id,
        }
    }
}

/// What came of a [`NewEvent`]: the answer to its producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// The event's id.
    pub id: i64,
    /// It was there already, under the same key and with the same body.
    pub existing: bool,
}

/// A stored event, as the rules see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its id.
    pub id: i64,
    /// The module.
    pub source_module: String,
    /// The dotted name.
    pub event_type: String,
    /// How bad.
    pub severity: Severity,
    /// In the business.
    pub occurred_at: Timestamp,
    /// In the database.
    pub received_at: Timestamp,
    /// A JSON object as PostgreSQL prints it: numbers keep all their digits.
    pub payload: String,
    /// Ties events of one business act together.
    pub correlation_id: Option<String>,
    /// Where; `None` = concerns all.
    pub branch_id: Option<String>,
    /// Who did it.
    pub actor_id: Option<String>,
    /// About what.
    pub entity_type: Option<String>,
    /// About which.
    pub entity_id: Option<String>,
}
