//! What is remembered, while a batch works with it: read from `neurolink_rule_states` under its rows' locks, changed by pure
//! decisions, written back in the same transaction. A trial (backtest, preview) uses an empty one that is never written. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::kernel::Lane;

/// Longer keys are kept by their hash.
const KEY_CHARS: usize = 200;
/// The last moment that jobs can be due at: the end of 2199, less a day.
const LATEST: Timestamp = Timestamp::constant(7_258_032_000, 0);

/// The name of something remembered. Ordered as its rows are locked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Whose: a rule's, or 0 for what all rules share.
    pub rule: i64,
    /// `throttle:ali:…`, `entity:invoice:7` …
    pub key: String,
}

impl Key {
    fn new(rule: i64, kind: &str, parts: &[&str]) -> Self {
        // Only the last part may hold a colon as it is: `kim` + `x:y` is not `kim:x` + `y`.
        let mut text = String::new();
        for (nth, part) in parts.iter().enumerate() {
            if nth + 1 == parts.len() {
                text.push_str(part);
            } else {
                text.push_str(&part.replace('\\', "\\\\").replace(':', "\\:"));
                text.push(':');
            }
        }
        let text = if text.chars().count() > KEY_CHARS || text.contains('\0') {
            let hash = Sha256::digest(text.as_bytes());
            hash.iter().map(|byte| format!("{byte:02x}")).collect()
        } else {
            text
        };
        Self {
            rule,
            key: format!("{kind}:{text}"),
        }
    }

    /// What is known about an entity, for all rules.
    #[must_use]
    pub fn entity(kind: &str, id: &str) -> Self {
        Self::new(0, "entity", &[kind, id])
    }

    /// Events that are the same.
    #[must_use]
    pub fn dedupe(rule: i64, key: &str) -> Self {
        Self::new(rule, "dedupe", &[key])
    }

    /// The same of a rule that is a shadow: what it remembers must not silence it once it is live.
    #[must_use]
    pub fn of_shadow(mut self, is_shadow: bool) -> Self {
        if is_shadow {
            self.key.insert_str(0, "shadow-");
        }
        self
    }

    /// How much a person was told.
    #[must_use]
    pub fn throttle(rule: i64, user: &str, key: &str) -> Self {
        Self::new(rule, "throttle", &[user, key])
    }

    /// An event that is told later.
    #[must_use]
    pub fn delay(rule: i64, event: i64) -> Self {
        Self::new(rule, "delay", &[&event.to_string()])
    }

    /// A reminder of an entity's date.
    #[must_use]
    pub fn remind(rule: i64, kind: &str, id: &str) -> Self {
        Self::new(rule, "remind", &[kind, id])
    }

    /// What is gathered for a person; rule 0 = by their own schedule.
    #[must_use]
    pub fn digest(rule: i64, user: &str, key: &str) -> Self {
        Self::new(rule, "digest", &[user, key])
    }

    /// An event whose telling is watched.
    #[must_use]
    pub fn escalate(rule: i64, event: i64) -> Self {
        Self::new(rule, "escalate", &[&event.to_string()])
    }

    /// An event whose very many notifications are resolved.
    #[must_use]
    pub fn settle(rule: i64, event: i64) -> Self {
        Self::new(rule, "settle", &[&event.to_string()])
    }

    /// The rest of very many recipients.
    #[must_use]
    pub fn rest(rule: i64, event: i64, step: i16) -> Self {
        Self::new(rule, "rest", &[&event.to_string(), &step.to_string()])
    }
}

/// What rings when something remembered falls due: a kind of job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// A delayed or dated telling.
    Reminder,
    /// What was gathered.
    Digest,
    /// A look whether somebody has read it.
    Escalation,
    /// More recipients of the same.
    Fanout,
}

impl Alarm {
    /// The job's kind.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reminder => "reminder",
            Self::Digest => "digest",
            Self::Escalation => "escalation",
            Self::Fanout => "fanout",
        }
    }
}

/// Something remembered, as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// JSON.
    pub state: String,
    /// When it falls due.
    pub due_at: Option<Timestamp>,
}

/// What is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub key: Key,
    /// JSON; `None` = it is forgotten.
    pub state: Option<String>,
    /// When it falls due.
    pub due_at: Option<Timestamp>,
    /// When it may be forgotten.
    pub expires_at: Option<Timestamp>,
    /// An alarm is to be set for when it falls due.
    pub alarm: Option<(Alarm, Lane)>,
}

#[derive(Debug, Clone, Default)]
struct Entry {
    held: Held,
    /// Made by the reading: nothing was remembered.
    is_new: bool,
    is_changed: bool,
    is_gone: bool,
    expires_at: Option<Timestamp>,
    alarm: Option<(Alarm, Lane)>,
}

/// What a batch works with.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: BTreeMap<Key, Entry>,
}

impl Ledger {
    /// Takes in what was read. `is_new`: the row was made by the reading.
    pub fn read(&mut self, key: Key, held: Held, is_new: bool) {
        let entry = Entry {
            held,
            is_new,
            ..Entry::default()
        };
        self.entries.insert(key, entry);
    }

    /// What is remembered under a key; the default where that is nothing, or nothing that makes sense.
    #[must_use]
    pub fn get<T: DeserializeOwned + Default>(&self, key: &Key) -> T {
        let entry = self.entries.get(key).filter(|entry| !entry.is_gone);
        let read = entry.and_then(|entry| serde_json::from_str(&entry.held.state).ok());
        read.unwrap_or_default()
    }

    /// When it falls due.
    #[must_use]
    pub fn due(&self, key: &Key) -> Option<Timestamp> {
        let entry = self.entries.get(key).filter(|entry| !entry.is_gone)?;
        entry.held.due_at
    }

    /// Remembers something, until `expires` at least.
    pub fn put<T: Serialize>(&mut self, key: &Key, state: &T, expires: Timestamp) {
        let entry = self.entry(key);
        // A state of ours always has a JSON.
        entry.held.state = serde_json::to_string(state).unwrap_or_else(|_| "{}".to_owned());
        entry.expires_at = Some(expires);
    }

    /// The same, kept as long as it was to be.
    pub fn change<T: Serialize>(&mut self, key: &Key, state: &T) {
        self.entry(key).held.state =
            serde_json::to_string(state).unwrap_or_else(|_| "{}".to_owned());
    }

    /// Lets an alarm ring for it.
    pub fn ring(&mut self, key: &Key, alarm: Alarm, lane: Lane, due: Timestamp) {
        let entry = self.entry(key);
        entry.held.due_at = Some(due.min(LATEST));
        entry.alarm = Some((alarm, lane));
    }

    /// It falls due no more.
    pub fn calm(&mut self, key: &Key) {
        let entry = self.entry(key);
        entry.held.due_at = None;
        entry.alarm = None;
    }

    /// Forgets it.
    pub fn forget(&mut self, key: &Key) {
        let entry = self.entry(key);
        *entry = Entry {
            is_changed: true,
            is_gone: true,
            ..Entry::default()
        };
    }

    /// Lets go what may be forgotten by then: for trials, whose ledgers nobody sweeps.
    pub fn forget_expired(&mut self, now: Timestamp) {
        self.entries.retain(|_, entry| {
            let until = entry.expires_at.max(entry.held.due_at);
            !entry.is_gone && until.is_none_or(|until| until > now)
        });
    }

    fn entry(&mut self, key: &Key) -> &mut Entry {
        let entry = self.entries.entry(key.clone()).or_default();
        (entry.is_changed, entry.is_gone) = (true, false);
        entry
    }

    /// Whether an alarm is set that rings by then.
    #[must_use]
    pub fn rings_by(&self, moment: Timestamp) -> bool {
        let rings = |entry: &Entry| {
            entry.alarm.is_some() && entry.held.due_at.is_some_and(|due| due <= moment)
        };
        self.entries.values().any(rings)
    }

    /// What has to be written; rows that the reading made and nobody used are forgotten again.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        let changed = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.is_changed || entry.is_new);
        changed
            .map(|(key, entry)| Change {
                key: key.clone(),
                state: (entry.is_changed && !entry.is_gone).then(|| entry.held.state.clone()),
                due_at: entry.held.due_at,
                expires_at: entry.expires_at.max(entry.held.due_at),
                alarm: entry.alarm,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::memory::states::Rest;

    #[test]
    fn long_keys_are_kept_by_their_hash_and_short_ones_readable() {
        assert_eq!(Key::throttle(7, "ali", "x").key, "throttle:ali:x");
        let long = Key::dedupe(7, &"ا".repeat(500));
        assert_eq!(long.key.len(), "dedupe:".len() + 64);
        assert_ne!(long, Key::dedupe(7, &"ا".repeat(501)));
    }

    #[test]
    fn no_two_peoples_keys_are_the_same() {
        let (kim, kims) = (Key::digest(7, "kim", "x:y"), Key::digest(7, "kim:x", "y"));
        assert_ne!(kim, kims);
        assert_ne!(Key::digest(7, "a\\", "b"), Key::digest(7, "a", "\\:b"));
        assert_eq!(kim.key, "digest:kim:x:y");
        let live = Key::dedupe(7, "x");
        assert_eq!(live.clone().of_shadow(true).key, "shadow-dedupe:x");
        assert_eq!(live.clone().of_shadow(false), live);
    }

    #[test]
    fn only_what_was_changed_is_written_and_what_was_made_for_nothing_is_forgotten() {
        let mut ledger = Ledger::default();
        let (made, kept, used) = (Key::delay(1, 1), Key::delay(1, 2), Key::delay(1, 3));
        ledger.read(made.clone(), Held::default(), true);
        ledger.read(kept, Held::default(), false);
        ledger.read(used.clone(), Held::default(), true);
        let state = Rest {
            event: 3,
            ..Rest::default()
        };
        ledger.put(&used, &state, Timestamp::UNIX_EPOCH);
        ledger.ring(&used, Alarm::Fanout, Lane::Normal, Timestamp::UNIX_EPOCH);
        assert_eq!(ledger.get::<Rest>(&used), state);
        let changes = ledger.changes();
        assert_eq!(changes.len(), 2);
        assert_eq!((&changes[0].key, &changes[0].state), (&made, &None));
        assert!(changes[1].state.is_some() && changes[1].alarm.is_some());
        ledger.forget(&used);
        assert_eq!(ledger.get::<Rest>(&used), Rest::default());
        assert!(ledger.changes()[1].state.is_none());
    }

    #[test]
    fn what_a_dba_has_written_there_is_nothing_rather_than_a_fault() {
        let mut ledger = Ledger::default();
        let key = Key::rest(1, 2, 0);
        let held = Held {
            state: "[1, \"x\"".into(),
            due_at: None,
        };
        ledger.read(key.clone(), held, false);
        assert_eq!(ledger.get::<Rest>(&key), Rest::default());
    }
}
