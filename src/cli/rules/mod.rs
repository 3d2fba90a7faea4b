//! `neurolink rules`: look at rules, check and try them, and keep them as files beside the ERP's own sources.

mod backtest;
mod backtest_text;
mod changes;
mod check;
mod diff;
mod export;
mod files;
mod import;
mod list;
mod moments;
mod preview;
mod preview_text;
mod reasons;
mod release;
mod starter;
mod store;
mod subject;
mod switch;

use crate::cli::{Context, Outcome};

const EXAMPLES: &str = "\
Examples:
  neurolink rules list                               what there is, and what is wrong with it
  neurolink rules check                              every rule of the database; 3 if one is faulty
  neurolink rules check rules/*.yaml                 files, without a database
  neurolink rules preview invoice_overdue --event 42 whom it would tell of a past event, and what
  neurolink rules backtest new.yaml --since 7d       what it would have done, beside the saved rule
  neurolink rules diff invoice_overdue               what its newest version changed, in plain words
  neurolink rules disable invoice_overdue            it stays, and tells nobody
  neurolink rules export -o rules.yaml               all rules, in an order that makes good diffs
  neurolink rules import rules.yaml --dry-run        what would change
  neurolink rules release invoice_overdue            a rule that told too much goes on
  neurolink rules starter --dry-run                  the rules that ship, for all standard types

A file holds one rule or a list of them, in YAML (or JSON, when its name ends so), with the fields of the API:
name, source_module, event_type_pattern, conditions, notification_template, priority, enabled.";

/// Arguments of `neurolink rules`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the rules
    List(list::Args),
    /// Say what is wrong with rules, and what is probably not meant; exits with 3 if one is faulty
    Check(check::Args),
    /// Try a rule on an event: does it match, whom does it tell, and what
    #[command(visible_alias = "test")]
    Preview(preview::Args),
    /// Try a rule on all events of a time, beside the saved one
    Backtest(backtest::Args),
    /// Say what differs between two versions of a rule, or between a file and what is saved, in plain words
    Diff(diff::Args),
    /// Switch rules on
    Enable(switch::Enable),
    /// Switch rules off, which keeps them
    Disable(switch::Disable),
    /// Write the rules as YAML or JSON
    Export(export::Args),
    /// Bring the rules to what files say, by name
    Import(import::Args),
    /// Let a rule go on that is held because it told too much
    Release(release::Args),
    /// Put in the rules that ship, but for those that are there already
    Starter(starter::Args),
}

/// Runs the subcommand.
///
/// # Errors
/// When the database is away, or a file can't be read.
pub async fn run(args: Args, context: &Context) -> Outcome {
    match args.command {
        Command::List(args) => Box::pin(list::run(args, context)).await,
        Command::Check(args) => Box::pin(check::run(args, context)).await,
        Command::Preview(args) => Box::pin(preview::run(args, context)).await,
        Command::Backtest(args) => Box::pin(backtest::run(args, context)).await,
        Command::Diff(args) => Box::pin(diff::run(args, context)).await,
        Command::Enable(args) => Box::pin(switch::enable(args, context)).await,
        Command::Disable(args) => Box::pin(switch::disable(args, context)).await,
        Command::Export(args) => Box::pin(export::run(args, context)).await,
        Command::Import(args) => Box::pin(import::run(args, context)).await,
        Command::Release(args) => Box::pin(release::run(args, context)).await,
        Command::Starter(args) => Box::pin(starter::run(args, context)).await,
    }
}
