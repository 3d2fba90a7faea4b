//! Words for the keys of time and memory: when a rule tells, how often, whom later, and what it resolves. Pure.

use serde_json::Value;

use super::people;
use crate::rules::audience_keys::KEYS;
use crate::rules::blame::cut;

/// What a key says now and said before, as a sentence; `None` where it has none, or both say the same by it.
pub(super) fn sentence(key: &str, old: Option<&Value>, new: Option<&Value>) -> Option<String> {
    let (said, now): (fn(Option<&Value>) -> String, _) = match key {
        "delay" => (delay, "now told"),
        "dedupe_key" => (same, "events are now the same"),
        "throttle" => (throttle, "each person is now told"),
        "digest" => (digest, "now told"),
        "expires_after" => (expires, "now of use"),
        "storm_limit" => (storm, "now held"),
        "owner" => (owner, "now told when it is held:"),
        _ => return None,
    };
    let (old, new) = (said(old), said(new));
    (old != new).then(|| format!("{now} {new} (was: {old})"))
}

/// A member's text; numbers as they stand.
fn member(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn same(value: Option<&Value>) -> String {
    match value {
        None => "never".to_owned(),
        Some(Value::String(key)) => format!("by `{key}` within 24h"),
        Some(object) => format!(
            "by `{}` within {}",
            member(object, "key").unwrap_or_default(),
            member(object, "within").unwrap_or_else(|| "24h".to_owned())
        ),
    }
}

fn throttle(value: Option<&Value>) -> String {
    let Some(object) = value else {
        return "as often as there is something".to_owned();
    };
    let of = |key| member(object, key).unwrap_or_default();
    let key = member(object, "key").map_or_else(String::new, |key| format!(" for each `{key}`"));
    format!("at most {} times in {}{key}", of("limit"), of("per"))
}

fn digest(value: Option<&Value>) -> String {
    let Some(object) = value else {
        return "each by itself".to_owned();
    };
    let part = |key: &str, word: &str| {
        member(object, key).map_or_else(String::new, |text| format!(" {word} {text}"))
    };
    let key = member(object, "key").map_or_else(String::new, |key| format!(" for each `{key}`"));
    format!(
        "gathered{}{}{}{key}",
        part("every", "every"),
        part("on", "on"),
        part("at", "at")
    )
}

fn expires(value: Option<&Value>) -> String {
    let text = value.and_then(Value::as_str);
    text.map_or_else(|| "for ever".to_owned(), |period| format!("for {period}"))
}

fn storm(value: Option<&Value>) -> String {
    match value.map(ToString::to_string).as_deref() {
        None => "above the node's own limit".to_owned(),
        Some("0") => "never".to_owned(),
        Some(limit) => format!("above {limit} notifications a minute"),
    }
}

fn owner(value: Option<&Value>) -> String {
    let id = value.and_then(Value::as_str);
    id.map_or_else(|| "who changed it last".to_owned(), str::to_owned)
}

/// A step of `escalate`, in words.
pub(super) fn step(step: &Value) -> String {
    let after = member(step, "after").unwrap_or_default();
    let unless = member(step, "unless").unwrap_or_else(|| "read".to_owned());
    let items = |key: &str| -> Vec<String> {
        let list = step.get(key).and_then(Value::as_array);
        people::list(key).map_or_else(Vec::new, |words| {
            words.said(list.map_or(&[][..], Vec::as_slice))
        })
    };
    let told = KEYS.iter().filter(|key| **key != "exclude_users");
    let mut told: Vec<String> = told.flat_map(|key| items(key)).collect();
    let is = |key: &str| step.get(key) == Some(&Value::Bool(true));
    if is("recipient_followers") {
        told.push("whoever follows what the event is about".to_owned());
    }
    if told.is_empty() {
        told.push("the same people again".to_owned());
    }
    let mut text = format!("{after} later, unless {unless}: {}", told.join(", "));
    if let Some(branches) = step.get("recipient_branches") {
        text.push_str(&format!(" of {}", people::branches(Some(branches))));
    }
    let mut out = items("exclude_users");
    if is("exclude_actor") {
        out.push("who did it".to_owned());
    }
    if !out.is_empty() {
        text.push_str(&format!(", but not {}", out.join(", ")));
    }
    let ways = items("channels");
    if !ways.is_empty() {
        text.push_str(&format!(", {}", ways.join(", ")));
    }
    if let Some(severity) = member(step, "severity") {
        text.push_str(&format!(", as {severity}"));
    }
    for key in ["title", "body"] {
        let own = match step.get(key) {
            None | Some(Value::Null) => continue,
            Some(Value::String(one)) => format!("`{}`", cut(one, 120)),
            Some(several) => cut(&several.to_string(), 120),
        };
        text.push_str(&format!(", with the {key} {own}"));
    }
    text
}

/// When it tells, as the end of a sentence.
fn delay(value: Option<&Value>) -> String {
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
