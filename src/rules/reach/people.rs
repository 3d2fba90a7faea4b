//! Roles, groups and people that lead to nobody. Pure.

use serde::Serialize;

use super::{Known, named, refs};
use crate::rules::audience::{AudienceRule, BranchRule};
use crate::rules::suggest::did_you_mean;

/// A role in one of some branches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Placed {
    role: String,
    branches: Vec<String>,
}

/// The roles of an audience that speaks of branches by name.
pub(super) fn placed(audience: &AudienceRule) -> impl Iterator<Item = Placed> {
    let branches = match &audience.branches {
        BranchRule::Of(branches) => Some(branches),
        BranchRule::Event | BranchRule::Any => None,
    };
    let roles = audience.roles.iter();
    roles.filter_map(move |role| {
        Some(Placed {
            role: role.clone(),
            branches: branches?.clone(),
        })
    })
}

impl Known {
    pub(super) fn audience(
        &self,
        audience: &AudienceRule,
        found: &mut Vec<(&'static str, String)>,
    ) {
        let (roles, groups) = (refs(&self.names.0), refs(&self.names.1));
        for role in audience
            .roles
            .iter()
            .filter(|role| !self.roles.contains(*role))
        {
            let near = other(role, &roles);
            found.push((
                "empty_role",
                format!("nobody active holds the role {role}{near}"),
            ));
        }
        for placed in placed(audience).filter(|one| self.roles.contains(&one.role)) {
            if !self.placed.contains(&placed) {
                let Placed { role, branches } = &placed;
                found.push((
                    "empty_role",
                    format!(
                        "nobody active who holds the role {role} belongs to {}",
                        named(&refs(branches))
                    ),
                ));
            }
        }
        for group in audience
            .groups
            .iter()
            .filter(|group| !self.groups.contains(*group))
        {
            let near = other(group, &groups);
            found.push((
                "empty_group",
                format!("nobody active is in the group {group}{near}"),
            ));
        }
        self.strangers("recipient_users", &audience.users, found);
        self.gone("recipient_users", &audience.users, found);
        self.strangers("exclude_users", &audience.excluded, found);
    }

    /// Who of a key's people isn't in the directory.
    pub(super) fn strangers(
        &self,
        key: &str,
        ids: &[String],
        found: &mut Vec<(&'static str, String)>,
    ) {
        let strangers = self.people_who(ids, None);
        if !strangers.is_empty() {
            let who = named(&strangers);
            let detail = format!("{key} names who isn't in the directory: {who}");
            found.push(("unknown_person", detail));
        }
    }

    /// Who of a key's people is there, and no longer active.
    pub(super) fn gone(&self, key: &str, ids: &[String], found: &mut Vec<(&'static str, String)>) {
        let gone = self.people_who(ids, Some(false));
        if !gone.is_empty() {
            let who = named(&gone);
            let detail = format!("{key} names who isn't active, and so is told nothing: {who}");
            found.push(("inactive_person", detail));
        }
    }

    fn people_who<'a>(&self, ids: &'a [String], active: Option<bool>) -> Vec<&'a str> {
        let ids = ids.iter().map(String::as_str);
        ids.filter(|id| self.people.get(*id).copied() == active)
            .collect()
    }
}

/// Another name that is near: those whom nobody active has are among the known, too.
fn other(name: &str, known: &[&str]) -> String {
    let others: Vec<&str> = known.iter().copied().filter(|one| *one != name).collect();
    did_you_mean(name, &others)
}
