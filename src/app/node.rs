//! One node: its rooms, started in the order of the line and stopped against it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::Parts;
use crate::app::routes::{listener_state, node_facts, routes};
use crate::app::works::{ALARMS, DELIVERIES, EVENT_HELPERS, EVENTS, Works, signals, start_works};
use crate::config::Config;
use crate::db::Db;
use crate::http::health::Health;
use crate::http::{Access, Authenticator, Patience};
use crate::ingest;
use crate::kernel::Result;
use crate::kernel::meters::{INGEST_GROUP, INGESTED};
use crate::notifications::due;
use crate::notifications::inbox::Inboxes;
use crate::ops::prometheus::{self, Prometheus};
use crate::ops::rollup;
use crate::ops::trial::routes::Desk;
use crate::pipeline::Later;
use crate::pipeline::rulebook::Rulebook;
use crate::pipeline::trial::Trier;
use crate::queue::peers::PeerCall;
use crate::queue::presence::Presence;
use crate::queue::{Bell, BellHandle, Incarnation, Source, worker};
use crate::rules::memory::sweep;
use crate::stream::Hub;
use crate::stream::hints::Hints;
use crate::stream::routes::Streams;

/// What a node serves: method, path, who may call it.
pub type Served = (http::Method, &'static str, Access);

/// A running node.
pub struct Node {
    db: Db,
    incarnation: Incarnation,
    address: Option<SocketAddr>,
    served: Vec<Served>,
    bell: BellHandle,
    writer: ingest::WriterHandle,
    /// Answers no more requests, claims no more jobs.
    closing: CancellationToken,
    /// Takes no more events.
    ingest_closing: CancellationToken,
    /// Nobody needs hints, streams and heartbeats any more.
    stopped: CancellationToken,
    tasks: TaskTracker,
    api: Option<JoinHandle<Result<()>>>,
    works: Option<Works>,
    patience: Duration,
}

impl Node {
    /// Starts a node on a migrated database.
    ///
    /// # Errors
    /// When the address is taken, or a channel's settings don't hold.
    pub async fn start(config: &Config, db: Db, parts: Parts) -> Result<Self> {
        let (closing, stopped) = (CancellationToken::new(), CancellationToken::new());
        let ingest_closing = CancellationToken::new();
        let tasks = TaskTracker::new();
        let incarnation = Incarnation::new();
        let presence = Presence::new(
            db.clone(),
            incarnation,
            parts.worker,
            config.worker.batch_size,
        );
        let hub = Hub::new(db.clone());
        let hints = Hints::start(
            db.clone(),
            hub.clone(),
            incarnation.0,
            config.redis_url.as_ref(),
            &tasks,
            stopped.clone(),
        )?;
        let bell = BellHandle::new(if parts.worker { 3 } else { 0 });
        let rulebook = Rulebook::new(db.clone());
        let prometheus = Prometheus::new(db.clone())?;
        let meters = prometheus.meters().clone();

        // The listener is bound before anything is claimed: a node that can't start must not have worked.
        let api = if parts.api {
            Some((crate::http::bind(config.http.listen).await?, config.auth()?))
        } else {
            None
        };
        let address = api
            .as_ref()
            .and_then(|(listener, _)| listener.local_addr().ok());

        let trier = Arc::new(Trier::new(config, db.clone())?);
        let trials = Desk::new(db.clone(), trier, closing.clone());

        let changed = hints.clone();
        let inboxes = Inboxes::new(db.clone(), Arc::new(move |users| changed.changed(users)));

        let mut works = None;
        if parts.worker {
            let begun = start_works(config, &db, &presence, &rulebook, &hints, &bell, &meters)?;
            let later = Arc::new(Later(begun.0.clone()));
            let sources: [Arc<dyn Source>; 3] = [begun.0, begun.1.dispatcher.clone(), later];
            works = Some(begun.1);
            let peers = Arc::new(PeerCall::new(db.clone(), presence.clone()));
            let (helpers, wanted) = watch::channel(false);
            let run = |index: usize, helpers| {
                worker::run(
                    sources[index].clone(),
                    index,
                    bell.clone(),
                    peers.clone(),
                    helpers,
                    closing.clone(),
                )
            };
            tasks.spawn(run(EVENTS, Some(helpers)));
            tasks.spawn(run(DELIVERIES, None));
            tasks.spawn(run(ALARMS, None));
            for _ in 0..EVENT_HELPERS {
                tasks.spawn(worker::run_helper(
                    sources[EVENTS].clone(),
                    EVENTS,
                    bell.clone(),
                    wanted.clone(),
                    closing.clone(),
                ));
            }
            tasks.spawn(sweep::run(db.clone(), closing.clone()));
            tasks.spawn(rollup::run(db.clone(), closing.clone()));
            tasks.spawn(due::run(inboxes.clone(), closing.clone()));
        }

        let signals = signals(&hub, &hints, &rulebook, parts);
        let task = Bell::new(
            db.clone(),
            config.worker.wake_mode,
            presence.clone(),
            signals,
            &bell,
        );
        tasks.spawn(task.run(closing.clone()));
        tasks.spawn(presence.clone().run(bell.clone(), stopped.clone()));
        // Ends with the API: whoever streams or polls is cut off then, and comes back to another node.
        tasks.spawn(hub.clone().run(closing.clone()));
        tasks.spawn(prometheus.clone().run(stopped.clone()));

        let nudged = bell.clone();
        let (events, groups) = (
            meters.counter(&INGESTED, &[]),
            meters.histogram(&INGEST_GROUP, &[]),
        );
        let on_commit: ingest::OnCommit = Arc::new(move |stored| {
            events.increment(stored as u64);
            groups.record(stored as f64);
            nudged.nudge(EVENTS);
        });
        let writer = ingest::Writer::start(db.clone(), on_commit, ingest_closing.clone());
        let mut served = Vec::new();
        let api = api.map(|(listener, auth)| {
            let streams = Streams {
                db: db.clone(),
                hub: hub.clone(),
                heartbeat: config.http.sse_heartbeat,
            };
            let health = Health::new(
                db.clone(),
                listener_state(&bell, &rulebook, &hub, &hints),
                closing.clone(),
            );
            let mut routes = routes(&db, &writer, &inboxes, &streams, &health, &trials);
            let facts = node_facts(&bell, &rulebook, &hub, &hints);
            routes.extend(prometheus::routes::routes(
                &prometheus,
                &facts,
                config.metrics_public,
            ));
            served.extend(routes.iter().map(|r| (r.method.clone(), r.path, r.access)));
            let (auth, settings, closing) = (
                Authenticator::new(auth),
                config.http.clone(),
                closing.clone(),
            );
            tokio::spawn(async move {
                crate::http::serve_metered(
                    listener,
                    routes,
                    auth,
                    &settings,
                    Patience::default(),
                    &meters,
                    closing,
                )
                .await
            })
        });
        if let Some(address) = address {
            tracing::info!(%address, worker = parts.worker, "serving");
        }
        Ok(Self {
            db,
            incarnation,
            address,
            served,
            bell,
            writer,
            closing,
            ingest_closing,
            stopped,
            tasks,
            api,
            works,
            patience: config.http.shutdown_timeout,
        })
    }

    /// Where it listens, if it serves.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Every route, to be held against what is documented.
    #[must_use]
    pub fn served(&self) -> &[Served] {
        &self.served
    }

    /// The wake, for tests and commands that wait for work to be done.
    #[must_use]
    pub fn bell(&self) -> &BellHandle {
        &self.bell
    }

    /// This process's incarnation.
    #[must_use]
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// The way in that HTTP uses.
    #[must_use]
    pub fn writer(&self) -> &ingest::WriterHandle {
        &self.writer
    }

    /// Its database.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Stops in good order: no more requests and claims, what is open is finished within the shutdown's time, the rest given
    /// back at once, and the node leaves the workers.
    pub async fn stop(self) {
        self.closing.cancel();
        if let Some(api) = self.api {
            match api.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::error!(error = %error.chain(), "the HTTP server ended with an error")
                }
                Err(error) => tracing::error!(%error, "the HTTP server broke"),
            }
        }
        self.ingest_closing.cancel();
        self.writer.finished().await;
        if let Some(Works {
            dispatcher,
            recorded,
        }) = self.works
        {
            dispatcher.finish(self.patience).await;
            // The completer ends once every sender is gone: the workers' and the bell's copies go with their tasks.
            drop(dispatcher);
            if tokio::time::timeout(self.patience, recorded).await.is_err() {
                tracing::warn!(
                    "outcomes could not all be recorded in time; those leases run out by themselves"
                );
            }
        }
        self.stopped.cancel();
        self.tasks.close();
        if tokio::time::timeout(self.patience, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(tasks = self.tasks.len(), "not every task ended in time");
        }
        tracing::info!("stopped");
    }
}
