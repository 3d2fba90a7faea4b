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
/// Types of modules that a node remembers. A producer that invents names without end, of either, fills no memory and no table.
const MOST: usize = 10_000;

/// A type's name and module, with when it was first and last seen in a batch.
type Seen = (String, String, Timestamp, Timestamp);

/// What a node knows of event types. Cheap to clone.
#[derive(Clone)]
pub struct EventTypes {
    db: Db,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    /// By type, then module: when it was last written.
    types: HashMap<String, HashMap<String, Instant>>,
    /// Modules of all types together.
    pairs: usize,
}

impl Known {
    fn written(&self, event: &Event) -> Option<Instant> {
        let modules = self.types.get(&event.event_type)?;
        modules.get(&event.source_module).copied()
    }

    fn remember(&mut self, event: &Event, now: Instant) {
        let modules = self.types.entry(event.event_type.clone()).or_default();
        if modules.insert(event.source_module.clone(), now).is_none() {
            self.pairs += 1;
        }
    }

    fn forget(&mut self, event_type: &str, module: &str) {
        let Some(modules) = self.types.get_mut(event_type) else {
            return;
        };
        if modules.remove(module).is_some() {
            self.pairs -= 1;
        }
        if modules.is_empty() {
            self.types.remove(event_type);
        }
    }
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
            match known.written(event) {
                // Written by this very batch: its times may widen.
                Some(written) if written == now => {
                    let same =
                        |s: &&mut Seen| s.0 == event.event_type && s.1 == event.source_module;
                    if let Some(seen) = news.iter_mut().find(same) {
                        seen.2 = seen.2.min(at);
                        seen.3 = seen.3.max(at);
                    }
                    continue;
                }
                Some(written) if now.saturating_duration_since(written) < QUIET => continue,
                None if known.pairs >= MOST => continue,
                _ => {}
            }
            known.remember(event, now);
            news.push((
                event.event_type.clone(),
                event.source_module.clone(),
                at,
                at,
            ));
        }
        news
    }

    fn forget(&self, news: &[Seen]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for (event_type, module, ..) in news {
            known.forget(event_type, module);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Severity;

    fn event(event_type: String, source_module: String) -> Event {
        let at = Timestamp::UNIX_EPOCH;
        Event {
            id: 7,
            source_module,
            event_type,
            severity: Severity::Info,
            occurred_at: at,
            received_at: at,
            payload: "{}".into(),
            correlation_id: None,
            branch_id: None,
            actor_id: None,
            entity_type: None,
            entity_id: None,
        }
    }

    #[tokio::test]
    async fn neither_invented_types_nor_invented_modules_fill_the_memory() {
        let nowhere = tokio_postgres::Config::new();
        let db = Db::open(nowhere.clone(), nowhere, 1, QUIET).unwrap();
        let types = EventTypes::new(db);
        let side = 101;
        let invented: Vec<Event> = (0..side * side)
            .map(|n| event(format!("a.t{}", n / side), format!("m{}", n % side)))
            .collect();
        let now = clock::instant();
        let news = types.news(&invented, now);
        assert_eq!(news.len(), MOST);
        // What is known goes on being written; what could not be is no longer counted, and makes room.
        let later = now + QUIET;
        assert_eq!(types.news(&invented, later).len(), MOST);
        types.forget(&news[..5]);
        assert_eq!(types.news(&invented[MOST..], later).len(), 5);
    }
}
