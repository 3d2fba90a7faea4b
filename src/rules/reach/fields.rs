//! Paths of payloads, and conditions that can't be true without one. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::rules::blame::{operation, variables};

/// Deeper paths aren't learnt, and so not missed.
pub(super) const DEPTH: usize = 4;

/// All paths of a payload, as `recipient_fields` writes them: a list stands for its items.
pub(super) fn collect(payload: &Value, into: &mut BTreeSet<String>) {
    walk(payload, "", 0, into);
}

fn walk(value: &Value, path: &str, depth: usize, into: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => {
            for item in items {
                walk(item, path, depth, into);
            }
        }
        Value::Object(members) if depth < DEPTH => {
            for (key, value) in members {
                let path = match path {
                    path if is_place(key) => path.to_owned(),
                    "" => key.clone(),
                    path => format!("{path}.{key}"),
                };
                walk(value, &path, depth + 1, into);
                into.insert(path);
            }
        }
        _ => {}
    }
}

/// Whether a step of a path is a place in a list. A key of an object may look the same, and stands for its like, too.
fn is_place(step: &str) -> bool {
    !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit())
}

/// A path without the places in it.
pub(super) fn placeless(path: &str) -> String {
    let steps = path.split('.').filter(|step| !is_place(step));
    steps.collect::<Vec<_>>().join(".")
}

/// Whether a known payload carries a path.
pub(super) fn is_carried(path: &str, carried: &BTreeSet<&str>) -> bool {
    let path = placeless(path);
    path.split('.').count() > DEPTH || carried.contains(path.as_str())
}

/// The field of the payload without which a condition isn't true, if no known event carries it. Only what is certain: what holds for
/// nothing, too (`not`, `!=`, `< 7`), says nothing.
pub(super) fn hopeless(part: &Value, is_carried: &dyn Fn(&str) -> bool) -> Option<String> {
    let (operator, argument) = operation(part)?;
    let parts = argument.as_array().map_or(&[][..], Vec::as_slice);
    let missing = || {
        let mut paths = Vec::new();
        variables(part, &mut paths);
        let own = paths
            .into_iter()
            .filter_map(|path| path.strip_prefix("payload."));
        own.filter(|path| !is_carried(path))
            .map(str::to_owned)
            .next()
    };
    // With a default of its own it isn't missing.
    let is_plain = |part: &Value| match operation(part) {
        Some(("var", Value::Array(items))) => items.len() < 2,
        Some((operator, _)) => operator == "var",
        None => true,
    };
    match (operator, parts) {
        ("and", parts) => parts.iter().find_map(|part| hopeless(part, is_carried)),
        ("or", [first, rest @ ..]) => {
            let found = hopeless(first, is_carried)?;
            let all = rest.iter().all(|part| hopeless(part, is_carried).is_some());
            all.then_some(found)
        }
        ("!!", [only]) => hopeless(only, is_carried),
        ("!!", []) => hopeless(argument, is_carried),
        ("var", _) if is_plain(part) => missing(),
        ("==" | "===", [a, b]) if is_plain(a) && is_plain(b) && is_something(a, b) => missing(),
        (">", [a, Value::Number(least)]) if is_plain(a) && least.as_f64() >= Some(0.0) => missing(),
        (">=", [a, Value::Number(least)]) if is_plain(a) && least.as_f64() > Some(0.0) => missing(),
        ("in", [a, Value::Array(list)]) if is_plain(a) && !list.iter().any(is_nothing) => missing(),
        _ => None,
    }
}

/// Whether one of the two is a value that nothing doesn't equal.
fn is_something(a: &Value, b: &Value) -> bool {
    [a, b].into_iter().any(|side| match side {
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        _ => false,
    })
}

fn is_nothing(value: &Value) -> bool {
    !matches!(value, Value::String(text) if !text.is_empty())
        && !matches!(value, Value::Number(number) if number.as_f64() != Some(0.0))
}
