//! Rules: what a thousand rules about other things cost an event that ten rules are about, in evaluation alone and in a drain.
//! By turns, with the ten alone and with the thousand beside them; the ratios are of one round each.

use std::time::Duration;

use tokio_postgres::Client;

use super::{Lab, Progress, Report, Size, drain};
use crate::app::{Node, Parts};
use crate::config::Config;
use crate::ingest::Event;
use crate::kernel::{Error, Result, clock};
use crate::ops::trial::store::{self, Wanted};
use crate::pipeline::compose;
use crate::pipeline::watchdog;
use crate::rules::{self, RuleSet};

/// Rules about the events' type; one is true for each event.
const NAMING: i32 = 10;
/// Rules about others.
const OTHERS: i32 = 1_000;
const PEOPLE: i32 = 100;
const BRANCHES: i32 = 50;
/// Events evaluated by turns, over and over.
const EVALUATED: i64 = 2_000;
/// Between two looks whether the first event is through, and how long that may take.
const LOOK: Duration = Duration::from_millis(10);
const LIMIT: Duration = Duration::from_secs(60);
/// Times that each set evaluates them in a round, by turns.
const TURNS: u32 = 10;

pub(super) async fn run(
    size: Size,
    config: &Config,
    lab: &Lab,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<()> {
    let sql = lab.sql().await?;
    let people = include_str!("../../../sql/queries/bench/people.sql");
    sql.execute(people, &[&PEOPLE]).await?;
    let naming = include_str!("../../../sql/queries/bench/rules.sql");
    let others = include_str!("../../../sql/queries/bench/other_rules.sql");
    let none = include_str!("../../../sql/queries/bench/end_rules.sql");
    let insert = include_str!("../../../sql/queries/bench/events.sql");
    let events = i32::try_from(size.events).unwrap_or(i32::MAX);
    let parts = Parts {
        api: false,
        worker: true,
    };
    let steps = u64::from(size.rounds) * 2;
    for round in 0..size.rounds {
        let (mut sets, mut rates) = (Vec::new(), Vec::new());
        for is_crowded in [false, true] {
            lab.going()?;
            let step = u64::from(round) * 2 + u64::from(is_crowded);
            progress.at(step, steps, "draining");
            lab.empty(&sql).await?;
            sql.batch_execute(none).await?;
            sql.execute(naming, &[&NAMING]).await?;
            if is_crowded {
                sql.execute(others, &[&OTHERS]).await?;
            }
            sets.push(compiled(lab).await?);
            let mut drained = Report::new("drain", 1);
            let (of_it, sql) = (&mut drained, &sql);
            lab.with_node(config, parts, async |node| {
                warmed(&node, sql).await?;
                sql.execute(insert, &[&events, &BRANCHES, &NAMING]).await?;
                lab.settle(sql).await?;
                drain::drain(node, sql, size.events, of_it).await
            })
            .await?;
            rates.extend(drained.samples("drained").first().copied());
        }
        let (Ok([alone, crowded]), [slow, fast]) = (
            <[RuleSet; 2]>::try_from(sets),
            [rates.get(1), rates.first()].map(|rate| rate.copied().unwrap_or_default()),
        ) else {
            return Err(Error::broken("a round has two sets of rules"));
        };
        let events = events_of(lab).await?;
        let judging = tokio::task::spawn_blocking(move || judged(&alone, &crowded, &events));
        let (alone, crowded) = judging
            .await
            .map_err(|e| Error::internal("evaluating broke", e))??;
        report.add("evaluation, 10 rules", "µs/event", alone);
        report.add("evaluation, 10 rules and 1000 others", "µs/event", crowded);
        report.add(
            "evaluation, with the others ÷ without",
            "×",
            crowded / alone,
        );
        report.add("drained, 10 rules", "events/s", fast);
        report.add("drained, 10 rules and 1000 others", "events/s", slow);
        report.add("drain, with the others ÷ without", "×", fast / slow);
    }
    progress.at(steps, steps, "evaluated");
    Ok(())
}

/// Waits until the node has compiled its rules, by an event that none of them is about; leaves the queue paused and nothing behind.
async fn warmed(node: &Node, sql: &Client) -> Result<()> {
    node.bell().until_connected().await;
    sql.batch_execute(
        "insert into neurolink_events (source_module, event_type, payload) values ('bench', 'bench.warmed', '{}')",
    )
    .await?;
    let is_through = "select from neurolink_event_outcomes";
    let began = clock::instant();
    while sql.query_opt(is_through, &[]).await?.is_none() {
        if began.elapsed() > LIMIT {
            return Err(Error::broken("one event was not evaluated in a minute"));
        }
        tokio::time::sleep(LOOK).await;
    }
    sql.batch_execute(
        "select neurolink_pause('event'); delete from neurolink_event_outcomes; delete from neurolink_events",
    )
    .await?;
    Ok(())
}

/// The rules there are, as a node has them.
async fn compiled(lab: &Lab) -> Result<RuleSet> {
    let client = lab.db(1)?.client().await?;
    let (_, rows) = rules::store::load(&client).await?;
    let (set, faults) = RuleSet::compile(&rows);
    match faults.into_iter().next() {
        None => Ok(set),
        Some((_, _, fault)) => Err(Error::broken(fault.detail)),
    }
}

async fn events_of(lab: &Lab) -> Result<Vec<Event>> {
    let client = lab.db(1)?.client().await?;
    let bounds = store::bounds(&client, jiff::Timestamp::UNIX_EPOCH, None).await?;
    let wanted = Wanted::default();
    let stretch = store::stretch(&client, &bounds, bounds.low, EVALUATED, &wanted).await?;
    Ok(stretch.events)
}

/// Microseconds an event takes each set, by turns.
fn judged(alone: &RuleSet, crowded: &RuleSet, events: &[Event]) -> Result<(f64, f64)> {
    let (progress, now) = (watchdog::Progress::default(), clock::now());
    let mut spent = [0.0; 2];
    for turn in 0..TURNS {
        let sets = [(0, alone), (1, crowded)];
        let order = if turn % 2 == 0 { [0, 1] } else { [1, 0] };
        for (which, set) in order.map(|at| sets[at]) {
            let began = clock::instant();
            let judged = compose::judge(set, events, now, &progress);
            spent[which] += began.elapsed().as_secs_f64();
            let judged = judged.map_err(|(_, why)| Error::broken(why))?;
            if judged.iter().any(|judged| judged.matches.len() != 1) {
                return Err(Error::broken("exactly one rule is true for each event"));
            }
        }
    }
    let each = 1e6 / (f64::from(TURNS) * events.len().max(1) as f64);
    Ok((spent[0] * each, spent[1] * each))
}
