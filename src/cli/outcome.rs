//! How a command ends: its exit code, and one readable sentence with its causes on standard error when it failed.
//! The codes are documented in `neurolink --help` and on `src/cli/README.md`.

use std::io::Write as _;
use std::process::ExitCode;

use crate::cli::output::{Colors, Style};
use crate::config::SettingFault;
use crate::kernel;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Wrong usage or settings.
    Usage = 2,
    /// It ran, and found something wrong.
    Wrong = 3,
    /// Something it needs is away (`EX_UNAVAILABLE`).
    Unavailable = 69,
}

impl Exit {
    /// All, as `neurolink --help` and `src/cli/README.md` list them.
    pub const ALL: [Self; 5] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Wrong,
        Self::Unavailable,
    ];
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What a command gives back.
pub type Outcome = Result<Exit, Failure>;

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// Settings that are wrong.
    Settings(Vec<SettingFault>),
    /// Wrong usage that clap can't see, in a sentence.
    Usage(String),
    /// A room's error.
    Error(kernel::Error),
    /// A file, a pipe, the operating system: what we were doing, and why it failed.
    Io(String, std::io::Error),
    /// The reader of our output went away (`| head`): nobody is left to tell, and nothing is wrong.
    ReaderGone,
}

impl Failure {
    /// An error of the operating system, with what we were doing.
    pub fn io(doing: impl Into<String>, error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::ReaderGone
        } else {
            Self::Io(doing.into(), error)
        }
    }

    /// The exit code that fits.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Settings(_) | Self::Usage(_) | Self::Error(kernel::Error::Invalid { .. }) => {
                Exit::Usage
            }
            Self::Error(kernel::Error::Unavailable { .. }) => Exit::Unavailable,
            Self::Error(_) | Self::Io(..) => Exit::Failed,
            Self::ReaderGone => Exit::Done,
        }
    }

    /// What people are told: a sentence, and a line a setting where settings are wrong.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Settings(faults) => {
                let count = match faults.len() {
                    1 => "a setting is wrong".to_owned(),
                    n => format!("{n} settings are wrong"),
                };
                let lines: String = faults.iter().map(|fault| format!("\n  {fault}")).collect();
                format!("{count}{lines}")
            }
            Self::Usage(text) => text.clone(),
            Self::Error(error) => error.chain(),
            Self::Io(doing, error) => format!("{doing}: {error}"),
            Self::ReaderGone => String::new(),
        }
    }
}

impl From<kernel::Error> for Failure {
    fn from(error: kernel::Error) -> Self {
        Self::Error(error)
    }
}

impl From<Vec<SettingFault>> for Failure {
    fn from(faults: Vec<SettingFault>) -> Self {
        Self::Settings(faults)
    }
}

/// Says why, if it failed, and gives the exit code.
pub(super) fn conclude(outcome: Outcome, colors: Colors) -> Exit {
    match outcome {
        Ok(exit) => exit,
        Err(failure) => {
            let message = failure.message();
            if !message.is_empty() {
                let head = colors.paint(Style::Bad, "neurolink:");
                // Nowhere to say that standard error is gone.
                let _ = writeln!(std::io::stderr(), "{head} {message}");
            }
            failure.exit()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_mean_something() {
        let away = Failure::from(kernel::Error::unavailable("the database is away"));
        assert_eq!(away.exit() as u8, 69);
        assert_eq!(Failure::Usage(String::new()).exit() as u8, 2);
        assert_eq!(Failure::Settings(Vec::new()).exit() as u8, 2);
        let invalid = kernel::Error::invalid("setting_invalid", "no such file");
        assert_eq!(Failure::from(invalid).exit() as u8, 2);
        assert_eq!(Failure::from(kernel::Error::broken("x")).exit() as u8, 1);
        let gone = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert_eq!(Failure::io("writing", gone).exit() as u8, 0);
    }

    #[test]
    fn a_failure_is_told_with_its_causes() {
        let cause = std::io::Error::other("no route to host");
        let failure = Failure::from(kernel::Error::internal("the schema can't be read", cause));
        assert_eq!(
            failure.message(),
            "the schema can't be read: no route to host"
        );
    }
}
