//! The way to the writer. Comes in: a handler's event. Goes out: its answer, after the commit. What waits is bounded in
//! number and in bytes; beyond that the answer is 503 at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::lanes::{Lanes, unknown};
use super::model::{NewEvent, Stored};
use crate::kernel::{Error, Result};

/// Called after every commit with the number of events it stored, so that a local worker can be nudged.
pub type OnCommit = Arc<dyn Fn(usize) + Send + Sync>;

/// Requests that may wait.
const QUEUE: usize = 4096;
/// Bytes of payload that may wait, in KiB: 64 MiB.
const BUDGET_KIB: u32 = 64 * 1024;
/// No request waits longer for its answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

/// A request's event on its way to the table.
pub(super) struct Pending {
    pub(super) event: NewEvent,
    reply: oneshot::Sender<Result<Stored>>,
    _room: OwnedSemaphorePermit,
}

impl Pending {
    pub(super) fn answer(self, answer: Result<Stored>) {
        // A client that hung up doesn't hear it.
        let _ = self.reply.send(answer);
    }
}

/// The way to the writer. Cheap to clone.
#[derive(Clone)]
pub struct WriterHandle {
    queue: mpsc::Sender<Pending>,
    room: Arc<Semaphore>,
    lanes: Arc<Lanes>,
    shutdown: CancellationToken,
    done: CancellationToken,
}

impl WriterHandle {
    /// The handle, and what comes in by it.
    pub(super) fn new(
        lanes: Arc<Lanes>,
        shutdown: CancellationToken,
        done: CancellationToken,
    ) -> (Self, mpsc::Receiver<Pending>) {
        let (queue, requests) = mpsc::channel(QUEUE);
        let room = Arc::new(Semaphore::new(BUDGET_KIB as usize));
        let handle = Self {
            queue,
            room,
            lanes,
            shutdown,
            done,
        };
        (handle, requests)
    }

    /// Stores one event; answers after its commit.
    ///
    /// # Errors
    /// `Conflict` (`idempotency_conflict`) when its key names an event with another body; `Invalid` when the database
    /// can't hold it; `Unavailable` when the database is away, the queue full or the key held by an open transaction.
    pub async fn submit(&self, event: NewEvent) -> Result<Stored> {
        let (reply, answer) = oneshot::channel();
        let pending = Pending {
            _room: self.room_for(event.payload.len())?,
            event,
            reply,
        };
        if self.lanes.is_held(&pending.event) {
            self.lanes.contended(pending);
        } else {
            self.queue.try_send(pending).map_err(|refused| {
                Error::unavailable(match refused {
                    mpsc::error::TrySendError::Full(_) => {
                        "too many events are waiting; nothing was stored"
                    }
                    mpsc::error::TrySendError::Closed(_) => "shutting down; nothing was stored",
                })
            })?;
        }
        match timeout(ANSWER_LIMIT, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(unknown()),
        }
    }

    /// Stores all events by one commit, or none. Answers come in the order of the events.
    ///
    /// # Errors
    /// As [`Self::submit`]; places begin with the event's index (`/3/payload`).
    pub async fn submit_all(&self, events: Vec<NewEvent>) -> Result<Vec<Stored>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        if self.shutdown.is_cancelled() {
            return Err(Error::unavailable("shutting down; nothing was stored"));
        }
        let _room = self.room_for(events.iter().map(|e| e.payload.len()).sum())?;
        let lanes = self.lanes.clone();
        let work = async move { lanes.batch(&events).await };
        // A task of its own: what has begun is finished even if nobody waits for it any more.
        self.lanes
            .tracker
            .spawn(work)
            .await
            .unwrap_or_else(|_| Err(unknown()))
    }

    /// After a shutdown: returns when all that was taken in has been stored or refused.
    pub async fn finished(&self) {
        self.done.cancelled().await;
        self.lanes.tracker.close();
        self.lanes.tracker.wait().await;
    }

    fn room_for(&self, bytes: usize) -> Result<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
        self.room
            .clone()
            .try_acquire_many_owned(kib)
            .map_err(|_| Error::unavailable("too much is waiting; nothing was stored"))
    }
}
