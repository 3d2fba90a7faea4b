//! A replay's statements.

use crate::db::Tx;
use crate::kernel::Result;

/// Keeps an event from being deleted; its branch, and whether it was evaluated before.
///
/// # Errors
/// The database's.
pub async fn hold(tx: &Tx, event: i64) -> Result<Option<(Option<String>, bool)>> {
    let statement = tx
        .prepare_cached(include_str!("../../../sql/queries/ops/replay_event.sql"))
        .await?;
    tx.query_opt(&statement, &[&event])
        .await?
        .map(|row| Ok((row.try_get("branch_id")?, row.try_get("is_evaluated")?)))
        .transpose()
}

/// Queues it. The job, and whether it is new.
///
/// # Errors
/// The database's.
pub async fn queue(tx: &Tx, event: i64) -> Result<(i64, bool)> {
    let statement = tx
        .prepare_cached(include_str!("../../../sql/queries/ops/replay_queue.sql"))
        .await?;
    let row = tx.query_one(&statement, &[&event]).await?;
    Ok((row.try_get("id")?, row.try_get("is_new")?))
}
