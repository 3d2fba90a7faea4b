//! `neurolink rules enable` and `disable`: switches rules on and off, all that are named or none. A change like any other: a new
//! version, and an entry in the audit log.

use crate::cli::database::with_database;
use crate::cli::output::Style;
use crate::cli::{Context, Exit, Failure, Outcome};
use crate::db::{Db, Tx};
use crate::rules::saved;

/// Arguments of `neurolink rules enable`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  neurolink rules enable invoice_overdue\n  neurolink rules enable invoice_overdue stock_out")]
pub(super) struct Enable {
    /// The rules, by name
    #[arg(required = true)]
    names: Vec<String>,
}

/// Arguments of `neurolink rules disable`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  neurolink rules disable invoice_overdue\n  neurolink rules disable invoice_overdue stock_out")]
pub(super) struct Disable {
    /// The rules, by name
    #[arg(required = true)]
    names: Vec<String>,
}

pub(super) async fn enable(args: Enable, context: &Context) -> Outcome {
    switch(args.names, true, context).await
}

pub(super) async fn disable(args: Disable, context: &Context) -> Outcome {
    switch(args.names, false, context).await
}

async fn switch(names: Vec<String>, on: bool, context: &Context) -> Outcome {
    let output = context.output();
    with_database(context, async |_, db| {
        for (name, changed) in apply(db, &names, on).await? {
            let name = output.colors.paint(Style::Name, &name);
            let already = if changed { "" } else { "already " };
            output.line(format!("{name} is {already}{}", if on { "on" } else { "off" }))?;
        }
        Ok(Exit::Done)
    })
    .await
}

/// Each rule, and whether it was otherwise.
async fn apply(db: &Db, names: &[String], on: bool) -> Result<Vec<(String, bool)>, Failure> {
    let tx = Tx::begin(db).await?;
    // Whoever else changes rules waits, so that nobody's change is undone by what was read before.
    saved::store::hold_all(&tx).await?;
    let rules = saved::store::all(&tx).await?;
    let mut done: Vec<(String, bool)> = Vec::new();
    for name in names {
        let Some(rule) = rules.iter().find(|rule| rule.draft.name == *name) else {
            tx.rollback().await?;
            let why = format!("there is no rule {name} (`neurolink rules list` shows them); nothing was changed");
            return Err(Failure::Usage(why));
        };
        if done.iter().any(|(known, _)| known == name) {
            continue;
        }
        let changed = rule.draft.enabled != on;
        if changed {
            let draft = crate::rules::Draft {
                enabled: on,
                ..rule.draft.clone()
            };
            saved::store::update(&tx, rule.id, &draft).await?;
        }
        done.push((name.clone(), changed));
    }
    tx.commit().await?;
    Ok(done)
}
