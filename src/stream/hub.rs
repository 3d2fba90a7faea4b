//! Who is connected to this node, and how far each inbox has been read for them. One task reads for all: a hint marks an
//! inbox, one query reads every marked one, each reader is handed the same burst.
//!
//! Nothing falls between a reader's own read and what the hub hands out: a reader takes its place *before* it reads, so
//! whatever commits after that read is in a burst of the hub, and what both have, the reader passes over by its revision
//! (`feed.rs`). An inbox's place goes back to the lowest read of those who join, never past what one of them lacks.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::db::Db;
use crate::kernel::backoff::Backoff;
use crate::kernel::{Result, clock, random};
use crate::notifications::model::InboxState;
use crate::stream::frames::{self, Burst, Reset};
use crate::stream::store;

/// Changes read of one inbox at once; more follow in the next read.
pub const PAGE: i64 = 500;
/// Inboxes read at once.
const INBOXES: usize = 1000;
/// Rows read at once, about: many inboxes that all have much to tell are read in smaller pages.
const ROWS: i64 = 20_000;
/// Inboxes whose revisions are read at once.
const SWEPT: usize = 5000;
/// Bursts that may wait for a slow reader; one more and it is cut off, to come back from where it stands.
const WAITING: usize = 32;
/// Bounds what a lost hint costs.
pub(super) const SWEEP: Duration = Duration::from_secs(5);
/// The same, while hints may be going where this node doesn't hear them.
pub(super) const SWEEP_DEAF: Duration = Duration::from_secs(1);

/// What a reader is handed.
#[derive(Debug, Clone)]
pub enum Handed {
    /// Their inbox has changed.
    Burst {
        /// The revision after which it was read. Who has not seen as far lacks what lies between.
        since: i64,
        /// What was read.
        burst: Arc<Burst>,
    },
    /// They must reload; the frame says why.
    Reset(Arc<Reset>),
}

/// The connected readers of this node.
pub struct Hub {
    db: Db,
    places: Mutex<Places>,
    marked: Mutex<HashSet<String>>,
    mark: Notify,
    sweep: watch::Sender<Duration>,
    next_id: AtomicU64,
    counts: HubCounts,
}

/// Counts since start.
#[derive(Debug, Default)]
pub struct HubCounts {
    /// Bursts handed to a reader.
    pub bursts: AtomicU64,
    /// Readers that didn't keep up and were cut off.
    pub cut_off: AtomicU64,
}

#[derive(Default)]
struct Places {
    inboxes: HashMap<String, Watched>,
    /// Nobody reads for anybody any more.
    closed: bool,
}

#[derive(Default)]
struct Watched {
    /// From where the hub reads on; `None` until the first reader has read for itself.
    stand: Option<Stand>,
    /// A hint came before that: there is something to look for.
    hinted: bool,
    readers: Vec<(u64, mpsc::Sender<Handed>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stand {
    epoch: String,
    rev: i64,
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
        let mut places = self.hub.lock();
        if let Some(watched) = places.inboxes.get_mut(&self.user) {
            watched.readers.retain(|(id, _)| *id != self.id);
            if watched.readers.is_empty() {
                places.inboxes.remove(&self.user);
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
            places: Mutex::default(),
            marked: Mutex::default(),
            mark: Notify::new(),
            sweep: watch::Sender::new(SWEEP),
            next_id: AtomicU64::new(1),
            counts: HubCounts::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn marked(&self) -> MutexGuard<'_, HashSet<String>> {
        self.marked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts since start.
    #[must_use]
    pub fn counts(&self) -> &HubCounts {
        &self.counts
    }

    /// Readers connected.
    #[must_use]
    pub fn readers(&self) -> usize {
        let places = self.lock();
        places.inboxes.values().map(|w| w.readers.len()).sum()
    }

    /// Takes a place. Do this *before* reading the inbox: what commits after that read is handed out here.
    #[must_use]
    pub fn subscribe(self: &Arc<Self>, user: &str) -> Subscription {
        let (sender, receiver) = mpsc::channel(WAITING);
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut places = self.lock();
        // Who comes while the hub ends finds their place closed at once, and doesn't wait for nothing.
        if !places.closed {
            let watched = places.inboxes.entry(user.to_owned()).or_default();
            watched.readers.push((id, sender));
        }
        drop(places);
        Subscription {
            hub: self.clone(),
            user: user.to_owned(),
            id,
            receiver,
        }
    }

    /// A reader has read up to here by itself. The hub goes on from the first one's read, or from a lower one: of two who
    /// came together, the one who read earlier may be the later to say so.
    pub fn joined(&self, user: &str, epoch: &str, rev: i64) {
        let look = match self.lock().inboxes.get_mut(user) {
            None => false,
            Some(watched) => match &mut watched.stand {
                Some(stand) if stand.epoch != epoch => true,
                Some(stand) if stand.rev <= rev => false,
                Some(stand) => {
                    stand.rev = rev;
                    true
                }
                None => {
                    watched.stand = Some(Stand {
                        epoch: epoch.to_owned(),
                        rev,
                    });
                    std::mem::take(&mut watched.hinted)
                }
            },
        };
        if look {
            self.look([user]);
        }
    }

    /// These inboxes may have changed. Those nobody reads are passed over.
    pub fn look<'a>(&self, users: impl IntoIterator<Item = &'a str>) {
        let wanted: Vec<String> = {
            let places = self.lock();
            users
                .into_iter()
                .filter(|user| places.inboxes.contains_key(*user))
                .map(str::to_owned)
                .collect()
        };
        if !wanted.is_empty() {
            self.marked().extend(wanted);
            self.mark.notify_one();
        }
    }

    /// Every inbox may have changed.
    pub fn look_at_all(&self) {
        let users: Vec<String> = self.lock().inboxes.keys().cloned().collect();
        self.look(users.iter().map(String::as_str));
    }

    /// How often every connected person's revision is compared, hint or no hint.
    pub fn sweep_every(&self, interval: Duration) {
        self.sweep.send_replace(interval);
    }

    /// Reads and hands out until shutdown, then cuts everybody off.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        tokio::select! {
            () = self.work() => {}
            () = shutdown.cancelled() => {}
        }
        let mut places = self.lock();
        places.closed = true;
        places.inboxes.clear();
    }

    async fn work(&self) {
        let mut interval = self.sweep.subscribe();
        let mut last_sweep = clock::timer();
        let mut failures = 0;
        loop {
            let due = last_sweep + *interval.borrow_and_update();
            let worked = tokio::select! {
                () = self.mark.notified() => self.hand_out().await,
                () = tokio::time::sleep_until(due) => {
                    last_sweep = clock::timer();
                    self.sweep().await
                }
                // The sender is ours: it can't be gone.
                _ = interval.changed() => continue,
            };
            match worked {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures += 1;
                    tracing::debug!(error = %error.chain(), "inboxes could not be read for streams; again soon");
                    tokio::time::sleep(Backoff::RECONNECT.after(failures, random::unit())).await;
                    self.mark.notify_one();
                }
            }
        }
    }

    async fn hand_out(&self) -> Result<()> {
        let marked: Vec<String> = self.marked().drain().collect();
        for users in marked.chunks(INBOXES) {
            let stands = self.stands(users);
            if stands.is_empty() {
                continue;
            }
            let since: Vec<(&str, i64)> = stands
                .iter()
                .map(|(user, stand)| (user.as_str(), stand.rev))
                .collect();
            let page =
                (ROWS / i64::try_from(since.len()).unwrap_or(ROWS)).clamp(PAGE.min(20), PAGE);
            match InboxState::since(&self.db, &since, page).await {
                Ok(states) => {
                    for state in &states {
                        if let Some(stand) = stands.get(&state.user_id) {
                            self.hand(stand, state, page);
                        }
                    }
                }
                Err(error) => {
                    self.marked().extend(marked);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// From where these inboxes are to be read on. Those nobody has read yet are left to who reads them first.
    fn stands(&self, users: &[String]) -> HashMap<String, Stand> {
        let mut places = self.lock();
        let mut stands = HashMap::with_capacity(users.len());
        for user in users {
            let Some(watched) = places.inboxes.get_mut(user) else {
                continue;
            };
            match &watched.stand {
                Some(stand) => {
                    stands.insert(user.clone(), stand.clone());
                }
                None => watched.hinted = true,
            }
        }
        stands
    }

    /// Hands out what was read of an inbox from `since` on, unless its place has moved meanwhile.
    fn hand(&self, since: &Stand, state: &InboxState, page: i64) {
        let Some((gift, rev, more)) = gift(since, state, page) else {
            return;
        };
        let again = {
            let mut places = self.lock();
            let Some(watched) = places.inboxes.get_mut(&state.user_id) else {
                return;
            };
            match &mut watched.stand {
                // Somebody else's place by now, or somebody joined from further back: this read is not theirs.
                Some(stand) if stand != since => true,
                None => true,
                Some(stand) => {
                    stand.rev = rev;
                    stand.epoch.clone_from(&state.epoch);
                    // A reader that doesn't keep up is cut off; it comes back and reads on from its own position.
                    let before = watched.readers.len();
                    watched
                        .readers
                        .retain(|(_, sender)| sender.try_send(gift.clone()).is_ok());
                    let kept = watched.readers.len();
                    let count = |counter: &AtomicU64, by: usize| {
                        counter.fetch_add(by as u64, Ordering::Relaxed);
                    };
                    count(&self.counts.bursts, kept);
                    count(&self.counts.cut_off, before - kept);
                    more
                }
            }
        };
        if again {
            self.look([state.user_id.as_str()]);
        }
    }

    async fn sweep(&self) -> Result<()> {
        let users: Vec<String> = self.lock().inboxes.keys().cloned().collect();
        for users in users.chunks(SWEPT) {
            let mut revisions = store::revisions(&self.db, users).await?;
            {
                let places = self.lock();
                revisions.retain(|(user, rev, epoch)| {
                    let stand = places.inboxes.get(user).and_then(|w| w.stand.as_ref());
                    stand.is_some_and(|s| s.rev != *rev || s.epoch != *epoch)
                });
            }
            self.look(revisions.iter().map(|(user, ..)| user.as_str()));
        }
        Ok(())
    }
}

/// What readers get of a read from `since` on, where they then stand, and whether there is more. `None`: nothing is new.
fn gift(since: &Stand, state: &InboxState, page: i64) -> Option<(Handed, i64, bool)> {
    let other_history = if state.epoch != since.epoch || state.rev < since.rev {
        Some("the database was restored or failed over")
    } else if since.rev < state.floor_rev {
        Some("too far behind: deletions since then are not known any more")
    } else {
        None
    };
    if let Some(reason) = other_history {
        let reset = frames::reset(&state.epoch, state.rev, reason);
        return Some((Handed::Reset(Arc::new(reset)), state.rev, false));
    }
    if state.rev == since.rev {
        return None;
    }
    let complete = i64::try_from(state.changes.len()).unwrap_or(i64::MAX) < page;
    let burst = frames::burst(state, complete);
    let rev = burst.rev;
    let handed = Handed::Burst {
        since: since.rev,
        burst: Arc::new(burst),
    };
    Some((handed, rev, !complete))
}
