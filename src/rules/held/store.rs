//! The statements by which rules are held, and released.

use tokio_postgres::Row;

use crate::db::{Client, Tx};
use crate::kernel::Result;
use crate::rules::held::Hold;

/// Holds a version of a rule that made `sent` notifications in a minute where it may make `limit`, and tells its owner; where nobody
/// owns it, everybody with `admin_role`. Whether we are the first to say so. A transaction of its own, never a batch's: it locks
/// inboxes.
///
/// # Errors
/// The database's.
pub async fn hold(
    client: &Client,
    (rule, version): (i64, i32),
    limit: i32,
    sent: i64,
    admin_role: &str,
) -> Result<bool> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/hold.sql"))
        .await?;
    let row = client
        .query_one(&statement, &[&rule, &version, &limit, &sent, &admin_role])
        .await?;
    Ok(row.try_get("held")?)
}

/// Counts what a batch has held back: (rule, notifications), each rule once. Inside of the batch's transaction it stands before the
/// inboxes' locks, and is rolled back with it; what was released meanwhile isn't counted.
///
/// # Errors
/// The database's.
pub async fn count(client: &Client, held_back: &[(i64, i64)]) -> Result<()> {
    if held_back.is_empty() {
        return Ok(());
    }
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/count_held.sql"))
        .await?;
    let (rules, more): (Vec<i64>, Vec<i64>) = held_back.iter().copied().unzip();
    client.execute(&statement, &[&rules, &more]).await?;
    Ok(())
}

/// Lets a held rule go on; whether it was held.
///
/// # Errors
/// The database's.
pub async fn release(tx: &Tx, rule: i64) -> Result<bool> {
    let statement = tx
        .prepare_cached(include_str!("../../../sql/queries/rules/release.sql"))
        .await?;
    let row = tx.query_one(&statement, &[&rule]).await?;
    Ok(row.try_get("released")?)
}

/// The hold of a row that has a rule with it.
///
/// # Errors
/// When the row has no such columns.
pub(in crate::rules) fn of_row(row: &Row) -> Result<Option<Hold>> {
    let Some(held_at) = row.try_get("held_at")? else {
        return Ok(None);
    };
    Ok(Some(Hold {
        held_at,
        reason: row.try_get("hold_reason")?,
        limit_per_minute: row.try_get("hold_limit")?,
        held_count: row.try_get("held_count")?,
        last_held_at: row.try_get("last_held_at")?,
    }))
}
