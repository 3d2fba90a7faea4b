//! The statements by which expired notifications are put away.

use std::collections::HashSet;

use crate::db::{Client, Db, Tx};
use crate::kernel::Result;
use crate::notifications::model::EXPIRED;
use crate::notifications::resolve::Told;
use crate::notifications::resolve::store::{change, told, withdraw};

/// Expired ones that are still where they were, the longest past first.
///
/// # Errors
/// The database's.
pub async fn due(client: &Client, most: usize) -> Result<Vec<Told>> {
    let statement = client
        .prepare_cached(include_str!(
            "../../../sql/queries/notifications/expired.sql"
        ))
        .await?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = client.query(&statement, &[&most]).await?;
    rows.iter().map(told).collect()
}

/// Puts these away, in a transaction of its own, and cancels what of them waits to be sent; not those whose inboxes somebody holds,
/// and not those that aren't due any more. Gives those that went.
///
/// # Errors
/// The database's.
pub async fn expire(db: &Db, due: &[Told]) -> Result<Vec<Told>> {
    let tx = Tx::begin(db).await?;
    let lock = tx
        .prepare_cached(include_str!(
            "../../../sql/queries/notifications/lock_free_inboxes.sql"
        ))
        .await?;
    let everybody: Vec<&str> = due
        .iter()
        .filter(|t| t.in_app)
        .map(|t| t.user_id.as_str())
        .collect();
    let locked = tx.query(&lock, &[&everybody]).await?;
    let locked = locked
        .iter()
        .map(|row| Ok(row.try_get("user_id")?))
        .collect::<Result<HashSet<String>>>()?;
    let mine: Vec<Told> = due
        .iter()
        .filter(|t| !t.in_app || locked.contains(&t.user_id))
        .cloned()
        .collect();
    // Another statement, so that it sees what was committed before we had the locks.
    let expire = tx
        .prepare_cached(include_str!(
            "../../../sql/queries/notifications/expire.sql"
        ))
        .await?;
    let gone = change(&tx, &expire, &mine).await?;
    let ids: Vec<i64> = gone.iter().map(|t| t.id).collect();
    withdraw(&tx, &ids, EXPIRED).await?;
    tx.commit().await?;
    Ok(gone)
}
