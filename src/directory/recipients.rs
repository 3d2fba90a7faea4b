//! An audience and the people there are → the recipients. Pure.

use crate::directory::model::{Holders, People};
use crate::rules::Audience;
use crate::rules::model::Branches;

/// The people an audience names, as indices into `people`, each once, in order of id: holders of its roles within its branches, and those it names
/// itself (whatever their branch), minus the one it excepts.
#[must_use]
pub fn choose(audience: &Audience, people: &People) -> Vec<usize> {
    let held = audience
        .roles
        .iter()
        .filter_map(|role| people.by_role.get(role));
    let by_role = held.flat_map(|holders| within(&audience.branches, holders));
    let by_id = audience
        .users
        .iter()
        .filter_map(|id| people.by_id.get(id))
        .copied();
    let mut chosen: Vec<usize> = by_role.chain(by_id).collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen.retain(|&index| audience.except.as_ref() != Some(&people.all[index].id));
    chosen
}

fn within<'a>(
    branches: &'a Branches,
    holders: &'a Holders,
) -> Box<dyn Iterator<Item = usize> + 'a> {
    match branches {
        Branches::Any => Box::new(holders.all.iter().copied()),
        Branches::Of(list) => Box::new(
            list.iter()
                .map(String::as_str)
                .chain(["*"])
                .filter_map(|branch| holders.by_branch.get(branch))
                .flatten()
                .copied(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Person;

    fn person(id: &str, roles: &[&str], branches: &[&str]) -> Person {
        Person {
            id: id.to_owned(),
            roles: roles.iter().map(ToString::to_string).collect(),
            branch_ids: branches.iter().map(ToString::to_string).collect(),
            ..Person::default()
        }
    }

    fn people() -> People {
        People::new(vec![
            person("zainab", &["accountant"], &["bsr"]),
            person("ali", &["accountant", "cfo"], &["bgd"]),
            person("noor", &["cfo"], &["*"]),
            person("omar", &["driver"], &[]),
        ])
    }

    fn audience(roles: &[&str], branches: Branches) -> Audience {
        Audience {
            roles: roles.iter().map(ToString::to_string).collect(),
            branches,
            users: vec![],
            except: None,
        }
    }

    fn ids<'a>(audience: &Audience, people: &'a People) -> Vec<&'a str> {
        choose(audience, people)
            .into_iter()
            .map(|index| people.get(index).id.as_str())
            .collect()
    }

    #[test]
    fn holders_of_a_role_are_chosen_within_the_events_branch_or_with_all_branches() {
        let people = people();
        let of = |b: &str| Branches::Of(vec![b.to_owned()]);
        assert_eq!(ids(&audience(&["accountant"], of("bgd")), &people), ["ali"]);
        assert_eq!(
            ids(&audience(&["accountant", "cfo"], of("bsr")), &people),
            ["noor", "zainab"]
        );
        assert_eq!(
            ids(&audience(&["accountant"], Branches::Any), &people),
            ["ali", "zainab"]
        );
        assert_eq!(
            ids(&audience(&["accountant"], Branches::Of(vec![])), &people),
            [""; 0]
        );
    }

    #[test]
    fn somebody_with_two_reasons_is_told_once_and_the_actor_is_left_out() {
        let people = people();
        let mut wanted = audience(&["accountant", "cfo"], Branches::Any);
        wanted.users = vec!["ali".into(), "omar".into(), "nobody".into()];
        assert_eq!(ids(&wanted, &people), ["ali", "noor", "omar", "zainab"]);
        wanted.except = Some("ali".into());
        assert_eq!(ids(&wanted, &people), ["noor", "omar", "zainab"]);
    }
}
