//! Low-water marks: a claim starts where the last one ended, because the index before it is full of dead entries for as
//! long as a long transaction keeps vacuum away (measured with 300 thousand dead rows: 23 ms a claim without, 1 ms with).
//! What commits below a mark is found by sweeps from zero.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// A place in a lane: (run_at, id).
pub type Position = (Timestamp, i64);

/// Before every job.
pub const ZERO: Position = (Timestamp::UNIX_EPOCH, 0);

/// The marks of one source, per lane (or channel and lane).
#[derive(Debug)]
pub struct Marks<K> {
    marks: HashMap<K, Position>,
    swept_at: Option<Instant>,
    sweep_took: Duration,
}

impl<K: Eq + Hash> Default for Marks<K> {
    fn default() -> Self {
        Self {
            marks: HashMap::new(),
            swept_at: None,
            sweep_took: Duration::ZERO,
        }
    }
}

impl<K: Eq + Hash> Marks<K> {
    /// Where a claim in this lane starts.
    #[must_use]
    pub fn start(&self, lane: &K) -> Position {
        self.marks.get(lane).copied().unwrap_or(ZERO)
    }

    /// A job at this position was claimed: the next claim starts there.
    pub fn raise(&mut self, lane: K, position: Position) {
        let mark = self.marks.entry(lane).or_insert(ZERO);
        *mark = (*mark).max(position);
    }

    /// Forget all marks: the next claim is a sweep. After a rollback, and whenever a claim must see everything.
    pub fn reset(&mut self) {
        self.marks.clear();
    }

    /// Whether, while busy, a sweep is due: once ten times the last one's duration has passed, and at the latest after
    /// a second. Sweeps thus cost at most a tenth of the time however much is dead.
    #[must_use]
    pub fn sweep_due(&self, now: Instant) -> bool {
        let wait = (self.sweep_took * 10).clamp(Duration::from_millis(20), Duration::from_secs(1));
        self.swept_at
            .is_none_or(|at| now.duration_since(at) >= wait)
    }

    /// A sweep ended at `now` and took so long.
    pub fn swept(&mut self, now: Instant, took: Duration) {
        self.swept_at = Some(now);
        self.sweep_took = took;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_mark_only_rises_until_it_is_reset() {
        let mut marks = Marks::default();
        marks.raise(1, (at(10), 5));
        marks.raise(1, (at(9), 99));
        assert_eq!(marks.start(&1), (at(10), 5));
        assert_eq!(marks.start(&2), ZERO, "lanes don't share marks");
        marks.reset();
        assert_eq!(marks.start(&1), ZERO);
    }

    #[test]
    fn sweeps_come_at_ten_times_their_own_duration_and_at_least_every_second() {
        let mut marks = Marks::<i16>::default();
        let t = Instant::now();
        assert!(marks.sweep_due(t), "the first look is a sweep");
        marks.swept(t, Duration::from_millis(10));
        assert!(!marks.sweep_due(t + Duration::from_millis(99)));
        assert!(marks.sweep_due(t + Duration::from_millis(100)));
        marks.swept(t, Duration::from_secs(5));
        assert!(marks.sweep_due(t + Duration::from_secs(1)));
    }
}
