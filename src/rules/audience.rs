//! Whom a match is for, before people are looked up. Comes from the template and the event, goes to the directory.

use crate::ingest::Event;
use crate::rules::limits;
use crate::rules::model::{Audience, Branches, Entity};
use crate::rules::payload::Value;

/// A path into the payload, by key.
pub(crate) type Path = Vec<String>;

/// What a template says about its recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AudienceRule {
    pub(crate) roles: Vec<String>,
    pub(crate) users: Vec<String>,
    pub(crate) branches: BranchRule,
    pub(crate) fields: Vec<Path>,
    pub(crate) groups: Vec<String>,
    /// Whether the rule speaks of branches itself: only then they limit its groups.
    pub(crate) groups_by_branch: bool,
    pub(crate) managers_of_actor: bool,
    pub(crate) managers_of_recipients: bool,
    pub(crate) managers_of_fields: Vec<Path>,
    pub(crate) followers: bool,
    pub(crate) exclude_actor: bool,
    pub(crate) excluded: Vec<String>,
}

/// `recipient_branches`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BranchRule {
    /// The event's own.
    Event,
    /// All.
    Any,
    /// These.
    Of(Vec<String>),
}

impl AudienceRule {
    /// The audience of one event, and how many people were left out because there were too many.
    pub(crate) fn of(&self, event: &Event, payload: &Value<'_>) -> (Audience, usize) {
        let branches = match (&self.branches, &event.branch_id) {
            (BranchRule::Event, Some(branch)) => Branches::Of(vec![branch.clone()]),
            (BranchRule::Event, None) | (BranchRule::Any, _) => Branches::Any,
            (BranchRule::Of(ids), _) => Branches::Of(ids.clone()),
        };
        let mut users = Users {
            ids: self.users.clone(),
            over: 0,
        };
        for path in &self.fields {
            users.collect(payload, path);
        }
        let actor = || event.actor_id.clone();
        let mut managed = Users {
            ids: actor()
                .filter(|_| self.managers_of_actor)
                .into_iter()
                .collect(),
            over: 0,
        };
        for path in &self.managers_of_fields {
            managed.collect(payload, path);
        }
        let entity = event.entity_type.as_ref().zip(event.entity_id.as_ref());
        let entity = entity.filter(|_| self.followers);
        let audience = Audience {
            roles: self.roles.clone(),
            groups: self.groups.clone(),
            group_branches: if self.groups_by_branch {
                branches.clone()
            } else {
                Branches::Any
            },
            branches,
            users: users.ids,
            followers_of: entity.map(|(entity_type, entity_id)| Entity {
                entity_type: entity_type.clone(),
                entity_id: entity_id.clone(),
            }),
            managers_of: managed.ids,
            managers_of_recipients: self.managers_of_recipients,
            except: actor().filter(|_| self.exclude_actor),
            excluded: self.excluded.clone(),
        };
        (audience, users.over + managed.over)
    }

    /// Whether it names people by their ids, and nobody else.
    pub(crate) fn is_by_id_alone(&self) -> bool {
        let others = Self {
            users: Vec::new(),
            ..self.clone()
        };
        others.is_empty()
    }

    /// Whether it can reach anybody at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.roles.is_empty()
            && self.users.is_empty()
            && self.fields.is_empty()
            && self.groups.is_empty()
            && self.managers_of_fields.is_empty()
            && !self.managers_of_actor
            && !self.followers
    }
}

struct Users {
    ids: Vec<String>,
    over: usize,
}

impl Users {
    /// Follows a path; a list on the way stands for each of its items. Numbers are ids by their digits.
    fn collect(&mut self, value: &Value<'_>, path: &[String]) {
        if let Value::List(items) = value {
            for item in items {
                self.collect(item, path);
            }
            return;
        }
        if let Some((key, rest)) = path.split_first() {
            if let Some(inner) = value.get(key) {
                self.collect(inner, rest);
            }
            return;
        }
        if let Value::Number(id) | Value::Text(id) = value {
            let id = id.trim();
            if id.is_empty()
                || id.chars().count() > limits::ID_CHARS
                || self.ids.iter().any(|known| known == id)
            {
                return;
            }
            if self.ids.len() < limits::USERS {
                self.ids.push(id.to_owned());
            } else {
                self.over += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(payload: &str, paths: &[&str]) -> Vec<String> {
        let payload = Value::parse(payload).unwrap();
        let mut users = Users {
            ids: Vec::new(),
            over: 0,
        };
        for path in paths {
            let keys: Vec<String> = path.split('.').map(str::to_owned).collect();
            users.collect(&payload, &keys);
        }
        users.ids
    }

    #[test]
    fn ids_come_from_texts_numbers_and_lists_each_once() {
        let payload = r#"{"assigned_to": 42, "team": ["ali", 7, null, "ali", {"id": "x"}],
            "lines": [{"owner_id": "sara"}, {}, {"owner_id": [9007199254740993]}], "empty": ""}"#;
        assert_eq!(
            users(
                payload,
                &[
                    "assigned_to",
                    "team",
                    "lines.owner_id",
                    "nobody",
                    "empty",
                    "lines"
                ]
            ),
            ["42", "ali", "7", "sara", "9007199254740993"]
        );
    }

    #[test]
    fn no_more_people_than_the_limit_are_listed_and_the_rest_is_counted() {
        let ids: Vec<String> = (0..limits::USERS + 5).map(|i| i.to_string()).collect();
        let payload = Value::parse("{}").unwrap();
        let mut users = Users {
            ids: Vec::new(),
            over: 0,
        };
        users.collect(&payload, &[]);
        for id in &ids {
            users.collect(&Value::Text(id.as_str().into()), &[]);
        }
        assert_eq!((users.ids.len(), users.over), (limits::USERS, 5));
    }
}
