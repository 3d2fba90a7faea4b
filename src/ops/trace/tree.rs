//! The tree, grown: rules as asked and people as told, joined. Pure.

use std::collections::{BTreeMap, HashMap};

use super::model::{Asked, Recipient, Recipients, Told, TracedRule, Verdict};
use super::store::ToldBy;
use crate::directory::People;
use crate::kernel::{Error, mask};
use crate::rules::{FailingPart, Finding};

/// The rules: those of today in the order of evaluation, then those that are gone. `names` are the gone ones'.
#[must_use]
pub fn rules(
    asked: Vec<Asked>,
    mut told: BTreeMap<i64, ToldBy>,
    names: &HashMap<i64, (String, i32)>,
    people: &People,
    shown: usize,
) -> Vec<TracedRule> {
    let mut rules: Vec<TracedRule> = asked
        .into_iter()
        .map(|asked| {
            let told = told.remove(&asked.rule.row.id).unwrap_or_default();
            of_today(asked, told, people, shown)
        })
        .collect();
    rules.extend(told.into_iter().map(|(id, told)| {
        let named = names.get(&id).cloned();
        let (name, version) = named.unwrap_or_else(|| (format!("rule {id}"), 0));
        let why = "it told people of this event, and was deleted since";
        let recipients = recipients(Vec::new(), told, shown);
        traced(
            (id, name, version),
            Verdict::Gone,
            why.to_owned(),
            None,
            recipients,
        )
    }));
    rules
}

fn of_today(asked: Asked, told: ToldBy, people: &People, shown: usize) -> TracedRule {
    let (verdict, why) = judged(&asked);
    let chosen: Vec<String> = match (&asked.finding, verdict) {
        (Finding::True { audience, .. }, Verdict::True) => people
            .chosen(audience)
            .into_iter()
            .map(|person| person.id.clone())
            .collect(),
        _ => Vec::new(),
    };
    let failing = match asked.finding {
        Finding::False { part, .. } if verdict == Verdict::False => part,
        _ => None,
    };
    let row = asked.rule.row;
    let why = if verdict == Verdict::True && chosen.is_empty() {
        format!("{why}, but chooses nobody")
    } else {
        why
    };
    traced(
        (row.id, row.name, row.version),
        verdict,
        why,
        failing,
        recipients(chosen, told, shown),
    )
}

/// What a rule of today says, in a word and a sentence. What nodes pass over is said before what its condition says.
#[must_use]
pub fn judged(asked: &Asked) -> (Verdict, String) {
    let rule = &asked.rule;
    if let Finding::Elsewhere(why) = &asked.finding {
        return (Verdict::Elsewhere, why.clone());
    }
    if !rule.enabled {
        return (Verdict::Off, "it is switched off".to_owned());
    }
    if let Some(detail) = rule.stopped() {
        return (Verdict::Faulty, format!("it was stopped: {detail}"));
    }
    match &asked.finding {
        Finding::Elsewhere(why) => (Verdict::Elsewhere, why.clone()),
        Finding::Faulty(fault) => (
            Verdict::Faulty,
            format!(
                "it is faulty, and is not evaluated: {}: {}",
                fault.place, fault.detail
            ),
        ),
        Finding::Broken { detail, .. } => (Verdict::Broken, detail.clone()),
        Finding::False { part, .. } => (
            Verdict::False,
            match part {
                Some(part) => format!("its condition is not true: {}", part.sentence()),
                None => "its condition is not true".to_owned(),
            },
        ),
        Finding::True { over: 0, .. } => (Verdict::True, "it is true for this event".to_owned()),
        Finding::True { over, .. } => (
            Verdict::True,
            format!("it is true for this event; {over} people more than it may name are left out"),
        ),
    }
}

/// What providers have said, without the addresses in it: for auditors.
pub fn mask(told: &mut BTreeMap<i64, ToldBy>) {
    let people = told.values_mut().flat_map(|by| &mut by.people);
    for delivery in people.flat_map(|(_, told)| &mut told.deliveries) {
        let own = delivery.address.as_deref();
        let masked = |said: &mut Option<String>| {
            *said = said.as_deref().map(|said| mask::text(said, own));
        };
        masked(&mut delivery.reason);
        delivery
            .attempts
            .iter_mut()
            .for_each(|a| masked(&mut a.error));
    }
}

fn recipients(chosen: Vec<String>, told: ToldBy, shown: usize) -> Recipients {
    let (chosen_today, notified) = (chosen.len(), told.count);
    let mut items: Vec<Recipient> = Vec::new();
    for (user_id, told) in told.people {
        match items.last_mut() {
            Some(last) if last.user_id == user_id => last.notifications.push(told),
            _ => items.push(Recipient {
                is_chosen_today: chosen.contains(&user_id),
                user_id,
                notifications: vec![told],
            }),
        }
    }
    // Who isn't among the told that are shown may still have been told: only where all are shown does nothing mean nothing.
    if usize::try_from(notified).is_ok_and(|count| count <= shown) {
        let rest = chosen
            .into_iter()
            .filter(|id| !items.iter().any(|item| item.user_id == *id));
        let rest: Vec<Recipient> = rest
            .take(shown.saturating_sub(items.len()))
            .map(|user_id| Recipient {
                user_id,
                is_chosen_today: true,
                notifications: Vec::new(),
            })
            .collect();
        items.extend(rest);
    }
    Recipients {
        chosen_today,
        notified,
        items,
    }
}

fn traced(
    (id, name, version): (i64, String, i32),
    verdict: Verdict,
    why: String,
    failing: Option<FailingPart>,
    recipients: Recipients,
) -> TracedRule {
    let all = recipients.items.iter().flat_map(|r| &r.notifications);
    let mut versions: Vec<i32> = all.map(|told: &Told| told.rule_version).collect();
    versions.sort_unstable();
    versions.dedup();
    TracedRule {
        id,
        name,
        version,
        verdict,
        why,
        failing,
        is_same_version: (!versions.is_empty()).then(|| versions == [version]),
        told_by_versions: versions,
        recipients,
    }
}

/// How many people of each rule are shown, from a query's word.
///
/// # Errors
/// `invalid_parameter`.
pub fn shown(word: Option<&str>) -> Result<usize, Error> {
    const USUAL: usize = 20;
    const MOST: usize = 100;
    let Some(word) = word else { return Ok(USUAL) };
    word.parse::<usize>()
        .ok()
        .filter(|n| (1..=MOST).contains(n) && word.bytes().all(|b| b.is_ascii_digit()))
        .ok_or_else(|| {
            Error::invalid_at(
                "invalid_parameter",
                "recipients",
                format!("`recipients` is a number from 1 to {MOST}"),
            )
        })
}
