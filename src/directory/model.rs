//! People, as the directory shows them.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::preferences::Wishes;
use crate::rules::{Entity, Reader};

/// A person who can be told things.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// The ERP's user id.
    pub id: String,
    /// As they are addressed.
    pub display_name: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// Telegram chat.
    pub telegram_chat_id: Option<String>,
    /// Slack user.
    pub slack_user_id: Option<String>,
    /// Roles held.
    pub roles: Vec<String>,
    /// Groups they are in.
    pub groups: Vec<String>,
    /// Branches belonged to; `*` = all.
    pub branch_ids: Vec<String>,
    /// Their manager's id.
    pub manager_id: Option<String>,
    /// BCP 47.
    pub locale: String,
    /// IANA.
    pub timezone: String,
    /// What they wish to be told, and how.
    pub wishes: Wishes,
}

impl Person {
    /// What templates may see of this person.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader {
            locale: self.locale.clone(),
            timezone: self.timezone.clone(),
            fields: serde_json::json!({
                "id": self.id, "display_name": self.display_name, "email": self.email, "roles": self.roles,
                "branch_ids": self.branch_ids, "locale": self.locale,
            }),
        }
    }
}

/// The people a batch may be for, indexed for choosing among them.
#[derive(Debug, Default)]
pub struct People {
    pub(super) all: Vec<Person>,
    pub(super) by_id: HashMap<String, usize>,
    pub(super) by_role: HashMap<String, Holders>,
    pub(super) by_group: HashMap<String, Holders>,
    links: Links,
    readers: Vec<OnceLock<Reader>>,
}

/// What is known of people besides themselves, as far as a batch asks.
#[derive(Debug, Default)]
pub struct Links {
    /// Who follows what, by their ids.
    pub followers: HashMap<Entity, Vec<String>>,
    /// Managers by the ids of their people, who may have left.
    pub managers: HashMap<String, String>,
}

/// Who holds a role, or is in a group: rules mostly ask for those of one branch, and there may be thousands of others.
#[derive(Debug, Default)]
pub(super) struct Holders {
    pub(super) all: Vec<usize>,
    branches: OnceLock<Branched>,
}

/// Holders by branch, made when a rule first asks for one: most roles that people hold no rule of a batch asks for.
#[derive(Debug, Default)]
pub(super) struct Branched {
    /// `*` has those of all branches.
    pub(super) by_branch: HashMap<String, Vec<usize>>,
    /// Those of so many branches that a look through them is cheaper than an entry each.
    pub(super) wide: Vec<usize>,
}

/// Who belongs to more branches is in no index by branch.
const WIDE: usize = 8;

fn enter(holders: &mut HashMap<String, Holders>, names: &[String], index: usize) {
    for name in names {
        match holders.get_mut(name) {
            Some(holders) => holders.all.push(index),
            None => {
                let fresh = holders.entry(name.clone()).or_default();
                fresh.all.push(index);
            }
        }
    }
}

impl People {
    /// Indexes people; the order given doesn't matter.
    #[must_use]
    pub fn new(mut all: Vec<Person>) -> Self {
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all.dedup_by(|a, b| a.id == b.id);
        let mut by_id = HashMap::with_capacity(all.len());
        let (mut by_role, mut by_group) = (HashMap::new(), HashMap::new());
        for (index, person) in all.iter().enumerate() {
            by_id.insert(person.id.clone(), index);
            enter(&mut by_role, &person.roles, index);
            enter(&mut by_group, &person.groups, index);
        }
        let readers = std::iter::repeat_with(OnceLock::new)
            .take(all.len())
            .collect();
        Self {
            all,
            by_id,
            by_role,
            by_group,
            links: Links::default(),
            readers,
        }
    }

    /// Somebody's index.
    #[must_use]
    pub fn place_of(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The same people, with what is known besides.
    #[must_use]
    pub fn with(self, links: Links) -> Self {
        Self { links, ..self }
    }

    /// The id of a person's manager. Nobody is their own.
    pub(super) fn manager_of(&self, id: &str) -> Option<&str> {
        let known = || self.all[*self.by_id.get(id)?].manager_id.as_ref();
        let manager = self.links.managers.get(id).or_else(known)?;
        Some(manager.as_str()).filter(|manager| *manager != id)
    }

    /// The ids of an entity's followers.
    pub(super) fn followers_of(&self, entity: &Entity) -> &[String] {
        self.links.followers.get(entity).map_or(&[], Vec::as_slice)
    }

    /// The person at an index given by `recipients::choose`.
    #[must_use]
    pub fn get(&self, index: usize) -> &Person {
        &self.all[index]
    }

    /// All of them, in order of id.
    pub fn iter(&self) -> impl Iterator<Item = &Person> {
        self.all.iter()
    }

    /// The holders of a role by branch.
    pub(super) fn branched<'a>(&'a self, holders: &'a Holders) -> &'a Branched {
        holders.branches.get_or_init(|| {
            let mut branched = Branched::default();
            for &index in &holders.all {
                let branches = &self.all[index].branch_ids;
                if branches.len() > WIDE {
                    branched.wide.push(index);
                    continue;
                }
                for branch in branches {
                    let there = branched.by_branch.entry(branch.clone()).or_default();
                    there.push(index);
                }
            }
            branched
        })
    }

    /// What templates may see of that person; made once, however often they are told something.
    #[must_use]
    pub fn reader(&self, index: usize) -> &Reader {
        self.readers[index].get_or_init(|| self.all[index].reader())
    }
}
