//! What a rule would have done with the events of a time: read a stretch at a time, each stretch one statement, so that no snapshot is
//! held and vacuum goes on; judged and composed on two threads while the next stretch is read. Comes from a plan, goes to its tally.

use std::sync::Arc;

use futures_util::future;

use super::Trier;
use super::crowd::Crowd;
use super::patience::{THREADS, patiently};
use super::rule::{self, Judgement, Trial, Worked};
use super::tally::{Both, Tally};
use crate::db::Client;
use crate::ingest::Event;
use crate::kernel::{Error, Result, clock};
use crate::ops::trial::store::{self, Bounds, Stretch, Wanted};
use crate::ops::trial::{Backtest, Far, Plan, Progress};
use crate::rules::RuleRow;

/// Events walked over by a statement: some 50 ms, and a few megabytes.
const STRETCH: i64 = 10_000;

/// The rule tried, and the one it is compared with.
struct Rules {
    new: Arc<Trial>,
    live: Option<Arc<Trial>>,
}

pub(super) async fn run(trier: &Trier, plan: Plan, far: &Far) -> Result<Backtest> {
    let began = clock::instant();
    // One connection for all of it, so that the work of the line finds the others free.
    let client = trier.db.client().await?;
    let rules = compiled(&plan).await?;
    let bounds = store::bounds(&client, plan.from, plan.to).await?;
    let wanted = wanted(&plan);
    let mut tally = Both::of(&plan, bounds.from, bounds.to);
    let mut crowd = Crowd::default();
    let mut looked = 0;
    let mut stretch = store::stretch(&client, &bounds, bounds.low, STRETCH, &wanted).await?;
    while let Some(last) = stretch.last {
        let Stretch { events, walked, .. } = stretch;
        looked += walked;
        tally.concerned += events.len() as u64;
        let ahead = store::stretch(&client, &bounds, last + 1, STRETCH, &wanted);
        let (ahead, worked) = future::join(
            ahead,
            work(trier, &rules, &client, &mut crowd, Arc::new(events)),
        )
        .await;
        let (new, live) = worked?;
        tally.count(new, live);
        stretch = ahead?;
        far.at(Progress {
            looked,
            of: about(looked, &bounds, last),
            matched: tally.new.matched,
        });
    }
    far.at(Progress {
        looked,
        of: looked,
        matched: tally.new.matched,
    });
    Ok(tally.end(looked, began.elapsed().as_secs_f64()))
}

/// Of how many events these are, if the rest of the ids is as dense.
fn about(looked: u64, bounds: &Bounds, last: i64) -> u64 {
    let all = (bounds.high - bounds.low).max(1) as f64;
    let done = (last + 1 - bounds.low).max(1) as f64;
    (looked as f64 * all / done).round().max(looked as f64) as u64
}

async fn compiled(plan: &Plan) -> Result<Rules> {
    let new = plan.rule.clone();
    // A saved rule that is off, or can't be compiled, tells nobody.
    let live = plan.live.as_ref().filter(|live| live.enabled);
    let live = live.map(|live| live.row.clone());
    let (new, live) = patiently(move |_| {
        let live = live.and_then(|row| Trial::compile(&row).ok());
        (Trial::compile(&new), live)
    })
    .await?;
    let new = new.map_err(|fault| Error::invalid_at("rule_fault", fault.place, fault.detail))?;
    Ok(Rules {
        new: Arc::new(new),
        live: live.map(Arc::new),
    })
}

/// The modules and types of either rule.
fn wanted(plan: &Plan) -> Wanted {
    let live = plan.live.as_ref().filter(|live| live.enabled);
    let rows: Vec<&RuleRow> = std::iter::once(&plan.rule)
        .chain(live.map(|live| &live.row))
        .collect();
    let modules: Option<Vec<String>> = rows.iter().map(|row| row.source_module.clone()).collect();
    let mut wanted = Wanted {
        modules,
        types: Some(Vec::new()),
        prefixes: Vec::new(),
        branches: plan.branches.clone(),
    };
    for row in rows {
        let pattern = row.event_type_pattern.as_str();
        match (pattern.strip_suffix('*'), &mut wanted.types) {
            (Some(""), types) => *types = None,
            (Some(prefix), _) => wanted.prefixes.push(prefix.to_owned()),
            (None, Some(types)) => types.push(pattern.to_owned()),
            (None, None) => {}
        }
    }
    wanted
}

/// A stretch's events through both rules: on two threads at most.
async fn work(
    trier: &Trier,
    rules: &Rules,
    client: &Client,
    crowd: &mut Crowd,
    events: Arc<Vec<Event>>,
) -> Result<(Vec<Worked>, Option<Worked>)> {
    if events.is_empty() {
        return Ok((Vec::new(), rules.live.as_ref().map(|_| Worked::default())));
    }
    // Beside the saved rule each has a thread; alone the rule has both.
    let parts = if rules.live.is_some() { 1 } else { THREADS };
    let size = events.len().div_ceil(parts).max(1);
    let mut jobs: Vec<(Arc<Trial>, usize)> = (0..events.len())
        .step_by(size)
        .map(|from| (rules.new.clone(), from))
        .collect();
    jobs.extend(rules.live.iter().map(|live| (live.clone(), 0)));
    let judging = jobs.into_iter().map(|(trial, from)| {
        let events = events.clone();
        patiently(move |watch| {
            let to = (from + size).min(events.len());
            trial.judge_past(&events[from..to], watch)
        })
    });
    let judged: Vec<Judgement> = future::try_join_all(judging).await?;
    drop(events);
    let people = crowd.around(client, &judged).await?;
    let composing = judged.into_iter().map(|judgement| {
        let (people, configured) = (people.clone(), trier.configured.clone());
        patiently(move |watch| rule::work(judgement, &people, &configured, watch))
    });
    let mut worked: Vec<Worked> = future::try_join_all(composing).await?;
    let live = rules.live.as_ref().and_then(|_| worked.pop());
    Ok((worked, live))
}

impl Both {
    /// An empty tally of a plan.
    fn of(plan: &Plan, from: jiff::Timestamp, to: jiff::Timestamp) -> Self {
        Self {
            rule: plan.rule.clone(),
            against: plan.live.clone(),
            from,
            to,
            concerned: 0,
            new: Tally::new(plan.samples),
            live: Tally::new(0),
            differing: Default::default(),
        }
    }
}
