//! The delivery log's statements. What they do beyond reading is in `sql/functions/{find,steering}.sql`.

use tokio_postgres::Row;

use crate::db::Client;
use crate::deliveries::log::{Attempt, Delivery, Filter, Outcome};
use crate::kernel::{Error, Result};

/// A page's ids, and below which id the next begins; `None` = nothing more.
pub type Found = (Vec<i64>, Option<i64>);

/// Finds at most `most` deliveries below an id, newest first, looking at no more than `look` rows.
///
/// # Errors
/// The database's.
pub async fn find(
    client: &Client,
    filter: &Filter,
    below: Option<i64>,
    branches: Option<&[String]>,
    (most, look): (i32, i32),
) -> Result<Found> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/deliveries/find.sql"))
        .await?;
    let filter = serde_json::to_string(filter)
        .map_err(|e| Error::internal("a filter can't be written as JSON", e))?;
    let row = client
        .query_one(&statement, &[&filter, &below, &branches, &most, &look])
        .await?;
    Ok((row.try_get("ids")?, row.try_get("reached")?))
}

/// Reads deliveries, newest first.
///
/// # Errors
/// The database's.
pub async fn read(
    client: &Client,
    ids: &[i64],
    branches: Option<&[String]>,
) -> Result<Vec<Delivery>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/deliveries/read.sql"))
        .await?;
    let rows = client.query(&statement, &[&ids, &branches]).await?;
    rows.iter().map(delivery).collect()
}

fn delivery(row: &Row) -> Result<Delivery> {
    Ok(Delivery {
        id: row.try_get("id")?,
        notification_id: row.try_get("notification_id")?,
        event_id: row.try_get("event_id")?,
        user_id: row.try_get("user_id")?,
        branch_id: row.try_get("branch_id")?,
        channel: row.try_get("channel")?,
        status: row.try_get("status")?,
        running: row.try_get("running")?,
        next_attempt_at: row.try_get("next_attempt_at")?,
        deferred_by: row.try_get("deferred_by")?,
        address: row.try_get("address")?,
        attempts: row.try_get("attempts")?,
        provider: row.try_get("provider")?,
        provider_message_id: row.try_get("provider_message_id")?,
        last_error: row.try_get("last_error")?,
        created_at: row.try_get("created_at")?,
        sent_at: row.try_get("sent_at")?,
        delivered_at: row.try_get("delivered_at")?,
        ended_at: row.try_get("ended_at")?,
    })
}

/// The attempts of a delivery, in order.
///
/// # Errors
/// The database's.
pub async fn attempts(client: &Client, id: i64) -> Result<Vec<Attempt>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/deliveries/attempts.sql"))
        .await?;
    let rows = client.query(&statement, &[&id]).await?;
    rows.iter()
        .map(|row| {
            Ok(Attempt {
                attempt: row.try_get("attempt")?,
                worker: row.try_get("worker")?,
                started_at: row.try_get("started_at")?,
                finished_at: row.try_get("finished_at")?,
                outcome: row.try_get("outcome")?,
                error: row.try_get("error")?,
                provider_message_id: row.try_get("provider_message_id")?,
            })
        })
        .collect()
}

/// Retries deliveries; gives what came of each.
///
/// # Errors
/// The database's.
pub async fn retry(
    client: &Client,
    ids: &[i64],
    force: bool,
    branches: Option<&[String]>,
) -> Result<Vec<Outcome>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/deliveries/retry.sql"))
        .await?;
    let rows = client.query(&statement, &[&ids, &force, &branches]).await?;
    rows.iter()
        .map(|row| outcome(row.try_get("outcome")?))
        .collect()
}

/// Cancels a delivery; gives what came of it.
///
/// # Errors
/// The database's.
pub async fn cancel(client: &Client, id: i64, branches: Option<&[String]>) -> Result<Outcome> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/deliveries/cancel.sql"))
        .await?;
    let row = client.query_one(&statement, &[&id, &branches]).await?;
    outcome(row.try_get("outcome")?)
}

fn outcome(word: &str) -> Result<Outcome> {
    Outcome::parse(word)
        .ok_or_else(|| Error::broken(format!("a delivery's outcome `{word}` is unknown here")))
}
