//! `neurolink queue`: the operator's hand on the queue, by the same SQL functions as the API and `psql`.

mod ask;
mod deliveries;
mod jobs;
mod pauses;
mod status;

use crate::cli::{Context, Outcome};

const EXAMPLES: &str = "\
Examples:
  neurolink queue status                               what waits, works, is dead and is paused
  neurolink queue pause delivery email --reason \"the mail server moves\"
  neurolink queue resume delivery email
  neurolink queue retry delivery 4711                  one delivery again
  neurolink queue retry deliveries --channel email     all dead mails again; asks first
  neurolink queue retry jobs --kind event --expect 3   dead jobs again, if they are three
  neurolink queue discard job 17                       a dead job goes for good
  neurolink queue cancel 4711                          a delivery that waits is not wanted any more

Everything here is in the audit log. In psql: neurolink_pause, _resume, _retry, _discard, _cancel.";

/// Arguments of `neurolink queue`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show what waits, who works, what is dead and what is paused
    Status(status::Args),
    /// Let jobs of a kind, or of one channel, wait
    Pause(pauses::PauseArgs),
    /// Let them run again
    Resume(pauses::ResumeArgs),
    /// Retry deliveries, or dead jobs
    #[command(subcommand)]
    #[command(after_help = RETRY)]
    Retry(Retry),
    /// Let dead jobs go for good
    #[command(subcommand)]
    #[command(after_help = DISCARD)]
    Discard(Discard),
    /// Cancel a delivery that waits or is dead
    Cancel(deliveries::CancelArgs),
}

const RETRY: &str = "\
Examples:
  neurolink queue retry delivery 4711
  neurolink queue retry deliveries --status dead --channel email --from 2026-12-15T08:00:00Z
  neurolink queue retry job 17
  neurolink queue retry jobs --kind event --expect 3";

const DISCARD: &str = "\
Examples:
  neurolink queue discard job 17
  neurolink queue discard jobs --to 2026-01-01T00:00:00Z --expect 40";

#[derive(Debug, clap::Subcommand)]
enum Retry {
    /// One delivery
    Delivery(deliveries::OneArgs),
    /// All deliveries that match
    Deliveries(deliveries::AllArgs),
    /// One dead job
    #[command(after_help = "Example:\n  neurolink queue retry job 17")]
    Job(jobs::OneArgs),
    /// All dead jobs that match
    #[command(
        after_help = "Examples:\n  neurolink queue retry jobs\n  neurolink queue retry jobs --kind event --expect 3"
    )]
    Jobs(jobs::AllArgs),
}

#[derive(Debug, clap::Subcommand)]
enum Discard {
    /// One dead job
    #[command(after_help = "Example:\n  neurolink queue discard job 17")]
    Job(jobs::OneArgs),
    /// All dead jobs that match
    #[command(
        after_help = "Examples:\n  neurolink queue discard jobs --kind event\n  neurolink queue discard jobs --to 2026-01-01T00:00:00Z --expect 40"
    )]
    Jobs(jobs::AllArgs),
}

/// Runs the subcommand.
///
/// # Errors
/// When the database is away, or it can't be done.
pub async fn run(args: Args, context: &Context) -> Outcome {
    use crate::queue::control::Deed;
    match args.command {
        Command::Status(args) => Box::pin(status::run(args, context)).await,
        Command::Pause(args) => Box::pin(pauses::pause(args, context)).await,
        Command::Resume(args) => Box::pin(pauses::resume(args, context)).await,
        Command::Retry(Retry::Delivery(args)) => Box::pin(deliveries::one(args, context)).await,
        Command::Retry(Retry::Deliveries(args)) => Box::pin(deliveries::all(args, context)).await,
        Command::Retry(Retry::Job(args)) => {
            Box::pin(jobs::one(args, Deed::Retry, context)).await
        }
        Command::Retry(Retry::Jobs(args)) => {
            Box::pin(jobs::all(args, Deed::Retry, context)).await
        }
        Command::Discard(Discard::Job(args)) => {
            Box::pin(jobs::one(args, Deed::Discard, context)).await
        }
        Command::Discard(Discard::Jobs(args)) => {
            Box::pin(jobs::all(args, Deed::Discard, context)).await
        }
        Command::Cancel(args) => Box::pin(deliveries::cancel(args, context)).await,
    }
}
