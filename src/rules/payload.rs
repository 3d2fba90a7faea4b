//! A payload's values as templates and audiences see them. Comes from the event's JSON text, goes to `render` and
//! `audience`. Numbers stay the digits they were: an amount that is no `f64` comes out as it went in.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON value that borrows from the text it was read from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number, as its digits.
    Number(Cow<'a, str>),
    /// A string.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Value<'a>>),
    /// An object, in its own order.
    Map(Vec<(Cow<'a, str>, Value<'a>)>),
}

/// How deep a payload may be nested; `serde_json` itself stops at 128, too.
const DEPTH: usize = 128;

impl<'a> Value<'a> {
    /// Reads JSON text.
    pub(crate) fn parse(json: &'a str) -> Result<Self, serde_json::Error> {
        Self::of_raw(serde_json::from_str(json)?, 0)
    }

    fn of_raw(raw: &'a RawValue, depth: usize) -> Result<Self, serde_json::Error> {
        if depth > DEPTH {
            return Err(serde_json::Error::custom("nested too deep"));
        }
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'{') => Self::Map(
                serde_json::from_str::<Fields<'a>>(text)?
                    .0
                    .into_iter()
                    .map(|(key, raw)| Ok((key, Self::of_raw(raw, depth + 1)?)))
                    .collect::<Result<_, serde_json::Error>>()?,
            ),
            Some(b'[') => Self::List(
                serde_json::from_str::<Items<'a>>(text)?
                    .0
                    .into_iter()
                    .map(|raw| Self::of_raw(raw, depth + 1))
                    .collect::<Result<_, _>>()?,
            ),
            Some(b'"') => Self::Text(serde_json::from_str::<Borrowed<'a>>(text)?.0),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') => Self::Null,
            _ => Self::Number(Cow::Borrowed(text)),
        })
    }

    /// A field of an object, or an item of an array by its number.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(fields) => fields.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            Self::List(items) => items.get(key.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// As Handlebars has it: nothing, `false`, zero, and what is empty are false.
    pub(crate) fn is_truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(b) => *b,
            Self::Number(digits) => {
                let mantissa = digits.split(['e', 'E']).next().unwrap_or_default();
                mantissa.bytes().any(|b| (b'1'..=b'9').contains(&b))
            }
            Self::Text(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(fields) => !fields.is_empty(),
        }
    }

    /// The text of a scalar; `None` for null, lists and objects.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match self {
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            Self::Number(text) | Self::Text(text) => Some(text),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// Borrows from a parsed `serde_json` value (a reader's fields, a literal of a template).
    pub(crate) fn of_json(json: &'a serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(b) => Self::Bool(*b),
            serde_json::Value::Number(n) => Self::Number(Cow::Owned(n.to_string())),
            serde_json::Value::String(s) => Self::Text(Cow::Borrowed(s)),
            serde_json::Value::Array(items) => {
                Self::List(items.iter().map(Self::of_json).collect())
            }
            serde_json::Value::Object(fields) => Self::Map(
                fields
                    .iter()
                    .map(|(k, v)| (Cow::Borrowed(k.as_str()), Self::of_json(v)))
                    .collect(),
            ),
        }
    }

    /// The same value, borrowing nothing.
    pub(crate) fn into_owned(self) -> Value<'static> {
        let own = |text: Cow<'_, str>| Cow::<'static, str>::Owned(text.into_owned());
        match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(b),
            Self::Number(digits) => Value::Number(own(digits)),
            Self::Text(text) => Value::Text(own(text)),
            Self::List(items) => Value::List(items.into_iter().map(Value::into_owned).collect()),
            Self::Map(fields) => Value::Map(
                fields
                    .into_iter()
                    .map(|(k, v)| (own(k), v.into_owned()))
                    .collect(),
            ),
        }
    }
}

/// A string that borrows where it can (`Cow`'s own `Deserialize` never does).
struct Borrowed<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Borrowed<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Strings;
        impl<'de> Visitor<'de> for Strings {
            type Value = Borrowed<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Borrowed(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Borrowed(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Strings)
    }
}

/// An object's fields, unread.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Objects;
        impl<'de> Visitor<'de> for Objects {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((key, raw)) = map.next_entry::<Borrowed<'de>, &'de RawValue>()? {
                    fields.push((key.0, raw));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Objects)
    }
}

/// An array's items, unread.
struct Items<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Arrays;
        impl<'de> Visitor<'de> for Arrays {
            type Value = Items<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(raw) = seq.next_element::<&'de RawValue>()? {
                    items.push(raw);
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Arrays)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_every_digit() {
        let json = r#"{"a":12345678901234567890.123,"b":1250.50,"c":[9007199254740993,-0,1e400]}"#;
        let value = Value::parse(json).unwrap();
        assert_eq!(
            value.get("a").and_then(Value::scalar),
            Some("12345678901234567890.123")
        );
        assert_eq!(value.get("b").and_then(Value::scalar), Some("1250.50"));
        let c = value.get("c").unwrap();
        assert_eq!(c.get("0").and_then(Value::scalar), Some("9007199254740993"));
        assert_eq!(c.get("2").and_then(Value::scalar), Some("1e400"));
    }

    #[test]
    fn strings_borrow_unless_they_hold_escapes() {
        let value = Value::parse(r#"{"plain":"علي","es\u0063":"a\nb"}"#).unwrap();
        assert!(matches!(
            value.get("plain"),
            Some(Value::Text(Cow::Borrowed("علي")))
        ));
        assert_eq!(value.get("esc").and_then(Value::scalar), Some("a\nb"));
    }

    #[test]
    fn truth_is_as_handlebars_has_it() {
        for (json, truth) in [
            ("0", false),
            ("-0.00", false),
            ("0e5", false),
            ("0.01", true),
            ("\"\"", false),
            ("\"0\"", true),
            ("[]", false),
            ("[0]", true),
            ("{}", false),
            ("null", false),
            ("true", true),
        ] {
            assert_eq!(Value::parse(json).unwrap().is_truthy(), truth, "{json}");
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_refused_and_does_no_harm() {
        assert!(Value::parse(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))).is_err());
        assert!(Value::parse("{\"a\":").is_err());
    }
}
