//! `neurolink config`: the settings in force, where each came from, what is wrong with them. Secrets are masked.

use serde_json::json;

use crate::cli::output::{Output, Style};
use crate::cli::{Context, Exit, Failure, Outcome};
use crate::config::inspect::{Entry, Inspection, inspect};
use crate::config::settings::{Fallback, GROUPS, Shown};
use crate::config::{Origin, docs};

const EXAMPLES: &str = "\
Examples:
  neurolink config                                    what is in force
  neurolink config --json | jq '.settings[] | select(.origin != \"default\")'
  neurolink config --env-file /etc/neurolink/neurolink.env
  neurolink config --example > .env                   a file to fill in

Exits with 2 when a setting is wrong.";

/// Arguments of `neurolink config`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Print JSON: settings, faults, warnings
    #[arg(long)]
    json: bool,
    /// Print a file of settings to fill in, every one as a comment with its default
    #[arg(long, conflicts_with_all = ["json", "reference"])]
    example: bool,
    /// Print the reference of all settings, in Markdown
    #[arg(long, conflicts_with = "json")]
    reference: bool,
}

/// Prints the settings.
///
/// # Errors
/// When settings are wrong (they are printed first), or can't be read.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let output = context.output();
    if args.example {
        output.text(&docs::example())?;
        return Ok(Exit::Done);
    }
    if args.reference {
        output.text(&docs::reference())?;
        return Ok(Exit::Done);
    }
    let inspection = inspect(context.sources()?);
    if args.json {
        output.json(&document(&inspection))?;
    } else {
        output.text(&page(&inspection, output))?;
    }
    if inspection.faults.is_empty() {
        Ok(Exit::Done)
    } else {
        Err(Failure::Settings(inspection.faults))
    }
}

fn document(inspection: &Inspection) -> serde_json::Value {
    let settings: Vec<_> = inspection
        .entries
        .iter()
        .map(|entry| {
            let (origin, file) = match &entry.origin {
                Origin::Command => ("command", None),
                Origin::Environment => ("environment", None),
                Origin::File(path) => ("file", Some(path.display().to_string())),
                Origin::Default => ("default", None),
            };
            json!({
                "name": entry.setting.name,
                "value": entry.value,
                "origin": origin,
                "file": file,
                "secret": entry.setting.shown != Shown::Plain,
                "about": entry.setting.about,
            })
        })
        .collect();
    let faults: Vec<_> = inspection
        .faults
        .iter()
        .map(|fault| json!({"name": fault.name, "wrong": fault.wrong, "right": fault.right}))
        .collect();
    json!({"settings": settings, "faults": faults, "warnings": inspection.warnings})
}

fn page(inspection: &Inspection, output: Output) -> String {
    let colors = output.colors;
    let wide = |entry: &Entry| entry.setting.name.len();
    let width = inspection.entries.iter().map(wide).max().unwrap_or(0);
    let mut text = String::new();
    let mut entries = inspection.entries.iter();
    for group in GROUPS {
        text.push_str(&format!("{}\n", colors.paint(Style::Head, group.title)));
        for entry in entries.by_ref().take(group.settings.len()) {
            let name = format!("{:width$}", entry.setting.name);
            let wrong = inspection
                .faults
                .iter()
                .any(|fault| fault.name == entry.setting.name);
            let style = if wrong { Style::Bad } else { Style::Name };
            let name = colors.paint(style, name);
            let line = match (&entry.value, entry.setting.fallback, &entry.origin) {
                (Some(value), _, Origin::Default) => {
                    format!("{value}  {}", colors.paint(Style::Quiet, "(default)"))
                }
                (Some(value), _, origin) => {
                    let origin = format!("({origin})");
                    format!("{value}  {}", colors.paint(Style::Odd, origin))
                }
                (None, Fallback::Told(words) | Fallback::Value(words), _) => {
                    colors.paint(Style::Quiet, format!("({words})"))
                }
            };
            text.push_str(&format!("  {name}  {line}\n"));
        }
        text.push('\n');
    }
    for warning in &inspection.warnings {
        text.push_str(&format!("{} {warning}\n", colors.paint(Style::Odd, "!")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Colors;
    use crate::config::Sources;

    #[test]
    fn the_page_says_where_a_value_came_from_and_shows_no_secret() {
        let sources = Sources::from_pairs([
            ("NEUROLINK_LISTEN", "0.0.0.0:9000"),
            ("JWT_SECRET_KEY", "hunter2"),
            ("NEUROLINK_LISTN", "x"),
        ]);
        let output = Output { colors: Colors(false) };
        let page = page(&inspect(&sources), output);
        let line = |name: &str| {
            let found = page.lines().find(|l| l.trim_start().starts_with(name));
            found.unwrap_or_default().to_owned()
        };
        assert!(line("NEUROLINK_LISTEN ").ends_with("0.0.0.0:9000  (environment)"), "{page}");
        assert!(line("NEUROLINK_BATCH_SIZE").ends_with("1000  (default)"), "{page}");
        assert!(line("SMTP_HOST").ends_with("(none; needed with `SMTP_ENABLED=true`)"), "{page}");
        assert!(page.contains("did you mean NEUROLINK_LISTEN?"), "{page}");
        assert!(!page.contains("hunter2"), "{page}");
    }

    #[test]
    fn the_document_holds_settings_faults_and_warnings() {
        let sources = Sources::from_pairs([("NEUROLINK_LISTEN", "x"), ("JWT_SECRET_KEY", "hunter2")]);
        let document = document(&inspect(&sources));
        assert_eq!(document["faults"][0]["name"], "NEUROLINK_LISTEN");
        assert_eq!(document["faults"].as_array().unwrap().len(), 2);
        let first = &document["settings"][0];
        assert_eq!(first["name"], "DATABASE_URL");
        assert_eq!(first["origin"], "default");
        assert_eq!(first["secret"], true);
        assert!(!document.to_string().contains("hunter2"));
    }
}
