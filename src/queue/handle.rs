//! What workers and other rooms hold of the bell: nudges in, busy or idle out, counts. Lives in memory only; the bell's
//! task (`bell`) and the workers (`worker`) meet here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

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
struct Place {
    /// Moved by every nudge.
    nudges: watch::Sender<u64>,
    /// The nudge that the worker's present or last look began after.
    seen: AtomicU64,
}

#[derive(Debug)]
pub(super) struct Shared {
    places: Vec<Place>,
    /// How many workers are busy.
    active: watch::Sender<usize>,
    /// Moved by every look that found something.
    found: watch::Sender<u64>,
    pub(super) connected: watch::Sender<bool>,
    pub(super) asleep: watch::Sender<bool>,
    pub(super) stats: BellStats,
}

/// What workers and other rooms hold of the bell.
#[derive(Debug, Clone)]
pub struct BellHandle {
    pub(super) shared: Arc<Shared>,
}

impl BellHandle {
    /// A handle for a bell of so many sources.
    #[must_use]
    pub fn new(sources: usize) -> Self {
        let place = || Place {
            nudges: watch::Sender::new(0),
            seen: AtomicU64::new(0),
        };
        Self {
            shared: Arc::new(Shared {
                places: (0..sources).map(|_| place()).collect(),
                active: watch::Sender::new(0),
                found: watch::Sender::new(0),
                connected: watch::Sender::new(false),
                asleep: watch::Sender::new(false),
                stats: BellStats::default(),
            }),
        }
    }

    /// Work has come for source `index` by a way that needs no notification (our own ingest, a freed slot).
    pub fn nudge(&self, index: usize) {
        if let Some(place) = self.shared.places.get(index) {
            place.nudges.send_modify(|generation| *generation += 1);
        }
    }

    /// Work may have come for every source.
    pub fn wake_all(&self) {
        for index in 0..self.shared.places.len() {
            self.nudge(index);
        }
    }

    /// Whether anybody here takes jobs.
    pub(super) fn has_workers(&self) -> bool {
        !self.shared.places.is_empty()
    }

    /// Follows the nudges of source `index`.
    pub(super) fn nudges(&self, index: usize) -> Option<watch::Receiver<u64>> {
        let place = self.shared.places.get(index)?;
        Some(place.nudges.subscribe())
    }

    /// A worker of source `index` begins to be busy, and has seen this nudge.
    pub(super) fn begin(&self, index: usize, nudge: u64) {
        self.shared.active.send_modify(|active| *active += 1);
        // Behind the count: in between, the nudge is neither unseen nor its worker idle.
        if let Some(place) = self.shared.places.get(index) {
            place.seen.fetch_max(nudge, Ordering::AcqRel);
        }
    }

    /// A worker ends to be busy.
    pub(super) fn end(&self) {
        let one_less = |active: &mut usize| *active = active.saturating_sub(1);
        self.shared.active.send_modify(one_less);
    }

    /// A look has found something.
    pub(super) fn found(&self) {
        self.shared.found.send_modify(|looks| *looks += 1);
    }

    /// Follows the looks that find something.
    pub(super) fn finds(&self) -> watch::Receiver<u64> {
        self.shared.found.subscribe()
    }

    /// Resolves when a worker is busy.
    pub(super) async fn until_busy(&self) {
        let mut active = self.shared.active.subscribe();
        // Can't fail: we hold the sender.
        let _ = active.wait_for(|active| *active > 0).await;
    }

    /// Resolves when a worker that rests should look by itself: while another one of this node is busy the node is awake, so
    /// inserters don't notify, and the bell won't ring before all are idle.
    pub(super) async fn patrol(&self, every: Duration) {
        loop {
            self.until_busy().await;
            tokio::time::sleep(every).await;
            if *self.shared.active.borrow() > 0 {
                return;
            }
        }
    }

    /// Resolves when no worker is busy and none has a nudge before it.
    pub(super) async fn until_idle(&self) {
        let mut active = self.shared.active.subscribe();
        let _ = active
            .wait_for(|active| *active == 0 && self.all_seen())
            .await;
    }

    /// Whether no worker is busy and none has a nudge before it.
    pub(super) fn is_idle(&self) -> bool {
        *self.shared.active.borrow() == 0 && self.all_seen()
    }

    fn all_seen(&self) -> bool {
        let seen = |place: &Place| place.seen.load(Ordering::Acquire) >= *place.nudges.borrow();
        self.shared.places.iter().all(seen)
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

    /// Resolves when this node sleeps (or is parked): every job it could see is done or under way.
    pub async fn until_asleep(&self) {
        let mut asleep = self.shared.asleep.subscribe();
        let _ = asleep.wait_for(|asleep| *asleep).await;
    }

    /// Counts since start.
    #[must_use]
    pub fn stats(&self) -> &BellStats {
        &self.shared.stats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_idle_only_when_every_nudge_was_seen_and_its_look_has_ended() {
        let bell = BellHandle::new(2);
        assert!(bell.is_idle());
        bell.nudge(1);
        assert!(!bell.is_idle(), "its worker has not even begun");
        bell.begin(1, 1);
        assert!(!bell.is_idle(), "it looks");
        bell.nudge(1);
        bell.end();
        assert!(!bell.is_idle(), "nudged while it looked: it looks again");
        bell.begin(1, 2);
        bell.end();
        assert!(bell.is_idle());
    }
}
