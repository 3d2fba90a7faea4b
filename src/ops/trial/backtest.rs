//! A backtest: what is asked, and what is answered. Types alone; `pipeline::trial` fills them in.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::Shown;
use super::preview::{TriedEvent, TriedRule};
use crate::rules::RuleRow;

/// People, branches and events that are named.
pub const NAMED: usize = 100;
/// Notifications of a sample.
pub const SAMPLED: usize = 3;
/// Samples that may be asked for.
pub const SAMPLES: usize = 50;

/// A rule and the time it is tried on.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The rule; of a draft: id and version 0.
    pub rule: RuleRow,
    /// What it is compared with.
    pub live: Option<Live>,
    /// Events received from this moment on.
    pub from: Timestamp,
    /// And before this one; `None` = until now.
    pub to: Option<Timestamp>,
    /// Events shown with what they would have told.
    pub samples: usize,
    /// Events of these branches and of none; `None` = all.
    pub branches: Option<Vec<String>>,
}

/// The saved rule that a backtest is compared with.
#[derive(Debug, Clone)]
pub struct Live {
    /// The rule.
    pub row: RuleRow,
    /// Whether it is switched on: off, it tells nobody.
    pub enabled: bool,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Backtest {
    /// The rule.
    pub rule: TriedRule,
    /// The time.
    pub window: Window,
    /// Events of the time.
    pub looked: u64,
    /// Of these, those of its module and types that the caller may see.
    pub concerned: u64,
    /// Events it would have been true for.
    pub matched: u64,
    /// Events that could not be evaluated.
    pub failed: u64,
    /// Notifications it would have made.
    pub notifications: u64,
    /// Of these, those that would have gathered others.
    pub digests: u64,
    /// The minute in which most would have been made; a rule over its `storm_limit` would have been held there.
    pub busiest_minute: Option<Busiest>,
    /// By person, who would have been told most first.
    pub people: Shown<PersonCount>,
    /// By the events' branch, most first.
    pub branches: Shown<BranchCount>,
    /// By channel.
    pub channels: Vec<ChannelCount>,
    /// By day (UTC) of receipt.
    pub days: Vec<DayCount>,
    /// Why somebody or nobody would have been told less, or later: `no_recipient` counts events, the rest people.
    pub suppressed: BTreeMap<String, u64>,
    /// Events that were put off and still wait at the end of the time: those a newer one has taken the place of don't.
    pub waiting: u64,
    /// Warnings that would have been noted, most first.
    pub warnings: Vec<WarningCount>,
    /// The newest events it would have been true for.
    pub samples: Vec<Sample>,
    /// Beside the saved rule.
    pub difference: Option<Difference>,
    /// How long it took.
    pub seconds: f64,
}

/// A time, its end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Window {
    /// From.
    pub from: Timestamp,
    /// To.
    pub to: Timestamp,
}

/// A minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Busiest {
    /// Its beginning.
    pub at: Timestamp,
    /// Notifications.
    pub notifications: u64,
}

/// A person's share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonCount {
    /// Who.
    pub user_id: String,
    /// Notifications.
    pub notifications: u64,
}

/// A branch's share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BranchCount {
    /// `None` = events of no branch.
    pub branch_id: Option<String>,
    /// Events.
    pub matched: u64,
    /// Notifications.
    pub notifications: u64,
}

/// A channel's share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelCount {
    /// Which.
    pub channel: &'static str,
    /// Deliveries that would have been made.
    pub deliveries: u64,
    /// Deliveries that would have been suppressed, by reason.
    pub suppressed: BTreeMap<&'static str, u64>,
}

/// A day's share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayCount {
    /// `2026-11-22`.
    pub day: String,
    /// Events.
    pub matched: u64,
    /// Notifications.
    pub notifications: u64,
}

/// A warning and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WarningCount {
    /// `missing_variable` …
    pub kind: &'static str,
    /// What exactly.
    pub detail: String,
    /// Events.
    pub events: u64,
}

/// An event it would have been true for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// The event.
    pub event: TriedEvent,
    /// What it would have told.
    pub notifications: Shown<Told>,
}

/// What somebody would have been told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Who.
    pub user_id: String,
    /// In which language.
    pub locale: String,
    /// Whether in their inbox.
    pub in_app: bool,
    /// One line.
    pub title: String,
    /// Plain text.
    pub body: String,
    /// Where it leads.
    pub action_url: Option<String>,
}

/// What would be otherwise than by the saved rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The saved rule.
    pub live: TriedRule,
    /// Whether it is switched on; off, it would have told nobody.
    pub is_enabled: bool,
    /// Events that only the rule tried would have been true for, newest first.
    pub only_new: Shown<i64>,
    /// Events that only the saved one would have.
    pub only_live: Shown<i64>,
    /// Events that both would have.
    pub both: u64,
    /// Notifications that the saved one would have made.
    pub notifications: u64,
    /// People who would have been told more or less often, the largest difference first.
    pub people: Shown<PersonChange>,
}

/// A person's change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonChange {
    /// Who.
    pub user_id: String,
    /// By the rule tried.
    pub new: u64,
    /// By the saved one.
    pub live: u64,
    /// The first less the second.
    pub change: i64,
}
