//! `/health`, `/health/live`, `/health/ready`: for load balancers, service managers and people. Comes in: a probe of the
//! database, shared by all who ask within half a second, and what the app knows of its listener. Goes out: `ok` or not
//! to anybody, the rest to the authenticated.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::route::{Access, Call, Response, Route, json as reply};
use crate::db::{Client, Db};
use crate::kernel::{Error, Result, clock};

const QUEUE_AGE: &str = include_str!("../../sql/queries/http/queue_age.sql");
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// Anybody may ask; the database is asked so often at most.
const FRESH: Duration = Duration::from_millis(500);

/// What the wake's listener says of itself, as JSON (`{"connected": true, …}`).
pub type ListenerState = Arc<dyn Fn() -> Value + Send + Sync>;

/// What health is judged by. Cheap to clone.
#[derive(Clone)]
pub struct Health(Arc<Inner>);

struct Inner {
    db: Db,
    listener: ListenerState,
    stopping: CancellationToken,
    started: Instant,
    last: Mutex<Option<(Instant, Arc<Probe>)>>,
}

struct Probe {
    latency: Duration,
    /// Seconds that the oldest due job of each kind has waited, or why nobody knows.
    queue: Result<(f64, f64)>,
}

impl Health {
    /// From now on; not ready any more once `stopping` is cancelled.
    #[must_use]
    pub fn new(db: Db, listener: ListenerState, stopping: CancellationToken) -> Self {
        Self(Arc::new(Inner {
            db,
            listener,
            stopping,
            started: clock::instant(),
            last: Mutex::new(None),
        }))
    }

    /// Its endpoints.
    #[must_use]
    pub fn routes(&self) -> Vec<Route> {
        vec![
            Route::new(Method::GET, "/health", Access::Public, self, health),
            Route::new(Method::GET, "/health/live", Access::Public, self, live),
            Route::new(Method::GET, "/health/ready", Access::Public, self, ready),
        ]
    }

    async fn probe(&self) -> Arc<Probe> {
        // The lock is held over the probe on purpose: who comes meanwhile waits for this one's answer.
        let mut last = self.0.last.lock().await;
        if let Some((at, probe)) = &*last
            && at.elapsed() < FRESH
        {
            return probe.clone();
        }
        let begun = clock::instant();
        let queue = ask(&self.0.db).await;
        let probe = Arc::new(Probe {
            latency: begun.elapsed(),
            queue,
        });
        *last = Some((clock::instant(), probe.clone()));
        probe
    }
}

async fn ask(db: &Db) -> Result<(f64, f64)> {
    let late = || Error::unavailable("the database took too long");
    let client = timeout(PROBE_TIMEOUT, db.client())
        .await
        .map_err(|_| late())??;
    let asked = timeout(PROBE_TIMEOUT, async {
        let statement = client.prepare_cached(QUEUE_AGE).await?;
        client.query_one(&statement, &[]).await
    });
    let Ok(answer) = asked.await else {
        // Its connection still waits for the answer: not for the next borrower.
        drop(Client::take(client));
        return Err(late());
    };
    let row = answer?;
    Ok((row.get("event_seconds"), row.get("delivery_seconds")))
}

/// Public: `{"status": "ok"}`, or `degraded` (still 200: the process lives). With a token: why.
async fn health(health: Health, call: Call) -> Result<Response> {
    let probe = health.probe().await;
    let status = match probe.queue {
        Ok(_) => "ok",
        Err(_) => "degraded",
    };
    if call.principal.is_none() {
        return reply(StatusCode::OK, &json!({"status": status}));
    }
    let milliseconds = |d: Duration| (d.as_micros() as f64) / 1000.0;
    let (database, queue) = match &probe.queue {
        Ok((event, delivery)) => (
            json!({"ok": true, "latency_ms": milliseconds(probe.latency)}),
            json!({"oldest_event_seconds": event, "oldest_delivery_seconds": delivery}),
        ),
        Err(error) => {
            // An internal fault's own words stay in the log.
            let detail = match error {
                Error::Internal { .. } => {
                    tracing::warn!(error = error.chain(), "the health probe failed");
                    "the schema can't be read; has `neurolink migrate` run?".to_owned()
                }
                other => other.to_string(),
            };
            (json!({"ok": false, "detail": detail}), Value::Null)
        }
    };
    let pool = health.0.db.pool_status();
    reply(
        StatusCode::OK,
        &json!({
            "status": status,
            "version": env!("CARGO_PKG_VERSION"),
            "uptime_seconds": health.0.started.elapsed().as_secs(),
            "database": database,
            "pool": {"size": pool.size, "available": pool.available, "waiting": pool.waiting, "max_size": pool.max_size},
            "listener": (health.0.listener)(),
            "queue": queue,
        }),
    )
}

/// The process answers.
async fn live(_: Health, _: Call) -> Result<Response> {
    reply(StatusCode::OK, &json!({"status": "ok"}))
}

/// Work may be sent here: the database is there, and nobody has asked us to stop.
async fn ready(health: Health, _: Call) -> Result<Response> {
    let why = if health.0.stopping.is_cancelled() {
        "stopping"
    } else if health.probe().await.queue.is_err() {
        "database"
    } else {
        return reply(StatusCode::OK, &json!({"status": "ok"}));
    };
    let mut response = reply(
        StatusCode::SERVICE_UNAVAILABLE,
        &json!({"status": "unavailable", "reason": why}),
    )?;
    response
        .headers_mut()
        .insert(http::header::RETRY_AFTER, HeaderValue::from_static("1"));
    Ok(response)
}
