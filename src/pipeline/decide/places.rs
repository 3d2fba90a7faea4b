//! Where things are remembered, and when things are: an event's entity and its place among that entity's facts, the keys of plans and
//! digests. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::directory::Person;
use crate::ingest::Event;
use crate::kernel::Severity;
use crate::kernel::schedule::Schedule;
use crate::preferences::Digest;
use crate::rules::Match;
use crate::rules::memory::ledger::Key;
use crate::rules::memory::model::{Dated, Delay};
use crate::rules::memory::states::Fact;

/// What an event is about.
pub(crate) fn entity(event: &Event) -> Option<(&str, &str)> {
    Some((event.entity_type.as_deref()?, event.entity_id.as_deref()?))
}

/// An event's place among the facts of its entity.
pub(crate) fn fact(event: &Event) -> Fact {
    (event.occurred_at, event.id)
}

/// A reminder follows its entity; a delay is of its event.
pub(crate) fn plan_key(matched: &Match, event: &Event) -> Key {
    let rule = matched.rule.facts.id;
    match (&matched.rule.memory().delay, entity(event)) {
        (Some(Delay::Date(_)), Some((kind, id))) => Key::remind(rule, kind, id),
        _ => Key::delay(rule, event.id),
    }
}

/// The digest that a telling belongs to: the rule's own, or that of the person's wish for the category, which also says when. What
/// must not wait (mandatory rules, critical events, what is escalated unless somebody reads it) waits for no wish.
pub(super) fn digest(event: &Event, matched: &Match, person: &Person) -> Option<(Key, Schedule)> {
    let (facts, own) = (&matched.rule.facts, &matched.rule.memory().digest);
    let is_urgent = facts.mandatory
        || facts.severity.unwrap_or(event.severity) == Severity::Critical
        || !matched.rule.memory().escalate.is_empty();
    let wish = if is_urgent {
        None
    } else {
        person.wishes.digest(&facts.category)
    };
    let text = matched.moments.as_deref().map_or("", |m| m.digest.as_str());
    let of_rule = || Key::digest(facts.id, &person.id, text);
    match (wish, own) {
        (Some(Digest::Off), _) | (None, None) => None,
        (Some(Digest::On(schedule)), Some(_)) => Some((of_rule(), schedule)),
        (Some(Digest::On(schedule)), None) => {
            Some((Key::digest(0, &person.id, &facts.category), schedule))
        }
        (None, Some(own)) => Some((of_rule(), own.schedule)),
    }
}

/// Until when a match is of use; `None` = for ever. Counted from when the event occurred, or from when it was to be told, for what is
/// delayed.
pub(crate) fn useful_until(matched: &Match, event: &Event) -> Option<Timestamp> {
    let memory = matched.rule.memory();
    let after = memory.expires_after?;
    let occurred = event.occurred_at;
    let moments = matched.moments.as_deref();
    let dated = moments.and_then(|m| m.dated.as_ref());
    let planned = match (&memory.delay, dated) {
        (Some(Delay::For(by)), _) => later(occurred, *by),
        // Of a date that is near already it is reminded at once.
        (Some(Delay::Date(_)), Some(Dated::Known { due, .. })) => occurred.max(*due),
        _ => occurred,
    };
    // What it was planned for: the rule may say something else by now.
    let due = moments.and_then(|m| m.due);
    Some(later(due.unwrap_or(planned), after))
}

/// So much later; at the end of time, then.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
