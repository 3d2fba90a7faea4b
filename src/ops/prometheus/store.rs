//! The sample of the database that `/metrics` shows.

use crate::db::Client;
use crate::kernel::Result;

/// A row of it.
#[derive(Debug, Clone)]
pub struct Sampled {
    /// `queue`, `workers` …
    pub what: String,
    /// Of `queue`: the kind of job.
    pub kind: String,
    /// Of `queue`: the deliveries' channel.
    pub channel: String,
    /// How many; of `queue`, how many are due.
    pub value: f64,
    /// Of `queue`: how many come later.
    pub later: f64,
    /// Of `queue`: how long the oldest due one has waited.
    pub oldest_seconds: f64,
}

/// One look.
///
/// # Errors
/// The database's.
pub async fn sample(client: &Client) -> Result<Vec<Sampled>> {
    let statement = client
        .prepare_cached(include_str!(
            "../../../sql/queries/ops/prometheus_sample.sql"
        ))
        .await?;
    let rows = client.query(&statement, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(Sampled {
                what: row.try_get("what")?,
                kind: row.try_get("kind")?,
                channel: row.try_get("channel")?,
                value: row.try_get("value")?,
                later: row.try_get("later")?,
                oldest_seconds: row.try_get("oldest_seconds")?,
            })
        })
        .collect()
}
