//! Commands: one file each, from arguments to an exit code. Law: commands wire and print; what they do is the rooms'.
//!
//! A command is a module with `Args` (clap's) and `async fn run(args: Args, context: &Context) -> Outcome`; it joins with
//! its line in [`commands!`] below.

#![allow(clippy::print_stdout)] // here standard output is the product; `output` writes it all the same

mod context;
mod database;
pub mod outcome;
pub mod output;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub use context::Context;
pub use outcome::{Exit, Failure, Outcome};

use output::ColorChoice;

const ABOUT: &str =
    "TSH NeuroLink: business events of the ERP in, notifications for the right people out";

const EVERYWHERE: &str = "Options of every command";

const AFTER: &str = "\
Exit codes:
  0   done
  1   failed: the reason is on standard error
  2   wrong usage or settings
  3   it ran, and found something wrong (checks)
  69  something it needs is away: the database, mostly

Settings come from the environment and from .env: `neurolink config` shows what is in force.";

/// Declares the modules of the commands, the subcommands and their dispatch: one line a command, in the order of `--help`.
macro_rules! commands {
    ($($(#[doc = $about:literal])+ $module:ident => $name:ident,)+) => {
        $(pub mod $module;)+

        #[derive(Debug, Subcommand)]
        enum Command {
            $($(#[doc = $about])+ $name($module::Args),)+
        }

        impl Command {
            async fn run(self, context: &Context) -> Outcome {
                match self {
                    // Boxed: a command's future holds all that the command ever awaits.
                    $(Self::$name(args) => Box::pin($module::run(args, context)).await,)+
                }
            }
        }
    };
}

commands! {
    /// Serve the API, with workers unless told otherwise
    serve => Serve,
    /// Run workers without the API
    worker => Worker,
    /// Bring the database's schema up to this version, or show what would run
    migrate => Migrate,
    /// Try it all out: a small company, starter rules and a stream of ERP events
    demo => Demo,
    /// Tell NeuroLink of an event, from a shell
    emit => Emit,
    /// List, check, try, compare, switch, export and import rules
    rules => Rules,
    /// Say why somebody was told of an event, or why not
    why => Why,
    /// Look at the queue, pause and resume it, retry what is dead
    queue => Queue,
    /// Look whether anything is wrong, and say what to do about it
    doctor => Doctor,
    /// Print the settings in force and where each came from
    config => Config,
    /// Make a token to try things out with
    token => Token,
    /// Measure it on this machine and this database, in a schema of its own
    bench => Bench,
    /// Print what a shell needs to complete commands by Tab
    completions => Completions,
}

/// What every command takes.
#[derive(Debug, Parser)]
#[command(name = "neurolink", version, about = ABOUT, after_help = AFTER, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options that stand before or after any command.
#[derive(Debug, clap::Args)]
struct Global {
    /// Colours: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    #[arg(hide_default_value = true, hide_possible_values = true, help_heading = EVERYWHERE)]
    color: ColorChoice,
    /// Read settings from this file instead of .env in the working directory
    #[arg(long, global = true, value_name = "FILE", help_heading = EVERYWHERE)]
    env_file: Option<std::path::PathBuf>,
}

/// Runs the command the process was called with.
#[must_use]
pub fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    let command = Cli::command().color(output::early_choice(&args));
    let cli = match command
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches))
    {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` come this way too, with 0; the reader may have gone away (`| head`).
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let context = Context::new(cli.global.color, cli.global.env_file);
    let outcome = runtime().and_then(|runtime| {
        let outcome = runtime.block_on(cli.command.run(&context));
        // Not by dropping it, which would wait for the thread of a rule that the watchdog has stopped.
        runtime.shutdown_background();
        outcome
    });
    outcome::conclude(outcome, context.error_colors()).into()
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("neurolink")
        .build()
        .map_err(|error| Failure::io("the program's threads can't be started", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    /// Every command and subcommand that people see, with its path: `rules list`.
    fn everything(command: &clap::Command, path: &str, all: &mut Vec<(String, clap::Command)>) {
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let name = format!("{path} {}", sub.get_name());
            everything(sub, &name, all);
            all.push((name, sub.clone()));
        }
    }

    #[test]
    fn every_command_and_subcommand_says_what_it_does_and_has_examples() {
        let mut all = Vec::new();
        everything(&Cli::command(), "neurolink", &mut all);
        assert!(all.len() > 20, "{}", all.len());
        for (path, command) in all {
            assert!(command.get_about().is_some(), "{path} says nothing");
            let help = command.get_after_help().map(ToString::to_string);
            let help = help.unwrap_or_default();
            assert!(
                help.starts_with("Example") && help.contains(&path),
                "{path} has no example of its own: {help}"
            );
            // Wider ones are broken, and can't be copied.
            let wide = help
                .lines()
                .find(|l| l.starts_with("  ") && l.chars().count() > 100);
            assert_eq!(wide, None, "{path}");
            for argument in command.get_arguments().filter(|a| !a.is_hide_set()) {
                assert!(
                    argument.get_help().is_some() || argument.get_id() == "help",
                    "{path} says nothing of {}",
                    argument.get_id()
                );
            }
        }
    }

    #[test]
    fn exit_codes_are_told_in_the_help_and_on_the_page_as_they_are() {
        let page = include_str!("README.md");
        let listed: Vec<(&str, &str)> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
            .filter(|(code, _)| code.bytes().all(|b| b.is_ascii_digit()))
            .collect();
        let told: Vec<&str> = AFTER
            .lines()
            .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
            .collect();
        let used = Exit::ALL.map(|exit| (exit as u8).to_string());
        assert_eq!(
            listed.iter().map(|(code, _)| *code).collect::<Vec<_>>(),
            used
        );
        assert_eq!(told, used);
        let mut all = Vec::new();
        everything(&Cli::command(), "neurolink", &mut all);
        for (path, _) in all {
            let name = path.trim_start_matches("neurolink ").split(' ').next();
            let row = format!("| `{}` |", name.unwrap_or_default());
            assert!(page.contains(&row), "src/cli/README.md lacks {row}");
        }
    }

    #[test]
    fn global_options_stand_before_or_after_the_command() {
        for args in [
            ["neurolink", "--color", "never", "config"],
            ["neurolink", "config", "--color", "never"],
        ] {
            let cli = Cli::try_parse_from(args).unwrap();
            assert_eq!(cli.global.color, ColorChoice::Never);
        }
        assert_eq!(
            Cli::try_parse_from(["neurolink", "confgi"])
                .unwrap_err()
                .exit_code(),
            2
        );
    }
}
