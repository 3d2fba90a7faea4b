//! The statements by which notifications are resolved, and by which what waits of them is withdrawn.

use std::collections::BTreeSet;

use tokio_postgres::Row;

use crate::db::{Client, Db, Tx};
use crate::kernel::Result;
use crate::notifications::model::RESOLVED;
use crate::notifications::resolve::{Resolved, Told};

/// One statement changes this many at most.
const CHUNK: usize = 500;

/// What (event, rule) have told and isn't resolved, `most` at most, in the order of inboxes. Locks nothing.
///
/// # Errors
/// The database's.
pub async fn find(client: &Client, of: &[(i64, i64)], most: usize) -> Result<Vec<Told>> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    let statement = client
        .prepare_cached(include_str!(
            "../../../sql/queries/notifications/resolve_find.sql"
        ))
        .await?;
    let (events, rules): (Vec<i64>, Vec<i64>) = of.iter().copied().unzip();
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = client.query(&statement, &[&events, &rules, &most]).await?;
    rows.iter().map(told).collect()
}

/// Locks these people's inboxes, in the one order everybody locks them in. A batch that tells some people and resolves what it told
/// others locks all of them by one call, before it changes any.
///
/// # Errors
/// The database's.
pub async fn lock(tx: &Client, users: &[&str]) -> Result<()> {
    let statement = tx
        .prepare_cached(include_str!(
            "../../../sql/queries/notifications/lock_inboxes.sql"
        ))
        .await?;
    tx.execute(&statement, &[&users]).await?;
    Ok(())
}

/// Resolves these in the caller's transaction, which holds their inboxes ([`lock`]), and withdraws what of them waits to be sent.
///
/// # Errors
/// The database's.
pub async fn resolve(tx: &Client, told: &[Told]) -> Result<Resolved> {
    let mut resolved = Resolved::default();
    let mut users = BTreeSet::new();
    for chunk in told.chunks(CHUNK) {
        let statement = tx
            .prepare_cached(include_str!(
                "../../../sql/queries/notifications/resolve.sql"
            ))
            .await?;
        let changed = change(tx, &statement, chunk).await?;
        let ids: Vec<i64> = changed.iter().map(|told| told.id).collect();
        resolved.notifications += ids.len();
        resolved.deliveries += withdraw(tx, &ids, RESOLVED).await?;
        users.extend(changed.into_iter().filter(|t| t.in_app).map(|t| t.user_id));
    }
    resolved.users = users.into_iter().collect();
    Ok(resolved)
}

/// Resolves whatever (event, rule) have told, in transactions of its own, so many at a time that none holds inboxes for long. For
/// jobs, not for batches: what is done before a fault stays done, and `changed` is told of it.
///
/// # Errors
/// The database's.
pub async fn resolve_all(
    db: &Db,
    of: &[(i64, i64)],
    changed: &(dyn Fn(Vec<String>) + Send + Sync),
) -> Result<usize> {
    let mut all = 0;
    loop {
        let tx = Tx::begin(db).await?;
        let told = find(&tx, of, CHUNK).await?;
        if told.is_empty() {
            tx.rollback().await?;
            return Ok(all);
        }
        let users: BTreeSet<&str> = told.iter().map(|t| t.user_id.as_str()).collect();
        lock(&tx, &users.into_iter().collect::<Vec<_>>()).await?;
        let resolved = resolve(&tx, &told).await?;
        tx.commit().await?;
        all += resolved.notifications;
        if !resolved.users.is_empty() {
            changed(resolved.users);
        }
    }
}

/// Cancels what of notifications waits to be sent, for this reason. Gives how many deliveries that were.
///
/// # Errors
/// The database's.
pub async fn withdraw(tx: &Client, notifications: &[i64], reason: &str) -> Result<i64> {
    if notifications.is_empty() {
        return Ok(0);
    }
    let statement = tx
        .prepare_cached(include_str!(
            "../../../sql/queries/notifications/withdraw.sql"
        ))
        .await?;
    let row = tx.query_one(&statement, &[&notifications, &reason]).await?;
    Ok(row.try_get("withdrawn")?)
}

/// Runs a statement over pairs of (user, id), and gives what it has changed.
pub(in crate::notifications) async fn change(
    tx: &Client,
    statement: &tokio_postgres::Statement,
    told: &[Told],
) -> Result<Vec<Told>> {
    let (users, ids): (Vec<&str>, Vec<i64>) =
        told.iter().map(|t| (t.user_id.as_str(), t.id)).unzip();
    let rows = tx.query(statement, &[&users, &ids]).await?;
    rows.iter().map(self::told).collect()
}

/// A row of (user, id, whether it is in the inbox).
pub(in crate::notifications) fn told(row: &Row) -> Result<Told> {
    Ok(Told {
        user_id: row.try_get("user_id")?,
        id: row.try_get("id")?,
        in_app: row.try_get("in_app")?,
    })
}
