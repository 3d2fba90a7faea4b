//! What every command is handed: the global options, the settings on demand, the output.

use std::cell::OnceCell;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use crate::cli::Failure;
use crate::cli::output::{ColorChoice, Colors, Output, Style};
use crate::config::{Config, Log, Needs, Sources, inspect};
use crate::telemetry;

/// The surroundings of a command.
pub struct Context {
    color: ColorChoice,
    env_file: Option<PathBuf>,
    sources: OnceCell<Sources>,
}

impl Context {
    pub(super) fn new(color: ColorChoice, env_file: Option<PathBuf>) -> Self {
        Self {
            color,
            env_file,
            sources: OnceCell::new(),
        }
    }

    /// All that was set, and by whom; read once.
    ///
    /// # Errors
    /// A file of settings that can't be read.
    pub fn sources(&self) -> Result<&Sources, Failure> {
        if let Some(sources) = self.sources.get() {
            return Ok(sources);
        }
        let sources = Sources::from_process(self.env_file.as_deref())?;
        Ok(self.sources.get_or_init(|| sources))
    }

    /// The settings, for a command that does one thing and ends; oddities are told on standard error. Logs warnings only,
    /// unless `NEUROLINK_LOG` asks for more: the command's own words say what it does.
    ///
    /// # Errors
    /// All that is wrong with the settings, at once.
    pub fn config(&self, needs: Needs) -> Result<Config, Failure> {
        let sources = self.sources()?;
        let config = self.load(needs, sources)?;
        telemetry::init(&brief(config.log.clone(), sources))?;
        for warning in inspect::warnings(sources, Some(&config)) {
            let head = self.error_colors().paint(Style::Odd, "neurolink:");
            // A warning nobody can read is no reason to fail.
            let _ = writeln!(std::io::stderr(), "{head} {warning}");
        }
        Ok(config)
    }

    /// The settings, for a process that stays (`serve`, `worker`, `demo`): begins to log, and oddities go to the log.
    /// `adjust` may set what the command sets itself, such as the demo its secret.
    ///
    /// # Errors
    /// All that is wrong with the settings, at once.
    pub fn start(
        &self,
        needs: Needs,
        adjust: impl FnOnce(&mut Sources),
    ) -> Result<Config, Failure> {
        let mut sources = self.sources()?.clone();
        adjust(&mut sources);
        let config = self.load(needs, &sources)?;
        telemetry::init(&config.log)?;
        for warning in inspect::warnings(&sources, Some(&config)) {
            tracing::warn!("{warning}");
        }
        Ok(config)
    }

    fn load(&self, needs: Needs, sources: &Sources) -> Result<Config, Failure> {
        let mut config = Config::load(needs, sources.lookup())?;
        config.log.color = self.error_colors().0;
        Ok(config)
    }

    /// Standard output.
    #[must_use]
    pub fn output(&self) -> Output {
        Output {
            colors: self
                .color
                .decide(std::io::stdout().is_terminal(), self.no_color()),
        }
    }

    /// The colours of standard error.
    #[must_use]
    pub fn error_colors(&self) -> Colors {
        self.color
            .decide(std::io::stderr().is_terminal(), self.no_color())
    }

    fn no_color(&self) -> bool {
        // A file that can't be read has its own fault; colours then follow the terminal alone.
        self.sources()
            .is_ok_and(|sources| sources.get("NO_COLOR").is_some())
    }
}

/// Logs of a command that ends by itself: what isn't asked for is for people, and short.
fn brief(mut log: Log, sources: &Sources) -> Log {
    if sources.get("NEUROLINK_LOG").is_none() {
        log.filter = "warn".to_owned();
    }
    let json = |(format, _): (String, _)| format.eq_ignore_ascii_case("json");
    log.json = sources.get("NEUROLINK_LOG_FORMAT").is_some_and(json);
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_command_logs_warnings_as_text_unless_asked() {
        let log = |pairs: &[(&'static str, &'static str)]| {
            let sources = Sources::from_pairs(pairs.iter().copied());
            let config = Config::load(Needs::Nothing, sources.lookup()).unwrap();
            let log = brief(config.log, &sources);
            (log.filter, log.json)
        };
        assert_eq!(log(&[]), ("warn".to_owned(), false));
        assert_eq!(
            log(&[("NEUROLINK_LOG", "debug"), ("NEUROLINK_LOG_FORMAT", "JSON")]),
            ("debug".to_owned(), true)
        );
    }
}
