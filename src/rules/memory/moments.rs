//! What of an event a rule's memory goes by: the keys of `dedupe_key`, `throttle` and `digest`, rendered, and the date of a reminder.
//! Comes from the judging, goes to the pipeline's decisions.

use jiff::tz::TimeZone;

use crate::rules::budget::{Budget, Notes};
use crate::rules::facts;
use crate::rules::limits;
use crate::rules::locale::Language;
use crate::rules::memory::model::Delay;
use crate::rules::model::{Moments, Warning};
use crate::rules::payload::Value;
use crate::rules::render::{Escape, World, render};
use crate::rules::set::{CompiledRule, EventContext};
use crate::rules::template::Template;

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
            };
            let mut notes = Notes {
                rule: &self.facts.name,
                strict: false,
                warnings,
            };
            let (language, most) = (Language::of("en"), limits::KEY_CHARS);
            let mut budget = Budget::default();
            match render(
                template,
                &world,
                language,
                Escape::Plain,
                most,
                &mut budget,
                &mut notes,
            ) {
                Ok((text, _)) => text,
                Err(warning) => {
                    warnings.push(warning);
                    String::new()
                }
            }
        };
        let throttle = memory.throttle.as_ref().and_then(|t| t.key.as_ref());
        let digest = memory.digest.as_ref().and_then(|d| d.key.as_ref());
        Some(Moments {
            dedupe: memory.dedupe.as_ref().map(|d| text(&d.key)),
            throttle: throttle.map(&mut text).unwrap_or_default(),
            digest: digest.map(&mut text).unwrap_or_default(),
            dated: match &memory.delay {
                Some(Delay::Date(reminder)) => Some(reminder.dated(&context.payload)),
                _ => None,
            },
        })
    }

    /// What it remembers and waits for.
    #[must_use]
    pub fn memory(&self) -> &crate::rules::Memory {
        &self.definition.memory
    }
}
