//! Which part of a condition is not true for an event, in words. Comes from `inquiry` with a condition that doesn't hold, goes to
//! whoever asks why. Each part is evaluated by itself with the event's own data: outside of iterations that gives what it gave inside.

use serde::Serialize;
use serde_json::Value as Json;

use crate::rules::anatomy::Variable;
use crate::rules::conditions::{Condition, Data, Verdict};

/// Texts of parts and values are cut at so many characters.
const PART_CHARS: usize = 160;
const VALUE_CHARS: usize = 60;
/// Values that are told, and alternatives of an `or`.
const VALUES: usize = 4;

/// A part of a condition that isn't true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailingPart {
    /// JSON pointer into the rule: `/conditions/and/1`.
    pub place: String,
    /// The part, readable: `payload.days_overdue > 0`.
    pub part: String,
    /// What its variables were: `payload.days_overdue is 0`; empty when it has none.
    pub values: String,
}

impl FailingPart {
    /// The part with its values: `payload.amount > 3 (payload.amount is "many")`.
    #[must_use]
    pub fn named(&self) -> String {
        if self.values.is_empty() {
            self.part.clone()
        } else {
            format!("{} ({})", self.part, self.values)
        }
    }

    /// As the end of a sentence: `payload.days_overdue > 0 is not true (payload.days_overdue is 0)`.
    #[must_use]
    pub fn sentence(&self) -> String {
        if self.values.is_empty() {
            format!("{} is not true", self.part)
        } else {
            format!("{} is not true ({})", self.part, self.values)
        }
    }
}

/// The innermost part that keeps a condition from being true. `text` is one that was compiled, and doesn't hold for `data`.
pub(crate) fn failing(text: &str, data: &Data<'_>) -> Option<FailingPart> {
    let json: Json = serde_json::from_str(text).ok()?;
    let mut place = String::from("/conditions");
    let part = innermost(&json, data, &mut place);
    Some(FailingPart {
        place,
        part: shown(part),
        values: values(part, data),
    })
}

/// A part as it is shown: readable, and not too long.
pub(crate) fn shown(part: &Json) -> String {
    cut(&readable(part), PART_CHARS)
}

fn innermost<'j>(json: &'j Json, data: &Data<'_>, place: &mut String) -> &'j Json {
    let Some((operator, argument)) = operation(json) else {
        return json;
    };
    match (operator, argument.as_array().map(Vec::as_slice)) {
        // An `and` fails by its first part that does, an `or` by all of them.
        ("and", Some(parts)) => {
            let culprit = parts.iter().enumerate().find(|(_, p)| !holds(p, data));
            let Some((index, part)) = culprit else {
                return json;
            };
            place.push_str(&format!("/and/{index}"));
            innermost(part, data, place)
        }
        ("or", Some([only])) => {
            place.push_str("/or/0");
            innermost(only, data, place)
        }
        ("!!", Some([only])) => {
            place.push_str("/!!/0");
            innermost(only, data, place)
        }
        ("!!", None) => {
            place.push_str("/!!");
            innermost(argument, data, place)
        }
        _ => json,
    }
}

/// An operator and its argument.
pub(crate) fn operation(json: &Json) -> Option<(&str, &Json)> {
    let mut fields = json.as_object()?.iter();
    match (fields.next(), fields.next()) {
        (Some((operator, argument)), None) => Some((operator, argument)),
        _ => None,
    }
}

fn holds(part: &Json, data: &Data<'_>) -> bool {
    Condition::compile(&part.to_string())
        .is_ok_and(|condition| condition.holds(data) == Verdict::Match)
}

/// As people write it, where JSONLogic has a sign for it; else as it stands.
pub(crate) fn readable(part: &Json) -> String {
    let Some((operator, argument)) = operation(part) else {
        return part.to_string();
    };
    if operator == "var" {
        let path = path(argument).filter(|path| !path.is_empty());
        return path.map_or_else(|| part.to_string(), str::to_owned);
    }
    let infix = |sign: &str, parts: &[Json]| -> String {
        let parts: Vec<String> = parts.iter().map(inner).collect();
        parts.join(&format!(" {sign} "))
    };
    match (operator, argument.as_array().map(Vec::as_slice)) {
        (
            "==" | "===" | "!=" | "!==" | ">" | ">=" | "<" | "<=" | "in",
            Some(parts @ [_, _] | parts @ [_, _, _]),
        ) => infix(operator, parts),
        ("+" | "-" | "*" | "/" | "%", Some(parts @ [_, _])) => infix(operator, parts),
        ("and" | "or", Some(parts)) if parts.len() <= VALUES => infix(operator, parts),
        ("!", Some([only])) => format!("not {}", inner(only)),
        ("!", None) => format!("not {}", inner(argument)),
        _ => part.to_string(),
    }
}

/// A part within another: in brackets where it is made of several itself.
fn inner(part: &Json) -> String {
    let text = readable(part);
    let is_compound = operation(part).is_some_and(|(operator, _)| operator != "var")
        && !text.starts_with('{')
        && !text.starts_with("not ");
    if is_compound {
        format!("({text})")
    } else {
        text
    }
}

fn path(argument: &Json) -> Option<&str> {
    match argument {
        Json::Array(items) => items.first()?.as_str(),
        other => other.as_str(),
    }
}

/// What the part's variables are for this event, as the end of a sentence.
fn values(part: &Json, data: &Data<'_>) -> String {
    let told: Vec<String> = variables_of(part, data)
        .into_iter()
        .map(|variable| match variable.value {
            Some(value) => format!("{} is {value}", variable.path),
            None => format!("{} is missing", variable.path),
        })
        .collect();
    told.join(", ")
}

/// The first of the part's variables, and what they are for this event.
pub(crate) fn variables_of(part: &Json, data: &Data<'_>) -> Vec<Variable> {
    let mut paths = Vec::new();
    variables(part, &mut paths);
    paths
        .into_iter()
        .take(VALUES)
        .map(|path| Variable {
            path: path.to_owned(),
            value: data.show(path).map(|value| cut(&value, VALUE_CHARS)),
        })
        .collect()
}

/// Paths of variables outside of iterations: inside, `var` speaks of an item.
pub(crate) fn variables<'j>(part: &'j Json, paths: &mut Vec<&'j str>) {
    match part {
        Json::Array(items) => items.iter().for_each(|item| variables(item, paths)),
        Json::Object(_) => match operation(part) {
            Some(("var", argument)) => {
                if let Some(path) = path(argument)
                    && !path.is_empty()
                    && !paths.contains(&path)
                {
                    paths.push(path);
                }
            }
            Some(("map" | "filter" | "reduce" | "all" | "none" | "some", argument)) => {
                if let Some(list) = argument.as_array().and_then(|items| items.first()) {
                    variables(list, paths);
                }
            }
            Some((_, argument)) => variables(argument, paths),
            None => {}
        },
        _ => {}
    }
}

pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
