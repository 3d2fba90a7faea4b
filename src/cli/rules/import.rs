//! `neurolink rules import`: brings the database's rules to what files say, by name, in one transaction. Twice is a no-op.

use std::path::PathBuf;

use crate::cli::rules::changes::{self, Change, What};
use crate::cli::rules::check::Verdict;
use crate::cli::database::with_database;
use crate::cli::rules::files;
use crate::cli::{Context, Exit, Failure, Outcome};
use crate::db::{Db, Tx};
use crate::rules::{Draft, Known, saved};

/// Arguments of `neurolink rules import`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  neurolink rules import rules/*.yaml --dry-run\n  neurolink rules import rules.yaml\n  neurolink rules import rules.yaml --prune     # and take away the rules that are in no file\n\nIf a rule is faulty nothing is imported, and it exits with 3."
)]
pub(super) struct Args {
    /// YAML or JSON files; `-` is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Say what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Take away the rules that are in none of the files
    #[arg(long)]
    prune: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let output = context.output();
    let rules = files::read(&args.files)?;
    if rules.is_empty() {
        // With --prune this would take every rule away, which nobody means.
        return Err(Failure::Usage("there is no rule in the files".to_owned()));
    }
    let verdicts: Vec<Verdict> = rules
        .iter()
        .map(|rule| Verdict::of(&rule.draft, Some(rule.place.clone())))
        .collect();
    if verdicts.iter().any(Verdict::is_faulty) {
        if args.json {
            output.json(&verdicts)?;
        } else {
            for verdict in verdicts.iter().filter(|v| v.is_faulty()) {
                output.text(&verdict.told(output))?;
            }
            output.line("nothing was imported")?;
        }
        return Ok(Exit::Wrong);
    }
    let drafts: Vec<Draft> = rules.into_iter().map(|rule| rule.draft).collect();
    with_database(context, async |_, db| {
        let mut changes = apply(db, &drafts, args.prune, args.dry_run).await?;
        doubt(db, &mut changes).await?;
        if args.json {
            output.json(&changes)?;
        } else {
            output.text(&changes::told(&changes, output))?;
            if args.dry_run {
                output.line("nothing was written (--dry-run)")?;
            }
        }
        Ok(Exit::Done)
    })
    .await
}

/// What of the new and the changed is probably not meant, as `check` says it.
async fn doubt(db: &Db, changes: &mut [Change]) -> Result<(), Failure> {
    let is_new = |change: &&mut Change| matches!(change.what, What::Create | What::Update);
    let mut changed: Vec<&mut Change> = changes.iter_mut().filter(is_new).collect();
    let drafts: Vec<Draft> = changed.iter().filter_map(|c| c.draft.clone()).collect();
    let known = Known::of(&db.client().await?, &drafts.iter().collect::<Vec<_>>()).await?;
    for change in &mut changed {
        let Some(draft) = &change.draft else { continue };
        change.warnings = draft.check().unwrap_or_default();
        change.warnings.extend(known.warnings(draft));
    }
    Ok(())
}

async fn apply(db: &Db, drafts: &[Draft], prune: bool, dry: bool) -> Result<Vec<Change>, Failure> {
    let tx = Tx::begin(db).await?;
    if !dry {
        // Whoever else changes rules now waits, so that what is planned is what is there.
        saved::store::hold_all(&tx).await?;
    }
    let changes = changes::plan(&saved::store::all(&tx).await?, drafts, prune)?;
    if dry {
        tx.rollback().await?;
        return Ok(changes);
    }
    let gone: Vec<i64> = changes
        .iter()
        .filter(|change| change.what == What::Delete)
        .filter_map(|change| change.id)
        .collect();
    if !gone.is_empty() {
        saved::store::delete(&tx, &gone).await?;
    }
    for change in &changes {
        match (change.what, change.id, &change.draft) {
            (What::Create, _, Some(draft)) => {
                saved::store::insert(&tx, draft).await?;
            }
            (What::Update, Some(id), Some(draft)) => saved::store::update(&tx, id, draft).await?,
            _ => {}
        }
    }
    tx.commit().await?;
    Ok(changes)
}
