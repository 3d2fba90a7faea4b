//! `neurolink migrate`: brings the database's schema up to this binary, or shows what it would run.

use serde_json::json;

use crate::cli::output::{Output, Style};
use crate::app::database::{self, Purpose};
use crate::cli::{Context, Exit, Outcome};
use crate::config::Needs;
use crate::db::Db;
use crate::db::migrate::{self, Plan, Report, Step};

const EXAMPLES: &str = "\
Examples:
  neurolink migrate --dry-run              the SQL that would run; also good for psql
  neurolink migrate                        run it; several at once run it once, twice is a no-op
  neurolink migrate --check || echo \"to do\"

Touches nothing but neurolink_* in the first schema of the connection's search_path.";

/// Arguments of `neurolink migrate`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Print the SQL that would run, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Say whether anything would run, and write nothing; exits with 3 if so
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Migrates, or shows what it would run.
///
/// # Errors
/// When the database is away, or this binary must not touch it.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let config = context.config(Needs::Nothing)?;
    let opened = database::open(&config, Purpose::Command).await?;
    let outcome = work(&args, &opened.db, context.output()).await;
    // What went wrong first is what is told.
    let closed = opened.close().await;
    let exit = outcome?;
    closed?;
    Ok(exit)
}

async fn work(args: &Args, db: &Db, output: Output) -> Outcome {
    if args.check {
        let state = migrate::check(db).await?;
        if args.json {
            output.json(&json!({"ready": state.is_ready(), "state": state.to_string()}))?;
        } else {
            output.line(&state)?;
        }
        return Ok(if state.is_ready() {
            Exit::Done
        } else {
            Exit::Wrong
        });
    }
    if args.dry_run {
        let plan = migrate::plan(db).await?;
        if args.json {
            output.json(&planned(&plan))?;
        } else {
            output.text(&plan.sql())?;
        }
        return Ok(Exit::Done);
    }
    let report = migrate::run(db).await?;
    if args.json {
        output.json(&json!({
            "schema": report.schema,
            "version": report.version,
            "applied": report.applied,
            "objects_applied": report.objects_applied,
            "newer": report.newer,
        }))?;
    } else {
        output.text(&told(&report, output))?;
    }
    Ok(Exit::Done)
}

fn planned(plan: &Plan) -> serde_json::Value {
    let steps = |steps: &[Step]| -> Vec<serde_json::Value> {
        steps
            .iter()
            .map(|step| json!({"name": step.name, "sql": step.sql}))
            .collect()
    };
    json!({
        "schema": plan.schema,
        "migrations": steps(&plan.migrations),
        "objects": steps(&plan.objects),
        "newer": plan.newer,
    })
}

fn told(report: &Report, output: Output) -> String {
    let good = |text: &str| output.colors.paint(Style::Good, text);
    let schema = &report.schema;
    let mut text = String::new();
    for migration in &report.applied {
        text.push_str(&format!("{} {migration}\n", good("applied")));
    }
    if report.objects_applied {
        text.push_str(&format!(
            "{} functions, triggers, views and grants of version {}\n",
            good("applied"),
            report.version
        ));
    }
    if let Some(newer) = &report.newer {
        text.push_str(&format!(
            "schema {schema} was migrated by the newer version {newer}; what is its own was left alone\n"
        ));
    } else if report.changed() {
        text.push_str(&format!("schema {schema} is up to date\n"));
    } else {
        text.push_str(&format!("schema {schema} is up to date; nothing to do\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Colors;

    #[test]
    fn a_report_says_what_was_applied_and_when_there_was_nothing_to_do() {
        let output = Output {
            colors: Colors(false),
        };
        let mut report = Report {
            schema: "public".to_owned(),
            version: "1.0.0".to_owned(),
            applied: vec!["V0001__line".to_owned()],
            objects_applied: true,
            newer: None,
        };
        assert_eq!(
            told(&report, output),
            "applied V0001__line\napplied functions, triggers, views and grants of version 1.0.0\n\
             schema public is up to date\n"
        );
        report.applied.clear();
        report.objects_applied = false;
        assert_eq!(
            told(&report, output),
            "schema public is up to date; nothing to do\n"
        );
        report.newer = Some("2.0.0".to_owned());
        assert!(told(&report, output).contains("newer version 2.0.0"));
    }
}
