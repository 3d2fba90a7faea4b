//! Event ids taken ahead of their rows, so that a group's insert needs no round trip for them. Pure: moments and ids in, ids out.
//! Ids must rise with the time of receipt: lists are read newest first by id, and times are looked up by id. So what was taken
//! half a second ago is thrown away, and who stores little takes only what it needs.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Ids are good for so long.
const KEEP: Duration = Duration::from_millis(500);
/// So many are taken at once while much is stored.
const AHEAD: usize = 1000;
/// Fewer events than this in half a second are little.
const FEW: usize = 50;

/// Ids that were taken, each with when; and how much was stored lately.
#[derive(Debug, Default)]
pub(super) struct Ids {
    left: VecDeque<(i64, Instant)>,
    stored: usize,
    since: Option<Instant>,
}

impl Ids {
    /// A group of so many is about to be stored: what must be taken before it can be; 0 = nothing.
    pub(super) fn missing(&mut self, now: Instant, group: usize) -> usize {
        while self
            .left
            .front()
            .is_some_and(|(_, taken)| now.duration_since(*taken) > KEEP)
        {
            self.left.pop_front();
        }
        if self.since.is_none_or(|at| now.duration_since(at) > KEEP) {
            self.since = Some(now);
            self.stored = 0;
        }
        self.stored += group;
        let missing = group.saturating_sub(self.left.len());
        if missing > 0 && self.is_busy() {
            missing.max(AHEAD)
        } else {
            missing
        }
    }

    /// How many are worth taking beside the insert, for the groups that follow.
    pub(super) fn ahead(&self, group: usize) -> usize {
        if self.is_busy() && self.left.len() < group {
            AHEAD
        } else {
            0
        }
    }

    fn is_busy(&self) -> bool {
        self.stored >= FEW
    }

    /// These were taken now.
    pub(super) fn put(&mut self, now: Instant, ids: Vec<i64>) {
        self.left.extend(ids.into_iter().map(|id| (id, now)));
    }

    /// The next so many, or as many as there are.
    pub(super) fn take(&mut self, count: usize) -> Vec<i64> {
        let count = count.min(self.left.len());
        self.left.drain(..count).map(|(id, _)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock;

    fn fill(ids: &mut Ids, now: Instant, next: &mut i64, count: usize) {
        let more: Vec<i64> = (0..count)
            .map(|_| {
                *next += 1;
                *next
            })
            .collect();
        ids.put(now, more);
    }

    #[test]
    fn who_stores_little_takes_what_it_needs_and_keeps_nothing() {
        let (mut ids, mut next, now) = (Ids::default(), 0, clock::instant());
        for _ in 0..5 {
            assert_eq!(ids.missing(now, 3), 3);
            fill(&mut ids, now, &mut next, 3);
            assert_eq!(ids.take(3).len(), 3);
            assert_eq!(ids.ahead(256), 0);
        }
        assert!(ids.left.is_empty());
    }

    #[test]
    fn who_stores_much_takes_ahead_and_never_waits_for_it_again() {
        let (mut ids, mut next, mut now) = (Ids::default(), 0, clock::instant());
        assert_eq!(ids.missing(now, 64), AHEAD);
        fill(&mut ids, now, &mut next, AHEAD);
        for _ in 0..200 {
            assert_eq!(ids.take(64).len(), 64);
            let ahead = ids.ahead(256);
            fill(&mut ids, now, &mut next, ahead);
            now += Duration::from_millis(4);
            assert_eq!(ids.missing(now, 64), 0);
        }
    }

    #[test]
    fn what_was_taken_long_ago_is_thrown_away() {
        let (mut ids, mut next, now) = (Ids::default(), 0, clock::instant());
        assert_eq!(ids.missing(now, 64), AHEAD);
        fill(&mut ids, now, &mut next, AHEAD);
        assert_eq!(ids.take(64).last(), Some(&64));
        let later = now + KEEP + Duration::from_millis(1);
        assert_eq!(ids.missing(later, 1), 1);
        fill(&mut ids, later, &mut next, 1);
        assert_eq!(ids.take(1), [1001]);
    }
}
