//! What a rule's memory means for one event, in words: when it would be told, by which keys it is counted, what follows. Pure.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Weekday;

use crate::directory::People;
use crate::ingest::Event;
use crate::kernel::schedule::Schedule;
use crate::ops::trial::preview::Remembered;
use crate::pipeline::decide::{Decided, later, useful_until};
use crate::rules::Match;
use crate::rules::memory::Ledger;
use crate::rules::memory::model::{Dated, Delay, Escalation, Reminder, Unless};
use crate::rules::model::Suppressed;

fn said(key: &'static str, why: String) -> Remembered {
    Remembered {
        key,
        why,
        value: None,
        at: None,
        timezone: None,
    }
}

/// Everything that the rule's template says of it, in the order it has a say.
pub(super) fn told(
    matched: &Match,
    event: &Event,
    decided: &Decided,
    ledger: &Ledger,
    people: &People,
) -> Vec<Remembered> {
    let (memory, moments) = (matched.rule.memory(), matched.moments.as_deref());
    let mut all = Vec::new();
    if let Some(after) = memory.expires_after {
        let since = match memory.delay {
            None => "it occurred",
            Some(_) => "it was to be told",
        };
        let why = format!("worth nothing {} after {since}", words(after));
        all.push(Remembered {
            at: useful_until(matched, event),
            ..said("expires_after", why)
        });
    }
    if let Some(dedupe) = &memory.dedupe {
        let within = words(dedupe.within);
        let why = format!("of events with this key within {within} one is told");
        all.push(Remembered {
            value: moments.and_then(|moments| moments.dedupe.clone()),
            ..said("dedupe_key", why)
        });
    }
    all.extend(delay(matched, event, decided));
    if !memory.resolves.is_empty() {
        let types: Vec<&str> = memory.resolves.iter().map(|r| r.text.as_str()).collect();
        let about = match (&event.entity_type, &event.entity_id) {
            (Some(kind), Some(id)) => format!("about {kind} {id}"),
            _ => "about the same entity, but this event names none".to_owned(),
        };
        let why = format!("withdraws what was told of {} {about}", types.join(", "));
        all.push(said("resolves", why));
    }
    if let Some(throttle) = &memory.throttle {
        let (limit, per) = (throttle.limit, words(throttle.per));
        let why = format!("at most {limit} in {per} for each person and key");
        let key = throttle.key.as_ref().and(moments);
        all.push(Remembered {
            value: key.map(|moments| moments.throttle.clone()),
            ..said("throttle", why)
        });
    }
    if memory.shadow {
        let why = "it is recorded whom it would tell, and nobody is told";
        all.push(said("shadow", why.to_owned()));
    }
    all.extend(digest(matched, decided, ledger, people));
    all.extend(memory.escalate.iter().map(escalation));
    match memory.storm_limit {
        Some(0) => all.push(said(
            "storm_limit",
            "never held for telling too much".to_owned(),
        )),
        Some(limit) => {
            let why = format!("held once it tells more than {limit} in a minute");
            all.push(said("storm_limit", why));
        }
        None => {}
    }
    all
}

fn delay(matched: &Match, event: &Event, decided: &Decided) -> Option<Remembered> {
    let dated = matched.moments.as_deref().and_then(|m| m.dated.as_ref());
    Some(match (matched.rule.memory().delay.as_ref()?, dated) {
        (Delay::For(by), _) => Remembered {
            at: Some(later(event.occurred_at, *by)),
            ..said("delay", format!("told {} after it occurred", words(*by)))
        },
        (Delay::Date(reminder), Some(Dated::Known { text, due, .. })) => Remembered {
            at: Some(*due),
            value: Some(text.clone()),
            timezone: reminder.zone.iana_name().map(str::to_owned),
            ..said("delay", reminds(reminder) + comes(decided))
        },
        (Delay::Date(reminder), Some(Dated::Withdrawn)) => {
            let path = reminder.path.join(".");
            said(
                "delay",
                format!("the date at {path} is taken away: nothing is told"),
            )
        }
        (Delay::Date(reminder), Some(Dated::Unreadable(text))) => {
            let path = reminder.path.join(".");
            said(
                "delay",
                format!(
                    "`{text}` at {path} is no date (one is written 2026-12-10): nothing is told"
                ),
            )
        }
        (Delay::Date(reminder), _) => {
            let path = reminder.path.join(".");
            said(
                "delay",
                format!("there is no date at {path}: nothing is told"),
            )
        }
    })
}

/// `told 3 d before due_date, at 09:00, Asia/Baghdad`
fn reminds(reminder: &Reminder) -> String {
    let path = reminder.path.join(".");
    let by = words(reminder.by.unsigned_abs());
    let mut why = match reminder.by.signum() {
        0 => format!("told on {path}"),
        1 => format!("told {by} after {path}"),
        _ => format!("told {by} before {path}"),
    };
    if let Some(at) = reminder.at {
        why.push_str(&format!(", at {}", at.strftime("%H:%M")));
    }
    if let Some(zone) = reminder.zone.iana_name() {
        why.push_str(&format!(", {zone}"));
    }
    why
}

/// What it comes to where its moment is past.
fn comes(decided: &Decided) -> &'static str {
    let is_for = |reason: &str| {
        let mut all = decided.suppressed.iter();
        all.any(|(_, suppressed)| suppressed.reason == reason)
    };
    if is_for("too_late") {
        " (past, and so is the date: nobody is told)"
    } else if !is_for("delayed") && decided.told() > 0 {
        " (past, and the date isn't: told at once)"
    } else {
        ""
    }
}

fn digest(
    matched: &Match,
    decided: &Decided,
    ledger: &Ledger,
    people: &People,
) -> Option<Remembered> {
    let dues = decided.gathered.iter();
    let first = dues
        .filter_map(|(telling, key)| Some((ledger.due(key)?, telling.person)))
        .min();
    let whose = first.map(|(_, person)| people.get(person).timezone.clone());
    let first = first.map(|(due, _)| due);
    let own = matched.rule.memory().digest.as_ref();
    let why = match own {
        Some(digest) => format!("gathered, and told {}", schedule(&digest.schedule)),
        None => {
            first?;
            "recipients gather what is of this category, and are told when they wish".to_owned()
        }
    };
    let value = own
        .and_then(|digest| digest.key.as_ref())
        .and(matched.moments.as_deref());
    Some(Remembered {
        at: first,
        timezone: whose,
        value: value.map(|moments| moments.digest.clone()),
        ..said("digest", why)
    })
}

fn escalation(step: &Escalation) -> Remembered {
    let done = match step.unless {
        Unless::Read => "opened",
        Unless::Acknowledged => "acknowledged",
    };
    let roles = step.audience.roles.iter();
    let mut whom: Vec<String> = roles
        .map(|role| format!("holders of the role {role}"))
        .collect();
    let groups = step.audience.groups.iter();
    whom.extend(groups.map(|group| format!("the group {group}")));
    if !step.audience.users.is_empty() {
        whom.push(step.audience.users.join(", "));
    }
    let fields = step.audience.fields.iter();
    whom.extend(fields.map(|path| format!("whom {} names", path.join("."))));
    if step.audience.followers {
        whom.push("whoever follows what it is about".to_owned());
    }
    let fields = step.audience.managers_of_fields.iter();
    whom.extend(fields.map(|path| format!("the manager of whom {} names", path.join("."))));
    if step.audience.managers_of_actor {
        whom.push("the manager of who did it".to_owned());
    }
    if step.audience.managers_of_recipients {
        whom.push("the managers of those who were told".to_owned());
    }
    let whom = match whom.as_slice() {
        [] => "those who were told are told again".to_owned(),
        [only] => format!("{only} are told"),
        [most @ .., last] => format!("{} and {last} are told", most.join(", ")),
    };
    let by = match &step.channels {
        Some(channels) => {
            let channels: Vec<&str> = channels.iter().map(|c| c.as_str()).collect();
            format!(" by {}", channels.join(", "))
        }
        None => String::new(),
    };
    let after = words(step.after);
    said(
        "escalate",
        format!("after {after}, unless somebody has {done} it, {whom}{by}"),
    )
}

fn schedule(schedule: &Schedule) -> String {
    const WEEK: [(Weekday, &str); 7] = [
        (Weekday::Sunday, "Sunday"),
        (Weekday::Monday, "Monday"),
        (Weekday::Tuesday, "Tuesday"),
        (Weekday::Wednesday, "Wednesday"),
        (Weekday::Thursday, "Thursday"),
        (Weekday::Friday, "Friday"),
        (Weekday::Saturday, "Saturday"),
    ];
    match schedule {
        Schedule::Every(minutes) => {
            let seconds = minutes.unsigned_abs() * 60;
            format!("every {}", words(Duration::from_secs(seconds)))
        }
        Schedule::At { time, days } => {
            let on = WEEK.iter().filter(|(day, _)| days.has(*day));
            let on: Vec<&str> = on.map(|(_, name)| *name).collect();
            let at = time.strftime("%H:%M");
            match on.len() {
                7 => format!("every day at {at}"),
                _ => format!("on {} at {at}", on.join(", ")),
            }
        }
    }
}

/// `2 d 3 h`, in the two largest units.
pub(super) fn words(duration: Duration) -> String {
    let mut seconds = duration.as_secs();
    let mut parts = Vec::new();
    for (unit, size) in [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)] {
        if seconds >= size && parts.len() < 2 {
            parts.push(format!("{} {unit}", seconds / size));
            seconds %= size;
        }
    }
    if parts.is_empty() {
        return "0 s".to_owned();
    }
    parts.join(" ")
}

/// When the first telling is: now, or when what is delayed is due. `None` where nobody is told.
pub(super) fn begins(decided: &Decided, now: Timestamp) -> Option<Timestamp> {
    let delayed = |(_, suppressed): &(usize, Suppressed)| {
        let until = suppressed.until?;
        (suppressed.reason == "delayed").then_some(until)
    };
    let due = decided.suppressed.iter().find_map(delayed);
    due.or_else(|| (!decided.tellings.is_empty()).then_some(now))
}

/// The moment until which a person's telling is put off, and why; nothing where they are told at once.
pub(super) fn put_off<'d>(
    decided: &'d Decided,
    user: &str,
) -> Option<(&'d str, Option<Timestamp>)> {
    let of = decided.suppressed.iter().map(|(_, suppressed)| suppressed);
    let mut of = of.filter(|suppressed| suppressed.users.iter().any(|id| id == user));
    of.next()
        .map(|suppressed| (suppressed.reason.as_str(), suppressed.until))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_their_two_largest_units() {
        for (seconds, said) in [
            (0, "0 s"),
            (59, "59 s"),
            (3_600, "1 h"),
            (90_061, "1 d 1 h"),
            (1_800, "30 min"),
        ] {
            assert_eq!(words(Duration::from_secs(seconds)), said);
        }
    }
}
