//! What of an event a rule's memory goes by: the keys of `dedupe_key`, `throttle` and `digest`, rendered, and the date of a reminder.
//! Comes from the judging, goes to the pipeline's decisions.

use jiff::tz::TimeZone;

use crate::rules::audience::AudienceRule;
use crate::rules::budget::{Budget, Notes};
use crate::rules::facts;
use crate::rules::limits;
use crate::rules::memory::model::Delay;
use crate::rules::model::{Audience, Moments, Warning};
use crate::rules::payload::Value;
use crate::rules::render::render;
use crate::rules::set::{CompiledRule, EventContext};
use crate::rules::template::Template;
use crate::rules::world::{Escape, Manner, World};

impl CompiledRule {
    /// `None` for a rule that remembers nothing. A key that can't be rendered is empty, with a warning: it is then the same for all
    /// events of its kind; but a `dedupe_key` is none.
    pub(crate) fn moments(
        &self,
        context: &EventContext<'_>,
        warnings: &mut Vec<Warning>,
    ) -> Option<Moments> {
        let memory = &self.definition.memory;
        if !memory.remembers() {
            return None;
        }
        let text = |template: &Template, warnings: &mut Vec<Warning>| {
            let fields = context
                .fields
                .get_or_init(|| facts::of_event(context.event));
            let world = World {
                payload: &context.payload,
                event: fields,
                recipient: &Value::Null,
                zone: &TimeZone::UTC,
                now: context.now,
            };
            let mut notes = Notes {
                rule: &self.facts.name,
                strict: false,
                warnings,
            };
            let manner = Manner {
                tag: "en",
                around: None,
                escape: Escape::Plain,
                most: limits::KEY_CHARS,
            };
            let mut budget = Budget::default();
            match render(template, &world, &manner, &mut budget, &mut notes) {
                Ok((text, _)) => text,
                Err(warning) => {
                    notes.warnings.push(warning);
                    String::new()
                }
            }
        };
        let dedupe = memory.dedupe.as_ref().and_then(|dedupe| {
            let mut said = Vec::new();
            let key = text(&dedupe.key, &mut said);
            // A key with a hole would make strangers the same.
            let is_whole = said.is_empty();
            warnings.extend(said);
            is_whole.then_some(key)
        });
        let throttle = memory.throttle.as_ref().and_then(|t| t.key.as_ref());
        let digest = memory.digest.as_ref().and_then(|d| d.key.as_ref());
        let mut of = |key: Option<&Template>| {
            let key = key.map(|template| text(template, warnings));
            key.unwrap_or_default()
        };
        let (throttle, digest) = (of(throttle), of(digest));
        Some(Moments {
            due: None,
            has_begun: false,
            dedupe,
            throttle,
            digest,
            dated: match &memory.delay {
                Some(Delay::Date(reminder)) => Some(reminder.dated(&context.payload)),
                _ => None,
            },
        })
    }

    /// Whom a step of its escalation is for, once these were told; 0 = the first telling. `None` where there is no such step.
    pub fn audience_at(
        &self,
        step: i16,
        context: &EventContext<'_>,
        told: impl Iterator<Item = String>,
    ) -> Option<Audience> {
        let (own, _) = self.audience(context);
        if step == 0 {
            return Some(own);
        }
        let rule = &self.escalation(step)?.audience;
        let (mut audience, _) = self.audience_of(rule, context);
        // Whom the rule leaves out, its escalations do.
        audience.except = audience.except.or(own.except);
        audience.excluded.extend(own.excluded);
        if std::mem::take(&mut audience.managers_of_recipients) {
            audience.managers_of.extend(told);
        } else if rule.is_empty() {
            // Only where the step names nobody: one whose people aren't in this event is for nobody.
            audience.users.extend(told);
        }
        Some(audience)
    }

    /// Whom an audience means for an event.
    pub(crate) fn audience_of(
        &self,
        audience: &AudienceRule,
        context: &EventContext<'_>,
    ) -> (Audience, usize) {
        audience.of(context.event, &context.payload)
    }

    /// What it remembers and waits for.
    #[must_use]
    pub fn memory(&self) -> &crate::rules::Memory {
        &self.definition.memory
    }
}
