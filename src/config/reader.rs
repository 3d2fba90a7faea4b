//! Reads one setting after the other and gathers what is wrong with them, so that all faults are told at once.
//! From a lookup (`sources`, or a closure), with the table's defaults, to typed values for `load`.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::settings::{self, Shown};

/// What is wrong with a setting and what would be right. Never holds a secret's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} {wrong}: {right}")]
pub struct SettingFault {
    /// The variable's name (or a file's, when a whole file can't be read).
    pub name: String,
    /// What is wrong, to be read after the name: "is `abc`", "is not set".
    pub wrong: String,
    /// What would be right.
    pub right: String,
}

impl SettingFault {
    pub(super) fn new(
        name: impl Into<String>,
        wrong: impl Into<String>,
        right: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            wrong: wrong.into(),
            right: right.into(),
        }
    }
}

/// Says that a fault was noted; only the reader makes one, so a missing value always has its fault.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reported(());

/// Where values come from: the text of a variable, if it is set.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The reader.
pub(super) struct Reader<'a> {
    lookup: Lookup<'a>,
    faults: Vec<SettingFault>,
    used: BTreeSet<&'static str>,
    computed: BTreeMap<&'static str, String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: Lookup<'a>) -> Self {
        Self {
            lookup,
            faults: Vec::new(),
            used: BTreeSet::new(),
            computed: BTreeMap::new(),
        }
    }

    /// The text as given: trimmed unless it is a secret, and none when empty.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        self.used.insert(name);
        given(name, (self.lookup)(name))
    }

    /// The parsed value, or the table's default.
    pub(super) fn value<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Reported> {
        match self.text(name) {
            Some(text) => self.parse(name, &text, parse),
            None => match settings::find(name).and_then(settings::Setting::default) {
                Some(default) => self.parse(name, default, parse),
                None => Err(self.fault(name, "is not set", "a value is needed")),
            },
        }
    }

    /// The parsed value where one is given.
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Reported> {
        self.text(name)
            .map(|text| self.parse(name, &text, parse))
            .transpose()
    }

    fn parse<T>(
        &mut self,
        name: &'static str,
        text: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Reported> {
        parse(text).map_err(|right| {
            let wrong = match settings::find(name).map(|s| s.shown) {
                Some(Shown::Plain) => format!("is `{}`", excerpt(text)),
                _ => "can't be used".to_owned(),
            };
            self.fault(name, wrong, right)
        })
    }

    /// Notes a fault.
    pub(super) fn fault(
        &mut self,
        name: &'static str,
        wrong: impl Into<String>,
        right: impl Into<String>,
    ) -> Reported {
        self.faults.push(SettingFault::new(name, wrong, right));
        Reported(())
    }

    /// Notes what a setting came to that wasn't given and depends on others, for `neurolink config`.
    pub(super) fn computed(&mut self, name: &'static str, value: impl Into<String>) {
        self.computed.insert(name, value.into());
    }

    /// What came to light: faults, and the values that were computed.
    pub(super) fn finish(self) -> Findings {
        Findings {
            faults: self.faults,
            computed: self.computed,
            used: self.used,
        }
    }
}

/// What a reading brought to light beside the values.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) faults: Vec<SettingFault>,
    pub(super) computed: BTreeMap<&'static str, String>,
    /// The settings that were asked for; a test holds it against the table.
    #[cfg_attr(not(test), allow(dead_code))]
    pub(super) used: BTreeSet<&'static str>,
}

/// An empty text counts as not set. Secrets keep their spaces: the ERP signs with them.
pub(super) fn given(name: &str, text: Option<String>) -> Option<String> {
    let text = text?;
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return None;
    }
    let masked = settings::find(name).is_some_and(|s| s.shown == Shown::Masked);
    Some(if masked { text } else { trimmed.to_owned() })
}

fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_shows_the_value_but_never_a_secret() {
        let lookup = |name: &str| match name {
            "NEUROLINK_LISTEN" => Some("no\nwhere".to_owned()),
            "JWT_SECRET_KEY" => Some("hunter2".to_owned()),
            "DATABASE_URL" => Some("mysql://u:hunter2@h/d".to_owned()),
            _ => None,
        };
        let mut reader = Reader::new(&lookup);
        for name in ["NEUROLINK_LISTEN", "JWT_SECRET_KEY", "DATABASE_URL"] {
            assert!(
                reader
                    .optional::<()>(name, |_| Err("expected better".to_owned()))
                    .is_err()
            );
        }
        let told: Vec<String> = reader
            .finish()
            .faults
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            told,
            [
                r"NEUROLINK_LISTEN is `no\nwhere`: expected better",
                "JWT_SECRET_KEY can't be used: expected better",
                "DATABASE_URL can't be used: expected better",
            ]
        );
    }

    #[test]
    fn empty_counts_as_not_set_and_only_secrets_keep_their_spaces() {
        assert_eq!(given("SMTP_HOST", Some("  ".into())), None);
        assert_eq!(given("SMTP_HOST", Some(" h ".into())), Some("h".into()));
        assert_eq!(
            given("SMTP_PASSWORD", Some(" p ".into())),
            Some(" p ".into())
        );
    }
}
