//! Whether a rule can ever match and reach somebody, as things are: a type that no event has, a role that nobody holds, a field that
//! no payload carries. Comes from rules and what is known here (`store`), goes to whoever saves or checks them. These are hints: a
//! rule may be ahead of its events and people, and is saved all the same. Pure but for its store.

mod fields;
mod people;
pub(crate) mod store;
#[cfg(test)]
mod tests;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use self::people::{Placed, placed};
use crate::kernel::ChannelKind;
use crate::kernel::{Error, Result};
use crate::rules::Draft;
use crate::rules::audience::AudienceRule;
use crate::rules::blame;
use crate::rules::definition::Definition;
use crate::rules::memory::model::Delay;
use crate::rules::model::Warning;
use crate::rules::pattern::Pattern;
use crate::rules::suggest::{did_you_mean, did_you_misspell};

/// The standard types, each with an event as an ERP sends it.
const STANDARD: &str = include_str!("../../../sql/starter/catalog.json");
/// Names told in one warning.
const NAMED: usize = 5;

/// What is known here, as far as some rules ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Event types, standard ones and those seen, each with the modules they come from.
    types: BTreeMap<String, BTreeSet<String>>,
    /// Paths of payloads by event type, as `recipient_fields` writes them. A type that isn't there: nothing is known of it.
    fields: BTreeMap<String, BTreeSet<String>>,
    /// Of the roles asked for, those that somebody active holds.
    roles: BTreeSet<String>,
    /// Of the roles asked for in branches, those that somebody active holds in one of them.
    placed: BTreeSet<Placed>,
    /// Of the groups asked for, those that somebody active is in.
    groups: BTreeSet<String>,
    /// Of the people asked for, those that are there, and whether they are active.
    people: BTreeMap<String, bool>,
    /// Roles and groups there are, read only where one is missing.
    names: (Vec<String>, Vec<String>),
    /// Channels that workers have settings for; `None` = no worker says.
    channels: Option<BTreeSet<String>>,
}

/// What rules name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Named {
    roles: BTreeSet<String>,
    placed: BTreeSet<Placed>,
    groups: BTreeSet<String>,
    people: BTreeSet<String>,
}

impl Named {
    fn by(drafts: &[&Draft]) -> Self {
        let mut named = Self::default();
        for draft in drafts {
            // One that can't be read has a fault, which is said elsewhere.
            let Ok(definition) = Definition::parse(&draft.notification_template) else {
                continue;
            };
            for audience in audiences(&definition) {
                named.roles.extend(audience.roles.iter().cloned());
                named.placed.extend(placed(audience));
                named.groups.extend(audience.groups.iter().cloned());
                named.people.extend(audience.users.iter().cloned());
                named.people.extend(audience.excluded.iter().cloned());
            }
            named.people.extend(definition.memory.owner.iter().cloned());
        }
        named
    }
}

/// Whom a rule is for, at once and by each of its escalations.
fn audiences(definition: &Definition) -> impl Iterator<Item = &AudienceRule> {
    let steps = definition.memory.escalate.iter();
    std::iter::once(&definition.audience).chain(steps.map(|step| &step.audience))
}

/// A standard type.
#[derive(Deserialize)]
struct Standard {
    example: Example,
}

/// An event of it.
#[derive(Deserialize)]
struct Example {
    source_module: String,
    event_type: String,
    payload: Value,
}

impl Known {
    /// What ships with the product.
    fn standard() -> Result<Self> {
        let standard: Vec<Standard> = serde_json::from_str(STANDARD)
            .map_err(|e| Error::internal("the built-in catalogue can't be read", e))?;
        let mut known = Self::default();
        for Standard { example: event } in standard {
            fields::collect(
                &event.payload,
                known.fields.entry(event.event_type.clone()).or_default(),
            );
            let modules = known.types.entry(event.event_type).or_default();
            modules.insert(event.source_module);
        }
        Ok(known)
    }

    /// Why a rule can't match or reach anybody, or not as it says; one that can't be compiled has no reach to speak of.
    #[must_use]
    pub fn warnings(&self, draft: &Draft) -> Vec<Warning> {
        let definition = Definition::parse(&draft.notification_template);
        let pattern = Pattern::parse(&draft.event_type_pattern);
        let (Ok(definition), Ok(pattern)) = (definition, pattern) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        self.events(draft, &pattern, &mut found);
        self.payload(draft, &pattern, &definition, &mut found);
        self.resolved(&definition, &mut found);
        for audience in audiences(&definition) {
            self.audience(audience, &mut found);
        }
        let owner = definition.memory.owner.as_slice();
        self.strangers("owner", owner, &mut found);
        self.gone("owner", owner, &mut found);
        self.ways(&definition, &mut found);
        // Steps of an escalation mostly name the same as the rule.
        let mut said = BTreeSet::new();
        found.retain(|one| said.insert(one.clone()));
        found
            .into_iter()
            .map(|(kind, detail)| Warning {
                rule: draft.name.clone(),
                kind,
                detail,
            })
            .collect()
    }

    /// The types a pattern is about, with their modules.
    fn about<'k>(&'k self, pattern: &Pattern) -> Vec<(&'k String, &'k BTreeSet<String>)> {
        let types = self.types.iter();
        types.filter(|(name, _)| pattern.matches(name)).collect()
    }

    fn events(&self, draft: &Draft, pattern: &Pattern, found: &mut Vec<(&'static str, String)>) {
        let about = self.about(pattern);
        if about.is_empty() && *pattern != Pattern::Any {
            let known: BTreeSet<String> = match pattern {
                Pattern::Exact(_) => self.types.keys().cloned().collect(),
                _ => self
                    .types
                    .keys()
                    .filter_map(|name| Some(format!("{}.*", name.rsplit_once('.')?.0)))
                    .collect(),
            };
            let (written, what) = match pattern {
                Pattern::Prefix(prefix) => {
                    (format!("{prefix}.*"), "no type below it is a standard one")
                }
                Pattern::Exact(name) => (name.clone(), "it is none of the standard ones"),
                Pattern::Any => return,
            };
            let near = did_you_mean(
                &written,
                &known.iter().map(|name| &**name).collect::<Vec<_>>(),
            );
            let pattern = &draft.event_type_pattern;
            found.push((
                "unknown_event_type",
                format!("no event of type `{pattern}` was ever seen here, and {what}{near}"),
            ));
            return;
        }
        let Some(module) = &draft.source_module else {
            return;
        };
        if about.iter().any(|(_, modules)| modules.contains(module)) {
            return;
        }
        let modules: BTreeSet<&str> = about
            .iter()
            .flat_map(|(_, modules)| modules.iter().map(String::as_str))
            .collect();
        let modules: Vec<&str> = modules.into_iter().collect();
        let near = did_you_mean(module, &modules);
        found.push((
            "unknown_module",
            format!(
                "no event of type `{}` ever came from module {module}{near}; they come from {}",
                draft.event_type_pattern,
                named(&modules)
            ),
        ));
    }

    /// Fields that no known event of its types carries, which its conditions, texts and recipients name.
    fn payload(
        &self,
        draft: &Draft,
        pattern: &Pattern,
        definition: &Definition,
        found: &mut Vec<(&'static str, String)>,
    ) {
        let about = self.about(pattern);
        let known = about.iter().map(|(name, _)| self.fields.get(*name));
        // Of a type of which nothing is known nothing can be said, nor where everything matches.
        let Some(known) = known.collect::<Option<Vec<_>>>() else {
            return;
        };
        if known.is_empty() || *pattern == Pattern::Any {
            return;
        }
        let carried: BTreeSet<&str> = known.into_iter().flatten().map(String::as_str).collect();
        let is_carried = |path: &str| fields::is_carried(path, &carried);
        let near = |path: &str| did_you_mean(path, &carried.iter().copied().collect::<Vec<_>>());
        let condition = draft.conditions.as_deref();
        let condition: Option<Value> = condition.and_then(|text| serde_json::from_str(text).ok());
        let hopeless = condition
            .as_ref()
            .and_then(|part| fields::hopeless(part, &is_carried));
        let mut read = Vec::new();
        if let Some(condition) = &condition {
            blame::variables(condition, &mut read);
        }
        let read = read.iter().filter_map(|path| path.strip_prefix("payload."));
        let odd = read.filter(|path| hopeless.as_deref() != Some(path) && !is_carried(path));
        for path in odd.take(texts::SAID) {
            // It may be meant to be missing, unless another was meant.
            let near = did_you_misspell(path, &carried.iter().copied().collect::<Vec<_>>());
            if !near.is_empty() {
                found.push((
                    "unknown_field",
                    format!(
                        "its condition reads `payload.{path}`, and no known event of type `{}` carries that{near}",
                        draft.event_type_pattern
                    ),
                ));
            }
        }
        if let Some(path) = hopeless {
            found.push((
                "unknown_field",
                format!(
                    "its condition can't be true: it needs `payload.{path}`, and no known event of type `{}` carries that{}",
                    draft.event_type_pattern,
                    near(&path)
                ),
            ));
        }
        texts::unknown(definition, &carried, &draft.event_type_pattern, found);
        let mut named: Vec<(&str, &[String])> = Vec::new();
        for audience in audiences(definition) {
            let fields = audience.fields.iter().map(|p| ("recipient_fields", &p[..]));
            let managers = audience.managers_of_fields.iter();
            named.extend(fields.chain(managers.map(|p| ("recipient_managers", &p[..]))));
        }
        if let Some(Delay::Date(reminder)) = &definition.memory.delay {
            named.push(("delay", &reminder.path));
        }
        for (key, path) in named {
            let path = path.join(".");
            if !is_carried(&path) {
                found.push((
                    "unknown_field",
                    format!(
                        "{key} names `{path}`, and no known event of type `{}` carries that{}",
                        draft.event_type_pattern,
                        near(&path)
                    ),
                ));
            }
        }
    }

    /// Types that are to be resolved, and that nothing is.
    fn resolved(&self, definition: &Definition, found: &mut Vec<(&'static str, String)>) {
        let known: Vec<&str> = self.types.keys().map(String::as_str).collect();
        for resolves in &definition.memory.resolves {
            if self.about(&resolves.pattern).is_empty() {
                let text = &resolves.text;
                let near = did_you_mean(text, &known);
                found.push((
                    "unknown_event_type",
                    format!(
                        "it resolves `{text}`, and no event of such a type was ever seen here{near}"
                    ),
                ));
            }
        }
    }

    fn ways(&self, definition: &Definition, found: &mut Vec<(&'static str, String)>) {
        let Some(channels) = &self.channels else {
            return;
        };
        let steps = definition.memory.escalate.iter();
        let steps = steps.filter_map(|step| step.channels.as_ref()).flatten();
        let others = definition.channels.iter().chain(steps);
        let others = others.filter(|channel| **channel != ChannelKind::InApp);
        for channel in others.map(|channel| channel.as_str()) {
            if !channels.contains(channel) {
                found.push((
                    "channel_not_configured",
                    format!(
                        "no worker has settings for {channel}: what would go that way is withheld"
                    ),
                ));
            }
        }
    }
}

fn refs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

fn named(names: &[&str]) -> String {
    match names.get(..NAMED) {
        Some(first) if names.len() > NAMED => {
            format!("{} and {} more", first.join(", "), names.len() - NAMED)
        }
        _ => names.join(", "),
    }
}
