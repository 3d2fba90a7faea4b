//! What differs between two templates, key by key: in words where a key has words of its own, else by its values. Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::memory;
use super::people;
use super::text;
use super::{Changes, same};
use crate::kernel::json::push_step;
use crate::rules::blame::cut;
use crate::rules::definition::all_keys;

const ROOT: &str = "/notification_template";
/// A value as people read it is cut at so many characters.
const SHOWN: usize = 120;

pub(super) fn compare(before: Option<&Value>, after: Option<&Value>, changes: &mut Changes) {
    let (Some(Value::Object(old)), Some(Value::Object(new))) = (before, after) else {
        // One of the two can't be a rule; there are no keys to speak of.
        if before != after {
            changes.add(ROOT, before, after, "the template changed");
        }
        return;
    };
    let others: BTreeSet<&str> = old.keys().chain(new.keys()).map(String::as_str).collect();
    let ours = all_keys();
    let known = ours.iter().copied().filter(|key| others.contains(key));
    let others = others.iter().copied().filter(|key| !ours.contains(key));
    for key in known.chain(others) {
        let (old, new) = (of(old, key), of(new, key));
        let is_same = match (old, new) {
            (Some(old), Some(new)) => same(old, new),
            (old, new) => old.is_none() && new.is_none(),
        };
        if !is_same {
            one(key, old, new, changes);
        }
    }
}

/// `null` is as good as nothing.
fn of<'v>(template: &'v Map<String, Value>, key: &str) -> Option<&'v Value> {
    template.get(key).filter(|value| !value.is_null())
}

fn one(key: &str, old: Option<&Value>, new: Option<&Value>, changes: &mut Changes) {
    let mut place = ROOT.to_owned();
    push_step(&mut place, key);
    if let Some(name) = text::name(key) {
        return text::compare(&place, name, old, new, changes);
    }
    if let Some(list) = people::list(key)
        && list.compare(&place, old, new, changes)
    {
        return;
    }
    if let Some([on, off]) = flag(key) {
        let is = |value: Option<&Value>| value == Some(&Value::Bool(true));
        if is(old) != is(new) {
            changes.add(place, old, new, if is(new) { on } else { off });
        }
        return;
    }
    if let Some(words) = memory::sentence(key, old, new) {
        changes.add(place.as_str(), old, new, words);
        if key != "digest" {
            return;
        }
    }
    if key == "digest" {
        return digest(&place, old, new, changes);
    }
    if key == "escalate" && escalate(&place, old, new, changes) {
        return;
    }
    let word =
        |value: Option<&Value>, default: &str| value.map_or_else(|| default.to_owned(), shown);
    let words = match key {
        "severity" => {
            let of = |value| word(value, "the event's own");
            format!("severity {} → {}", of(old), of(new))
        }
        "category" => {
            let (old, new) = (word(old, "general"), word(new, "general"));
            if old == new {
                return;
            }
            format!("category {old} → {new}")
        }
        "recipient_branches" => {
            // Said or not makes a difference for groups, even where the branches are the same.
            let was = match old {
                None => "the event's branch for roles, any for groups".to_owned(),
                Some(_) => people::branches(old),
            };
            let is = match new {
                None => "the event's branch for roles, any for groups".to_owned(),
                Some(_) => people::branches(new),
            };
            format!("now looked for in {is} (was: {was})")
        }
        "on_missing" => {
            let stops = |value: Option<&Value>| value.and_then(Value::as_str) == Some("fail");
            match (stops(old), stops(new)) {
                (false, true) => "a missing variable now stops the notification (was: prints —)",
                (true, false) => "a missing variable now prints — (was: stops the notification)",
                _ => return,
            }
            .to_owned()
        }
        "resolves" => memory::resolves(old, new),
        "$comment" => "the comment changed".to_owned(),
        _ => return values(&mut place, key, old, new, changes),
    };
    changes.add(place, old, new, words);
}

/// What is said of a switch that was turned on, and off.
fn flag(key: &str) -> Option<[&'static str; 2]> {
    Some(match key {
        "exclude_actor" => ["now left out: who did it", "no longer left out: who did it"],
        "mandatory" => [
            "now mandatory: preferences can't switch it off",
            "no longer mandatory: preferences can switch it off",
        ],
        "recipient_followers" => [
            "now also told: whoever follows what the event is about",
            "no longer told: whoever follows what the event is about",
        ],
        "shadow" => [
            "now a shadow: evaluated and recorded, never sent",
            "no longer a shadow: sent from now on",
        ],
        _ => return None,
    })
}

/// The texts of what is gathered.
fn digest(place: &str, old: Option<&Value>, new: Option<&Value>, changes: &mut Changes) {
    for key in ["title", "body"] {
        let of = |value: Option<&Value>| -> Option<Value> {
            value?.get(key).filter(|text| !text.is_null()).cloned()
        };
        let (old, new) = (of(old), of(new));
        if old != new {
            let (place, name) = (format!("{place}/{key}"), format!("the digest's {key}"));
            text::compare(&place, &name, old.as_ref(), new.as_ref(), changes);
        }
    }
}

/// Step by step; whether both are lists.
fn escalate(place: &str, old: Option<&Value>, new: Option<&Value>, changes: &mut Changes) -> bool {
    let steps = |value: Option<&Value>| -> Option<Vec<Value>> {
        value.map_or(Some(Vec::new()), |value| value.as_array().cloned())
    };
    let (Some(old), Some(new)) = (steps(old), steps(new)) else {
        return false;
    };
    for index in 0..old.len().max(new.len()) {
        let (old, new) = (old.get(index), new.get(index));
        let number = index + 1;
        let words = match (old.map(memory::step), new.map(memory::step)) {
            (Some(old), Some(new)) if old == new => continue,
            (Some(old), Some(new)) => format!("escalation, step {number}: {new} (was: {old})"),
            (None, Some(new)) => format!("escalation, step {number} added: {new}"),
            (Some(old), None) => format!("escalation, step {number} taken away (was: {old})"),
            (None, None) => continue,
        };
        changes.add(format!("{place}/{index}"), old, new, words);
    }
    true
}

/// Keys without words of their own: by their values, members of objects one by one.
fn values(
    place: &mut String,
    name: &str,
    old: Option<&Value>,
    new: Option<&Value>,
    changes: &mut Changes,
) {
    if let (Some(Value::Object(before)), Some(Value::Object(after))) = (old, new) {
        let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let length = place.len();
        for key in keys {
            let (old, new) = (of(before, key), of(after, key));
            let is_same = match (old, new) {
                (Some(old), Some(new)) => same(old, new),
                (old, new) => old.is_none() && new.is_none(),
            };
            if !is_same {
                push_step(place, key);
                values(place, &format!("{name}.{key}"), old, new, changes);
                place.truncate(length);
            }
        }
        return;
    }
    let words = match (old, new) {
        (Some(old), Some(new)) => format!("{name} {} → {}", shown(old), shown(new)),
        (None, Some(new)) => format!("{name} added: {}", shown(new)),
        (Some(old), None) => format!("{name} taken away (was: {})", shown(old)),
        (None, None) => return,
    };
    changes.add(place.as_str(), old, new, words);
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(word) => cut(word, SHOWN),
        other => cut(&other.to_string(), SHOWN),
    }
}
