//! `neurolink queue retry delivery|deliveries`, `neurolink queue cancel`.

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use jiff::Timestamp;
use serde_json::json;

use super::ask;
use crate::cli::database::with_database;
use crate::cli::output::{Output, Style};
use crate::cli::{Context, Exit, Failure, Outcome};
use crate::deliveries::log::steer::{self, Asker, Retried};
use crate::deliveries::log::{self, Filter, Status};
use crate::kernel::{ChannelKind, Error};

/// Arguments of `neurolink queue retry delivery`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  neurolink queue retry delivery 4711\n  neurolink queue retry delivery 4711 --force\n\nIt goes to the address that the directory has by now."
)]
pub(super) struct OneArgs {
    /// The delivery
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    id: i64,
    /// Also when it is sent, or its recipient has switched the channel off
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `neurolink queue cancel`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  neurolink queue cancel 4711\n\nWhat is being sent at the moment, or is sent, can't be called back: exits with 1."
)]
pub(super) struct CancelArgs {
    /// The delivery
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    id: i64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `neurolink queue retry deliveries`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  neurolink queue retry deliveries\n  neurolink queue retry deliveries --channel email --from 2026-12-15T08:00:00Z\n  neurolink queue retry deliveries --status suppressed --user nadia --expect 4\n\nOn a terminal it says how many match, and asks; elsewhere it needs --expect, and does nothing if another number matches."
)]
pub(super) struct AllArgs {
    /// Those that are so
    #[arg(long, default_value = "dead")]
    #[arg(value_parser = PossibleValuesParser::new(["dead", "suppressed", "cancelled"]).try_map(|word| Status::parse(&word).ok_or("no such status")))]
    status: Status,
    /// On this channel
    #[arg(long, value_parser = PossibleValuesParser::new(ChannelKind::ALL.map(ChannelKind::as_str)).try_map(|word| ChannelKind::parse(&word).ok_or("no such channel")))]
    channel: Option<ChannelKind>,
    /// To this person
    #[arg(long)]
    user: Option<String>,
    /// Of this event
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    event: Option<i64>,
    /// Planned not before, as 2026-12-15T08:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Planned before
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// How many must match
    #[arg(long, value_name = "COUNT")]
    expect: Option<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn one(args: OneArgs, context: &Context) -> Outcome {
    let output = context.output();
    with_database(context, async |_, db| {
        let outcome = steer::retry_one(db, Asker::default(), args.id, args.force)
            .await
            .map_err(|error| named(error, args.id))?;
        told(output, args.json, args.id, outcome)
    })
    .await
}

pub(super) async fn cancel(args: CancelArgs, context: &Context) -> Outcome {
    let output = context.output();
    with_database(context, async |_, db| {
        let outcome = steer::cancel_one(db, Asker::default(), args.id)
            .await
            .map_err(|error| named(error, args.id))?;
        told(output, args.json, args.id, outcome)
    })
    .await
}

/// Which one it is about: the API's path says it, a message alone doesn't.
fn named(error: Error, id: i64) -> Failure {
    match error {
        Error::NotFound(what) => Error::Conflict {
            code: "not_found",
            detail: format!("there is no {what} {id}"),
            place: None,
        },
        Error::Conflict { code, detail, .. } => Error::Conflict {
            code,
            detail: format!("delivery {id}: {detail}"),
            place: None,
        },
        other => other,
    }
    .into()
}

fn told(output: Output, as_json: bool, id: i64, outcome: log::Outcome) -> Outcome {
    if as_json {
        output.json(&json!({"id": id, "outcome": outcome}))?;
        return Ok(Exit::Done);
    }
    let words = match outcome {
        log::Outcome::Hastened => "was pending, and is due at once",
        log::Outcome::Running => "is being sent at this moment",
        log::Outcome::Cancelled => "is cancelled",
        log::Outcome::Ended => "had ended already: nothing to cancel",
        _ => "is pending again",
    };
    output.line(format!(
        "delivery {} {words}",
        output.colors.paint(Style::Name, id)
    ))?;
    Ok(Exit::Done)
}

pub(super) async fn all(args: AllArgs, context: &Context) -> Outcome {
    let output = context.output();
    let filter = steer::retriable(Filter {
        status: Some(args.status),
        channel: args.channel,
        user_id: args.user,
        event_id: args.event,
        from: args.from,
        to: args.to,
    })
    .map_err(|_| {
        Failure::Usage("of the suppressed and the cancelled, say which: --from, --user or --event".to_owned())
    })?;
    with_database(context, async |_, db| {
        let count = steer::count(db, &filter, None).await?;
        let expected = ask::confirmed(args.expect, count, "retry", "deliveries")?;
        let bar = ask::bar(count, "retrying");
        let retried = steer::retry_all(db, Asker::default(), &filter, expected, |done| {
            bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
        })
        .await;
        bar.finish_and_clear();
        let retried = retried?;
        if args.json {
            output.json(&retried)?;
        } else {
            output.line(summary(&retried))?;
        }
        Ok(Exit::Done)
    })
    .await
}

fn summary(retried: &Retried) -> String {
    let mut text = format!("{} of {} retried", retried.retried, retried.matched);
    for (outcome, count) in &retried.left {
        let why = match outcome {
            log::Outcome::Running => "being sent at this moment",
            log::Outcome::Sent => "sent meanwhile",
            log::Outcome::Unwanted => "not wanted by their recipients",
            log::Outcome::NotConfigured => "on a channel without settings",
            log::Outcome::NoAddress => "without an address",
            log::Outcome::Gone => "with nothing to send",
            _ => "gone meanwhile",
        };
        text.push_str(&format!(", {count} {why}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_says_why_some_were_left() {
        let mut retried = Retried {
            matched: 12,
            retried: 12,
            ..Retried::default()
        };
        assert_eq!(summary(&retried), "12 of 12 retried");
        retried.retried = 9;
        retried.left.insert(log::Outcome::NoAddress, 2);
        retried.left.insert(log::Outcome::NotConfigured, 1);
        assert_eq!(
            summary(&retried),
            "9 of 12 retried, 1 on a channel without settings, 2 without an address"
        );
    }
}
