//! `neurolink why`: did this person get this, and why or why not. Comes from `ops::why`, goes to the terminal.

use crate::app::database::{self, Purpose};
use crate::cli::output::{Output, Style};
use crate::cli::{Context, Exit, Failure, Outcome};
use crate::config::Needs;
use crate::kernel::words::is_text_id;
use crate::ops::why::{self, Explanation};

const EXAMPLES: &str = "\
Examples:
  neurolink why --event 42 --user ali           one sentence, and each rule's word where it decides
  neurolink why --event 42 --user ali --json    with all facts: notifications, deliveries, reads

Stored facts answer first; where they aren't enough, today's rules are asked. Nothing is written. By SQL:
  select answer from neurolink_explain(42, 'ali');";

/// Arguments of `neurolink why`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The event, by id
    #[arg(long, value_name = "ID")]
    event: i64,
    /// The person, by id
    #[arg(long, value_name = "ID")]
    user: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Explains.
///
/// # Errors
/// When there is no such event, or the database is away.
pub async fn run(args: Args, context: &Context) -> Outcome {
    if !is_text_id(&args.user) {
        return Err(Failure::Usage(
            "--user is a person's id: 1 to 128 characters".to_owned(),
        ));
    }
    let output = context.output();
    let config = context.config(Needs::Nothing)?;
    let opened = database::open(&config, Purpose::Command).await?;
    let explained = why::explain(&opened.db, args.event, &args.user, true, |_| true).await;
    let closed = opened.close().await;
    let Some(explanation) = explained? else {
        return Err(Failure::Usage(format!("there is no event {}", args.event)));
    };
    if args.json {
        output.json(&explanation)?;
    } else {
        output.text(&told(&explanation, output))?;
    }
    closed?;
    Ok(Exit::Done)
}

fn told(explanation: &Explanation, output: Output) -> String {
    let style = if explanation.was_told {
        Style::Good
    } else {
        Style::Odd
    };
    let (word, rest) = explanation
        .answer
        .split_once(':')
        .unwrap_or((&explanation.answer, ""));
    let colon = if rest.is_empty() { "" } else { ":" };
    let mut text = format!("{}{colon}{rest}\n", output.colors.paint(style, word));
    // The first is the answer itself.
    for reason in explanation.rules.iter().skip(1) {
        text.push_str(&format!(
            "  {}\n",
            output.colors.paint(Style::Quiet, &reason.why)
        ));
    }
    text
}
