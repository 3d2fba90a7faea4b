//! What trials read: a payload as it would be stored, and the events of a time, a stretch at a time.

use jiff::Timestamp;
use tokio_postgres::Row;

use crate::db::Client;
use crate::ingest::Event;
use crate::kernel::{Result, Severity};

/// A payload as PostgreSQL would print it, once stored.
///
/// # Errors
/// The database's.
pub async fn payload(client: &Client, text: &str) -> Result<String> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ops/trial_payload.sql"))
        .await?;
    let row = client.query_one(&statement, &[&text]).await?;
    Ok(row.try_get("payload")?)
}

/// A time and the ids its events stand between.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// From.
    pub from: Timestamp,
    /// To, not included.
    pub to: Timestamp,
    /// The first id.
    pub low: i64,
    /// The id after the last.
    pub high: i64,
}

/// Where a time's events stand.
///
/// # Errors
/// The database's.
pub async fn bounds(client: &Client, from: Timestamp, to: Option<Timestamp>) -> Result<Bounds> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ops/trial_bounds.sql"))
        .await?;
    let row = client.query_one(&statement, &[&from, &to]).await?;
    Ok(Bounds {
        from,
        to: row.try_get("until")?,
        low: row.try_get("low")?,
        high: row.try_get("high")?,
    })
}

/// Which events rules could concern; `None` = any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of these modules.
    pub modules: Option<Vec<String>>,
    /// Of these types, or of those that begin as in `prefixes`.
    pub types: Option<Vec<String>>,
    /// Beginnings of types, with their dot.
    pub prefixes: Vec<String>,
    /// Of these branches, or of none.
    pub branches: Option<Vec<String>>,
}

/// Events of a stretch.
#[derive(Debug)]
pub struct Stretch {
    /// In order of id.
    pub events: Vec<Event>,
    /// Events walked over.
    pub walked: u64,
    /// The last of them; `None` = there was none.
    pub last: Option<i64>,
}

/// The events that are wanted of the next `most` from an id on. One statement, so one snapshot: nothing is held open in between.
///
/// # Errors
/// The database's.
pub async fn stretch(
    client: &Client,
    bounds: &Bounds,
    from: i64,
    most: i64,
    wanted: &Wanted,
) -> Result<Stretch> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ops/trial_stretch.sql"))
        .await?;
    let rows = client
        .query(
            &statement,
            &[
                &from,
                &bounds.high,
                &most,
                &bounds.from,
                &bounds.to,
                &wanted.modules,
                &wanted.types,
                &wanted.prefixes,
                &wanted.branches,
            ],
        )
        .await?;
    let (walked, last) = match rows.first() {
        Some(row) => (row.try_get::<_, i64>("walked")?, row.try_get("last")?),
        None => (0, None),
    };
    let mut events = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Some(id) = row.try_get("id")? {
            events.push(event(id, row)?);
        }
    }
    Ok(Stretch {
        events,
        walked: walked.unsigned_abs(),
        last,
    })
}

fn event(id: i64, row: &Row) -> Result<Event> {
    Ok(Event {
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
    })
}
