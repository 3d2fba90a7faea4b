//! Wake: single-row inserts by SQL over many connections, with workers at work and a listener present; with the gate, with no
//! NOTIFY at all, and with one in every transaction, by turns in the same run.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Client;

use super::{Lab, Progress, Report, Size};
use crate::app::{Node, Parts};
use crate::config::Config;
use crate::db::Db;
use crate::kernel::{Error, Result, clock};

/// Workers look this often by themselves here, whatever wakes them: in every variant they are busy.
const BUSY: Duration = Duration::from_millis(5);
const SETTLE: Duration = Duration::from_millis(300);

/// What the queue's trigger does, and the statements that make it so.
const VARIANTS: [(&str, &str); 3] = [
    (
        "gated",
        "alter table neurolink_jobs enable trigger neurolink_jobs_wake; alter table neurolink_jobs disable trigger bench_always",
    ),
    (
        "without NOTIFY",
        "alter table neurolink_jobs disable trigger neurolink_jobs_wake; alter table neurolink_jobs disable trigger bench_always",
    ),
    (
        "always NOTIFY",
        "alter table neurolink_jobs disable trigger neurolink_jobs_wake; alter table neurolink_jobs enable trigger bench_always",
    ),
];

pub(super) async fn run(
    size: Size,
    config: &Config,
    lab: &Lab,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<()> {
    let sql = lab.sql().await?;
    sql.batch_execute(include_str!("../../../sql/queries/bench/always.sql"))
        .await?;
    let parts = Parts {
        api: false,
        worker: true,
    };
    let steps = u64::from(size.rounds) * VARIANTS.len() as u64;
    let mut step = 0;
    for _ in 0..size.rounds {
        for (name, setup) in VARIANTS {
            progress.at(step, steps, name);
            step += 1;
            sql.batch_execute(setup).await?;
            lab.empty(&sql).await?;
            let db = lab.db(1)?;
            let rate = lab
                .with_node(config, parts, |node| one(node, db, size))
                .await?;
            report.add(name, "inserts/s", rate);
        }
        ratio(report, "gated ÷ without NOTIFY", "without NOTIFY");
        ratio(report, "gated ÷ always NOTIFY", "always NOTIFY");
    }
    progress.at(steps, steps, "inserted");
    Ok(())
}

/// This round's gated rate over another's.
fn ratio(report: &mut Report, name: &str, other: &str) {
    let last = |of: &str| report.samples(of).last().copied().unwrap_or_default();
    let quotient = last("gated") / last(other).max(1.0);
    report.add(name, "×", quotient);
}

async fn one(node: Arc<Node>, db: Db, size: Size) -> Result<f64> {
    node.bell().until_connected().await;
    let length = Duration::from_secs(size.seconds.into());
    let inserting = tokio::task::spawn_blocking(move || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::internal("the inserters' thread can't be started", e))?
            .block_on(insert(db, size.connections, length))
    });
    tokio::pin!(inserting);
    let mut tick = tokio::time::interval(BUSY);
    loop {
        tokio::select! {
            done = &mut inserting => {
                return done.map_err(|e| Error::internal("the inserters broke", e))?;
            }
            _ = tick.tick() => node.bell().wake_all(),
        }
    }
}

/// Inserts per second over so many connections.
async fn insert(db: Db, connections: u32, length: Duration) -> Result<f64> {
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(db.session().await?.client);
    }
    let from = clock::instant() + SETTLE;
    let until = from + length;
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|client: Client| {
            tokio::spawn(async move {
                let insert = client
                    .prepare(include_str!("../../../sql/queries/bench/one_event.sql"))
                    .await?;
                let mut counted = 0_u64;
                while clock::instant() < until {
                    client.execute(&insert, &[]).await?;
                    if clock::instant() >= from {
                        counted += 1;
                    }
                }
                Ok::<_, Error>(counted)
            })
        })
        .collect();
    let mut inserted = 0;
    for task in tasks {
        inserted += task
            .await
            .map_err(|e| Error::internal("an inserter broke", e))??;
    }
    Ok(inserted as f64 / length.as_secs_f64())
}
