//! The statements of `neurolink emit`: the way in of SQL, and whether what stands there is what was given.

use crate::db::{Db, Tx};
use crate::ingest::NewEvent;
use crate::kernel::{Error, Result};

/// Stores an event, or finds the one that its key names. Its id.
///
/// # Errors
/// `Conflict` when the key names an event with another body, or the database's.
pub(super) async fn emit(db: &Db, event: &NewEvent) -> Result<i64> {
    let tx = Tx::begin(db).await?;
    let statement = tx
        .prepare_cached(include_str!("../../../sql/queries/cli/emit.sql"))
        .await?;
    let severity = event.severity.map(|s| s.as_str());
    let row = tx
        .query_one(
            &statement,
            &[
                &event.source_module,
                &event.event_type,
                &event.payload,
                &severity,
                &event.idempotency_key,
                &event.correlation_id,
                &event.branch_id,
                &event.actor_id,
                &event.entity_type,
                &event.entity_id,
                &event.occurred_at,
                &event.traceparent,
            ],
        )
        .await?;
    let id: Option<i64> = row.try_get("id")?;
    let id = id.ok_or_else(|| {
        Error::broken("the event was not stored: does a trigger of yours on neurolink_events swallow it?")
    })?;
    if let Some(key) = &event.idempotency_key
        && may_compare(&tx).await?
    {
        let statement = tx
            .prepare_cached(include_str!("../../../sql/queries/cli/emitted.sql"))
            .await?;
        let row = tx
            .query_opt(
                &statement,
                &[
                    &id,
                    &event.event_type,
                    &event.payload,
                    &severity,
                    &event.correlation_id,
                    &event.branch_id,
                    &event.actor_id,
                    &event.entity_type,
                    &event.entity_id,
                    &event.occurred_at,
                    &event.traceparent,
                ],
            )
            .await?;
        let differs: Option<String> = match row {
            Some(row) => row.try_get("differs")?,
            None => None,
        };
        if let Some(field) = differs {
            tx.rollback().await?;
            return Err(Error::Conflict {
                code: "idempotency_conflict",
                detail: format!(
                    "the key `{key}` names event {id}, whose {field} is another; nothing was stored"
                ),
                place: None,
            });
        }
    }
    tx.commit().await?;
    Ok(id)
}

/// A role that may only put events in is told the first event's id, whatever the body.
async fn may_compare(tx: &Tx) -> Result<bool> {
    let statement = tx
        .prepare_cached(include_str!("../../../sql/queries/cli/may_compare.sql"))
        .await?;
    Ok(tx.query_one(&statement, &[]).await?.try_get("may")?)
}
