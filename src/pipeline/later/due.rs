//! What alarms ring for: read before it is held, checked when it is, and moved on past the alarm.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::db::Tx;
use crate::ingest::Event;
use crate::kernel::Lane;
use crate::pipeline::Failure;
use crate::pipeline::decide::later;
use crate::rules::RuleSet;
use crate::rules::memory::ledger::{Alarm, Held, Key, Ledger};
use crate::rules::memory::model::Unless;
use crate::rules::memory::plan::Plan;
use crate::rules::memory::states::{Gathering, Rest, Settle, Watch};
use crate::rules::memory::store::{self, OfAlarm, ToldOne};
use crate::rules::model::Suppressed;

/// What happened around an event is remembered so long.
const KEPT: Duration = Duration::from_secs(400 * 86_400);

/// What an alarm rings for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A delay or a reminder.
    Plan(Plan),
    /// An escalation.
    Watch(Watch),
    /// More recipients.
    Rest(Rest),
    /// More to resolve.
    Settle(Settle),
    /// A digest.
    Digest(Gathering),
}

impl What {
    /// What stands under a key; `None` for nothing of ours.
    pub(super) fn read(key: &Key, ledger: &Ledger) -> Option<Self> {
        let (kind, _) = key.key.split_once(':')?;
        Some(match kind {
            "delay" | "remind" => Self::Plan(ledger.get(key)),
            "escalate" => Self::Watch(ledger.get(key)),
            "rest" => Self::Rest(ledger.get(key)),
            "settle" => Self::Settle(ledger.get(key)),
            "digest" => Self::Digest(ledger.get(key)),
            _ => return None,
        })
    }

    /// Of whom it matters whether they were told: those after this id. The first telling goes on where it stopped; an escalation
    /// asks what all of them did.
    pub(super) fn told_after(&self) -> &str {
        match self {
            Self::Rest(rest) if rest.step == 0 => &rest.after,
            _ => "",
        }
    }

    pub(super) fn event(&self) -> Option<i64> {
        match self {
            Self::Plan(plan) => Some(plan.event),
            Self::Watch(watch) => Some(watch.event),
            Self::Rest(rest) => Some(rest.event),
            Self::Settle(settle) => Some(settle.event),
            Self::Digest(_) => None,
        }
    }
}

/// An alarm with what it rings for, as it was before it was held.
pub(super) struct Due {
    pub(super) alarm: i64,
    pub(super) key: Key,
    /// The rule's name.
    pub(super) rule: String,
    pub(super) what: What,
    /// When it falls due.
    pub(super) at: Option<Timestamp>,
    /// The match made of it: (event, of).
    pub(super) place: Option<(usize, usize)>,
}

/// What alarms ring for, before it is held.
pub(super) async fn peek(tx: &Tx, alarms: &[i64]) -> Result<Vec<Due>, Failure> {
    let mut due = Vec::new();
    for OfAlarm {
        alarm,
        key,
        state,
        rule,
        due_at,
    } in store::of_alarms(tx, alarms).await?
    {
        let mut seen = Ledger::default();
        seen.read(
            key.clone(),
            Held {
                state,
                due_at: None,
            },
            false,
        );
        if let Some(what) = What::read(&key, &seen) {
            due.push(Due {
                alarm,
                key,
                rule,
                what,
                at: due_at,
                place: None,
            });
        }
    }
    Ok(due)
}

/// Who was told so far, by event and rule.
#[derive(Default)]
pub(super) struct Told(
    HashMap<(i64, i64), Vec<ToldOne>>,
    HashSet<(i64, i64, String, i16)>,
);

impl Told {
    pub(super) fn of(all: Vec<ToldOne>) -> Self {
        let mut told = Self::default();
        for one in all {
            told.1
                .insert((one.event_id, one.rule_id, one.user_id.clone(), one.step));
            told.0
                .entry((one.event_id, one.rule_id))
                .or_default()
                .push(one);
        }
        told
    }

    pub(super) fn of_rule(&self, event: i64, rule: i64) -> &[ToldOne] {
        self.0.get(&(event, rule)).map_or(&[], Vec::as_slice)
    }

    pub(super) fn has(&self, event: i64, rule: i64, user: &str, step: i16) -> bool {
        self.1.contains(&(event, rule, user.to_owned(), step))
    }
}

/// Whether somebody has done what ends an escalation, or there is nobody left who could.
pub(super) fn is_taken_care_of(unless: Unless, told: &[ToldOne]) -> bool {
    let done = |one: &ToldOne| match unless {
        Unless::Read => one.is_read || one.is_acknowledged,
        Unless::Acknowledged => one.is_acknowledged,
    };
    told.iter().any(done) || told.iter().all(|one| one.is_gone)
}

/// The alarms that still mean what they meant when they were looked at. The others' matches are stale; what moved meanwhile, or isn't due
/// yet (somebody hastened its job by hand), rings again at its time.
pub(super) fn alive<'d>(
    due: &'d [Due],
    ledger: &mut Ledger,
    now: Timestamp,
    stale: &mut HashSet<(usize, usize)>,
) -> Vec<&'d Due> {
    let mut live = Vec::new();
    for due in due {
        let at = ledger.due(&due.key);
        let is_same = What::read(&due.key, ledger).as_ref() == Some(&due.what);
        if at.is_some_and(|at| at <= now) && is_same {
            live.push(due);
            continue;
        }
        stale.extend(due.place);
        if let Some(at) = at {
            let alarm = match due.what {
                What::Plan(_) => Alarm::Reminder,
                What::Watch(_) => Alarm::Escalation,
                What::Rest(_) | What::Settle(_) => Alarm::Fanout,
                What::Digest(_) => Alarm::Digest,
            };
            ledger.ring(&due.key, alarm, Lane::Normal, at.max(now));
        }
    }
    live
}

/// Moves what is remembered on, past this alarm.
pub(super) fn advance(
    due: &Due,
    ledger: &mut Ledger,
    rules: &RuleSet,
    events: &[Event],
    told: &Told,
    now: Timestamp,
) {
    let key = &due.key;
    match &due.what {
        What::Plan(plan) if key.key.starts_with("remind:") => {
            let mut done = plan.clone();
            done.tells();
            ledger.put(key, &done, later(now, KEPT));
            ledger.calm(key);
        }
        What::Watch(watch) => {
            let rule = rules.by_id(key.rule);
            let next = rule.and_then(|rule| {
                let here = rule.escalation(watch.step)?;
                let those = told.of_rule(watch.event, key.rule);
                let is_over = is_taken_care_of(here.unless, those)
                    || !events.iter().any(|event| event.id == watch.event);
                let next = Watch {
                    step: watch.step + 1,
                    ..watch.clone()
                };
                let after = rule.escalation(next.step)?.after;
                (!is_over).then_some((next, after, rule.facts.priority))
            });
            match next {
                Some((next, after, priority)) => {
                    let at = later(now, after);
                    ledger.put(key, &next, later(at, KEPT));
                    ledger.ring(key, Alarm::Escalation, Lane::of_priority(priority), at);
                }
                None => ledger.forget(key),
            }
        }
        What::Plan(_) | What::Rest(_) | What::Settle(_) | What::Digest(_) => ledger.forget(key),
    }
}

/// What was to be told by rules, or steps of theirs, that are switched off or gone since.
pub(super) fn rule_off(
    live: &[&Due],
    events: &[Event],
    rules: &RuleSet,
) -> Vec<(usize, Suppressed)> {
    let mut off = Vec::new();
    for due in live {
        let place = due
            .what
            .event()
            .and_then(|id| events.iter().position(|e| e.id == id));
        let (What::Plan(_) | What::Rest(_) | What::Watch(_), Some(place)) = (&due.what, place)
        else {
            continue;
        };
        let rule = rules.by_id(due.key.rule);
        let step = match &due.what {
            What::Rest(rest) => rest.step,
            What::Watch(watch) => watch.step,
            _ => 0,
        };
        let is_gone = rule.is_none_or(|rule| step > 0 && rule.escalation(step).is_none());
        if is_gone {
            off.push((place, Suppressed::new(&due.rule, "rule_off", 0)));
        }
    }
    off
}

pub(super) fn live_gatherings(live: &[&Due]) -> BTreeMap<Key, Gathering> {
    let digests = live.iter().filter_map(|due| match &due.what {
        What::Digest(gathering) => Some((due.key.clone(), gathering.clone())),
        _ => None,
    });
    digests.collect()
}
