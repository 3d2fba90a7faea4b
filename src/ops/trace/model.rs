//! The tree, and what it is made of.

use jiff::Timestamp;
use serde::Serialize;

use crate::ingest::Outcome;
use crate::kernel::Severity;
use crate::rules::{FailingPart, Finding, RuleRow};

/// A rule as it stands today, with what makes nodes pass over it.
#[derive(Debug, Clone)]
pub struct Today {
    /// Its row.
    pub row: RuleRow,
    /// Whether it is switched on.
    pub enabled: bool,
    /// What a node has found wrong: kind and detail, with its place.
    pub fault: Option<(String, String)>,
}

impl Today {
    /// What is said of it where a watchdog has stopped it. (A compile fault is found anew by asking; this looks sound.)
    #[must_use]
    pub fn stopped(&self) -> Option<&str> {
        let (kind, detail) = self.fault.as_ref()?;
        (kind == "watchdog").then_some(detail)
    }
}

/// A rule of today and what it says of the event.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The rule.
    pub rule: Today,
    /// What it says.
    pub finding: Finding,
}

/// A rule's place in the tree, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is true for the event.
    True,
    /// Its condition isn't.
    False,
    /// It is switched off.
    Off,
    /// It can't be compiled, or was stopped.
    Faulty,
    /// It can't work with this event.
    Broken,
    /// It told people once, and is about other events now.
    Elsewhere,
    /// It told people once, and was deleted.
    Gone,
}

/// The whole.
#[derive(Debug, Serialize)]
pub struct Trace {
    /// The event.
    pub event: Head,
    /// What came of it.
    pub outcome: Outcome,
    /// The job that evaluates it alone or again.
    pub job: Option<Job>,
    /// By which rules it was judged here.
    pub judged_by: &'static str,
    /// In the order of evaluation.
    pub rules: Vec<TracedRule>,
    /// Rules that could concern it and aren't shown.
    pub rules_not_shown: i64,
    /// Rules that are about other modules or types.
    pub rules_elsewhere: i64,
}

/// An event without its payload.
#[derive(Debug, Serialize)]
pub struct Head {
    /// Its id.
    pub id: i64,
    /// `invoicing`.
    pub source_module: String,
    /// `invoice.overdue`.
    pub event_type: String,
    /// How bad.
    pub severity: Severity,
    /// In the business.
    pub occurred_at: Timestamp,
    /// In the database.
    pub received_at: Timestamp,
    /// Of which act.
    pub correlation_id: Option<String>,
    /// Where.
    pub branch_id: Option<String>,
    /// Who did it.
    pub actor_id: Option<String>,
    /// About what.
    pub entity_type: Option<String>,
    /// About which.
    pub entity_id: Option<String>,
}

/// A job that evaluates an event alone or again.
#[derive(Debug, Serialize)]
pub struct Job {
    /// Its id.
    pub id: i64,
    /// `single` or `replay`.
    pub channel: String,
    /// Attempts begun.
    pub attempt: i32,
    /// When this is used up it is given up.
    pub max_attempts: i32,
    /// Not before; while claimed: the end of the lease.
    pub run_at: Timestamp,
    /// Whether a worker is at it.
    pub is_claimed: bool,
    /// What went wrong the last time.
    pub last_error: Option<String>,
}

/// A rule in the tree.
#[derive(Debug, Serialize)]
pub struct TracedRule {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its present version, or the last it had.
    pub version: i32,
    /// What it says of the event.
    pub verdict: Verdict,
    /// In a sentence.
    pub why: String,
    /// The part of the condition that isn't true.
    pub failing: Option<FailingPart>,
    /// Versions by which the people shown were told.
    pub told_by_versions: Vec<i32>,
    /// Whether that was the present version; `null` when nobody was told.
    pub is_same_version: Option<bool>,
    /// Whom.
    pub recipients: Recipients,
}

/// A rule's people.
#[derive(Debug, Default, Serialize)]
pub struct Recipients {
    /// Whom the rule would choose today.
    pub chosen_today: usize,
    /// Notifications it made of the event, at most 1 000 counted.
    pub notified: i64,
    /// Some of them: first who was told, by id.
    pub items: Vec<Recipient>,
}

/// One of them.
#[derive(Debug, Serialize)]
pub struct Recipient {
    /// Who.
    pub user_id: String,
    /// Whether the rule would choose them today.
    pub is_chosen_today: bool,
    /// What they were told.
    pub notifications: Vec<Told>,
}

/// A notification in the tree.
#[derive(Debug, Serialize)]
pub struct Told {
    /// Its id.
    pub id: i64,
    /// The rule's version then.
    pub rule_version: i32,
    /// 0 = the first telling.
    pub step: i16,
    /// Whether it is in the inbox.
    pub in_app: bool,
    /// What it said; empty once deleted.
    pub title: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was first seen.
    pub seen_at: Option<Timestamp>,
    /// When it was opened.
    pub read_at: Option<Timestamp>,
    /// When it was put away.
    pub archived_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// When its reader said that they take care of it.
    pub acknowledged_at: Option<Timestamp>,
    /// When a later event settled what it spoke of.
    pub resolved_at: Option<Timestamp>,
    /// When it leaves, or left, the inbox by itself.
    pub expires_at: Option<Timestamp>,
    /// One per channel.
    pub deliveries: Vec<Delivery>,
}

/// A delivery in the tree.
#[derive(Debug, Serialize)]
pub struct Delivery {
    /// Its id.
    pub id: i64,
    /// `in_app`, `email` …
    pub channel: String,
    /// pending, sent, delivered, dead, suppressed, cancelled.
    pub status: String,
    /// Attempts made.
    pub attempts_made: i32,
    /// Who took it over.
    pub provider: Option<String>,
    /// Where to; for masking what is said.
    #[serde(skip)]
    pub address: Option<String>,
    /// Of the last attempt; of a suppressed one: why.
    pub reason: Option<String>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When the provider took it.
    pub sent_at: Option<Timestamp>,
    /// When it arrived.
    pub delivered_at: Option<Timestamp>,
    /// When it came to its end.
    pub ended_at: Option<Timestamp>,
    /// Why its first attempt didn't come at once: `quiet_hours`.
    pub deferred_by: Option<String>,
    /// When it is tried next; `None` = it is being sent, or not tried any more.
    pub next_attempt_at: Option<Timestamp>,
    /// The last ones, in order.
    pub attempts: Vec<Attempt>,
}

/// One try outside of PostgreSQL.
#[derive(Debug, Serialize)]
pub struct Attempt {
    /// Which.
    pub attempt: i32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// accepted, transient, rate_limited, permanent, misconfigured, ambiguous, lost.
    pub outcome: String,
    /// What went wrong.
    pub error: Option<String>,
}
