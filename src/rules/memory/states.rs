//! The states that are remembered, as they are kept in JSON, and how each moves. Pure. Every one is bounded: what a state can't hold
//! any more is the oldest.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::rules::memory::model::Resolves;
use crate::rules::pattern::Pattern;

/// The place of a fact among the facts of its entity: when it occurred, and its event's id.
pub type Fact = (Timestamp, i64);

/// Told events of an entity that are kept, for whatever resolves them.
const OPEN: usize = 200;
/// Told events of a dedupe key that are kept.
const TOLD: usize = 200;
/// Windows of a throttle that are kept.
const WINDOWS: usize = 300;

/// `entity:<type>:<id>`, shared by all rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// Events that told somebody and aren't resolved.
    #[serde(default)]
    open: Vec<Open>,
    /// By pattern of types: settled up to here.
    #[serde(default)]
    resolved: BTreeMap<String, Settled>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    event: i64,
    rule: i64,
    #[serde(rename = "type")]
    event_type: String,
    at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Settled {
    at: Timestamp,
    event: i64,
}

impl Entity {
    /// The event by which one of this type and place is settled.
    #[must_use]
    pub fn covers(&self, event_type: &str, fact: Fact) -> Option<i64> {
        let newer = self.resolved.iter().filter(|(pattern, settled)| {
            (settled.at, settled.event) > fact
                && Pattern::parse(pattern).is_ok_and(|pattern| pattern.matches(event_type))
        });
        newer.map(|(_, settled)| settled.event).min()
    }

    /// Settles what is older, now and later. Gives what had told somebody: (event, rule).
    pub fn resolve(&mut self, what: &Resolves, by: Fact) -> Vec<(i64, i64)> {
        let settled = Settled {
            at: by.0,
            event: by.1,
        };
        let known = self.resolved.entry(what.text.clone()).or_insert(settled);
        if (known.at, known.event) < by {
            *known = settled;
        }
        let mut resolved = Vec::new();
        self.open.retain(|open| {
            let is_settled = (open.at, open.event) < by && what.pattern.matches(&open.event_type);
            if is_settled {
                resolved.push((open.event, open.rule));
            }
            !is_settled
        });
        resolved
    }

    /// A rule has told somebody of an event.
    pub fn opened(&mut self, event_type: &str, fact: Fact, rule: i64) {
        let is_it = |open: &Open| (open.event, open.rule) == (fact.1, rule);
        if self.open.iter().any(is_it) {
            return;
        }
        self.open.push(Open {
            event: fact.1,
            rule,
            event_type: event_type.to_owned(),
            at: fact.0,
        });
        self.open
            .sort_by_key(|open| (open.at, open.event, open.rule));
        let over = self.open.len().saturating_sub(OPEN);
        self.open.drain(..over);
    }
}

/// `dedupe:<key>`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Same {
    told: Vec<Fact>,
}

impl Same {
    /// The event that said the same, if one did, but for `own` ones.
    #[must_use]
    pub fn said_by(&self, fact: Fact, within: Duration, own: &[i64]) -> Option<i64> {
        let near = |told: &&Fact| {
            let is_own = told.1 == fact.1 || own.contains(&told.1);
            !is_own && apart(told.0, fact.0) < signed(within)
        };
        let oldest = self.told.first().filter(|oldest| {
            // Of what is older than all that is kept nobody knows any more whether it was said.
            self.told.len() >= TOLD && fact < **oldest
        });
        self.told.iter().find(near).or(oldest).map(|told| told.1)
    }

    /// It is said now; whether it wasn't before.
    pub fn say(&mut self, fact: Fact) -> bool {
        if self.told.contains(&fact) {
            return false;
        }
        self.told.push(fact);
        self.told.sort_unstable();
        let over = self.told.len().saturating_sub(TOLD);
        self.told.drain(..over);
        true
    }

    /// It isn't said after all.
    pub fn unsay(&mut self, fact: Fact) {
        self.told.retain(|told| *told != fact);
    }
}

/// `throttle:<person>:<key>`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows {
    /// By a window's beginning, in seconds since 1970: told, and held back.
    windows: BTreeMap<i64, (u32, u32)>,
}

impl Windows {
    /// Counts an event that occurred then. Whether it may still be told.
    pub fn admit(&mut self, at: Timestamp, limit: u32, per: Duration) -> bool {
        let begins = begins(at, per);
        // Of a window older than all that are kept nobody knows any more how much was told.
        let is_full = self.windows.len() >= WINDOWS;
        let oldest = self.windows.first_key_value().map(|(begins, _)| *begins);
        if is_full && oldest.is_some_and(|oldest| begins < oldest) {
            return false;
        }
        let (told, held) = self.windows.entry(begins).or_default();
        let admitted = *told < limit;
        if admitted {
            *told += 1;
        } else {
            *held += 1;
        }
        while self.windows.len() > WINDOWS {
            self.windows.pop_first();
        }
        admitted
    }

    /// One that was admitted wasn't told.
    pub fn give_back(&mut self, at: Timestamp, per: Duration) {
        if let Some((told, _)) = self.windows.get_mut(&begins(at, per)) {
            *told = told.saturating_sub(1);
        }
    }
}

/// `escalate:<event>`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// The event.
    pub event: i64,
    /// The next step, from 1.
    pub step: i16,
    /// When what was put off was planned for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

/// `rest:<event>:<step>`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// The event.
    pub event: i64,
    /// The step that is told.
    #[serde(default)]
    pub step: i16,
    /// Everybody up to this id was told.
    #[serde(default)]
    pub after: String,
    /// Somebody of them was, in fact: the escalation has begun.
    #[serde(default)]
    pub has_begun: bool,
    /// When what was put off was planned for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

/// `settle:<event>`: very many notifications are resolved, some at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settle {
    /// The event.
    pub event: i64,
}

/// `digest:<person>:<key>`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gathering {
    /// Whose.
    pub user: String,
    /// What is gathered, for people.
    #[serde(default)]
    pub of: String,
}

/// When the window of a moment begins, in seconds since 1970.
fn begins(at: Timestamp, per: Duration) -> i64 {
    let per = i64::try_from(per.as_secs()).unwrap_or(i64::MAX).max(1);
    at.as_second().div_euclid(per) * per
}

fn apart(a: Timestamp, b: Timestamp) -> SignedDuration {
    a.duration_since(b).abs()
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn resolves(text: &str) -> Resolves {
        Resolves {
            text: text.to_owned(),
            pattern: Pattern::parse(text).unwrap(),
        }
    }

    #[test]
    fn what_resolves_covers_what_is_older_whichever_comes_first() {
        let mut entity = Entity::default();
        entity.opened("invoice.overdue", (at(10), 1), 7);
        entity.opened("invoice.overdue", (at(30), 3), 7);
        entity.opened("invoice.created", (at(5), 4), 8);
        let paid = resolves("invoice.overdue");
        assert_eq!(entity.resolve(&paid, (at(20), 2)), [(1, 7)]);
        assert_eq!(
            entity.covers("invoice.overdue", (at(15), 9)),
            Some(2),
            "older, though it comes later"
        );
        assert_eq!(
            entity.covers("invoice.overdue", (at(20), 1)),
            Some(2),
            "the same moment: by id"
        );
        assert_eq!(
            entity.covers("invoice.overdue", (at(30), 3)),
            None,
            "overdue again"
        );
        assert_eq!(entity.covers("invoice.created", (at(15), 9)), None);
        assert_eq!(
            entity.resolve(&paid, (at(1), 0)),
            [],
            "an old payment moves nothing back"
        );
        assert_eq!(entity.covers("invoice.overdue", (at(15), 9)), Some(2));
        let all = resolves("invoice.*");
        assert_eq!(entity.resolve(&all, (at(40), 5)), [(4, 8), (3, 7)]);
    }

    #[test]
    fn of_two_alike_one_is_told_and_again_after_the_window() {
        let mut same = Same::default();
        let day = Duration::from_secs(100);
        same.say((at(1000), 1));
        assert_eq!(same.said_by((at(1099), 2), day, &[]), Some(1));
        assert_eq!(
            same.said_by((at(901), 2), day, &[]),
            Some(1),
            "also before it"
        );
        assert_eq!(same.said_by((at(1100), 2), day, &[]), None);
        assert_eq!(
            same.said_by((at(1000), 1), day, &[]),
            None,
            "a replay of itself"
        );
    }

    #[test]
    fn what_is_older_than_all_that_is_kept_is_not_told_over_and_over() {
        let (mut windows, minute) = (Windows::default(), Duration::from_secs(60));
        let mut same = Same::default();
        for n in 0..400 {
            assert!(windows.admit(at(100_000 + n * 60), 1, minute));
            same.say((at(100_000 + n * 60), n));
        }
        let late: Vec<bool> = (0..30)
            .map(|_| windows.admit(at(7_200), 1, minute))
            .collect();
        assert_eq!(late, [false; 30]);
        assert!(
            same.said_by((at(7_200), 999), Duration::from_secs(1), &[])
                .is_some()
        );
    }

    proptest! {
        /// At most so many are told in a window, whatever the order, and as many as can be.
        #[test]
        fn a_throttle_tells_as_many_in_any_order(
            mut seconds in prop::collection::vec(0_i64..500, 0..60), limit in 1_u32..5, seed in any::<u64>(),
        ) {
            let per = Duration::from_secs(100);
            let told = |seconds: &[i64]| {
                let mut windows = Windows::default();
                seconds.iter().filter(|s| windows.admit(at(**s), limit, per)).count()
            };
            let in_order = { seconds.sort_unstable(); told(&seconds) };
            let mut mixed = seconds.clone();
            let n = mixed.len().max(1);
            for i in 0..mixed.len() { mixed.swap(i, (seed as usize).wrapping_mul(i + 7) % n); }
            prop_assert_eq!(told(&mixed), in_order);
        }

        /// Whatever the order, nobody is told of an event that something newer resolves, once all have come.
        #[test]
        fn the_same_stays_open_in_any_order(
            facts in prop::collection::vec((0_i64..50, prop::bool::ANY), 1..20), seed in any::<u64>(),
        ) {
            let paid = resolves("invoice.overdue");
            let play = |order: &[usize]| {
                let mut entity = Entity::default();
                for &i in order {
                    let fact = (at(facts[i].0), i as i64);
                    if facts[i].1 {
                        entity.resolve(&paid, fact);
                    } else if entity.covers("invoice.overdue", fact).is_none() {
                        entity.opened("invoice.overdue", fact, 7);
                    }
                }
                entity.open.iter().map(|open| open.event).collect::<Vec<_>>()
            };
            let straight: Vec<usize> = (0..facts.len()).collect();
            let mut mixed = straight.clone();
            for i in 0..mixed.len() { mixed.swap(i, (seed as usize).wrapping_mul(i + 3) % facts.len()); }
            prop_assert_eq!(play(&straight), play(&mixed));
        }
    }
}
