//! The audit log, read.

use serde_json::value::RawValue;

use crate::db::Client;
use crate::kernel::{Error, Result};
use crate::ops::audit::{Entry, Filter, Place};

/// A page, newest first, below an entry.
///
/// # Errors
/// The database's.
pub async fn list(
    client: &Client,
    below: Option<Place>,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Entry>> {
    // Planned anew each time: a plan for any filter is a bad one for most.
    let statement = include_str!("../../../sql/queries/ops/audit.sql");
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
                &limit,
                &below.map(|(_, id)| id),
            ],
        )
        .await?;
    let raw = |text: Option<String>| {
        text.map(RawValue::from_string)
            .transpose()
            .map_err(|e| Error::internal("an audit entry is no JSON", e))
    };
    rows.iter()
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
        .collect()
}
