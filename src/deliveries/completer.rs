//! Station 9: outcomes are gathered and written together, as many as there are, without lingering. An outcome that can't be
//! written (the database is away) is kept and tried again: losing it would send the delivery twice.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use uuid::Uuid;

use crate::db::Db;
use crate::deliveries::model::Attempted;
use crate::deliveries::store;
use crate::kernel::backoff::Backoff;
use crate::kernel::random;

const AT_ONCE: usize = 500;

/// Where attempts report their end. Clones feed one completer; it ends when all are gone and everything is written.
#[derive(Clone)]
pub struct Completer {
    tx: mpsc::UnboundedSender<Attempted>,
}

impl Completer {
    /// Starts the task. `on_recorded` is called after each write (retries may now be scheduled).
    #[must_use]
    pub fn start(
        db: Db,
        worker: Uuid,
        give_up_after: Duration,
        on_recorded: Arc<dyn Fn() + Send + Sync>,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (tx, rx) = mpsc::unbounded_channel();
        let task = tokio::spawn(run(db, worker, give_up_after, on_recorded, rx));
        (Self { tx }, task)
    }

    /// An attempt has ended.
    pub fn report(&self, ended: Attempted) {
        // The task outlives every sender; a closed channel means the process is going down, and the lease runs out.
        let _ = self.tx.send(ended);
    }
}

async fn run(
    db: Db,
    worker: Uuid,
    give_up_after: Duration,
    on_recorded: Arc<dyn Fn() + Send + Sync>,
    mut rx: mpsc::UnboundedReceiver<Attempted>,
) {
    let mut ended = Vec::with_capacity(AT_ONCE);
    while rx.recv_many(&mut ended, AT_ONCE).await > 0 {
        let began = crate::kernel::clock::instant();
        let mut failures = 0;
        loop {
            let written = async { store::record(&db.client().await?, worker, &ended).await }.await;
            match written {
                Ok(held) => {
                    log(&ended, &held);
                    on_recorded();
                    break;
                }
                Err(error) => {
                    failures += 1;
                    // After the lease the fence can't hold any more, whatever we do.
                    if began.elapsed() > give_up_after {
                        tracing::error!(error = %error.chain(), outcomes = ended.len(),
                            "outcomes could not be recorded within their leases; those deliveries will be tried again");
                        break;
                    }
                    tracing::warn!(error = %error.chain(), outcomes = ended.len(), "outcomes could not be recorded yet");
                    tokio::time::sleep(Backoff::RECONNECT.after(failures, random::unit())).await;
                }
            }
        }
        ended.clear();
    }
}

fn log(ended: &[Attempted], held: &std::collections::HashSet<i64>) {
    for attempt in ended {
        if !held.contains(&attempt.job_id) {
            tracing::warn!(
                delivery.id = attempt.delivery_id,
                job.id = attempt.job_id,
                attempt = attempt.attempt,
                outcome = attempt.outcome,
                "a late outcome was not recorded: its lease had ended and the job is somebody else's"
            );
        } else if attempt.error.is_some() {
            // What the provider said may hold an address: it is in neurolink_delivery_attempts, not here.
            tracing::info!(delivery.id = attempt.delivery_id, attempt = attempt.attempt, outcome = attempt.outcome,
                next = ?attempt.next, duration_ms = attempt.took.as_millis() as u64, "an attempt failed");
        } else {
            tracing::debug!(
                delivery.id = attempt.delivery_id,
                attempt = attempt.attempt,
                duration_ms = attempt.took.as_millis() as u64,
                "a delivery was sent"
            );
        }
    }
}
