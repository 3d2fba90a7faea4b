//! A deletion's statements, each inside of the caller's transaction.

use tokio_postgres::types::ToSql;

use super::Taken;
use crate::db::Tx;
use crate::kernel::{Error, Result};

/// A notification's place among those of its event: its unique key. The default is before all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The rule.
    pub rule_id: i64,
    /// The person.
    pub user_id: String,
    /// 0 = the first telling.
    pub step: i16,
}

/// A notification to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it stands.
    pub place: Place,
    /// Its id.
    pub id: i64,
    /// Whether it is in the inbox.
    pub in_app: bool,
}

/// Locks the event. Its branch; the outer `None` = it isn't there.
///
/// # Errors
/// The database's.
pub async fn hold(tx: &Tx, event: i64) -> Result<Option<Option<String>>> {
    let statement = tx
        .prepare_cached(include_str!("../../../sql/queries/ops/removal_event.sql"))
        .await?;
    tx.query_opt(&statement, &[&event])
        .await?
        .map(|row| Ok(row.try_get("branch_id")?))
        .transpose()
}

/// Takes the event's jobs away; how many.
///
/// # Errors
/// The database's.
pub async fn take_jobs(tx: &Tx, event: i64) -> Result<i64> {
    count(
        tx,
        include_str!("../../../sql/queries/ops/removal_jobs.sql"),
        &[&event],
    )
    .await
}

/// The next notifications.
///
/// # Errors
/// The database's.
pub async fn chunk(tx: &Tx, event: i64, behind: &Place, most: usize) -> Result<Vec<Found>> {
    let statement = tx
        .prepare_cached(include_str!("../../../sql/queries/ops/removal_chunk.sql"))
        .await?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = tx
        .query(
            &statement,
            &[
                &event,
                &behind.rule_id,
                &behind.user_id,
                &behind.step,
                &most,
            ],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Found {
                place: Place {
                    rule_id: row.try_get("rule_id")?,
                    user_id: row.try_get("user_id")?,
                    step: row.try_get("step")?,
                },
                id: row.try_get("id")?,
                in_app: row.try_get("in_app")?,
            })
        })
        .collect()
}

/// Locks inboxes.
///
/// # Errors
/// The database's.
pub async fn lock(tx: &Tx, users: &[String]) -> Result<()> {
    let lock = include_str!("../../../sql/queries/ops/removal_lock.sql");
    count(tx, lock, &[&users]).await.map(drop)
}

/// Leaves tombstones; how many are new.
///
/// # Errors
/// The database's.
pub async fn empty(tx: &Tx, chunk: &[Found]) -> Result<i64> {
    let users: Vec<&str> = chunk.iter().map(|f| f.place.user_id.as_str()).collect();
    let ids: Vec<i64> = chunk.iter().map(|f| f.id).collect();
    let empty = include_str!("../../../sql/queries/ops/removal_notifications.sql");
    count(tx, empty, &[&users, &ids]).await
}

/// Cancels their deliveries; how many, and how many are being sent.
///
/// # Errors
/// The database's.
pub async fn cancel(tx: &Tx, chunk: &[Found]) -> Result<(i64, i64)> {
    let statement = tx
        .prepare_cached(include_str!(
            "../../../sql/queries/ops/removal_deliveries.sql"
        ))
        .await?;
    let ids: Vec<i64> = chunk.iter().map(|f| f.id).collect();
    let row = tx.query_one(&statement, &[&ids]).await?;
    Ok((row.try_get("cancelled")?, row.try_get("under_way")?))
}

/// Whether notifications are left.
///
/// # Errors
/// The database's.
pub async fn is_left(tx: &Tx, event: i64) -> Result<bool> {
    let statement = tx
        .prepare_cached(include_str!("../../../sql/queries/ops/removal_left.sql"))
        .await?;
    Ok(tx
        .query_one(&statement, &[&event])
        .await?
        .try_get("is_left")?)
}

/// Deletes the event; outcomes and dead jobs that went with it.
///
/// # Errors
/// The database's.
pub async fn end(tx: &Tx, event: i64, taken: &Taken) -> Result<(i64, i64)> {
    let statement = tx
        .prepare_cached(include_str!("../../../sql/queries/ops/removal_end.sql"))
        .await?;
    let row = tx
        .query_one(&statement, &[&event, &written(taken)?])
        .await?;
    Ok((row.try_get("outcomes")?, row.try_get("dead_jobs")?))
}

/// Audits a part.
///
/// # Errors
/// The database's.
pub async fn note(tx: &Tx, event: i64, taken: &Taken) -> Result<()> {
    let note = include_str!("../../../sql/queries/ops/removal_note.sql");
    count(tx, note, &[&event, &written(taken)?]).await.map(drop)
}

fn written(taken: &Taken) -> Result<String> {
    serde_json::to_string(taken).map_err(|e| Error::internal("counts can't be written as JSON", e))
}

/// Rows of a statement.
async fn count(tx: &Tx, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<i64> {
    let statement = tx.prepare_cached(statement).await?;
    let rows = tx.execute(&statement, parameters).await?;
    Ok(i64::try_from(rows).unwrap_or(i64::MAX))
}
