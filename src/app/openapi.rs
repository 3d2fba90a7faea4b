//! The API's description, gathered: the part of every room that has endpoints. Merged by `http`, which knows none of them.

use serde_json::Value;

use crate::http::openapi;
use crate::kernel::Result;
use crate::{directory, ingest, notifications, ops, preferences, rules, stream};

/// One a room, as its `routes.rs` has it.
pub(super) const PARTS: &[&str] = &[
    ingest::OPENAPI,
    notifications::routes::OPENAPI,
    stream::routes::OPENAPI,
    rules::routes::OPENAPI,
    directory::routes::OPENAPI,
    preferences::routes::OPENAPI,
    ops::audit::routes::OPENAPI,
];

/// The whole document, as `/openapi.json` answers it.
///
/// # Errors
/// When the parts contradict each other: a fault of ours.
pub fn document() -> Result<Value> {
    openapi::merge(PARTS)
}
