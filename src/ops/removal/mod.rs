//! Deleting an event with what came of it. Comes from an admin, by `DELETE /v1/events/{id}`; goes to the event's notifications
//! (deleted through inbox revisions, so that every open tab sees them go), its pending deliveries (cancelled), its jobs and its
//! outcome. Law: the event goes last. Until then the same call goes on where an earlier one was cut off.

pub mod routes;
pub mod store;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;

use crate::db::{Db, Tx};
use crate::kernel::{Error, Result, clock};
use crate::notifications::Inboxes;

use store::Place;

/// Notifications deleted by one transaction: no inbox is held for long.
const CHUNK: usize = 500;
/// One call works for so long; another goes on.
const PATIENCE: Duration = Duration::from_secs(20);

/// What went with an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Jobs that waited to evaluate it, and one that was given up.
    pub jobs: i64,
    /// Its outcome: 0 or 1.
    pub outcomes: i64,
    /// Notifications that nobody had deleted before.
    pub notifications: i64,
    /// Deliveries that will not be sent.
    pub deliveries_cancelled: i64,
    /// Deliveries that were being sent at that moment.
    pub deliveries_under_way: i64,
}

/// How far a deletion came.
#[derive(Debug, Serialize)]
pub struct Removal {
    /// The event.
    pub event_id: i64,
    /// Whether it is gone; if not, the same call goes on.
    pub is_complete: bool,
    /// What this call took along.
    pub took_along: Taken,
}

/// Deletes an event in somebody's name, if they see it.
///
/// # Errors
/// `NotFound`, or the database's; chunks done before stay done.
pub async fn remove(
    db: &Db,
    inboxes: &Inboxes,
    event: i64,
    actor: &str,
    sees: impl Fn(Option<&str>) -> bool,
) -> Result<Removal> {
    let began = clock::instant();
    let (mut taken, mut behind) = (Taken::default(), Place::default());
    loop {
        let tx = Tx::begin_as(db, actor).await?;
        let branch = store::hold(&tx, event).await?;
        if !branch.is_some_and(|branch| sees(branch.as_deref())) {
            tx.rollback().await?;
            return Err(Error::NotFound("event"));
        }
        let mut part = Taken {
            // Before any inbox is locked: this waits for whoever evaluates the event, who may want the same inboxes.
            jobs: store::take_jobs(&tx, event).await?,
            ..Taken::default()
        };
        let chunk = store::chunk(&tx, event, &behind, CHUNK).await?;
        let told: BTreeSet<String> = chunk
            .iter()
            .filter(|found| found.in_app)
            .map(|found| found.place.user_id.clone())
            .collect();
        let told: Vec<String> = told.into_iter().collect();
        if !chunk.is_empty() {
            store::lock(&tx, &told).await?;
            part.notifications = store::empty(&tx, &chunk).await?;
            (part.deliveries_cancelled, part.deliveries_under_way) =
                store::cancel(&tx, &chunk).await?;
        }
        let is_last = chunk.len() < CHUNK && !store::is_left(&tx, event).await?;
        if is_last {
            let (outcomes, dead_jobs) = store::end(&tx, event, &taken.with(part)).await?;
            part.outcomes = outcomes;
            part.jobs += dead_jobs;
        } else {
            store::note(&tx, event, &taken.with(part)).await?;
        }
        tx.commit().await?;
        inboxes.tell(told);
        taken = taken.with(part);
        if is_last || began.elapsed() > PATIENCE {
            return Ok(Removal {
                event_id: event,
                is_complete: is_last,
                took_along: taken,
            });
        }
        // From the start again when an evaluation has added some in front of us.
        let is_full = chunk.len() == CHUNK;
        let last = chunk.into_iter().next_back().filter(|_| is_full);
        behind = last.map(|found| found.place).unwrap_or_default();
    }
}

impl Taken {
    fn with(self, more: Self) -> Self {
        Self {
            jobs: self.jobs + more.jobs,
            outcomes: self.outcomes + more.outcomes,
            notifications: self.notifications + more.notifications,
            deliveries_cancelled: self.deliveries_cancelled + more.deliveries_cancelled,
            deliveries_under_way: self.deliveries_under_way + more.deliveries_under_way,
        }
    }
}
