//! Lets the planned faults strike, and mends what they broke. From the plan to signals, SQL and a mail server's mode; each blow
//! is noted with its time and target, for the verdict (who was hit?) and the story.

use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::dice::Dice;
use crate::nodes::Node;
use crate::plan::{Fault, Kind};
use crate::run::{Run, Shared};

/// Half the freezes, kills and wrong clocks may hit this node; the one that writes files has leases too long to freeze it.
const WORKERS: usize = 2;

/// Runs the plan to its end. Each fault has a task of its own: one doesn't wait for another unless both want the same target.
pub async fn strike(run: &Shared, plan: Vec<Fault>) -> Vec<String> {
    let began = tokio::time::Instant::now();
    let mut under_way = tokio::task::JoinSet::new();
    for fault in plan {
        tokio::time::sleep_until(began + fault.at).await;
        let run = run.clone();
        under_way.spawn(async move {
            let outcome = inject(&run, &fault).await;
            outcome.map_err(|error| format!("{} could not be done: {error:#}", fault.kind.word()))
        });
    }
    let ended = under_way.join_all().await;
    ended.into_iter().filter_map(Result::err).collect()
}

async fn inject(run: &Run, fault: &Fault) -> Result<()> {
    match fault.kind {
        Kind::KillNode => kill_node(run, fault).await,
        Kind::FreezeNode => freeze(run, fault).await,
        Kind::ClockOff => clock_off(run, fault).await,
        Kind::KillBackend => kill_backend(run, fault).await,
        Kind::CutListener => cut_listener(run, fault).await,
        Kind::RestartDb => restart_db(run, fault).await,
        Kind::SmtpRefuse => smtp(run, fault, "refuse").await,
        Kind::SmtpStall => smtp(run, fault, "stall").await,
        Kind::SmtpDrop => smtp(run, fault, "drop").await,
        Kind::FullDisk => {
            let blow = run.blow(
                fault.kind,
                &for_a_while("the folder of mails is full", fault.lasts),
                None,
            );
            run.mailbox.fill(fault.lasts).await?;
            run.blow_over(blow);
            Ok(())
        }
    }
}

async fn kill_node(run: &Run, fault: &Fault) -> Result<()> {
    let node = &run.nodes[fault.which % run.nodes.len()];
    let mut process = node.take().await;
    let pid = node.pid(&process);
    let blow = run.blow(
        fault.kind,
        &for_a_while(&format!("node {} is gone", node.name), fault.lasts),
        pid,
    );
    node.kill(&mut process).await?;
    tokio::time::sleep(fault.lasts).await;
    node.spawn(&mut process)?;
    node.until_ready(&mut process, &run.http).await?;
    run.blow_over(blow);
    Ok(())
}

async fn freeze(run: &Run, fault: &Fault) -> Result<()> {
    let node = &run.nodes[fault.which % WORKERS];
    let mut process = node.take().await;
    node.until_ready(&mut process, &run.http).await?;
    let pid = node.pid(&process);
    let blow = run.blow(
        fault.kind,
        &for_a_while(&format!("node {} stands still", node.name), fault.lasts),
        pid,
    );
    node.signal(&process, Signal::STOP)?;
    tokio::time::sleep(fault.lasts).await;
    node.signal(&process, Signal::CONT)?;
    run.blow_over(blow);
    Ok(())
}

async fn clock_off(run: &Run, fault: &Fault) -> Result<()> {
    let node = &run.nodes[fault.which % WORKERS];
    let mut process = node.take().await;
    let off = if Dice::new(fault.which as u64).chance(0.5) {
        600
    } else {
        -600
    };
    // Before it listens for signals, a stop is no orderly one.
    node.until_ready(&mut process, &run.http).await?;
    node.stop(&mut process, Duration::from_secs(15)).await?;
    process.set_clock(off);
    node.spawn(&mut process)?;
    let what = format!("node {}'s clock is {off:+} s off", node.name);
    let blow = run.blow(
        fault.kind,
        &for_a_while(&what, fault.lasts),
        node.pid(&process),
    );
    node.until_ready(&mut process, &run.http).await?;
    // A fault that doesn't strike would prove nothing.
    let date = run.http.get(format!("{}/health", node.base)).send().await?;
    let date = date
        .headers()
        .get("date")
        .and_then(|d| d.to_str().ok())
        .context("an answer without a date")?;
    let theirs = jiff::fmt::rfc2822::parse(date)?.timestamp().as_second();
    let error = theirs - jiff::Timestamp::now().as_second();
    anyhow::ensure!(
        (error - off).abs() < 30,
        "node {}'s clock is {error} s off instead of {off} s",
        node.name
    );
    tokio::time::sleep(fault.lasts).await;
    process.set_clock(0);
    node.until_ready(&mut process, &run.http).await?;
    node.stop(&mut process, Duration::from_secs(15)).await?;
    node.spawn(&mut process)?;
    node.until_ready(&mut process, &run.http).await?;
    run.blow_over(blow);
    Ok(())
}

async fn kill_backend(run: &Run, fault: &Fault) -> Result<()> {
    let _one = run.cluster.fault.lock().await;
    let sql = run.cluster.connect_patiently().await?;
    let backends = sql
        .query(
            "select pid from pg_stat_activity where application_name = 'neurolink' order by pid",
            &[],
        )
        .await?;
    let backend = backends
        .get(fault.which % backends.len().max(1))
        .context("there is no backend to kill")?;
    let pid: i32 = backend.get(0);
    let blow = run.blow(
        fault.kind,
        &format!("backend {pid}; PostgreSQL recovers"),
        None,
    );
    kill_process(Pid::from_raw(pid).context("no process id")?, Signal::KILL)?;
    // Until the server has thrown everybody out it still takes connections, and drops them.
    tokio::time::sleep(Duration::from_millis(500)).await;
    run.cluster.connect_patiently().await?;
    run.blow_over(blow);
    Ok(())
}

async fn cut_listener(run: &Run, fault: &Fault) -> Result<()> {
    let sql = run.cluster.connect_patiently().await?;
    // A listener is known by the lock of its incarnation: the only advisory locks with one key of 64 bits.
    let listeners = sql
        .query("select distinct pid from pg_locks where locktype = 'advisory' and objsubid = 1 and granted order by pid", &[])
        .await?;
    let Some(listener) = listeners.get(fault.which % listeners.len().max(1)) else {
        return Ok(());
    };
    let pid: i32 = listener.get(0);
    let blow = run.blow(fault.kind, &format!("listener connection {pid}"), None);
    sql.execute("select pg_terminate_backend($1)", &[&pid])
        .await?;
    run.blow_over(blow);
    Ok(())
}

async fn restart_db(run: &Run, fault: &Fault) -> Result<()> {
    let _one = run.cluster.fault.lock().await;
    let blow = run.blow(
        fault.kind,
        &for_a_while("PostgreSQL is stopped (immediate)", fault.lasts),
        None,
    );
    run.cluster.stop_immediately().await?;
    tokio::time::sleep(fault.lasts).await;
    run.cluster.start_again().await?;
    run.blow_over(blow);
    Ok(())
}

async fn smtp(run: &Run, fault: &Fault, mode: &str) -> Result<()> {
    // Two modes at once can't be: the later fault waits for the earlier one's end.
    let _one = run.smtp.fault.lock().await;
    let blow = run.blow(
        fault.kind,
        &for_a_while("the mail server", fault.lasts),
        None,
    );
    run.smtp.mode(mode).await?;
    tokio::time::sleep(fault.lasts).await;
    run.smtp.mode("take").await?;
    run.blow_over(blow);
    Ok(())
}

fn for_a_while(what: &str, lasts: Duration) -> String {
    format!("{what} for {:.1} s", lasts.as_secs_f64())
}

/// Starts again whoever ended by itself, as systemd would, until told to stop. Gives who did so after having served.
pub async fn keep(run: Shared, over: tokio_util::sync::CancellationToken) -> Vec<String> {
    let mut ended = Vec::new();
    while !over.is_cancelled() {
        for node in &run.nodes {
            let Some(mut process) = node.try_take() else {
                continue;
            };
            match node.revive(&mut process) {
                Ok(None) => {}
                Ok(Some((status, served))) => {
                    run.say(&format!(
                        "node {} ended by itself ({status}) and is started again",
                        node.name
                    ));
                    if served {
                        ended.push(format!(
                            "node {} ended by itself while serving: {status}",
                            node.name
                        ));
                    }
                }
                Err(error) => run.say(&format!("node {}: {error:#}", node.name)),
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    ended
}

/// Whether one of our nodes was this process.
pub fn node_of(run: &Run, pid: u32) -> Option<&Node> {
    run.nodes.iter().find(|node| node.was(pid))
}
