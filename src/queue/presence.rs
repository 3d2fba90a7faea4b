//! Who is alive: a heartbeat row per process, an advisory lock its listener holds, and the rescue of those who died.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::db::{Client, Db, Tx};
use crate::kernel::{Error, Result, clock, random};
use crate::queue::handle::BellHandle;
use crate::queue::model::Incarnation;
use crate::queue::store;

const HEARTBEAT: Duration = Duration::from_secs(2);
const MISSING_EVENTS: Duration = Duration::from_secs(60);
/// Events looked at by one statement of the sweep for forgotten ones, and statements of one sweep: heartbeats wait for it.
const SWEEP_PAGE: i64 = 100_000;
const SWEEP_PAGES: usize = 4;

/// This process among the workers.
pub struct Presence {
    db: Db,
    incarnation: Incarnation,
    works: bool,
    channels: OnceLock<Vec<&'static str>>,
    batch_size: usize,
    peers: AtomicUsize,
    inspected: OnceCell<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The lock our listener holds; changes when a half-dead former session still holds the last one.
    lock_key: Option<i64>,
    /// The database's time when our listener connected; `None` = it isn't.
    connected_at: Option<Timestamp>,
}

impl Presence {
    /// `works`: whether this process takes jobs.
    #[must_use]
    pub fn new(db: Db, incarnation: Incarnation, works: bool, batch_size: usize) -> Arc<Self> {
        Arc::new(Self {
            db,
            incarnation,
            works,
            channels: OnceLock::new(),
            batch_size,
            peers: AtomicUsize::new(0),
            inspected: OnceCell::new(),
            state: Mutex::new(State::default()),
        })
    }

    /// This process's incarnation.
    #[must_use]
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// What this process has settings for, told before its first heartbeat: who retries a delivery asks whether anybody can
    /// send it.
    pub fn offers(&self, channels: Vec<&'static str>) {
        // Told once, at start.
        let _ = self.channels.set(channels);
    }

    /// Other processes seen at the last heartbeat.
    #[must_use]
    pub fn peers(&self) -> usize {
        self.peers.load(Ordering::Relaxed)
    }

    /// Whether the listener is up: while it is not, others may take us for dead, so no provider call is begun.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.state().connected_at.is_some()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The listener is up: take the lock that says we live, and say so.
    ///
    /// # Errors
    /// The database's.
    pub async fn connected(
        &self,
        listener: &tokio_postgres::Client,
        with_lock: bool,
    ) -> Result<()> {
        let mut lock_key = None;
        if with_lock {
            let mut key = self.incarnation.lock_key();
            // Our own former session may not be gone yet on the server's side: another key does as well.
            while !listener
                .query_one("select pg_try_advisory_lock($1)", &[&key])
                .await?
                .try_get::<_, bool>(0)?
            {
                key = Incarnation::new().lock_key();
            }
            lock_key = Some(key);
        }
        let now: Timestamp = listener
            .query_one("select clock_timestamp()", &[])
            .await?
            .try_get(0)?;
        self.state().lock_key = lock_key;
        // First the heartbeat, then the claims that `connected_at` lets begin: a rescuer that has seen the old heartbeat,
        // under a lock that is free by now, would take them.
        self.register(&self.db.client().await?).await?;
        self.state().connected_at = Some(now);
        Ok(())
    }

    /// The listener is down.
    pub fn disconnected(&self) {
        self.state().connected_at = None;
    }

    async fn register(&self, client: &Client) -> Result<()> {
        let statement = client
            .prepare_cached(include_str!("../../sql/queries/queue/register.sql"))
            .await?;
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        let pid = i32::try_from(std::process::id()).unwrap_or(i32::MAX);
        let version = env!("CARGO_PKG_VERSION");
        let lock_key = self.state().lock_key;
        client
            .execute(
                &statement,
                &[
                    &self.incarnation.0,
                    &host,
                    &pid,
                    &version,
                    &self.works,
                    &lock_key,
                    &self.channels.get(),
                ],
            )
            .await?;
        Ok(())
    }

    /// Heartbeat, rescue and the sweep for forgotten events, until shutdown; then leaves in order.
    pub async fn run(self: Arc<Self>, bell: BellHandle, shutdown: CancellationToken) {
        let mut swept_at = clock::instant();
        let mut settled_below = 0;
        loop {
            // Jittered downwards: nodes started together don't beat together.
            let wait = HEARTBEAT.mul_f64(0.9 + 0.1 * random::unit());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = shutdown.cancelled() => break,
            }
            if let Err(error) = self.beat(&bell).await {
                tell(
                    &error,
                    "a heartbeat, or the rescue of a dead worker, failed",
                );
            }
            if self.works && swept_at.elapsed() >= MISSING_EVENTS {
                swept_at = clock::instant();
                match self.sweep(settled_below).await {
                    Ok(settled) => settled_below = settled,
                    Err(error) => tell(&error, "the sweep for forgotten events failed"),
                }
            }
        }
        if let Err(error) = self.leave().await {
            tracing::debug!(error = %error.chain(), "could not leave in order; peers will notice");
        }
    }

    async fn leave(&self) -> Result<()> {
        let client = self.db.client().await?;
        let statement = client
            .prepare_cached(include_str!("../../sql/queries/queue/leave.sql"))
            .await?;
        client.execute(&statement, &[&self.incarnation.0]).await?;
        Ok(())
    }

    /// One heartbeat, and a look at the others'.
    ///
    /// # Errors
    /// The database's.
    pub async fn beat(&self, bell: &BellHandle) -> Result<()> {
        let client = self.db.client().await?;
        self.register(&client).await?;
        let Some(connected_at) = self.state().connected_at else {
            return Ok(());
        };
        let statement = client
            .prepare_cached(include_str!("../../sql/queries/queue/stale_workers.sql"))
            .await?;
        let rows = client
            .query(&statement, &[&self.incarnation.0, &connected_at])
            .await?;
        let mut living = 0;
        for row in rows {
            if row.try_get::<_, bool>("stale")? {
                self.rescue(
                    row.try_get("incarnation")?,
                    row.try_get("lock_key")?,
                    row.try_get("heartbeat_at")?,
                    bell,
                )
                .await?;
            } else {
                living += 1;
            }
        }
        self.peers.store(living, Ordering::Relaxed);
        Ok(())
    }

    /// Ends the leases of a worker whose heartbeat is old, if its lock is free too and it has not beaten meanwhile.
    async fn rescue(
        &self,
        dead: Uuid,
        lock_key: Option<i64>,
        heartbeat: Timestamp,
        bell: &BellHandle,
    ) -> Result<()> {
        let tx = Tx::begin(&self.db).await?;
        if let Some(key) = lock_key {
            let free: bool = tx
                .query_one("select pg_try_advisory_xact_lock($1)", &[&key])
                .await?
                .try_get(0)?;
            if !free {
                return tx.rollback().await;
            }
        }
        let statement = tx
            .prepare_cached(include_str!("../../sql/queries/queue/rescue.sql"))
            .await?;
        let row = tx.query_one(&statement, &[&dead, &heartbeat]).await?;
        let worked: Option<bool> = row.try_get("worked")?;
        let jobs: i64 = row.try_get("jobs")?;
        let Some(worked) = worked else {
            return tx.rollback().await;
        };
        let suspects = if worked {
            store::suspect(&tx, self.front()).await?
        } else {
            0
        };
        tx.commit().await?;
        tracing::warn!(worker.incarnation = %dead, jobs.freed = jobs, jobs.suspected = suspects,
            "a worker died; its leases are ended and the front of its backlog is evaluated singly");
        bell.wake_all();
        Ok(())
    }

    /// Before this process's first claim: if a worker has died uncleanly, the front of the backlog is evaluated singly. A
    /// rescue comes seconds later; an event that kills its worker at once would never let a lone node live that long.
    ///
    /// # Errors
    /// The database's; the next call tries again.
    pub async fn before_first_claim(&self) -> Result<()> {
        self.inspected
            .get_or_try_init(|| async {
                let tx = Tx::begin(&self.db).await?;
                let statement = tx
                    .prepare_cached(include_str!("../../sql/queries/queue/somebody_died.sql"))
                    .await?;
                let died: bool = tx
                    .query_one(&statement, &[&self.incarnation.0])
                    .await?
                    .try_get("died")?;
                if died {
                    let suspects = store::suspect(&tx, self.front()).await?;
                    tracing::warn!(jobs.suspected = suspects,
                        "a worker died before this one began; the front of its backlog is evaluated singly");
                }
                tx.commit().await
            })
            .await
            .copied()
    }

    /// How much of each lane a dead worker's open batches may have held.
    fn front(&self) -> usize {
        self.batch_size * 4
    }

    /// Queues events that fell between (triggers disabled during a load, a partial restore). Gives the id to start above
    /// next time. In pages, so that no statement runs for long however many events there are; what one sweep doesn't
    /// reach, a later one does.
    ///
    /// # Errors
    /// The database's.
    pub async fn sweep(&self, above: i64) -> Result<i64> {
        let (mut from, mut settled, mut queued) = (above, above, 0);
        for _ in 0..SWEEP_PAGES {
            let client = self.db.client().await?;
            let page = store::requeue_missing(&client, from, SWEEP_PAGE).await?;
            queued += page.queued;
            settled = page.settled_below.unwrap_or(settled);
            match page.last_seen {
                Some(last) => from = last,
                None => break,
            }
        }
        if queued > 0 {
            tracing::warn!(
                events.queued = queued,
                "events had neither a job nor an outcome and were queued"
            );
        }
        Ok(settled)
    }
}

/// A database that is away is told by who needs it; anything else means that nobody is rescued any more.
fn tell(error: &Error, what: &str) {
    if error.is_transient() {
        tracing::debug!(error = %error.chain(), "{what}");
    } else {
        tracing::warn!(error = %error.chain(), "{what}");
    }
}
