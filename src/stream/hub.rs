//! Who is connected to this node, and how far each inbox has been read for them. One task reads for all: a hint marks an
//! inbox, one query reads every marked one, each reader is handed the same burst.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::db::Db;
use crate::kernel::backoff::Backoff;
use crate::kernel::{Result, random};
use crate::notifications::model::InboxState;
use crate::stream::frames::{self, Burst};
use crate::stream::store;

/// Changes read of one inbox at once; more follow in the next read.
pub const PAGE: i64 = 500;
/// Inboxes read at once.
const INBOXES: usize = 1000;
/// Bursts that may wait for a slow reader; one more and it is cut off, to come back from where it stands.
const WAITING: usize = 32;
/// Bounds what a lost hint costs.
const SWEEP: Duration = Duration::from_secs(5);

/// What a reader is handed.
#[derive(Debug, Clone)]
pub enum Handed {
    /// Their inbox has changed.
    Burst(Arc<Burst>),
    /// They must reload; the frame says why.
    Reset(bytes::Bytes),
}

/// The connected readers of this node.
pub struct Hub {
    db: Db,
    inboxes: Mutex<HashMap<String, Watched>>,
    marked: Mutex<HashSet<String>>,
    mark: Notify,
    next_id: std::sync::atomic::AtomicU64,
}

#[derive(Default)]
struct Watched {
    /// How far readers were handed; `None` until the first of them has read for itself.
    rev: Option<i64>,
    epoch: String,
    readers: Vec<(u64, mpsc::Sender<Handed>)>,
}

/// A reader's place at the hub; gone when dropped.
pub struct Subscription {
    hub: Arc<Hub>,
    user: String,
    id: u64,
    /// What the hub hands out; closed = cut off or shutting down.
    pub receiver: mpsc::Receiver<Handed>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut inboxes = self.hub.lock();
        if let Some(watched) = inboxes.get_mut(&self.user) {
            watched.readers.retain(|(id, _)| *id != self.id);
            if watched.readers.is_empty() {
                inboxes.remove(&self.user);
            }
        }
    }
}

impl Hub {
    /// An empty one; [`Hub::run`] is its task.
    #[must_use]
    pub fn new(db: Db) -> Arc<Self> {
        Arc::new(Self {
            db,
            inboxes: Mutex::default(),
            marked: Mutex::default(),
            mark: Notify::new(),
            next_id: std::sync::atomic::AtomicU64::new(1),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Watched>> {
        self.inboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Readers connected.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.lock()
            .values()
            .map(|watched| watched.readers.len())
            .sum()
    }

    /// Takes a place. Do this *before* reading the inbox: what commits after that read is handed out here.
    #[must_use]
    pub fn subscribe(self: &Arc<Self>, user: &str) -> Subscription {
        let (sender, receiver) = mpsc::channel(WAITING);
        let id = self
            .next_id
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.lock()
            .entry(user.to_owned())
            .or_default()
            .readers
            .push((id, sender));
        Subscription {
            hub: self.clone(),
            user: user.to_owned(),
            id,
            receiver,
        }
    }

    /// A reader has read up to here by itself. The first one's read is where the hub goes on from.
    pub fn joined(&self, user: &str, epoch: &str, rev: i64) {
        if let Some(watched) = self.lock().get_mut(user)
            && watched.rev.is_none()
        {
            watched.rev = Some(rev);
            epoch.clone_into(&mut watched.epoch);
        }
        // A hint that came before the hub knew where to read from did nothing: look once now.
        self.look([user]);
    }

    /// These inboxes may have changed. Those nobody reads are passed over.
    pub fn look<'a>(&self, users: impl IntoIterator<Item = &'a str>) {
        let wanted: Vec<String> = {
            let inboxes = self.lock();
            users
                .into_iter()
                .filter(|user| inboxes.contains_key(*user))
                .map(str::to_owned)
                .collect()
        };
        if !wanted.is_empty() {
            self.marked
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(wanted);
            self.mark.notify_one();
        }
    }

    /// Every inbox may have changed.
    pub fn look_at_all(&self) {
        let users: Vec<String> = self.lock().keys().cloned().collect();
        self.look(users.iter().map(String::as_str));
    }

    /// Reads and hands out until shutdown, then cuts everybody off.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let mut sweep = tokio::time::interval(SWEEP);
        sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut failures = 0;
        loop {
            let worked = tokio::select! {
                () = self.mark.notified() => self.hand_out().await,
                _ = sweep.tick() => self.sweep().await,
                () = shutdown.cancelled() => break,
            };
            match worked {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures += 1;
                    tracing::debug!(error = %error.chain(), "inboxes could not be read for streams; again soon");
                    tokio::select! {
                        () = tokio::time::sleep(Backoff::RECONNECT.after(failures, random::unit())) => {}
                        () = shutdown.cancelled() => break,
                    }
                    self.mark.notify_one();
                }
            }
        }
        self.lock().clear();
    }

    async fn hand_out(&self) -> Result<()> {
        let marked: Vec<String> = {
            let mut marked = self.marked.lock().unwrap_or_else(PoisonError::into_inner);
            marked.drain().collect()
        };
        for users in marked.chunks(INBOXES) {
            let since: Vec<(String, i64)> = {
                let inboxes = self.lock();
                users
                    .iter()
                    .filter_map(|user| Some((user.clone(), inboxes.get(user)?.rev?)))
                    .collect()
            };
            if since.is_empty() {
                continue;
            }
            let borrowed: Vec<(&str, i64)> = since
                .iter()
                .map(|(user, rev)| (user.as_str(), *rev))
                .collect();
            match InboxState::since(&self.db, &borrowed, PAGE).await {
                Ok(states) => states.iter().for_each(|state| self.hand(state)),
                Err(error) => {
                    self.marked
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .extend(marked);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn hand(&self, state: &InboxState) {
        let mut inboxes = self.lock();
        let Some(watched) = inboxes.get_mut(&state.user_id) else {
            return;
        };
        let Some(handed) = watched.rev else { return };
        let gift = if state.epoch != watched.epoch || state.rev < handed {
            let reset = frames::reset(
                &state.epoch,
                state.rev,
                "the database was restored or failed over",
            );
            watched.rev = Some(state.rev);
            state.epoch.clone_into(&mut watched.epoch);
            Handed::Reset(reset)
        } else if state.changes.is_empty() {
            return;
        } else {
            let complete = i64::try_from(state.changes.len()).unwrap_or(i64::MAX) < PAGE;
            let burst = frames::burst(state, complete);
            watched.rev = Some(burst.rev);
            if !complete {
                self.marked
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(state.user_id.clone());
                self.mark.notify_one();
            }
            Handed::Burst(Arc::new(burst))
        };
        // A reader that doesn't keep up is cut off; it comes back and reads on from its own position.
        watched
            .readers
            .retain(|(_, sender)| sender.try_send(gift.clone()).is_ok());
    }

    async fn sweep(&self) -> Result<()> {
        let users: Vec<String> = self.lock().keys().cloned().collect();
        for users in users.chunks(INBOXES * 5) {
            let mut revisions = store::revisions(&self.db, users).await?;
            {
                let inboxes = self.lock();
                revisions.retain(|(user, rev, epoch)| {
                    let watched = inboxes.get(user);
                    watched.is_some_and(|w| w.rev != Some(*rev) || w.epoch != *epoch)
                });
            }
            self.look(revisions.iter().map(|(user, ..)| user.as_str()));
        }
        Ok(())
    }
}
