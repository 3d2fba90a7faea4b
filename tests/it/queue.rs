//! The queue: who claims what, who may finish it, who sleeps and what wakes them. Races are interleaved on purpose, by open
//! transactions and locks; what must happen "promptly" must happen well before any fallback timer would make it happen.

mod claims;
mod lanes;
mod leases;
pub(crate) mod modes;
mod open;
mod presence;
mod steering;
mod wakes;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use neurolink::app::Parts;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_postgres::{AsyncMessage, Client};

use crate::support::TestDb;
use crate::support::app::App;

/// Well before the earliest fallback (4 s).
const PROMPT: Duration = Duration::from_secs(3);

const WORKER: Parts = Parts {
    api: false,
    worker: true,
};

/// A node that only works, asleep.
async fn sleeping_worker(db: &TestDb, settings: &[(&str, &str)]) -> App {
    let app = App::start_with(db, WORKER, settings).await;
    app.node.bell().until_asleep().await;
    app
}

/// Resolves when a query gives true, and fails if that took until a fallback timer could have helped.
async fn promptly(sql: &Client, question: &str) {
    let began = Instant::now();
    crate::support::app::until(sql, question).await;
    assert!(
        began.elapsed() < PROMPT,
        "only after {:?}: {question}",
        began.elapsed()
    );
}

/// Resolves when an event is evaluated, and fails if that took until a fallback timer could have helped.
async fn evaluated(sql: &Client, event: i64) {
    let question =
        format!("select exists (select from neurolink_event_outcomes where event_id = {event})");
    promptly(sql, &question).await;
}

/// Resolves when a counter has grown by so much.
async fn until_grown(counter: &AtomicU64, by: u64) {
    let (from, began) = (counter.load(Ordering::Relaxed), Instant::now());
    let mut tick = tokio::time::interval(Duration::from_millis(2));
    while counter.load(Ordering::Relaxed) < from + by {
        tick.tick().await;
        assert!(began.elapsed() < Duration::from_secs(30), "a counter stays");
    }
}

/// An event inserted in whatever transaction `sql` is in. Its id.
async fn insert(sql: &Client, event_type: &str) -> i64 {
    crate::support::app::event(sql, event_type, &serde_json::json!({})).await
}

/// Somebody who hears every wake, besides the nodes.
struct Ear {
    sql: Client,
    messages: UnboundedReceiver<AsyncMessage>,
}

impl Ear {
    async fn new(db: &TestDb) -> Self {
        let (sql, messages) = db.client_with_messages().await;
        sql.batch_execute("listen neurolink_wake").await.unwrap();
        Self { sql, messages }
    }

    /// How many wakes were committed since the last call: all of them, since ours comes behind.
    async fn wakes(&mut self) -> usize {
        self.sql
            .batch_execute("notify neurolink_wake, 'the end'")
            .await
            .unwrap();
        let mut wakes = 0;
        loop {
            match self.messages.recv().await.expect("the connection holds") {
                AsyncMessage::Notification(n) if n.payload() == "the end" => return wakes,
                AsyncMessage::Notification(_) => wakes += 1,
                _ => {}
            }
        }
    }
}
