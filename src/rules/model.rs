//! Rules as stored, as compiled, and what comes out of them.

use std::sync::Arc;

use jiff::Timestamp;

use crate::kernel::{ChannelKind, Severity};
use crate::rules::memory::model::Dated;

/// A row of `neurolink_notification_rules`.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleRow {
    /// Its id.
    pub id: i64,
    /// Unique name.
    pub name: String,
    /// `None` = any module.
    pub source_module: Option<String>,
    /// `invoice.overdue`, `invoice.*` or `*`.
    pub event_type_pattern: String,
    /// JSONLogic as JSON text; `None` = always.
    pub conditions: Option<String>,
    /// The template as JSON text.
    pub notification_template: String,
    /// Higher is evaluated first; also the lane.
    pub priority: i32,
    /// The version.
    pub version: i32,
    /// Whether this version told too much a minute, and is evaluated without telling anybody.
    pub is_held: bool,
}

/// What is wrong with a version of a rule, so that it isn't evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer into the rule (`/notification_template/title/ar`, `/conditions/and/1`), and inside a template
    /// ` line 1 column 7` after it.
    pub place: String,
    /// One sentence for people.
    pub detail: String,
}

/// Something that went wrong at run time without stopping the event; goes into its outcome.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Warning {
    /// The rule's name.
    pub rule: String,
    /// `missing_variable`, `type_error`, `render_failed`, `too_large` …
    pub kind: &'static str,
    /// What exactly.
    pub detail: String,
}

/// Which branches a rule's roles are looked for in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Branches {
    /// No matter.
    #[default]
    Any,
    /// People of one of these branches, or of all (`*`).
    Of(Vec<String>),
}

/// Who a match is for, before people are looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audience {
    /// Holders of any of these roles, within `branches`.
    pub roles: Vec<String>,
    /// The branches that limit the roles (an event without a branch under `"event"` gives `Any`).
    pub branches: Branches,
    /// Members of any of these groups, within `group_branches`.
    pub groups: Vec<String>,
    /// The branches that limit the groups: `Any` unless the rule names branches itself.
    pub group_branches: Branches,
    /// These people by id, whatever their branch: `recipient_users` and what `recipient_fields` point at.
    pub users: Vec<String>,
    /// Whoever follows this.
    pub followers_of: Option<Entity>,
    /// The managers of these people, by their ids: the actor, and whom `recipient_managers` points at.
    pub managers_of: Vec<String>,
    /// The managers of everybody chosen otherwise.
    pub managers_of_recipients: bool,
    /// This person is left out (`exclude_actor`).
    pub except: Option<String>,
    /// And these (`exclude_users`).
    pub excluded: Vec<String>,
}

/// What an event is about, as people follow it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entity {
    /// `invoice`.
    pub entity_type: String,
    /// `88101`.
    pub entity_id: String,
}

impl Audience {
    /// Whether it can reach nobody, whoever there is.
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        self.roles.is_empty()
            && self.groups.is_empty()
            && self.users.is_empty()
            && self.managers_of.is_empty()
            && self.followers_of.is_none()
    }
}

/// A rule that is true for an event.
#[derive(Debug, Clone)]
pub struct Match {
    /// The rule, compiled.
    pub rule: Arc<crate::rules::set::CompiledRule>,
    /// Who it is for.
    pub audience: Audience,
    /// 0 = the first telling; escalations count up.
    pub step: i16,
    /// What its memory needs to know; `None` for a rule that remembers nothing.
    pub moments: Option<Box<Moments>>,
}

/// What of an event a rule's memory goes by: its keys, rendered, and its date.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moments {
    /// When it was planned for, of what was put off.
    pub due: Option<Timestamp>,
    /// Others were told of the event before: its escalation has begun.
    pub has_begun: bool,
    /// `dedupe_key`
    pub dedupe: Option<String>,
    /// `throttle.key`
    pub throttle: String,
    /// `digest.key`
    pub digest: String,
    /// `delay.date`
    pub(crate) dated: Option<Dated>,
}

/// For whose eyes a text is rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct Reader {
    /// BCP 47, like `ar-IQ`.
    pub locale: String,
    /// IANA, like `Asia/Baghdad`.
    pub timezone: String,
    /// What `{{recipient.*}}` sees: id, display_name, email, roles, branch_ids, locale.
    pub fields: serde_json::Value,
}

/// A match's texts for one reader.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rendered {
    /// The language that was chosen (the key in the template, or the reader's own for a text without languages).
    pub locale: String,
    /// One line.
    pub title: String,
    /// Plain text.
    pub body: String,
    /// Relative (`/…`) or http(s).
    pub action_url: Option<String>,
    /// The button's text.
    pub action_label: Option<String>,
    /// One line; `None` = the title.
    pub email_subject: Option<String>,
    /// HTML; `None` = made from title and body.
    pub email_html: Option<String>,
    /// `None` = made from title and body.
    pub sms_body: Option<String>,
}

/// What of a rule doesn't depend on the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFacts {
    /// Its id.
    pub id: i64,
    /// Its version.
    pub version: i32,
    /// Its name.
    pub name: String,
    /// Its priority.
    pub priority: i32,
    /// `None` = the event's.
    pub severity: Option<Severity>,
    /// Default `general`.
    pub category: String,
    /// Default `[in_app]`, no duplicates.
    pub channels: Vec<ChannelKind>,
    /// Can't be switched off by preference.
    pub mandatory: bool,
    /// It told too much, and is held back until somebody releases it.
    pub is_held: bool,
    /// Whether any text uses `recipient.*`: if not, one rendering per (locale, time zone) serves all.
    pub personal: bool,
}

/// What came of one event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The event.
    pub event_id: i64,
    /// Rules that were true for it.
    pub rules_matched: i32,
    /// Notifications made of it.
    pub notifications: i32,
    /// Who was not told, and why.
    pub suppressed: Vec<Suppressed>,
    /// What went wrong without stopping it.
    pub warnings: Vec<Warning>,
}

/// People of one rule who were not told, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Suppressed {
    /// The rule's name.
    pub rule: String,
    /// `no_recipient`, `preference:email`, `not_configured:email`, `no_address:email` …
    pub reason: String,
    /// How many.
    pub count: i32,
    /// The first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Until when, for what is only put off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The event that resolved it, or said the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<i64>,
}

impl Suppressed {
    /// So many of a rule, for this reason.
    #[must_use]
    pub fn new(rule: &str, reason: impl Into<String>, count: usize) -> Self {
        Self {
            rule: rule.to_owned(),
            reason: reason.into(),
            count: i32::try_from(count).unwrap_or(i32::MAX),
            users: Vec::new(),
            until: None,
            by: None,
        }
    }
}
