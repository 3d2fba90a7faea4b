//! Who follows what: an order, an invoice, a customer. People say so themselves, admins for others, and the ERP by SQL. Comes from
//! requests and `neurolink_follow()`, goes to rules that say `recipient_followers`.

pub mod routes;
pub mod store;

use jiff::Timestamp;
use serde::Serialize;

/// Something that somebody follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Follow {
    /// `invoice`.
    pub entity_type: String,
    /// `88101`.
    pub entity_id: String,
    /// Since when.
    pub since: Timestamp,
}

/// Somebody who follows something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Follower {
    /// Who.
    pub user_id: String,
    /// Since when.
    pub since: Timestamp,
}
