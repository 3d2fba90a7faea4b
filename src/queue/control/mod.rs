//! The queue, looked at and steered: what waits, who works, what is paused, what is dead. Comes from `neurolink_jobs`,
//! `_workers`, `_pauses` and `_dead_jobs`; goes to admins and auditors, and to `neurolink queue`. What steering does is said in
//! `sql/functions/{control,steering}.sql`: this asks, and tells.

pub mod routes;
pub mod steer;
pub mod store;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::kernel::{ChannelKind, Error, Result};

/// Jobs counted per kind, channel and lane, and dead ones: beyond that it is "more".
pub const COUNTED: i32 = 5_000;

/// The queue at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct State {
    /// Jobs that wait, are scheduled or running.
    pub depth: i64,
    /// There may be more than `depth`: not all of a place were counted.
    pub at_least: bool,
    /// How long the oldest job that could run has waited.
    pub oldest_waiting_seconds: f64,
    /// Each kind, channel and lane that holds jobs.
    pub lanes: Vec<Place>,
    /// Every process.
    pub workers: Vec<Worker>,
    /// What was given up.
    pub dead: Dead,
    /// What is paused.
    pub pauses: Vec<Pause>,
}

/// One kind, channel and lane.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    /// `event`, `delivery` …
    pub kind: String,
    /// Of deliveries; of events `single` for those that are evaluated alone.
    pub channel: Option<String>,
    /// `critical`, `normal`, `bulk`.
    pub lane: &'static str,
    /// Due.
    pub waiting: i64,
    /// For later.
    pub scheduled: i64,
    /// Under a lease.
    pub running: i64,
    /// There may be more: not all were counted.
    pub at_least: bool,
    /// How long the oldest due one has waited.
    pub oldest_waiting_seconds: f64,
    /// Whether nobody takes them at present.
    pub paused: bool,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Worker {
    /// This life of it.
    pub incarnation: Uuid,
    /// Where.
    pub host: String,
    /// Its process id there.
    pub pid: i32,
    /// Of the binary.
    pub version: String,
    /// Whether it takes jobs.
    pub works: bool,
    /// The channels it has settings for; `None` = it didn't say.
    pub channels: Option<Vec<String>>,
    /// When it came.
    pub started_at: Timestamp,
    /// When it last said that it lives.
    pub heartbeat_at: Timestamp,
    /// How long ago.
    pub heartbeat_age_seconds: f64,
}

/// How much was given up; `5000` stands for that or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Dead {
    /// Jobs other than deliveries.
    pub jobs: i64,
    /// Deliveries.
    pub deliveries: i64,
}

/// A pause.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pause {
    /// `event`, `delivery`.
    pub kind: String,
    /// One channel of deliveries; `None` = all of the kind.
    pub channel: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// By whom: a token's subject, or a database role.
    pub paused_by: String,
    /// Since when.
    pub paused_at: Timestamp,
}

/// A dead job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeadJob {
    /// Its id.
    pub id: i64,
    /// `event` …
    pub kind: String,
    /// What it was about: of kind `event` the event.
    pub ref_id: i64,
    /// `critical`, `normal`, `bulk`.
    pub lane: &'static str,
    /// Attempts made.
    pub attempt: i32,
    /// Attempts it had.
    pub max_attempts: i32,
    /// Why the last one failed.
    pub last_error: Option<String>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it was given up.
    pub died_at: Timestamp,
    /// The event's module.
    pub source_module: Option<String>,
    /// The event's type.
    pub event_type: Option<String>,
    /// The event's branch.
    pub branch_id: Option<String>,
}

/// Which dead jobs. Its JSON is what the SQL functions take.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Filter {
    /// Of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Given up not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Given up before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

/// A kind of job that can be paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Events are evaluated.
    Event,
    /// Deliveries are sent.
    Delivery,
}

/// What is paused or resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    kind: Kind,
    channel: Option<ChannelKind>,
}

impl Target {
    /// Of a kind, or of one channel of deliveries.
    ///
    /// # Errors
    /// `Invalid` for a channel that has no jobs.
    pub fn new(kind: Kind, channel: Option<ChannelKind>) -> Result<Self> {
        let has_jobs = kind == Kind::Delivery && channel != Some(ChannelKind::InApp);
        if channel.is_some() && !has_jobs {
            return Err(Error::invalid_at(
                "invalid_value",
                "/channel",
                "only deliveries have channels, and what goes into an inbox waits in none",
            ));
        }
        Ok(Self { kind, channel })
    }

    /// `event`, `delivery`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Event => "event",
            Kind::Delivery => "delivery",
        }
    }

    /// The channel's word; empty = all.
    #[must_use]
    pub fn channel(&self) -> &'static str {
        self.channel.map_or("", ChannelKind::as_str)
    }
}

/// The lane of a number, as people say it.
#[must_use]
pub fn lane(number: i16) -> &'static str {
    match number {
        0 => "critical",
        1 => "normal",
        _ => "bulk",
    }
}

/// What is done with dead jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// They return to the queue.
    Retry,
    /// They go for good.
    Discard,
}
