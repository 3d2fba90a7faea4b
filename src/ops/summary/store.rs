//! What the summary is made of, read.

use jiff::Timestamp;

use crate::db::Client;
use crate::kernel::Result;
use crate::ops::summary::{Depth, Rolled, Standing};

/// The roll-ups, added up over each window, which end at `until`.
///
/// # Errors
/// The database's.
pub async fn rolled(client: &Client, until: Timestamp) -> Result<Vec<Rolled>> {
    let statement = include_str!("../../../sql/queries/ops/summary.sql");
    // Planned anew each time: how many rows there are depends on how much is rolled.
    let rows = client.query(statement, &[&until]).await?;
    rows.iter()
        .map(|row| {
            Ok(Rolled {
                span: row.try_get("span")?,
                metric: row.try_get("metric")?,
                label: row.try_get("label")?,
                value: row.try_get("value")?,
            })
        })
        .collect()
}

/// How the queue stands.
///
/// # Errors
/// The database's.
pub async fn standing(client: &Client) -> Result<Vec<Standing>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ops/queue_depth.sql"))
        .await?;
    let rows = client.query(&statement, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(Standing {
                kind: row.try_get("kind")?,
                channel: row.try_get("channel")?,
                depth: Depth {
                    waiting: row.try_get("waiting")?,
                    later: row.try_get("later")?,
                    oldest_seconds: row.try_get("oldest_seconds")?,
                    is_estimate: row.try_get("is_estimate")?,
                },
            })
        })
        .collect()
}
