//! Conditions that are allowed and can't be meant: a text or a list where a comparison should stand is always true. Comes from a rule's
//! condition, goes to `check`'s hints. Pure.

use serde_json::Value as Json;

use crate::kernel::Severity;
use crate::rules::blame::{operation, variables};
use crate::rules::pattern::Pattern;
use crate::rules::suggest::did_you_mean;
use crate::rules::text::kind;

/// What in a condition of a rule about these events can't be meant: a sentence each, with its place.
pub(crate) fn doubts(condition: &str, pattern: &Pattern) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(json) = serde_json::from_str::<Json>(condition) {
        look(&json, "/conditions", pattern, &mut found);
    }
    found
}

fn look(part: &Json, place: &str, pattern: &Pattern, found: &mut Vec<String>) {
    let Some((operator, argument)) = operation(part) else {
        if !part.is_object() {
            found.push(format!(
                "{place} is {}, which is the same for every event: a comparison is written like {{\">\": [{{\"var\": \"payload.amount\"}}, 250000]}}",
                kind(part)
            ));
        }
        return;
    };
    let arguments = argument
        .as_array()
        .map_or(std::slice::from_ref(argument), Vec::as_slice);
    match operator {
        "and" | "or" => {
            for (nth, argument) in arguments.iter().enumerate() {
                look(
                    argument,
                    &format!("{place}/{operator}/{nth}"),
                    pattern,
                    found,
                );
            }
        }
        "!" | "!!" => {
            if let [only] = arguments {
                look(only, &format!("{place}/{operator}"), pattern, found);
            }
        }
        "==" | "===" | "!=" | "!==" | ">" | ">=" | "<" | "<=" | "in" => {
            let path = arguments.iter().filter_map(Json::as_str).find(|text| {
                ["payload.", "event."]
                    .iter()
                    .any(|begins| text.starts_with(begins))
            });
            if let Some(path) = path {
                found.push(format!(
                    "{place}/{operator} compares with the text \"{path}\": the field is written {{\"var\": \"{path}\"}}"
                ));
            } else if !arguments.iter().any(has_operation) {
                found.push(format!(
                    "{place}/{operator} compares nothing of the event: it is the same for every one"
                ));
            } else if let [only] = arguments {
                found.push(format!(
                    "{place}/{operator} compares {only} with nothing: it takes two"
                ));
            }
            found.extend(
                never(operator, arguments, pattern).map(|why| format!("{place}/{operator} {why}")),
            );
        }
        "map" | "filter" | "all" | "none" | "some" => {
            if let [_, inner, ..] = arguments {
                if !has_operation(inner) {
                    found.push(format!(
                        "{place}/{operator}/1 is {}, which is the same for every item",
                        kind(inner)
                    ));
                }
                let mut paths = Vec::new();
                variables(inner, &mut paths);
                let outer = paths.iter().find(|path| path.starts_with("payload."));
                found.extend(outer.map(|path| {
                    format!("{place}/{operator}/1 reads \"{path}\" of each item: inside, variables are the item's own")
                }));
            }
        }
        _ => {}
    }
}

/// Why a comparison with a severity or an event type is the same for every event: no event has such a one.
fn never(operator: &str, arguments: &[Json], pattern: &Pattern) -> Option<String> {
    let [one, other] = arguments else {
        return None;
    };
    let field = |part| match operation(part) {
        Some(("var", Json::String(path))) => Some(path.as_str()),
        _ => None,
    };
    let (field, value) = match (field(one), field(other)) {
        (Some(field), _) => (field, other),
        (_, Some(field)) if operator != "in" => (field, one),
        _ => return None,
    };
    if field == "event.severity" && [">", ">=", "<", "<="].contains(&operator) {
        return Some(
            "compares severities as texts, by their letters: write {\"in\": [{\"var\": \"event.severity\"}, [\"error\", \"critical\"]]}"
                .to_owned(),
        );
    }
    let values: Vec<&str> = match (operator, value) {
        ("in", Json::Array(items)) => items.iter().filter_map(Json::as_str).collect(),
        ("==" | "===" | "!=" | "!==", Json::String(value)) => vec![value],
        _ => return None,
    };
    match field {
        "event.severity" => {
            let known = Severity::ALL.map(Severity::as_str);
            let odd = values.iter().find(|value| !known.contains(value))?;
            let near = did_you_mean(odd, &known);
            Some(format!(
                "asks for the severity \"{odd}\", which no event has{near}: there are {}",
                known.join(", ")
            ))
        }
        "event.event_type" => {
            let odd = values.iter().find(|value| !pattern.matches(value))?;
            Some(format!(
                "asks for the type \"{odd}\", which event_type_pattern leaves out"
            ))
        }
        _ => None,
    }
}

fn has_operation(json: &Json) -> bool {
    match json {
        Json::Object(_) => true,
        Json::Array(items) => items.iter().any(has_operation),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_for_every_event_is_doubted_with_its_place() {
        let about = Pattern::parse("a.*").unwrap();
        for (condition, place) in [
            (r#""payload.amount > 250000""#, "/conditions is a text"),
            ("[1]", "/conditions is a list"),
            ("true", "/conditions is true or false"),
            (
                r#"{"and": [{"var": "payload.x"}, "payload.currency == 'IQD'"]}"#,
                "/conditions/and/1 is a text",
            ),
            (
                r#"{">": ["payload.amount", 3]}"#,
                "is written {\"var\": \"payload.amount\"}",
            ),
            (r#"{">": [1, 3]}"#, "/conditions/> compares nothing"),
            (r#"{"!": ["x"]}"#, "/conditions/! is a text"),
            (r#"{">": [{"var": "payload.x"}]}"#, "it takes two"),
            (
                r#"{"==": [{"var": "event.severity"}, "warn"]}"#,
                "(did you mean `warning`?)",
            ),
            (
                r#"{">=": [{"var": "event.severity"}, "warning"]}"#,
                "compares severities as texts",
            ),
            (
                r#"{"some": [{"var": "payload.lines"}, {">": [{"var": "payload.qty"}, 3]}]}"#,
                "/conditions/some/1 reads \"payload.qty\" of each item",
            ),
            (
                r#"{"some": [{"var": "payload.lines"}, "qty > 3"]}"#,
                "/conditions/some/1 is a text",
            ),
            (
                r#"{"in": [{"var": "event.event_type"}, ["a.b", "b.c"]]}"#,
                "/conditions/in asks for the type \"b.c\"",
            ),
        ] {
            let found = doubts(condition, &about);
            assert_eq!(found.len(), 1, "{condition}: {found:?}");
            assert!(found[0].contains(place), "{condition}: {found:?}");
        }
        for condition in [
            r#"{">": [{"var": "payload.amount"}, 3]}"#,
            r#"{"in": [{"var": "event.branch_id"}, ["BGD", "BSR"]]}"#,
            r#"{"and": [{"var": "payload.a"}, {"!": {"var": "payload.b"}}]}"#,
            r#"{"some": [{"var": "payload.lines"}, {">": [{"var": "qty"}, 10]}]}"#,
            r#"{"!=": ["info", {"var": "event.severity"}]}"#,
            r#"{"==": [{"var": "event.event_type"}, "a.b"]}"#,
            "null",
        ] {
            let found: Vec<String> = doubts(condition, &about)
                .into_iter()
                .filter(|_| condition != "null")
                .collect();
            assert_eq!(found, [""; 0], "{condition}");
        }
    }
}
