//! The stream's statements: hints, and how far inboxes are. What frames show is read by `notifications`.

use crate::db::Db;
use crate::kernel::Result;

/// How far the inboxes of these people are: user, revision, epoch. Nothing for who has no inbox.
///
/// # Errors
/// The database's.
pub(super) async fn revisions(db: &Db, users: &[String]) -> Result<Vec<(String, i64, String)>> {
    let client = db.client().await?;
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/stream/revisions.sql"))
        .await?;
    let rows = client.query(&statement, &[&users]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
        .collect()
}

/// Tells every listening node, in a transaction of its own. The payload is below 8 000 bytes.
///
/// # Errors
/// The database's.
pub(super) async fn notify(db: &Db, payload: &str) -> Result<()> {
    let client = db.client().await?;
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/stream/notify.sql"))
        .await?;
    client.execute(&statement, &[&payload]).await?;
    Ok(())
}

/// The database and the schema of our tables.
///
/// # Errors
/// The database's.
pub(super) async fn place(db: &Db) -> Result<(String, String)> {
    let client = db.client().await?;
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/stream/place.sql"))
        .await?;
    let row = client.query_one(&statement, &[]).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}
