//! Where settings come from: the command itself, the environment, a `.env` file; in this order, the first that has a
//! value wins. The only place that reads the process's environment. Goes to `load` and `inspect`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::SettingFault;
use crate::config::reader::given;
use crate::config::settings;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command set it (the demo makes its own secret).
    Command,
    /// The environment.
    Environment,
    /// A file of settings.
    File(PathBuf),
    /// Nobody set it.
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Command => f.write_str("this command"),
            Self::Environment => f.write_str("environment"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// All that was set, and by whom.
#[derive(Clone, Default)]
pub struct Sources {
    command: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
    file: Option<(PathBuf, BTreeMap<String, String>)>,
}

impl Sources {
    /// The process's environment, and the file at `env_file`; without one, `.env` in the working directory if there is
    /// one.
    ///
    /// # Errors
    /// A setting that isn't UTF-8, a file that can't be read, lines of it that can't be understood: all at once.
    pub fn from_process(env_file: Option<&Path>) -> Result<Self, Vec<SettingFault>> {
        let mut faults = Vec::new();
        let mut environment = BTreeMap::new();
        for (name, value) in std::env::vars_os() {
            // Names and values that aren't ours may be any bytes.
            let Some(name) = name.to_str() else { continue };
            match value.into_string() {
                Ok(value) => {
                    environment.insert(name.to_owned(), value);
                }
                Err(_) if settings::find(name).is_some() => {
                    faults.push(SettingFault::new(
                        name,
                        "can't be read",
                        "expected text in UTF-8",
                    ));
                }
                Err(_) => {}
            }
        }
        let (path, asked) = match env_file {
            Some(path) => (path.to_owned(), true),
            None => (PathBuf::from(".env"), false),
        };
        let file = match std::fs::read_to_string(&path) {
            Ok(text) => {
                let (values, wrong) = parse_file(&path, &text);
                faults.extend(wrong);
                Some((path, values))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !asked => None,
            Err(error) => {
                faults.push(SettingFault::new(
                    path.display().to_string(),
                    "can't be read",
                    error.to_string(),
                ));
                None
            }
        };
        if faults.is_empty() {
            Ok(Self {
                command: BTreeMap::new(),
                environment,
                file,
            })
        } else {
            Err(faults)
        }
    }

    /// An environment made of pairs, without the process's own: for tests and tools.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self {
            environment: pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            ..Self::default()
        }
    }

    /// Sets a value on behalf of the command; it wins over everybody else's.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.command.insert(name.to_owned(), value.into());
    }

    /// The value of a variable and where it came from. An empty one counts as not set, wherever it stands.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<(String, Origin)> {
        let layers = [
            (Some(&self.command), Origin::Command),
            (Some(&self.environment), Origin::Environment),
            match &self.file {
                Some((path, values)) => (Some(values), Origin::File(path.clone())),
                None => (None, Origin::Default),
            },
        ];
        layers.into_iter().find_map(|(values, origin)| {
            let value = given(name, values?.get(name).cloned())?;
            Some((value, origin))
        })
    }

    /// Every name that is set, by whomever.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let file = self.file.iter().flat_map(|(_, values)| values.keys());
        self.command
            .keys()
            .chain(self.environment.keys())
            .chain(file)
            .map(String::as_str)
    }

    /// The lookup `Config::load` takes.
    pub fn lookup(&self) -> impl Fn(&str) -> Option<String> + '_ {
        |name| self.get(name).map(|(value, _)| value)
    }
}

/// The values of a file, and its lines that can't be understood; the last of several wins. Lines aren't quoted: they
/// may hold secrets.
fn parse_file(path: &Path, text: &str) -> (BTreeMap<String, String>, Vec<SettingFault>) {
    let mut values = BTreeMap::new();
    let mut faults = Vec::new();
    for item in dotenvy::from_read_iter(text.as_bytes()) {
        match item {
            Ok((name, value)) => {
                values.insert(name, value);
            }
            Err(dotenvy::Error::LineParse(line, _)) => {
                let number = text
                    .lines()
                    .position(|l| l.trim() == line.trim())
                    .map_or_else(String::new, |index| format!("line {} ", index + 1));
                faults.push(SettingFault::new(
                    path.display().to_string(),
                    format!("{number}can't be understood"),
                    "expected NAME=value; put a value with spaces, # or $ between single quotes",
                ));
            }
            Err(error) => faults.push(SettingFault::new(
                path.display().to_string(),
                "can't be read",
                error.to_string(),
            )),
        }
    }
    (values, faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_wins_over_the_environment_and_that_over_the_file() {
        let mut sources = Sources::from_pairs([("SMTP_HOST", "from-env"), ("SMTP_PORT", " ")]);
        sources.file = Some((
            PathBuf::from(".env"),
            [
                ("SMTP_HOST", "from-file"),
                ("SMTP_PORT", "25"),
                ("SMTP_USER", "file"),
            ]
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .into(),
        ));
        sources.set("SMTP_USER", "command");
        assert_eq!(
            sources.get("SMTP_HOST"),
            Some(("from-env".to_owned(), Origin::Environment))
        );
        assert_eq!(
            sources.get("SMTP_PORT"),
            Some(("25".to_owned(), Origin::File(".env".into())))
        );
        assert_eq!(
            sources.get("SMTP_USER"),
            Some(("command".to_owned(), Origin::Command))
        );
        assert_eq!(sources.get("SMTP_PASSWORD"), None);
    }

    #[test]
    fn a_broken_line_is_named_by_number_and_not_quoted() {
        let text = "# ours\nSMTP_HOST=mail\n\nJWT_SECRET_KEY hunter2\nSMTP_USER='a b'\n";
        let (values, faults) = parse_file(Path::new("x.env"), text);
        assert_eq!(values["SMTP_HOST"], "mail");
        assert_eq!(values["SMTP_USER"], "a b");
        assert_eq!(faults.len(), 1);
        let told = faults[0].to_string();
        assert!(
            told.starts_with("x.env line 4 can't be understood"),
            "{told}"
        );
        assert!(!told.contains("hunter2"), "{told}");
    }

    #[test]
    fn a_file_asked_for_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent.env");
        let faults = Sources::from_process(Some(&path)).err().unwrap();
        assert!(faults[0].to_string().contains("absent.env"));
        std::fs::write(&path, "NEUROLINK_TEST_ONLY_HERE=1\n").unwrap();
        let sources = Sources::from_process(Some(&path)).ok().unwrap();
        assert_eq!(
            sources.get("NEUROLINK_TEST_ONLY_HERE"),
            Some(("1".to_owned(), Origin::File(path)))
        );
    }
}
