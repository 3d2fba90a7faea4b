//! `neurolink rules release`: a rule that the storm guard holds goes on.

use serde_json::json;

use crate::cli::database::with_database;
use crate::cli::output::Style;
use crate::cli::{Context, Exit, Failure, Outcome};
use crate::db::Tx;
use crate::rules::held;
use crate::rules::saved;

/// Arguments of `neurolink rules release`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  neurolink rules release invoice_overdue\n\nA rule that makes more notifications a minute than it may is held: evaluated and recorded, not sent. Its owner was told so, and\nis told how much was held back. That stays unsent; what comes from now on is sent."
)]
pub(super) struct Args {
    /// The rule's name
    name: String,
    /// Print JSON: whether it was held
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let output = context.output();
    with_database(context, async |_, db| {
        let rules = saved::store::all(&db.client().await?).await?;
        let Some(rule) = rules.iter().find(|rule| rule.draft.name == args.name) else {
            return Err(Failure::Usage(format!("there is no rule {}", args.name)));
        };
        let tx = Tx::begin(&db).await?;
        let released = held::store::release(&tx, rule.id).await?;
        tx.commit().await?;
        if args.json {
            output.json(&json!({"rule": rule.draft.name, "released": released}))?;
        } else {
            let name = output.colors.paint(Style::Name, &rule.draft.name);
            output.line(match &rule.hold {
                Some(hold) if released => {
                    format!("{name} goes on; held back: {}", hold.held_count)
                }
                _ if released => format!("{name} goes on"),
                _ => format!("{name} was not held"),
            })?;
        }
        Ok(Exit::Done)
    })
    .await
}
