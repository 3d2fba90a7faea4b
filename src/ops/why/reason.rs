//! Why no rule told a person of an event: each rule's reason, and the most telling one as a sentence. Pure.

use serde::Serialize;

use crate::directory::{Person, Standing};
use crate::ingest::Event;
use crate::ops::trace::model::{Asked, Verdict};
use crate::ops::trace::tree::judged;
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

/// The code, the answer, and every rule's reason, the most telling first. For somebody who was told nothing of an event that was
/// evaluated without error. `unwritten` are rules whose texts could not be written then, and why.
#[must_use]
pub fn decide(
    event: &Event,
    person: &Person,
    asked: &[Asked],
    unwritten: &[(String, String)],
) -> (&'static str, String, Vec<Reason>) {
    let mut reasons: Vec<Reason> = asked.iter().map(|asked| reason(person, asked)).collect();
    for reason in reasons.iter_mut().filter(|r| r.code == "would_be_told") {
        let Some((rule, detail)) = unwritten.iter().find(|(rule, _)| *rule == reason.rule) else {
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
                "No: no rule is about events of type {} and module {}.",
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
        Some(best) => (best.code, format!("No: {}.", best.why), reasons),
    }
}

fn reason(person: &Person, asked: &Asked) -> Reason {
    let (name, user) = (&asked.rule.row.name, &person.id);
    let (verdict, said) = judged(asked);
    let audience = asked.finding.audience();
    let standing = audience.map_or(Standing::Stranger, |audience| person.standing(audience));
    let would = standing.is_chosen();
    let (rank, code, why) = match (verdict, standing) {
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
        (Verdict::True, Standing::Actor) => (
            1,
            "excluded_as_actor",
            format!("rule {name} is true for it, but leaves out who did it, and that was {user}"),
        ),
        (Verdict::True, Standing::OtherBranch(role)) => (
            2,
            "other_branch",
            format!(
                "rule {name} is true for it and tells {role} {}, and {user} is {role} {}",
                of_branches(audience),
                list_branches(&person.branch_ids)
            ),
        ),
        (Verdict::True, Standing::Stranger) => (
            5,
            "not_recipient",
            format!(
                "rule {name} is true for it, but tells {}, and {user} is not among them",
                whom(audience)
            ),
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
    };
    Reason {
        rule_id: asked.rule.row.id,
        rule: name.clone(),
        version: asked.rule.row.version,
        code,
        why,
        rank,
    }
}

fn of_branches(audience: Option<&Audience>) -> String {
    match audience.map(|audience| &audience.branches) {
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

fn whom(audience: Option<&Audience>) -> String {
    let Some(audience) = audience else {
        return "nobody".to_owned();
    };
    match (audience.roles.as_slice(), audience.users.len()) {
        ([], 0) => "nobody".to_owned(),
        ([], 1) => format!("only {}", audience.users.join("")),
        ([], named) => format!("only {named} people by name"),
        (roles, 0) => format!("only {}", roles.join(", ")),
        (roles, named) => format!("only {} and {named} by name", roles.join(", ")),
    }
}
