//! The run's own dice: one printed seed decides every fault and every choice of the load. Comes from `--seed`, goes to
//! everybody who chooses. (How the machine schedules threads is not ours to repeat: a seed repeats the blows, not the run.)

use std::time::Duration;

/// SplitMix64 (Steele, Lea, Flood 2014): ten lines that are the same with every version of every library.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of somebody's own, so that how often one asks doesn't change what another gets.
    pub fn of(seed: u64, whose: &str) -> Self {
        let mixed = whose
            .bytes()
            .fold(seed, |state, byte| Self(state ^ u64::from(byte)).next());
        Self(mixed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 0 up to, and without, `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// In 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn chance(&mut self, of_one: f64) -> bool {
        self.unit() < of_one
    }

    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for i in (1..all.len()).rev() {
            all.swap(i, self.below(i + 1));
        }
    }

    /// Evenly between two numbers of seconds.
    pub fn seconds(&mut self, from: f64, to: f64) -> Duration {
        Duration::from_secs_f64(from + (to - from) * self.unit())
    }

    /// The time to the next of events that come at random, so many a second.
    pub fn gap(&mut self, per_second: f64) -> Duration {
        Duration::from_secs_f64((-(1.0 - self.unit()).ln() / per_second).min(2.0))
    }
}
