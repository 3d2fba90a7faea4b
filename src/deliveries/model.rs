//! A delivery on its way out, and what comes back from a provider.

use std::time::Duration;

use jiff::Timestamp;

use crate::kernel::{ChannelKind, Lane, Severity};

/// One delivery, with everything a channel needs to send it.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Its id; providers that take an idempotency key get one made from it.
    pub delivery_id: i64,
    /// The notification's id.
    pub notification_id: i64,
    /// The recipient's id.
    pub user_id: String,
    /// The channel.
    pub channel: ChannelKind,
    /// E-mail address, phone number, chat id …
    pub address: String,
    /// The recipient's name.
    pub display_name: String,
    /// The language the texts are in.
    pub locale: String,
    /// One line.
    pub title: String,
    /// Plain text.
    pub body: String,
    /// Relative or http(s).
    pub action_url: Option<String>,
    /// The button's text.
    pub action_label: Option<String>,
    /// How bad.
    pub severity: Severity,
    /// Texts made for this channel alone: `subject`, `html`, `text`.
    pub content: Content,
    /// When the notification was made.
    pub created_at: Timestamp,
    /// 1 = the first.
    pub attempt: i32,
}

/// Texts made for one channel alone; stored as `neurolink_delivery_log.content`.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Content {
    /// E-mail's subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// E-mail's HTML part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// SMS's and other short channels' text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// The provider has taken it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// `smtp`, `files`, `twilio` …
    pub provider: &'static str,
    /// What the provider calls it.
    pub provider_message_id: Option<String>,
}

/// Why a try failed, and so what may be done next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Try again later: connection faults, 4xx of SMTP, 5xx of HTTP.
    #[error("{0}")]
    Transient(String),
    /// Try again after the wait the provider asked for; doesn't use up an attempt.
    #[error("{detail}")]
    RateLimited {
        /// The wait asked.
        retry_after: Duration,
        /// What the provider said.
        detail: String,
    },
    /// Trying again is no use: this address or content is refused.
    #[error("{0}")]
    Permanent(String),
    /// Trying again is no use until somebody mends our settings: credentials refused.
    #[error("{0}")]
    Misconfigured(String),
    /// The provider may have taken it: its answer was lost. Tried again under the same id.
    #[error("{0}")]
    Ambiguous(String),
}

/// A delivery about to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// `ChannelKind::delivery_id` of its notification.
    pub id: i64,
    /// The notification.
    pub notification_id: i64,
    /// The recipient.
    pub user_id: String,
    /// The channel.
    pub channel: ChannelKind,
    /// pending, delivered or suppressed.
    pub status: &'static str,
    /// Where to.
    pub address: Option<String>,
    /// The recipient's name.
    pub display_name: Option<String>,
    /// Texts of its own.
    pub content: Option<Content>,
    /// Why it is suppressed.
    pub reason: Option<&'static str>,
    /// Its job's lane.
    pub lane: Lane,
    /// Not to be sent before; `None` = at once.
    pub not_before: Option<Timestamp>,
    /// Why not.
    pub deferred_by: Option<&'static str>,
}

/// What is to become of a delivery job after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Sent.
    Done,
    /// Given up.
    Dead,
    /// Not wanted any more; nothing was tried.
    Cancel,
    /// Another attempt after the wait.
    Retry {
        /// How long.
        wait: Duration,
        /// Whether this attempt doesn't count (rate limits, shutdown).
        forgiven: bool,
    },
}

/// An attempt's end, to be written under its fence.
#[derive(Debug, Clone)]
pub struct Attempted {
    /// The job.
    pub job_id: i64,
    /// The delivery.
    pub delivery_id: i64,
    /// The attempt of the claim.
    pub attempt: i32,
    /// What now.
    pub next: Next,
    /// The attempt's outcome in a word; `None` = nothing was tried.
    pub outcome: Option<&'static str>,
    /// What went wrong.
    pub error: Option<String>,
    /// What the provider said.
    pub receipt: Option<Receipt>,
    /// How long it took.
    pub took: Duration,
}
