//! The wake protocol: who sleeps, and what wakes them. (The other half is the trigger in sql/functions/wake.sql.)
//!
//! Two advisory locks. K, exclusive, says "somebody sleeps: NOTIFY". Every inserting transaction tries K shared: if it
//! gets it, nobody sleeps, it needs no NOTIFY, and it keeps K until after its rows are visible. S, shared, says "I am
//! awake"; S exclusive, "I sleep for all".
//!
//! A node that finds nothing to do tries S exclusive (not granted: another node is awake or sleeps for all: park), then
//! K (not granted: an inserter's transaction is open, and will not NOTIFY: look again soon), then, holding K, lets its
//! workers look once more. Nothing: no open transaction has skipped its NOTIFY, and every later one will notify. Sleep.
//!
//! The looking is the workers': this task only owns the listener's connection, and never stops to hear it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio_postgres::Notification;
use tokio_util::sync::CancellationToken;

use crate::config::WakeMode;
use crate::db::Db;
use crate::kernel::backoff::Backoff;
use crate::kernel::{Error, Result, clock, random};
use crate::queue::handle::BellHandle;
use crate::queue::presence::Presence;
use crate::queue::store;

/// The first keys of K and S; the second is the schema's (`neurolink_lock_key()`). K's stands in the trigger too.
const K: i32 = 1_313_625_931;
const S: i32 = 1_313_625_939;
const TRY: &str = "select pg_try_advisory_lock($1, $2)";
const UNLOCK: &str = "select pg_advisory_unlock($1, $2)";

/// A parked node looks by itself this often, should the node that is awake die.
const PARKED: Duration = Duration::from_secs(1);
/// A sleeping node looks by itself this often, should a notification be lost with its connection.
const FALLBACK: Duration = Duration::from_secs(5);
/// Looks are at most this far apart while an inserter's transaction is open.
const INSERTER_OPEN: Duration = Duration::from_millis(20);
/// K is not kept for longer than this by a look that doesn't end: meanwhile every inserter notifies.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// What the listener connection hears besides wakes, for other rooms.
#[derive(Clone)]
pub struct Signals {
    /// `NOTIFY neurolink_inbox`, with its payload.
    pub inbox: Arc<dyn Fn(&str) + Send + Sync>,
    /// `NOTIFY neurolink_rules`.
    pub rules: Arc<dyn Fn() + Send + Sync>,
    /// The connection is up (again): whatever was notified before is lost, so look.
    pub connected: Arc<dyn Fn() + Send + Sync>,
}

/// The task that owns the listener connection.
pub struct Bell {
    db: Db,
    mode: WakeMode,
    presence: Arc<Presence>,
    signals: Signals,
    handle: BellHandle,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Woken {
    /// By `NOTIFY neurolink_wake`.
    Notified,
    /// A worker has become busy by itself, or found something.
    Locally,
    /// A scheduled job falls due.
    Due,
    /// By the fallback timer.
    Timer,
    Shutdown,
}

impl Bell {
    /// A bell for the sources that `handle` was made for.
    #[must_use]
    pub fn new(
        db: Db,
        mode: WakeMode,
        presence: Arc<Presence>,
        signals: Signals,
        handle: &BellHandle,
    ) -> Self {
        Self {
            db,
            mode,
            presence,
            signals,
            handle: handle.clone(),
        }
    }

    /// Runs until shutdown, reconnecting as often as it takes.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            let began = clock::instant();
            let ended = self.connected(&shutdown).await;
            self.handle.shared.connected.send_replace(false);
            self.handle.shared.asleep.send_replace(false);
            self.presence.disconnected();
            let Err(error) = ended else { return };
            if began.elapsed() > Duration::from_secs(10) {
                failures = 0;
            }
            failures += 1;
            let wait = Backoff::RECONNECT.after(failures, random::unit());
            tracing::warn!(error = %error.chain(), retry_in_ms = wait.as_millis() as u64, "the listener connection is down");
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }

    /// One connection's life. Its advisory locks are of its session: whatever ends this, they go with it.
    async fn connected(&self, shutdown: &CancellationToken) -> Result<()> {
        let listens = self.mode != WakeMode::Poll;
        let session = self.db.session().await?;
        if listens {
            session
                .client
                .batch_execute(
                    "listen neurolink_wake; listen neurolink_inbox; listen neurolink_rules",
                )
                .await?;
        }
        self.presence.connected(&session.client, listens).await?;
        let schema_key: i32 = session
            .client
            .query_one("select neurolink_lock_key()", &[])
            .await?
            .get(0);
        count(&self.handle.stats().connections);
        self.handle.shared.connected.send_replace(true);
        tracing::info!(wake_mode = ?self.mode, "the listener is connected");
        (self.signals.connected)();

        let mut night = Night {
            bell: self,
            client: &session.client,
            schema_key,
            notifications: session.notifications,
            shutdown,
            keeps_k: false,
        };
        loop {
            // Whatever was notified while we were away, or woke us, is looked at before anybody sleeps.
            self.handle.wake_all();
            if night.pass().await? == Woken::Shutdown {
                return Ok(());
            }
            self.handle.shared.asleep.send_replace(false);
        }
    }

    /// Takes a notification in. True: it was a wake.
    fn hear(&self, heard: Option<Notification>) -> Result<bool> {
        let notification =
            heard.ok_or_else(|| Error::unavailable("the listener connection was lost"))?;
        match notification.channel() {
            "neurolink_wake" => return Ok(true),
            "neurolink_inbox" => (self.signals.inbox)(notification.payload()),
            "neurolink_rules" => (self.signals.rules)(),
            _ => {}
        }
        Ok(false)
    }
}

/// From the end of the work to the next wake, on one connection.
struct Night<'a> {
    bell: &'a Bell,
    client: &'a tokio_postgres::Client,
    schema_key: i32,
    notifications: tokio::sync::mpsc::UnboundedReceiver<Notification>,
    shutdown: &'a CancellationToken,
    /// In mode `always`: this node has S and K for as long as it is connected.
    keeps_k: bool,
}

impl Night<'_> {
    /// Waits until the work is done, then sleeps as the mode says.
    async fn pass(&mut self) -> Result<Woken> {
        let gated = self.bell.mode == WakeMode::Gated && self.bell.handle.has_workers();
        // Not granted: somebody sleeps for all and is just waking up. Harmless, S only saves work.
        let awake = gated
            && self
                .ask("select pg_try_advisory_lock_shared($1, $2)", S)
                .await?;
        if self.until_idle().await? == Woken::Shutdown {
            return Ok(Woken::Shutdown);
        }
        if awake {
            self.ask("select pg_advisory_unlock_shared($1, $2)", S)
                .await?;
        }
        match self.bell.mode {
            _ if !self.bell.handle.has_workers() => self.wait(Duration::MAX).await,
            WakeMode::Gated => self.sleep_gated().await,
            WakeMode::Always => self.sleep_keeping_k().await,
            WakeMode::Poll => {
                let due = self.due().await;
                self.sleep(due, PARKED).await
            }
        }
    }

    /// Steps 2 to 5 of the protocol.
    async fn sleep_gated(&mut self) -> Result<Woken> {
        if !self.ask(TRY, S).await? {
            return self.park().await;
        }
        let woken = match self.take_k().await? {
            Some(woken) => woken,
            None => {
                let woken = self.sleep_for_all().await?;
                // Unlock first, then claim: from here on inserters need no NOTIFY.
                self.ask(UNLOCK, K).await?;
                woken
            }
        };
        self.ask(UNLOCK, S).await?;
        Ok(woken)
    }

    /// The same, but K stays: whoever has S keeps it, and every inserter notifies.
    async fn sleep_keeping_k(&mut self) -> Result<Woken> {
        if !self.keeps_k {
            if !self.ask(TRY, S).await? {
                return self.park().await;
            }
            if let Some(woken) = self.take_k().await? {
                self.ask(UNLOCK, S).await?;
                return Ok(woken);
            }
            self.keeps_k = true;
        }
        self.sleep_for_all().await
    }

    /// Another node is awake, or sleeps for all.
    async fn park(&mut self) -> Result<Woken> {
        count(&self.bell.handle.stats().parked);
        let due = self.due().await;
        self.sleep(due, PARKED).await
    }

    /// Step 3, holding S. `None` = granted.
    async fn take_k(&mut self) -> Result<Option<Woken>> {
        let mut pause = Duration::from_millis(2);
        while !self.ask(TRY, K).await? {
            count(&self.bell.handle.stats().inserter_open);
            let woken = self.wait(pause).await?;
            if woken != Woken::Timer {
                return Ok(Some(woken));
            }
            pause = (pause * 2).min(INSERTER_OPEN);
            if let Some(woken) = self.look().await? {
                return Ok(Some(woken));
            }
        }
        Ok(None)
    }

    /// Steps 4 and 5, holding S and K.
    async fn sleep_for_all(&mut self) -> Result<Woken> {
        // Asked before the look: what falls due later is in the answer, what fell due earlier is found by the look. The
        // other way round, a job that falls due in between would be in neither, and overslept.
        let due = self.due().await;
        if let Some(woken) = self.look().await? {
            return Ok(woken);
        }
        let stats = self.bell.handle.stats();
        count(&stats.sleeps);
        let woken = self
            .sleep(due, FALLBACK.mul_f64(0.8 + 0.4 * random::unit()))
            .await?;
        match woken {
            Woken::Notified => count(&stats.notified),
            Woken::Timer => count(&stats.timed_out),
            _ => {}
        }
        Ok(woken)
    }

    /// Lets every worker claim once, from zero, in transactions begun after this call. `None` = nothing was found, and
    /// nobody has called meanwhile.
    async fn look(&mut self) -> Result<Option<Woken>> {
        let mut finds = self.bell.handle.finds();
        self.bell.handle.wake_all();
        let longest = tokio::time::sleep(LONGEST_LOOK);
        tokio::pin!(longest);
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Ok(Some(Woken::Shutdown)),
                _ = finds.changed() => return Ok(Some(Woken::Locally)),
                () = self.bell.handle.until_idle() => {
                    // What was found is counted before its worker rests.
                    let found = finds.has_changed().unwrap_or(true);
                    return Ok(found.then_some(Woken::Locally));
                }
                heard = self.notifications.recv() => {
                    // It may be of a commit behind the workers' snapshots.
                    if self.bell.hear(heard)? {
                        return Ok(Some(Woken::Notified));
                    }
                }
                () = &mut longest => return Ok(Some(Woken::Locally)),
            }
        }
    }

    /// Sleeps until a wake, the time that a scheduled job falls due, or the fallback.
    async fn sleep(&mut self, due: Option<Instant>, fallback: Duration) -> Result<Woken> {
        let due = due.map(|due| due.saturating_duration_since(clock::instant()));
        if !self.bell.handle.is_idle() {
            return Ok(Woken::Locally);
        }
        self.bell.handle.shared.asleep.send_replace(true);
        match due {
            Some(due) if due <= fallback => Ok(match self.wait(due).await? {
                Woken::Timer => Woken::Due,
                woken => woken,
            }),
            _ => self.wait(fallback).await,
        }
    }

    /// When the next scheduled job falls due.
    async fn due(&self) -> Option<Instant> {
        let asked = async { store::next_run_at(&self.bell.db.client().await?).await }.await;
        let wait = match asked {
            Ok(wait) => wait?,
            // The workers will meet what is wrong, and wait for it; the listener's connection is not at fault.
            Err(error) => {
                tracing::debug!(error = %error.chain(), "when the next job falls due could not be read");
                PARKED
            }
        };
        clock::instant().checked_add(wait)
    }

    async fn until_idle(&mut self) -> Result<Woken> {
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Ok(Woken::Shutdown),
                () = self.bell.handle.until_idle() => return Ok(Woken::Locally),
                // Wakes are heard, too: the look before a sleep finds what they are of.
                heard = self.notifications.recv() => { self.bell.hear(heard)?; }
            }
        }
    }

    /// Waits for a wake, for a worker to become busy by itself, or for the timer.
    async fn wait(&mut self, timer: Duration) -> Result<Woken> {
        let timer = tokio::time::sleep(timer.min(Duration::from_secs(86_400)));
        tokio::pin!(timer);
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Ok(Woken::Shutdown),
                () = self.bell.handle.until_busy() => return Ok(Woken::Locally),
                heard = self.notifications.recv() => {
                    if self.bell.hear(heard)? {
                        return Ok(Woken::Notified);
                    }
                }
                () = &mut timer => return Ok(Woken::Timer),
            }
        }
    }

    async fn ask(&self, question: &str, lock: i32) -> Result<bool> {
        Ok(self
            .client
            .query_one(question, &[&lock, &self.schema_key])
            .await?
            .try_get(0)?)
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
