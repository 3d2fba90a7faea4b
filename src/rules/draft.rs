//! A rule's content as people give it: read from a body, changed in part, checked whole before it is saved. Comes from
//! `routes` and from files of rules, goes to `saved`. Pure.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::kernel::decode::Raw;
use crate::kernel::{Error, Result};
use crate::rules::model::{RuleRow, Warning};

const NAME_CHARS: usize = 128;
const MODULE_CHARS: usize = 64;
const PATTERN_CHARS: usize = 130;

/// What somebody may say of a rule; the rest (id, version, times) is ours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Draft {
    /// Unique.
    pub name: String,
    /// `None` = any module.
    pub source_module: Option<String>,
    /// `invoice.overdue`, `invoice.*` or `*`.
    pub event_type_pattern: String,
    /// JSONLogic as JSON text, as it was given; `None` = always.
    #[serde(serialize_with = "raw_or_null")]
    pub conditions: Option<String>,
    /// The template as JSON text, as it was given.
    #[serde(serialize_with = "raw")]
    pub notification_template: String,
    /// Order of evaluation, higher first; also the deliveries' lane.
    pub priority: i32,
    /// Whether it is evaluated.
    pub enabled: bool,
}

/// A whole rule in a request or file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a rule (an object)")]
struct Whole {
    name: String,
    source_module: Option<String>,
    event_type_pattern: String,
    conditions: Option<Raw>,
    notification_template: Raw,
    #[serde(default)]
    priority: i32,
    #[serde(default = "yes")]
    enabled: bool,
}

/// Some of a rule in a request: what isn't there stays.
#[derive(Debug, Default, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "some of a rule's fields (an object)"
)]
pub(crate) struct Part {
    #[serde(deserialize_with = "given")]
    name: Option<String>,
    #[serde(deserialize_with = "given")]
    source_module: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    event_type_pattern: Option<String>,
    #[serde(deserialize_with = "given")]
    conditions: Option<Option<Raw>>,
    #[serde(deserialize_with = "given")]
    notification_template: Option<Raw>,
    #[serde(deserialize_with = "given")]
    priority: Option<i32>,
    #[serde(deserialize_with = "given")]
    enabled: Option<bool>,
}

const fn yes() -> bool {
    true
}

/// Tells `null` from nothing.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Option<T>, D::Error> {
    T::deserialize(d).map(Some)
}

/// Only readable by `kernel::decode`, as the texts it keeps are.
impl<'de> Deserialize<'de> for Draft {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let whole = Whole::deserialize(d)?;
        Ok(Self {
            name: whole.name,
            source_module: whole.source_module,
            event_type_pattern: whole.event_type_pattern,
            conditions: whole.conditions.map(|raw| raw.0),
            notification_template: whole.notification_template.0,
            priority: whole.priority,
            enabled: whole.enabled,
        })
    }
}

impl Draft {
    /// This rule with a part of it changed.
    pub(crate) fn with(mut self, part: Part) -> Self {
        let Part {
            name,
            source_module,
            event_type_pattern,
            conditions,
            notification_template,
            priority,
            enabled,
        } = part;
        self.name = name.unwrap_or(self.name);
        self.source_module = source_module.unwrap_or(self.source_module);
        self.event_type_pattern = event_type_pattern.unwrap_or(self.event_type_pattern);
        if let Some(conditions) = conditions {
            self.conditions = conditions.map(|raw| raw.0);
        }
        if let Some(template) = notification_template {
            self.notification_template = template.0;
        }
        self.priority = priority.unwrap_or(self.priority);
        self.enabled = enabled.unwrap_or(self.enabled);
        self
    }

    /// As the compiler takes it.
    #[must_use]
    pub fn row(&self, id: i64, version: i32) -> RuleRow {
        RuleRow {
            id,
            name: self.name.clone(),
            source_module: self.source_module.clone(),
            event_type_pattern: self.event_type_pattern.clone(),
            conditions: self.conditions.clone(),
            notification_template: self.notification_template.clone(),
            priority: self.priority,
            version,
            is_held: false,
        }
    }

    /// Everything that the table and the nodes would find wrong, and what is allowed but probably not meant.
    ///
    /// # Errors
    /// `invalid_field`, or `rule_fault` for what can't be compiled, with the place.
    pub fn check(&self) -> Result<Vec<Warning>> {
        self.check_fields()?;
        super::check(&self.row(0, 0))
            .map_err(|fault| Error::invalid_at("rule_fault", fault.place, fault.detail))
    }

    /// What the table would find wrong, before anything is compiled.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn check_fields(&self) -> Result<()> {
        let wrong =
            |place: &str, detail: &str| Err(Error::invalid_at("invalid_field", place, detail));
        let length = self.name.chars().count();
        if !(1..=NAME_CHARS).contains(&length)
            || self.name.chars().any(char::is_control)
            || self.name.trim() != self.name
        {
            return wrong(
                "/name",
                "a name has 1 to 128 characters, no control characters, and no white space around it",
            );
        }
        if let Some(module) = &self.source_module
            && !is_module(module)
        {
            return wrong(
                "/source_module",
                "no event has such a module: it is written like `invoicing` or `sales.pos`, in at most 64 characters; null = any",
            );
        }
        if self.event_type_pattern.chars().count() > PATTERN_CHARS {
            return wrong(
                "/event_type_pattern",
                "a pattern has at most 130 characters",
            );
        }
        Ok(())
    }
}

/// What the events table takes: words of `a-z0-9_`, with `.` or `-` between them.
fn is_module(text: &str) -> bool {
    text.len() <= MODULE_CHARS
        && text.split(['.', '-']).all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        })
}

/// JSON text as it is.
fn raw<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serde_json::from_str::<&RawValue>(text)
        .map_err(serde::ser::Error::custom)?
        .serialize(serializer)
}

fn raw_or_null<S: Serializer>(text: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    match text {
        Some(text) => raw(text, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::decode::decode;
    use crate::kernel::json::{self, Depth};

    fn read<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T> {
        let depth = Depth {
            allowed: 64,
            kept: 64,
        };
        decode(&json::parse(text, depth)?, "")
    }

    fn draft() -> Draft {
        read(r#"{"name": "r", "event_type_pattern": "a.b", "notification_template": {"title": "T", "n": 1.10}}"#)
            .unwrap()
    }

    fn fault(draft: &Draft) -> (&'static str, String) {
        match draft.check() {
            Err(Error::Invalid { code, place, .. }) => (code, place.unwrap_or_default()),
            other => panic!("{draft:?} gave {other:?}"),
        }
    }

    #[test]
    fn what_isnt_said_has_its_default_and_json_is_kept_as_given() {
        let draft = draft();
        assert_eq!((draft.priority, draft.enabled), (0, true));
        assert_eq!(draft.notification_template, r#"{"title": "T", "n": 1.10}"#);
        let text = serde_json::to_string(&draft).unwrap();
        assert!(
            text.contains(r#""conditions":null,"notification_template":{"title": "T", "n": 1.10}"#),
            "{text}"
        );
    }

    #[test]
    fn a_part_changes_what_it_says_and_null_is_not_nothing() {
        let before = Draft {
            source_module: Some("sales".into()),
            conditions: Some("true".into()),
            ..draft()
        };
        let part: Part = read(r#"{"source_module": null, "priority": -1}"#).unwrap();
        let after = before.clone().with(part);
        assert_eq!(after.source_module, None);
        assert_eq!(
            (after.priority, after.conditions.as_deref()),
            (-1, Some("true"))
        );
        let part: Part = read(r#"{"conditions": null}"#).unwrap();
        assert_eq!(before.with(part).conditions, None);
        assert!(matches!(
            read::<Part>(r#"{"name": null}"#),
            Err(Error::Invalid { code: "invalid_type", place: Some(p), .. }) if p == "/name"
        ));
    }

    #[test]
    fn faults_have_their_place() {
        for (change, expected) in [
            (r#"{"name": ""}"#, ("invalid_field", "/name")),
            (r#"{"name": " r"}"#, ("invalid_field", "/name")),
            (
                r#"{"source_module": "Sales"}"#,
                ("invalid_field", "/source_module"),
            ),
            (
                r#"{"source_module": "a..b"}"#,
                ("invalid_field", "/source_module"),
            ),
            (
                r#"{"event_type_pattern": "a.*.b"}"#,
                ("rule_fault", "/event_type_pattern"),
            ),
            (
                r#"{"conditions": {"equals": [1, 1]}}"#,
                ("rule_fault", "/conditions/equals"),
            ),
            (
                r#"{"notification_template": []}"#,
                ("rule_fault", "/notification_template"),
            ),
            (
                r#"{"notification_template": {"title": "{{#if}}"}}"#,
                ("rule_fault", "/notification_template/title line 1 column"),
            ),
        ] {
            let part: Part = read(change).unwrap();
            let (code, place) = fault(
                &Draft {
                    notification_template: r#"{"title": "T"}"#.into(),
                    ..draft()
                }
                .with(part),
            );
            assert_eq!(code, expected.0, "{change}");
            assert!(place.starts_with(expected.1), "{change}: {place}");
        }
    }
}
