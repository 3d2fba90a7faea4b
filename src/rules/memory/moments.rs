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
    /// events of its kind.
    pub(crate) fn moments(
        &self,
        context: &EventContext<'_>,
        warnings: &mut Vec<Warning>,
    ) -> Option<Moments> {
        let memory = &self.definition.memory;
        if !memory.remembers() {
            return None;
        }
        let mut text = |template: &Template| {
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
                    warnings.push(warning);
                    String::new()
                }
            }
        };
        let dedupe = memory.dedupe.as_ref().map(|d| text(&d.key));
        let throttle = memory.throttle.as_ref().and_then(|t| t.key.as_ref());
        let digest = memory.digest.as_ref().and_then(|d| d.key.as_ref());
        let (throttle, digest) = (
            throttle.map(&mut text).unwrap_or_default(),
            digest.map(&mut text).unwrap_or_default(),
        );
        // A key with a hole would make strangers the same.
        let is_whole = |_: &String| {
            !warnings
                .iter()
                .any(|w| w.kind == "missing_variable" && w.rule == self.facts.name)
        };
        Some(Moments {
            dedupe: dedupe.filter(is_whole),
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
        let (mut audience, _) = self.audience_of(&self.escalation(step)?.audience, context);
        // Whom the rule leaves out, its escalations do.
        audience.except = audience.except.or(own.except);
        audience.excluded.extend(own.excluded);
        if std::mem::take(&mut audience.managers_of_recipients) {
            audience.managers_of.extend(told);
        } else if audience.is_nobody() {
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
