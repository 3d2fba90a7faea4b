//! The statements by which snoozed notifications come back.

use std::collections::HashSet;

use crate::db::{Client, Db, Tx};
use crate::kernel::Result;

/// Snoozed ones whose time has come, whose and which, the longest due first.
///
/// # Errors
/// The database's.
pub async fn due(client: &Client, most: usize) -> Result<Vec<(String, i64)>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/notifications/due.sql"))
        .await?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = client.query(&statement, &[&most]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("user_id")?, row.try_get("id")?)))
        .collect()
}

/// Brings these back, in a transaction of its own; not those whose inboxes somebody holds, and not those that aren't due any more.
/// Gives whose each one is that came back.
///
/// # Errors
/// The database's.
pub async fn wake(db: &Db, due: &[(String, i64)]) -> Result<Vec<String>> {
    let tx = Tx::begin(db).await?;
    let lock = tx
        .prepare_cached(include_str!(
            "../../../sql/queries/notifications/lock_free_inboxes.sql"
        ))
        .await?;
    let everybody: Vec<&str> = due.iter().map(|(user, _)| user.as_str()).collect();
    let locked = tx.query(&lock, &[&everybody]).await?;
    let locked = locked
        .iter()
        .map(|row| Ok(row.try_get("user_id")?))
        .collect::<Result<HashSet<String>>>()?;
    let (users, ids): (Vec<&str>, Vec<i64>) = due
        .iter()
        .filter(|(user, _)| locked.contains(user))
        .map(|(user, id)| (user.as_str(), *id))
        .unzip();
    // Another statement, so that it sees what was committed before we had the locks.
    let wake = tx
        .prepare_cached(include_str!("../../../sql/queries/notifications/wake.sql"))
        .await?;
    let rows = tx.query(&wake, &[&users, &ids]).await?;
    let woken = rows
        .iter()
        .map(|row| Ok(row.try_get("user_id")?))
        .collect::<Result<Vec<String>>>()?;
    tx.commit().await?;
    Ok(woken)
}
