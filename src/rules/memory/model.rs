//! What a rule's template says about time and memory.

use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::kernel::schedule::Schedule;
use crate::kernel::{ChannelKind, Severity};
use crate::rules::audience::AudienceRule;
use crate::rules::dates::Moment;
use crate::rules::definition::Definition;
use crate::rules::pattern::Pattern;
use crate::rules::payload::Value;
use crate::rules::template::Template;
use crate::rules::text::Text;

/// All of it; the default remembers nothing.
#[derive(Debug, Default)]
pub struct Memory {
    pub(crate) delay: Option<Delay>,
    pub(crate) dedupe: Option<Dedupe>,
    pub(crate) throttle: Option<Throttle>,
    pub(crate) digest: Option<Digest>,
    pub(crate) escalate: Vec<Escalation>,
    pub(crate) resolves: Vec<Resolves>,
    pub(crate) expires_after: Option<Duration>,
    /// Evaluated, recorded, never sent.
    pub(crate) shadow: bool,
    /// Notifications a minute; `Some(0)` = no limit, `None` = the node's.
    pub(crate) storm_limit: Option<u32>,
    /// Who is told when the rule is held.
    pub(crate) owner: Option<String>,
}

/// `resolves`: events of these types, about the same entity and older, are settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolves {
    /// As written.
    pub(crate) text: String,
    /// Compiled.
    pub(crate) pattern: Pattern,
}

/// `delay`
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Delay {
    /// So long after the event occurred.
    For(Duration),
    /// Relative to a date in the payload.
    Date(Reminder),
}

/// `{"before": "3d", "date": "due_date", "at": "09:00"}`
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reminder {
    /// How much earlier (negative) or later than the date.
    pub(crate) by: SignedDuration,
    /// Where the date is in the payload.
    pub(crate) path: Vec<String>,
    /// At this time of that day.
    pub(crate) at: Option<Time>,
    /// In this zone.
    pub(crate) zone: TimeZone,
}

/// What a payload says about a reminder's date.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Dated {
    /// It isn't there.
    Unknown,
    /// What is there is no date.
    Unreadable(String),
    /// It is null or empty: the date was taken away.
    Withdrawn,
    /// It is there.
    Known {
        /// As written.
        text: String,
        /// When to remind.
        due: Timestamp,
        /// When the date itself is past.
        over: Timestamp,
    },
}

impl Reminder {
    /// Reads the date, and says when to remind of it.
    pub(crate) fn dated(&self, payload: &Value<'_>) -> Dated {
        let mut value = payload;
        for key in &self.path {
            match value.get(key) {
                Some(inner) => value = inner,
                None => return Dated::Unknown,
            }
        }
        if *value == Value::Null || value.scalar().is_some_and(|text| text.trim().is_empty()) {
            return Dated::Withdrawn;
        }
        let known = value
            .scalar()
            .and_then(|text| Some((text.to_owned(), self.due(Moment::parse(text)?)?)));
        match known {
            Some((text, (due, over))) => Dated::Known { text, due, over },
            None => Dated::Unreadable(value.scalar().unwrap_or("…").to_owned()),
        }
    }

    /// When to remind of a moment, and when that is of no use any more: once it is past, a day at its end.
    fn due(&self, moment: Moment) -> Option<(Timestamp, Timestamp)> {
        let local = |at: DateTime| at.to_zoned(self.zone.clone()).ok();
        let (begins, over) = match moment {
            Moment::Day(day) => {
                let next = day.tomorrow().ok()?;
                (local(day.at(0, 0, 0, 0))?, local(next.at(0, 0, 0, 0))?)
            }
            Moment::Local(at) => (local(at)?, local(at)?),
            Moment::Instant(at) => {
                let at = at.to_zoned(self.zone.clone());
                (at.clone(), at)
            }
        };
        // Whole days are days of the calendar: three days before is the same time of day, whatever the clocks do.
        if !(1970..2190).contains(&begins.year()) {
            return None;
        }
        let days = self.by.as_hours() / 24;
        let rest = self.by - SignedDuration::from_hours(days * 24);
        let moved = begins
            .checked_add(jiff::Span::new().try_days(days).ok()?)
            .ok()?
            .checked_add(rest)
            .ok()?;
        let due = match self.at {
            Some(at) => local(Date::from(moved.datetime()).to_datetime(at))?,
            None => moved,
        };
        let over = match self.by.is_positive() {
            // Of what follows a date it is never too late to be told.
            true => Timestamp::MAX,
            false => over.timestamp().max(due.timestamp()),
        };
        Some((due.timestamp(), over))
    }
}

/// `dedupe_key`
#[derive(Debug)]
pub(crate) struct Dedupe {
    pub(crate) key: Template,
    /// Events that occurred so near to one that was told, before or after, are the same.
    pub(crate) within: Duration,
}

/// `throttle`
#[derive(Debug)]
pub(crate) struct Throttle {
    /// Notifications.
    pub(crate) limit: u32,
    /// Windows of this length, one after the other from 1970 on (UTC).
    pub(crate) per: Duration,
    pub(crate) key: Option<Template>,
}

/// `digest`
#[derive(Debug)]
pub(crate) struct Digest {
    pub(crate) schedule: Schedule,
    pub(crate) key: Option<Template>,
    /// What it says.
    pub(crate) texts: Box<Definition>,
}

/// A step of `escalate`.
#[derive(Debug)]
pub struct Escalation {
    /// After the step before, or after the first telling.
    pub(crate) after: Duration,
    /// What ends it.
    pub(crate) unless: Unless,
    /// Further people; nobody = again those who were told and haven't.
    pub(crate) audience: AudienceRule,
    /// `None` = the rule's own.
    pub(crate) channels: Option<Vec<ChannelKind>>,
    /// `None` = the rule's own.
    pub(crate) severity: Option<Severity>,
    /// `None` = the rule's own.
    pub(crate) title: Option<Text>,
    /// `None` = the rule's own.
    pub(crate) body: Option<Text>,
}

impl Escalation {
    /// Its own texts, by key.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&'static str, &Text)> {
        let own = [("title", &self.title), ("body", &self.body)];
        own.into_iter()
            .filter_map(|(key, text)| Some((key, text.as_ref()?)))
    }
}

/// What somebody must have done with a notification so that it isn't escalated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unless {
    /// Opened it.
    Read,
    /// Said so.
    Acknowledged,
}

impl Memory {
    /// What events are told apart by, by place.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&'static str, &Template)> {
        let dedupe = self.dedupe.as_ref().map(|dedupe| &dedupe.key);
        let throttle = self.throttle.as_ref().and_then(|t| t.key.as_ref());
        let digest = self.digest.as_ref().and_then(|d| d.key.as_ref());
        let keys = [
            ("dedupe_key", dedupe),
            ("throttle/key", throttle),
            ("digest/key", digest),
        ];
        keys.into_iter()
            .filter_map(|(place, key)| Some((place, key?)))
    }

    /// The steps of its escalation, counted from 0, that come when it is of no use any more.
    pub(crate) fn too_late(&self) -> impl Iterator<Item = usize> {
        let until = self.expires_after.unwrap_or(Duration::MAX);
        let steps = self.escalate.iter().scan(Duration::ZERO, |at, step| {
            *at = at.saturating_add(step.after);
            Some(*at)
        });
        let late = move |(nth, at)| (at >= until).then_some(nth);
        steps.enumerate().filter_map(late)
    }

    /// Whether events of the rule need a look at what is remembered, before they are told.
    #[must_use]
    pub fn remembers(&self) -> bool {
        self.delay.is_some()
            || self.dedupe.is_some()
            || self.throttle.is_some()
            || self.digest.is_some()
            || !self.escalate.is_empty()
            || !self.resolves.is_empty()
            || self.expires_after.is_some()
            || self.shadow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_a_date_it_may_be_too_late_and_after_it_never_is() {
        let day = Moment::parse("2026-03-10").unwrap();
        let due = |hours: i64| {
            let reminder = Reminder {
                by: SignedDuration::from_hours(hours),
                path: vec!["d".into()],
                at: Some(Time::constant(9, 0, 0, 0)),
                zone: TimeZone::get("Asia/Baghdad").unwrap(),
            };
            let (due, over) = reminder.due(day).unwrap();
            (due.to_string(), over.to_string())
        };
        let text = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            due(-72),
            text("2026-03-07T06:00:00Z", "2026-03-10T21:00:00Z")
        );
        assert_eq!(due(0), text("2026-03-10T06:00:00Z", "2026-03-10T21:00:00Z"));
        assert_eq!(
            due(24),
            text("2026-03-11T06:00:00Z", &Timestamp::MAX.to_string())
        );
    }
}
