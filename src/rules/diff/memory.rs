//! Words for the keys of time: when a rule tells, and what it resolves. Pure.

use serde_json::Value;

use crate::rules::blame::cut;

/// When it tells, as the end of a sentence.
pub(super) fn delay(value: Option<&Value>) -> String {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    match value {
        None => "at once".to_owned(),
        Some(Value::String(by)) => format!("{by} later"),
        Some(object) => {
            let by = ["before", "after"]
                .into_iter()
                .find_map(|key| Some(format!("{} {key}", text(object, key)?)));
            let at = text(object, "at").map_or_else(String::new, |at| format!(" at {at}"));
            match (by, text(object, "date")) {
                (Some(by), Some(date)) => format!("{by} `{date}`{at}"),
                _ => cut(&object.to_string(), 120),
            }
        }
    }
}

/// What of the types is new, and what is gone.
pub(super) fn resolves(old: Option<&Value>, new: Option<&Value>) -> String {
    let list = |value: Option<&Value>| -> Vec<String> {
        let items = value.and_then(Value::as_array).into_iter().flatten();
        items
            .map(|item| {
                item.as_str()
                    .map_or_else(|| item.to_string(), str::to_owned)
            })
            .collect()
    };
    let (old, new) = (list(old), list(new));
    let only = |these: &[String], not: &[String]| -> Option<String> {
        let only: Vec<&str> = these
            .iter()
            .filter(|t| !not.contains(t))
            .map(String::as_str)
            .collect();
        (!only.is_empty()).then(|| only.join(", "))
    };
    let added = only(&new, &old).map(|types| format!("now also resolves: {types}"));
    let gone = only(&old, &new).map(|types| format!("no longer resolves: {types}"));
    let words: Vec<String> = added.into_iter().chain(gone).collect();
    if words.is_empty() {
        "what it resolves changed".to_owned()
    } else {
        words.join("; ")
    }
}
