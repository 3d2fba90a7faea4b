//! Minute roll-ups: `neurolink_metrics` and, for whole hours, `neurolink_metrics_hours`. Comes in: the minute that is over. Goes
//! out: `neurolink_roll_up()` (sql/functions/rollup.sql), which every node calls once a minute and one of them does.
//! Also what the readers of roll-ups share: which metrics there are (`model`), percentiles of buckets (`percentile`).

pub mod model;
pub mod percentile;
pub mod store;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::db::Db;
use crate::kernel::{Result, clock, random};

/// Nodes call so long after a minute's end, and up to as long again, so that they don't all call at once.
const AFTER: Duration = Duration::from_secs(2);

/// Rolls up once a minute until shutdown.
pub async fn run(db: Db, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(until_next(clock::now().as_second(), random::unit())) => {}
            () = shutdown.cancelled() => return,
        }
        let done = tokio::select! {
            done = catch_up(&db) => done,
            () = shutdown.cancelled() => return,
        };
        match done {
            Ok(()) => {}
            Err(error) if error.is_transient() => {
                tracing::debug!(error = %error.chain(), "minutes could not be rolled up; again in a minute");
            }
            Err(error) => {
                tracing::warn!(error = %error.chain(), "minutes could not be rolled up; again in a minute");
            }
        }
    }
}

/// Rolls up whatever is due, a bounded stretch a transaction.
///
/// # Errors
/// The database's.
pub async fn catch_up(db: &Db) -> Result<()> {
    loop {
        // A connection for each stretch: others may need it in between.
        let left = store::roll_up(&db.client().await?).await?;
        if left == 0 {
            return Ok(());
        }
        tracing::debug!(minutes.left = left, "catching up with roll-ups");
    }
}

/// From `second` to shortly after the end of its minute. Our clock only says when to ask; which minutes are over, the
/// database's does.
fn until_next(second: i64, jitter: f64) -> Duration {
    let into = u64::try_from(second.rem_euclid(60)).unwrap_or_default();
    Duration::from_secs(60 - into) + AFTER + AFTER.mul_f64(jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_call_a_few_seconds_after_a_minutes_end_and_never_twice_in_one() {
        for (second, seconds) in [(0, 60), (1, 59), (59, 1), (-1, 1), (1_767_225_630, 30)] {
            for jitter in [0.0, 0.5, 1.0] {
                let wait = until_next(second, jitter).as_secs_f64();
                let after = wait - f64::from(seconds);
                assert!((2.0..=4.0).contains(&after), "{second} {jitter}: {wait}");
            }
        }
    }
}
