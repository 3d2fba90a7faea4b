//! Replay: an event evaluated again with today's rules, adding only what is missing. Comes from an admin, by
//! `POST /v1/events/{id}/replay`; goes to the queue as a job of kind event, channel `replay`, which a worker evaluates alone
//! (`pipeline/replay.rs`). Law: what was told stays as it is; the outcome keeps one row, which then says what the replay found.

pub mod routes;
pub mod store;

use serde::Serialize;

use crate::db::{Db, Tx};
use crate::kernel::{Error, Result};

/// A replay that waits for its worker.
#[derive(Debug, Serialize)]
pub struct Queued {
    /// The event.
    pub event_id: i64,
    /// Its job; gone from `neurolink_jobs` when it is done.
    pub job_id: i64,
    /// `queued`, or `already_queued` where one waited already.
    pub status: &'static str,
}

/// Queues a replay in somebody's name, if they see the event.
///
/// # Errors
/// `NotFound`; `Conflict` (`event_waiting`) for an event that waits for its first evaluation anyway.
pub async fn queue(
    db: &Db,
    event: i64,
    actor: &str,
    sees: impl Fn(Option<&str>) -> bool,
) -> Result<Queued> {
    let tx = Tx::begin_as(db, actor).await?;
    let Some((branch, is_evaluated)) = store::hold(&tx, event).await? else {
        tx.rollback().await?;
        return Err(Error::NotFound("event"));
    };
    if !sees(branch.as_deref()) {
        tx.rollback().await?;
        return Err(Error::NotFound("event"));
    }
    if !is_evaluated {
        tx.rollback().await?;
        return Err(Error::Conflict {
            code: "event_waiting",
            detail:
                "the event waits for its first evaluation, which will be by today's rules anyway"
                    .to_owned(),
            place: None,
        });
    }
    let (job_id, is_new) = store::queue(&tx, event).await?;
    tx.commit().await?;
    Ok(Queued {
        event_id: event,
        job_id,
        status: if is_new { "queued" } else { "already_queued" },
    })
}
