//! The wake protocol: who sleeps, and what wakes them. (The other half is the trigger in sql/functions/wake.sql.)
//!
//! Two advisory locks. K, exclusive, says "somebody sleeps: NOTIFY". Every inserting transaction tries K shared: if it
//! gets it, nobody sleeps, it needs no NOTIFY, and it keeps K until after its rows are visible. S, shared, says "I am
//! awake"; S exclusive, "I sleep for all".
//!
//! A node that finds nothing to do tries S exclusive (not granted: another node is awake or sleeps for all: park), then
//! K (not granted: an inserter's transaction is open, and will not NOTIFY: look again soon), then, holding K, claims
//! once more. Nothing: no open transaction has skipped its NOTIFY, and every later one will notify. Sleep.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_postgres::Notification;
use tokio_util::sync::CancellationToken;

use crate::config::WakeMode;
use crate::db::Db;
use crate::kernel::backoff::Backoff;
use crate::kernel::{Error, Result, clock, random};
use crate::queue::model::Source;
use crate::queue::presence::Presence;
use crate::queue::store;

/// The first keys of K and S; the second is the schema's (`neurolink_lock_key()`). K's stands in the trigger too.
const K: i32 = 1_313_625_931;
const S: i32 = 1_313_625_939;

/// A parked node looks by itself this often, should the node that is awake die.
const PARKED: Duration = Duration::from_secs(1);
/// A sleeping node looks by itself this often, should a notification be lost with its connection.
const FALLBACK: Duration = Duration::from_secs(5);
/// Looks are at most this far apart while an inserter's transaction is open.
const INSERTER_OPEN: Duration = Duration::from_millis(20);
/// While one source of a node is busy, the others look by themselves this often.
const PATROL: Duration = Duration::from_millis(20);
/// Peers are called at most this often.
const CALL_PEERS: Duration = Duration::from_millis(100);

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

/// Counts since start, for tests, metrics and `/health`.
#[derive(Debug, Default)]
pub struct BellStats {
    /// Sleeps begun under K.
    pub sleeps: AtomicU64,
    /// Sleeps ended by a notification.
    pub notified: AtomicU64,
    /// Sleeps ended by the fallback timer: in a healthy system nothing is found then.
    pub timed_out: AtomicU64,
    /// Times this node parked because another was awake or slept for all.
    pub parked: AtomicU64,
    /// Looks while an inserter's transaction was open.
    pub inserter_open: AtomicU64,
    /// Connections of the listener.
    pub connections: AtomicU64,
}

#[derive(Debug)]
struct Shared {
    wakes: Vec<watch::Sender<u64>>,
    active: watch::Sender<usize>,
    connected: watch::Sender<bool>,
    asleep: watch::Sender<bool>,
    stats: BellStats,
}

/// What workers and other rooms hold of the bell.
#[derive(Debug, Clone)]
pub struct BellHandle {
    shared: Arc<Shared>,
}

/// The task that owns the listener connection.
pub struct Bell {
    db: Db,
    mode: WakeMode,
    presence: Arc<Presence>,
    sources: Vec<Arc<dyn Source>>,
    signals: Signals,
    shared: Arc<Shared>,
}

impl BellHandle {
    /// A handle for a bell of so many sources.
    #[must_use]
    pub fn new(sources: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                wakes: (0..sources).map(|_| watch::Sender::new(0)).collect(),
                active: watch::Sender::new(0),
                connected: watch::Sender::new(false),
                asleep: watch::Sender::new(false),
                stats: BellStats::default(),
            }),
        }
    }

    /// Work has come for source `index` by a way that needs no notification (our own ingest, a freed slot).
    pub fn nudge(&self, index: usize) {
        if let Some(wake) = self.shared.wakes.get(index) {
            wake.send_modify(|generation| *generation += 1);
        }
    }

    /// Work may have come for every source.
    pub fn wake_all(&self) {
        for index in 0..self.shared.wakes.len() {
            self.nudge(index);
        }
    }

    /// Follows the wakes of source `index`.
    pub(crate) fn wakes(&self, index: usize) -> Option<watch::Receiver<u64>> {
        self.shared.wakes.get(index).map(watch::Sender::subscribe)
    }

    /// A worker begins (true) or ends (false) to be busy.
    pub(crate) fn busy(&self, busy: bool) {
        self.shared.active.send_modify(|active| {
            *active = if busy {
                *active + 1
            } else {
                active.saturating_sub(1)
            }
        });
    }

    /// Resolves when a worker that rests should look by itself: while another one of this node is busy the node is awake, so
    /// inserters don't notify, and the bell won't ring before all are idle.
    pub(crate) async fn patrol(&self) {
        let mut active = self.shared.active.subscribe();
        while active.wait_for(|active| *active > 0).await.is_ok() {
            tokio::time::sleep(PATROL).await;
            if *active.borrow() > 0 {
                return;
            }
        }
    }

    /// Whether the listener is connected.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        *self.shared.connected.borrow()
    }

    /// Resolves when the listener is connected.
    pub async fn until_connected(&self) {
        let _ = self.shared.connected.subscribe().wait_for(|up| *up).await;
    }

    /// Resolves when this node sleeps (or is parked): every job it could see is done.
    pub async fn until_asleep(&self) {
        let _ = self
            .shared
            .asleep
            .subscribe()
            .wait_for(|asleep| *asleep)
            .await;
    }

    /// Counts since start.
    #[must_use]
    pub fn stats(&self) -> &BellStats {
        &self.shared.stats
    }
}

enum Woken {
    Notified,
    Locally,
    Timer,
    Shutdown,
}

impl Bell {
    /// A bell for these sources, known to their workers by the index they have here; `handle` was made for as many.
    #[must_use]
    pub fn new(
        db: Db,
        mode: WakeMode,
        presence: Arc<Presence>,
        sources: Vec<Arc<dyn Source>>,
        signals: Signals,
        handle: &BellHandle,
    ) -> Self {
        Self {
            db,
            mode,
            presence,
            sources,
            signals,
            shared: handle.shared.clone(),
        }
    }

    /// Runs until shutdown, reconnecting as often as it takes.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            let began = clock::instant();
            let ended = self.connected(&shutdown).await;
            self.shared.connected.send_replace(false);
            self.shared.asleep.send_replace(false);
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

    async fn connected(&self, shutdown: &CancellationToken) -> Result<()> {
        let mut session = self.db.session().await?;
        if self.mode != WakeMode::Poll {
            session
                .client
                .batch_execute(
                    "listen neurolink_wake; listen neurolink_inbox; listen neurolink_rules",
                )
                .await?;
        }
        self.presence
            .connected(&session.client, self.mode != WakeMode::Poll)
            .await?;
        let schema_key: i32 = session
            .client
            .query_one("select neurolink_lock_key()", &[])
            .await?
            .get(0);
        self.shared
            .stats
            .connections
            .fetch_add(1, Ordering::Relaxed);
        self.shared.connected.send_replace(true);
        tracing::info!(wake_mode = ?self.mode, "the listener is connected");
        (self.signals.connected)();
        // What was notified while we were away is lost: every worker reads before anybody sleeps.
        BellHandle {
            shared: self.shared.clone(),
        }
        .wake_all();

        let locks = Locks {
            client: &session.client,
            schema_key,
        };
        loop {
            self.shared.asleep.send_replace(false);
            let gated = self.mode == WakeMode::Gated && !self.sources.is_empty();
            // Not granted: somebody sleeps for all and is just waking up. Harmless, S only saves work.
            let awake = gated
                && locks
                    .ask("select pg_try_advisory_lock_shared($1, $2)", S)
                    .await?;
            if let Woken::Shutdown = self
                .until_idle(&mut session.notifications, shutdown)
                .await?
            {
                return Ok(());
            }
            let woken = match (self.mode, self.sources.is_empty()) {
                (_, true) => {
                    self.wait(&mut session.notifications, Duration::MAX, shutdown)
                        .await?
                }
                (WakeMode::Gated, _) => {
                    self.sleep_gated(&locks, awake, &mut session.notifications, shutdown)
                        .await?
                }
                (WakeMode::Always, _) => {
                    // Somebody keeps K; whoever has it, inserters notify.
                    locks.ask("select pg_try_advisory_lock($1, $2)", K).await?;
                    self.sleep(FALLBACK, &mut session.notifications, shutdown)
                        .await?
                }
                (WakeMode::Poll, _) => {
                    self.sleep(PARKED, &mut session.notifications, shutdown)
                        .await?
                }
            };
            if let Woken::Shutdown = woken {
                return Ok(());
            }
            self.shared.asleep.send_replace(false);
            BellHandle {
                shared: self.shared.clone(),
            }
            .wake_all();
        }
    }

    /// Steps 2 to 5 of the protocol.
    async fn sleep_gated(
        &self,
        locks: &Locks<'_>,
        awake: bool,
        notifications: &mut Notifications,
        shutdown: &CancellationToken,
    ) -> Result<Woken> {
        if awake {
            locks
                .ask("select pg_advisory_unlock_shared($1, $2)", S)
                .await?;
        }
        if !locks.ask("select pg_try_advisory_lock($1, $2)", S).await? {
            self.shared.stats.parked.fetch_add(1, Ordering::Relaxed);
            return self.sleep(PARKED, notifications, shutdown).await;
        }
        let woken = self.sleep_for_all(locks, notifications, shutdown).await;
        // Unlock first, then claim: from here on inserters need no NOTIFY.
        locks.ask("select pg_advisory_unlock($1, $2)", S).await?;
        woken
    }

    /// Steps 3 to 5, holding S.
    async fn sleep_for_all(
        &self,
        locks: &Locks<'_>,
        notifications: &mut Notifications,
        shutdown: &CancellationToken,
    ) -> Result<Woken> {
        let mut pause = Duration::from_millis(2);
        while !locks.ask("select pg_try_advisory_lock($1, $2)", K).await? {
            self.shared
                .stats
                .inserter_open
                .fetch_add(1, Ordering::Relaxed);
            match self.wait(notifications, pause, shutdown).await? {
                Woken::Timer => {}
                woken => return Ok(woken),
            }
            pause = (pause * 2).min(INSERTER_OPEN);
            if self.look().await? {
                return Ok(Woken::Locally);
            }
        }
        let woken = if self.look().await? {
            Ok(Woken::Locally)
        } else {
            self.shared.stats.sleeps.fetch_add(1, Ordering::Relaxed);
            let jittered = FALLBACK.mul_f64(0.8 + 0.4 * random::unit());
            self.sleep(jittered, notifications, shutdown).await
        };
        locks.ask("select pg_advisory_unlock($1, $2)", K).await?;
        woken
    }

    /// Sleeps until a wake, the next scheduled job, or the fallback.
    async fn sleep(
        &self,
        fallback: Duration,
        notifications: &mut Notifications,
        shutdown: &CancellationToken,
    ) -> Result<Woken> {
        let due = store::next_run_at(&self.db.client().await?).await?;
        self.shared.asleep.send_replace(true);
        let woken = self
            .wait(
                notifications,
                due.map_or(fallback, |due| due.min(fallback)),
                shutdown,
            )
            .await?;
        match woken {
            Woken::Notified => self.shared.stats.notified.fetch_add(1, Ordering::Relaxed),
            Woken::Timer if due.is_none_or(|due| due > fallback) => {
                self.shared.stats.timed_out.fetch_add(1, Ordering::Relaxed)
            }
            _ => 0,
        };
        Ok(woken)
    }

    /// One claim of every source, from zero. True: something was found.
    async fn look(&self) -> Result<bool> {
        let mut found = false;
        for source in &self.sources {
            found |= source.round(true).await?.claimed > 0;
        }
        Ok(found)
    }

    async fn until_idle(
        &self,
        notifications: &mut Notifications,
        shutdown: &CancellationToken,
    ) -> Result<Woken> {
        let mut active = self.shared.active.subscribe();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(Woken::Shutdown),
                _ = active.wait_for(|active| *active == 0) => return Ok(Woken::Locally),
                heard = notifications.recv() => { self.hear(heard)?; }
            }
        }
    }

    /// Waits for a wake, for a worker to become busy by itself, or for the timer.
    async fn wait(
        &self,
        notifications: &mut Notifications,
        timer: Duration,
        shutdown: &CancellationToken,
    ) -> Result<Woken> {
        let mut active = self.shared.active.subscribe();
        let timer = tokio::time::sleep(timer.min(Duration::from_secs(86_400)));
        tokio::pin!(timer);
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(Woken::Shutdown),
                _ = active.wait_for(|active| *active > 0) => return Ok(Woken::Locally),
                heard = notifications.recv() => {
                    if self.hear(heard)? {
                        return Ok(Woken::Notified);
                    }
                }
                () = &mut timer => return Ok(Woken::Timer),
            }
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

type Notifications = tokio::sync::mpsc::UnboundedReceiver<Notification>;

/// The listener's advisory locks: of its session, so they go when it goes.
struct Locks<'a> {
    client: &'a tokio_postgres::Client,
    schema_key: i32,
}

impl Locks<'_> {
    async fn ask(&self, question: &str, lock: i32) -> Result<bool> {
        Ok(self
            .client
            .query_one(question, &[&lock, &self.schema_key])
            .await?
            .try_get(0)?)
    }
}

/// Wakes other nodes when claims keep coming back full, at most ten times a second.
pub struct PeerCall {
    db: Db,
    presence: Arc<Presence>,
    last: std::sync::Mutex<Option<Instant>>,
}

impl PeerCall {
    /// A caller.
    #[must_use]
    pub fn new(db: Db, presence: Arc<Presence>) -> Self {
        Self {
            db,
            presence,
            last: std::sync::Mutex::new(None),
        }
    }

    /// Calls, unless nobody is there or it was done just now.
    pub fn call(&self) {
        if self.presence.peers() == 0 {
            return;
        }
        {
            let mut last = self
                .last
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if last.is_some_and(|at| at.elapsed() < CALL_PEERS) {
                return;
            }
            *last = Some(clock::instant());
        }
        let db = self.db.clone();
        tokio::spawn(async move {
            let called = async {
                Ok::<_, Error>(
                    db.client()
                        .await?
                        .batch_execute("notify neurolink_wake")
                        .await?,
                )
            };
            if let Err(error) = called.await {
                tracing::debug!(error = %error.chain(), "peers could not be called; they look by themselves within a second");
            }
        });
    }
}
