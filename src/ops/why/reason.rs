//! Why no rule told a person of an event: each rule's reason, and the most telling one as a sentence. Pure.

use serde::Serialize;

use crate::directory::{People, Person, Standing};
use crate::ingest::Event;
use crate::ops::trace::model::{Asked, Verdict};
use crate::ops::trace::tree::judged;
use crate::ops::why::escalated::Escalations;
use crate::rules::Audience;
use crate::rules::model::Branches;

/// What one of today's rules says of a person and an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The rule.
    pub rule_id: i64,
    /// Its name.
    pub rule: String,
    /// Its present version.
    pub version: i32,
    /// For programs.
    pub code: &'static str,
    /// In a sentence.
    pub why: String,
    #[serde(skip)]
    rank: u8,
}

/// What is known beside the rules.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The people whom they name.
    pub people: &'a People,
    /// How far their escalations are.
    pub escalations: &'a Escalations,
    /// Rules whose texts could not be written then, and why.
    pub unwritten: &'a [(String, String)],
}

/// The code, the answer, and every rule's reason, the most telling first. For somebody who was told nothing of an event that was
/// evaluated without error.
#[must_use]
pub fn decide(
    event: &Event,
    person: &Person,
    known: &Known<'_>,
    asked: &[Asked],
) -> (&'static str, String, Vec<Reason>) {
    let mut reasons: Vec<Reason> = asked
        .iter()
        .map(|asked| reason(person, known, asked))
        .collect();
    for reason in reasons.iter_mut().filter(|r| r.code == "would_be_told") {
        let Some((rule, detail)) = known
            .unwritten
            .iter()
            .find(|(rule, _)| *rule == reason.rule)
        else {
            continue;
        };
        reason.code = "render_failed";
        reason.why = format!(
            "rule {rule} chose {}, but its text could not be written: {detail}",
            person.id
        );
    }
    // Stable: among equals the order of evaluation.
    reasons.sort_by_key(|reason| reason.rank);
    let (id, user) = (event.id, &person.id);
    match reasons.first() {
        None => (
            "no_rule",
            format!(
                "No: today no rule is about events of type {} and module {}.",
                event.event_type, event.source_module
            ),
            reasons,
        ),
        Some(best) if best.code == "would_be_told" => (
            best.code,
            format!(
                "No: {user} was not told of event {id} when it was evaluated, but would be today: {}. A replay of the event tells them.",
                best.why
            ),
            reasons,
        ),
        Some(best) if best.code == "escalation_waits" => {
            (best.code, format!("Not yet: {}.", best.why), reasons)
        }
        Some(best) => (best.code, format!("No: {}.", best.why), reasons),
    }
}

fn reason(person: &Person, known: &Known<'_>, asked: &Asked) -> Reason {
    let row = &asked.rule.row;
    let audience = asked.finding.audience();
    let standing = audience.map_or(Standing::Stranger, |audience| {
        known.people.standing(person, audience)
    });
    let further = (!standing.is_chosen())
        .then(|| {
            let rule = (row.id, row.name.as_str());
            let unwritten = known.unwritten.iter().find(|(rule, _)| *rule == row.name);
            let unwritten = unwritten.map(|(_, detail)| detail.as_str());
            known.escalations.say(rule, person, known.people, unwritten)
        })
        .flatten();
    let (rank, code, why) = match further {
        Some((code, why)) if code == "escalation_waits" && judged(asked).0 == Verdict::Off => {
            let off = "but the rule is switched off now, and tells nobody as long as it is";
            (1, code, format!("{why}; {off}"))
        }
        Some((code, why)) => (1, code, why),
        None => first_telling(person, standing, asked),
    };
    Reason {
        rule_id: row.id,
        rule: row.name.clone(),
        version: row.version,
        code,
        why,
        rank,
    }
}

/// How near it came to tell the person (0 = nearest), a code, and a sentence.
fn first_telling(
    person: &Person,
    standing: Standing<'_>,
    asked: &Asked,
) -> (u8, &'static str, String) {
    let (name, user) = (&asked.rule.row.name, &person.id);
    let (verdict, said) = judged(asked);
    let audience = asked.finding.audience();
    let would = standing.is_chosen();
    match (verdict, standing) {
        (Verdict::True, Standing::Named) => (
            0,
            "would_be_told",
            format!("rule {name} is true for it and names {user}"),
        ),
        (Verdict::True, Standing::Role(role)) => (
            0,
            "would_be_told",
            format!("rule {name} is true for it and tells {role}, which {user} is"),
        ),
        (Verdict::True, Standing::Group(group)) => (
            0,
            "would_be_told",
            format!("rule {name} is true for it and tells the group {group}, which {user} is in"),
        ),
        (Verdict::True, Standing::Follower) => (
            0,
            "would_be_told",
            format!(
                "rule {name} is true for it and tells whoever follows {}, as {user} does",
                followed(audience)
            ),
        ),
        (Verdict::True, Standing::ManagerOf(whose)) => (
            0,
            "would_be_told",
            format!("rule {name} is true for it and tells the manager of {whose}, who is {user}"),
        ),
        (Verdict::True, Standing::Actor) => (
            1,
            "excluded_as_actor",
            format!("rule {name} is true for it, but leaves out who did it, and that was {user}"),
        ),
        (Verdict::True, Standing::Excluded) => (
            1,
            "excluded_by_rule",
            format!("rule {name} is true for it, but leaves {user} out by name"),
        ),
        (Verdict::True, Standing::GroupOfOtherBranch(group)) => (
            2,
            "other_branch",
            format!(
                "rule {name} is true for it and tells the group {group} {}, and {user} is in it {}",
                of_branches(audience.map(|audience| &audience.group_branches)),
                list_branches(&person.branch_ids)
            ),
        ),
        (Verdict::True, Standing::FollowerOfOtherBranch) => (
            2,
            "other_branch",
            format!(
                "rule {name} is true for it and tells whoever follows {} {}, and {user} follows it and is {}",
                followed(audience),
                of_branches(audience.map(|audience| &audience.branches)),
                list_branches(&person.branch_ids)
            ),
        ),
        (Verdict::True, Standing::OtherBranch(role)) => (
            2,
            "other_branch",
            format!(
                "rule {name} is true for it and tells {role} {}, and {user} is {role} {}",
                of_branches(audience.map(|audience| &audience.branches)),
                list_branches(&person.branch_ids)
            ),
        ),
        (Verdict::True, Standing::Stranger) => (
            5,
            "not_recipient",
            match whom(audience) {
                Some(whom) => format!(
                    "rule {name} is true for it, but tells only {whom}, and {user} is not among them"
                ),
                None => format!("rule {name} is true for it, but names nobody to tell of it"),
            },
        ),
        (verdict, _) => {
            let (near, far, code) = match verdict {
                Verdict::False => (3, 6, "condition_false"),
                Verdict::Off => (4, 7, "rule_off"),
                Verdict::Faulty => (4, 7, "rule_faulty"),
                Verdict::Broken => (4, 7, "rule_broken"),
                _ => (8, 8, "rule_elsewhere"),
            };
            if would {
                (
                    near,
                    code,
                    format!("rule {name} would tell {user}, but {said}"),
                )
            } else {
                (
                    far,
                    code,
                    format!("rule {name} is about such events, but {said}"),
                )
            }
        }
    }
}

fn of_branches(branches: Option<&Branches>) -> String {
    match branches {
        Some(Branches::Of(branches)) => list_branches(branches),
        _ => "of any branch".to_owned(),
    }
}

fn list_branches(branches: &[String]) -> String {
    match branches {
        [] => "of no branch".to_owned(),
        [one] => format!("of branch {one}"),
        several => format!("of branches {}", several.join(", ")),
    }
}

fn followed(audience: Option<&Audience>) -> String {
    let entity = audience.and_then(|audience| audience.followers_of.as_ref());
    entity.map_or_else(
        || "it".to_owned(),
        |entity| format!("{} {}", entity.entity_type, entity.entity_id),
    )
}

/// In words, at most so many names of a kind; `None` = nobody.
fn whom(audience: Option<&Audience>) -> Option<String> {
    const NAMED: usize = 3;
    let audience = audience?;
    let mut said: Vec<String> = audience.roles.clone();
    said.extend(
        audience
            .groups
            .iter()
            .map(|group| format!("the group {group}")),
    );
    match (audience.users.as_slice(), said.is_empty()) {
        ([], _) => {}
        ([one], true) => said.push(one.clone()),
        (several, true) => said.push(format!("{} people by name", several.len())),
        (several, false) => said.push(format!("{} by name", several.len())),
    }
    if audience.followers_of.is_some() {
        said.push(format!("whoever follows {}", followed(Some(audience))));
    }
    match audience.managers_of.len() {
        0 => {}
        1..=NAMED => said.push(format!(
            "the manager of {}",
            audience.managers_of.join(", ")
        )),
        many => said.push(format!("the managers of {many} people")),
    }
    if audience.managers_of_recipients {
        said.push("their managers".to_owned());
    }
    Some(match said.split_last()? {
        (only, []) => only.clone(),
        (last, [first]) => format!("{first} and {last}"),
        (last, most) => format!("{} and {last}", most.join(", ")),
    })
}
