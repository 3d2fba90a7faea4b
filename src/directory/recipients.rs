//! An audience and the people there are → the recipients. Pure.

use crate::directory::model::{Holders, People, Person};
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
    let by_role = held.flat_map(|holders| within(&audience.branches, holders, people));
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

/// Why an audience includes a person, or doesn't.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Named by id.
    Named,
    /// Holds this role, in the right branch.
    Role(&'a str),
    /// Would be told, but did it themselves.
    Actor,
    /// Holds this role, in another branch.
    OtherBranch(&'a str),
    /// Neither named nor holding any of the roles.
    Stranger,
}

impl Standing<'_> {
    /// Whether they are told.
    #[must_use]
    pub fn is_chosen(self) -> bool {
        matches!(self, Self::Named | Self::Role(_))
    }
}

impl Person {
    fn is_within(&self, branches: &Branches) -> bool {
        match branches {
            Branches::Any => true,
            Branches::Of(list) => self
                .branch_ids
                .iter()
                .any(|own| own == "*" || list.contains(own)),
        }
    }

    /// How this person stands to an audience: chosen exactly where [`choose`] chooses them.
    #[must_use]
    pub fn standing<'a>(&self, audience: &'a Audience) -> Standing<'a> {
        let role = || audience.roles.iter().find(|role| self.roles.contains(role));
        let standing = if audience.users.contains(&self.id) {
            Standing::Named
        } else {
            match role() {
                Some(role) if self.is_within(&audience.branches) => Standing::Role(role),
                Some(role) => Standing::OtherBranch(role),
                None => Standing::Stranger,
            }
        };
        if standing.is_chosen() && audience.except.as_ref() == Some(&self.id) {
            return Standing::Actor;
        }
        standing
    }
}

impl People {
    /// The people an audience names, in order of id.
    #[must_use]
    pub fn chosen(&self, audience: &Audience) -> Vec<&Person> {
        let chosen = choose(audience, self).into_iter();
        chosen.map(|index| self.get(index)).collect()
    }

    /// One of them.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<&Person> {
        self.by_id.get(id).map(|&index| self.get(index))
    }
}

fn within<'a>(
    branches: &'a Branches,
    holders: &'a Holders,
    people: &'a People,
) -> Box<dyn Iterator<Item = usize> + 'a> {
    let Branches::Of(list) = branches else {
        return Box::new(holders.all.iter().copied());
    };
    let branched = people.branched(holders);
    let wide = branched.wide.iter();
    let wide = wide.filter(|&&index| people.all[index].is_within(branches));
    let few = list.iter().map(String::as_str).chain(["*"]);
    let few = few.filter_map(|branch| branched.by_branch.get(branch));
    Box::new(few.flatten().chain(wide).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

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
            person(
                "rima",
                &["auditor"],
                &["b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9"],
            ),
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
    fn somebody_of_very_many_branches_is_chosen_within_them_and_nowhere_else() {
        let people = people();
        let of = |b: &[&str]| Branches::Of(b.iter().map(ToString::to_string).collect());
        assert_eq!(ids(&audience(&["auditor"], of(&["b9"])), &people), ["rima"]);
        assert_eq!(
            ids(&audience(&["auditor", "cfo"], of(&["b1", "b2"])), &people),
            ["noor", "rima"]
        );
        assert_eq!(ids(&audience(&["auditor"], of(&["bgd"])), &people), [""; 0]);
    }

    #[test]
    fn a_persons_standing_says_why_and_agrees_with_the_choice() {
        let people = people();
        let mut audience = audience(&["accountant", "cfo"], Branches::Of(vec!["bgd".to_owned()]));
        audience.users = vec!["omar".into()];
        audience.except = Some("noor".into());
        let standing = |id: &str| people.by_id(id).unwrap().standing(&audience);
        assert_eq!(standing("ali"), Standing::Role("accountant"));
        assert_eq!(standing("zainab"), Standing::OtherBranch("accountant"));
        assert_eq!(standing("omar"), Standing::Named);
        assert_eq!(standing("noor"), Standing::Actor);
        for person in &people.all {
            let chosen = people.chosen(&audience).iter().any(|p| p.id == person.id);
            assert_eq!(
                person.standing(&audience).is_chosen(),
                chosen,
                "{}",
                person.id
            );
        }
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
