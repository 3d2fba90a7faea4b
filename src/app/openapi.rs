//! The API's description, gathered: the part of every room that has endpoints. Merged by `http`, which knows none of them.

use serde_json::Value;

use crate::http::openapi;
use crate::kernel::Result;
use crate::{deliveries, directory, ingest, notifications, ops, preferences, queue, rules, stream};

/// One a room, as its `routes.rs` has it.
pub(super) const PARTS: &[&str] = &[
    ingest::OPENAPI,
    notifications::routes::OPENAPI,
    stream::routes::OPENAPI,
    rules::routes::OPENAPI,
    rules::diff::routes::OPENAPI,
    rules::shadow::routes::OPENAPI,
    directory::routes::OPENAPI,
    directory::following::routes::OPENAPI,
    preferences::routes::OPENAPI,
    ops::audit::routes::OPENAPI,
    ops::series::routes::OPENAPI,
    ops::summary::routes::OPENAPI,
    ops::prometheus::routes::OPENAPI,
    ingest::read::routes::OPENAPI,
    ops::trace::routes::OPENAPI,
    ops::why::routes::OPENAPI,
    ops::replay::routes::OPENAPI,
    ops::removal::routes::OPENAPI,
    ops::event_types::routes::OPENAPI,
    ops::tell::routes::OPENAPI,
    ops::trial::routes::OPENAPI,
    deliveries::log::routes::OPENAPI,
    queue::control::routes::OPENAPI,
];

/// The whole document, as `/openapi.json` answers it.
///
/// # Errors
/// When the parts contradict each other: a fault of ours.
pub fn document() -> Result<Value> {
    openapi::merge(PARTS)
}
