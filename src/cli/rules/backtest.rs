//! `neurolink rules backtest`: what a rule would have done with the events of a time, by the stations that workers run.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::{SignedDuration, Timestamp};

use crate::app;
use crate::cli::database::with_database;
use crate::cli::output::{Output, Style};
use crate::cli::rules::backtest_text::told;
use crate::cli::rules::subject::{self, Subject};
use crate::cli::{Context, Exit, Failure, Outcome};
use crate::kernel::{Error, Result, clock};
use crate::ops::trial::backtest::SAMPLES;
use crate::ops::trial::{Backtest, Far, Live, Plan, Trials as _};
use crate::pipeline::trial::Trier;

/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(200);

/// Arguments of `neurolink rules backtest`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  neurolink rules backtest rules/overdue.yaml --since 7d    beside the saved rule of that name\n  neurolink rules backtest invoice_overdue --from 2026-11-01T00:00:00Z --to 2026-11-08T00:00:00Z\n  neurolink rules backtest --rule 7 --since 12h --json\n\nNothing is written and nobody is told; Ctrl-C ends it. Exits with 3 if the rule is faulty."
)]
pub(super) struct Args {
    /// A rule of the database by its name, or a file with one (YAML or JSON, by its ending)
    #[arg(
        value_name = "RULE",
        required_unless_present = "id",
        conflicts_with = "id"
    )]
    word: Option<String>,
    /// A rule of the database by its id
    #[arg(long = "rule", value_name = "ID", id = "id")]
    id: Option<i64>,
    /// Which rule of a file that holds several
    #[arg(long, value_name = "NAME", conflicts_with = "id")]
    name: Option<String>,
    /// Events of the last minutes, hours, days or weeks: 30m, 12h, 7d, 2w
    #[arg(long, value_name = "TIME", value_parser = ago, required_unless_present = "from")]
    since: Option<SignedDuration>,
    /// Events received from this moment on (RFC 3339)
    #[arg(long, value_name = "TIME", conflicts_with = "since")]
    from: Option<Timestamp>,
    /// And before this one (default: now)
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// Leave out what differs from the saved rule
    #[arg(long)]
    alone: bool,
    /// Newest events shown with what they would have told
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = samples)]
    samples: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `7d`.
fn ago(text: &str) -> std::result::Result<SignedDuration, String> {
    let wrong = || "a number and m, h, d or w: 30m, 12h, 7d, 2w".to_owned();
    let (digits, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let minutes = match unit {
        "m" => 1,
        "h" => 60,
        "d" => 24 * 60,
        "w" => 7 * 24 * 60,
        _ => return Err(wrong()),
    };
    digits
        .parse::<i64>()
        .ok()
        // A hundred years: PostgreSQL and jiff know them all.
        .filter(|n| (1..=100 * 366 * 24 * 60 / minutes).contains(n))
        .map(|n| SignedDuration::from_mins(n * minutes))
        .ok_or_else(wrong)
}

fn samples(text: &str) -> std::result::Result<usize, String> {
    text.parse::<usize>()
        .ok()
        .filter(|n| *n <= SAMPLES)
        .ok_or_else(|| format!("a number up to {SAMPLES}"))
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let output = context.output();
    with_database(context, async |config, db| {
        let rule = match (&args.word, args.id) {
            (Some(word), _) => subject::rule(word, args.name.as_deref(), db).await?,
            (None, Some(id)) => subject::by_id(id, db).await?,
            (None, None) => return Err(Failure::Usage("which rule?".to_owned())),
        };
        let plan = plan(&args, rule)?;
        let trier = Trier::new(config, db.clone())?;
        let far = Far::default();
        match watched(trier.backtest(plan, &far), &far).await {
            Ok(result) if args.json => output.json(&result)?,
            Ok(result) => output.text(&told(&result, output))?,
            Err(Error::Invalid {
                code: "rule_fault",
                detail,
                place,
            }) => {
                faulty(&args, output, place.unwrap_or_default(), detail)?;
                return Ok(Exit::Wrong);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Exit::Done)
    })
    .await
}

fn faulty(args: &Args, output: Output, place: String, detail: String) -> Result<(), Failure> {
    if args.json {
        return output.json(&serde_json::json!({"fault": {"place": place, "detail": detail}}));
    }
    let between = if place.is_empty() { "" } else { ": " };
    let word = output.colors.paint(Style::Bad, "faulty:");
    output.line(format!("{word} {place}{between}{detail}"))
}

fn plan(args: &Args, Subject { row, saved }: Subject) -> Result<Plan, Failure> {
    let from = match (args.from, args.since) {
        (Some(from), _) => from,
        (None, Some(since)) => clock::now() - since,
        (None, None) => return Err(Failure::Usage("since when? --since or --from".to_owned())),
    };
    if from > clock::now() {
        return Err(Failure::Usage(
            "--from is in the future, and a backtest is of events that were received".to_owned(),
        ));
    }
    if args.to.is_some_and(|to| to <= from) {
        return Err(Failure::Usage("--to isn't later than its beginning".to_owned()));
    }
    // Nothing differs from itself.
    let live = saved.filter(|saved| {
        !args.alone && (saved.version != row.version || row.id == 0 || !saved.draft.enabled)
    });
    Ok(Plan {
        live: live.map(|saved| Live {
            enabled: saved.draft.enabled,
            row: saved.draft.row(saved.id, saved.version),
        }),
        rule: row,
        from,
        to: args.to,
        samples: args.samples,
        branches: None,
    })
}

/// The result; a bar on a terminal meanwhile. A signal ends it.
async fn watched(
    working: impl Future<Output = Result<Backtest>>,
    far: &Far,
) -> Result<Backtest> {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(1), target);
    let form = "{bar:24} {human_pos} of about {human_len} events, {msg} matched, {elapsed}";
    if let Ok(style) = ProgressStyle::with_template(form) {
        bar.set_style(style);
    }
    let mut looks = tokio::time::interval(LOOK);
    let mut working = std::pin::pin!(working);
    let mut signal = std::pin::pin!(app::told_to_stop());
    let done = loop {
        tokio::select! {
            done = &mut working => break done,
            told = &mut signal => break told.and(Err(Error::broken("stopped before it was through"))),
            _ = looks.tick() => {
                let progress = far.now();
                bar.set_length(progress.of.max(1));
                bar.set_position(progress.looked);
                bar.set_message(progress.matched.to_string());
            }
        }
    };
    bar.finish_and_clear();
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_ago_is_a_number_and_its_unit() {
        assert_eq!(ago("30m"), Ok(SignedDuration::from_mins(30)));
        assert_eq!(ago("7d"), Ok(SignedDuration::from_hours(7 * 24)));
        for odd in ["", "7", "d", "-1d", "0h", "7 d", "1y", "٧d", "99999999w"] {
            assert!(ago(odd).is_err(), "{odd}");
        }
    }
}
