//! What the line's stations count: batches, matches, notifications, deliveries and their tries. Once a batch or a try, on
//! counters made at the start: nothing is looked up while work is done.

use std::time::Duration;

use crate::kernel::ChannelKind;
use crate::kernel::meters::{
    ATTEMPT_DURATION, ATTEMPTS, BATCH, BATCH_DURATION, BATCH_FAILURES, Counter, Histogram, MATCHES,
    Meters, NOTIFICATIONS, PLANNED,
};
use crate::pipeline::Evaluator;
use crate::pipeline::compose::Composed;
use crate::rules::model::Outcome;

const STATUSES: [&str; 3] = ["delivered", "pending", "suppressed"];
const OUTCOMES: [&str; 7] = [
    "accepted",
    "transient",
    "rate_limited",
    "permanent",
    "misconfigured",
    "ambiguous",
    "none",
];

/// Stations 3 to 6.
pub(super) struct EvaluationMeters {
    events: Histogram,
    duration: Histogram,
    failures: Counter,
    matches: Counter,
    notifications: Counter,
    planned: [[Counter; STATUSES.len()]; ChannelKind::ALL.len()],
}

impl Default for EvaluationMeters {
    fn default() -> Self {
        Self::new(&Meters::default())
    }
}

impl EvaluationMeters {
    pub(super) fn new(meters: &Meters) -> Self {
        Self {
            events: meters.histogram(&BATCH, &[]),
            duration: meters.histogram(&BATCH_DURATION, &[]),
            failures: meters.counter(&BATCH_FAILURES, &[]),
            matches: meters.counter(&MATCHES, &[]),
            notifications: meters.counter(&NOTIFICATIONS, &[]),
            planned: ChannelKind::ALL.map(|channel| {
                STATUSES.map(|status| meters.counter(&PLANNED, &[channel.as_str(), status]))
            }),
        }
    }

    /// A batch is committed.
    pub(super) fn evaluated(&self, events: usize, took: Duration, composed: &Composed) {
        self.events.record(events as f64);
        self.duration.record(took.as_secs_f64());
        let matched = |outcome: &Outcome| u64::try_from(outcome.rules_matched).unwrap_or_default();
        self.matches
            .increment(composed.outcomes.iter().map(matched).sum());
        self.notifications
            .increment(composed.notifications.len() as u64);
        self.plan(composed);
    }

    fn plan(&self, composed: &Composed) {
        // Added up first: a batch has thousands of deliveries, and an atomic for each would be felt.
        let mut planned = [[0; STATUSES.len()]; ChannelKind::ALL.len()];
        for delivery in &composed.deliveries {
            if let Some(status) = STATUSES.iter().position(|s| *s == delivery.status) {
                planned[delivery.channel as usize][status] += 1;
            }
        }
        for (counters, counts) in self.planned.iter().zip(planned) {
            for (counter, count) in counters.iter().zip(counts) {
                if count > 0 {
                    counter.increment(count);
                }
            }
        }
    }

    /// What was put off is told.
    pub(super) fn told_later(&self, composed: &Composed) {
        self.notifications
            .increment(composed.notifications.len() as u64);
        self.plan(composed);
    }

    /// A batch was rolled back.
    pub(super) fn failed(&self) {
        self.failures.increment(1);
    }
}

impl Evaluator {
    /// The same, counting what it does.
    #[must_use]
    pub fn metered(mut self, meters: &Meters) -> Self {
        self.meters = EvaluationMeters::new(meters);
        self
    }
}

/// Station 8.
pub(super) struct AttemptMeters {
    channels: [(Histogram, [Counter; OUTCOMES.len()]); ChannelKind::ALL.len()],
}

impl AttemptMeters {
    pub(super) fn new(meters: &Meters) -> Self {
        Self {
            channels: ChannelKind::ALL.map(|channel| {
                let name = channel.as_str();
                (
                    meters.histogram(&ATTEMPT_DURATION, &[name]),
                    OUTCOMES.map(|outcome| meters.counter(&ATTEMPTS, &[name, outcome])),
                )
            }),
        }
    }

    /// A try has ended; `None` = nothing was tried.
    pub(super) fn ended(&self, channel: ChannelKind, outcome: Option<&str>, took: Duration) {
        let (durations, counters) = &self.channels[channel as usize];
        let word = outcome.unwrap_or("none");
        if let Some(index) = OUTCOMES.iter().position(|known| *known == word) {
            counters[index].increment(1);
        }
        if outcome.is_some() {
            durations.record(took.as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_stand_at_the_index_of_their_discriminant() {
        for (index, channel) in ChannelKind::ALL.into_iter().enumerate() {
            assert_eq!(channel as usize, index);
        }
    }
}
