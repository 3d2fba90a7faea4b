//! The only SQL of station 1. Comes in: checked events. Goes out: which were stored, and for the rest which event holds
//! their key and where it differs.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error as PgError, GenericClient, Statement};

use super::model::NewEvent;

/// Stores a group.
pub(super) const INSERT: &str = include_str!("../../sql/queries/ingest/insert.sql");
/// Compares with what is stored.
pub(super) const COMPARE: &str = include_str!("../../sql/queries/ingest/compare.sql");
/// Takes ids.
pub(super) const TAKE_IDS: &str = include_str!("../../sql/queries/ingest/take_ids.sql");

/// The statements, prepared on one connection.
#[derive(Clone)]
pub(super) struct Statements {
    insert: Statement,
    compare: Statement,
    take_ids: Statement,
}

/// The event that already holds a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) id: i64,
    /// The first field in which it differs from what the request gives.
    pub(super) differs: Option<String>,
}

/// What a failed statement means for a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// Somebody's open transaction holds a key. Nothing was stored.
    Contended,
    /// One of the events can't be stored. Nothing was.
    Data,
    /// Anything else: the connection, the schema, a time-out.
    Other,
}

impl Failure {
    pub(super) fn of(error: &PgError) -> Self {
        match error.code().map(tokio_postgres::error::SqlState::code) {
            Some("55P03" | "40P01" | "40001") => Self::Contended,
            Some(code) if code.starts_with("22") || code.starts_with("23") => Self::Data,
            _ => Self::Other,
        }
    }
}

#[derive(Default)]
struct Columns<'e> {
    source_module: Vec<&'e str>,
    event_type: Vec<&'e str>,
    payload: Vec<&'e str>,
    severity: Vec<Option<&'static str>>,
    occurred_at: Vec<Option<Timestamp>>,
    key: Vec<Option<&'e str>>,
    correlation_id: Vec<Option<&'e str>>,
    branch_id: Vec<Option<&'e str>>,
    actor_id: Vec<Option<&'e str>>,
    entity_type: Vec<Option<&'e str>>,
    entity_id: Vec<Option<&'e str>>,
    traceparent: Vec<Option<&'e str>>,
}

impl<'e> Columns<'e> {
    fn of(events: &[&'e NewEvent]) -> Self {
        let mut c = Self::default();
        for e in events {
            c.source_module.push(&e.source_module);
            c.event_type.push(&e.event_type);
            c.payload.push(&e.payload);
            c.severity.push(e.severity.map(|s| s.as_str()));
            c.occurred_at.push(e.occurred_at);
            c.key.push(e.idempotency_key.as_deref());
            c.correlation_id.push(e.correlation_id.as_deref());
            c.branch_id.push(e.branch_id.as_deref());
            c.actor_id.push(e.actor_id.as_deref());
            c.entity_type.push(e.entity_type.as_deref());
            c.entity_id.push(e.entity_id.as_deref());
            c.traceparent.push(e.traceparent.as_deref());
        }
        c
    }

    /// In the order of both statements.
    fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        vec![
            &self.source_module,
            &self.event_type,
            &self.payload,
            &self.severity,
            &self.occurred_at,
            &self.key,
            &self.correlation_id,
            &self.branch_id,
            &self.actor_id,
            &self.entity_type,
            &self.entity_id,
            &self.traceparent,
        ]
    }
}

impl Statements {
    /// Prepared in one flight.
    pub(super) async fn prepare(client: &impl GenericClient) -> Result<Self, PgError> {
        let (insert, compare, take_ids) = tokio::try_join!(
            client.prepare(INSERT),
            client.prepare(COMPARE),
            client.prepare(TAKE_IDS)
        )?;
        Ok(Self {
            insert,
            compare,
            take_ids,
        })
    }

    /// Of a pooled connection's cache.
    pub(super) fn cached(insert: Statement, compare: Statement, take_ids: Statement) -> Self {
        Self {
            insert,
            compare,
            take_ids,
        }
    }

    /// Ids for events to come.
    pub(super) async fn take_ids(
        &self,
        client: &impl GenericClient,
        count: usize,
    ) -> Result<Vec<i64>, PgError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let rows = client.query(&self.take_ids, &[&count]).await?;
        rows.iter().map(|row| row.try_get("id")).collect()
    }

    /// Stores `events` under `ids`; gives the ids of those that were stored (the others' keys are there already).
    pub(super) async fn insert(
        &self,
        client: &impl GenericClient,
        ids: &[i64],
        events: &[&NewEvent],
    ) -> Result<Vec<i64>, PgError> {
        let columns = Columns::of(events);
        let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&ids];
        parameters.extend(columns.parameters());
        let rows = client.query(&self.insert, &parameters).await?;
        rows.iter().map(|row| row.try_get("id")).collect()
    }

    /// Who holds the keys of `events` (all keyed), by their position; one that is missing is held by nobody any more.
    pub(super) async fn compare(
        &self,
        client: &impl GenericClient,
        events: &[&NewEvent],
    ) -> Result<HashMap<usize, Holder>, PgError> {
        let columns = Columns::of(events);
        let rows = client.query(&self.compare, &columns.parameters()).await?;
        rows.iter()
            .map(|row| {
                let ord: i64 = row.try_get("ord")?;
                let holder = Holder {
                    id: row.try_get("id")?,
                    differs: row.try_get("differs")?,
                };
                Ok((usize::try_from(ord - 1).unwrap_or(usize::MAX), holder))
            })
            .collect()
    }
}
