//! A preview: what is asked, and what is answered. Types alone; `pipeline::trial` fills them in.

use jiff::Timestamp;
use serde::Serialize;

use super::Shown;
use crate::ingest::Event;
use crate::kernel::Severity;
use crate::rules::model::Suppressed;
use crate::rules::{FailingPart, Part, RuleRow, Warning};

/// People shown, chosen and left out each.
pub const PEOPLE: usize = 100;
/// Languages that texts are shown in.
pub const LOCALES: usize = 40;

/// A rule, an event, and what else is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The rule; of a draft: id and version 0.
    pub rule: RuleRow,
    /// Why it tells nobody as things are, if it is saved and switched off or held.
    pub silence: Vec<Said>,
    /// The event; of one that isn't stored: id 0.
    pub event: Event,
    /// Show these people alone; empty = the first ones.
    pub users: Vec<String>,
    /// When the rule would be evaluated.
    pub now: Timestamp,
    /// Whether addresses are shown whole.
    pub shows_addresses: bool,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Preview {
    /// The rule.
    pub rule: TriedRule,
    /// The event.
    pub event: TriedEvent,
    /// When the rule would be evaluated.
    pub now: Timestamp,
    /// What is wrong with the rule, so that nothing else can be said.
    pub fault: Option<Wrong>,
    /// Why a saved rule tells nobody as things are (`switched_off`, `held`: what follows is as if it weren't), then what is allowed but
    /// probably not meant, as `neurolink rules check` says it.
    pub hints: Vec<Said>,
    /// Whether the rule would fire: if not, recipients and texts are what they would be if it did.
    pub matched: bool,
    /// In a word.
    pub verdict: &'static str,
    /// In a sentence.
    pub why: String,
    /// The part of its condition that isn't true.
    pub failing: Option<FailingPart>,
    /// Its condition, part by part.
    pub trace: Option<Part>,
    /// Whom it would tell.
    pub recipients: Shown<Recipient>,
    /// Who holds one of its roles or is named, and would not be told.
    pub left_out: Shown<LeftOut>,
    /// What its memory means for the event, as if nothing were remembered yet.
    pub memory: Vec<Remembered>,
    /// The steps of its escalation, as they come if nobody does what ends it.
    pub steps: Vec<Further>,
    /// Its texts in every language that it or its recipients have.
    pub texts: Vec<Texts>,
    /// What the event's outcome would say was suppressed, over all recipients.
    pub suppressed: Vec<Suppressed>,
    /// What the event's outcome would say of warnings.
    pub warnings: Vec<Said>,
}

/// The rule that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TriedRule {
    /// `None` = it isn't saved.
    pub id: Option<i64>,
    /// The same.
    pub version: Option<i32>,
    /// Its name.
    pub name: String,
}

impl TriedRule {
    /// Of a row; 0 stands for what isn't saved.
    #[must_use]
    pub fn of(row: &RuleRow) -> Self {
        let is_saved = row.id != 0;
        Self {
            id: is_saved.then_some(row.id),
            version: is_saved.then_some(row.version),
            name: row.name.clone(),
        }
    }
}

/// The event it was tried on, without its payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TriedEvent {
    /// `None` = it isn't stored.
    pub id: Option<i64>,
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
    /// Where.
    pub branch_id: Option<String>,
    /// Who did it.
    pub actor_id: Option<String>,
    /// About what.
    pub entity_type: Option<String>,
    /// About which.
    pub entity_id: Option<String>,
}

impl TriedEvent {
    /// Of an event; id 0 stands for one that isn't stored.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        Self {
            id: (event.id != 0).then_some(event.id),
            source_module: event.source_module.clone(),
            event_type: event.event_type.clone(),
            severity: event.severity,
            occurred_at: event.occurred_at,
            received_at: event.received_at,
            branch_id: event.branch_id.clone(),
            actor_id: event.actor_id.clone(),
            entity_type: event.entity_type.clone(),
            entity_id: event.entity_id.clone(),
        }
    }
}

/// A fault and its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wrong {
    /// JSON pointer into the rule, with line and column inside a template.
    pub place: String,
    /// One sentence.
    pub detail: String,
}

/// A warning or hint, of the one rule there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// `missing_variable`, `hint` …
    pub kind: &'static str,
    /// What exactly.
    pub detail: String,
}

impl From<Warning> for Said {
    fn from(warning: Warning) -> Self {
        Self {
            kind: warning.kind,
            detail: warning.detail,
        }
    }
}

/// Somebody who would be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recipient {
    /// Who.
    pub user_id: String,
    /// Their name.
    pub display_name: String,
    /// For programs: `named`, `field`, `role` …
    pub code: &'static str,
    /// Why they, in words.
    pub why: String,
    /// Their language.
    pub locale: String,
    /// Their time zone.
    pub timezone: String,
    /// Whether a notification would be made at once.
    pub is_told: bool,
    /// Why not: `delayed`, `digested`, `shadow` …, or `render_failed` where its texts can't be written.
    pub reason: Option<String>,
    /// Until when it would be put off.
    pub until: Option<Timestamp>,
    /// Whether it would be in their inbox.
    pub in_app: bool,
    /// The notification's title, as of when they are told.
    pub title: Option<String>,
    /// One per channel, as it would be planned.
    pub deliveries: Vec<Way>,
}

/// A delivery that would be planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Way {
    /// `in_app`, `email` …
    pub channel: &'static str,
    /// `delivered` (in-app), `pending`, `suppressed`.
    pub status: &'static str,
    /// Why it is suppressed (`preference`, `not_configured`, `no_address`) or waits (`quiet_hours`).
    pub reason: Option<&'static str>,
    /// Until when it waits.
    pub until: Option<Timestamp>,
    /// Where to; masked for auditors.
    pub address: Option<String>,
}

/// What one key of a rule's memory means for an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remembered {
    /// `delay`, `dedupe_key`, `throttle`, `digest`, `escalate`, `resolves`, `expires_after`, `shadow`, `storm_limit`.
    pub key: &'static str,
    /// In words.
    pub why: String,
    /// The key that is counted by, or the date that is meant, as the event gives it.
    pub value: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
    /// In which zone that is reckoned: a reminder's own, or that of whose digest comes first.
    pub timezone: Option<String>,
}

/// A step of an escalation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Further {
    /// Which, counted from 1.
    pub step: i16,
    /// How long after the telling before it: `1 h`.
    pub after: String,
    /// When it comes; `None` where nobody is told in the first place or it is of no use by then, so that it never does.
    pub at: Option<Timestamp>,
    /// What somebody who was told does so that it doesn't come to it: `read`, `acknowledged`.
    pub unless: &'static str,
    /// How it tells.
    pub channels: Vec<&'static str>,
    /// Whom it tells.
    pub recipients: Shown<Reached>,
}

/// Somebody whom a step of an escalation would tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// Who.
    pub user_id: String,
    /// Their name.
    pub display_name: String,
    /// For programs, as of a recipient; `told` = of a telling before.
    pub code: &'static str,
    /// Why they, in words.
    pub why: String,
    /// Their language.
    pub locale: String,
}

/// Somebody who would not be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Who.
    pub user_id: String,
    /// Their name; empty where nobody of that id is known.
    pub display_name: String,
    /// For programs: `other_branch`, `actor`, `inactive`, `unknown`, `excluded`, `not_recipient`.
    pub code: &'static str,
    /// In words.
    pub why: String,
}

/// The texts in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Texts {
    /// Of which step of the escalation; 0 = the first telling. What a step says just as that does is there once.
    pub step: i16,
    /// When they are told: as of then they are written. Where nobody is told, as of the evaluation, or so much later.
    pub at: Timestamp,
    /// Of a digest of so many alike; 0 = of a notification of its own.
    pub gathered: u8,
    /// The reader's language.
    pub locale: String,
    /// The language that was chosen for them.
    pub language: String,
    /// For whom it is rendered; `None` = for a made-up reader.
    pub user_id: Option<String>,
    /// In whose time zone.
    pub timezone: String,
    /// Recipients of this language, of the step's.
    pub readers: usize,
    /// How each of the rule's channels shows them; none where they can't be written.
    pub channels: Vec<ChannelText>,
    /// What is to be said of them: missing variables and the like; `render_failed` where they can't be written.
    pub warnings: Vec<Said>,
}

/// What one channel shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelText {
    /// Which.
    pub channel: &'static str,
    /// The title; a mail's subject; nothing on channels that only have a text.
    pub title: Option<String>,
    /// Plain text.
    pub text: String,
    /// A mail's HTML, whole.
    pub html: Option<String>,
    /// Where its button leads.
    pub action_url: Option<String>,
    /// What the button says.
    pub action_label: Option<String>,
}
