//! `neurolink rules list`.

use crate::cli::output::{Output, Style};
use crate::cli::database::with_database;
use crate::cli::{Context, Exit, Outcome};
use crate::rules::saved::{self, Saved};

/// Arguments of `neurolink rules list`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  neurolink rules list\n  neurolink rules list --faulty\n  neurolink rules list --json | jq -r '.[].name'"
)]
pub(super) struct Args {
    /// Only rules that a node has found faulty
    #[arg(long)]
    faulty: bool,
    /// Print JSON, the rules whole
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let output = context.output();
    with_database(context, async |_, db| {
        let mut rules = saved::store::all(&db.client().await?).await?;
        rules.retain(|rule| !args.faulty || rule.fault.is_some());
        if args.json {
            output.json(&rules)?;
        } else {
            output.text(&table(&rules, output))?;
        }
        Ok(Exit::Done)
    })
    .await
}

fn table(rules: &[Saved], output: Output) -> String {
    let widest = |of: fn(&Saved) -> usize| rules.iter().map(of).max().unwrap_or_default();
    let name = widest(|rule| rule.draft.name.chars().count());
    let pattern = widest(|rule| rule.draft.event_type_pattern.chars().count());
    let mut text = String::new();
    for rule in rules {
        let draft = &rule.draft;
        let padding = name - draft.name.chars().count();
        text.push_str(&format!(
            "{:>5}  {}{:padding$}  {:pattern$}  {:12}  priority {:>4}  version {:>3}",
            rule.id,
            output.colors.paint(Style::Name, &draft.name),
            "",
            draft.event_type_pattern,
            draft.source_module.as_deref().unwrap_or("any module"),
            draft.priority,
            rule.version,
        ));
        if !draft.enabled {
            text.push_str(&format!("  {}", output.colors.paint(Style::Quiet, "off")));
        }
        text.push('\n');
        if let Some(hold) = &rule.hold {
            text.push_str(&format!(
                "       {} {}; held back: {}\n",
                output.colors.paint(Style::Bad, "held:"),
                hold.reason,
                hold.held_count
            ));
        }
        if let Some(fault) = &rule.fault {
            text.push_str(&format!(
                "       {} {}{}{}\n",
                output.colors.paint(Style::Bad, "faulty:"),
                fault.place,
                if fault.place.is_empty() { "" } else { ": " },
                fault.detail
            ));
        }
    }
    let faulty = rules.iter().filter(|rule| rule.fault.is_some()).count();
    let held = rules.iter().filter(|rule| rule.hold.is_some()).count();
    text.push_str(&match rules.len() {
        0 => "no rules".to_owned(),
        1 => "1 rule".to_owned(),
        n => format!("{n} rules"),
    });
    for (count, word) in [(faulty, "faulty"), (held, "held")] {
        if count > 0 && rules.len() == 1 {
            text.push_str(&format!(", {word}"));
        } else if count > 0 {
            text.push_str(&format!(", {count} {word}"));
        }
    }
    text.push('\n');
    text
}
