//! What differs between two versions of a rule, in plain words and for programs. Comes from drafts (stored versions, files), goes to
//! `GET /v1/rules/{id}/diff` and `neurolink rules diff`. Law: it speaks of meaning. What says the same in other words, like a default
//! written down or a list in another order, is no difference. Pure but for its routes.

mod condition;
mod people;
pub mod routes;
mod template;
#[cfg(test)]
mod tests;
mod text;

use serde::Serialize;
use serde_json::Value;

use crate::kernel::{Error, Result};
use crate::rules::Draft;

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// JSON pointer into the rule: into the newer one, or the older where something is gone.
    pub place: String,
    /// What became of it.
    pub kind: Kind,
    /// What was there; `null` = nothing.
    pub before: Option<Value>,
    /// What is there; `null` = nothing.
    pub after: Option<Value>,
    /// For people.
    pub words: String,
}

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It wasn't there.
    Added,
    /// It is gone.
    Removed,
    /// It is another.
    Changed,
}

/// What differs, in the order in which a rule is read; empty when both say the same.
///
/// # Errors
/// `Internal` when a draft's JSON isn't.
pub fn diff(before: &Draft, after: &Draft) -> Result<Vec<Change>> {
    let mut changes = Changes::default();
    head(before, after, &mut changes);
    condition::compare(
        parsed(before.conditions.as_deref())?.as_ref(),
        parsed(after.conditions.as_deref())?.as_ref(),
        &mut changes,
    );
    let template = |draft: &Draft| parsed(Some(&draft.notification_template));
    template::compare(
        template(before)?.as_ref(),
        template(after)?.as_ref(),
        &mut changes,
    );
    Ok(changes.0)
}

/// JSON text; `null` is as good as nothing.
fn parsed(text: Option<&str>) -> Result<Option<Value>> {
    let value: Option<Value> = text
        .map(serde_json::from_str)
        .transpose()
        .map_err(|e| Error::internal("a rule's JSON can't be read", e))?;
    Ok(value.filter(|value| !value.is_null()))
}

/// Differences so far.
#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn add(
        &mut self,
        place: impl Into<String>,
        before: Option<&Value>,
        after: Option<&Value>,
        words: impl Into<String>,
    ) {
        self.0.push(Change {
            place: place.into(),
            kind: match (before, after) {
                (None, _) => Kind::Added,
                (_, None) => Kind::Removed,
                _ => Kind::Changed,
            },
            before: before.cloned(),
            after: after.cloned(),
            words: words.into(),
        });
    }
}

/// What stands outside of conditions and template.
fn head(before: &Draft, after: &Draft, changes: &mut Changes) {
    if before.name != after.name {
        let (old, new) = (&before.name, &after.name);
        changes.add(
            "/name",
            Some(&Value::from(old.as_str())),
            Some(&Value::from(new.as_str())),
            format!("renamed from `{old}` to `{new}`"),
        );
    }
    if before.enabled != after.enabled {
        changes.add(
            "/enabled",
            Some(&Value::from(before.enabled)),
            Some(&Value::from(after.enabled)),
            if after.enabled {
                "switched on"
            } else {
                "switched off"
            },
        );
    }
    if before.source_module != after.source_module {
        let value = |module: &Option<String>| module.as_deref().map(Value::from);
        let words = match (&before.source_module, &after.source_module) {
            (None, Some(new)) => format!("now only about events of module {new} (was: any module)"),
            (Some(old), None) => format!("now about events of any module (was: only {old})"),
            (Some(old), Some(new)) => format!("now about events of module {new} (was: {old})"),
            (None, None) => String::new(),
        };
        changes.add(
            "/source_module",
            value(&before.source_module).as_ref(),
            value(&after.source_module).as_ref(),
            words,
        );
    }
    let (old, new) = (&before.event_type_pattern, &after.event_type_pattern);
    if old != new {
        changes.add(
            "/event_type_pattern",
            Some(&Value::from(old.as_str())),
            Some(&Value::from(new.as_str())),
            format!("now about events of type `{new}` (was: `{old}`)"),
        );
    }
    let (old, new) = (before.priority, after.priority);
    if old != new {
        let lane = match (lane(old), lane(new)) {
            (old, new) if old == new => String::new(),
            (_, new) => format!(" (now {new})"),
        };
        changes.add(
            "/priority",
            Some(&Value::from(old)),
            Some(&Value::from(new)),
            format!("priority {old} → {new}{lane}"),
        );
    }
}

/// The lane of a priority, as the table's trigger chooses it.
const fn lane(priority: i32) -> &'static str {
    match priority {
        200.. => "critical",
        ..0 => "bulk",
        _ => "normal",
    }
}

/// Whether two values mean the same: numbers by value, objects whatever their order.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}
