//! What a compiled rule says to one reader: its texts, or those of a step of its escalation, in the reader's world. Comes from `set`,
//! goes to the pipeline as `Rendered`.

use jiff::tz::TimeZone;

use crate::rules::budget::{Budget, Notes};
use crate::rules::facts;
use crate::rules::memory::model::Escalation;
use crate::rules::model::{Reader, Rendered, Warning};
use crate::rules::payload::Value;
use crate::rules::render::World;
use crate::rules::set::{CompiledRule, EventContext};
use crate::rules::write::{Texts, Writer};

impl CompiledRule {
    /// The texts for one reader.
    ///
    /// # Errors
    /// A fault of the template at run time (`on_missing: fail`, output over its limit, too many loops).
    pub fn render(
        &self,
        context: &mut EventContext<'_>,
        reader: &Reader,
        warnings: &mut Vec<Warning>,
    ) -> Result<Rendered, Warning> {
        self.render_step(0, context, reader, warnings)
    }

    /// The texts of a step for one reader; 0 = the first telling.
    ///
    /// # Errors
    /// As `render`.
    pub fn render_step(
        &self,
        step: i16,
        context: &mut EventContext<'_>,
        reader: &Reader,
        warnings: &mut Vec<Warning>,
    ) -> Result<Rendered, Warning> {
        let texts = Texts {
            of: &self.definition,
            step: self.escalation(step),
        };
        let speaks = (self.dated, self.facts.personal);
        write(texts, &self.facts.name, speaks, context, reader, warnings)
    }

    /// A step of its escalation, counted from 1.
    #[must_use]
    pub fn escalation(&self, step: i16) -> Option<&Escalation> {
        let nth = usize::try_from(step).ok()?.checked_sub(1)?;
        self.definition.memory.escalate.get(nth)
    }
}

/// The texts of a definition for one reader. `speaks`: of dates, and of the reader.
pub(crate) fn write(
    texts: Texts<'_>,
    name: &str,
    (dated, personal): (bool, bool),
    context: &mut EventContext<'_>,
    reader: &Reader,
    warnings: &mut Vec<Warning>,
) -> Result<Rendered, Warning> {
    let mut notes = Notes {
        rule: name,
        strict: texts.of.strict,
        warnings,
    };
    let zone = if dated {
        context.zone(&reader.timezone, &mut notes)
    } else {
        TimeZone::UTC
    };
    let event = context.event;
    let fields = context.fields.get_or_init(|| facts::of_event(event));
    let recipient = if personal {
        recipient(reader)
    } else {
        Value::Null
    };
    let world = World {
        payload: &context.payload,
        event: fields,
        recipient: &recipient,
        zone: &zone,
        now: context.now,
    };
    Writer::new(&world, &reader.locale, Budget::default(), notes).write(texts, name)
}

/// What `{{recipient.*}}` sees: the reader's fields, and their locale and zone in any case.
fn recipient(reader: &Reader) -> Value<'_> {
    let mut fields = match Value::of_json(&reader.fields) {
        Value::Map(fields) => fields,
        _ => Vec::new(),
    };
    for (key, value) in [("locale", &reader.locale), ("timezone", &reader.timezone)] {
        if !fields.iter().any(|(k, _)| k == key) {
            fields.push((key.into(), Value::Text(value.as_str().into())));
        }
    }
    Value::Map(fields)
}
