//! Whom the directory is asked for, so that audiences can choose among them. Comes from audiences, goes to the store. Pure.

use std::collections::BTreeSet;

use crate::rules::{Audience, Entity};

/// Everybody who may be chosen, and what must be known to choose them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Holders of these roles.
    pub roles: BTreeSet<String>,
    /// Members of these groups.
    pub groups: BTreeSet<String>,
    /// These people.
    pub ids: BTreeSet<String>,
    /// Whoever follows these.
    pub entities: BTreeSet<Entity>,
    /// The managers of these people, active or not.
    pub managers_of: BTreeSet<String>,
    /// The managers of everybody who is found.
    pub managers_of_all: bool,
}

impl Wanted {
    /// What these audiences need.
    #[must_use]
    pub fn of<'a>(audiences: impl Iterator<Item = &'a Audience>) -> Self {
        let mut wanted = Self::default();
        for audience in audiences {
            take(&mut wanted.roles, &audience.roles);
            take(&mut wanted.groups, &audience.groups);
            take(&mut wanted.ids, &audience.users);
            take(&mut wanted.managers_of, &audience.managers_of);
            take(&mut wanted.entities, audience.followers_of.as_slice());
            wanted.managers_of_all |= audience.managers_of_recipients;
        }
        wanted
    }

    /// What these audiences need to say how one person stands to them: all only where that depends on everybody chosen.
    #[must_use]
    pub fn for_one<'a>(user: &str, audiences: impl Iterator<Item = &'a Audience>) -> Self {
        let (mut wanted, mut rest) = (Self::default(), Self::default());
        for audience in audiences {
            let one = Self::of(std::iter::once(audience));
            if audience.managers_of_recipients {
                wanted.roles.extend(one.roles);
                wanted.groups.extend(one.groups);
                wanted.ids.extend(one.ids);
                wanted.managers_of_all = true;
            }
            rest.entities.extend(one.entities);
            rest.managers_of.extend(one.managers_of);
        }
        wanted.entities = rest.entities;
        wanted.managers_of = rest.managers_of;
        wanted.ids.insert(user.to_owned());
        wanted
    }

    /// Asks for these, too. Whether anybody among them is new.
    pub fn join(&mut self, more: Self) -> bool {
        fn add<T: Ord>(all: &mut BTreeSet<T>, more: BTreeSet<T>) -> bool {
            let before = all.len();
            all.extend(more);
            all.len() > before
        }
        let is_new = [
            add(&mut self.roles, more.roles),
            add(&mut self.groups, more.groups),
            add(&mut self.ids, more.ids),
            add(&mut self.entities, more.entities),
            add(&mut self.managers_of, more.managers_of),
            more.managers_of_all && !self.managers_of_all,
        ];
        self.managers_of_all |= more.managers_of_all;
        is_new.contains(&true)
    }

    /// Whether it is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roles.is_empty()
            && self.groups.is_empty()
            && self.ids.is_empty()
            && self.entities.is_empty()
            && self.managers_of.is_empty()
    }
}

/// Most audiences of a batch name the same few.
fn take<T: Ord + Clone>(all: &mut BTreeSet<T>, some: &[T]) {
    for one in some {
        if !all.contains(one) {
            all.insert(one.clone());
        }
    }
}
