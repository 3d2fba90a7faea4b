//! The vocabulary as types: severity, channel, lane.

use serde::{Deserialize, Serialize};

/// How bad an event or notification is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    #[default]
    Info,
    /// Somebody should look.
    Warning,
    /// Something failed.
    Error,
    /// Somebody must look now.
    Critical,
}

impl Severity {
    /// All, mildest first.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// The word as stored and sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// From the word; `None` for any other.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == word)
    }
}

/// A way a notification reaches somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// The inbox inside the ERP.
    InApp,
    /// E-mail.
    Email,
    /// SMS.
    Sms,
    /// WhatsApp.
    Whatsapp,
    /// Telegram.
    Telegram,
    /// Slack.
    Slack,
    /// Web Push.
    WebPush,
    /// Webhook.
    Webhook,
}

impl ChannelKind {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::InApp,
        Self::Email,
        Self::Sms,
        Self::Whatsapp,
        Self::Telegram,
        Self::Slack,
        Self::WebPush,
        Self::Webhook,
    ];

    /// The word as stored and sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InApp => "in_app",
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Whatsapp => "whatsapp",
            Self::Telegram => "telegram",
            Self::Slack => "slack",
            Self::WebPush => "web_push",
            Self::Webhook => "webhook",
        }
    }

    /// From the word; `None` for any other.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.as_str() == word)
    }

    /// The id of this channel's delivery of a notification: `notification × 32 + number`. One primary key thus finds a
    /// delivery and all of a notification's deliveries. The numbers are stored: never reorder them.
    #[must_use]
    pub fn delivery_id(self, notification_id: i64) -> i64 {
        let number = match self {
            Self::InApp => 0,
            Self::Email => 1,
            Self::Sms => 2,
            Self::Whatsapp => 3,
            Self::Telegram => 4,
            Self::Slack => 5,
            Self::WebPush => 6,
            Self::Webhook => 7,
        };
        notification_id * 32 + number
    }
}

/// Which queue within the queue: critical before normal before bulk, without starving bulk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// 0
    Critical,
    /// 1
    Normal,
    /// 2
    Bulk,
}

impl Lane {
    /// All, most urgent first.
    pub const ALL: [Self; 3] = [Self::Critical, Self::Normal, Self::Bulk];

    /// As stored in `neurolink_jobs.lane`.
    #[must_use]
    pub fn number(self) -> i16 {
        match self {
            Self::Critical => 0,
            Self::Normal => 1,
            Self::Bulk => 2,
        }
    }

    /// The lane a rule's priority puts its deliveries in.
    #[must_use]
    pub fn of_priority(priority: i32) -> Self {
        match priority {
            200.. => Self::Critical,
            0..=199 => Self::Normal,
            _ => Self::Bulk,
        }
    }
}

/// Whether a text can be the id of a person, branch or entity.
#[must_use]
pub fn is_text_id(text: &str) -> bool {
    (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_comes_back_from_its_text() {
        for s in Severity::ALL {
            assert_eq!(Severity::parse(s.as_str()), Some(s));
        }
        for c in ChannelKind::ALL {
            assert_eq!(ChannelKind::parse(c.as_str()), Some(c));
        }
        assert_eq!(ChannelKind::parse("pigeon"), None);
    }

    #[test]
    fn delivery_ids_of_one_notification_are_neighbours_and_of_two_never_meet() {
        let ids: Vec<i64> = ChannelKind::ALL.iter().map(|c| c.delivery_id(7)).collect();
        assert_eq!(ids, (224..232).collect::<Vec<_>>());
        assert!(ids.iter().all(|id| id / 32 == 7));
    }

    #[test]
    fn priority_chooses_the_lane() {
        assert_eq!(Lane::of_priority(200), Lane::Critical);
        assert_eq!(Lane::of_priority(199), Lane::Normal);
        assert_eq!(Lane::of_priority(0), Lane::Normal);
        assert_eq!(Lane::of_priority(-1), Lane::Bulk);
    }
}
