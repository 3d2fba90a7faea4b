//! The home of time. Facts are dated by the database's clock; ours only measures waits and stamps tokens and logs.

use std::time::Instant;

/// A monotonic point, for leases and durations.
#[must_use]
pub fn instant() -> Instant {
    Instant::now()
}

/// The clock of Tokio's timers, for deadlines that somebody sleeps until. It stands still where a test has stopped it.
#[must_use]
pub fn timer() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// The wall clock, for tokens, files' names and `now` in previews. Never for facts in the database.
#[must_use]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
