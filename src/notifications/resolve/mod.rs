//! What a notification spoke of is settled: it stays in the inbox with that mark, counts no more, and what of it waits to be sent is
//! withdrawn. Comes from the pipeline, where a rule says what it resolves; goes to readers as any change does.
//!
//! Inside of a batch's transaction the inboxes of all whom the batch tells *and* of all whose notifications it resolves are locked
//! together ([`store::lock`]) before any is changed: who locks twice in order has locked out of order.

pub mod store;

/// A notification that was told, as far as settling or expiring it asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Whom.
    pub user_id: String,
    /// Its id.
    pub id: i64,
    /// Whether it is in the inbox.
    pub in_app: bool,
}

/// What resolving has come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Those whose inboxes have changed: to be told to look, once that is committed.
    pub users: Vec<String>,
    /// Notifications that weren't resolved before.
    pub notifications: usize,
    /// Deliveries withdrawn.
    pub deliveries: i64,
}
