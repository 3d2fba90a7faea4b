//! "Look": nodes tell each other whose inbox has changed. Gathered for at most 10 ms, leading edge first, and sent outside
//! of the writing transactions, so that writers never pay for NOTIFY. A hint carries no content and may be lost.
//! By Redis where there is one, else (also while it is away) by NOTIFY; every node listens on both.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::db::Db;
use crate::kernel::{Result, Secret};
use crate::stream::hub::{Hub, SWEEP, SWEEP_DEAF};
use crate::stream::redis::{Publisher, Redis};
use crate::stream::store;

const GATHER: Duration = Duration::from_millis(10);
/// NOTIFY's payload is limited to 8 000 bytes.
const PAYLOAD: usize = 7_500;

/// Where changes are told; every node's hub, this one first.
#[derive(Clone)]
pub struct Hints {
    hub: Arc<Hub>,
    node: Uuid,
    sender: mpsc::UnboundedSender<Vec<String>>,
    redis: Option<Arc<Redis>>,
    counts: Arc<HintCounts>,
}

/// Hints since start, by their way, for tests, metrics and `/health`. Own ones that come back are not counted.
#[derive(Debug, Default)]
pub struct HintCounts {
    /// Told by Redis.
    pub told_by_redis: AtomicU64,
    /// Told by NOTIFY.
    pub told_by_notify: AtomicU64,
    /// Heard by Redis.
    pub heard_by_redis: AtomicU64,
    /// Heard by NOTIFY.
    pub heard_by_notify: AtomicU64,
}

#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
struct Payload {
    node: Uuid,
    /// `None` = too many to name.
    users: Option<BTreeSet<String>>,
}

impl Hints {
    /// Starts the tasks that tell other nodes and, with a Redis, hear them there.
    ///
    /// # Errors
    /// `Invalid` when Redis's address can't be read. A Redis that is away is none: PostgreSQL carries the hints then.
    pub fn start(
        db: Db,
        hub: Arc<Hub>,
        node: Uuid,
        redis_url: Option<&Secret>,
        tasks: &TaskTracker,
        shutdown: CancellationToken,
    ) -> Result<Self> {
        let redis = redis_url.map(Redis::open).transpose()?;
        let (sender, receiver) = mpsc::unbounded_channel();
        let hints = Self {
            hub,
            node,
            sender,
            redis: redis.clone(),
            counts: Arc::default(),
        };
        if let Some(redis) = &redis {
            let by_redis = hints.clone();
            let heard = move |payload: &str| {
                by_redis.take_in(payload, &by_redis.counts.heard_by_redis);
            };
            let ups = redis.ups();
            tasks.spawn(redis.clone().listen(db.clone(), heard, shutdown.clone()));
            tasks.spawn(attend(hints.hub.clone(), ups, shutdown.clone()));
        }
        let teller = Teller {
            db,
            node,
            publisher: redis.map(Publisher::new),
            counts: hints.counts.clone(),
        };
        tasks.spawn(teller.run(receiver, shutdown));
        Ok(hints)
    }

    /// These inboxes have changed by a commit of ours.
    pub fn changed(&self, users: Vec<String>) {
        self.hub.look(users.iter().map(String::as_str));
        // Closed only while shutting down; the sweeps of other nodes then find the change.
        let _ = self.sender.send(users);
    }

    /// Another node's hint, by NOTIFY.
    pub fn heard(&self, payload: &str) {
        self.take_in(payload, &self.counts.heard_by_notify);
    }

    /// Whether this node's subscription at Redis stands; `None` without a Redis.
    #[must_use]
    pub fn redis_is_up(&self) -> Option<bool> {
        self.redis.as_ref().map(|redis| redis.is_up())
    }

    /// Counts since start.
    #[must_use]
    pub fn counts(&self) -> &HintCounts {
        &self.counts
    }

    fn take_in(&self, payload: &str, counted: &AtomicU64) {
        match serde_json::from_str::<Payload>(payload) {
            Ok(Payload { node, .. }) if node == self.node => return,
            Ok(Payload {
                users: Some(users), ..
            }) => self.hub.look(users.iter().map(String::as_str)),
            // Too many to name, or by somebody's own NOTIFY: look at everything.
            _ => self.hub.look_at_all(),
        }
        counted.fetch_add(1, Ordering::Relaxed);
    }
}

/// Deaf to Redis, a node sweeps more often; hearing again, it looks once at everything, since what was published
/// meanwhile is lost.
async fn attend(
    hub: Arc<Hub>,
    mut ups: tokio::sync::watch::Receiver<bool>,
    shutdown: CancellationToken,
) {
    loop {
        let up = *ups.borrow_and_update();
        hub.sweep_every(if up { SWEEP } else { SWEEP_DEAF });
        if up {
            hub.look_at_all();
        }
        tokio::select! {
            changed = ups.changed() => if changed.is_err() { return },
            () = shutdown.cancelled() => return,
        }
    }
}

struct Teller {
    db: Db,
    node: Uuid,
    publisher: Option<Publisher>,
    counts: Arc<HintCounts>,
}

impl Teller {
    async fn run(
        mut self,
        mut receiver: mpsc::UnboundedReceiver<Vec<String>>,
        shutdown: CancellationToken,
    ) {
        loop {
            // What was changed before the shutdown is still told.
            let first = tokio::select! {
                biased;
                first = receiver.recv() => first,
                () = shutdown.cancelled() => return,
            };
            let Some(first) = first else { return };
            let mut users: BTreeSet<String> = first.into_iter().collect();
            while let Ok(more) = receiver.try_recv() {
                users.extend(more);
            }
            self.tell(&payload(self.node, users)).await;
            tokio::select! {
                () = tokio::time::sleep(GATHER) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }

    async fn tell(&mut self, payload: &str) {
        if let Some(publisher) = &mut self.publisher
            && publisher.publish(&self.db, payload).await
        {
            self.counts.told_by_redis.fetch_add(1, Ordering::Relaxed);
            return;
        }
        match store::notify(&self.db, payload).await {
            Ok(()) => {
                self.counts.told_by_notify.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                tracing::debug!(error = %error.chain(), "other nodes could not be told of changes; their sweeps find them");
            }
        }
    }
}

fn payload(node: Uuid, users: BTreeSet<String>) -> String {
    let small = users.iter().map(|user| user.len() + 8).sum::<usize>() < PAYLOAD;
    let named = Payload {
        node,
        users: small.then_some(users),
    };
    match serde_json::to_string(&named) {
        // Escapes can make it longer than its parts.
        Ok(text) if text.len() <= PAYLOAD => text,
        _ => format!("{{\"node\":\"{node}\",\"users\":null}}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_people_are_named_and_many_are_not() {
        let node = Uuid::nil();
        let few: BTreeSet<String> = ["ali".to_owned(), "زينب".to_owned()].into();
        let heard: Payload = serde_json::from_str(&payload(node, few.clone())).unwrap();
        assert_eq!(heard.users, Some(few));
        let many: BTreeSet<String> = (0..2000).map(|n| format!("user-{n}")).collect();
        let text = payload(node, many);
        assert!(text.len() < 8000);
        assert_eq!(serde_json::from_str::<Payload>(&text).unwrap().users, None);
        let nasty: BTreeSet<String> = (0..60)
            .map(|n| format!("{n}{}", "\u{1}".repeat(90)))
            .collect();
        assert!(payload(node, nasty).len() < 8000, "escapes count");
    }
}
