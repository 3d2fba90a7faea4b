//! Latency: one reader on SSE, a node with nothing to do, an event now and then by SQL; from the commit's answer to the frame in
//! the reader's hands. Beside it, in the same run, a bare NOTIFY's round trip: what PostgreSQL itself takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::figures::quantile_ms;
use super::readers::Reader;
use super::{Lab, Progress, Report, Size, lab};
use crate::app::{Node, Parts};
use crate::config::Config;
use crate::kernel::{Error, Result, clock, random};

/// Between two events: longer than the workers linger, so that each meets a node asleep.
const SHORTEST: f64 = 0.06;
const JITTER: f64 = 0.08;
/// A frame that takes longer is lost.
const LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn run(
    size: Size,
    config: &Config,
    lab: &Lab,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<()> {
    let sql = lab.sql().await?;
    let people = include_str!("../../../sql/queries/bench/people.sql");
    sql.execute(people, &[&2_i32]).await?;
    sql.batch_execute(include_str!("../../../sql/queries/bench/ring_rule.sql"))
        .await?;
    let parts = Parts {
        api: true,
        worker: true,
    };
    for round in 0..size.rounds {
        progress.at(round.into(), size.rounds.into(), "ringing");
        lab.empty(&sql).await?;
        lab.with_node(config, parts, |node| ring(node, size, config, lab, report))
            .await?;
    }
    progress.at(1, 1, "rung");
    Ok(())
}

async fn ring(
    node: Arc<Node>,
    size: Size,
    config: &Config,
    lab: &Lab,
    report: &mut Report,
) -> Result<()> {
    let address = node
        .address()
        .ok_or_else(|| Error::broken("a node with an API listens nowhere"))?;
    node.bell().until_connected().await;
    let token = lab::token(config.auth()?, "u1", &[])?;
    let mut reader = Reader::connect(address, &token).await?;
    let (heard, mut frames) = mpsc::unbounded_channel::<(i64, Instant)>();
    // Ends with its connection, at the node's stop at the latest.
    tokio::spawn(async move {
        while let Ok(sent) = reader.next().await {
            if sent
                .into_iter()
                .any(|number| heard.send((number, clock::instant())).is_err())
            {
                return;
            }
        }
    });

    let sql = lab.sql().await?;
    let emit = sql
        .prepare(include_str!("../../../sql/queries/bench/ring.sql"))
        .await?;
    let mut listener = lab.db(1)?.session().await?;
    listener.client.batch_execute("listen bench_ping").await?;

    let (mut framed, mut notified) = (Vec::new(), Vec::new());
    for number in 0..i64::from(size.events) {
        let pause = SHORTEST + JITTER * random::unit();
        tokio::time::sleep(Duration::from_secs_f64(pause)).await;
        sql.execute(&emit, &[&"ring.one", &number, &"u1"]).await?;
        let committed = clock::instant();
        let arrived = tokio::time::timeout(LIMIT, async {
            loop {
                match frames.recv().await {
                    Some((of, at)) if of == number => return Ok(at),
                    Some(_) => {}
                    None => return Err(Error::broken("the reader's stream ended")),
                }
            }
        })
        .await
        .map_err(|_| Error::broken("a frame didn't come within ten seconds"))??;
        framed.push(arrived.saturating_duration_since(committed));

        let asked = clock::instant();
        sql.batch_execute("notify bench_ping").await?;
        while let Some(heard) = listener.notifications.recv().await {
            if heard.channel() == "bench_ping" {
                break;
            }
        }
        notified.push(asked.elapsed());
    }
    let woken = node.bell().stats();
    let late = woken.timed_out.load(std::sync::atomic::Ordering::Relaxed);
    report.add("commit to frame, p50", "ms", quantile_ms(&mut framed, 0.5));
    report.add("commit to frame, p99", "ms", quantile_ms(&mut framed, 0.99));
    report.add(
        "NOTIFY round trip, p50",
        "ms",
        quantile_ms(&mut notified, 0.5),
    );
    report.add(
        "NOTIFY round trip, p99",
        "ms",
        quantile_ms(&mut notified, 0.99),
    );
    report.add("wakes by the fallback timer", "wakes", late as f64);
    Ok(())
}
