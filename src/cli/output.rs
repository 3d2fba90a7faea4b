//! What commands print: lines on standard output, colours only where a person reads them, JSON where a script does.

use std::ffi::OsString;
use std::io::Write as _;

use clap::builder::styling;

use crate::cli::Failure;

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    /// Whether to colour what goes to a stream.
    #[must_use]
    pub fn decide(self, terminal: bool, no_color: bool) -> Colors {
        Colors(match self {
            Self::Auto => terminal && !no_color,
            Self::Always => true,
            Self::Never => false,
        })
    }
}

/// `--color` as clap needs it before it has parsed: for its own help and errors.
pub(super) fn early_choice(args: &[OsString]) -> clap::ColorChoice {
    let words = || args.iter().filter_map(|arg| arg.to_str());
    let value = words()
        .zip(words().skip(1))
        .filter_map(|(name, value)| (name == "--color").then_some(value))
        .chain(words().filter_map(|word| word.strip_prefix("--color=")))
        .last();
    match value {
        Some("never") => clap::ColorChoice::Never,
        Some("always") => clap::ColorChoice::Always,
        _ => clap::ColorChoice::Auto,
    }
}

/// Whether to colour, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colors(pub bool);

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A heading.
    Head,
    /// A name to find things by.
    Name,
    /// Of less weight.
    Quiet,
    /// As it should be.
    Good,
    /// Worth a look.
    Odd,
    /// Wrong.
    Bad,
}

impl Colors {
    /// The text, in its colour.
    #[must_use]
    pub fn paint(self, style: Style, text: impl std::fmt::Display) -> String {
        if !self.0 {
            return text.to_string();
        }
        let color = |color: styling::AnsiColor| styling::Style::new().fg_color(Some(color.into()));
        let style = match style {
            Style::Head => styling::Style::new().bold(),
            Style::Name => color(styling::AnsiColor::Cyan),
            Style::Quiet => styling::Style::new().dimmed(),
            Style::Good => color(styling::AnsiColor::Green),
            Style::Odd => color(styling::AnsiColor::Yellow),
            Style::Bad => color(styling::AnsiColor::Red).bold(),
        };
        format!("{style}{text}{style:#}")
    }
}

/// Standard output, locked line by line, so that tasks may print side by side.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// How to colour it.
    pub colors: Colors,
}

impl Output {
    /// Prints a text and ends its line.
    ///
    /// # Errors
    /// When standard output can't be written; `ReaderGone` when its reader went away.
    pub fn line(&self, text: impl std::fmt::Display) -> Result<(), Failure> {
        write(format!("{text}\n").as_bytes())
    }

    /// Prints a text as it is.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn text(&self, text: &str) -> Result<(), Failure> {
        write(text.as_bytes())
    }

    /// Prints a value as JSON: indented, one document a call.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn json(&self, value: &impl serde::Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(|error| {
            crate::kernel::Error::internal("the answer can't be printed", error)
        })?;
        self.line(text)
    }
}

fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::io("standard output can't be written", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_unless_somebody_says_otherwise() {
        use ColorChoice::{Always, Auto, Never};
        assert!(Auto.decide(true, false).0);
        assert!(!Auto.decide(true, true).0);
        assert!(!Auto.decide(false, false).0);
        assert!(Always.decide(false, true).0);
        assert!(!Never.decide(true, false).0);
        assert_eq!(Colors(false).paint(Style::Bad, "x"), "x");
        assert!(Colors(true).paint(Style::Bad, "x").starts_with('\u{1b}'));
    }

    #[test]
    fn clap_hears_of_the_choice_before_it_parses() {
        let of = |args: &[&str]| {
            let args: Vec<OsString> = args.iter().map(OsString::from).collect();
            early_choice(&args)
        };
        assert_eq!(
            of(&["neurolink", "--color", "never"]),
            clap::ColorChoice::Never
        );
        assert_eq!(
            of(&["neurolink", "--color=always"]),
            clap::ColorChoice::Always
        );
        assert_eq!(of(&["neurolink", "config"]), clap::ColorChoice::Auto);
    }
}
