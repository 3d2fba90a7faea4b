//! Growth: how long a claim takes with a thousand, with a hundred times and with a thousand times as many jobs waiting, and
//! with a snapshot held open all along, so that vacuum can't clean behind it. Sweeps included, as the pipeline does them.

use std::time::Duration;

use tokio_postgres::Client;

use super::figures::quantile_ms;
use super::{Lab, Progress, Report, Size};
use crate::db::{Db, Tx};
use crate::kernel::{Lane, Result, clock};
use crate::queue;
use crate::queue::marks::Position;
use crate::queue::sweep::SharedMarks;

/// What all others are compared with.
const FEW: u32 = 1_000;
/// Jobs a claim, and claims a level.
const BATCH: usize = 500;
const CLAIMS: usize = 400;
const EVENTS: i32 = 1_000;

pub(super) async fn run(
    size: Size,
    lab: &Lab,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<()> {
    let sql = lab.sql().await?;
    sql.execute(
        include_str!("../../../sql/queries/bench/events.sql"),
        &[&EVENTS, &50_i32, &20_i32],
    )
    .await?;
    let db = lab.db(2)?;
    let mut levels = vec![
        (FEW, false),
        (FEW, true),
        (size.events / 10, false),
        (size.events, false),
        (size.events, true),
    ];
    // Of small sizes two levels may be one.
    levels.retain(|(waiting, _)| *waiting >= FEW);
    levels.sort_unstable();
    levels.dedup();
    let steps = u64::from(size.rounds) * levels.len() as u64;
    let mut step = 0;
    for _ in 0..size.rounds {
        let mut base = 0.0;
        for &(waiting, held) in &levels {
            lab.going()?;
            let name = name_of(waiting, held);
            progress.at(step, steps, &name);
            step += 1;
            let mut took = level(lab, &db, &sql, waiting, held).await?;
            let p99 = quantile_ms(&mut took, 0.99);
            report.add(&format!("{name}, p50"), "ms", quantile_ms(&mut took, 0.5));
            report.add(&format!("{name}, p99"), "ms", p99);
            if (waiting, held) == (FEW, false) {
                base = p99;
            } else {
                report.add(&format!("{name}, p99 ÷ {FEW} waiting"), "×", p99 / base);
            }
        }
    }
    progress.at(steps, steps, "claimed");
    Ok(())
}

fn name_of(waiting: u32, held: bool) -> String {
    let held = if held { ", a snapshot held" } else { "" };
    format!("{waiting} waiting{held}")
}

/// What claims took while so many jobs waited.
async fn level(
    lab: &Lab,
    db: &Db,
    sql: &Client,
    waiting: u32,
    held: bool,
) -> Result<Vec<Duration>> {
    sql.batch_execute("truncate neurolink_jobs").await?;
    let fill = sql
        .prepare(include_str!("../../../sql/queries/bench/jobs.sql"))
        .await?;
    sql.execute(&fill, &[&i64::from(waiting)]).await?;
    lab.settle(sql).await?;
    let keeper = lab.sql().await?;
    if held {
        keeper
            .batch_execute(
                "begin isolation level repeatable read; select count(*) from neurolink_meta",
            )
            .await?;
    }
    let marks = SharedMarks::new(db.clone(), "event");
    let mut took = Vec::with_capacity(CLAIMS);
    for _ in 0..CLAIMS {
        let places: Vec<(Lane, i32, Position)> = queue::lanes::quotas(BATCH, false)
            .map(|(lane, most)| (lane, most, marks.start(&("", lane.number()))))
            .to_vec();
        let tx = Tx::unbegun(db.client().await?);
        let begun = clock::instant();
        let claim = queue::store::claim_events(&tx, &places).await?;
        took.push(begun.elapsed());
        for job in &claim.jobs {
            let from = marks.start(&("", job.lane));
            marks.raise(("", job.lane), from, (job.run_at, job.job_id));
        }
        marks.sweep_when_due();
        let claimed = i64::try_from(claim.jobs.len()).unwrap_or_default();
        tx.commit().await?;
        sql.execute(&fill, &[&claimed]).await?;
    }
    if held {
        keeper.batch_execute("rollback").await?;
    }
    Ok(took)
}
