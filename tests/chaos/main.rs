//! Everything dies: real nodes on a private PostgreSQL under steady load, while processes are killed and frozen, connections
//! cut, mail servers stall, disks fill and clocks lie, at random from a printed seed. Then quiet, and a verdict in SQL, in what
//! the sinks received and in what readers saw. Run by `deploy/chaos.sh`; arguments in, a summary and an exit code out.
// Helpers of tests are tests: clippy's own allowance covers only functions marked as such.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub
)]

mod args;
mod cluster;
mod deliveries;
mod dice;
mod faults;
mod ledger;
mod load;
mod load_http;
mod load_sql;
mod machine;
mod monitor;
mod nodes;
mod plan;
mod readers;
mod run;
mod sinks;
mod story;
mod summary;
mod verdict;
mod verdict_mails;
mod verdict_rest;
mod wake;
mod world;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use clap::Parser as _;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::args::Args;
use crate::plan::Kind;
use crate::run::{LEASE, Run, Shared};
use crate::summary::Summary;
use crate::verdict::Verdict;

/// How long after the last fault wakes must be back to normal.
const SETTLES: Duration = Duration::from_secs(5);
/// Stories told in full; the rest are named.
const STORIES: usize = 5;

fn main() -> ExitCode {
    // Test runners ask what there is: nothing that wants to run beside other tests.
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let outcome = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        runtime.block_on(async {
            tokio::select! {
                outcome = chaos(&args) => outcome,
                _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
            }
        })
    });
    let passed = match outcome {
        Ok(passed) => passed,
        Err(error) => {
            println!("chaos could not be run to its end: {error:#}");
            false
        }
    };
    println!(
        "{}",
        if passed {
            "1 passed, 0 failed"
        } else {
            "0 passed, 1 failed"
        }
    );
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn chaos(args: &Args) -> Result<bool> {
    let seed = args
        .seed
        .unwrap_or_else(|| jiff::Timestamp::now().as_nanosecond() as u64 % 1_000_000);
    let load = Duration::from_secs_f64(args.minutes.clamp(0.05, 10_000.0) * 60.0);
    let folder = tempfile::Builder::new()
        .prefix("chaos-")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    println!(
        "everything dies for {:.1} minutes, from seed {seed}",
        load.as_secs_f64() / 60.0
    );
    let run = Arc::new(Run::begin(seed, folder.path()).await?);
    let kinds = args::kinds(&run, &args.faults)?;
    let again = format!(
        "deploy/chaos.sh --minutes {} --seed {seed}{}",
        args.minutes,
        match args.faults.as_slice() {
            [] => String::new(),
            some => format!(" --faults {}", some.join(",")),
        }
    );

    let outcome = act(&run, &kinds, load).await;
    let (passed, why) = match outcome {
        Ok(wrong) => (wrong == 0, format!("{wrong} checks failed")),
        Err(error) => (false, format!("{error:#}")),
    };
    if !passed {
        println!("\nFAILED: {why}\nthe same blows again: {again}");
    }
    if args.keep || !passed {
        run.cluster.keep(folder.path()).await?;
        println!("logs and data are kept in {}", folder.keep().display());
    }
    Ok(passed)
}

/// The run from its first event to its verdict; gives how many checks failed.
async fn act(run: &Shared, kinds: &[Kind], load: Duration) -> Result<usize> {
    let over = CancellationToken::new();
    let peaks = Arc::new(monitor::Peaks::default());
    let watching = tokio::spawn(monitor::watch(run.clone(), peaks.clone(), over.clone()));
    let keeping = tokio::spawn(faults::keep(run.clone(), over.clone()));
    let before = wake::measure(run, "before").await?;
    run.say(&format!("wake before: {before}"));

    let mut reading = JoinSet::new();
    let readers = readers::start(run, &over, &mut reading);
    let loading = CancellationToken::new();
    let mut producers = load::start(run, &loading);
    let plan = plan::draw(run.seed, kinds, load, LEASE);
    let until = tokio::time::Instant::now() + load;
    let missed = faults::strike(run, plan).await;
    tokio::time::sleep_until(until).await;
    run.say("the load ends; whoever waits for an answer still gets one");
    loading.cancel();
    while producers.join_next().await.is_some() {}

    tokio::time::sleep(SETTLES).await;
    let after = wake::measure(run, "after").await?;
    run.say(&format!("wake after:  {after}"));
    let quiet = monitor::until_quiet(run).await;
    match &quiet {
        Ok(took) => run.say(&format!(
            "quiet after another {:.1} s; scheduled retries were pulled forward by SQL",
            took.as_secs_f64()
        )),
        Err(error) => run.say(&format!("no quiet: {error:#}")),
    }

    let sql = run.cluster.connect_patiently().await?;
    let mut verdict = Verdict::default();
    verdict_rest::catch_up(&sql, &readers).await?;
    over.cancel();
    while reading.join_next().await.is_some() {}
    watching.await?;
    run.mailbox.collect(&run.mails, run.start).await?;
    verdict_rest::wake(&before, &after, &mut verdict);
    for fault in missed.into_iter().chain(keeping.await?) {
        verdict.check(false, None, || fault);
    }
    let events = verdict::events(&sql).await?;
    verdict::judge(run, &sql, &events, &mut verdict).await?;
    let twice = verdict_mails::judge(run, &sql, &events, &mut verdict).await?;
    verdict_rest::inboxes(&sql, &readers, &events, &mut verdict).await?;
    let connections = verdict_rest::left_over(run, &sql, &mut verdict).await?;
    for node in &run.nodes {
        node.until_ready(&mut *node.take().await, &run.http).await?;
        let stopped = node
            .stop(&mut *node.take().await, Duration::from_secs(15))
            .await;
        verdict.check(stopped.is_ok(), None, || {
            format!("{:#}", stopped.unwrap_err())
        });
    }
    verdict_rest::nothing_left(&sql, &mut verdict).await?;

    let summary = Summary {
        run,
        before: &before,
        after: &after,
        readers: &readers,
        peaks: &peaks,
        connections,
        twice,
    };
    summary.print(&sql, &verdict).await?;
    for wrong in verdict.wrong.iter().take(STORIES) {
        story::tell(run, &sql, wrong).await?;
    }
    for wrong in verdict.wrong.iter().skip(STORIES).take(50) {
        println!("✗ {}", wrong.what);
    }
    Ok(verdict.wrong.len())
}
