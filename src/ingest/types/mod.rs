//! Which event types there are: learnt from the events that are evaluated, so that nobody scans the table for it. Comes from the
//! pipeline, after a batch's commit; goes to `neurolink_event_types`. Law: a hint for people. It is written beside the drain, on
//! a connection of its own, at most once a minute for each type and node; what is lost is learnt with the next event.

mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::db::Db;
use crate::ingest::model::Event;
use crate::kernel::clock;

/// A type that was just written isn't written again for so long.
const QUIET: Duration = Duration::from_secs(60);
/// Types that a node remembers. A producer that invents names without end fills no memory and no table.
const MOST: usize = 10_000;

/// A type's name and module, with when it was first and last seen in a batch.
type Seen = (String, String, Timestamp, Timestamp);

/// What a node knows of event types. Cheap to clone.
#[derive(Clone)]
pub struct EventTypes {
    db: Db,
    /// By type, then module: when it was last written.
    known: Arc<Mutex<HashMap<String, HashMap<String, Instant>>>>,
}

impl EventTypes {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self {
            db,
            known: Arc::default(),
        }
    }

    /// These events were evaluated, and are committed. Returns at once.
    pub fn saw(&self, events: &[Event]) {
        let news = self.news(events, clock::instant());
        if news.is_empty() {
            return;
        }
        let this = self.clone();
        tokio::spawn(async move {
            let written = async { store::saw(&this.db.client().await?, &news).await }.await;
            if let Err(error) = written {
                tracing::debug!(error = %error.chain(), "event types could not be remembered; the next events say them again");
                this.forget(&news);
            }
        });
    }

    /// What is worth writing; it counts as written from here on.
    fn news(&self, events: &[Event], now: Instant) -> Vec<Seen> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut news: Vec<Seen> = Vec::new();
        for event in events {
            let at = event.received_at;
            let written = known
                .get(&event.event_type)
                .and_then(|modules| modules.get(&event.source_module));
            match written {
                // Written by this very batch: its times may widen.
                Some(written) if *written == now => {
                    let same =
                        |s: &&mut Seen| s.0 == event.event_type && s.1 == event.source_module;
                    if let Some(seen) = news.iter_mut().find(same) {
                        seen.2 = seen.2.min(at);
                        seen.3 = seen.3.max(at);
                    }
                    continue;
                }
                Some(written) if now.saturating_duration_since(*written) < QUIET => continue,
                None if known.len() >= MOST => continue,
                _ => {}
            }
            let modules = known.entry(event.event_type.clone()).or_default();
            if modules.len() < MOST {
                modules.insert(event.source_module.clone(), now);
                news.push((
                    event.event_type.clone(),
                    event.source_module.clone(),
                    at,
                    at,
                ));
            }
        }
        news
    }

    fn forget(&self, news: &[Seen]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for (event_type, module, ..) in news {
            if let Some(modules) = known.get_mut(event_type) {
                modules.remove(module);
            }
        }
    }
}
