//! What differs between two conditions: parts of an `and` or an `or` that came, went or changed, else the whole. Pure.

use serde_json::Value;

use super::{Changes, same};
use crate::rules::blame::{cut, operation, readable, variables};

const ROOT: &str = "/conditions";
/// A part as people read it is cut at so many characters.
const SHOWN: usize = 200;

pub(super) fn compare(before: Option<&Value>, after: Option<&Value>, changes: &mut Changes) {
    let (before, after) = match (before, after) {
        (None, None) => return,
        (None, Some(new)) => {
            let words = format!("now only if {} (was: always)", shown(new));
            return changes.add(ROOT, None, Some(new), words);
        }
        (Some(old), None) => {
            let words = format!("now always (was: only if {})", shown(old));
            return changes.add(ROOT, Some(old), None, words);
        }
        (Some(old), Some(new)) if same(old, new) => return,
        (Some(old), Some(new)) => (old, new),
    };
    match (either(before), either(after)) {
        (Some(old), Some(new)) => {
            parts(&old, &new, ["no longer enough", "now also enough"], changes)
        }
        (None, None) => parts(
            &all(before),
            &all(after),
            ["no longer asked", "now also asked"],
            changes,
        ),
        _ => changes.add(ROOT, Some(before), Some(after), became(before, after)),
    }
}

/// A part and its place.
type Part<'v> = (String, &'v Value);

/// The parts of an `and`, or the one part there is.
fn all(condition: &Value) -> Vec<Part<'_>> {
    of(condition, "and").unwrap_or_else(|| vec![(ROOT.to_owned(), condition)])
}

fn either(condition: &Value) -> Option<Vec<Part<'_>>> {
    of(condition, "or")
}

fn of<'v>(condition: &'v Value, wanted: &str) -> Option<Vec<Part<'v>>> {
    let (operator, argument) = operation(condition)?;
    let parts = argument.as_array().filter(|_| operator == wanted)?.iter();
    let placed = parts.enumerate();
    let placed = placed.map(|(index, part)| (format!("{ROOT}/{wanted}/{index}"), part));
    Some(placed.collect())
}

fn parts(before: &[Part<'_>], after: &[Part<'_>], [gone, come]: [&str; 2], changes: &mut Changes) {
    let mut come_all: Vec<&Part<'_>> = after.iter().collect();
    let mut gone_all: Vec<&Part<'_>> = Vec::new();
    for old in before {
        match come_all.iter().position(|new| same(old.1, new.1)) {
            Some(index) => {
                come_all.remove(index);
            }
            None => gone_all.push(old),
        }
    }
    let only = gone_all.len() == 1 && come_all.len() == 1;
    for (place, old) in gone_all {
        // What speaks of the same variables is the same part, changed.
        let near = |new: &&Part<'_>| likeness(old, new.1);
        let nearest = come_all
            .iter()
            .enumerate()
            .map(|(index, new)| (near(new), std::cmp::Reverse(index)));
        match nearest.max() {
            Some((likeness, std::cmp::Reverse(index))) if likeness > 0 || only => {
                let (place, new) = come_all.remove(index);
                changes.add(place.as_str(), Some(old), Some(new), became(old, new));
            }
            _ => changes.add(
                place.as_str(),
                Some(old),
                None,
                format!("{gone}: {}", shown(old)),
            ),
        }
    }
    for (place, new) in come_all {
        let words = format!("{come}: {}", shown(new));
        changes.add(place.as_str(), None, Some(new), words);
    }
}

/// 0: nothing in common; more: the same variables, the same operator.
fn likeness(a: &Value, b: &Value) -> u8 {
    let paths = |part| {
        let mut paths = Vec::new();
        variables(part, &mut paths);
        paths.sort_unstable();
        paths
    };
    let (own, others) = (paths(a), paths(b));
    if own.is_empty() || own != others {
        return 0;
    }
    let operator = |part| operation(part).map(|(operator, _)| operator);
    1 + u8::from(operator(a) == operator(b))
}

fn became(before: &Value, after: &Value) -> String {
    format!("condition: {} became {}", shown(before), shown(after))
}

fn shown(part: &Value) -> String {
    format!("`{}`", cut(&readable(part), SHOWN))
}
