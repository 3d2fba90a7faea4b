//! Who is told what: matches × people → tellings, so many that a transaction stays short. Pure.

use std::collections::{BTreeSet, HashMap};

use crate::directory::{People, recipients};
use crate::pipeline::compose::Judged;
use crate::rules::limits;

/// One person is told of one event by one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Telling {
    /// The event's place in the batch.
    pub event: usize,
    /// The match's place in the event's.
    pub of: usize,
    /// The person's place among the people.
    pub person: usize,
}

/// The roles and people whom the directory is asked for.
#[must_use]
pub fn wanted(judged: &[Judged]) -> (Vec<String>, Vec<String>) {
    let audiences = || judged.iter().flat_map(|j| &j.matches).map(|m| &m.audience);
    let roles: BTreeSet<&String> = audiences().flat_map(|a| &a.roles).collect();
    let users: BTreeSet<&String> = audiences().flat_map(|a| &a.users).collect();
    (
        roles.into_iter().cloned().collect(),
        users.into_iter().cloned().collect(),
    )
}

/// A batch tells at most so many, and a match more: then matches of its other events wait for a transaction of their own.
const IN_ALL: usize = 50_000;

/// Who is told what, and which matches have more recipients than are told now.
#[derive(Debug, Default)]
pub struct Chosen {
    /// In the order of events, matches, and people's ids.
    pub tellings: Vec<Telling>,
    /// Few.
    pub rests: Vec<More>,
}

/// More recipients of a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct More {
    /// The event's place in the batch.
    pub event: usize,
    /// The match's place in the event's.
    pub of: usize,
    /// Everybody up to this id is told now.
    pub after: String,
    /// How many are left.
    pub total: usize,
}

/// Who is told what. `after`: of these matches (event, of) everybody up to an id was told before.
#[must_use]
pub fn tellings(
    judged: &[Judged],
    people: &People,
    after: &HashMap<(usize, usize), String>,
) -> Chosen {
    let mut chosen = Chosen::default();
    for (event, judgement) in judged.iter().enumerate() {
        for (of, matched) in judgement.matches.iter().enumerate() {
            let mut mine = recipients::choose(&matched.audience, people);
            let mut after = after.get(&(event, of)).cloned().unwrap_or_default();
            if !after.is_empty() {
                mine.retain(|&person| people.get(person).id > after);
            }
            let room = if chosen.tellings.len() < IN_ALL {
                limits::AT_ONCE
            } else {
                0
            };
            let rest = mine.split_off(room.min(mine.len()));
            if !rest.is_empty() {
                if let Some(&last) = mine.last() {
                    after.clone_from(&people.get(last).id);
                }
                chosen.rests.push(More {
                    event,
                    of,
                    after,
                    total: rest.len(),
                });
            }
            let told = mine.into_iter();
            let telling = told.map(|person| Telling { event, of, person });
            chosen.tellings.extend(telling);
        }
    }
    chosen
}
