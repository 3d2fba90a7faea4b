//! An audience and the people there are → the recipients. Pure.

use crate::directory::model::{Holders, People, Person};
use crate::rules::Audience;
use crate::rules::model::Branches;

#[cfg(test)]
mod tests;

/// The people an audience names, as indices into `people`, each once, in order of id: holders of its roles and members of its groups
/// and followers within their branches, those it names itself (whatever their branch), and then managers, minus whom it leaves out.
/// Somebody who is left out has no manager told on their account.
#[must_use]
pub fn choose(audience: &Audience, people: &People) -> Vec<usize> {
    let held = audience
        .roles
        .iter()
        .filter_map(|role| people.by_role.get(role));
    let by_role = held.flat_map(|holders| within(&audience.branches, holders, people));
    let in_group = audience
        .groups
        .iter()
        .filter_map(|group| people.by_group.get(group));
    let by_group = in_group.flat_map(|members| within(&audience.group_branches, members, people));
    let followed = audience.followers_of.as_ref();
    let followers = followed.map_or(&[][..], |entity| people.followers_of(entity));
    let of_ids = |ids: std::slice::Iter<'_, String>| -> Vec<usize> {
        ids.filter_map(|id| people.by_id.get(id)).copied().collect()
    };
    let mut by_follow = of_ids(followers.iter());
    by_follow.retain(|&index| people.all[index].is_within(&audience.branches));
    let by_id = of_ids(audience.users.iter());
    let mut chosen: Vec<usize> = by_role
        .chain(by_group)
        .chain(by_follow)
        .chain(by_id)
        .collect();
    settle(&mut chosen, audience, people);
    let told_with = chosen.iter().filter(|_| audience.managers_of_recipients);
    let told_with = told_with.map(|&index| people.all[index].id.as_str());
    let subjects = audience.managers_of.iter().map(String::as_str);
    let managers = subjects.chain(told_with);
    let managers = managers.filter_map(|id| people.by_id.get(people.manager_of(id)?));
    let managers: Vec<usize> = managers.copied().collect();
    if !managers.is_empty() {
        chosen.extend(managers);
        settle(&mut chosen, audience, people);
    }
    chosen
}

/// Each once, in order, without those left out.
fn settle(chosen: &mut Vec<usize>, audience: &Audience, people: &People) {
    chosen.sort_unstable();
    chosen.dedup();
    // A thousand may be left out of ten thousand: compared by their places, not by their ids.
    let out = audience.excluded.iter().chain(&audience.except);
    let mut out: Vec<usize> = out.filter_map(|id| people.by_id.get(id)).copied().collect();
    if !out.is_empty() {
        out.sort_unstable();
        chosen.retain(|index| out.binary_search(index).is_err());
    }
}

fn is_left_out(audience: &Audience, id: &String) -> bool {
    audience.except.as_ref() == Some(id) || audience.excluded.contains(id)
}

/// Why an audience includes a person, or doesn't.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Named by id.
    Named,
    /// Holds this role, in the right branch.
    Role(&'a str),
    /// Is in this group, and in the right branch where that matters.
    Group(&'a str),
    /// Follows what the event is about.
    Follower,
    /// Is this person's manager.
    ManagerOf(&'a str),
    /// Would be told, but did it themselves.
    Actor,
    /// Would be told, but the rule leaves them out by name.
    Excluded,
    /// Holds this role, in another branch.
    OtherBranch(&'a str),
    /// Is in this group, in another branch.
    GroupOfOtherBranch(&'a str),
    /// Follows what the event is about, in another branch.
    FollowerOfOtherBranch,
    /// None of it.
    Stranger,
}

impl Standing<'_> {
    /// Whether they are told.
    #[must_use]
    pub fn is_chosen(self) -> bool {
        matches!(
            self,
            Self::Named | Self::Role(_) | Self::Group(_) | Self::Follower | Self::ManagerOf(_)
        )
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

    /// How they stand by themselves, whoever is left out.
    fn direct<'a>(&self, audience: &'a Audience, people: &People) -> Standing<'a> {
        let role = audience.roles.iter().find(|role| self.roles.contains(role));
        let group = audience
            .groups
            .iter()
            .find(|group| self.groups.contains(group));
        let follows = |entity| people.followers_of(entity).contains(&self.id);
        if audience.users.contains(&self.id) {
            return Standing::Named;
        }
        let is_follower = audience.followers_of.as_ref().is_some_and(follows);
        match (role, group) {
            (Some(role), _) if self.is_within(&audience.branches) => Standing::Role(role),
            (_, Some(group)) if self.is_within(&audience.group_branches) => Standing::Group(group),
            _ if is_follower && self.is_within(&audience.branches) => Standing::Follower,
            (Some(role), _) => Standing::OtherBranch(role),
            (_, Some(group)) => Standing::GroupOfOtherBranch(group),
            (None, None) if is_follower => Standing::FollowerOfOtherBranch,
            (None, None) => Standing::Stranger,
        }
    }
}

impl People {
    /// How a person stands to an audience: chosen exactly where [`choose`] chooses them, of people who were found for it.
    #[must_use]
    pub fn standing<'a>(&'a self, person: &Person, audience: &'a Audience) -> Standing<'a> {
        let mut standing = person.direct(audience, self);
        if !standing.is_chosen()
            && let Some(whose) = self.managed(person, audience)
        {
            standing = Standing::ManagerOf(whose);
        }
        if !standing.is_chosen() {
            return standing;
        }
        if audience.except.as_ref() == Some(&person.id) {
            return Standing::Actor;
        }
        if audience.excluded.contains(&person.id) {
            return Standing::Excluded;
        }
        standing
    }

    /// On whose account somebody is told as their manager.
    fn managed<'a>(&'a self, manager: &Person, audience: &'a Audience) -> Option<&'a str> {
        let own = |id: &str| self.manager_of(id) == Some(manager.id.as_str());
        let named = audience.managers_of.iter().find(|id| own(id));
        named.map(String::as_str).or_else(|| {
            let told = |person: &&Person| {
                own(&person.id)
                    && !is_left_out(audience, &person.id)
                    && person.direct(audience, self).is_chosen()
            };
            let mut all = self.all.iter().filter(|_| audience.managers_of_recipients);
            all.find(told).map(|person| person.id.as_str())
        })
    }

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
