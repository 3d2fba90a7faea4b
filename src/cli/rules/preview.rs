//! `neurolink rules preview` (and `test`): what a rule would do with an event, by the stations that workers run.

use crate::cli::database::with_database;
use crate::cli::rules::preview_text::told;
use crate::cli::rules::subject;
use crate::cli::{Context, Exit, Failure, Outcome};
use crate::kernel::clock;
use crate::ops::trial::{Question, Trials as _, silence};
use crate::pipeline::trial::Trier;

/// Arguments of `neurolink rules preview`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  neurolink rules preview invoice_overdue --event 42\n  neurolink rules preview rules/overdue.yaml --event event.json --user ali\n  jq -n '{source_module: \"sales\", event_type: \"order.created\", payload: {}}' |\n    neurolink rules preview big_orders --event -\n\nNothing is written and nobody is told. Exits with 3 if the rule is faulty."
)]
pub(super) struct Args {
    /// A rule of the database by its name, or a file with one (YAML or JSON, by its ending)
    rule: String,
    /// An event of the database by its id, or a file with one as POST /v1/events takes it; `-` is standard input
    #[arg(long, value_name = "ID|FILE")]
    event: String,
    /// Which rule of a file that holds several
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Show this person alone, told or not; more by more of them
    #[arg(long = "user", value_name = "ID")]
    users: Vec<String>,
    /// When it would be evaluated (RFC 3339; default: now)
    #[arg(long, value_name = "TIME")]
    now: Option<jiff::Timestamp>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let output = context.output();
    with_database(context, async |config, db| {
        if args.rule == "-" && args.event == "-" {
            let both = "the rule and the event can't both be standard input";
            return Err(Failure::Usage(both.to_owned()));
        }
        let rule = subject::rule(&args.rule, args.name.as_deref(), db).await?;
        let silence = match &rule.saved {
            Some(saved) if rule.row.id != 0 => silence::of(&db.client().await?, saved).await?,
            _ => Vec::new(),
        };
        let question = Question {
            rule: rule.row,
            silence,
            event: subject::event(&args.event, db).await?,
            users: args.users,
            now: args.now.unwrap_or_else(clock::now),
            shows_addresses: true,
        };
        let preview = Trier::new(config, db.clone())?.preview(question).await?;
        if args.json {
            output.json(&preview)?;
        } else {
            output.text(&told(&preview, output))?;
        }
        Ok(if preview.fault.is_some() {
            Exit::Wrong
        } else {
            Exit::Done
        })
    })
    .await
}
