//! The wait before the next attempt: exponential, jittered, capped.

use std::time::Duration;

/// A schedule of waits.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// Before the second attempt.
    pub first: Duration,
    /// No wait is longer.
    pub cap: Duration,
    /// Each wait is the last one times this.
    pub factor: u32,
}

impl Backoff {
    /// For providers: 5 s, 20 s, 80 s … at most 6 h.
    pub const DELIVERY: Self = Self {
        first: Duration::from_secs(5),
        cap: Duration::from_secs(6 * 3600),
        factor: 4,
    };
    /// For work inside Postgres: 1 s, 4 s, 16 s … at most 5 min.
    pub const LOCAL: Self = Self {
        first: Duration::from_secs(1),
        cap: Duration::from_secs(300),
        factor: 4,
    };
    /// For reconnecting: 50 ms, 100 ms … at most 1 s.
    pub const RECONNECT: Self = Self {
        first: Duration::from_millis(50),
        cap: Duration::from_secs(1),
        factor: 2,
    };

    /// The wait after `attempt` (1 = the first) failed. `jitter` in 0..1 spreads it over ±20 %, so that what failed
    /// together doesn't come back together.
    #[must_use]
    pub fn after(&self, attempt: u32, jitter: f64) -> Duration {
        let grown = self
            .factor
            .checked_pow(attempt.saturating_sub(1))
            .and_then(|f| self.first.checked_mul(f));
        let base = grown.map_or(self.cap, |wait| wait.min(self.cap));
        base.mul_f64(0.8 + 0.4 * jitter.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_cap_and_spread_by_a_fifth() {
        let b = Backoff::DELIVERY;
        assert_eq!(b.after(1, 0.5), Duration::from_secs(5));
        assert_eq!(b.after(2, 0.5), Duration::from_secs(20));
        assert_eq!(b.after(40, 0.5), b.cap);
        assert_eq!(b.after(1, 0.0), Duration::from_secs(4));
        assert_eq!(b.after(1, 1.0), Duration::from_secs(6));
    }
}
