//! What a compiled rule says of itself to whoever shows it: in which languages it speaks, and by which of its words it names
//! somebody. Comes from `set`, goes to previews. Pure.

use std::sync::Arc;

use crate::ingest::Event;
use crate::kernel::{ChannelKind, Severity};
use crate::rules::audience::AudienceRule;
use crate::rules::locale;
use crate::rules::memory::model::Escalation;
use crate::rules::model::Match;
use crate::rules::set::{CompiledRule, EventContext};

/// By which of a rule's words somebody is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// By id, in `recipient_users`.
    ById,
    /// By the event's payload, at this path of `recipient_fields`.
    ByField(String),
}

impl CompiledRule {
    /// The languages its texts are written in, as the rule has them; none for a rule whose texts are the same for all.
    #[must_use]
    pub fn languages(&self) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        for (_, text) in self.definition.all_texts() {
            for tag in text.languages() {
                let is_known = |known: &String| locale::normal(known) == locale::normal(tag);
                if !tags.iter().any(is_known) {
                    tags.push(tag.to_owned());
                }
            }
        }
        tags
    }

    /// By which of its words it, or a step of its escalation, names a person for an event; 0 = the first telling. `None` where it
    /// doesn't.
    #[must_use]
    pub fn naming(&self, step: i16, context: &EventContext<'_>, user: &str) -> Option<Named> {
        let own = || &self.definition.audience;
        let audience = self
            .escalation(step)
            .map_or_else(own, |step| &step.audience);
        if audience.users.iter().any(|id| id == user) {
            return Some(Named::ById);
        }
        let holds = |path: &&Vec<String>| {
            let alone = AudienceRule {
                users: Vec::new(),
                fields: vec![(*path).clone()],
                ..audience.clone()
            };
            let (found, _) = self.audience_of(&alone, context);
            found.users.iter().any(|id| id == user)
        };
        let path = audience.fields.iter().find(holds)?;
        Some(Named::ByField(path.join(".")))
    }
}

impl Match {
    /// A rule as if it were true for an event.
    #[must_use]
    pub fn supposed(rule: &Arc<CompiledRule>, context: &EventContext<'_>) -> Self {
        // What its keys have to say was said when it was judged, if it was.
        let moments = rule.moments(context, &mut Vec::new());
        Self {
            rule: Arc::clone(rule),
            audience: rule.audience(context).0,
            step: 0,
            moments: moments.map(Box::new),
        }
    }

    /// The step of the rule's escalation that it is; `None` = the first telling.
    #[must_use]
    pub fn escalation(&self) -> Option<&Escalation> {
        self.rule.escalation(self.step)
    }

    /// Where to.
    #[must_use]
    pub fn channels(&self) -> &[ChannelKind] {
        let own = self.escalation().and_then(|step| step.channels.as_ref());
        own.unwrap_or(&self.rule.facts.channels)
    }

    /// How grave.
    #[must_use]
    pub fn severity(&self, event: &Event) -> Severity {
        let own = self.escalation().and_then(|step| step.severity);
        own.or(self.rule.facts.severity).unwrap_or(event.severity)
    }
}
