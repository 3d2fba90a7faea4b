//! One bad event never takes its batch with it. A failed batch is rolled back whole; its culprit, or where that isn't known
//! every one of it, is set apart and evaluated alone: the attempt is committed first (a rollback would forget it, and an
//! event that kills its worker would do so for ever), then the work. What fails too often is buried with its error.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::db::Tx;
use crate::kernel::backoff::Backoff;
use crate::kernel::{Error, Result, random};
use crate::pipeline::replay::Turn;
use crate::pipeline::{Evaluator, Failure};
use crate::queue::{self, SingleJob};
use crate::rules;

/// While an event is evaluated alone; a worker that dies is rescued long before.
const LEASE: Duration = Duration::from_secs(60);
/// Evaluated alone in one round, before batches get their turn again.
const PER_ROUND: usize = 16;
/// Batches that fail so often in a row for want of something are not in want: they are taken apart. Four tries of each of the
/// three workers', whose batches often fail together.
const PATIENCE: u32 = 12;

impl Evaluator {
    /// A batch has failed and was rolled back: set apart what may have caused it.
    ///
    /// # Errors
    /// The failure itself when it was nobody's fault (a lost connection, a lock): the same batch is tried again later.
    pub(super) async fn set_apart(&self, failure: Failure, jobs: &[i64]) -> Result<()> {
        self.meters.failed();
        self.marks.reset();
        self.inboxes
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clear();
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        let may_pass = failure.error.is_transient() && failures < PATIENCE;
        if failure.is_blameless || failure.culprit.is_none() && may_pass {
            return Err(failure.error);
        }
        let suspects = failure
            .culprit
            .map_or_else(|| jobs.to_vec(), |culprit| vec![culprit]);
        let client = self.db.client().await?;
        queue::store::isolate(&client, &suspects, &failure.error.chain()).await?;
        tracing::warn!(error = %failure.error.chain(), jobs.count = suspects.len(),
            "a batch of events failed; those that may have caused it are evaluated alone");
        self.singles_wait.store(true, Ordering::Release);
        Ok(())
    }

    /// Evaluates jobs that were set apart, one by one. Gives how many.
    pub(super) async fn evaluate_singles(&self) -> Result<usize> {
        // Cleared before the look: what is set apart meanwhile sets it again.
        self.singles_wait.store(false, Ordering::Release);
        let outcome = self.evaluate_some_singles().await;
        if !matches!(outcome, Ok(done) if done < PER_ROUND) {
            self.singles_wait.store(true, Ordering::Release);
        }
        outcome
    }

    async fn evaluate_some_singles(&self) -> Result<usize> {
        for done in 0..PER_ROUND {
            let worker = self.presence.incarnation().0;
            let claimed = {
                let client = self.db.client().await?;
                queue::store::claim_single(&client, worker, LEASE).await?
            };
            let Some(job) = claimed else {
                return Ok(done);
            };
            self.evaluate_single(&job).await?;
        }
        Ok(PER_ROUND)
    }

    async fn evaluate_single(&self, job: &SingleJob) -> Result<()> {
        let worker = self.presence.incarnation().0;
        if job.attempt > job.max_attempts {
            return self
                .bury(
                    job,
                    "its attempts are used up: each ended with the death of its worker",
                )
                .await;
        }
        let tx = Tx::unbegun(self.db.client().await?);
        let claim = queue::store::take_single(&tx, job, worker).await?;
        if claim.jobs.is_empty() {
            tracing::warn!(
                job.id = job.job_id,
                event.id = job.event_id,
                "a late claim was fenced: the job is somebody else's"
            );
            return tx.rollback().await;
        }
        let turn = if job.is_replay {
            Turn::Again
        } else {
            Turn::First
        };
        // Locked before anything is judged: of two replays the second adds to the first.
        let is_held = match turn {
            Turn::First | Turn::Later => Ok(true),
            Turn::Again => rules::store::hold_outcome(&tx, job.event_id).await,
        };
        if let Ok(false) = is_held {
            tracing::info!(
                event.id = job.event_id,
                job.id = job.job_id,
                "there is nothing to evaluate again: the event was deleted, or never evaluated"
            );
            return tx.commit().await;
        }
        let evaluated = match is_held {
            Ok(_) => self.evaluate(tx, claim, turn).await,
            // Waited too long for the lock, say: no fault of the event's.
            Err(error) => Err(Failure::blameless(error)),
        };
        let failure = match evaluated {
            Ok(written) => {
                self.announce(written);
                return Ok(());
            }
            Err(failure) => failure,
        };
        self.inboxes
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clear();
        let why = failure.error.chain();
        match failure.error {
            // Two jobs for one event: the first has done it.
            Error::Conflict {
                code: "already_evaluated",
                ..
            } => {
                let tx = Tx::unbegun(self.db.client().await?);
                queue::store::take_single(&tx, job, worker).await?;
                tx.commit().await
            }
            _ if job.attempt >= job.max_attempts && !failure.is_blameless => {
                self.bury(job, &why).await
            }
            _ => {
                let wait =
                    Backoff::LOCAL.after(u32::try_from(job.attempt).unwrap_or(1), random::unit());
                tracing::warn!(
                    event.id = job.event_id,
                    job.id = job.job_id,
                    attempt = job.attempt,
                    error = why,
                    retry_in_ms = wait.as_millis() as u64,
                    "an event could not be evaluated"
                );
                let client = self.db.client().await?;
                queue::store::retry_single(&client, job, worker, wait, &why).await?;
                Ok(())
            }
        }
    }

    async fn bury(&self, job: &SingleJob, why: &str) -> Result<()> {
        tracing::error!(
            event.id = job.event_id,
            job.id = job.job_id,
            attempt = job.attempt,
            error = why,
            "an event is given up; it is in neurolink_dead_jobs"
        );
        let client = self.db.client().await?;
        queue::store::bury_single(&client, job, self.presence.incarnation().0, why).await
    }
}
