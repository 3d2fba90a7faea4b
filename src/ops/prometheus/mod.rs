//! `/metrics` for Prometheus. Comes in: what the rooms of this node count (`kernel::meters`), what the app knows of the node at the
//! moment of asking, and one sample of the database. Goes out: the text format, on our own route. README.md has every metric.
//!
//! Each node has a recorder of its own. The exporter's global one would mix the nodes of one process.

pub mod routes;
pub mod store;

use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{KeyName, Recorder as _};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::db::{Db, Tx};
use crate::kernel::meters::{self, Kind, Meters};
use crate::kernel::{ChannelKind, Error, Result, clock};

/// The database is sampled so often at most, however many ask.
const FRESH: Duration = Duration::from_secs(5);
const SAMPLE_TIMEOUT: Duration = Duration::from_secs(2);
/// Samples of histograms are folded into their buckets so often, asked or not: they must not pile up.
const UPKEEP: Duration = Duration::from_secs(5);
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
const SIZES: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0];

/// What the node knows of itself at the moment of asking.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Streams and long polls open.
    pub readers: usize,
    /// Bursts handed to readers.
    pub bursts: u64,
    /// Readers cut off.
    pub cut_off: u64,
    /// Hints: way, direction, count.
    pub hints: [(&'static str, &'static str, u64); 4],
    /// Sleeps for all.
    pub sleeps: u64,
    /// Sleeps ended by a notification.
    pub notified: u64,
    /// Sleeps ended by the timer.
    pub timed_out: u64,
    /// Rests while another node was awake.
    pub parked: u64,
    /// Looks while an inserter's transaction was open.
    pub inserter_open: u64,
    /// Connections of the listener.
    pub connections: u64,
    /// Whether the listener is connected.
    pub listener_up: bool,
    /// Rules loaded.
    pub rules: usize,
}

/// Asks the node.
pub type NodeFacts = Arc<dyn Fn() -> Facts + Send + Sync>;

/// A node's recorder, and how it is read. Cheap to clone.
#[derive(Clone)]
pub struct Prometheus(Arc<Inner>);

struct Inner {
    db: Db,
    meters: Meters,
    handle: PrometheusHandle,
    sampled: Mutex<Option<Instant>>,
}

impl Prometheus {
    /// A recorder that knows every meter.
    ///
    /// # Errors
    /// `Internal` when the exporter refuses the buckets: a fault of ours.
    pub fn new(db: Db) -> Result<Self> {
        let broken = |e| Error::internal("the exporter of metrics can't be built", e);
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .and_then(|b| b.set_buckets_for_metric(Matcher::Suffix("_events".to_owned()), &SIZES))
            .map_err(broken)?
            .build_recorder();
        for meter in meters::ALL {
            let (name, help) = (KeyName::from_const_str(meter.name), meter.help.into());
            match meter.kind {
                Kind::Counter => recorder.describe_counter(name, None, help),
                Kind::Gauge => recorder.describe_gauge(name, None, help),
                Kind::Histogram => recorder.describe_histogram(name, None, help),
            }
        }
        let handle = recorder.handle();
        let meters = Meters::new(Arc::new(recorder));
        meters
            .gauge(&meters::BUILD, &[env!("CARGO_PKG_VERSION")])
            .set(1.0);
        Ok(Self(Arc::new(Inner {
            db,
            meters,
            handle,
            sampled: Mutex::new(None),
        })))
    }

    /// What the node's rooms count with.
    #[must_use]
    pub fn meters(&self) -> &Meters {
        &self.0.meters
    }

    /// Folds histograms until shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(UPKEEP) => self.0.handle.run_upkeep(),
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// All of it, as text.
    pub async fn render(&self, facts: &Facts) -> String {
        self.take_down(facts);
        self.sample().await;
        self.0.handle.render()
    }

    fn take_down(&self, facts: &Facts) {
        let meters = self.meters();
        let counter = |meter, values: &[&str], value| meters.counter(meter, values).absolute(value);
        let gauge = |meter, values: &[&str], value| meters.gauge(meter, values).set(value);
        gauge(&meters::READERS, &[], facts.readers as f64);
        counter(&meters::BURSTS, &[], facts.bursts);
        counter(&meters::CUT_OFF, &[], facts.cut_off);
        for (way, direction, count) in facts.hints {
            counter(&meters::HINTS, &[way, direction], count);
        }
        counter(&meters::SLEEPS, &[], facts.sleeps);
        counter(&meters::WAKES, &["notify"], facts.notified);
        counter(&meters::WAKES, &["timer"], facts.timed_out);
        counter(&meters::PARKS, &[], facts.parked);
        counter(&meters::INSERTER_LOOKS, &[], facts.inserter_open);
        counter(&meters::LISTENER_CONNECTIONS, &[], facts.connections);
        let up = f64::from(u8::from(facts.listener_up));
        gauge(&meters::LISTENER_UP, &[], up);
        gauge(&meters::RULES, &[], facts.rules as f64);
        let pool = self.0.db.pool_status();
        let used = pool.size.saturating_sub(pool.available);
        gauge(&meters::POOL, &["idle"], pool.available as f64);
        gauge(&meters::POOL, &["used"], used as f64);
        gauge(&meters::POOL_MAX, &[], pool.max_size as f64);
        gauge(&meters::POOL_WAITING, &[], pool.waiting as f64);
    }

    /// Looks at the database, unless somebody just has. One that is away costs the answer its gauges (`NaN`), not itself.
    async fn sample(&self) {
        // Held over the look on purpose: who comes meanwhile waits for this one's.
        let mut sampled = self.0.sampled.lock().await;
        if sampled.is_some_and(|at| at.elapsed() < FRESH) {
            return;
        }
        let look = async {
            // A connection that is given up in the middle of its query leaves the pool: nobody waits for what it still does.
            let held = Tx::unbegun(self.0.db.client().await?);
            let rows = store::sample(&held).await?;
            held.committed();
            Ok::<_, Error>(rows)
        };
        let rows = match timeout(SAMPLE_TIMEOUT, look).await {
            Ok(Ok(rows)) => Some(rows),
            Ok(Err(error)) => {
                tracing::debug!(error = %error.chain(), "the database could not be sampled for metrics");
                None
            }
            Err(_) => None,
        };
        let up = f64::from(u8::from(rows.is_some()));
        self.meters().gauge(&meters::DATABASE_UP, &[]).set(up);
        self.reset(if rows.is_some() { 0.0 } else { f64::NAN });
        for row in rows.unwrap_or_default() {
            self.put(&row);
        }
        *sampled = Some(clock::instant());
    }

    /// What the next sample doesn't name is nothing; without a sample nobody knows.
    fn reset(&self, value: f64) {
        let deliveries = ChannelKind::ALL
            .iter()
            .filter(|c| **c != ChannelKind::InApp)
            .map(|c| ("delivery", c.as_str()));
        let others = ["event", "digest", "escalation", "reminder", "fanout"].map(|kind| (kind, ""));
        for (kind, channel) in deliveries.chain(others) {
            for meter in [
                &meters::QUEUE_WAITING,
                &meters::QUEUE_LATER,
                &meters::QUEUE_OLDEST,
            ] {
                self.meters().gauge(meter, &[kind, channel]).set(value);
            }
        }
        for meter in [
            &meters::RULE_FAULTS,
            &meters::WORKERS,
            &meters::PAUSES,
            &meters::DEAD_JOBS,
            &meters::DEAD_DELIVERIES,
        ] {
            self.meters().gauge(meter, &[]).set(value);
        }
    }

    fn put(&self, row: &store::Sampled) {
        let gauge = |meter, values: &[&str], value| self.meters().gauge(meter, values).set(value);
        match row.what.as_str() {
            "queue" => {
                let place = [row.kind.as_str(), row.channel.as_str()];
                gauge(&meters::QUEUE_WAITING, &place, row.value);
                gauge(&meters::QUEUE_LATER, &place, row.later);
                gauge(&meters::QUEUE_OLDEST, &place, row.oldest_seconds);
            }
            "rule_faults" => gauge(&meters::RULE_FAULTS, &[], row.value),
            "workers" => gauge(&meters::WORKERS, &[], row.value),
            "pauses" => gauge(&meters::PAUSES, &[], row.value),
            "dead_jobs" => gauge(&meters::DEAD_JOBS, &[], row.value),
            "dead_deliveries" => gauge(&meters::DEAD_DELIVERIES, &[], row.value),
            _ => {}
        }
    }
}
