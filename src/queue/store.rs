//! The queue's statements: claims, fences, presence.

use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::db::Client;
use crate::ingest::Event;
use crate::kernel::{Error, Lane, Result, Severity};
use crate::queue::marks::{self, Position};
use crate::queue::model::{DeliveryJob, EventClaim, EventJob, SingleJob};

/// Claims event jobs in the open transaction of `client`. Sent in the same flight as the caller's `begin`.
///
/// # Errors
/// The database's.
pub async fn claim_events(client: &Client, lanes: &[(Lane, i32, Position)]) -> Result<EventClaim> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/queue/claim_events.sql"))
        .await?;
    let numbers: Vec<i16> = lanes.iter().map(|(lane, _, _)| lane.number()).collect();
    let most: Vec<i32> = lanes.iter().map(|(_, most, _)| *most).collect();
    let start_at: Vec<Timestamp> = lanes.iter().map(|(_, _, p)| p.0).collect();
    let start_id: Vec<i64> = lanes.iter().map(|(_, _, p)| p.1).collect();
    // A small table tempts the planner to compare each row with each claimed ctid, and to hash all events: 8 ms for what takes
    // 2, and more with every dead row while a snapshot is held.
    let begin = async {
        let scans = "begin; set local enable_seqscan = off";
        client.batch_execute(scans).await.map_err(Error::from)
    };
    let reset = async {
        let scans = "set local enable_seqscan to default";
        client.batch_execute(scans).await.map_err(Error::from)
    };
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&numbers, &most, &start_at, &start_id];
    let claim = async {
        client
            .query(&statement, &parameters)
            .await
            .map_err(Error::from)
    };
    let ((), rows, ()) = futures_util::future::try_join3(begin, claim, reset).await?;
    claim_of(&rows)
}

/// The first job waiting below each mark, where there is one.
///
/// # Errors
/// The database's.
pub async fn first_below(
    client: &Client,
    kind: &str,
    marks: &[(marks::Lane, Position)],
) -> Result<Vec<(marks::Lane, Position)>> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/queue/first_below.sql"))
        .await?;
    let channels: Vec<&str> = marks.iter().map(|((channel, _), _)| *channel).collect();
    let lanes: Vec<i16> = marks.iter().map(|((_, lane), _)| *lane).collect();
    let run_at: Vec<Timestamp> = marks.iter().map(|(_, position)| position.0).collect();
    let ids: Vec<i64> = marks.iter().map(|(_, position)| position.1).collect();
    let rows = client
        .query(&statement, &[&kind, &channels, &lanes, &run_at, &ids])
        .await?;
    let found = rows.iter().map(|row| {
        let place = usize::try_from(row.try_get::<_, i32>("place")?).unwrap_or(usize::MAX);
        let position = (row.try_get("run_at")?, row.try_get("id")?);
        Ok(marks.get(place).map(|(lane, _)| (*lane, position)))
    });
    found.filter_map(Result::transpose).collect()
}

fn claim_of(rows: &[Row]) -> Result<EventClaim> {
    let Some(first) = rows.first() else {
        return Ok(EventClaim::default());
    };
    Ok(EventClaim {
        rules_rev: first.try_get("rules_rev")?,
        now: first.try_get("now")?,
        jobs: rows.iter().map(event_job).collect::<Result<_>>()?,
    })
}

fn event_job(row: &Row) -> Result<EventJob> {
    let event_id: i64 = row.try_get("ref_id")?;
    let present: Option<i64> = row.try_get("event_id")?;
    let event = match present {
        None => None,
        Some(id) => Some(Event {
            id,
            source_module: row.try_get("source_module")?,
            event_type: row.try_get("event_type")?,
            severity: Severity::parse(row.try_get("severity")?).unwrap_or_default(),
            occurred_at: row.try_get("occurred_at")?,
            received_at: row.try_get("received_at")?,
            payload: row.try_get("payload")?,
            correlation_id: row.try_get("correlation_id")?,
            branch_id: row.try_get("branch_id")?,
            actor_id: row.try_get("actor_id")?,
            entity_type: row.try_get("entity_type")?,
            entity_id: row.try_get("entity_id")?,
        }),
    };
    Ok(EventJob {
        job_id: row.try_get("job_id")?,
        lane: row.try_get("lane")?,
        run_at: row.try_get("run_at")?,
        event_id,
        event,
    })
}

/// Claims one event job that is to be evaluated alone; its attempt is committed.
///
/// # Errors
/// The database's.
pub async fn claim_single(
    client: &Client,
    worker: Uuid,
    lease: Duration,
) -> Result<Option<SingleJob>> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/queue/claim_single.sql"))
        .await?;
    let row = client
        .query_opt(&statement, &[&worker, &millis(lease)])
        .await?;
    row.map(|row| {
        Ok(SingleJob {
            job_id: row.try_get("job_id")?,
            event_id: row.try_get("ref_id")?,
            attempt: row.try_get("attempt")?,
            max_attempts: row.try_get("max_attempts")?,
            is_replay: row.try_get("is_replay")?,
        })
    })
    .transpose()
}

/// Takes a singly claimed job into the transaction that `client` begins with it; an empty claim = fenced.
///
/// # Errors
/// The database's.
pub async fn take_single(client: &Client, job: &SingleJob, worker: Uuid) -> Result<EventClaim> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/queue/take_single.sql"))
        .await?;
    client.batch_execute("begin").await?;
    let rows = client
        .query(&statement, &[&job.job_id, &job.attempt, &worker])
        .await?;
    claim_of(&rows)
}

/// Moves jobs of a failed batch to be evaluated alone.
///
/// # Errors
/// The database's.
pub async fn isolate(client: &Client, jobs: &[i64], error: &str) -> Result<()> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/queue/isolate.sql"))
        .await?;
    client.execute(&statement, &[&jobs, &error]).await?;
    Ok(())
}

/// Gives a singly claimed job back for later. False = fenced.
///
/// # Errors
/// The database's.
pub async fn retry_single(
    client: &Client,
    job: &SingleJob,
    worker: Uuid,
    wait: Duration,
    error: &str,
) -> Result<bool> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/queue/retry_single.sql"))
        .await?;
    let rows = client
        .execute(
            &statement,
            &[&job.job_id, &job.attempt, &worker, &millis(wait), &error],
        )
        .await?;
    Ok(rows == 1)
}

/// Gives a singly claimed job up: kept among the dead jobs, with an outcome for its event.
///
/// # Errors
/// The database's.
pub async fn bury_single(
    client: &Client,
    job: &SingleJob,
    worker: Uuid,
    error: &str,
) -> Result<()> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/queue/bury_single.sql"))
        .await?;
    client
        .execute(&statement, &[&job.job_id, &job.attempt, &worker, &error])
        .await?;
    Ok(())
}

/// What to claim of one channel's lane.
#[derive(Debug, Clone)]
pub struct DeliveryPlace {
    /// The channel's word.
    pub channel: &'static str,
    /// The lane.
    pub lane: Lane,
    /// At most so many.
    pub most: i32,
    /// Starting here.
    pub start: Position,
}

/// Claims delivery jobs under a lease, each with its row for the deliveries room.
///
/// # Errors
/// The database's.
pub async fn claim_deliveries(
    client: &Client,
    places: &[DeliveryPlace],
    worker: Uuid,
    lease: Duration,
) -> Result<Vec<(DeliveryJob, Position)>> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/queue/claim_deliveries.sql"))
        .await?;
    let channels: Vec<&str> = places.iter().map(|p| p.channel).collect();
    let lanes: Vec<i16> = places.iter().map(|p| p.lane.number()).collect();
    let most: Vec<i32> = places.iter().map(|p| p.most).collect();
    let start_at: Vec<Timestamp> = places.iter().map(|p| p.start.0).collect();
    let start_id: Vec<i64> = places.iter().map(|p| p.start.1).collect();
    let rows = client
        .query(
            &statement,
            &[
                &channels,
                &lanes,
                &most,
                &start_at,
                &start_id,
                &worker,
                &millis(lease),
            ],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            let job_id = row.try_get("job_id")?;
            let position = (row.try_get("was_due")?, job_id);
            let job = DeliveryJob {
                job_id,
                delivery_id: row.try_get("ref_id")?,
                attempt: row.try_get("attempt")?,
                max_attempts: row.try_get("max_attempts")?,
                row,
            };
            Ok((job, position))
        })
        .collect()
}

/// How long until the next scheduled job falls due.
///
/// # Errors
/// The database's.
pub async fn next_run_at(client: &Client) -> Result<Option<Duration>> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/queue/next_run_at.sql"))
        .await?;
    let wait: Option<i64> = client
        .query_one(&statement, &[])
        .await?
        .try_get("wait_ms")?;
    Ok(wait.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0) + 1)))
}

/// After an unclean death: the front of the backlog is to be evaluated singly.
///
/// # Errors
/// The database's.
pub async fn suspect(client: &Client, per_lane: usize) -> Result<u64> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/queue/suspect.sql"))
        .await?;
    Ok(client
        .execute(&statement, &[&i32::try_from(per_lane).unwrap_or(i32::MAX)])
        .await?)
}

/// What a page of the sweep for forgotten events came to.
#[derive(Debug, Clone, Copy)]
pub struct Swept {
    /// Events that were queued.
    pub queued: i64,
    /// The last event looked at; `None` = there was none.
    pub last_seen: Option<i64>,
    /// Next time may start above this one.
    pub settled_below: Option<i64>,
}

/// Queues events that have neither job nor outcome, looking at no more than `most` above an id.
///
/// # Errors
/// The database's.
pub async fn requeue_missing(client: &Client, above: i64, most: i64) -> Result<Swept> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/queue/requeue_missing.sql"))
        .await?;
    let row = client.query_one(&statement, &[&above, &most]).await?;
    Ok(Swept {
        queued: row.try_get("queued")?,
        last_seen: row.try_get("last_seen")?,
        settled_below: row.try_get("settled_below")?,
    })
}

/// Wakes every node, asleep or parked.
///
/// # Errors
/// The database's.
pub async fn wake_everybody(client: &Client) -> Result<()> {
    Ok(client.batch_execute("notify neurolink_wake").await?)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
