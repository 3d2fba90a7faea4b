//! The delivery log, read and steered. Comes from `neurolink_delivery_log` and its attempts; goes to admins and auditors, and to
//! `neurolink queue`. What a retry or a cancel does is said in one place, `sql/functions/steering.sql`: this asks, and tells.

pub mod mask;
pub mod routes;
pub mod steer;
pub mod store;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::kernel::{ChannelKind, Error};

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits, or is being sent.
    Pending,
    /// A provider has taken it.
    Sent,
    /// It is there.
    Delivered,
    /// Its attempts are used up, or trying again is no use.
    Dead,
    /// Withheld, with a reason.
    Suppressed,
    /// Not wanted any more.
    Cancelled,
}

impl Status {
    /// All, in the order of a delivery's life.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Sent,
        Self::Delivered,
        Self::Dead,
        Self::Suppressed,
        Self::Cancelled,
    ];

    /// The word as stored and sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Suppressed => "suppressed",
            Self::Cancelled => "cancelled",
        }
    }

    /// From the word; `None` for any other.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// Which deliveries. Its JSON is what the SQL functions take.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Filter {
    /// As far as this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// On this channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelKind>,
    /// To this person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Of this event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<i64>,
    /// Made not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Made before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

/// A delivery as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delivery {
    /// Its id.
    pub id: i64,
    /// What it tells.
    pub notification_id: i64,
    /// Of which event; `None` = somebody told it directly, or the notification was swept away.
    pub event_id: Option<i64>,
    /// The recipient.
    pub user_id: String,
    /// The event's branch.
    pub branch_id: Option<String>,
    /// The channel.
    pub channel: String,
    /// How far it has come.
    pub status: String,
    /// Whether it is being sent at this moment.
    pub running: bool,
    /// When it is tried next; `None` = it is being sent, or not tried any more.
    pub next_attempt_at: Option<Timestamp>,
    /// Why the first attempt didn't come at once: `quiet_hours`.
    pub deferred_by: Option<String>,
    /// Where to.
    pub address: Option<String>,
    /// Attempts made.
    pub attempts: i32,
    /// Who took it: `smtp`, `files` …
    pub provider: Option<String>,
    /// What they call it.
    pub provider_message_id: Option<String>,
    /// Of the last attempt; for a suppressed one the reason.
    pub last_error: Option<String>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When a provider took it.
    pub sent_at: Option<Timestamp>,
    /// When it was there.
    pub delivered_at: Option<Timestamp>,
    /// Since when nothing more comes of it by itself.
    pub ended_at: Option<Timestamp>,
}

/// One try.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attempt {
    /// 1 = the first.
    pub attempt: i32,
    /// The process that tried (`neurolink_workers`).
    pub worker: Uuid,
    /// From when.
    pub started_at: Timestamp,
    /// Until when.
    pub finished_at: Timestamp,
    /// `accepted`, `transient`, `rate_limited`, `permanent`, `misconfigured`, `ambiguous`, `lost`.
    pub outcome: String,
    /// What went wrong.
    pub error: Option<String>,
    /// What the provider calls it.
    pub provider_message_id: Option<String>,
}

/// What came of retrying or cancelling a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is pending, with a job.
    Queued,
    /// It was pending, and is due at once.
    Hastened,
    /// It is being sent at this moment.
    Running,
    /// It is cancelled.
    Cancelled,
    /// It had ended already: nothing to cancel.
    Ended,
    /// It is sent.
    Sent,
    /// The person has switched the channel off.
    Unwanted,
    /// Nobody has settings for the channel.
    NotConfigured,
    /// Nobody knows an address.
    NoAddress,
    /// There is nothing to send.
    Gone,
    /// There is no such delivery.
    Missing,
}

impl Outcome {
    const WORDS: [(&'static str, Self); 11] = [
        ("queued", Self::Queued),
        ("hastened", Self::Hastened),
        ("running", Self::Running),
        ("cancelled", Self::Cancelled),
        ("ended", Self::Ended),
        ("sent", Self::Sent),
        ("unwanted", Self::Unwanted),
        ("not_configured", Self::NotConfigured),
        ("no_address", Self::NoAddress),
        ("gone", Self::Gone),
        ("missing", Self::Missing),
    ];

    /// The word, as the SQL functions and the API say it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|(_, outcome)| *outcome == self)
            .map_or("", |(word, _)| word)
    }

    /// From the word of the SQL functions; `None` for any other.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS
            .iter()
            .find(|(other, _)| *other == word)
            .map(|(_, outcome)| *outcome)
    }

    /// As the answer to a retry: refused with why and the way out, where nothing will be sent.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` with a code of its own.
    pub fn retried(self) -> Result<Self, Error> {
        let (code, detail) = match self {
            Self::Missing => return Err(Error::NotFound("delivery")),
            Self::Sent => (SENT, "it is sent; `force` sends it again"),
            Self::Unwanted => (
                UNWANTED,
                "the recipient has switched this channel off; `force` sends it all the same",
            ),
            Self::NotConfigured => (
                NOT_CONFIGURED,
                "no worker has settings for this channel; `neurolink config` lists them",
            ),
            Self::NoAddress => (
                NO_ADDRESS,
                "neither the directory nor the delivery has an address",
            ),
            Self::Gone => (
                NOTHING,
                "it is of an inbox, or its notification was deleted",
            ),
            _ => return Ok(self),
        };
        Err(conflict(code, detail))
    }

    /// As the answer to a cancel.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` with a code of its own.
    pub fn cancelled(self) -> Result<Self, Error> {
        let (code, detail) = match self {
            Self::Missing => return Err(Error::NotFound("delivery")),
            Self::Running => (
                RUNNING,
                "it is being sent at this moment; look again shortly",
            ),
            Self::Sent => (SENT, "it is sent, and can't be called back"),
            _ => return Ok(self),
        };
        Err(conflict(code, detail))
    }
}

/// A problem's code: so written that the test of the list of codes finds it.
struct Refusal {
    code: &'static str,
}

const SENT: Refusal = Refusal {
    code: "already_sent",
};
const UNWANTED: Refusal = Refusal {
    code: "switched_off",
};
const NOT_CONFIGURED: Refusal = Refusal {
    code: "channel_not_configured",
};
const NO_ADDRESS: Refusal = Refusal { code: "no_address" };
const NOTHING: Refusal = Refusal {
    code: "nothing_to_send",
};
const RUNNING: Refusal = Refusal {
    code: "delivery_running",
};

fn conflict(Refusal { code }: Refusal, detail: &str) -> Error {
    Error::Conflict {
        code,
        detail: detail.to_owned(),
        place: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_comes_back_from_its_text() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
            let json = serde_json::to_value(status).unwrap();
            assert_eq!(json, status.as_str());
        }
        for (word, outcome) in Outcome::WORDS {
            assert_eq!(outcome.as_str(), word);
            assert_eq!(serde_json::to_value(outcome).unwrap(), word);
        }
        assert_eq!(Outcome::parse("eaten"), None);
    }

    #[test]
    fn a_filter_says_only_what_it_asks_for() {
        let filter = Filter {
            status: Some(Status::Dead),
            channel: Some(ChannelKind::WebPush),
            from: Some("2026-12-01T00:00:00Z".parse().unwrap()),
            ..Filter::default()
        };
        assert_eq!(
            serde_json::to_string(&filter).unwrap(),
            r#"{"status":"dead","channel":"web_push","from":"2026-12-01T00:00:00Z"}"#
        );
    }
}
