//! Channel switches per category: as stored, as sent, and what they decide. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::kernel::{ChannelKind, Error, Result};

/// The category that stands for all that aren't named.
pub const EVERY: &str = "*";
/// Categories that one person may name.
pub const MOST: usize = 200;
const CATEGORY_CHARS: usize = 64;

/// A recipient's switches. The default is: everything on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes(BTreeMap<String, BTreeMap<ChannelKind, bool>>);

impl Wishes {
    /// From what is stored. SQL may have stored anything: what is no switch is no wish.
    #[must_use]
    pub fn stored(text: &str) -> Self {
        let Ok(serde_json::Value::Object(categories)) = serde_json::from_str(text) else {
            return Self::default();
        };
        let switches = |channels: serde_json::Value| -> BTreeMap<ChannelKind, bool> {
            let serde_json::Value::Object(channels) = channels else {
                return BTreeMap::new();
            };
            channels
                .into_iter()
                .filter_map(|(channel, on)| Some((ChannelKind::parse(&channel)?, on.as_bool()?)))
                .collect()
        };
        Self(
            categories
                .into_iter()
                .map(|(category, channels)| (category, switches(channels)))
                .collect(),
        )
    }

    /// Whether a notification of this category is wanted on this channel: the category's own switch decides, else that of
    /// `*`, else it is.
    #[must_use]
    pub fn wants(&self, category: &str, channel: ChannelKind) -> bool {
        [category, EVERY]
            .into_iter()
            .find_map(|key| self.0.get(key)?.get(&channel).copied())
            .unwrap_or(true)
    }
}

/// Somebody's preferences, on their way out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preferences {
    /// Whose.
    pub user_id: String,
    /// `{"<category or *>": {"email": false}}`.
    pub channels: serde_json::Value,
    /// When they were last set; `null` = never.
    pub updated_at: Option<Timestamp>,
}

/// Preferences in a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "preferences (an object)")]
pub struct Body {
    channels: Pairs<Pairs<bool>>,
}

impl Body {
    /// The switches, as they are stored.
    ///
    /// # Errors
    /// `invalid_field` and `duplicate_field` with the place of the fault.
    pub fn check(self) -> Result<String> {
        let wrong = |code, place: &str, detail: String| Err(Error::invalid_at(code, place, detail));
        if self.channels.0.len() > MOST {
            return wrong(
                "invalid_field",
                "/channels",
                format!("at most {MOST} categories"),
            );
        }
        let mut seen = BTreeSet::new();
        let mut switches: BTreeMap<String, BTreeMap<ChannelKind, bool>> = BTreeMap::new();
        for (category, channels) in self.channels.0 {
            let mut place = "/channels".to_owned();
            crate::kernel::json::push_step(&mut place, &category);
            if category != EVERY && !is_category(&category) {
                let detail = "a category is one word of letters, digits, `_`, `-` and `.`, as rules have it, or `*`";
                return wrong("invalid_field", &place, detail.to_owned());
            }
            if !seen.insert(category.clone()) {
                return wrong(
                    "duplicate_field",
                    &place,
                    format!("`{category}` is given twice"),
                );
            }
            let mut own = BTreeMap::new();
            for (word, on) in channels.0 {
                crate::kernel::json::push_step(&mut place, &word);
                let Some(channel) = ChannelKind::parse(&word) else {
                    let known = ChannelKind::ALL.map(ChannelKind::as_str).join(", ");
                    return wrong(
                        "invalid_field",
                        &place,
                        format!("there is no such channel; there are {known}"),
                    );
                };
                if own.insert(channel, on).is_some() {
                    return wrong(
                        "duplicate_field",
                        &place,
                        format!("`{word}` is given twice"),
                    );
                }
                place.truncate(place.rfind('/').unwrap_or_default());
            }
            switches.insert(category, own);
        }
        serde_json::to_string(&switches)
            .map_err(|e| Error::internal("switches can't be written as JSON", e))
    }
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
    use crate::kernel::decode::decode;
    use crate::kernel::json::{self, Depth};

    fn check(text: &str) -> Result<String> {
        let depth = Depth {
            allowed: 64,
            kept: 64,
        };
        decode::<Body>(&json::parse(text, depth)?, "")?.check()
    }

    #[test]
    fn a_categorys_own_switch_beats_the_one_for_all_and_what_isnt_said_is_on() {
        let wishes = Wishes::stored(
            r#"{"*": {"email": false, "sms": false}, "finance": {"email": true, "in_app": false}}"#,
        );
        use ChannelKind::{Email, InApp, Sms, Telegram};
        assert!(wishes.wants("finance", Email), "its own beats *");
        assert!(!wishes.wants("finance", InApp));
        assert!(!wishes.wants("finance", Sms), "* for what it doesn't say");
        assert!(!wishes.wants("stock", Email));
        assert!(wishes.wants("stock", InApp) && wishes.wants("stock", Telegram));
        assert!(Wishes::default().wants("stock", Email));
    }

    #[test]
    fn whatever_sql_has_stored_is_read_as_far_as_it_makes_sense() {
        for odd in [
            "",
            "null",
            "[]",
            "{\"*\": 5}",
            "{\"*\": {\"email\": \"no\", \"pigeon\": false}}",
        ] {
            assert!(Wishes::stored(odd).wants("x", ChannelKind::Email), "{odd}");
        }
        let half = Wishes::stored(r#"{"*": {"pigeon": false, "email": false}, "x": []}"#);
        assert!(!half.wants("x", ChannelKind::Email));
    }

    #[test]
    fn what_is_sent_is_checked_with_its_place() {
        assert_eq!(
            check(r#"{"channels": {"finance": {"email": false, "in_app": true}, "*": {}}}"#)
                .unwrap(),
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
