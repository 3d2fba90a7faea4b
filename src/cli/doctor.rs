//! `neurolink doctor`: what is wrong with this NeuroLink, on what evidence, and what to do. From the settings, the machine and the
//! database, by `ops::doctor`, to the terminal.

use serde_json::{Value, json};

use crate::app::database::{self, Purpose};
use crate::cli::output::{Output, Style};
use crate::cli::{Context, Exit, Failure, Outcome};
use crate::config::inspect::{Inspection, inspect};
use crate::config::{Config, Needs, Sources};
use crate::kernel::Error;
use crate::ops::doctor::{Finding, Limits, Made, Report, Severity};

const EXAMPLES: &str = "\
Examples:
  neurolink doctor                                    what is wrong, the gravest first
  neurolink doctor --env-file /etc/neurolink/neurolink.env
  neurolink doctor --json | jq -r '.findings[] | select(.severity == \"error\") | .what'
  neurolink doctor || echo \"look into it\"             for cron and monitoring

Reads alone: nothing is changed or sent, and no check takes longer than 5 s.
Exits with 0 when nothing is wrong (notes are nothing wrong), 3 when something is, 69 when the database is away.";

/// Arguments of `neurolink doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Print JSON: findings with evidence and cure, and which checks were made
    #[arg(long)]
    json: bool,
}

/// Looks at everything.
///
/// # Errors
/// When the answer can't be printed.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let output = context.output();
    let report = examine(context).await?.ranked();
    if args.json {
        output.json(&document(&report))?;
    } else {
        output.text(&page(&report, output))?;
    }
    Ok(exit(&report))
}

async fn examine(context: &Context) -> Result<Report, Failure> {
    let mut report = Report::default();
    let sources = match context.sources() {
        Ok(sources) => sources,
        // A file of settings that can't be read is a finding too.
        Err(Failure::Settings(faults)) => {
            report.look_at_settings(&faults, &[], true);
            report.stop_at_settings();
            return Ok(report);
        }
        Err(other) => return Err(other),
    };
    let inspection = inspect(sources);
    let has_secret = sources.get("JWT_SECRET_KEY").is_some();
    report.look_at_settings(&inspection.faults, &inspection.warnings, has_secret);
    match Config::load(Needs::Nothing, sources.lookup()) {
        Ok(config) => {
            report.look_around(&config).await;
            database(
                &mut report,
                &config,
                &address(sources, &inspection, &config),
            )
            .await?;
        }
        // They are among the findings already.
        Err(_) => report.stop_at_settings(),
    }
    Ok(report)
}

async fn database(report: &mut Report, config: &Config, address: &str) -> Result<(), Failure> {
    // Joining the embedded database would make one where there is none, and looking mustn't.
    if config.database.url.is_none() && !config.data_dir.join("postgres/PG_VERSION").exists() {
        let none = Error::unavailable(
            "DATABASE_URL is not set, and there is no embedded database yet (or this account can't see it): \
             `neurolink serve` makes one",
        );
        report.without_database(config, &none, address);
        return Ok(());
    }
    let opened = match database::open(config, Purpose::Command).await {
        Ok(opened) => opened,
        Err(error) => {
            report.without_database(config, &error, address);
            return Ok(());
        }
    };
    report
        .look_at_database(config, &opened.db, &Limits::default(), address)
        .await;
    opened.close().await?;
    Ok(())
}

/// Where the database is, without its password.
fn address(sources: &Sources, inspection: &Inspection, config: &Config) -> String {
    let shown = inspection
        .entries
        .iter()
        .find(|entry| entry.setting.name == "DATABASE_URL")
        .and_then(|entry| entry.value.clone());
    match shown {
        Some(shown) if sources.get("DATABASE_URL").is_some() => shown,
        _ => format!("embedded, in {}", config.data_dir.display()),
    }
}

fn exit(report: &Report) -> Exit {
    if report.database_away {
        Exit::Unavailable
    } else if report.is_wrong() {
        Exit::Wrong
    } else {
        Exit::Done
    }
}

fn document(report: &Report) -> Value {
    let status = match exit(report) {
        Exit::Unavailable => "database_away",
        Exit::Done => "sound",
        _ => "wrong",
    };
    json!({
        "status": status,
        "errors": report.count(Severity::Error),
        "warnings": report.count(Severity::Warning),
        "notes": report.count(Severity::Note),
        "findings": report.findings,
        "checks": report.checks,
    })
}

fn page(report: &Report, output: Output) -> String {
    let colors = output.colors;
    let mut text: String = report
        .findings
        .iter()
        .map(|finding| paragraph(finding, output))
        .collect();
    let made = |made: Made| {
        report
            .checks
            .iter()
            .filter(|check| check.made == made)
            .count()
    };
    // By their reason: the same one stands for many.
    let mut skipped: Vec<(&str, Vec<&str>)> = Vec::new();
    for check in &report.checks {
        let Some(why) = check.why.as_deref() else {
            continue;
        };
        match skipped.iter_mut().find(|(known, _)| *known == why) {
            Some((_, names)) => names.push(check.name),
            None => skipped.push((why, vec![check.name])),
        }
    }
    let mut counts = Vec::new();
    for (severity, one, many) in [
        (Severity::Error, "error", "errors"),
        (Severity::Warning, "warning", "warnings"),
        (Severity::Note, "note", "notes"),
    ] {
        match report.count(severity) {
            0 => {}
            1 => counts.push(format!("1 {one}")),
            n => counts.push(format!("{n} {many}")),
        }
    }
    let done = made(Made::Done);
    let summary = if report.is_wrong() {
        colors.paint(Style::Head, counts.join(", "))
    } else if counts.is_empty() {
        colors.paint(Style::Good, "nothing is wrong")
    } else {
        format!(
            "{}; {}",
            colors.paint(Style::Good, "nothing is wrong"),
            counts.join(", ")
        )
    };
    let checks = if done == 1 { "check" } else { "checks" };
    text.push_str(&format!("{summary} ({done} {checks} made)\n"));
    for (why, names) in skipped {
        let line = format!("not checked: {} ({why})", names.join(", "));
        text.push_str(&format!("{}\n", colors.paint(Style::Quiet, line)));
    }
    text
}

fn paragraph(finding: &Finding, output: Output) -> String {
    let colors = output.colors;
    let (word, style) = match finding.severity {
        Severity::Error => ("error", Style::Bad),
        Severity::Warning => ("warning", Style::Odd),
        Severity::Note => ("note", Style::Name),
    };
    let mut text = format!(
        "{} {}\n",
        colors.paint(style, format!("{word:<8}")),
        printable(&finding.what)
    );
    let evidence: Vec<String> = finding
        .evidence
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null() && *value != "")
        .map(|(name, value)| format!("{name} {}", plain(value)))
        .collect();
    if !evidence.is_empty() {
        let line = colors.paint(Style::Quiet, evidence.join(", "));
        text.push_str(&format!("         {line}\n"));
    }
    // Nothing stands before them but space, so that they can be copied as they are.
    for cure in &finding.cure {
        let line = colors.paint(Style::Name, printable(cure));
        text.push_str(&format!("           {line}\n"));
    }
    text.push('\n');
    text
}

/// Errors, reasons and names come from anywhere: none of them steers the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" + "),
        // Whole seconds are told as such.
        Value::Number(number) => number
            .as_f64()
            .filter(|n| n.fract() == 0.0 && number.is_f64())
            .map_or_else(|| number.to_string(), |n| format!("{n:.0}")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Colors;

    fn report(pairs: &[(&'static str, &'static str)]) -> Report {
        let inspection = inspect(&Sources::from_pairs(pairs.iter().copied()));
        let mut report = Report::default();
        report.look_at_settings(&inspection.faults, &inspection.warnings, false);
        report
    }

    #[test]
    fn the_page_ends_with_what_was_found_and_names_what_was_not_checked() {
        let output = Output {
            colors: Colors(false),
        };
        let sound = page(&report(&[]), output);
        assert!(sound.starts_with("note     JWT_SECRET_KEY"), "{sound}");
        assert!(
            sound.contains("\nnothing is wrong; 1 note (1 check made)\n"),
            "{sound}"
        );
        let mut wrong = report(&[("NEUROLINK_LISTEN", "x")]);
        wrong.stop_at_settings();
        let told = page(&wrong, output);
        assert!(told.starts_with("error    NEUROLINK_LISTEN"), "{told}");
        assert!(told.contains("\n           neurolink config\n"), "{told}");
        assert!(
            told.contains("not checked: mail server, redis, server, ")
                && told.ends_with("inboxes (the settings can't be used)\n"),
            "{told}"
        );
        assert!(!told.contains('\u{1b}'));
    }

    #[test]
    fn exit_codes_say_whether_something_is_wrong_and_whether_the_database_is_away() {
        assert_eq!(exit(&report(&[])), Exit::Done);
        let mut wrong = report(&[("NEUROLINK_LISTEN", "x")]);
        assert_eq!(exit(&wrong), Exit::Wrong);
        assert_eq!(document(&wrong)["status"], "wrong");
        let config = Config::load(Needs::Nothing, |_| None).unwrap();
        wrong.without_database(&config, &Error::unavailable("refused"), "embedded");
        assert_eq!(exit(&wrong), Exit::Unavailable);
        assert_eq!(document(&wrong)["status"], "database_away");
    }

    #[test]
    fn numbers_are_told_plainly_and_nothing_steers_the_terminal() {
        assert_eq!(plain(&json!("\u{1b}[2Jgone\n")), " [2Jgone ");
        assert_eq!(plain(&json!(300.0)), "300");
        assert_eq!(plain(&json!(1.5)), "1.5");
        assert_eq!(plain(&json!(["a", "b"])), "a + b");
    }
}
