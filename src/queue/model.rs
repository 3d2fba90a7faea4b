//! What the queue hands out.

use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

use crate::ingest::Event;
use crate::kernel::Result;

/// One life of one process. Fresh at every start, so that a restarted process is never mistaken for its former self.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Incarnation(pub Uuid);

impl Incarnation {
    /// A fresh one.
    #[must_use]
    pub fn new() -> Self {
        Self(crate::kernel::random::uuid())
    }

    /// The advisory lock that says this incarnation lives. From the random half of the id.
    #[must_use]
    pub fn lock_key(&self) -> i64 {
        let bytes = self.0.as_bytes();
        i64::from_be_bytes([
            bytes[8], bytes[9], bytes[10], bytes[11], bytes[12], bytes[13], bytes[14], bytes[15],
        ])
    }
}

impl Default for Incarnation {
    fn default() -> Self {
        Self::new()
    }
}

/// A claimed event job and its event.
#[derive(Debug, Clone)]
pub struct EventJob {
    /// The job.
    pub job_id: i64,
    /// The lane it was in.
    pub lane: i16,
    /// Where in the lane.
    pub run_at: Timestamp,
    /// The event's id.
    pub event_id: i64,
    /// The event; `None` = it was deleted since.
    pub event: Option<Event>,
}

/// Event jobs claimed in an open transaction.
#[derive(Debug, Default)]
pub struct EventClaim {
    /// In the order they are to be evaluated.
    pub jobs: Vec<EventJob>,
    /// The rules' revision that this transaction sees.
    pub rules_rev: i64,
    /// The database's clock.
    pub now: Timestamp,
}

/// An event job claimed alone, its attempt committed.
#[derive(Debug, Clone, Copy)]
pub struct SingleJob {
    /// The job.
    pub job_id: i64,
    /// The event's id.
    pub event_id: i64,
    /// Attempts begun, this one included.
    pub attempt: i32,
    /// When this is exceeded the job is dead.
    pub max_attempts: i32,
    /// An admin has asked for it: the event was evaluated before, and only what is missing is added.
    pub is_replay: bool,
}

/// An alarm: something remembered falls due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmJob {
    /// The job.
    pub job_id: i64,
    /// What it rings for.
    pub alarm: i64,
    /// reminder, digest, escalation or fanout.
    pub kind: String,
    /// Its lane.
    pub lane: i16,
    /// Attempts that failed.
    pub attempt: i32,
    /// With so many it is given up.
    pub max_attempts: i32,
    /// When it was set.
    pub created_at: Timestamp,
}

/// Alarms claimed in an open transaction.
#[derive(Debug, Default)]
pub struct AlarmClaim {
    /// The longest due first.
    pub jobs: Vec<AlarmJob>,
    /// The rules' revision that this transaction sees.
    pub rules_rev: i64,
    /// The database's clock.
    pub now: Timestamp,
}

/// A delivery job claimed under a lease.
#[derive(Debug)]
pub struct DeliveryJob {
    /// The job.
    pub job_id: i64,
    /// The delivery.
    pub delivery_id: i64,
    /// Attempts begun, this one included; part of the fence.
    pub attempt: i32,
    /// When this is exceeded the delivery is dead.
    pub max_attempts: i32,
    /// The row of the claim, for the deliveries room to read the rest from.
    pub row: tokio_postgres::Row,
}

/// What one look at the queue gave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Jobs claimed.
    pub claimed: usize,
    /// The claim came back full: there is probably more.
    pub full: bool,
}

/// Something that takes jobs from the queue: claims what it can and works on it (or begins to).
pub trait Source: Send + Sync {
    /// For logs.
    fn name(&self) -> &'static str;
    /// Looks once; `from_zero` ignores the low-water marks.
    fn round(&self, from_zero: bool) -> BoxFuture<'_, Result<Round>>;
    /// While another source of this node is busy (and inserters don't notify), it looks by itself this often.
    fn patrol(&self) -> Duration {
        Duration::from_millis(20)
    }
}
