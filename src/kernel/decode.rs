//! From a JSON tree to a request's type. Comes in: a [`Node`]. Goes out: any `Deserialize` type, or the fault with its
//! name and JSON pointer. Derived types bring their own checks: `#[serde(deny_unknown_fields)]` refuses strangers, and
//! two fields of the same name are always refused.

use std::fmt::{self, Display};

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, Expected, MapAccess, SeqAccess, Unexpected,
    Visitor,
};

use crate::kernel::json::{Node, Value, push_step};
use crate::kernel::{Error, Result};

const RAW: &str = "$neurolink::raw";
const ID: &str = "$neurolink::id";

/// Any JSON value in the sender's own text. Only readable by [`decode`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw(pub String);

/// An id: a JSON string, or an integer kept as its digits. Only readable by [`decode`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id(pub String);

struct Text;

impl<'de> Visitor<'de> for Text {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an integer")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<String, E> {
        Ok(text.to_owned())
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        d.deserialize_newtype_struct(RAW, Text).map(Self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        d.deserialize_newtype_struct(ID, Text).map(Self)
    }
}

/// Reads `node`, which stands at the JSON pointer `place` of the body (empty = is the body), as a `T`.
///
/// # Errors
/// `Invalid`: `unknown_field`, `missing_field`, `duplicate_field`, `invalid_type`, `invalid_value`, with the pointer.
pub fn decode<'n, T: Deserialize<'n>>(node: &'n Node<'n>, place: &str) -> Result<T> {
    T::deserialize(Cursor(node)).map_err(|fault| fault.into_error(place))
}

/// A fault on its way up; each level adds its step.
#[derive(Debug)]
struct Fault {
    code: &'static str,
    detail: String,
    /// From the innermost outwards.
    steps: Vec<String>,
}

impl Fault {
    fn at(code: &'static str, detail: String, step: Option<&str>) -> Self {
        Self {
            code,
            detail,
            steps: step.map(str::to_owned).into_iter().collect(),
        }
    }

    fn under(mut self, step: &str) -> Self {
        self.steps.push(step.to_owned());
        self
    }

    fn into_error(self, place: &str) -> Error {
        let mut pointer = place.to_owned();
        for step in self.steps.iter().rev() {
            push_step(&mut pointer, step);
        }
        Error::invalid_at(self.code, pointer, self.detail)
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Fault {}

/// What was found, by kind: values may be long, or secret.
fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
        Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "an array",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}

impl de::Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self::at("invalid_value", message.to_string(), None)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let detail = format!("{expected} was expected, not {}", kind(found));
        Self::at("invalid_type", detail, None)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = kind(found);
        let detail = format!("{expected} was expected, and {found} of another value was found");
        Self::at("invalid_value", detail, None)
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        let detail = format!("one of {} was expected", expected.join(", "));
        Self::at("invalid_value", detail, None)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let field: String = field.chars().take(100).collect();
        let detail = format!(
            "`{field}` is not a field here; known are {}",
            expected.join(", ")
        );
        Self::at("unknown_field", detail, Some(&field))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::at(
            "missing_field",
            format!("`{field}` is missing"),
            Some(field),
        )
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::at(
            "duplicate_field",
            format!("`{field}` is given twice"),
            Some(field),
        )
    }
}

struct Cursor<'n>(&'n Node<'n>);

impl<'n> Cursor<'n> {
    fn found(&self) -> Unexpected<'n> {
        match &self.0.value {
            Value::Null => Unexpected::Unit,
            Value::Bool(b) => Unexpected::Bool(*b),
            Value::Number if is_integer(self.0.raw) => Unexpected::Signed(0),
            Value::Number => Unexpected::Float(0.0),
            Value::String(s) => Unexpected::Str(s),
            Value::Array(_) | Value::DeepArray => Unexpected::Seq,
            Value::Object(_) | Value::DeepObject => Unexpected::Map,
        }
    }

    fn wrong(&self, expected: &dyn Expected) -> Fault {
        de::Error::invalid_type(self.found(), expected)
    }
}

fn is_integer(raw: &str) -> bool {
    !raw.contains(['.', 'e', 'E'])
}

impl<'n> Deserializer<'n> for Cursor<'n> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'n>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        let raw = self.0.raw;
        match &self.0.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(b) => visitor.visit_bool(*b),
            Value::Number => {
                if let Ok(n) = raw.parse::<i64>() {
                    visitor.visit_i64(n)
                } else if let Ok(n) = raw.parse::<u64>() {
                    visitor.visit_u64(n)
                } else if let Ok(n) = raw.parse::<f64>() {
                    visitor.visit_f64(n)
                } else {
                    Err(self.wrong(&"a number"))
                }
            }
            Value::String(s) => visitor.visit_borrowed_str(s),
            Value::Array(items) => visitor.visit_seq(Items { items, next: 0 }),
            Value::Object(members) => visitor.visit_map(Members { members, next: 0 }),
            Value::DeepArray | Value::DeepObject => Err(self.wrong(&"a simple value")),
        }
    }

    fn deserialize_option<V: Visitor<'n>>(
        self,
        visitor: V,
    ) -> std::result::Result<V::Value, Fault> {
        match self.0.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'n>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> std::result::Result<V::Value, Fault> {
        match (name, &self.0.value) {
            (RAW, _) => visitor.visit_borrowed_str(self.0.raw),
            (ID, Value::String(text)) => visitor.visit_borrowed_str(text),
            (ID, Value::Number) if is_integer(self.0.raw) => visitor.visit_borrowed_str(self.0.raw),
            (ID, _) => Err(self.wrong(&visitor)),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'n>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> std::result::Result<V::Value, Fault> {
        match &self.0.value {
            Value::String(s) => visitor.visit_enum(StrDeserializer::new(s)),
            Value::Object(members) => {
                visitor.visit_enum(MapAccessDeserializer::new(Members { members, next: 0 }))
            }
            _ => Err(self.wrong(&"a word")),
        }
    }

    // Derived types would take an array of their fields' values too.
    fn deserialize_struct<V: Visitor<'n>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> std::result::Result<V::Value, Fault> {
        match &self.0.value {
            Value::Object(_) => self.deserialize_any(visitor),
            _ => Err(self.wrong(&visitor)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'n>>(
        self,
        visitor: V,
    ) -> std::result::Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        <V: Visitor<'n>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier
    }
}

struct Items<'n> {
    items: &'n [Node<'n>],
    next: usize,
}

impl<'n> SeqAccess<'n> for Items<'n> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'n>>(
        &mut self,
        seed: T,
    ) -> std::result::Result<Option<T::Value>, Fault> {
        let Some(node) = self.items.get(self.next) else {
            return Ok(None);
        };
        let index = self.next;
        self.next += 1;
        seed.deserialize(Cursor(node))
            .map(Some)
            .map_err(|fault| fault.under(&index.to_string()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.next)
    }
}

struct Members<'n> {
    members: &'n [(std::borrow::Cow<'n, str>, Node<'n>)],
    next: usize,
}

impl<'n> MapAccess<'n> for Members<'n> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'n>>(
        &mut self,
        seed: K,
    ) -> std::result::Result<Option<K::Value>, Fault> {
        match self.members.get(self.next) {
            Some((name, _)) => seed.deserialize(StrDeserializer::new(name)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'n>>(
        &mut self,
        seed: V,
    ) -> std::result::Result<V::Value, Fault> {
        let Some((name, node)) = self.members.get(self.next) else {
            return Err(de::Error::custom(
                "a value was asked for where there is none",
            ));
        };
        self.next += 1;
        seed.deserialize(Cursor(node))
            .map_err(|fault| fault.under(name))
    }
}
