//! Conditions: JSONLogic, checked and compiled once, evaluated on the event's data. Comes from `conditions` of a rule,
//! goes to `set`. The engine has no budget, so what could run away is refused here or bounded by the data's size.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use bumpalo::Bump;
use datalogic_rs::{DataValue, Engine, Logic};
use serde_json::Value as Json;

use crate::ingest::Event;
use crate::rules::facts::EVENT_FIELDS;
use crate::rules::limits;
use crate::rules::model::Fault;
use crate::rules::operators;

/// Folding constants would evaluate, at compile time and without a limit of memory, what the rule spells out.
static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::builder().with_constant_folding(false).build());

/// A compiled condition.
#[derive(Debug)]
pub(crate) struct Condition {
    logic: Logic,
    nesting: usize,
}

/// What came of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It holds.
    Match,
    /// It doesn't.
    NoMatch,
    /// It compares what can't be compared: no match.
    TypeError(String),
    /// The data is too much for it: no match.
    TooLarge(String),
}

impl Condition {
    /// Compiles JSON text.
    pub(crate) fn compile(text: &str) -> Result<Self, Fault> {
        let fault = |place: &str, detail: String| Fault {
            place: format!("/conditions{place}"),
            detail,
        };
        if text.len() > limits::CONDITION_BYTES {
            return Err(fault(
                "",
                format!(
                    "the condition is longer than {} bytes",
                    limits::CONDITION_BYTES
                ),
            ));
        }
        let json: Json = serde_json::from_str(text)
            .map_err(|e| fault("", format!("the condition is no JSON: {e}")))?;
        let nesting = operators::check(&json).map_err(|(place, detail)| fault(&place, detail))?;
        let logic = catch_unwind(|| ENGINE.compile(text))
            .map_err(|_| fault("", "the condition can't be compiled".to_owned()))?
            .map_err(|e| fault("", format!("the condition can't be compiled: {e}")))?;
        Ok(Self { logic, nesting })
    }

    /// Evaluates it.
    pub(crate) fn holds(&self, data: &Data<'_>) -> Verdict {
        let most = match self.nesting {
            0 => usize::MAX,
            1 => limits::ARRAY_ONE_LEVEL,
            _ => limits::ARRAY_TWO_LEVELS,
        };
        if data.longest > most {
            return Verdict::TooLarge(format!(
                "a list of the payload holds {} items, and the condition iterates over at most {most}",
                data.longest
            ));
        }
        // An arena of its own with a limit: `cat` and `merge` over large values could otherwise take all memory. The
        // arena panics at its limit, which is caught here and is then a fault of this one rule.
        let arena = Bump::new();
        arena.set_allocation_limit(Some(limits::CONDITION_MEMORY));
        let verdict = catch_unwind(AssertUnwindSafe(|| {
            match ENGINE.evaluate(&self.logic, data.value, &arena) {
                Ok(result) if ENGINE.truthy(result) => Verdict::Match,
                Ok(_) => Verdict::NoMatch,
                Err(error) => Verdict::TypeError(match (error.operator(), error.to_string()) {
                    (Some(operator), said) if said.contains("\"NaN\"") => {
                        format!("`{operator}` was given what is no number")
                    }
                    (Some(operator), said) => format!("`{operator}`: {said}"),
                    (None, said) => said,
                }),
            }
        }));
        verdict.unwrap_or_else(|_| {
            Verdict::TooLarge(format!(
                "the condition took more than {} bytes of memory",
                limits::CONDITION_MEMORY
            ))
        })
    }
}

/// `{event, payload, now}` in an arena, made once for all conditions of an event.
pub(crate) struct Data<'a> {
    value: &'a DataValue<'a>,
    longest: usize,
}

impl<'a> Data<'a> {
    /// Parses the payload into the arena.
    pub(crate) fn new(
        event: &'a Event,
        now: jiff::Timestamp,
        arena: &'a Bump,
    ) -> Result<Self, String> {
        let payload = DataValue::from_str(&event.payload, arena).map_err(|e| e.to_string())?;
        let optional =
            |t: &'a Option<String>| t.as_deref().map_or(DataValue::Null, DataValue::String);
        let time = |t: jiff::Timestamp| DataValue::String(arena.alloc_str(&t.to_string()));
        let values = [
            DataValue::from_i64(event.id),
            DataValue::String(&event.source_module),
            DataValue::String(&event.event_type),
            DataValue::String(event.severity.as_str()),
            time(event.occurred_at),
            time(event.received_at),
            optional(&event.correlation_id),
            optional(&event.branch_id),
            optional(&event.actor_id),
            optional(&event.entity_type),
            optional(&event.entity_id),
        ];
        let fields = arena.alloc_slice_fill_iter(EVENT_FIELDS.into_iter().zip(values));
        let all = [
            ("event", DataValue::Object(fields)),
            ("payload", payload),
            ("now", time(now)),
        ];
        let value = arena.alloc(DataValue::Object(arena.alloc_slice_copy(&all)));
        Ok(Self {
            value,
            longest: longest(&payload),
        })
    }
}

impl Data<'_> {
    /// The value at a path like `payload.lines.0.amount`, as JSON; `None` when it isn't there.
    pub(crate) fn show(&self, path: &str) -> Option<String> {
        let mut value = self.value;
        for key in path.split('.') {
            value = match value {
                DataValue::Object(fields) => {
                    fields.iter().find(|(k, _)| *k == key).map(|(_, v)| v)?
                }
                DataValue::Array(items) => items.get(key.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(value.to_string())
    }
}

/// The length of the longest array in a value.
fn longest(value: &DataValue<'_>) -> usize {
    match value {
        DataValue::Array(items) => items.iter().map(longest).fold(items.len(), usize::max),
        DataValue::Object(fields) => fields.iter().map(|(_, v)| longest(v)).max().unwrap_or(0),
        _ => 0,
    }
}
