//! The one statement of `neurolink rules`: an event of the database, for `test`.

use crate::db::Db;
use crate::ingest::Event;
use crate::kernel::{Error, Severity};

/// An event as rules see it, if it is there.
pub(super) async fn event(id: i64, db: &Db) -> Result<Option<Event>, Error> {
    let client = db.client().await?;
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/cli/event.sql"))
        .await?;
    let Some(row) = client.query_opt(&statement, &[&id]).await? else {
        return Ok(None);
    };
    Ok(Some(Event {
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
    }))
}
