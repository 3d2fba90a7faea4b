//! `neurolink demo`: a small company, a starter rule for each standard event type, and a believable stream of ERP events,
//! so that somebody new sees the whole line work. `--once` plays one round, checks that every expected notification and
//! e-mail exists and nothing else, and ends. The data is in `company.json` and `expected.json` beside this file and in
//! `sql/starter/`; `README.md` here says how they fit.

pub mod check;
mod command;
pub mod company;
pub mod play;
pub mod print;
mod script;
mod script_sale;
mod script_stock;
pub mod story;
mod world;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

pub use command::run;
pub use check::{Report, check, expectations};
pub use company::load_company;
pub use story::Story;

use crate::db::Db;
use crate::kernel::{Result, clock};
use crate::ops::starter;
use play::Entrance;
use print::{Links, Printer};
use story::Round;

const EXAMPLES: &str = "\
Examples:
  neurolink demo                     play until stopped, with links and tokens to look around with
  neurolink demo --once              one round, checked; for scripts
  neurolink demo --seed 7 --every 1  another story, told faster

It runs on an embedded database of its own (`demo` in the data folder): nothing of yours is read or changed.";

/// The options of `neurolink demo`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Play one round, check it, print a summary and exit: 0 when all is there, 1 when something is missing or too much
    #[arg(long)]
    pub once: bool,
    /// The same seed tells the same story
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Seconds between two acts of the ERP, once the first round has been played
    #[arg(long, default_value_t = 5, value_name = "SECONDS")]
    pub every: u64,
    /// End after this many rounds (without it, the demo runs until it is stopped)
    #[arg(long, conflicts_with = "once", value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: Option<u32>,
}

/// Makes a token: subject, roles, branches.
pub type Tokens = dyn Fn(&str, &[&str], &[&str]) -> Result<String> + Send + Sync;

/// The running node that the demo plays on.
pub struct Stage<'a> {
    /// Its migrated database.
    pub db: &'a Db,
    /// The same way in as HTTP's batch.
    pub entrance: &'a Entrance,
    /// The same secret as HTTP's.
    pub tokens: &'a Tokens,
    /// Where its mails go.
    pub email_dir: &'a Path,
    /// `http://127.0.0.1:8002`.
    pub base_url: &'a str,
    /// A command that opens psql on its database.
    pub psql: &'a str,
    /// Cancelled when the demo should end.
    pub stop: CancellationToken,
}

/// How long what is under way may take before it counts as missing: longer than a mail's first retry.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a reader who watches the acts go by waits for one of them; what is late is seen in the round's check.
const GLANCE: Duration = Duration::from_secs(5);

/// Runs the demo on a node that has been started, prints to `out`, in colours where `out` is a terminal that wants them,
/// and says whether all that was checked was as it should be.
///
/// # Errors
/// `Unavailable` when the database is away, `Internal` when the output is closed.
pub async fn perform(
    args: &Args,
    stage: &Stage<'_>,
    out: &mut (dyn Write + Send),
    colours: bool,
) -> Result<bool> {
    let mut printer = Printer::new(out, colours);
    let people = load_company(stage.db).await?;
    let rules = starter::load(stage.db).await?;
    printer.line(&format!(
        "Trading Services House: Baghdad (BGD), Basra (BSR) and a head office. New here: {people} people, {rules} starter rules."
    ))?;
    let names: BTreeMap<String, String> = company::people()?
        .into_iter()
        .map(|p| (p.id, p.display_name))
        .collect();
    // The company's day, for its documents' dates.
    let zone = TimeZone::get("Asia/Baghdad").unwrap_or(TimeZone::UTC);
    let today = clock::now().to_zoned(zone).date();
    let first = play::next_round(stage.db, args.seed).await?;
    let rounds = if args.once { Some(1) } else { args.rounds };
    let story = Story::new(args.seed, first, today);

    let mut all_good = true;
    for (played, round) in story.enumerate() {
        if rounds.is_some_and(|most| played >= most as usize) || stage.stop.is_cancelled() {
            break;
        }
        let whole = if args.once {
            at_once(stage, &mut printer, &round, &names).await?
        } else {
            // The first round runs through, so that there is something to look at; then the ERP works at a human pace.
            let pause = Duration::from_secs(if played == 0 { 0 } else { args.every });
            at_a_pace(stage, &mut printer, &round, pause, &names).await?
        };
        if !whole {
            // Stopped by hand: what was played is played, but a part of a round can't be judged.
            all_good &= !args.once;
            break;
        }
        let report = check(stage.db, stage.email_dir, &round).await?;
        all_good &= report.is_good();
        printer.report(round.number, &report)?;
        if !args.once {
            printer.links(&links(stage, &round)?.as_links(stage))?;
        }
    }
    if args.once {
        printer.line(&format!(
            "  The e-mails are in {}",
            stage.email_dir.display()
        ))?;
    } else if !stage.stop.is_cancelled() && rounds.is_none() {
        stage.stop.cancelled().await;
    }
    Ok(all_good)
}

/// Plays a round act by act and prints what comes of each at once; false when it was stopped before its end.
async fn at_a_pace(
    stage: &Stage<'_>,
    printer: &mut Printer<'_>,
    round: &Round,
    pause: Duration,
    names: &BTreeMap<String, String>,
) -> Result<bool> {
    printer.headline(&format!("Round {}", round.number))?;
    for act in &round.acts {
        tokio::select! {
            () = stage.stop.cancelled() => return Ok(false),
            () = tokio::time::sleep(pause) => {}
        }
        play::play(stage.db, stage.entrance, act).await?;
        let outcomes = tokio::select! {
            () = stage.stop.cancelled() => return Ok(false),
            outcomes = play::settled(stage.db, &act.events, GLANCE) => outcomes?,
        };
        printer.act(act, &outcomes, names)?;
    }
    let events: Vec<_> = round.events().cloned().collect();
    tokio::select! {
        () = stage.stop.cancelled() => Ok(false),
        outcomes = play::settled(stage.db, &events, PATIENCE) => outcomes.map(|_| true),
    }
}

/// Plays a round as fast as it goes in, waits for all of it together, and prints what came of it; false when it was
/// stopped before its end.
async fn at_once(
    stage: &Stage<'_>,
    printer: &mut Printer<'_>,
    round: &Round,
    names: &BTreeMap<String, String>,
) -> Result<bool> {
    printer.headline(&format!("Round {}", round.number))?;
    for act in &round.acts {
        play::play(stage.db, stage.entrance, act).await?;
    }
    let events: Vec<_> = round.events().cloned().collect();
    let outcomes = tokio::select! {
        () = stage.stop.cancelled() => return Ok(false),
        outcomes = play::settled(stage.db, &events, PATIENCE) => outcomes?,
    };
    let mut rest = outcomes.as_slice();
    for act in &round.acts {
        let (these, others) = rest.split_at(act.events.len().min(rest.len()));
        printer.act(act, these, names)?;
        rest = others;
    }
    Ok(true)
}

/// What [`Links`] borrows from.
struct Looks {
    email_dir: String,
    tokens: Vec<(&'static str, &'static str, String)>,
    batch: String,
}

impl Looks {
    fn as_links<'a>(&'a self, stage: &Stage<'a>) -> Links<'a> {
        Links {
            base_url: stage.base_url,
            psql: stage.psql,
            email_dir: &self.email_dir,
            tokens: &self.tokens,
            batch: &self.batch,
        }
    }
}

fn links(stage: &Stage<'_>, round: &Round) -> Result<Looks> {
    let token = stage.tokens;
    let tokens = vec![
        (
            "ZAINAB",
            "accountant in Baghdad, Arabic",
            token("zainab", &["accountant"], &["BGD"])?,
        ),
        (
            "NADIA",
            "finance manager, English",
            token("nadia", &["finance_manager"], &["*"])?,
        ),
        (
            "ERP",
            "may put events in",
            token("erp", &["producer"], &["*"])?,
        ),
    ];
    // Without its key: the same key again would be the same event.
    let mut example: Vec<_> = round
        .events()
        .filter(|t| t.case == "invoice.overdue")
        .take(1)
        .map(|t| t.event.clone())
        .collect();
    for event in &mut example {
        event.idempotency_key = None;
    }
    Ok(Looks {
        email_dir: stage.email_dir.display().to_string(),
        tokens,
        batch: story::batch_body(&example)?,
    })
}
