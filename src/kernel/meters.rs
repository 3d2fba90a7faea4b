//! What a node counts, and the counters themselves. Comes in: from whatever room has something to count, once a batch or a
//! request. Goes out: to the recorder that the app has given (`ops/prometheus`), or nowhere.
//!
//! [`ALL`] is the one table of what there is: names, labels and help are rendered from it, and `src/ops/README.md` is held to it.
//! The recorder is a node's own, never the process's: tests and benches run many nodes in one.

use std::sync::Arc;

pub use metrics::{Counter, Gauge, Histogram};
use metrics::{Key, Label, Level, Metadata, NoopRecorder, Recorder};

/// What a meter does with what it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only ever grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Sorts into buckets: seconds, or (with `_events` at the name's end) sizes.
    Histogram,
}

/// A line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meter {
    /// By Prometheus's conventions: `_total` for counters, the unit at the end.
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// Its labels' names. Each has few values: no ids, no names of people, rules or paths.
    pub labels: &'static [&'static str],
    /// A sentence.
    pub help: &'static str,
}

macro_rules! meters {
    ($($id:ident $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(#[doc = $help] pub const $id: Meter = Meter {
            name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help,
        };)*
        /// Every meter there is, in the order of the line.
        pub const ALL: &[Meter] = &[$($id),*];
    };
}

meters! {
    BUILD Gauge "neurolink_build_info" ["version"] "Always 1; the label says which version this node is.";
    DATABASE_UP Gauge "neurolink_database_up" [] "1 if the database answered when this was sampled, else 0.";
    HTTP_REQUESTS Counter "neurolink_http_requests_total" ["route", "method", "status"] "Requests answered, by the route's pattern.";
    HTTP_DURATION Histogram "neurolink_http_request_duration_seconds" ["route", "method"] "From a request's head to its answer's; a stream counts until it begins.";
    INGESTED Counter "neurolink_ingest_events_total" [] "Events stored over HTTP by this node.";
    INGEST_GROUP Histogram "neurolink_ingest_group_events" [] "Events stored by one commit.";
    BATCH Histogram "neurolink_batch_events" [] "Events claimed and evaluated in one transaction.";
    BATCH_DURATION Histogram "neurolink_batch_duration_seconds" [] "From a batch's claim to its commit.";
    BATCH_FAILURES Counter "neurolink_batch_failures_total" [] "Batches rolled back; their events are tried again.";
    MATCHES Counter "neurolink_matches_total" [] "Rules that were true for an event.";
    NOTIFICATIONS Counter "neurolink_notifications_total" [] "Notifications made.";
    PLANNED Counter "neurolink_deliveries_planned_total" ["channel", "status"] "Deliveries made: delivered (in-app), pending, or suppressed.";
    ATTEMPTS Counter "neurolink_delivery_attempts_total" ["channel", "outcome"] "Tries of deliveries: accepted, transient, rate_limited, permanent, misconfigured, ambiguous; none = not tried.";
    ATTEMPT_DURATION Histogram "neurolink_delivery_attempt_duration_seconds" ["channel"] "How long providers took.";
    READERS Gauge "neurolink_stream_readers" [] "Streams and long polls open on this node.";
    BURSTS Counter "neurolink_stream_bursts_total" [] "Changes of an inbox handed to a reader.";
    CUT_OFF Counter "neurolink_stream_readers_cut_off_total" [] "Readers that didn't keep up and were sent away to come back.";
    HINTS Counter "neurolink_hints_total" ["way", "direction"] "Hints between nodes that inboxes changed, by redis or notify, told or heard.";
    SLEEPS Counter "neurolink_sleeps_total" [] "Times this node slept for all.";
    WAKES Counter "neurolink_wakes_total" ["by"] "Sleeps ended by notify (as it should be) or by timer (a wake was late).";
    PARKS Counter "neurolink_parks_total" [] "Times this node rested because another was awake.";
    INSERTER_LOOKS Counter "neurolink_inserter_looks_total" [] "Looks while an inserter's transaction kept this node from sleeping.";
    LISTENER_CONNECTIONS Counter "neurolink_listener_connections_total" [] "Times the listener connected; more than one is a lost connection.";
    LISTENER_UP Gauge "neurolink_listener_up" [] "1 while the listener is connected.";
    POOL Gauge "neurolink_pool_connections" ["state"] "Pooled database connections: idle, used.";
    POOL_MAX Gauge "neurolink_pool_connections_max" [] "Most pooled connections (NEUROLINK_DB_POOL_SIZE).";
    POOL_WAITING Gauge "neurolink_pool_waiting" [] "Who waits for a pooled connection.";
    RULES Gauge "neurolink_rules" [] "Rules loaded by this node.";
    RULE_FAULTS Gauge "neurolink_rule_faults" [] "Enabled rules that are faulty and not evaluated.";
    WORKERS Gauge "neurolink_workers" [] "Processes whose heartbeat is fresh, on this database.";
    PAUSES Gauge "neurolink_pauses" [] "Kinds and channels that are paused.";
    DEAD_JOBS Gauge "neurolink_dead_jobs" [] "Events and other work given up, at most 10000 counted.";
    DEAD_DELIVERIES Gauge "neurolink_dead_deliveries" [] "Deliveries given up, at most 10000 counted.";
    QUEUE_WAITING Gauge "neurolink_queue_waiting_jobs" ["kind", "channel"] "Jobs that are due. Beyond 10000 a PostgreSQL estimate.";
    QUEUE_LATER Gauge "neurolink_queue_later_jobs" ["kind", "channel"] "Jobs scheduled for later or being worked on under a lease, at most 10000 counted a lane.";
    QUEUE_OLDEST Gauge "neurolink_queue_oldest_seconds" ["kind", "channel"] "How long the oldest due job has waited.";
}

/// Where meters come from. Cheap to clone.
#[derive(Clone)]
pub struct Meters(Arc<dyn Recorder + Send + Sync>);

impl Default for Meters {
    /// Counts nothing.
    fn default() -> Self {
        Self(Arc::new(NoopRecorder))
    }
}

impl Meters {
    /// Of a recorder.
    #[must_use]
    pub fn new(recorder: Arc<dyn Recorder + Send + Sync>) -> Self {
        Self(recorder)
    }

    /// The counter of these labels' values. Made once and kept: a look-up costs more than counting.
    pub fn counter(&self, meter: &Meter, values: &[&str]) -> Counter {
        self.0.register_counter(&key(meter, values), &METADATA)
    }

    /// As [`Meters::counter`].
    pub fn gauge(&self, meter: &Meter, values: &[&str]) -> Gauge {
        self.0.register_gauge(&key(meter, values), &METADATA)
    }

    /// As [`Meters::counter`].
    pub fn histogram(&self, meter: &Meter, values: &[&str]) -> Histogram {
        self.0.register_histogram(&key(meter, values), &METADATA)
    }
}

const METADATA: Metadata<'_> = Metadata::new("neurolink", Level::INFO, None);

fn key(meter: &Meter, values: &[&str]) -> Key {
    let labels: Vec<Label> = meter
        .labels
        .iter()
        .zip(values)
        .map(|(name, value)| Label::new(*name, (*value).to_owned()))
        .collect();
    Key::from_parts(meter.name, labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_prometheuss_conventions() {
        for meter in ALL {
            assert!(meter.name.starts_with("neurolink_"), "{}", meter.name);
            let counts = meter.name.ends_with("_total");
            assert_eq!(counts, meter.kind == Kind::Counter, "{}", meter.name);
            if meter.kind == Kind::Histogram {
                let unit = ["_seconds", "_bytes", "_events"];
                assert!(
                    unit.iter().any(|u| meter.name.ends_with(u)),
                    "{}",
                    meter.name
                );
            }
            assert!(meter.help.ends_with('.'), "{}", meter.name);
        }
        let mut names: Vec<&str> = ALL.iter().map(|meter| meter.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
