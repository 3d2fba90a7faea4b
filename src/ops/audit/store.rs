//! The audit log, read.

use serde_json::value::RawValue;

use crate::db::Client;
use crate::kernel::{Error, Result};
use crate::ops::audit::{Entry, Filter, Place};

/// Entries that one page looks at: some 10 ms, twice that where branches are compared.
pub const LOOKED: i64 = 5_000;

/// A page, newest first, of at most `limit` below an entry, and below which to go on. It may hold fewer, even none, while there is
/// more to look at.
///
/// # Errors
/// The database's.
pub async fn list(
    client: &Client,
    below: Option<Place>,
    filter: &Filter,
    limit: usize,
) -> Result<(Vec<Entry>, Option<Place>)> {
    // Planned anew each time: a plan for any filter is a bad one for most.
    let statement = include_str!("../../../sql/queries/ops/audit.sql");
    let lead = lead(filter);
    let fetch = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
    let rows = client
        .query(
            statement,
            &[
                &below.map(|(at, _)| at),
                &filter.actor,
                &filter.action,
                &filter.subject_kind,
                &filter.subject_id,
                &filter.from,
                &filter.to,
                &filter.branches,
                &fetch,
                &below.map(|(_, id)| id),
                &lead,
                &LOOKED,
            ],
        )
        .await?;
    let raw = |text: Option<String>| {
        text.map(RawValue::from_string)
            .transpose()
            .map_err(|e| Error::internal("an audit entry is no JSON", e))
    };
    let mut entries = rows
        .iter()
        .map(|row| {
            Ok(Entry {
                id: row.try_get("id")?,
                at: row.try_get("at")?,
                actor: row.try_get("actor")?,
                db_user: row.try_get("db_user")?,
                action: row.try_get("action")?,
                subject_kind: row.try_get("subject_kind")?,
                subject_id: row.try_get("subject_id")?,
                before: raw(row.try_get("before")?)?,
                after: raw(row.try_get("after")?)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let next = if entries.len() > limit {
        entries.truncate(limit);
        entries.last().map(|entry| (entry.at, entry.id))
    } else {
        looked_to(client, below, filter, lead).await?
    };
    Ok((entries, next))
}

/// The filter whose index is read: the one that leaves the least.
fn lead(filter: &Filter) -> &'static str {
    if filter.subject_kind.is_some() && filter.subject_id.is_some() {
        "subject"
    } else if filter.actor.is_some() {
        "actor"
    } else if filter.action.is_some() {
        "action"
    } else {
        "time"
    }
}

/// The place below which a look that didn't find enough has to go on.
async fn looked_to(
    client: &Client,
    below: Option<Place>,
    filter: &Filter,
    lead: &str,
) -> Result<Option<Place>> {
    let statement = include_str!("../../../sql/queries/ops/audit_stretch.sql");
    let row = client
        .query_one(
            statement,
            &[
                &below.map(|(at, _)| at),
                &below.map(|(_, id)| id),
                &filter.actor,
                &filter.action,
                &filter.subject_kind,
                &filter.subject_id,
                &filter.from,
                &filter.to,
                &lead,
                &LOOKED,
            ],
        )
        .await?;
    let looked: i64 = row.try_get("looked")?;
    let at: Option<jiff::Timestamp> = row.try_get("at")?;
    Ok(if looked < LOOKED {
        None
    } else {
        at.zip(row.try_get("id")?)
    })
}
