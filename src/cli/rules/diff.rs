//! `neurolink rules diff`: what differs between two versions of a rule, or between files and what is saved, in plain words.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::database::with_database;
use crate::cli::output::{Output, Style};
use crate::cli::rules::files;
use crate::cli::{Context, Exit, Failure, Outcome};
use crate::db::Db;
use crate::rules::diff::{Change, Kind, diff};
use crate::rules::saved::{self, Version};

/// Arguments of `neurolink rules diff`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  neurolink rules diff invoice_overdue            # the newest version and the one before\n  neurolink rules diff invoice_overdue 3          # version 3 and the newest\n  neurolink rules diff invoice_overdue 3 5\n  neurolink rules diff rules.yaml                 # what is saved, and what the file would make of it"
)]
pub(super) struct Args {
    /// A rule by its name or id, or a file of rules (YAML or JSON, by its ending; `-` is standard input)
    rule: String,
    /// The older version; without it, the one before the newer
    from: Option<i32>,
    /// The newer version; without it, the newest
    to: Option<i32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Two sides of a rule, and what differs.
#[derive(Debug, Serialize)]
struct Difference {
    rule: String,
    /// `None` = it isn't there.
    from: Option<i32>,
    /// `None` = a file.
    to: Option<i32>,
    changes: Vec<Change>,
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let output = context.output();
    let is_file = files::is_file(&args.rule);
    if is_file && args.from.is_some() {
        let why = "a file is compared with what is saved: it takes no versions";
        return Err(Failure::Usage(why.to_owned()));
    }
    with_database(context, async |_, db| {
        let differences = if is_file {
            of_file(&args.rule, db).await?
        } else {
            vec![of_versions(&args, db).await?]
        };
        if args.json {
            output.json(&differences)?;
        } else {
            for difference in &differences {
                output.text(&told(difference, output))?;
            }
        }
        Ok(Exit::Done)
    })
    .await
}

async fn of_file(path: &str, db: &Db) -> Result<Vec<Difference>, Failure> {
    let files = files::read(&[PathBuf::from(path)])?;
    let stored = saved::store::all(&db.client().await?).await?;
    let mut differences = Vec::with_capacity(files.len());
    for file in files {
        let name = file.draft.name.clone();
        let known = stored.iter().find(|rule| rule.draft.name == name);
        let changes = match known {
            Some(known) => diff(&known.draft, &file.draft)?,
            None => Vec::new(),
        };
        differences.push(Difference {
            rule: name,
            from: known.map(|rule| rule.version),
            to: None,
            changes,
        });
    }
    Ok(differences)
}

async fn of_versions(args: &Args, db: &Db) -> Result<Difference, Failure> {
    let client = db.client().await?;
    let stored = saved::store::all(&client).await?;
    let known = stored.iter().find(|rule| rule.draft.name == args.rule);
    // A rule that is gone has its versions still, by its id.
    let id = known.map(|rule| rule.id).or_else(|| args.rule.parse().ok());
    let unknown = || {
        let list = "`neurolink rules list` shows them; a file's name ends in .yaml, .yml or .json";
        Failure::Usage(format!("there is no rule {} ({list})", args.rule))
    };
    let id = id.ok_or_else(unknown)?;
    let before = async |version: i32| -> Result<Option<Version>, Failure> {
        let versions = saved::store::versions(&client, id, version, 1).await?;
        Ok(versions.into_iter().next())
    };
    let exactly = async |version: i32| -> Result<Version, Failure> {
        let found = saved::store::version(&client, id, version).await?;
        found.ok_or_else(|| Failure::Usage(format!("rule {} has no version {version}", args.rule)))
    };
    let newest = before(i32::MAX).await?.ok_or_else(unknown)?;
    let to = match args.to {
        Some(to) => exactly(to).await?,
        None => newest,
    };
    let from = match args.from {
        Some(from) => exactly(from).await?,
        None => before(to.version).await?.unwrap_or_else(|| to.clone()),
    };
    Ok(Difference {
        rule: to.draft.name.clone(),
        from: Some(from.version),
        to: Some(to.version),
        changes: diff(&from.draft, &to.draft)?,
    })
}

/// A line for the rule, and one for each difference.
fn told(difference: &Difference, output: Output) -> String {
    let colors = output.colors;
    let name = colors.paint(Style::Name, &difference.rule);
    let sides = match (difference.from, difference.to) {
        (None, _) => return format!("{name}: not saved yet\n"),
        (Some(from), Some(to)) if from == to => format!("version {from} is all there is of it"),
        (Some(from), Some(to)) => format!("version {from} → {to}"),
        (Some(from), None) => format!("version {from} → the file"),
    };
    let mut text = format!("{name}: {sides}\n");
    if difference.changes.is_empty() {
        text.push_str("  they say the same\n");
    }
    for change in &difference.changes {
        let (style, sign) = match change.kind {
            Kind::Added => (Style::Good, "+"),
            Kind::Removed => (Style::Bad, "-"),
            Kind::Changed => (Style::Odd, "~"),
        };
        text.push_str(&format!("  {} {}\n", colors.paint(style, sign), change.words));
    }
    text
}
