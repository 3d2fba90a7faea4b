//! What is in force, as `neurolink config` shows it: every setting with its value (secrets masked) and where it came from,
//! the faults, and what looks like a mistake without being one.

use crate::config::load::read;
use crate::config::settings::{self, Setting, Shown};
use crate::config::{
    Config, EmailTransport, Needs, Origin, SettingFault, SmtpSecurity, Sources, addresses,
    database_url,
};

/// One setting in force.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The setting.
    pub setting: &'static Setting,
    /// Its value, fit to be shown; `None` when it has none (the setting's fallback says what that means).
    pub value: Option<String>,
    /// Where the value came from.
    pub origin: Origin,
}

/// All of it.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// Every setting, in the table's order.
    pub entries: Vec<Entry>,
    /// What is wrong.
    pub faults: Vec<SettingFault>,
    /// What looks like a mistake, a sentence each.
    pub warnings: Vec<String>,
}

/// Looks at all settings, whether they are right or not.
#[must_use]
pub fn inspect(sources: &Sources) -> Inspection {
    let lookup = sources.lookup();
    let (config, findings) = read(Needs::Nothing, &lookup);
    let entries = settings::all()
        .map(|setting| match sources.get(setting.name) {
            Some((text, origin)) => Entry {
                setting,
                value: Some(shown(setting, &text)),
                origin,
            },
            None => Entry {
                setting,
                value: setting
                    .default()
                    .map(str::to_owned)
                    .or_else(|| findings.computed.get(setting.name).cloned()),
                origin: Origin::Default,
            },
        })
        .collect();
    Inspection {
        entries,
        faults: findings.faults,
        warnings: warnings(sources, config.as_ref()),
    }
}

fn shown(setting: &Setting, text: &str) -> String {
    match (setting.shown, setting.name) {
        (Shown::Plain, _) => text.to_owned(),
        (Shown::Masked, _) => "***".to_owned(),
        (Shown::Address, "REDIS_URL") => addresses::redis_shown(text),
        (Shown::Address, _) => database_url::shown(text),
    }
}

/// What looks like a mistake without being one: unknown names, settings without effect, a password in the clear.
#[must_use]
pub fn warnings(sources: &Sources, config: Option<&Config>) -> Vec<String> {
    let mut warnings = unknown(sources.names());
    let Some(config) = config else {
        return warnings;
    };
    let given = |name| sources.get(name).is_some();
    if config.email.transport.is_none() && given("SMTP_HOST") {
        warnings.push(
            "SMTP_HOST is set but SMTP_ENABLED is not true, so e-mail is not configured".to_owned(),
        );
    }
    if let Some(EmailTransport::Smtp {
        security: SmtpSecurity::None,
        password: Some(_),
        host,
        ..
    }) = &config.email.transport
        && !matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1")
    {
        warnings.push(
            "NEUROLINK_SMTP_SECURITY=none sends SMTP_PASSWORD over the network in the clear"
                .to_owned(),
        );
    }
    warnings
}

/// Names that look like ours and aren't settings. `NEUROLINK_TEST_*` steers the tests.
fn unknown<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<&str> = names
        .filter(|name| name.starts_with("NEUROLINK_") && !name.starts_with("NEUROLINK_TEST_"))
        .filter(|name| settings::find(name).is_none())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .map(|name| {
            let nearest = settings::all()
                .map(|setting| (distance(name, setting.name), setting.name))
                .min();
            match nearest {
                // A third of it wrong is another word.
                Some((steps, near)) if steps <= (name.len() - "NEUROLINK_".len()).div_ceil(3) => {
                    format!("{name} is not a setting; did you mean {near}?")
                }
                _ => format!("{name} is not a setting; `neurolink config` lists them"),
            }
        })
        .collect()
}

/// Levenshtein's distance in bytes: names are ASCII.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let replaced = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = replaced.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_single_letters() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn an_unknown_name_gets_a_guess() {
        let warnings = unknown(
            [
                "NEUROLINK_LISTN",
                "NEUROLINK_TEST_PG",
                "NEUROLINK_X",
                "PATH",
                "NEUROLINK_LISTEN",
            ]
            .into_iter(),
        );
        assert_eq!(
            warnings,
            [
                "NEUROLINK_LISTN is not a setting; did you mean NEUROLINK_LISTEN?",
                "NEUROLINK_X is not a setting; `neurolink config` lists them",
            ]
        );
    }

    #[test]
    fn every_setting_is_shown_with_its_origin_and_no_secret() {
        let sources = Sources::from_pairs([
            ("DATABASE_URL", "postgresql+asyncpg://erp:hunter2@db/erp"),
            ("REDIS_URL", "redis://:hunter2@cache/0"),
            ("JWT_SECRET_KEY", "hunter2hunter2hunter2hunter2hunter2"),
            ("SMTP_PASSWORD", "hunter2"),
            ("NEUROLINK_SMTP_SECURITY", "tls"),
            ("HOME", "/home/a"),
        ]);
        let inspection = inspect(&sources);
        assert!(inspection.faults.is_empty(), "{:?}", inspection.faults);
        assert_eq!(inspection.entries.len(), settings::all().count());
        assert!(!format!("{inspection:?}").contains("hunter2"));
        let of = |name: &str| {
            let entry = inspection
                .entries
                .iter()
                .find(|e| e.setting.name == name)
                .unwrap();
            (
                entry.value.clone().unwrap_or_default(),
                entry.origin.clone(),
            )
        };
        assert_eq!(
            of("DATABASE_URL"),
            (
                "postgresql://erp:***@db:5432/erp".to_owned(),
                Origin::Environment
            )
        );
        assert_eq!(of("SMTP_PORT"), ("465".to_owned(), Origin::Default));
        assert_eq!(
            of("NEUROLINK_DB_POOL_SIZE"),
            ("10".to_owned(), Origin::Default)
        );
        assert_eq!(of("JWT_SECRET_KEY").0, "***");
    }

    #[test]
    fn a_mail_server_that_is_set_but_off_is_worth_a_word() {
        let sources = Sources::from_pairs([("SMTP_HOST", "mail")]);
        let warnings = inspect(&sources).warnings;
        assert!(warnings[0].contains("SMTP_ENABLED"), "{warnings:?}");
        let sources = Sources::from_pairs([
            ("SMTP_ENABLED", "true"),
            ("SMTP_HOST", "mail"),
            ("SMTP_USER", "u"),
            ("SMTP_PASSWORD", "p"),
            ("NEUROLINK_SMTP_SECURITY", "none"),
            ("NEUROLINK_EMAIL_FROM", "a@b.example"),
        ]);
        let warnings = inspect(&sources).warnings;
        assert!(warnings[0].contains("in the clear"), "{warnings:?}");
    }
}
