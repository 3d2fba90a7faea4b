//! What differs between two texts of a template, language by language. Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Changes;
use crate::kernel::json::push_step;

/// A text as people read it is cut at so many characters.
const SHOWN: usize = 120;
/// So much is shown of what two long texts have in common before they differ.
const BEFORE: usize = 20;

/// What a text is called.
pub(super) fn name(key: &str) -> Option<&'static str> {
    Some(match key {
        "title" => "title",
        "body" => "body",
        "action_url" => "the button's link",
        "action_label" => "the button's text",
        "email_subject" => "e-mail subject",
        "email_html" => "e-mail HTML",
        "sms_body" => "SMS text",
        _ => return None,
    })
}

pub(super) fn compare(
    place: &str,
    name: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    changes: &mut Changes,
) {
    if let (Some(Value::Object(_)), None | Some(Value::Object(_))) = (before, after) {
        return languages(place, name, before, after, changes);
    }
    if let (None, Some(Value::Object(_))) = (before, after) {
        return languages(place, name, before, after, changes);
    }
    // One text for all, now or before.
    let words = match (before, after) {
        (Some(Value::String(old)), Some(Value::String(new))) => changed(name, old, new),
        (old, new) => match (old.map(whole), new.map(whole)) {
            (Some(old), Some(new)) => format!("{name} changed from {old} to {new}"),
            (None, Some(new)) => format!("{name} added: {new}"),
            (Some(old), None) => format!("{name} taken away (was: {old})"),
            (None, None) => return,
        },
    };
    changes.add(place, before, after, words);
}

fn languages(
    place: &str,
    name: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    changes: &mut Changes,
) {
    let none = Map::new();
    let of = |texts: Option<&Value>| texts.and_then(Value::as_object).cloned();
    let (old, new) = (of(before), of(after));
    let (old, new) = (old.as_ref().unwrap_or(&none), new.as_ref().unwrap_or(&none));
    let tags: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for tag in tags {
        let (old, new) = (old.get(tag), new.get(tag));
        if old == new {
            continue;
        }
        let mut at = place.to_owned();
        push_step(&mut at, tag);
        let name = format!("{name} in {}", language(tag));
        let words = match (old, new) {
            (Some(Value::String(old)), Some(Value::String(new))) => changed(&name, old, new),
            (Some(old), Some(new)) => {
                format!("{name} changed from {} to {}", whole(old), whole(new))
            }
            (None, Some(new)) => format!("{name} added: {}", whole(new)),
            (Some(old), None) => format!("{name} taken away (was: {})", whole(old)),
            (None, None) => continue,
        };
        changes.add(at, old, new, words);
    }
}

/// Two texts that differ; of long ones only from shortly before where they do.
fn changed(name: &str, old: &str, new: &str) -> String {
    let long = old.chars().count().max(new.chars().count()) > SHOWN;
    let common = old
        .chars()
        .zip(new.chars())
        .take_while(|(a, b)| a == b)
        .count();
    let skip = if long {
        common.saturating_sub(BEFORE)
    } else {
        0
    };
    format!(
        "{name} changed from {} to {}",
        quoted(old, skip),
        quoted(new, skip)
    )
}

fn whole(text: &Value) -> String {
    match text {
        Value::String(text) => quoted(text, 0),
        Value::Object(texts) => {
            let each = texts
                .iter()
                .map(|(tag, text)| format!("{tag} {}", whole(text)));
            each.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// Without its first characters, in one line and in quotation marks.
fn quoted(text: &str, skip: usize) -> String {
    let mut shown = String::from("“");
    if skip > 0 {
        shown.push('…');
    }
    let mut rest = text.chars().skip(skip);
    for c in rest.by_ref().take(SHOWN) {
        match c {
            '\n' => shown.push('⏎'),
            c if c.is_control() => shown.push(' '),
            c => shown.push(c),
        }
    }
    if rest.next().is_some() {
        shown.push('…');
    }
    shown.push('”');
    shown
}

/// As people call it.
fn language(tag: &str) -> String {
    let name = match tag.to_ascii_lowercase().as_str() {
        "ar" => "Arabic",
        "en" => "English",
        "ku" => "Kurdish",
        "ckb" => "Central Kurdish",
        "kmr" => "Northern Kurdish",
        "tr" => "Turkish",
        "fa" => "Persian",
        "fr" => "French",
        "de" => "German",
        _ => return format!("`{tag}`"),
    };
    name.to_owned()
}
