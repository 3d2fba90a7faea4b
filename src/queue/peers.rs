//! Wakes other nodes when this one's claims keep coming back full.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::db::Db;
use crate::kernel::clock;
use crate::queue::presence::Presence;
use crate::queue::store;

/// Peers are called at most this often.
const CALL_PEERS: Duration = Duration::from_millis(100);

/// Wakes other nodes when claims keep coming back full, at most ten times a second.
pub struct PeerCall {
    db: Db,
    presence: Arc<Presence>,
    last: std::sync::Mutex<Option<Instant>>,
}

impl PeerCall {
    /// A caller.
    #[must_use]
    pub fn new(db: Db, presence: Arc<Presence>) -> Self {
        Self {
            db,
            presence,
            last: std::sync::Mutex::new(None),
        }
    }

    /// Calls, unless nobody is there or it was done just now.
    pub fn call(&self) {
        if self.presence.peers() == 0 {
            return;
        }
        {
            let mut last = self
                .last
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if last.is_some_and(|at| at.elapsed() < CALL_PEERS) {
                return;
            }
            *last = Some(clock::instant());
        }
        let db = self.db.clone();
        tokio::spawn(async move {
            let called = async { store::wake_everybody(&db.client().await?).await };
            if let Err(error) = called.await {
                tracing::debug!(error = %error.chain(), "peers could not be called; they look by themselves within a second");
            }
        });
    }
}
