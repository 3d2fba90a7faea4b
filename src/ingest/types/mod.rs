//! Which event types there are, and which fields their payloads have: learnt from the events that are evaluated, so that nobody
//! scans the table for it. Comes from the pipeline, after a batch's commit; goes to `neurolink_event_types` and, paths and kinds
//! but no values, to `neurolink_event_fields`. Law: a hint for people. It is written beside the drain, on a connection of its own, of at most
//! one event a minute for each type and node; what is lost is learnt with the next event.

mod fields;
mod store;

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
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

/// Fields that were just written aren't written again for so long, unless others are seen.
const FIELDS_QUIET: Duration = Duration::from_secs(3600);

/// A type's name and module, with when it was first and last seen in a batch.
type Seen = (String, String, Timestamp, Timestamp);

/// A field that was seen: type, path, kinds, when.
type SeenField = (String, String, fields::Kinds, Timestamp);

/// What a batch is worth writing.
#[derive(Default)]
struct News {
    types: Vec<Seen>,
    /// A payload of each of these types, and when it was received.
    payloads: Vec<(String, String, Timestamp)>,
}

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
    /// By type: which fields were last written (a hash), and when.
    fields: HashMap<String, (u64, Instant)>,
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
        if news.types.is_empty() {
            return;
        }
        let this = self.clone();
        tokio::spawn(async move {
            let fields = this.new_fields(&news.payloads, clock::instant());
            let written = async {
                let client = this.db.client().await?;
                store::saw(&client, &news.types).await?;
                if fields.is_empty() {
                    return Ok(());
                }
                store::saw_fields(&client, &fields).await
            };
            if let Err(error) = written.await {
                tracing::debug!(error = %error.chain(), "event types could not be remembered; the next events say them again");
                this.forget(&news.types);
            }
        });
    }

    /// What is worth writing; it counts as written from here on.
    fn news(&self, events: &[Event], now: Instant) -> News {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut news = News::default();
        for event in events {
            let at = event.received_at;
            match known.written(event) {
                // Written by this very batch: its times may widen.
                Some(written) if written == now => {
                    let same =
                        |s: &&mut Seen| s.0 == event.event_type && s.1 == event.source_module;
                    if let Some(seen) = news.types.iter_mut().find(same) {
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
            news.types.push((
                event.event_type.clone(),
                event.source_module.clone(),
                at,
                at,
            ));
            if event.payload.len() <= fields::LONGEST {
                let payload = event.payload.clone();
                news.payloads.push((event.event_type.clone(), payload, at));
            }
        }
        news
    }

    /// The fields of these payloads, but for types whose fields are known to be written; they count as written from here on.
    fn new_fields(&self, payloads: &[(String, String, Timestamp)], now: Instant) -> Vec<SeenField> {
        let mut found: BTreeMap<&str, (fields::Fields, Timestamp)> = BTreeMap::new();
        for (event_type, payload, at) in payloads {
            let (all, seen) = found
                .entry(event_type)
                .or_insert_with(|| (fields::Fields::new(), *at));
            *seen = (*seen).max(*at);
            for (path, kinds) in fields::of(payload) {
                let known = all.entry(path).or_default();
                *known = known.and(kinds);
            }
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut news = Vec::new();
        for (event_type, (fields, at)) in found {
            let mut hasher = DefaultHasher::new();
            fields.hash(&mut hasher);
            let shape = hasher.finish();
            let is_fresh = |(written, when): &(u64, Instant)| {
                *written == shape && now.saturating_duration_since(*when) < FIELDS_QUIET
            };
            if fields.is_empty() || known.fields.get(event_type).is_some_and(is_fresh) {
                continue;
            }
            known.fields.insert(event_type.to_owned(), (shape, now));
            let row = |(path, kinds)| (event_type.to_owned(), path, kinds, at);
            news.extend(fields.into_iter().map(row));
        }
        news
    }

    fn forget(&self, news: &[Seen]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for (event_type, module, ..) in news {
            known.forget(event_type, module);
            known.fields.remove(event_type);
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
    async fn fields_are_written_once_an_hour_unless_others_are_seen() {
        let nowhere = tokio_postgres::Config::new();
        let db = Db::open(nowhere.clone(), nowhere, 1, QUIET).unwrap();
        let types = EventTypes::new(db);
        let now = clock::instant();
        let paths = |payloads: &[&str], now: Instant| -> Vec<String> {
            let at = Timestamp::UNIX_EPOCH;
            let of = |p: &&str| ("a.b".to_owned(), (*p).to_owned(), at);
            let payloads: Vec<_> = payloads.iter().map(of).collect();
            let fields = types.new_fields(&payloads, now);
            let told = |(_, path, kinds, _): SeenField| format!("{path}: {}", kinds.words());
            fields.into_iter().map(told).collect()
        };
        assert_eq!(
            paths(&[r#"{"a": 1}"#, r#"{"a": "x", "b": null}"#], now),
            ["a: string,number", "b: null"]
        );
        assert_eq!(
            paths(&[r#"{"b": null, "a": 7}"#], now),
            ["a: number", "b: null"]
        );
        assert_eq!(paths(&[r#"{"a": 8, "b": null}"#], now), [""; 0]);
        assert_eq!(
            paths(&[r#"{"a": 8, "b": null}"#], now + FIELDS_QUIET).len(),
            2
        );
        assert_eq!(paths(&["{}"], now + FIELDS_QUIET), [""; 0]);
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
        assert_eq!(news.types.len(), MOST);
        // What is known goes on being written; what could not be is no longer counted, and makes room.
        let later = now + QUIET;
        assert_eq!(types.news(&invented, later).types.len(), MOST);
        types.forget(&news.types[..5]);
        assert_eq!(types.news(&invented[MOST..], later).types.len(), 5);
    }
}
