//! `neurolink rules check`: compiles rules and renders a sample, as a save over HTTP does. From the database, or from files
//! without one.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::output::{Output, Style};
use crate::cli::database::with_database;
use crate::cli::rules::files;
use crate::cli::{Context, Exit, Failure, Outcome};
use crate::kernel::Error;
use crate::rules::saved::{self, Found};
use crate::rules::{Draft, Known, Warning};

/// Arguments of `neurolink rules check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  neurolink rules check\n  neurolink rules check rules/*.yaml --strict\n  neurolink rules check rules/*.yaml --database     # and whether anybody holds their roles\n\nExits with 3 if a rule is faulty."
)]
pub(super) struct Args {
    /// Files to check instead of the database's rules; `-` is standard input
    files: Vec<PathBuf>,
    /// Look also whether the files' rules can match and reach anybody there: needs the database
    #[arg(long, requires = "files")]
    database: bool,
    /// Take what is probably not meant for a fault too
    #[arg(long)]
    strict: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is to be said of one rule.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    name: String,
    /// Of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    fault: Option<Fault>,
    warnings: Vec<Warning>,
}

#[derive(Debug, Serialize)]
struct Fault {
    place: String,
    detail: String,
}

impl Verdict {
    /// Of a draft, wherever it is from.
    pub(super) fn of(draft: &Draft, file: Option<String>) -> Self {
        let (fault, warnings) = match draft.check() {
            Ok(warnings) => (None, warnings),
            Err(Error::Invalid { place, detail, .. }) => {
                let place = place.unwrap_or_default();
                (Some(Fault { place, detail }), Vec::new())
            }
            Err(other) => {
                let (place, detail) = (String::new(), other.to_string());
                (Some(Fault { place, detail }), Vec::new())
            }
        };
        Self {
            name: draft.name.clone(),
            file,
            fault,
            warnings,
        }
    }

    /// Of a rule in the database: a node may have found at run time what no look can.
    fn with(mut self, found: Option<Found>) -> Self {
        if let (None, Some(found)) = (&self.fault, found) {
            let (place, detail) = (found.place, found.detail);
            self.fault = Some(Fault { place, detail });
        }
        self
    }

    /// With whether it can match and reach anybody, as things are in the database.
    fn reaching(mut self, known: &Known, draft: &Draft) -> Self {
        self.warnings.extend(known.warnings(draft));
        self
    }

    pub(super) fn is_faulty(&self) -> bool {
        self.fault.is_some()
    }

    /// A line for the rule, and one for each thing to say.
    pub(super) fn told(&self, output: Output) -> String {
        let colors = output.colors;
        let name = colors.paint(Style::Name, self.file.as_deref().unwrap_or(&self.name));
        let mut text = match &self.fault {
            None if self.warnings.is_empty() => {
                format!("{name}: {}\n", colors.paint(Style::Good, "good"))
            }
            None => format!("{name}: {}\n", colors.paint(Style::Odd, "to look at")),
            Some(Fault { place, detail }) => {
                let between = if place.is_empty() { "" } else { ": " };
                let word = colors.paint(Style::Bad, "faulty");
                format!("{name}: {word}: {place}{between}{detail}\n")
            }
        };
        for warning in &self.warnings {
            let word = colors.paint(Style::Odd, warning.kind);
            text.push_str(&format!("  {word}: {}\n", warning.detail));
        }
        text
    }
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let output = context.output();
    let files = if args.files.is_empty() {
        None
    } else {
        Some(files::read(&args.files)?)
    };
    if let (Some(files), false) = (&files, args.database) {
        let verdicts = files.iter();
        let verdicts = verdicts.map(|rule| Verdict::of(&rule.draft, Some(rule.place.clone())));
        return tell(&args, &verdicts.collect::<Vec<_>>(), output);
    }
    with_database(context, async |_, db| {
        let client = db.client().await?;
        if let Some(files) = &files {
            let drafts: Vec<&Draft> = files.iter().map(|rule| &rule.draft).collect();
            let known = Known::of(&client, &drafts).await?;
            let verdict = |rule: &files::FileRule| {
                Verdict::of(&rule.draft, Some(rule.place.clone())).reaching(&known, &rule.draft)
            };
            return tell(&args, &files.iter().map(verdict).collect::<Vec<_>>(), output);
        }
        let rules = saved::store::all(&client).await?;
        let drafts: Vec<&Draft> = rules.iter().map(|rule| &rule.draft).collect();
        let known = Known::of(&client, &drafts).await?;
        let verdicts: Vec<Verdict> = rules
            .iter()
            .map(|rule| {
                Verdict::of(&rule.draft, None)
                    .with(rule.fault.clone())
                    .reaching(&known, &rule.draft)
            })
            .collect();
        tell(&args, &verdicts, output)
    })
    .await
}

fn tell(args: &Args, verdicts: &[Verdict], output: Output) -> Result<Exit, Failure> {
    let faulty = verdicts.iter().filter(|v| v.is_faulty()).count();
    let odd = verdicts
        .iter()
        .filter(|v| !v.is_faulty() && !v.warnings.is_empty())
        .count();
    if args.json {
        output.json(&verdicts)?;
    } else {
        for verdict in verdicts {
            output.text(&verdict.told(output))?;
        }
        let count = match verdicts.len() {
            1 => "1 rule".to_owned(),
            n => format!("{n} rules"),
        };
        output.line(format!("{count}: {faulty} faulty, {odd} to look at"))?;
    }
    Ok(if faulty > 0 || (args.strict && odd > 0) {
        Exit::Wrong
    } else {
        Exit::Done
    })
}
