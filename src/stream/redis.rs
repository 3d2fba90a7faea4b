//! Hints by Redis, where `REDIS_URL` is set: one channel per database and schema, one connection that publishes and one
//! that listens. Comes in: payloads of `hints.rs`. Goes out: the same payloads on every node.
//!
//! Redis may come and go: what it doesn't take goes by PostgreSQL (`hints.rs`), and while this node isn't subscribed its
//! sweeps are quicker, since others may publish what it can't hear. Nobody waits for a Redis that hangs longer than
//! [`PATIENCE`], and nobody asks one again before the subscription stands.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use redis::aio::{MultiplexedConnection, PubSubSink, PubSubStream};
use redis::{AsyncConnectionConfig, RedisError, RedisResult};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::db::Db;
use crate::kernel::backoff::Backoff;
use crate::kernel::{Error, Result, Secret, clock, random};
use crate::stream::store;

/// A Redis that doesn't answer for so long counts as away.
const PATIENCE: Duration = Duration::from_millis(500);
/// A quiet subscription is asked this often whether it still stands: a peer that vanished says nothing.
const ASK: Duration = Duration::from_secs(2);

/// One Redis, as this node uses it.
pub struct Redis {
    client: redis::Client,
    up: watch::Sender<bool>,
}

/// The publishing end.
pub(super) struct Publisher {
    redis: Arc<Redis>,
    connection: Option<MultiplexedConnection>,
    channel: Option<String>,
}

impl Redis {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// `Invalid` when the address can't be read.
    pub(super) fn open(url: &Secret) -> Result<Arc<Self>> {
        // The driver's own error may quote the address, so it is not passed on.
        let client = redis::Client::open(url.expose()).map_err(|_| {
            Error::invalid_at(
                "setting_invalid",
                "REDIS_URL",
                "REDIS_URL is not an address of a Redis: redis://[user:password@]host:port/database",
            )
        })?;
        Ok(Arc::new(Self {
            client,
            up: watch::Sender::new(false),
        }))
    }

    /// Whether somebody at this address lets us in and subscribe, at once; nothing is published. Else why not, in words without
    /// the address.
    ///
    /// # Errors
    /// Why not.
    pub async fn answers(url: &Secret) -> Result<(), String> {
        let redis = Self::open(url).map_err(|error| error.to_string())?;
        let mut pubsub = within(redis.client.get_async_pubsub()).await?;
        within(pubsub.subscribe("neurolink:doctor")).await
    }

    /// Whether this node's subscription stands.
    pub(super) fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    /// Follows whether this node's subscription stands.
    pub(super) fn ups(&self) -> watch::Receiver<bool> {
        self.up.subscribe()
    }

    /// Hears what is published until shutdown, connecting as often as it takes.
    pub(super) async fn listen(
        self: Arc<Self>,
        db: Db,
        heard: impl Fn(&str) + Send,
        shutdown: CancellationToken,
    ) {
        let mut failures = 0;
        loop {
            let lost = tokio::select! {
                lost = self.subscribed(&db, &heard, &mut failures) => lost,
                () = shutdown.cancelled() => break,
            };
            self.up.send_replace(false);
            failures += 1;
            // Once an outage: what follows is the same.
            if failures == 1 {
                tracing::warn!(
                    error = lost,
                    "Redis is away; PostgreSQL carries the hints until it is back"
                );
            }
            tokio::select! {
                () = tokio::time::sleep(Backoff::RECONNECT.after(failures, random::unit())) => {}
                () = shutdown.cancelled() => break,
            }
        }
        self.up.send_replace(false);
    }

    /// Subscribes and hears. Gives why that ended.
    async fn subscribed(&self, db: &Db, heard: &impl Fn(&str), failures: &mut u32) -> String {
        let (mut sink, mut stream) = match self.subscribe(db).await {
            Ok(ends) => ends,
            Err(lost) => return lost,
        };
        tracing::info!("hints go by Redis");
        *failures = 0;
        self.up.send_replace(true);
        let mut ask = tokio::time::interval_at(clock::timer() + ASK, ASK);
        ask.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = stream.next() => match message {
                    // What isn't text is not of ours; it says "look" as well as anything.
                    Some(message) => heard(&message.get_payload::<String>().unwrap_or_default()),
                    None => return "the connection was lost".to_owned(),
                },
                _ = ask.tick() => {
                    if let Err(lost) = within(sink.ping::<redis::Value>()).await {
                        return lost;
                    }
                }
            }
        }
    }

    async fn subscribe(&self, db: &Db) -> Result<(PubSubSink, PubSubStream), String> {
        let channel = channel(db).await.map_err(|error| error.chain())?;
        let mut pubsub = within(self.client.get_async_pubsub()).await?;
        within(pubsub.subscribe(channel)).await?;
        Ok(pubsub.split())
    }
}

impl Publisher {
    /// A publisher; it connects when it first has something to say.
    pub(super) fn new(redis: Arc<Redis>) -> Self {
        Self {
            redis,
            connection: None,
            channel: None,
        }
    }

    /// Publishes. False: Redis didn't take it, or there is no use in asking.
    pub(super) async fn publish(&mut self, db: &Db, payload: &str) -> bool {
        if !self.redis.is_up() {
            self.connection = None;
            return false;
        }
        match self.try_publish(db, payload).await {
            Ok(()) => true,
            Err(lost) => {
                tracing::debug!(error = lost, "a hint could not be published by Redis");
                self.connection = None;
                false
            }
        }
    }

    async fn try_publish(&mut self, db: &Db, payload: &str) -> Result<(), String> {
        let channel = match &self.channel {
            Some(channel) => channel,
            None => {
                let found = channel(db).await.map_err(|error| error.chain())?;
                self.channel.insert(found)
            }
        };
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(PATIENCE))
                    .set_response_timeout(Some(PATIENCE));
                let client = &self.redis.client;
                let opened = client.get_multiplexed_async_connection_with_config(&config);
                self.connection.insert(within(opened).await?)
            }
        };
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(channel.as_str()).arg(payload);
        within(publish.query_async::<redis::Value>(connection)).await?;
        Ok(())
    }
}

/// The channel: of this database and schema, so that several NeuroLinks may share a Redis.
async fn channel(db: &Db) -> Result<String> {
    let (database, schema) = store::place(db).await?;
    Ok(format!("neurolink:{database}:{schema}:inbox"))
}

/// The answer, within our patience; else why not, in words without the address.
async fn within<T>(asked: impl Future<Output = RedisResult<T>>) -> Result<T, String> {
    match timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(words(&error)),
        Err(_) => Err("no answer in time".to_owned()),
    }
}

fn words(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code}: {detail}"),
        (None, Some(detail)) => format!("{}: {detail}", error.category()),
        (Some(code), None) => code.to_owned(),
        (None, None) => error.category().to_owned(),
    }
}
