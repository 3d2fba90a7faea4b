//! The audit log: who changed what. Comes from `neurolink_audit_log`, which triggers and `neurolink_audit()` write in the
//! transaction of the deed itself; goes to admins and auditors, by `GET /v1/audit`.

pub mod routes;
pub mod store;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

/// One deed.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// Its number; later deeds have higher ones.
    pub id: i64,
    /// When its transaction began.
    pub at: Timestamp,
    /// The token's subject, or the database role.
    pub actor: String,
    /// The database role in any case.
    pub db_user: String,
    /// `rule.updated`, `person.created` …
    pub action: String,
    /// `rule`, `person`, `preferences` …
    pub subject_kind: String,
    /// Which.
    pub subject_id: String,
    /// As it was; `null` for what wasn't there.
    pub before: Option<Box<RawValue>>,
    /// As it is since; `null` for what is gone.
    pub after: Option<Box<RawValue>>,
}

/// An entry's place in the log: its time, and among those of one transaction its number.
pub type Place = (Timestamp, i64);

/// What a page is made of.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only this actor's.
    pub actor: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only this kind of thing.
    pub subject_kind: Option<String>,
    /// Only this thing.
    pub subject_id: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Of events and deliveries, only those of these branches; `None` = all.
    pub branches: Option<Vec<String>>,
}
