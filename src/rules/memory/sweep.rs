//! What nobody would look after otherwise: states that have expired are forgotten, overdue ones whose job is gone ring again. Every
//! node with workers sweeps now and then; rows that somebody holds are left for the next time.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::db::Db;
use crate::kernel::{Result, random};
use crate::rules::memory::store;

/// Between two sweeps of a node, and up to half as long again.
const EVERY: Duration = Duration::from_secs(300);

/// Sweeps until shutdown.
pub async fn run(db: Db, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY + EVERY.mul_f64(random::unit() / 2.0)) => {}
            () = shutdown.cancelled() => return,
        }
        match sweep(&db).await {
            Ok((0, _)) => {}
            Ok((rung, _)) => tracing::warn!(
                alarms.rung = rung,
                "alarms were overdue and had no job; they ring now"
            ),
            Err(error) => {
                tracing::debug!(error = %error.chain(), "what rules remember could not be swept; again in a while");
            }
        }
    }
}

/// One sweep: how many alarms ring again, and how many states were forgotten.
///
/// # Errors
/// The database's.
pub async fn sweep(db: &Db) -> Result<(i64, i64)> {
    let client = db.client().await?;
    let rung = store::ring_lost(&client).await?;
    let mut forgotten = 0;
    loop {
        let some = store::forget_expired(&client).await?;
        forgotten += some;
        if some == 0 {
            return Ok((rung, forgotten));
        }
    }
}
