//! What a condition may be made of: its operators, its nesting, its variables. Comes from `conditions` (the parsed JSON),
//! goes back there: what could run away or never match is refused with its place.

use serde_json::Value as Json;

use crate::rules::facts::EVENT_FIELDS;
use crate::rules::limits;
use crate::rules::suggest::did_you_mean;

/// What a condition may use: JSONLogic's own operators, and `val`, which reaches out of an iteration.
pub(crate) const OPERATORS: [&str; 35] = [
    "var",
    "val",
    "missing",
    "missing_some",
    "if",
    "?:",
    "==",
    "===",
    "!=",
    "!==",
    "!",
    "!!",
    "or",
    "and",
    ">",
    ">=",
    "<",
    "<=",
    "max",
    "min",
    "+",
    "-",
    "*",
    "/",
    "%",
    "map",
    "filter",
    "reduce",
    "all",
    "none",
    "some",
    "merge",
    "in",
    "cat",
    "substr",
];

/// Operators that look at every item of a list.
const ITERATORS: [&str; 6] = ["map", "filter", "reduce", "all", "none", "some"];

/// Where in a condition we are.
#[derive(Clone, Copy)]
struct Inside {
    depth: usize,
    /// Iterations around.
    level: usize,
    /// In the second argument of `reduce`.
    reducing: bool,
}

/// Checks a condition; the error is a JSON pointer within it, and a sentence. Gives how deep it iterates.
pub(crate) fn check(json: &Json) -> Result<usize, Flaw> {
    let mut walk = Walk {
        nesting: 0,
        longest: 0,
        merges: false,
    };
    let top = Inside {
        depth: 1,
        level: 0,
        reducing: false,
    };
    walk.check(json, &mut String::new(), top)?;
    let long = walk.longest > limits::ARRAY_TWO_LEVELS;
    if walk.nesting >= limits::CONDITION_NESTING && (walk.merges || long) {
        let detail = format!(
            "a condition that iterates within an iteration can't `merge`, and its lists hold at most {} items",
            limits::ARRAY_TWO_LEVELS
        );
        return Err((String::new(), detail));
    }
    Ok(walk.nesting)
}

struct Walk {
    nesting: usize,
    longest: usize,
    merges: bool,
}

type Flaw = (String, String);

impl Walk {
    fn check(&mut self, json: &Json, place: &mut String, inside: Inside) -> Result<(), Flaw> {
        if inside.depth > limits::CONDITION_DEPTH {
            return Err((
                place.clone(),
                format!("nested deeper than {}", limits::CONDITION_DEPTH),
            ));
        }
        match json {
            Json::Array(items) => {
                self.longest = self.longest.max(items.len());
                if inside.reducing && items.iter().any(|i| !is_plain(i)) {
                    return Err((
                        place.clone(),
                        "a list can't be built inside `reduce`".to_owned(),
                    ));
                }
                self.each(items, place, inside)
            }
            Json::Object(fields) => {
                let mut fields = fields.iter();
                match (fields.next(), fields.next()) {
                    (Some((operator, argument)), None) => {
                        self.operation(operator, argument, place, inside)
                    }
                    _ => Err((
                        place.clone(),
                        "an operation has exactly one key, its operator".to_owned(),
                    )),
                }
            }
            _ => Ok(()),
        }
    }

    fn each(&mut self, items: &[Json], place: &mut String, inside: Inside) -> Result<(), Flaw> {
        let length = place.len();
        for (i, item) in items.iter().enumerate() {
            place.push_str(&format!("/{i}"));
            self.check(
                item,
                place,
                Inside {
                    depth: inside.depth + 1,
                    ..inside
                },
            )?;
            place.truncate(length);
        }
        Ok(())
    }

    fn operation(
        &mut self,
        operator: &str,
        argument: &Json,
        place: &mut String,
        inside: Inside,
    ) -> Result<(), Flaw> {
        let length = place.len();
        place.push('/');
        place.push_str(&operator.replace('~', "~0").replace('/', "~1"));
        let refuse = |detail: String| Err((place.clone(), detail));
        if !OPERATORS.contains(&operator) {
            return refuse(format!(
                "there is no operator `{operator}`{}",
                did_you_mean(operator, &OPERATORS)
            ));
        }
        if inside.reducing && ["cat", "merge", "map"].contains(&operator) {
            return refuse(format!(
                "`{operator}` can't be used inside `reduce`: its result would grow with every item"
            ));
        }
        self.merges |= operator == "merge";
        if operator == "var" && inside.level == 0 {
            variable(argument).or_else(&refuse)?;
        }
        if inside.level == 0 {
            for path in asked_for(operator, argument) {
                known(path).or_else(&refuse)?;
            }
        }
        let arguments = argument
            .as_array()
            .map_or(std::slice::from_ref(argument), Vec::as_slice);
        let deeper = Inside {
            depth: inside.depth + 1,
            ..inside
        };
        if ITERATORS.contains(&operator) {
            // Any iterator around counts, also one whose list this is: `map` over `map` lets values grow twice.
            let level = inside.level + 1;
            self.nesting = self.nesting.max(level);
            if level > limits::CONDITION_NESTING {
                return refuse(format!(
                    "more than {} iterations within one another",
                    limits::CONDITION_NESTING
                ));
            }
            for (i, argument) in arguments.iter().enumerate() {
                if argument.is_object() || argument.is_array() {
                    let length = place.len();
                    place.push_str(&format!("/{i}"));
                    // The list itself is evaluated once, outside: its variables are still the event's.
                    let inner = if i == 0 && !contains_iterator(argument) {
                        inside.level
                    } else {
                        level
                    };
                    let reducing = inside.reducing || (operator == "reduce" && i == 1);
                    self.check(
                        argument,
                        place,
                        Inside {
                            depth: deeper.depth + 1,
                            level: inner,
                            reducing,
                        },
                    )?;
                    place.truncate(length);
                }
            }
        } else if argument.is_array() {
            // `in` looks at a whole list or text: over data and inside an iteration it is one more level.
            if operator == "in"
                && inside.level > 0
                && arguments.get(1).is_some_and(|a| !is_plain(a))
            {
                self.nesting = self.nesting.max(inside.level + 1);
            }
            self.each(
                arguments,
                place,
                Inside {
                    depth: deeper.depth,
                    ..inside
                },
            )?;
        } else {
            self.check(argument, place, deeper)?;
        }
        place.truncate(length);
        Ok(())
    }
}

/// Whether it holds no operation.
fn is_plain(json: &Json) -> bool {
    match json {
        Json::Object(_) => false,
        Json::Array(items) => items.iter().all(is_plain),
        _ => true,
    }
}

fn contains_iterator(json: &Json) -> bool {
    match json {
        Json::Object(fields) => fields
            .iter()
            .any(|(key, value)| ITERATORS.contains(&key.as_str()) || contains_iterator(value)),
        Json::Array(items) => items.iter().any(contains_iterator),
        _ => false,
    }
}

/// A variable outside of iterations starts with `event`, `payload` or `now`: anything else is always null, and the rule
/// would never match, without anybody knowing why.
fn variable(argument: &Json) -> Result<(), String> {
    let path = match argument {
        Json::Array(items) => items.first(),
        other => Some(other),
    };
    let Some(Json::String(path)) = path else {
        return Ok(());
    };
    known(path)
}

/// What `missing` and `missing_some` ask for, as far as it is written there.
fn asked_for<'j>(operator: &str, argument: &'j Json) -> Vec<&'j str> {
    let arguments = argument
        .as_array()
        .map_or(std::slice::from_ref(argument), Vec::as_slice);
    let names = match (operator, arguments) {
        ("missing", names) => names,
        ("missing_some", [_, Json::Array(names)]) => names,
        _ => return Vec::new(),
    };
    names.iter().filter_map(Json::as_str).collect()
}

fn known(path: &str) -> Result<(), String> {
    let mut keys = path.split('.');
    match (keys.next().unwrap_or_default(), keys.next()) {
        ("", None) | ("payload" | "now", _) | ("event", None) => Ok(()),
        ("event", Some(field)) if EVENT_FIELDS.contains(&field) => Ok(()),
        ("event", Some(field)) => Err(format!(
            "an event has no `{field}`{}",
            did_you_mean(field, &EVENT_FIELDS)
        )),
        _ => Err(format!(
            "variables start with `event`, `payload` or `now`: did you mean `payload.{path}`?"
        )),
    }
}
