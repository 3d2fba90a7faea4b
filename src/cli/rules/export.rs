//! `neurolink rules export`: the rules as one text, sorted by name, without what differs between databases.

use std::path::PathBuf;

use crate::cli::rules::files::{self, Format};
use crate::cli::database::with_database;
use crate::cli::{Context, Exit, Failure, Outcome};
use crate::rules::{Draft, saved};

/// Arguments of `neurolink rules export`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  neurolink rules export > rules.yaml\n  neurolink rules export -o rules.json\n  neurolink rules export invoice_overdue invoice_paid"
)]
pub(super) struct Args {
    /// Only these rules
    names: Vec<String>,
    /// Write to this file instead of standard output; JSON if its name ends so
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// yaml or json; without it as the file's name says, else yaml
    #[arg(long)]
    format: Option<Format>,
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let output = context.output();
    with_database(context, async |_, db| {
        let rules = saved::store::all(&db.client().await?).await?;
        let mut drafts: Vec<Draft> = rules.into_iter().map(|rule| rule.draft).collect();
        if let Some(missing) = args
            .names
            .iter()
            .find(|name| !drafts.iter().any(|draft| draft.name == **name))
        {
            return Err(Failure::Usage(format!("there is no rule {missing}")));
        }
        drafts.retain(|draft| args.names.is_empty() || args.names.contains(&draft.name));
        let by_name = args.output.as_deref().map(Format::of);
        let format = args.format.or(by_name).unwrap_or(Format::Yaml);
        let text = files::write(&drafts, format)?;
        match &args.output {
            None => output.text(&text)?,
            Some(path) => std::fs::write(path, text)
                .map_err(|e| Failure::Io(format!("{} can't be written", path.display()), e))?,
        }
        Ok(Exit::Done)
    })
    .await
}
