//! Preferences in a request: what is sent, checked, as it is stored. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::kernel::decode::{Raw, decode};
use crate::kernel::json::{self, Depth, push_step};
use crate::kernel::{ChannelKind, Error, Result};
use crate::preferences::digest::Digest;
use crate::preferences::model::EVERY;
use crate::preferences::quiet::QuietHours;

/// Categories that one person may name.
pub const MOST: usize = 200;
const CATEGORY_CHARS: usize = 64;

/// Preferences in a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "preferences (an object)")]
pub struct Body {
    channels: Pairs<Pairs<bool>>,
    #[serde(default)]
    quiet_hours: Option<Raw>,
    #[serde(default)]
    digest: Option<Pairs<Raw>>,
}

/// Preferences as they are stored: JSON texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Channel switches.
    pub channels: String,
    /// Quiet hours, if there are any.
    pub quiet_hours: Option<String>,
    /// Digests by category, if there are any.
    pub digest: Option<String>,
}

impl Body {
    /// What is sent, as it is stored.
    ///
    /// # Errors
    /// `invalid_field`, `missing_field`, `unknown_field` and `duplicate_field` with the place of the fault.
    pub fn check(self) -> Result<Checked> {
        let quiet_hours = self
            .quiet_hours
            .map(|raw| {
                let value = tree(&raw, "/quiet_hours")?;
                QuietHours::parse(&value, "/quiet_hours")?;
                text(&value)
            })
            .transpose()?;
        Ok(Checked {
            channels: switches(self.channels)?,
            quiet_hours,
            digest: self.digest.map_or(Ok(None), digests)?,
        })
    }
}

fn switches(given: Pairs<Pairs<bool>>) -> Result<String> {
    let mut switches: BTreeMap<String, BTreeMap<ChannelKind, bool>> = BTreeMap::new();
    for (category, place, channels) in categories(given, "/channels")? {
        let mut own = BTreeMap::new();
        for (word, on) in channels.0 {
            let mut place = place.clone();
            push_step(&mut place, &word);
            let Some(channel) = ChannelKind::parse(&word) else {
                let known = ChannelKind::ALL.map(ChannelKind::as_str).join(", ");
                let detail = format!("there is no such channel; there are {known}");
                return Err(Error::invalid_at("invalid_field", &place, detail));
            };
            if own.insert(channel, on).is_some() {
                return Err(twice(&place, &word));
            }
        }
        switches.insert(category, own);
    }
    text(&switches)
}

fn digests(given: Pairs<Raw>) -> Result<Option<String>> {
    let mut digests = BTreeMap::new();
    for (category, place, wish) in categories(given, "/digest")? {
        let value = tree(&wish, &place)?;
        Digest::parse(&value, &place)?;
        digests.insert(category, value);
    }
    if digests.is_empty() {
        return Ok(None);
    }
    text(&digests).map(Some)
}

/// What is given by category, each with its place.
fn categories<T>(given: Pairs<T>, at: &str) -> Result<Vec<(String, String, T)>> {
    if given.0.len() > MOST {
        return Err(Error::invalid_at(
            "invalid_field",
            at,
            format!("at most {MOST} categories"),
        ));
    }
    let mut seen = BTreeSet::new();
    let mut all = Vec::with_capacity(given.0.len());
    for (category, value) in given.0 {
        let mut place = at.to_owned();
        push_step(&mut place, &category);
        if category != EVERY && !is_category(&category) {
            let detail = "a category is one word of letters, digits, `_`, `-` and `.`, as rules have it, or `*`";
            return Err(Error::invalid_at("invalid_field", &place, detail));
        }
        if !seen.insert(category.clone()) {
            return Err(twice(&place, &category));
        }
        all.push((category, place, value));
    }
    Ok(all)
}

/// The value, once nothing in it is given twice.
fn tree(raw: &Raw, place: &str) -> Result<Value> {
    let wrong = |e| Error::internal("a value that was JSON isn't any more", e);
    if !raw.0.trim_start().starts_with('{') {
        return serde_json::from_str(&raw.0).map_err(wrong);
    }
    let depth = Depth {
        allowed: 64,
        kept: 64,
    };
    let members: Pairs<Raw> = decode(&json::parse(&raw.0, depth)?, place)?;
    let mut object = serde_json::Map::new();
    for (key, value) in members.0 {
        let mut place = place.to_owned();
        push_step(&mut place, &key);
        let value = tree(&value, &place)?;
        if object.insert(key.clone(), value).is_some() {
            return Err(twice(&place, &key));
        }
    }
    Ok(Value::Object(object))
}

fn twice(place: &str, name: &str) -> Error {
    Error::invalid_at("duplicate_field", place, format!("`{name}` is given twice"))
}

fn text<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|e| Error::internal("preferences can't be written as JSON", e))
}

fn is_category(word: &str) -> bool {
    (1..=CATEGORY_CHARS).contains(&word.len())
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// An object's members in order, so that one given twice is seen.
#[derive(Debug)]
struct Pairs<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Pairs<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Reader(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Checked> {
        let depth = Depth {
            allowed: 64,
            kept: 64,
        };
        decode::<Body>(&json::parse(text, depth)?, "")?.check()
    }

    #[test]
    fn hours_and_digests_are_stored_as_they_were_sent() {
        let checked = check(
            r#"{"channels": {}, "quiet_hours": {"from": "22:00", "to": "07:00", "days": ["fri"]},
                "digest": {"stock": "off", "*": {"every": "1d", "at": "08:00"}}}"#,
        )
        .unwrap();
        let stored = |text: Option<String>| serde_json::from_str::<Value>(&text.unwrap()).unwrap();
        assert_eq!(
            stored(checked.quiet_hours),
            serde_json::json!({"from": "22:00", "to": "07:00", "days": ["fri"]})
        );
        assert_eq!(
            stored(checked.digest),
            serde_json::json!({"stock": "off", "*": {"every": "1d", "at": "08:00"}})
        );
        for none in [
            r#"{"channels": {}}"#,
            r#"{"channels": {}, "quiet_hours": null, "digest": null}"#,
            r#"{"channels": {}, "digest": {}}"#,
        ] {
            let checked = check(none).unwrap();
            assert_eq!(
                (checked.quiet_hours, checked.digest),
                (None, None),
                "{none}"
            );
        }
    }

    #[test]
    fn what_is_sent_is_checked_with_its_place() {
        assert_eq!(
            check(r#"{"channels": {"finance": {"email": false, "in_app": true}, "*": {}}}"#)
                .unwrap()
                .channels,
            r#"{"*":{},"finance":{"in_app":true,"email":false}}"#
        );
        for (body, code, place) in [
            ("{}", "missing_field", "/channels"),
            (r#"{"channels": []}"#, "invalid_type", "/channels"),
            (
                r#"{"channels": {"a b": {}}}"#,
                "invalid_field",
                "/channels/a b",
            ),
            (
                r#"{"channels": {"a": {"pigeon": true}}}"#,
                "invalid_field",
                "/channels/a/pigeon",
            ),
            (
                r#"{"channels": {"a": {"email": 1}}}"#,
                "invalid_type",
                "/channels/a/email",
            ),
            (
                r#"{"channels": {"a": {}, "a": {}}}"#,
                "duplicate_field",
                "/channels/a",
            ),
            (
                r#"{"channels": {"a": {"email": true, "email": false}}}"#,
                "duplicate_field",
                "/channels/a/email",
            ),
            (
                r#"{"channels": {}, "quiet_hours": {"from": "22:00", "from": "23:00", "to": "07:00"}}"#,
                "duplicate_field",
                "/quiet_hours/from",
            ),
            (
                r#"{"channels": {}, "quiet_hours": {"from": "22:00"}}"#,
                "missing_field",
                "/quiet_hours/to",
            ),
            (
                r#"{"channels": {}, "quiet_hours": {"from": "22:00", "to": "25:00"}}"#,
                "invalid_field",
                "/quiet_hours/to",
            ),
            (
                r#"{"channels": {}, "quiet_hours": "at night"}"#,
                "invalid_field",
                "/quiet_hours",
            ),
            (
                r#"{"channels": {}, "digest": {"a": {"every": "1d", "of": 1}}}"#,
                "unknown_field",
                "/digest/a/of",
            ),
            (
                r#"{"channels": {}, "digest": {"*": {"every": "1d", "every": "1h"}}}"#,
                "duplicate_field",
                "/digest/*/every",
            ),
            (
                r#"{"channels": {}, "digest": {"a b": "off"}}"#,
                "invalid_field",
                "/digest/a b",
            ),
            (
                r#"{"channels": {}, "digest": []}"#,
                "invalid_type",
                "/digest",
            ),
        ] {
            match check(body) {
                Err(Error::Invalid {
                    code: found,
                    place: Some(at),
                    ..
                }) => {
                    assert_eq!((found, at.as_str()), (code, place), "{body}");
                }
                other => panic!("{body} gave {other:?}"),
            }
        }
    }
}
