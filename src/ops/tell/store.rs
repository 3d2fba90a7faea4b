//! Telling's statement.

use crate::db::Tx;
use crate::kernel::{Error, Result};
use crate::ops::tell::{Message, Told};

/// Tells people; a row a person and channel. People whom the directory doesn't show as active have none.
///
/// # Errors
/// The database's.
pub async fn tell(tx: &Tx, people: &[String], message: &Message) -> Result<Vec<Told>> {
    let statement = tx
        .prepare_cached(include_str!("../../../sql/queries/ops/tell.sql"))
        .await?;
    let message = serde_json::to_string(message)
        .map_err(|e| Error::internal("a message can't be written as JSON", e))?;
    let rows = tx.query(&statement, &[&people, &message]).await?;
    rows.iter()
        .map(|row| {
            Ok(Told {
                user_id: row.try_get("user_id")?,
                notification_id: row.try_get("notification_id")?,
                channel: row.try_get("channel")?,
                status: row.try_get("status")?,
                reason: row.try_get("reason")?,
            })
        })
        .collect()
}
