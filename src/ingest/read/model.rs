//! Events as admins and auditors see them, each with what came of it.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

/// What came of an event, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not evaluated yet.
    Waiting,
    /// At least one rule was true for it.
    Matched,
    /// No rule was.
    Unmatched,
    /// It could not be evaluated, and was given up.
    Failed,
}

/// What came of an event.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// In a word.
    pub state: State,
    /// Whether something went wrong on the way, without stopping it.
    pub is_warned: bool,
    /// When it was evaluated; `null` while it waits.
    pub evaluated_at: Option<Timestamp>,
    /// When an admin last had it evaluated again.
    pub replayed_at: Option<Timestamp>,
    /// Rules that were true for it.
    pub rules_matched: i32,
    /// Notifications made of it.
    pub notifications: i32,
    /// Why it was given up.
    pub error: Option<String>,
}

/// An event of a page.
#[derive(Debug, Serialize)]
pub struct Item {
    /// Its id.
    pub id: i64,
    /// `invoicing`.
    pub source_module: String,
    /// `invoice.overdue`.
    pub event_type: String,
    /// info, warning, error, critical.
    pub severity: String,
    /// In the business.
    pub occurred_at: Timestamp,
    /// In the database.
    pub received_at: Timestamp,
    /// Ties events of one business act together.
    pub correlation_id: Option<String>,
    /// Where; `null` = concerns all.
    pub branch_id: Option<String>,
    /// Who did it.
    pub actor_id: Option<String>,
    /// About what.
    pub entity_type: Option<String>,
    /// About which.
    pub entity_id: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
}

/// An event with everything that is known of it.
#[derive(Debug, Serialize)]
pub struct Whole {
    /// As in a page.
    #[serde(flatten)]
    pub item: Item,
    /// The producer's key.
    pub idempotency_key: Option<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// As PostgreSQL prints it: numbers keep all their digits.
    pub payload: Box<RawValue>,
    /// Who was not told, and why: `[{"rule", "reason", "count"}]`.
    pub suppressed: Option<Box<RawValue>>,
    /// What went wrong without stopping it: `[{"rule", "kind", "detail"}]`.
    pub warnings: Option<Box<RawValue>>,
}

/// Events of a page, and where the next one begins.
#[derive(Debug)]
pub struct Stretch {
    /// Newest first.
    pub items: Vec<Item>,
    /// The next page is of events below this id; `None` = there is none.
    pub next: Option<i64>,
}
