//! What the producers know: every event they tried to bring in, and whether it must be, must not be, or may be there. Filled
//! by the load, read by the verdict and the story.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::world::Spec;

/// What must have become of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Its producer was told so (and by HTTP, under which id): there exactly once.
    Committed(Option<i64>),
    /// Rolled back, or refused: not there, and nobody heard of it.
    Undone,
    /// The answer was lost: there once or not at all.
    Unknown,
}

/// One event in its producer's memory.
#[derive(Debug, Clone)]
pub struct Entry {
    pub spec: Spec,
    pub how: &'static str,
    pub begun: Duration,
    pub fate: Fate,
    pub ended: Duration,
    pub tries: u32,
}

/// The producers' memory, and what they found wrong by themselves.
pub struct Ledger {
    start: Instant,
    next: AtomicU64,
    entries: Mutex<BTreeMap<u64, Entry>>,
    complaints: Mutex<Vec<(Option<u64>, String)>>,
}

impl Ledger {
    pub fn new(start: Instant) -> Self {
        Self {
            start,
            next: AtomicU64::new(1),
            entries: Mutex::default(),
            complaints: Mutex::default(),
        }
    }

    pub fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Somebody is about to bring an event in: from now on it may be there.
    pub fn begin(&self, spec: &Spec, how: &'static str) {
        let now = self.start.elapsed();
        let mut entries = self.entries.lock().unwrap();
        let entry = entries.entry(spec.n).or_insert_with(|| Entry {
            spec: spec.clone(),
            how,
            begun: now,
            fate: Fate::Unknown,
            ended: now,
            tries: 0,
        });
        entry.tries += 1;
    }

    /// Their transaction or request has ended.
    pub fn end(&self, n: u64, fate: Fate) {
        let now = self.start.elapsed();
        if let Some(entry) = self.entries.lock().unwrap().get_mut(&n) {
            entry.fate = fate;
            entry.ended = now;
        }
    }

    /// Something a producer or reader was told is wrong by itself.
    pub fn complain(&self, n: Option<u64>, what: String) {
        self.complaints.lock().unwrap().push((n, what));
    }

    pub fn entries(&self) -> BTreeMap<u64, Entry> {
        self.entries.lock().unwrap().clone()
    }

    pub fn complaints(&self) -> Vec<(Option<u64>, String)> {
        self.complaints.lock().unwrap().clone()
    }

    /// Events committed for certain, and all that were tried.
    pub fn counts(&self) -> (usize, usize) {
        let entries = self.entries.lock().unwrap();
        let committed = entries
            .values()
            .filter(|e| matches!(e.fate, Fate::Committed(_)))
            .count();
        (committed, entries.len())
    }
}
