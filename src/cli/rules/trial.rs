//! `neurolink rules test`: a rule and an event through the pipeline's own stations 4 to 6, up to the rows, which aren't written.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::rules::trial_text::{Trial, told};
use crate::cli::database::with_database;
use crate::cli::rules::{files, store};
use crate::cli::{Context, Exit, Failure, Outcome};
use crate::config::Config;
use crate::db::Db;
use crate::deliveries::channels;
use crate::directory;
use crate::ingest::{self, Event};
use crate::kernel::{Error, clock};
use crate::pipeline::choose;
use crate::pipeline::compose::{self, Order};
use crate::pipeline::decide::Scene;
use crate::pipeline::replay::Turn;
use crate::rules::memory::Ledger;
use crate::pipeline::watchdog::Progress;
use crate::rules::{self, Draft, RuleRow, RuleSet, saved};

/// Arguments of `neurolink rules test`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  neurolink rules test invoice_overdue --event 42\n  neurolink rules test rules/overdue.yaml --event event.json\n  jq -n '{source_module: \"sales\", event_type: \"order.created\", payload: {}}' |\n    neurolink rules test big_orders --event -\n\nNothing is written and nobody is told. Exits with 3 if the rule is faulty."
)]
pub(super) struct Args {
    /// A rule of the database by its name, or a file with one (YAML or JSON, by its ending)
    rule: String,
    /// An event of the database by its id, or a file with one as POST /v1/events takes it; `-` is standard input
    #[arg(long, value_name = "ID|FILE")]
    event: String,
    /// Which rule of a file that holds several
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let output = context.output();
    with_database(context, async |config, db| {
        let row = rule(&args, db).await?;
        let event = event(&args.event, db).await?;
        let trial = trial(row, event, config, db).await?;
        if args.json {
            output.json(&trial)?;
        } else {
            output.text(&told(&trial, output))?;
        }
        Ok(if trial.fault.is_some() {
            Exit::Wrong
        } else {
            Exit::Done
        })
    })
    .await
}

/// From a file if the word looks like one, else from the database.
async fn rule(args: &Args, db: &Db) -> Result<RuleRow, Failure> {
    if files::is_file(&args.rule) {
        let mut drafts: Vec<Draft> = files::read(&[PathBuf::from(&args.rule)])?
            .into_iter()
            .map(|rule| rule.draft)
            .collect();
        if let Some(name) = &args.name {
            drafts.retain(|draft| draft.name == *name);
        }
        return match <[Draft; 1]>::try_from(drafts) {
            Ok([draft]) => Ok(draft.row(0, 0)),
            Err(drafts) if drafts.is_empty() => {
                Err(Failure::Usage(format!("{} holds no such rule", args.rule)))
            }
            Err(drafts) => {
                let names: Vec<String> = drafts.into_iter().map(|draft| draft.name).collect();
                Err(Failure::Usage(format!(
                    "{} holds several rules; say which with --name: {}",
                    args.rule,
                    names.join(", ")
                )))
            }
        };
    }
    let rules = saved::store::all(&db.client().await?).await?;
    rules
        .into_iter()
        .find(|rule| rule.draft.name == args.rule)
        .map(|rule| rule.draft.row(rule.id, rule.version))
        .ok_or_else(|| {
            Failure::Usage(format!(
                "there is no rule {} (`neurolink rules list` shows them; a file's name ends in .yaml, .yml or .json)",
                args.rule
            ))
        })
}

async fn event(word: &str, db: &Db) -> Result<Event, Failure> {
    if let Ok(id) = word.parse::<i64>() {
        return store::event(id, db)
            .await?
            .ok_or_else(|| Failure::Usage(format!("there is no event {id}")));
    }
    let path = PathBuf::from(word);
    let text = if files::Format::of(&path) == files::Format::Yaml && word != "-" {
        match <[serde_json::Value; 1]>::try_from(files::values(&path)?) {
            Ok([value]) => value.to_string(),
            Err(_) => return Err(Failure::Usage(format!("{word} must hold one event"))),
        }
    } else {
        files::text(&path)?
    };
    let new = ingest::parse::one(&text, &http::HeaderMap::new())
        .map_err(|fault| files::usage(word, &fault))?;
    let now = clock::now();
    Ok(Event {
        id: 0,
        source_module: new.source_module,
        event_type: new.event_type,
        severity: new.severity.unwrap_or_default(),
        occurred_at: new.occurred_at.unwrap_or(now),
        received_at: now,
        payload: new.payload,
        correlation_id: new.correlation_id,
        branch_id: new.branch_id,
        actor_id: new.actor_id,
        entity_type: new.entity_type,
        entity_id: new.entity_id,
    })
}

async fn trial(row: RuleRow, event: Event, config: &Config, db: &Db) -> Result<Trial, Failure> {
    let mut trial = Trial::of(&row, &event);
    let (set, faults) = RuleSet::compile(std::slice::from_ref(&row));
    if let Some((_, _, fault)) = faults.into_iter().next() {
        trial.fault = Some(fault);
        return Ok(trial);
    }
    let concerned = rules::concerns(&row.event_type_pattern, row.source_module.as_deref(), &event);
    if let Err(why) = concerned {
        trial.why_not = Some(why);
        return Ok(trial);
    }
    let broken = |(_, why): (usize, String)| Failure::from(Error::broken(why));
    let (events, progress) = (vec![event], Progress::default());
    let now = clock::now();
    let judged = compose::judge(&set, &events, now, &progress).map_err(broken)?;
    trial.matched = judged.iter().any(|judged| !judged.matches.is_empty());
    if !trial.matched {
        trial.why_not = Some("its conditions are not true for this event".to_owned());
        trial.warnings = judged.into_iter().flat_map(|judged| judged.warnings).collect();
        return Ok(trial);
    }
    let wanted = choose::wanted(&judged);
    let people = directory::store::find(&db.client().await?, &wanted).await?;
    let chosen = choose::tellings(&judged, &people, &HashMap::new());
    let configured = channels::configured(config)?;
    let scene = Scene {
        events: &events,
        judged: &judged,
        people: &people,
        rules: &set,
        now: clock::now(),
        turn: Turn::First,
        stale: HashSet::new(),
    };
    // As if nothing were remembered yet.
    let decided = scene.decide(chosen, &mut Ledger::default(), &mut |_, wanted| wanted);
    let order = Order {
        numbers: (1..).take(decided.tellings.len()).collect(),
        people: Arc::new(people),
        decided,
        configured: configured.iter().map(|channel| channel.kind()).collect(),
        now: clock::now(),
        turn: Turn::First,
    };
    let composed = compose::compose(&events, judged, &order, &progress)
    .map_err(broken)?;
    trial.fill(composed);
    Ok(trial)
}
