//! The statements of looking at the queue and steering it. What steering does is in `sql/functions/{control,steering}.sql`.

use tokio_postgres::Row;

use crate::db::Client;
use crate::kernel::{Error, Result};
use crate::queue::control::{
    COUNTED, Dead, DeadJob, Deed, Filter, Pause, Place, State, Target, Worker, lane,
};

/// The queue at this moment.
///
/// # Errors
/// The database's.
pub async fn state(client: &Client) -> Result<State> {
    let depth = client
        .prepare_cached(include_str!("../../../sql/queries/queue/depth.sql"))
        .await?;
    let workers = client
        .prepare_cached(include_str!("../../../sql/queries/queue/workers.sql"))
        .await?;
    let dead = client
        .prepare_cached(include_str!("../../../sql/queries/queue/dead_counts.sql"))
        .await?;
    let rows = client.query(&depth, &[&COUNTED]).await?;
    let lanes = rows.iter().map(place).collect::<Result<Vec<_>>>()?;
    let rows = client.query(&workers, &[]).await?;
    let workers = rows.iter().map(worker).collect::<Result<Vec<_>>>()?;
    let row = client.query_one(&dead, &[&i64::from(COUNTED)]).await?;
    Ok(State {
        depth: lanes
            .iter()
            .map(|l| l.waiting + l.scheduled + l.running)
            .sum(),
        at_least: lanes.iter().any(|l| l.at_least),
        oldest_waiting_seconds: lanes
            .iter()
            .map(|l| l.oldest_waiting_seconds)
            .fold(0.0, f64::max),
        lanes,
        workers,
        dead: Dead {
            jobs: row.try_get("jobs")?,
            deliveries: row.try_get("deliveries")?,
        },
        pauses: pauses(client).await?,
    })
}

/// To the millisecond: more is noise.
fn seconds(row: &Row, column: &str) -> Result<f64> {
    let seconds: f64 = row.try_get(column)?;
    Ok((seconds * 1000.0).round() / 1000.0)
}

fn named(channel: String) -> Option<String> {
    Some(channel).filter(|channel| !channel.is_empty())
}

fn place(row: &Row) -> Result<Place> {
    Ok(Place {
        kind: row.try_get("kind")?,
        channel: named(row.try_get("channel")?),
        lane: lane(row.try_get("lane")?),
        waiting: row.try_get("waiting")?,
        scheduled: row.try_get("scheduled")?,
        running: row.try_get("running")?,
        at_least: row.try_get("more")?,
        oldest_waiting_seconds: seconds(row, "oldest_seconds")?,
        paused: row.try_get("paused")?,
    })
}

fn worker(row: &Row) -> Result<Worker> {
    Ok(Worker {
        incarnation: row.try_get("incarnation")?,
        host: row.try_get("host")?,
        pid: row.try_get("pid")?,
        version: row.try_get("version")?,
        works: row.try_get("works")?,
        channels: row.try_get("channels")?,
        started_at: row.try_get("started_at")?,
        heartbeat_at: row.try_get("heartbeat_at")?,
        heartbeat_age_seconds: seconds(row, "heartbeat_age_seconds")?,
    })
}

/// What is paused.
///
/// # Errors
/// The database's.
pub async fn pauses(client: &Client) -> Result<Vec<Pause>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/queue/pauses.sql"))
        .await?;
    let rows = client.query(&statement, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(Pause {
                kind: row.try_get("kind")?,
                channel: named(row.try_get("channel")?),
                reason: row.try_get("reason")?,
                paused_by: row.try_get("paused_by")?,
                paused_at: row.try_get("paused_at")?,
            })
        })
        .collect()
}

/// Pauses; idempotent.
///
/// # Errors
/// The database's.
pub async fn pause(client: &Client, target: Target, reason: Option<&str>) -> Result<()> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/queue/pause.sql"))
        .await?;
    client
        .query_one(&statement, &[&target.kind(), &target.channel(), &reason])
        .await?;
    Ok(())
}

/// Resumes; whether it was paused.
///
/// # Errors
/// The database's.
pub async fn resume(client: &Client, target: Target) -> Result<bool> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/queue/resume.sql"))
        .await?;
    let row = client
        .query_one(&statement, &[&target.kind(), &target.channel()])
        .await?;
    Ok(row.try_get("resumed")?)
}

/// Finds at most `most` dead jobs below an id, newest first.
///
/// # Errors
/// The database's.
pub async fn find_dead(
    client: &Client,
    filter: &Filter,
    below: Option<i64>,
    branches: Option<&[String]>,
    most: i32,
) -> Result<Vec<i64>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/queue/find_dead.sql"))
        .await?;
    let filter = serde_json::to_string(filter)
        .map_err(|e| Error::internal("a filter can't be written as JSON", e))?;
    let rows = client
        .query(&statement, &[&filter, &below, &branches, &most])
        .await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

/// Reads dead jobs, newest first.
///
/// # Errors
/// The database's.
pub async fn read_dead(client: &Client, ids: &[i64]) -> Result<Vec<DeadJob>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/queue/read_dead.sql"))
        .await?;
    let rows = client.query(&statement, &[&ids]).await?;
    rows.iter()
        .map(|row| {
            Ok(DeadJob {
                id: row.try_get("id")?,
                kind: row.try_get("kind")?,
                ref_id: row.try_get("ref_id")?,
                lane: lane(row.try_get("lane")?),
                attempt: row.try_get("attempt")?,
                max_attempts: row.try_get("max_attempts")?,
                last_error: row.try_get("last_error")?,
                created_at: row.try_get("created_at")?,
                died_at: row.try_get("died_at")?,
                source_module: row.try_get("source_module")?,
                event_type: row.try_get("event_type")?,
                branch_id: row.try_get("branch_id")?,
            })
        })
        .collect()
}

/// Retries or discards dead jobs; how many of them were there.
///
/// # Errors
/// The database's.
pub async fn settle(
    client: &Client,
    deed: Deed,
    ids: &[i64],
    branches: Option<&[String]>,
) -> Result<usize> {
    let text = match deed {
        Deed::Retry => include_str!("../../../sql/queries/queue/retry_dead.sql"),
        Deed::Discard => include_str!("../../../sql/queries/queue/discard_dead.sql"),
    };
    let statement = client.prepare_cached(text).await?;
    Ok(client.query(&statement, &[&ids, &branches]).await?.len())
}
