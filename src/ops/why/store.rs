//! What stored facts say.

use std::collections::HashMap;

use crate::db::Client;
use crate::kernel::Result;

/// `neurolink_explain`'s row.
#[derive(Debug)]
pub struct Stored {
    /// For programs.
    pub code: String,
    /// For people.
    pub answer: String,
    /// Whether nobody would know more.
    pub is_complete: bool,
    /// JSON.
    pub facts: String,
}

/// Asks the function.
///
/// # Errors
/// The database's.
pub async fn stored(client: &Client, event: i64, user: &str) -> Result<Stored> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ops/why_stored.sql"))
        .await?;
    let row = client.query_one(&statement, &[&event, &user]).await?;
    Ok(Stored {
        code: row.try_get("code")?,
        answer: row.try_get("answer")?,
        is_complete: row.try_get("is_complete")?,
        facts: row.try_get("facts")?,
    })
}

/// Where deliveries went, or go, by id.
///
/// # Errors
/// The database's.
pub async fn addresses(client: &Client, deliveries: &[i64]) -> Result<HashMap<i64, String>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ops/why_addresses.sql"))
        .await?;
    let rows = client.query(&statement, &[&deliveries]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("id")?, row.try_get("address")?)))
        .collect()
}
