//! Which metrics the roll-ups hold. `src/ops/README.md` is held to this table, and it to what is rolled.

/// What becomes of several minutes when they are shown as one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fold {
    /// They add up.
    Sum,
    /// The worst of them counts: medians don't add up.
    Worst,
}

/// A metric of the roll-ups.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// As in `neurolink_metrics.metric`.
    pub name: &'static str,
    /// How minutes become steps.
    pub fold: Fold,
    /// What its label says; empty = it has none.
    pub label: &'static str,
    /// What it counts.
    pub about: &'static str,
}

impl Metric {
    /// Whether there may be hundreds of labels.
    #[must_use]
    pub fn has_many_labels(&self) -> bool {
        ["events.module", "events.type", "notifications.rule"].contains(&self.name)
    }
}

const fn metric(
    name: &'static str,
    fold: Fold,
    label: &'static str,
    about: &'static str,
) -> Metric {
    Metric {
        name,
        fold,
        label,
        about,
    }
}

/// All of them.
#[rustfmt::skip] // a table: one entry a line
pub const METRICS: [Metric; 15] = [
    metric("events", Fold::Sum, "", "events evaluated"),
    metric("events.module", Fold::Sum, "module", "of these, by module (the 200 most frequent a minute, then `other`)"),
    metric("events.type", Fold::Sum, "event type", "the same by type"),
    metric("events.severity", Fold::Sum, "severity", "the same by severity"),
    metric("events.outcome", Fold::Sum, "`matched`, `unmatched`, `warned`, `failed`", "what came of them: a rule was true, none was, something went wrong with a rule, given up"),
    metric("notifications", Fold::Sum, "", "notifications made, of events and by hand"),
    metric("notifications.rule", Fold::Sum, "rule id", "of these, by rule (at most 200 a minute, then `other`)"),
    metric("deliveries", Fold::Sum, "channel`/`status", "deliveries that ended: `delivered` (in-app), `sent`, `suppressed`, `dead`, `cancelled`"),
    metric("attempts", Fold::Sum, "channel`/`outcome", "tries of deliveries, by outcome"),
    metric("notified_seconds", Fold::Worst, "`p50`, `p95`, `p99`", "from an event's receipt to its evaluation"),
    metric("delivered_seconds", Fold::Worst, "`p50`, `p95`, `p99`", "from an event's receipt to a provider's taking over; without what waited for quiet hours"),
    metric("queue.waiting", Fold::Worst, "kind, or `delivery/`channel", "jobs due at the minute's end; no row = none"),
    metric("queue.oldest_seconds", Fold::Worst, "kind, or `delivery/`channel", "how long the oldest of them had waited"),
    metric("notified_seconds.bucket", Fold::Sum, "upper bound in seconds", "the waits themselves, in buckets a quarter of a doubling wide"),
    metric("delivered_seconds.bucket", Fold::Sum, "upper bound in seconds", "the same until a provider took over"),
];

/// The metric of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}
