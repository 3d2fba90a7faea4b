//! Drain: events inserted beforehand, 20 rules loaded and evaluated for each, one true, two of a hundred people told in
//! their inbox; timed from the queue's opening to its being empty, with the workers as the node runs them.

use std::time::Duration;

use tokio_postgres::Client;

use super::{Lab, Progress, Report, Size, process};
use crate::app::{Node, Parts};
use crate::config::Config;
use crate::kernel::{Error, Result, clock};

const PEOPLE: i32 = 100;
const BRANCHES: i32 = 50;
const RULES: i32 = 20;
/// Between two looks at the end of the queue; as precise as that, half a percent of a short run.
const LOOK: Duration = Duration::from_millis(8);
/// A drain that takes longer is broken.
const LIMIT: Duration = Duration::from_secs(600);

pub(super) async fn run(
    size: Size,
    config: &Config,
    lab: &Lab,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<()> {
    let sql = lab.sql().await?;
    sql.execute(
        include_str!("../../../sql/queries/bench/people.sql"),
        &[&PEOPLE],
    )
    .await?;
    sql.execute(
        include_str!("../../../sql/queries/bench/rules.sql"),
        &[&RULES],
    )
    .await?;
    let events = i32::try_from(size.events).unwrap_or(i32::MAX);
    for round in 0..size.rounds {
        lab.going()?;
        let (step, steps) = (u64::from(round) * 2, u64::from(size.rounds) * 2);
        progress.at(step, steps, "inserting events");
        lab.empty(&sql).await?;
        sql.batch_execute("select neurolink_pause('event')").await?;
        sql.execute(
            include_str!("../../../sql/queries/bench/events.sql"),
            &[&events, &BRANCHES, &RULES],
        )
        .await?;
        lab.settle(&sql).await?;
        progress.at(step + 1, steps, "draining");
        let parts = Parts {
            api: false,
            worker: true,
        };
        lab.with_node(config, parts, |node| drain(node, &sql, size.events, report))
            .await?;
    }
    progress.at(1, 1, "drained");
    Ok(())
}

/// Opens the queue and waits until it is empty.
pub(super) async fn drain(
    node: std::sync::Arc<Node>,
    sql: &Client,
    events: u32,
    report: &mut Report,
) -> Result<()> {
    node.bell().until_connected().await;
    node.bell().until_asleep().await;
    if let Some(idle) = process::resident() {
        report.add("resident, idle", "MB", idle as f64 / 1e6);
    }
    let last: i64 = sql
        .query_one("select max(id) from neurolink_jobs", &[])
        .await?
        .get(0);
    let wal = "select pg_current_wal_insert_lsn() - '0/0'::pg_lsn";
    let wal = sql.prepare(&format!("select ({wal})::bigint")).await?;
    // In the order of the primary key, so that no plan scans the table past all that is dead in it.
    let left = sql
        .prepare("select id from neurolink_jobs where id > $1 order by id limit 1")
        .await?;
    // Jobs of one statement are claimed in the order of their ids, a few batches at a time at most.
    let tail = last - i64::from(events.min(4_000));

    let written: i64 = sql.query_one(&wal, &[]).await?.get(0);
    let spent = process::cpu_seconds();
    sql.batch_execute("select neurolink_resume('event')")
        .await?;
    let began = clock::instant();
    while sql.query_opt(&left, &[&tail]).await?.is_some() {
        if began.elapsed() > LIMIT {
            return Err(Error::broken("the queue was not drained in ten minutes"));
        }
        tokio::time::sleep(LOOK).await;
    }
    let took = began.elapsed().as_secs_f64();
    let written = sql.query_one(&wal, &[]).await?.get::<_, i64>(0) - written;

    let thousands = f64::from(events) / 1000.0;
    report.add("drained", "events/s", f64::from(events) / took);
    report.add("WAL per event", "bytes", written as f64 / f64::from(events));
    if let (Some(before), Some(after)) = (spent, process::cpu_seconds()) {
        let spent = (after - before) / thousands;
        report.add("our CPU per 1000 events", "s", spent);
    }
    if let Some(busy) = process::resident() {
        report.add("resident, draining", "MB", busy as f64 / 1e6);
    }
    whole(sql, events).await
}

/// A drain that lost something is not a fast one.
async fn whole(sql: &Client, events: u32) -> Result<()> {
    let row = sql
        .query_one(include_str!("../../../sql/queries/bench/drained.sql"), &[])
        .await?;
    let (jobs, outcomes, told, delivered): (i64, i64, i64, i64) =
        (row.get(0), row.get(1), row.get(2), row.get(3));
    let events = i64::from(events);
    if (jobs, outcomes, told, delivered) != (0, events, 2 * events, 2 * events) {
        return Err(Error::broken(format!(
            "of {events} events there are {jobs} jobs left, {outcomes} outcomes, {told} notifications and {delivered} \
             deliveries; 0, {events}, {0} and {0} were expected",
            2 * events
        )));
    }
    Ok(())
}
