//! `neurolink rules starter`: the rules that ship, put in by name where they aren't there yet. What somebody has changed stays so.

use serde::Serialize;
use serde_json::Value;

use crate::cli::database::with_database;
use crate::cli::output::{Output, Style};
use crate::cli::rules::files;
use crate::cli::{Context, Exit, Failure, Outcome};
use crate::db::{Db, Tx};
use crate::kernel::Error;
use crate::ops::starter;
use crate::rules::{Draft, saved};

/// Arguments of `neurolink rules starter`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  neurolink rules starter --dry-run            # what there is, and what would be put in\n  neurolink rules starter\n  neurolink rules starter --only 'invoice.*' --only stock.low\n\nWhat you don't want, switch off rather than delete: a deleted one comes back with the next call."
)]
pub(super) struct Args {
    /// Say what would be put in, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Only the rules about these event types: one, or `invoice.*`
    #[arg(long, value_name = "PATTERN")]
    only: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What became of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum What {
    /// It wasn't there.
    New,
    /// It is there as it ships.
    Same,
    /// It is there, and says something else: changed here, or of another version.
    Changed,
}

#[derive(Debug, Serialize)]
struct Told {
    name: String,
    event_type: String,
    what: What,
    #[serde(skip)]
    draft: Draft,
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let output = context.output();
    let mut drafts = shipped()?;
    if let Some(pattern) = args.only.iter().find(|p| !drafts.iter().any(|d| is_of(d, p))) {
        return Err(Failure::Usage(format!(
            "no starter rule is about {pattern}; they are about {}",
            starter::STANDARD_TYPES.join(", ")
        )));
    }
    drafts.retain(|draft| args.only.is_empty() || args.only.iter().any(|p| is_of(draft, p)));
    with_database(context, async |_, db| {
        let told = apply(db, drafts, args.dry_run).await?;
        if args.json {
            output.json(&told)?;
        } else {
            output.text(&table(&told, args.dry_run, output))?;
        }
        Ok(Exit::Done)
    })
    .await
}

/// The rules of the binary.
fn shipped() -> Result<Vec<Draft>, Failure> {
    let rules: Vec<Value> = serde_json::from_str(starter::RULES)
        .map_err(|e| Error::internal("the built-in starter rules can't be read", e))?;
    let drafts = rules.iter().map(files::draft).collect::<Result<_, Error>>();
    Ok(drafts?)
}

/// `invoice.overdue`, `invoice.*` or `*`.
fn is_of(draft: &Draft, pattern: &str) -> bool {
    let event_type = draft.event_type_pattern.as_str();
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(prefix) if prefix.ends_with('.') => event_type.starts_with(prefix),
        _ => event_type == pattern,
    }
}

async fn apply(db: &Db, drafts: Vec<Draft>, dry: bool) -> Result<Vec<Told>, Failure> {
    let tx = Tx::begin(db).await?;
    if !dry {
        // Whoever else changes rules now waits, so that what isn't there stays away until it is written.
        saved::store::hold_all(&tx).await?;
    }
    let there = saved::store::all(&tx).await?;
    let mut told = Vec::new();
    for draft in drafts {
        let found = there.iter().find(|rule| rule.draft.name == draft.name);
        let what = match found {
            None => What::New,
            Some(rule) if is_same(&rule.draft, &draft)? => What::Same,
            Some(_) => What::Changed,
        };
        if what == What::New && !dry {
            saved::store::insert(&tx, &draft).await?;
        }
        told.push(Told {
            name: draft.name.clone(),
            event_type: draft.event_type_pattern.clone(),
            what,
            draft,
        });
    }
    if dry || told.iter().all(|t| t.what != What::New) {
        tx.rollback().await?;
    } else {
        tx.commit().await?;
    }
    Ok(told)
}

/// Whether both say the same, however they are written.
fn is_same(one: &Draft, other: &Draft) -> Result<bool, Error> {
    let value = |draft: &Draft| {
        serde_json::to_value(draft).map_err(|e| Error::internal("a rule can't be compared", e))
    };
    Ok(value(one)? == value(other)?)
}

fn table(told: &[Told], dry: bool, output: Output) -> String {
    let mut text = String::new();
    let width = told.iter().map(|t| t.name.len()).max().unwrap_or_default();
    for Told {
        name, what, draft, ..
    } in told
    {
        let (style, said) = match what {
            What::New if dry => (Style::Good, "would be put in"),
            What::New => (Style::Good, "put in"),
            What::Same => (Style::Quiet, "is there"),
            What::Changed => (Style::Quiet, "is there, and says something else: left as it is"),
        };
        let title: Value = serde_json::from_str(&draft.notification_template).unwrap_or_default();
        let title = title["title"]["en"].as_str().unwrap_or_default();
        text.push_str(&format!("{name:width$}  {}", output.colors.paint(style, said)));
        if *what == What::New {
            text.push_str(&format!(": {title}"));
        }
        text.push('\n');
    }
    let new = told.iter().filter(|t| t.what == What::New).count();
    text.push_str(&match (new, dry) {
        (0, _) => "nothing to put in\n".to_owned(),
        (new, true) => format!("{new} of {} would be put in; nothing was written (--dry-run)\n", told.len()),
        (new, false) => format!("{new} of {} put in\n", told.len()),
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_choose_types_as_rules_do() {
        let shipped = shipped().unwrap();
        let of = |pattern: &str| shipped.iter().filter(|d| is_of(d, pattern)).count();
        assert_eq!(
            ["*", "invoice.*", "stock.low", "invoice", "inv*", "x.*"].map(of),
            [17, 4, 1, 0, 0, 0]
        );
    }
}
