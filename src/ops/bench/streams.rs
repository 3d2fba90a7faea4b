//! Streams: thousands of readers on SSE. What one costs the node in memory, how long a broadcast takes to reach the last of
//! them, and how late frames are while 500 events a second flow.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_postgres::Client;

use super::readers::Came;
use super::{Lab, Progress, Report, Size, lab, process};
use crate::app::{Node, Parts};
use crate::config::Config;
use crate::kernel::{Error, Result, clock};

const PER_SECOND: u32 = 500;
const BROADCASTS: u32 = 3;
/// For memory to be given back that connecting needed for a moment.
const SETTLE: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(30);
/// Files a node needs beside its readers'.
const FILES: u64 = 100;

pub(super) async fn run(
    size: Size,
    config: &Config,
    lab: &Lab,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<()> {
    let most = process::raise_open_files();
    if u64::from(size.events) + FILES > most {
        return Err(Error::broken(format!(
            "{} readers need as many open files, and this process may open {most}: raise the limit (ulimit -Hn) or ask \
             for fewer with --events",
            size.events
        )));
    }
    let sql = lab.sql().await?;
    let people = include_str!("../../../sql/queries/bench/people.sql");
    let count = i32::try_from(size.events).unwrap_or(i32::MAX);
    sql.execute(people, &[&count]).await?;
    sql.batch_execute(include_str!("../../../sql/queries/bench/ring_rule.sql"))
        .await?;
    let levels = [size.events / 5, size.events];
    let parts = Parts {
        api: true,
        worker: true,
    };
    for round in 0..size.rounds {
        for (index, count) in levels.into_iter().filter(|count| *count > 0).enumerate() {
            let step = u64::from(round) * 2 + index as u64;
            progress.at(
                step,
                u64::from(size.rounds) * 2,
                &format!("{count} readers"),
            );
            lab.empty(&sql).await?;
            lab.with_node(config, parts, |node| {
                level(node, count, size, config, &sql, report)
            })
            .await?;
        }
    }
    progress.at(1, 1, "streamed");
    Ok(())
}

async fn level(
    node: Arc<Node>,
    count: u32,
    size: Size,
    config: &Config,
    sql: &Client,
    report: &mut Report,
) -> Result<()> {
    let address = node
        .address()
        .ok_or_else(|| Error::broken("a node with an API listens nowhere"))?;
    node.bell().until_connected().await;
    let emit = sql
        .prepare(include_str!("../../../sql/queries/bench/ring.sql"))
        .await?;
    let first = i32::try_from(count).unwrap_or(i32::MAX);
    let active = include_str!("../../../sql/queries/bench/active.sql");
    sql.execute(active, &[&first]).await?;
    // Everybody's inbox is opened before anything is measured.
    sql.execute(&emit, &[&"ring.all", &0_i64, &""]).await?;
    until_drained(sql).await?;
    tokio::time::sleep(SETTLE).await;

    let before = process::resident();
    let mut crowd = Crowd::start(address)?;
    for number in 1..=count {
        let token = lab::token(config.auth()?, &format!("u{number}"), &[])?;
        crowd.tell(&format!("read {token}")).await?;
    }
    crowd.tell("ready").await?;
    crowd.answer().await?;
    tokio::time::sleep(SETTLE).await;
    if let (Some(before), Some(after)) = (before, process::resident()) {
        let each = after.saturating_sub(before) as f64 / 1024.0 / f64::from(count);
        report.add(&format!("{count} readers, memory each"), "KiB", each);
    }

    for _ in 0..BROADCASTS {
        let sent = clock::now().as_microsecond();
        sql.execute(&emit, &[&"ring.all", &sent, &""]).await?;
        let came = crowd.expect(u64::from(count)).await?;
        let name = format!("{count} readers, a broadcast has reached all");
        report.add(&name, "ms", came.last_ms);
        tokio::time::sleep(SETTLE / 4).await;
    }

    let flowing = size.seconds * PER_SECOND;
    let mut tick = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
    for number in 0..flowing {
        tick.tick().await;
        // Everybody in turn, in strides that are prime to their number.
        let to = format!("u{}", u64::from(number) * 7919 % u64::from(count) + 1);
        let sent = clock::now().as_microsecond();
        sql.execute(&emit, &[&"ring.one", &sent, &to]).await?;
    }
    let came = crowd.expect(flowing.into()).await?;
    let name = format!("{count} readers, {PER_SECOND} events/s, commit to frame");
    report.add(&format!("{name}, p50"), "ms", came.p50_ms);
    report.add(&format!("{name}, p99"), "ms", came.p99_ms);
    Ok(())
}

async fn until_drained(sql: &Client) -> Result<()> {
    let left = "select exists (select from neurolink_jobs)";
    let deadline = clock::instant() + LIMIT;
    while sql.query_one(left, &[]).await?.get(0) {
        if clock::instant() > deadline {
            return Err(Error::broken("the first event was not evaluated in 30 s"));
        }
        tokio::time::sleep(SETTLE / 50).await;
    }
    Ok(())
}

/// The readers' process; ends with this value.
struct Crowd {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Crowd {
    fn start(address: SocketAddr) -> Result<Self> {
        let broke = |error| Error::internal("the readers' process can't be started", error);
        let program = std::env::current_exe().map_err(broke)?;
        let mut child = Command::new(program)
            .args(["bench", "readers", "--address", &address.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(broke)?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Self {
                _child: child,
                input,
                output: BufReader::new(output).lines(),
            }),
            _ => Err(Error::broken("the readers' process has no pipes")),
        }
    }

    async fn tell(&mut self, line: &str) -> Result<()> {
        self.input
            .write_all(format!("{line}\n").as_bytes())
            .await
            .map_err(|error| Error::internal("the readers' process went away", error))
    }

    async fn answer(&mut self) -> Result<String> {
        self.output
            .next_line()
            .await
            .map_err(|error| Error::internal("the readers' process went away", error))?
            .ok_or_else(|| Error::broken("the readers' process ended; it has said why"))
    }

    async fn expect(&mut self, frames: u64) -> Result<Came> {
        self.tell(&format!("expect {frames} 30")).await?;
        let came: Came = serde_json::from_str(&self.answer().await?)
            .map_err(|error| Error::internal("the readers' answer can't be understood", error))?;
        if came.frames < frames {
            return Err(Error::broken(format!(
                "{frames} frames were sent and {} arrived within 30 s",
                came.frames
            )));
        }
        Ok(came)
    }
}
