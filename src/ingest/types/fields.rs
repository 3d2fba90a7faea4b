//! Which fields a payload has, as whoever writes rules may name them: paths and kinds, never values. Pure: JSON text in, paths out.

use std::collections::BTreeMap;

use serde_json::Value;

/// Paths of one payload at most; what is behind them, in the payload's own order of names, isn't looked at.
pub(super) const MOST: usize = 200;
/// A payload of more bytes isn't looked at.
pub(super) const LONGEST: usize = 256 * 1024;
/// How deep paths go: `a.b.c.d`.
const DEPTH: usize = 4;
/// Items of a list that are looked at.
const ITEMS: usize = 20;
/// Longer names are no names of fields.
const NAME_CHARS: usize = 100;

/// Kinds of values by path. As `recipient_fields` writes paths: a list on the way stands for each of its items.
pub(super) type Fields = BTreeMap<String, Kinds>;

/// Which kinds of values were seen, a bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Kinds(u8);

/// In the order of their bits.
const WORDS: [&str; 6] = ["string", "number", "boolean", "array", "object", "null"];

impl Kinds {
    fn of(value: &Value) -> Self {
        let bit = match value {
            Value::String(_) => 0,
            Value::Number(_) => 1,
            Value::Bool(_) => 2,
            Value::Array(_) => 3,
            Value::Object(_) => 4,
            Value::Null => 5,
        };
        Self(1 << bit)
    }

    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// `number,null`
    pub(super) fn words(self) -> String {
        let seen = |bit: &usize| self.0 & (1 << bit) != 0;
        let words: Vec<&str> = (0..WORDS.len())
            .filter(seen)
            .map(|bit| WORDS[bit])
            .collect();
        words.join(",")
    }
}

/// The fields of a payload. Empty when it is too long, or no object.
pub(super) fn of(payload: &str) -> Fields {
    let mut fields = Fields::new();
    if payload.len() <= LONGEST
        && let Ok(value @ Value::Object(_)) = serde_json::from_str(payload)
    {
        collect(&value, "", DEPTH, &mut fields);
    }
    fields
}

fn collect(value: &Value, place: &str, depth: usize, fields: &mut Fields) {
    match value {
        Value::Object(members) if depth > 0 => {
            for (name, value) in members {
                // A path can't name what has a dot in its name, or no name at all.
                let is_name = !name.is_empty()
                    && name.chars().count() <= NAME_CHARS
                    && !name.contains(|c: char| c == '.' || c.is_control());
                if !is_name {
                    continue;
                }
                let path = if place.is_empty() {
                    name.clone()
                } else {
                    format!("{place}.{name}")
                };
                if fields.len() >= MOST && !fields.contains_key(&path) {
                    continue;
                }
                let kinds = fields.entry(path.clone()).or_default();
                *kinds = kinds.and(Kinds::of(value));
                collect(value, &path, depth - 1, fields);
            }
        }
        // Of lists within lists no path can say which is meant.
        Value::Array(items) => {
            let objects = items.iter().take(ITEMS).filter(|item| item.is_object());
            for item in objects {
                collect(item, place, depth, fields);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(payload: &str) -> Vec<String> {
        let fields = of(payload);
        let told = fields
            .iter()
            .map(|(path, kinds)| format!("{path}: {}", kinds.words()));
        told.collect()
    }

    #[test]
    fn paths_are_written_as_recipient_fields_writes_them_and_kinds_add_up() {
        assert_eq!(
            told(
                r#"{"number": "INV-1", "amount": 12.5, "paid": false, "due": null, "customer": {"id": 7},
                    "lines": [{"sku": "A", "qty": 1}, {"sku": null, "qty": 2, "lot": {"no": "x"}}], "tags": ["a"], "رقم": 1}"#
            ),
            [
                "amount: number",
                "customer: object",
                "customer.id: number",
                "due: null",
                "lines: array",
                "lines.lot: object",
                "lines.lot.no: string",
                "lines.qty: number",
                "lines.sku: string,null",
                "number: string",
                "paid: boolean",
                "tags: array",
                "رقم: number",
            ]
        );
    }

    #[test]
    fn what_is_deep_endless_nameless_or_no_object_is_left_out() {
        assert_eq!(
            told(
                r#"{"a": {"b": {"c": {"d": {"e": 1}}}}, "x.y": 1, "": 2, "z\n": 3, "l": [[{"q": 1}]]}"#
            ),
            [
                "a: object",
                "a.b: object",
                "a.b.c: object",
                "a.b.c.d: object",
                "l: array"
            ]
        );
        assert_eq!(told("[1]"), [""; 0]);
        assert_eq!(told("{\"a\""), [""; 0]);
        let many: Vec<String> = (0..1000)
            .map(|n| format!("\"k{n}\": {{\"v\": 1}}"))
            .collect();
        assert_eq!(of(&format!("{{{}}}", many.join(","))).len(), MOST);
        assert_eq!(
            of(&format!("{{\"a\": \"{}\"}}", "x".repeat(LONGEST))).len(),
            0
        );
    }
}
