//! What came and went in the last hour, day and week, and how the queue stands now: `GET /v1/events/stats/summary`. Comes in: rows of
//! the roll-ups and the queue's depth, from `store`. Goes out: [`Summary`]. Nothing is scanned for it.

pub mod routes;
pub mod store;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::ops::rollup::percentile;

/// Labels that a breakdown holds at most; the rest is `other`.
const MOST_LABELS: usize = 200;
const SPANS: [(&str, i64); 3] = [("1h", 1), ("24h", 24), ("7d", 168)];

/// The answer.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Where the windows end; `null` = nothing is rolled up yet.
    pub as_of: Option<Timestamp>,
    /// The last hour, day and week.
    pub windows: Vec<Window>,
    /// The queue, now.
    pub queue: Queue,
}

/// A stretch of time.
#[derive(Debug, Serialize)]
pub struct Window {
    /// `1h`, `24h`, `7d`.
    pub window: &'static str,
    /// Its begin.
    pub from: Option<Timestamp>,
    /// Events evaluated.
    pub events: Events,
    /// Notifications made of them.
    pub notifications: u64,
    /// Deliveries that ended: channel, status, count.
    pub deliveries: BTreeMap<String, BTreeMap<String, u64>>,
    /// From an event's receipt to its evaluation; `null` of none.
    pub notified_seconds: Option<Percentiles>,
    /// From an event's receipt to a provider's taking over; `null` of none.
    pub delivered_seconds: Option<Percentiles>,
}

/// Events of a window.
#[derive(Debug, Serialize)]
pub struct Events {
    /// All.
    pub total: u64,
    /// By module.
    pub by_module: BTreeMap<String, u64>,
    /// By type.
    pub by_type: BTreeMap<String, u64>,
    /// By severity.
    pub by_severity: BTreeMap<String, u64>,
    /// `matched`, `unmatched`, `warned`, `failed`.
    pub by_outcome: BTreeMap<String, u64>,
}

/// Waits, in seconds.
#[derive(Debug, Serialize)]
pub struct Percentiles {
    /// Half of them were shorter.
    pub p50: f64,
    /// 95 of 100.
    pub p95: f64,
    /// 99 of 100.
    pub p99: f64,
}

/// The queue, now.
#[derive(Debug, Serialize)]
pub struct Queue {
    /// Events not evaluated yet.
    pub events: Depth,
    /// Deliveries not ended yet, by channel.
    pub deliveries: BTreeMap<String, Depth>,
}

/// How deep a queue is.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Depth {
    /// Jobs that are due.
    pub waiting: i64,
    /// Scheduled for later, or being worked on under a lease.
    pub later: i64,
    /// How long the oldest due one has waited.
    pub oldest_seconds: f64,
    /// Whether there are so many that PostgreSQL estimates.
    pub is_estimate: bool,
}

/// A row of the roll-ups, added up over a window.
#[derive(Debug, Clone)]
pub struct Rolled {
    /// `1h`, `24h`, `7d`.
    pub span: String,
    /// The metric.
    pub metric: String,
    /// Its label.
    pub label: String,
    /// The sum.
    pub value: f64,
}

/// How a kind of job stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// `event`, `delivery` …
    pub kind: String,
    /// The deliveries' channel.
    pub channel: String,
    /// How deep.
    pub depth: Depth,
}

impl Summary {
    /// From rows.
    #[must_use]
    pub fn of(as_of: Option<Timestamp>, rolled: &[Rolled], standing: Vec<Standing>) -> Self {
        let window = |(name, hours): (&'static str, i64)| {
            let from = as_of.and_then(|at| at.checked_sub(SignedDuration::from_hours(hours)).ok());
            Window::of(name, from, rolled.iter().filter(|row| row.span == name))
        };
        Self {
            as_of,
            windows: SPANS.into_iter().map(window).collect(),
            queue: Queue::of(standing),
        }
    }
}

impl Window {
    fn of<'a>(
        window: &'static str,
        from: Option<Timestamp>,
        rows: impl Iterator<Item = &'a Rolled>,
    ) -> Self {
        let mut by_metric: BTreeMap<&str, Vec<(&str, f64)>> = BTreeMap::new();
        for row in rows {
            let labels = by_metric.entry(row.metric.as_str()).or_default();
            labels.push((row.label.as_str(), row.value));
        }
        let of = |metric: &str| by_metric.get(metric).cloned().unwrap_or_default();
        let total = |metric: &str| whole(of(metric).iter().map(|(_, value)| value).sum());
        let mut deliveries: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for (label, value) in of("deliveries") {
            let (channel, status) = label.split_once('/').unwrap_or((label, ""));
            let statuses = deliveries.entry(channel.to_owned()).or_default();
            statuses.insert(status.to_owned(), whole(value));
        }
        Self {
            window,
            from,
            events: Events {
                total: total("events"),
                by_module: breakdown(of("events.module")),
                by_type: breakdown(of("events.type")),
                by_severity: breakdown(of("events.severity")),
                by_outcome: breakdown(of("events.outcome")),
            },
            notifications: total("notifications"),
            deliveries,
            notified_seconds: percentiles(&of("notified_seconds.bucket")),
            delivered_seconds: percentiles(&of("delivered_seconds.bucket")),
        }
    }
}

impl Queue {
    fn of(standing: Vec<Standing>) -> Self {
        let (mut events, mut deliveries) = (Depth::default(), BTreeMap::new());
        for Standing {
            kind,
            channel,
            depth,
        } in standing
        {
            match kind.as_str() {
                // Of several channels (`single`): those evaluated alone wait with the others.
                "event" => {
                    events.waiting += depth.waiting;
                    events.later += depth.later;
                    events.oldest_seconds = events.oldest_seconds.max(depth.oldest_seconds);
                    events.is_estimate |= depth.is_estimate;
                }
                "delivery" => {
                    deliveries.insert(channel, depth);
                }
                _ => {}
            }
        }
        Self { events, deliveries }
    }
}

/// The largest, and the rest as one.
fn breakdown(mut labels: Vec<(&str, f64)>) -> BTreeMap<String, u64> {
    labels.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    let mut counts = BTreeMap::new();
    for (index, (label, value)) in labels.into_iter().enumerate() {
        let label = if index < MOST_LABELS { label } else { "other" };
        *counts.entry(label.to_owned()).or_default() += whole(value);
    }
    counts
}

fn percentiles(buckets: &[(&str, f64)]) -> Option<Percentiles> {
    let mut buckets: Vec<(f64, f64)> = buckets
        .iter()
        .filter_map(|(bound, count)| Some((bound.parse().ok()?, *count)))
        .collect();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let share = |share| {
        percentile::of_buckets(&buckets, share).map(|seconds| (seconds * 1e6).round() / 1e6)
    };
    Some(Percentiles {
        p50: share(0.5)?,
        p95: share(0.95)?,
        p99: share(0.99)?,
    })
}

/// Counts are kept as floats, as all metrics are.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count below 2^53, and negative ones don't come"
)]
fn whole(value: f64) -> u64 {
    value.max(0.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(metric: &str, label: &str, value: f64) -> Rolled {
        Rolled {
            span: "1h".to_owned(),
            metric: metric.to_owned(),
            label: label.to_owned(),
            value,
        }
    }

    #[test]
    fn a_window_sorts_rows_under_their_names_and_others_stay_empty() {
        let rows = [
            row("events", "", 5.0),
            row("events.module", "sales", 3.0),
            row("deliveries", "email/sent", 2.0),
            row("deliveries", "in_app/delivered", 4.0),
            row("notified_seconds.bucket", "0.004000", 5.0),
        ];
        let summary = Summary::of(Some(Timestamp::UNIX_EPOCH), &rows, Vec::new());
        let hour = &summary.windows[0];
        assert_eq!((hour.events.total, hour.events.by_module["sales"]), (5, 3));
        assert_eq!(hour.deliveries["email"]["sent"], 2);
        let waits = hour.notified_seconds.as_ref().unwrap();
        assert!(waits.p50 > 0.003 && waits.p99 <= 0.004, "{waits:?}");
        assert!(hour.delivered_seconds.is_none());
        assert_eq!(summary.windows[2].events.total, 0);
    }

    #[test]
    fn a_breakdown_is_bounded_and_loses_nothing() {
        let names: Vec<String> = (0..300).map(|n| format!("t{n}.x")).collect();
        let labels = names.iter().map(|name| (name.as_str(), 2.0)).collect();
        let counts = breakdown(labels);
        assert_eq!(counts.len(), MOST_LABELS + 1);
        assert_eq!(counts.values().sum::<u64>(), 600);
        assert_eq!(counts["other"], 200);
    }
}
