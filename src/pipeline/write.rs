//! Stations 5 and 6, the rows: a batch as it was composed → outcomes, deliveries with their jobs, notifications with their
//! inboxes' revisions, and the commit.

use jiff::Timestamp;

use crate::db::{Client, Tx};
use crate::ingest::Event;
use crate::kernel::{Error, Result};
use crate::pipeline::Evaluator;
use crate::pipeline::compose::Composed;
use crate::pipeline::replay::Turn;
use crate::{deliveries, notifications, rules};

/// A batch of so many notifications is copied.
const MANY: usize = 128;

impl Evaluator {
    /// Outcomes, deliveries with their jobs, inboxes locked and moved, notifications, commit. Inboxes come last: their locks
    /// are what two workers with the same recipients wait for.
    pub(super) async fn write(
        &self,
        tx: Tx,
        events: &[Event],
        composed: &Composed,
        turn: Turn,
        now: Timestamp,
    ) -> Result<()> {
        if composed.notifications.len() < MANY {
            self.write_few(tx, events, composed, turn).await
        } else {
            self.write_many(tx, events, composed, turn, now).await
        }
    }

    /// A large batch, copied: round trips count less there than the server's work.
    async fn write_many(
        &self,
        tx: Tx,
        events: &[Event],
        composed: &Composed,
        turn: Turn,
        now: Timestamp,
    ) -> Result<()> {
        let attempts = self.settings.delivery_max_attempts;
        turn.copy_outcomes(&tx, &composed.outcomes).await?;
        deliveries::store::copy(&tx, &composed.deliveries, attempts, now).await?;
        notifications::new::store::copy(&tx, events, &composed.notifications).await?;
        tx.commit().await
    }

    /// A small one, in one flight.
    async fn write_few(
        &self,
        tx: Tx,
        events: &[Event],
        composed: &Composed,
        turn: Turn,
    ) -> Result<()> {
        rules::store::prepare(&tx).await?;
        notifications::new::store::prepare(&tx).await?;
        deliveries::store::prepare(&tx).await?;
        let (outcomes, planned, told, committed) = futures_util::join!(
            turn.write_outcomes(&tx, &composed.outcomes),
            deliveries::store::insert(
                &tx,
                &composed.deliveries,
                self.settings.delivery_max_attempts
            ),
            notifications::new::store::insert(&tx, events, &composed.notifications),
            commit_last(&tx),
        );
        // A commit after a failed statement rolls back without an error of its own: every answer counts.
        outcomes?;
        planned?;
        told?;
        committed?;
        tx.committed();
        Ok(())
    }
}

/// Sends `commit` behind what was sent in the same poll.
async fn commit_last(client: &Client) -> Result<()> {
    client.batch_execute("commit").await.map_err(Error::from)
}
