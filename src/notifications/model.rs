//! Notifications: as the pipeline makes them, and as readers see them.

use jiff::Timestamp;
use serde::Serialize;

/// Why the deliveries of a resolved notification are cancelled, as the log says it.
pub const RESOLVED: &str = "resolved";
/// Why those of an expired one are.
pub const EXPIRED: &str = "expired";

/// A notification as readers see it.
#[derive(Debug, Clone, Serialize)]
pub struct Notification {
    /// Its id.
    pub id: i64,
    /// The inbox revision of its last change.
    pub rev: i64,
    /// The event; null for what an admin told directly.
    pub event_id: Option<i64>,
    /// The rule's name when it fired.
    pub rule: Option<String>,
    /// The event's module.
    pub source_module: Option<String>,
    /// The event's type.
    pub event_type: Option<String>,
    /// What the event is about.
    pub entity_type: Option<String>,
    /// Which.
    pub entity_id: Option<String>,
    /// Where it happened.
    pub branch_id: Option<String>,
    /// For preferences and filters.
    pub category: String,
    /// info, warning, error, critical.
    pub severity: String,
    /// One line.
    pub title: String,
    /// Plain text.
    pub body: String,
    /// Relative or http(s).
    pub action_url: Option<String>,
    /// The button's text.
    pub action_label: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its reader first saw it in the list.
    pub seen_at: Option<Timestamp>,
    /// When they opened it.
    pub read_at: Option<Timestamp>,
    /// When they put it away.
    pub archived_at: Option<Timestamp>,
    /// Until when they put it aside.
    pub snoozed_until: Option<Timestamp>,
    /// When they said that they take care of it.
    pub acknowledged_at: Option<Timestamp>,
    /// When a later event settled what it speaks of.
    pub resolved_at: Option<Timestamp>,
    /// When it leaves the inbox by itself.
    pub expires_at: Option<Timestamp>,
}

/// What a person may do to their notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Opened (and so seen), put aside or not.
    Read,
    /// Read with all the others; what is put aside by then stays so.
    Mark,
    /// To be opened again.
    Unread,
    /// Noticed in the list.
    Seen,
    /// Taken care of (and so read, put aside or not); can't be taken back.
    Acknowledge,
    /// Put away.
    Archive,
    /// Taken back.
    Unarchive,
    /// Put aside until then, out of the archive too.
    Snooze(Timestamp),
    /// Back at once, as it was.
    Unsnooze,
    /// Gone; a tombstone tells other readers.
    Delete,
}

impl Change {
    /// The word the statement knows it by.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Mark => "mark",
            Self::Unread => "unread",
            Self::Seen => "seen",
            Self::Acknowledge => "acknowledge",
            Self::Archive => "archive",
            Self::Unarchive => "unarchive",
            Self::Snooze(_) => "snooze",
            Self::Unsnooze => "unsnooze",
            Self::Delete => "delete",
        }
    }

    /// Until when, where it says so.
    #[must_use]
    pub fn until(self) -> Option<Timestamp> {
        match self {
            Self::Snooze(until) => Some(until),
            _ => None,
        }
    }
}

/// What has changed in an inbox since a revision, with its counts, all of one snapshot.
#[derive(Debug, Clone)]
pub struct InboxState {
    /// Whose.
    pub user_id: String,
    /// The database's epoch.
    pub epoch: String,
    /// The inbox's revision.
    pub rev: i64,
    /// Readers from below must reload.
    pub floor_rev: i64,
    /// Unread, not archived or snoozed.
    pub unread: i32,
    /// Unseen, not archived or snoozed.
    pub unseen: i32,
    /// In order of revision; there may be more when as many as asked came.
    pub changes: Vec<Changed>,
}

/// One change: what a notification is now.
#[derive(Debug, Clone)]
pub enum Changed {
    /// New, or changed.
    Is(Box<Notification>),
    /// Deleted.
    Gone {
        /// Which.
        id: i64,
        /// The revision of its deletion.
        rev: i64,
    },
}

impl Changed {
    /// The revision of the change.
    #[must_use]
    pub fn rev(&self) -> i64 {
        match self {
            Self::Is(notification) => notification.rev,
            Self::Gone { rev, .. } => *rev,
        }
    }
}

/// The answer of `/count`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Unread, not archived or snoozed.
    pub unread: i32,
    /// Unseen, not archived or snoozed.
    pub unseen: i32,
    /// The inbox's revision.
    pub rev: i64,
}
