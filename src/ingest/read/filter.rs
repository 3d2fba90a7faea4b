//! What a page of events is made of: the query's words, read strictly. Pure.

use jiff::Timestamp;

use crate::kernel::words::is_text_id;
use crate::kernel::{Error, Result, Severity};

/// Words for outcomes that can be asked for.
const OUTCOMES: [&str; 5] = ["waiting", "matched", "unmatched", "warned", "failed"];
/// What the events table holds at most.
const MODULE_CHARS: usize = 64;
const TYPE_CHARS: usize = 128;
const CORRELATION_CHARS: usize = 255;

/// Which events are wanted; `None` = any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this module.
    pub source_module: Option<String>,
    /// Of this type.
    pub event_type: Option<String>,
    /// Of types that begin so: `invoice.`
    pub type_prefix: Option<String>,
    /// Of this severity.
    pub severity: Option<&'static str>,
    /// Of this branch.
    pub branch_id: Option<String>,
    /// About this kind of thing.
    pub entity_type: Option<String>,
    /// About this one.
    pub entity_id: Option<String>,
    /// Of this business act.
    pub correlation_id: Option<String>,
    /// Received not before.
    pub from: Option<Timestamp>,
    /// Received before.
    pub to: Option<Timestamp>,
    /// With this outcome.
    pub outcome: Option<&'static str>,
    /// Of these branches, or of none: all that the caller may see.
    pub branches: Option<Vec<String>>,
}

fn bad(name: &str, detail: &str) -> Error {
    Error::invalid_at("invalid_parameter", name, format!("`{name}` {detail}"))
}

/// A text that a column could hold; anything else could only find nothing.
fn text(name: &str, value: &str, most: usize) -> Result<String> {
    let length = value.chars().count();
    if length == 0 || length > most || value.chars().any(char::is_control) {
        return Err(bad(name, &format!("has 1 to {most} characters")));
    }
    Ok(value.to_owned())
}

impl Filter {
    /// Takes one parameter that isn't a time.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub fn set(&mut self, name: &'static str, value: &str) -> Result<()> {
        match name {
            "source_module" => self.source_module = Some(text(name, value, MODULE_CHARS)?),
            "event_type" => self.set_type(value)?,
            "severity" => {
                let severity = Severity::parse(value)
                    .ok_or_else(|| bad(name, "is info, warning, error or critical"))?;
                self.severity = Some(severity.as_str());
            }
            "branch_id" | "entity_type" | "entity_id" => {
                if !is_text_id(value) {
                    return Err(bad(name, "has 1 to 128 characters"));
                }
                let place = match name {
                    "branch_id" => &mut self.branch_id,
                    "entity_type" => &mut self.entity_type,
                    _ => &mut self.entity_id,
                };
                *place = Some(value.to_owned());
            }
            "correlation_id" => self.correlation_id = Some(text(name, value, CORRELATION_CHARS)?),
            "outcome" => {
                let word = OUTCOMES.into_iter().find(|word| *word == value);
                let said = || bad(name, &format!("is one of {}", OUTCOMES.join(", ")));
                self.outcome = Some(word.ok_or_else(said)?);
            }
            _ => {}
        }
        Ok(())
    }

    fn set_type(&mut self, value: &str) -> Result<()> {
        let is_dotted = |name: &str| {
            name.split('.').all(|word| {
                !word.is_empty()
                    && word
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            })
        };
        match value.strip_suffix(".*") {
            _ if value == "*" => {}
            Some(prefix) if is_dotted(prefix) && prefix.len() <= TYPE_CHARS => {
                self.type_prefix = Some(format!("{prefix}."));
            }
            None if is_dotted(value) && value.len() <= TYPE_CHARS => {
                self.event_type = Some(value.to_owned());
            }
            _ => {
                return Err(bad(
                    "event_type",
                    "is an event type (`invoice.overdue`), a prefix (`invoice.*`) or `*`",
                ));
            }
        }
        Ok(())
    }

    /// After all were set.
    ///
    /// # Errors
    /// `invalid_parameter` for an id without what it is of, or a time that ends before it begins.
    pub fn checked(self) -> Result<Self> {
        if self.entity_id.is_some() && self.entity_type.is_none() {
            return Err(bad("entity_id", "needs `entity_type` beside it"));
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && to < from
        {
            return Err(bad("to", "is before `from`"));
        }
        Ok(self)
    }

    /// Whether an index knows where such events stand.
    #[must_use]
    pub fn is_rare(&self) -> bool {
        self.correlation_id.is_some() || matches!(self.outcome, Some("failed" | "warned"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&'static str, &str)]) -> Result<Filter> {
        let mut filter = Filter::default();
        for (name, value) in pairs {
            filter.set(name, value)?;
        }
        filter.checked()
    }

    #[test]
    fn a_type_is_exact_a_prefix_or_any() {
        let exact = of(&[("event_type", "invoice.overdue")]).unwrap();
        assert_eq!(exact.event_type.as_deref(), Some("invoice.overdue"));
        let prefix = of(&[("event_type", "invoice.*")]).unwrap();
        assert_eq!(prefix.type_prefix.as_deref(), Some("invoice."));
        assert_eq!(of(&[("event_type", "*")]).unwrap(), Filter::default());
        for odd in ["", ".*", "Invoice.*", "a.*.b", "a b"] {
            assert!(of(&[("event_type", odd)]).is_err(), "{odd}");
        }
    }

    #[test]
    fn words_that_could_only_find_nothing_are_refused_by_name() {
        for (name, value) in [
            ("severity", "bad"),
            ("outcome", "lost"),
            ("branch_id", ""),
            ("entity_id", "7"),
            ("correlation_id", ""),
        ] {
            match of(&[(name, value)]) {
                Err(Error::Invalid {
                    code: "invalid_parameter",
                    place: Some(place),
                    ..
                }) => assert_eq!(place, name),
                other => panic!("{name}={value} gave {other:?}"),
            }
        }
        assert!(of(&[("entity_type", "invoice"), ("entity_id", "7")]).is_ok());
    }
}
