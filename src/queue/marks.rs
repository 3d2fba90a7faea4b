//! Low-water marks: a claim starts where the last one ended, because the index before it is full of dead entries for as
//! long as a long transaction keeps vacuum away (measured with 300 thousand dead rows: 23 ms a claim without, 1 ms with).
//! What commits below a mark is found by sweeps (`sweep.rs`). Pure.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// A place in a lane: (run_at, id).
pub type Position = (Timestamp, i64);

/// What has a mark of its own: a channel (of events: none) and the number of a lane.
pub type Lane = (&'static str, i16);

/// Before every job.
pub const ZERO: Position = (Timestamp::UNIX_EPOCH, 0);

/// The marks of one source.
#[derive(Debug, Default)]
pub struct Marks {
    marks: HashMap<Lane, Position>,
    /// Where claims begin whose transactions are open: to a sweep their jobs look like any that wait.
    open: Vec<(u64, Lane, Position)>,
    opened: u64,
    sweep: Sweep,
}

/// The last look from zero, or the one under way.
#[derive(Debug, Default)]
struct Sweep {
    ended: Option<Instant>,
    took: Duration,
    is_under_way: bool,
}

impl Marks {
    /// Where a claim in this lane starts.
    #[must_use]
    pub fn start(&self, lane: &Lane) -> Position {
        self.marks.get(lane).copied().unwrap_or(ZERO)
    }

    /// A claim that started `from` has taken all up to this position: the next one starts there. One that started above the
    /// mark (a sweep has lowered it meanwhile, or it was forgotten) hasn't seen what lies between, and raises nothing.
    pub fn raise(&mut self, lane: Lane, from: Position, position: Position) {
        let mark = self.marks.entry(lane).or_insert(ZERO);
        if from <= *mark {
            *mark = (*mark).max(position);
        }
    }

    /// A claim's transaction stays open: sweeps look below its first jobs only. Gives what [`close`](Self::close) takes.
    pub fn open(&mut self, first: impl IntoIterator<Item = (Lane, Position)>) -> u64 {
        self.opened += 1;
        let number = self.opened;
        let places = first.into_iter().map(|(lane, at)| (number, lane, at));
        self.open.extend(places);
        number
    }

    /// It has ended.
    pub fn close(&mut self, number: u64) {
        self.open.retain(|(open, _, _)| *open != number);
    }

    /// Forgets all marks: the next claim sees everything, and is as good as a sweep.
    pub fn reset(&mut self, now: Instant) {
        self.marks.clear();
        self.sweep.ended = Some(now);
    }

    /// The marks to be looked below, if that is due: once ten times the last sweep's duration has passed, and at the latest
    /// after a second. Sweeps thus cost at most a tenth of a connection's time however much is dead.
    pub fn begin_sweep(&mut self, now: Instant) -> Option<Vec<(Lane, Position)>> {
        let Sweep {
            ended,
            took,
            is_under_way,
        } = self.sweep;
        let wait = (took * 10).clamp(Duration::from_millis(20), Duration::from_secs(1));
        let is_due = ended.is_none_or(|at| now.duration_since(at) >= wait);
        if is_under_way || !is_due || self.marks.is_empty() {
            return None;
        }
        self.sweep.is_under_way = true;
        let below = |(&lane, &mark): (&Lane, &Position)| {
            let open = self.open.iter().filter(|(_, of, _)| *of == lane);
            (lane, open.map(|(_, _, at)| *at).fold(mark, Position::min))
        };
        Some(self.marks.iter().map(below).collect())
    }

    /// A sweep ended and took so long; `found` are the first jobs waiting below the marks it was given.
    pub fn end_sweep(&mut self, now: Instant, took: Duration, found: &[(Lane, Position)]) {
        self.sweep = Sweep {
            ended: Some(now),
            took,
            is_under_way: false,
        };
        for (lane, position) in found {
            if let Some(mark) = self.marks.get_mut(lane) {
                *mark = (*mark).min(*position);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Lane = ("", 1);
    const TWO: Lane = ("", 2);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_mark_only_rises_until_it_is_reset() {
        let mut marks = Marks::default();
        marks.raise(ONE, ZERO, (at(10), 5));
        marks.raise(ONE, ZERO, (at(9), 99));
        assert_eq!(marks.start(&ONE), (at(10), 5));
        assert_eq!(marks.start(&TWO), ZERO, "lanes don't share marks");
        marks.reset(Instant::now());
        assert_eq!(marks.start(&ONE), ZERO);
    }

    #[test]
    fn a_sweep_lowers_a_mark_to_what_it_found_and_raises_none() {
        let mut marks = Marks::default();
        let now = Instant::now();
        marks.raise(ONE, ZERO, (at(10), 5));
        marks.raise(TWO, ZERO, (at(10), 6));
        let mut below = marks.begin_sweep(now).unwrap();
        below.sort_unstable();
        assert_eq!(below, [(ONE, (at(10), 5)), (TWO, (at(10), 6))]);
        marks.end_sweep(
            now,
            Duration::ZERO,
            &[(ONE, (at(7), 8)), (TWO, (at(11), 1))],
        );
        assert_eq!(marks.start(&ONE), (at(7), 8));
        assert_eq!(marks.start(&TWO), (at(10), 6));
    }

    #[test]
    fn what_a_sweep_found_before_the_marks_were_forgotten_changes_nothing() {
        let mut marks = Marks::default();
        let now = Instant::now();
        marks.raise(ONE, ZERO, (at(10), 5));
        marks.begin_sweep(now).unwrap();
        marks.reset(now);
        marks.end_sweep(now, Duration::ZERO, &[(ONE, (at(7), 8))]);
        assert_eq!(marks.start(&ONE), ZERO);
    }

    #[test]
    fn sweeps_come_at_ten_times_their_own_duration_and_at_least_every_second() {
        let mut marks = Marks::default();
        let t = Instant::now();
        assert!(
            marks.begin_sweep(t).is_none(),
            "there is nothing below zero"
        );
        marks.raise(ONE, ZERO, (at(10), 5));
        assert!(marks.begin_sweep(t).is_some());
        assert!(
            marks.begin_sweep(t + Duration::from_secs(9)).is_none(),
            "one at a time"
        );
        marks.end_sweep(t, Duration::from_millis(10), &[]);
        assert!(marks.begin_sweep(t + Duration::from_millis(99)).is_none());
        assert!(marks.begin_sweep(t + Duration::from_millis(100)).is_some());
        marks.end_sweep(t, Duration::from_secs(5), &[]);
        assert!(marks.begin_sweep(t + Duration::from_secs(1)).is_some());
    }

    #[test]
    fn a_claim_that_has_not_seen_what_a_sweep_found_does_not_raise_the_mark_over_it() {
        let mut marks = Marks::default();
        let now = Instant::now();
        marks.raise(ONE, ZERO, (at(10), 1));
        let from = marks.start(&ONE);
        marks.begin_sweep(now).unwrap();
        marks.end_sweep(now, Duration::ZERO, &[(ONE, (at(5), 2))]);
        marks.raise(ONE, from, (at(20), 3));
        assert_eq!(marks.start(&ONE), (at(5), 2));
        marks.raise(ONE, (at(5), 2), (at(20), 3));
        assert_eq!(marks.start(&ONE), (at(20), 3));
        marks.reset(now);
        marks.raise(ONE, from, (at(30), 4));
        assert_eq!(marks.start(&ONE), ZERO, "nor over what was given back");
    }

    #[test]
    fn a_sweep_takes_no_open_batch_for_missed_jobs() {
        let mut marks = Marks::default();
        let now = Instant::now();
        marks.raise(ONE, ZERO, (at(10), 9));
        let batch = marks.open([(ONE, (at(8), 3)), (TWO, (at(1), 1))]);
        assert_eq!(marks.begin_sweep(now).unwrap(), [(ONE, (at(8), 3))]);
        marks.end_sweep(now, Duration::ZERO, &[]);
        marks.close(batch);
        let later = now + Duration::from_secs(1);
        assert_eq!(marks.begin_sweep(later).unwrap(), [(ONE, (at(10), 9))]);
    }

    #[test]
    fn a_look_from_zero_counts_as_a_sweep() {
        let mut marks = Marks::default();
        let t = Instant::now();
        marks.reset(t);
        marks.raise(ONE, ZERO, (at(10), 5));
        assert!(marks.begin_sweep(t + Duration::from_millis(19)).is_none());
        assert!(marks.begin_sweep(t + Duration::from_millis(20)).is_some());
    }
}
