//! Why a rule tells somebody, or leaves them out, in a word and a sentence. Pure: an audience and people in.

use std::collections::HashSet;

use crate::directory::{People, Person, Standing};
use crate::ops::trial::preview::LeftOut;
use crate::rules::model::Branches;
use crate::rules::set::{CompiledRule, EventContext};
use crate::rules::{Audience, Named};

/// Why somebody is told by the rule, or by a step of its escalation.
pub(super) fn chosen(
    people: &People,
    person: &Person,
    (step, audience): (i16, &Audience),
    rule: &CompiledRule,
    context: &EventContext<'_>,
) -> (&'static str, String) {
    let speaker = if step == 0 { "rule" } else { "step" };
    match people.standing(person, audience) {
        Standing::Role(role) => (
            "role",
            match &audience.branches {
                Branches::Any => format!("they hold the role {role}"),
                Branches::Of(_) => format!(
                    "they hold the role {role} {}",
                    belonging(&person.branch_ids)
                ),
            },
        ),
        Standing::Named => match rule.naming(step, context, &person.id) {
            Some(Named::ByField(path)) => {
                ("field", format!("the event's payload names them at {path}"))
            }
            // Nobody but those of the tellings before is among its users unnamed.
            None if step > 0 => ("told", "they were told before".to_owned()),
            _ => ("named", format!("the {speaker} names them")),
        },
        Standing::Group(group) => ("group", format!("they are in the group {group}")),
        Standing::Follower => ("follower", "they follow what the event is about".to_owned()),
        Standing::ManagerOf(whose) => ("manager", format!("they are the manager of {whose}")),
        _ => ("chosen", format!("the {speaker} chooses them")),
    }
}

/// Who of these isn't told: the word and the sentence. `None` for somebody that the rule has nothing to do with.
fn against(
    people: &People,
    person: &Person,
    audience: &Audience,
) -> Option<(&'static str, String)> {
    match people.standing(person, audience) {
        standing if standing.is_chosen() => None,
        Standing::Stranger => None,
        Standing::OtherBranch(role) => Some((
            "other_branch",
            format!(
                "they hold the role {role} {}, and the rule tells those {}",
                belonging(&person.branch_ids),
                meant(&audience.branches)
            ),
        )),
        Standing::Actor => Some((
            "actor",
            "they did it themselves, and the rule leaves out who did".to_owned(),
        )),
        Standing::GroupOfOtherBranch(group) => Some((
            "other_branch",
            format!(
                "they are in the group {group}, {}, and the rule tells those {}",
                belonging(&person.branch_ids),
                meant(&audience.group_branches)
            ),
        )),
        Standing::FollowerOfOtherBranch => Some((
            "other_branch",
            format!(
                "they follow what the event is about, and are {}, and the rule tells those {}",
                belonging(&person.branch_ids),
                meant(&audience.branches)
            ),
        )),
        _ => Some(("excluded", "the rule leaves them out by name".to_owned())),
    }
}

/// Everybody who would be left out, in order of id. `inactive` are read apart, since a batch never sees them; `asked` are people somebody
/// wants to know of.
pub(super) fn left_out(
    people: &People,
    audience: &Audience,
    inactive: &[(String, String)],
    asked: &[String],
) -> Vec<LeftOut> {
    let left = |id: &str, name: &str, (code, why): (&'static str, String)| LeftOut {
        user_id: id.to_owned(),
        display_name: name.to_owned(),
        code,
        why,
    };
    let mut all: Vec<LeftOut> = people
        .iter()
        .filter_map(|person| {
            let stranger = || {
                let is_asked = asked.contains(&person.id);
                let why = "they hold none of the rule's roles, and it doesn't name them".to_owned();
                (is_asked && !people.standing(person, audience).is_chosen())
                    .then_some(("not_recipient", why))
            };
            against(people, person, audience)
                .or_else(stranger)
                .map(|said| left(&person.id, &person.display_name, said))
        })
        .collect();
    let why = || "they are not active in the directory".to_owned();
    let inactives = inactive.iter();
    all.extend(inactives.map(|(id, name)| left(id, name, ("inactive", why()))));
    let mut known: HashSet<&str> = inactive.iter().map(|(id, _)| id.as_str()).collect();
    let mut unknown: Vec<LeftOut> = Vec::new();
    for id in audience.users.iter().chain(asked) {
        if people.by_id(id).is_none() && known.insert(id) {
            let why = "the directory has nobody of this id".to_owned();
            unknown.push(left(id, "", ("unknown", why)));
        }
    }
    all.extend(unknown);
    all.sort_by(|a, b| a.user_id.cmp(&b.user_id));
    all
}

fn belonging(branches: &[String]) -> String {
    match branches {
        [] => "in no branch".to_owned(),
        [every] if every == "*" => "in all branches".to_owned(),
        [one] => format!("in branch {one}"),
        several => format!("in branches {}", several.join(", ")),
    }
}

fn meant(branches: &Branches) -> String {
    match branches {
        Branches::Any => "of any branch".to_owned(),
        Branches::Of(list) => match list.as_slice() {
            [one] => format!("of branch {one}"),
            several => format!("of branches {}", several.join(", ")),
        },
    }
}
