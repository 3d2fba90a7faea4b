//! The tickets' statements: keep one, take one.

use jiff::Timestamp;
use serde_json::Value;

use crate::db::Db;
use crate::kernel::Result;

/// Keeps a ticket by its hash, with whom it admits, until half a minute has passed or their token expires. Answers when that is.
///
/// # Errors
/// The database's.
pub(super) async fn keep(
    db: &Db,
    hash: &[u8],
    principal: &Value,
    token_expires: Option<Timestamp>,
) -> Result<Timestamp> {
    let client = db.client().await?;
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/stream/keep_ticket.sql"))
        .await?;
    let row = client
        .query_one(&statement, &[&hash, &principal, &token_expires])
        .await?;
    Ok(row.try_get(0)?)
}

/// Takes the ticket of this hash: whom it admits, or `None` when it is used, expired or unknown.
///
/// # Errors
/// The database's.
pub(super) async fn take(db: &Db, hash: &[u8]) -> Result<Option<Value>> {
    let client = db.client().await?;
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/stream/take_ticket.sql"))
        .await?;
    let row = client.query_opt(&statement, &[&hash]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}
