//! `neurolink queue retry|discard job|jobs`: dead jobs other than deliveries.

use jiff::Timestamp;
use serde_json::json;

use super::ask;
use crate::cli::database::with_database;
use crate::cli::output::Style;
use crate::cli::{Context, Exit, Outcome};
use crate::kernel::Error;
use crate::queue::control::steer::{self, Asker};
use crate::queue::control::{Deed, Filter};

/// Arguments for one.
#[derive(Debug, clap::Args)]
pub(super) struct OneArgs {
    /// The dead job, as `neurolink_dead_jobs` shows it
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    id: i64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments for all that match.
#[derive(Debug, clap::Args)]
pub(super) struct AllArgs {
    /// Of this kind: event …
    #[arg(long)]
    kind: Option<String>,
    /// Given up not before, as 2026-12-15T08:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Given up before
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// How many must match
    #[arg(long, value_name = "COUNT")]
    expect: Option<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The deed's words: to do it, doing it, and done.
fn words(deed: Deed) -> (&'static str, &'static str, &'static str) {
    match deed {
        Deed::Retry => ("retry", "retrying", "is in the queue again"),
        Deed::Discard => ("discard", "discarding", "is gone"),
    }
}

pub(super) async fn one(args: OneArgs, deed: Deed, context: &Context) -> Outcome {
    let output = context.output();
    with_database(context, async |_, db| {
        steer::settle_one(db, Asker::default(), deed, args.id)
            .await
            .map_err(|error| match error {
                Error::NotFound(what) => Error::Conflict {
                    code: "not_found",
                    detail: format!("there is no {what} {}", args.id),
                    place: None,
                },
                other => other,
            })?;
        if args.json {
            output.json(&json!({"matched": 1, "done": 1}))?;
        } else {
            let name = output.colors.paint(Style::Name, args.id);
            output.line(format!("job {name} {}", words(deed).2))?;
        }
        Ok(Exit::Done)
    })
    .await
}

pub(super) async fn all(args: AllArgs, deed: Deed, context: &Context) -> Outcome {
    let output = context.output();
    let filter = Filter {
        kind: args.kind,
        from: args.from,
        to: args.to,
    };
    with_database(context, async |_, db| {
        let (to_do, doing, _) = words(deed);
        let count = steer::count(db, &filter, None).await?;
        let expected = ask::confirmed(args.expect, count, to_do, "dead jobs")?;
        let bar = ask::bar(count, doing);
        let settled =
            steer::settle_all(db, Asker::default(), deed, &filter, expected, |done| {
                bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
            })
            .await;
        bar.finish_and_clear();
        let settled = settled?;
        if args.json {
            output.json(&settled)?;
        } else {
            let done = match deed {
                Deed::Retry => "in the queue again",
                Deed::Discard => "gone",
            };
            output.line(format!("{} of {} {done}", settled.done, settled.matched))?;
        }
        Ok(Exit::Done)
    })
    .await
}
