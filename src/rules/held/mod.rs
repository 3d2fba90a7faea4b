//! Rules that told too much a minute, and are held: the storm guard's table side. The pipeline counts and says so; owners are told;
//! admins release. Law: what happens is said in one place, `sql/functions/holds.sql`.

pub mod store;

use jiff::Timestamp;
use serde::Serialize;

/// A rule's present version is held: it is evaluated and recorded, and tells nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// Since when.
    pub held_at: Timestamp,
    /// Why, in a few words.
    pub reason: String,
    /// Notifications a minute that it may make.
    pub limit_per_minute: i32,
    /// Notifications held back since.
    pub held_count: i64,
    /// When the last one was.
    pub last_held_at: Option<Timestamp>,
}
