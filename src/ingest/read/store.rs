//! Reading events. Comes in: a filter and a place. Goes out: a page by a bounded walk, or one event.

use serde_json::value::RawValue;
use tokio_postgres::Row;

use super::filter::Filter;
use super::model::{Item, Outcome, State, Stretch, Whole};
use crate::db::Client;
use crate::ingest::Event;
use crate::kernel::{Error, Result, Severity};

/// Events that one page walks over at most: some 10 ms, twice or thrice that where outcomes are asked.
pub const WALKED: i64 = 10_000;
/// Ids that one page takes from an index of rare ones.
pub const RARE: i64 = 2_000;

/// A page, newest first, of at most `limit` events below an id. It may hold fewer, even none, while there is more to look at.
///
/// # Errors
/// The database's.
pub async fn list(
    client: &Client,
    below: Option<i64>,
    filter: &Filter,
    limit: usize,
) -> Result<Stretch> {
    let (low, high) = bounds(client, filter).await?;
    let below = below.unwrap_or(i64::MAX).min(high);
    let among = if filter.is_rare() {
        Some(rare(client, below, low, filter).await?)
    } else {
        None
    };
    let fetch = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
    // Planned anew each time: a plan for any filter is a bad one for most.
    let statement = include_str!("../../../sql/queries/ingest/read_list.sql");
    let rows = client
        .query(
            statement,
            &[
                &below,
                &low,
                &WALKED,
                &fetch,
                &filter.source_module,
                &filter.event_type,
                &filter.type_prefix,
                &filter.severity,
                &filter.branch_id,
                &filter.entity_type,
                &filter.entity_id,
                &filter.from,
                &filter.to,
                &filter.outcome,
                &filter.branches,
                &among,
            ],
        )
        .await?;
    let mut items = rows.iter().map(item).collect::<Result<Vec<_>>>()?;
    let next = if items.len() > limit {
        items.truncate(limit);
        items.last().map(|item| item.id)
    } else if let Some(ids) = among {
        let is_full = i64::try_from(ids.len()).unwrap_or(i64::MAX) >= RARE;
        ids.last().copied().filter(|_| is_full)
    } else {
        walked_to(client, below, low).await?
    };
    Ok(Stretch { items, next })
}

/// The ids between which a time's events stand: from the first on, to below the second.
async fn bounds(client: &Client, filter: &Filter) -> Result<(i64, i64)> {
    if filter.from.is_none() && filter.to.is_none() {
        return Ok((0, i64::MAX));
    }
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ingest/read_bounds.sql"))
        .await?;
    let row = client
        .query_one(&statement, &[&filter.from, &filter.to])
        .await?;
    let high: Option<i64> = row.try_get("high")?;
    Ok((row.try_get("low")?, high.unwrap_or(i64::MAX)))
}

async fn rare(client: &Client, below: i64, low: i64, filter: &Filter) -> Result<Vec<i64>> {
    let statement = include_str!("../../../sql/queries/ingest/read_rare.sql");
    let rows = client
        .query(
            statement,
            &[&below, &low, &RARE, &filter.correlation_id, &filter.outcome],
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

/// The id below which a walk that didn't find enough has to go on.
async fn walked_to(client: &Client, below: i64, low: i64) -> Result<Option<i64>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ingest/read_stretch.sql"))
        .await?;
    let row = client
        .query_one(&statement, &[&below, &low, &WALKED])
        .await?;
    let walked: i64 = row.try_get("walked")?;
    Ok(if walked < WALKED {
        None
    } else {
        row.try_get("lowest")?
    })
}

/// One event, with its payload and outcome.
///
/// # Errors
/// The database's.
pub async fn get(client: &Client, id: i64) -> Result<Option<Whole>> {
    let Some(row) = row(client, id).await? else {
        return Ok(None);
    };
    let raw = |text: Option<String>| {
        text.map(RawValue::from_string)
            .transpose()
            .map_err(|e| Error::internal("what is stored as JSON is none", e))
    };
    Ok(Some(Whole {
        item: item(&row)?,
        idempotency_key: row.try_get("producer_idempotency_key")?,
        traceparent: row.try_get("traceparent")?,
        payload: RawValue::from_string(row.try_get("payload")?)
            .map_err(|e| Error::internal("a stored payload is no JSON", e))?,
        suppressed: raw(row.try_get("suppressed")?)?,
        warnings: raw(row.try_get("warnings")?)?,
    }))
}

async fn row(client: &Client, id: i64) -> Result<Option<Row>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ingest/read_get.sql"))
        .await?;
    Ok(client.query_opt(&statement, &[&id]).await?)
}

impl Event {
    /// An event as the rules see it, with what came of it so far.
    ///
    /// # Errors
    /// The database's.
    pub async fn find(client: &Client, id: i64) -> Result<Option<(Self, Outcome)>> {
        let Some(row) = row(client, id).await? else {
            return Ok(None);
        };
        Ok(Some((of(&row, id)?, outcome(&row)?)))
    }
}

impl Event {
    /// Events as the rules see them, by id; those that aren't there are left out.
    ///
    /// # Errors
    /// The database's.
    pub async fn find_many(client: &Client, ids: &[i64]) -> Result<Vec<Self>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let statement = client
            .prepare_cached(include_str!("../../../sql/queries/ingest/read_many.sql"))
            .await?;
        let rows = client.query(&statement, &[&ids]).await?;
        rows.iter().map(|row| of(row, row.try_get("id")?)).collect()
    }
}

fn of(row: &Row, id: i64) -> Result<Event> {
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

fn item(row: &Row) -> Result<Item> {
    Ok(Item {
        id: row.try_get("id")?,
        source_module: row.try_get("source_module")?,
        event_type: row.try_get("event_type")?,
        severity: row.try_get("severity")?,
        occurred_at: row.try_get("occurred_at")?,
        received_at: row.try_get("received_at")?,
        correlation_id: row.try_get("correlation_id")?,
        branch_id: row.try_get("branch_id")?,
        actor_id: row.try_get("actor_id")?,
        entity_type: row.try_get("entity_type")?,
        entity_id: row.try_get("entity_id")?,
        outcome: outcome(row)?,
    })
}

fn outcome(row: &Row) -> Result<Outcome> {
    let is_evaluated: bool = row.try_get("is_evaluated")?;
    let rules_matched: i32 = row.try_get("rules_matched")?;
    let error: Option<String> = row.try_get("error")?;
    let state = match (is_evaluated, &error, rules_matched) {
        (false, ..) => State::Waiting,
        (true, Some(_), _) => State::Failed,
        (true, None, 0) => State::Unmatched,
        (true, None, _) => State::Matched,
    };
    Ok(Outcome {
        state,
        is_warned: row.try_get("is_warned")?,
        evaluated_at: row.try_get("evaluated_at")?,
        replayed_at: row.try_get("replayed_at")?,
        rules_matched,
        notifications: row.try_get("notifications")?,
        error,
    })
}
