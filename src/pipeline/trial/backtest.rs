//! What a rule would have done with the events of a time: read a stretch at a time, each stretch one statement, so that no snapshot is
//! held and vacuum goes on; judged and composed on two threads while the next stretch is read. Comes from a plan, goes to its tally.

use std::sync::Arc;

use futures_util::future;

use super::Trier;
use super::course::{Course, Left, Stage};
use super::crowd::Crowd;
use super::patience::{THREADS, patiently};
use super::rule::{self, Judgement, Trial, Worked};
use super::tally::{Both, Tally};
use crate::db::Client;
use crate::directory::People;
use crate::ingest::Event;
use crate::kernel::{Error, Result, clock};
use crate::ops::trial::store::{self, Bounds, Stretch, Wanted};
use crate::ops::trial::{Backtest, Far, Plan, Progress};
use crate::rules::RuleRow;

/// Events walked over by a statement: some 50 ms, and a few megabytes.
const STRETCH: i64 = 10_000;

/// A rule on its way through the events.
struct Way {
    trial: Arc<Trial>,
    course: Course,
}

/// What came of a stretch by one rule.
#[derive(Default)]
pub(super) struct Came {
    /// In order.
    pub(super) worked: Vec<Worked>,
    /// Whose digests would have been told, and when.
    pub(super) digests: Vec<(String, jiff::Timestamp)>,
    /// Events that could not be judged.
    pub(super) failed: u64,
}

pub(super) async fn run(trier: &Trier, plan: Plan, far: &Far) -> Result<Backtest> {
    let began = clock::instant();
    // One connection for all of it, so that the work of the line finds the others free.
    let client = trier.db.client().await?;
    // The rule tried first, then the one it is compared with.
    let mut ways = compiled(&plan).await?;
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
        let events = Arc::new(events);
        let work = work(trier, &mut ways, &client, &mut crowd, events, &mut tally);
        let (ahead, worked) = future::join(ahead, work).await;
        worked?;
        stretch = ahead?;
        far.at(Progress {
            looked,
            of: about(looked, &bounds, last),
            matched: tally.new.matched,
        });
    }
    // What was put off until the end of the time, and not beyond.
    let people = crowd.all();
    let stages: Vec<Stage> = ways
        .iter_mut()
        .map(|way| way.course.come_to(&way.trial, &people, bounds.to))
        .collect();
    tally.count(composed(trier, stages, &people).await?);
    far.at(Progress {
        looked,
        of: looked,
        matched: tally.new.matched,
    });
    let waiting = ways.first().map_or(0, |way| way.course.waiting());
    Ok(tally.end(looked, waiting, began.elapsed().as_secs_f64()))
}

/// Of how many events these are, if the rest of the ids is as dense.
fn about(looked: u64, bounds: &Bounds, last: i64) -> u64 {
    let all = (bounds.high - bounds.low).max(1) as f64;
    let done = (last + 1 - bounds.low).max(1) as f64;
    (looked as f64 * all / done).round().max(looked as f64) as u64
}

async fn compiled(plan: &Plan) -> Result<Vec<Way>> {
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
    let way = |trial| Way {
        trial: Arc::new(trial),
        course: Course::default(),
    };
    Ok(std::iter::once(new).chain(live).map(way).collect())
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

/// A stretch's events through both rules: judged on two threads, decided in order, composed on two threads again, counted.
async fn work(
    trier: &Trier,
    ways: &mut [Way],
    client: &Client,
    crowd: &mut Crowd,
    events: Arc<Vec<Event>>,
    tally: &mut Both,
) -> Result<()> {
    // Beside the saved rule each has a thread; alone the rule has both.
    let parts = THREADS.div_ceil(ways.len().max(1));
    let size = events.len().div_ceil(parts).max(1);
    let parts: Vec<usize> = (0..events.len()).step_by(size).collect();
    let jobs = ways.iter().flat_map(|way| {
        parts.iter().map(|&from| {
            let (trial, events) = (way.trial.clone(), events.clone());
            patiently(move |watch| {
                let to = (from + size).min(events.len());
                trial.judge_past(&events[from..to], watch)
            })
        })
    });
    let judged: Vec<Judgement> = future::try_join_all(jobs).await?;
    drop(events);
    let people = crowd.around(client, &judged).await?;
    let mut judged = judged.into_iter();
    let mut left: Vec<Left> = ways
        .iter()
        .map(|_| {
            let mine = judged.by_ref().take(parts.len());
            Left::of(mine.fold(Judgement::default(), Judgement::then))
        })
        .collect();
    // A stage at a time, so that a rule for ten thousand people doesn't fill the memory.
    loop {
        let mut stages = Vec::with_capacity(ways.len());
        for (way, left) in ways.iter_mut().zip(&mut left) {
            let (trial, people) = (way.trial.clone(), people.clone());
            let mut course = std::mem::take(&mut way.course);
            let mut mine = std::mem::replace(left, Left::of(Judgement::default()));
            let decided = patiently(move |watch| {
                let stage = course.go_on(&trial, &mut mine, &people, watch);
                (course, mine, stage)
            });
            let stage;
            (way.course, *left, stage) = decided.await?;
            stages.push(stage);
        }
        tally.count(composed(trier, stages, &people).await?);
        if left.iter().all(Left::is_empty) {
            return Ok(());
        }
    }
}

/// What would be written of each rule's stage.
async fn composed(trier: &Trier, stages: Vec<Stage>, people: &Arc<People>) -> Result<Vec<Came>> {
    let parts = THREADS.div_ceil(stages.len().max(1));
    let mut all: Vec<Came> = Vec::new();
    let mut jobs = Vec::new();
    for (way, stage) in stages.into_iter().enumerate() {
        let size = stage.steps.len().div_ceil(parts).max(1);
        let mut steps = stage.steps.into_iter();
        loop {
            let mine: Vec<_> = steps.by_ref().take(size).collect();
            if mine.is_empty() {
                break;
            }
            let (people, configured) = (people.clone(), trier.configured.clone());
            let working = patiently(move |watch| rule::work(mine, &people, &configured, watch));
            jobs.push(async move { Ok::<_, Error>((way, working.await?)) });
        }
        all.push(Came {
            worked: Vec::new(),
            digests: stage.digests,
            failed: stage.failed,
        });
    }
    for (way, worked) in future::try_join_all(jobs).await? {
        all[way].worked.push(worked);
    }
    Ok(all)
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
