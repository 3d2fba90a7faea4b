//! `neurolink bench`: what this product does on this machine and this database, for whoever sizes one. From arguments to a
//! schema of its own, a measurement (`ops::bench`) and a table or JSON.

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::sync::CancellationToken;

use crate::app::{self, database};
use crate::cli::output::Output;
use crate::cli::{Context, Exit, Failure, Outcome};
use crate::config::{Config, Needs};
use crate::kernel::{Error, Result, random};
use crate::ops::bench::load::{self, Target};
use crate::ops::bench::{self, Bench, Lab, Progress, Report, Size, readers};

mod table;

use table::table;

const EXAMPLES: &str = "\
Examples:
  neurolink bench drain                     50 000 events through rules, texts and rows; five rounds
  neurolink bench ingest --quick            a short look at what POST /v1/events takes
  neurolink bench growth --events 100000    claims with up to 100 000 jobs waiting
  neurolink bench streams --json            for a script
  neurolink bench lists --quick             every list over 50 000 events; exit 3 if one takes 50 ms

It works on the database of DATABASE_URL (or the embedded one), in a schema of its own that is dropped at the end, after
Ctrl-C too; nothing of yours is read or changed, but the machine is busy meanwhile. Figures of other programs beside it:
deploy/bench.sh.";

/// After Ctrl-C: a round may end by itself for so long, then it is cut off.
const FAREWELL: Duration = Duration::from_secs(10);

/// Arguments of `neurolink bench`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Single inserts by SQL: with the gated wake, without NOTIFY, with one each
    #[command(after_help = "Example:\n  neurolink bench wake --connections 16")]
    Wake(Options),
    /// POST /v1/events, a commit behind every 201, workers off
    #[command(after_help = "Example:\n  neurolink bench ingest --quick")]
    Ingest(Options),
    /// The same, with the pipeline keeping up behind it
    #[command(after_help = "Example:\n  neurolink bench both --seconds 20")]
    Both(Options),
    /// Events through 20 rules, texts, notifications and deliveries, from a full queue
    #[command(after_help = "Example:\n  neurolink bench drain --events 10000")]
    Drain(Options),
    /// From a commit to the frame at a reader, with nothing else to do
    #[command(after_help = "Example:\n  neurolink bench latency --json")]
    Latency(Options),
    /// Claims while few and while many jobs wait, and under a snapshot held open
    #[command(after_help = "Example:\n  neurolink bench growth --events 100000")]
    Growth(Options),
    /// Thousands of SSE readers: memory, a broadcast, a steady flow
    #[command(after_help = "Example:\n  neurolink bench streams --events 1000")]
    Streams(Options),
    /// Every list, count, trace and summary with millions of rows loaded: how long, what was read, which plan
    #[command(after_help = "Example:\n  neurolink bench lists --events 1000000\n\n5 million events, with 10 million notifications and as many deliveries, want 15 GB of disk and some ten minutes. Each figure is the slowest of\n--rounds answers after six that aren't counted; the whole answer must come within 50 ms, or the exit code is 3.")]
    Lists(Lists),
    /// What 1000 rules about other things cost an event that ten rules are about, in evaluation and in a drain
    #[command(after_help = "Example:\n  neurolink bench rules --quick")]
    Rules(Options),
    /// A rule tried on a million past events, alone and beside the saved version
    #[command(after_help = "Example:\n  neurolink bench backtest --events 200000 --rounds 1")]
    Backtest(Options),
    /// Sends one request over and over (the load generator of `ingest`, for anybody's server)
    #[command(hide = true)]
    Load(Load),
    /// Reads streams as it is told by pipe (the other half of `streams`)
    #[command(hide = true)]
    Readers(Readers),
}

#[derive(Debug, Clone, clap::Args)]
struct Options {
    /// Events (drain, rules, backtest), most jobs waiting (growth), most readers (streams), wakes (latency)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    events: Option<u32>,
    /// Rounds; figures are their medians (default 5; with --quick 1)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,
    /// Seconds a round, where time is the measure (default 5; with --quick 2)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: Option<u32>,
    /// Connections at once (wake, ingest, both)
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// Smaller and shorter
    #[arg(long)]
    quick: bool,
    /// Leave the schema behind, to look into; drop it by hand
    #[arg(long)]
    keep: bool,
    /// Print JSON: every figure with the samples of its rounds
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Lists {
    #[command(flatten)]
    options: Options,
    /// Ask in a schema that an earlier run has left behind with --keep, and load nothing
    #[arg(long, value_parser = kept_schema)]
    schema: Option<String>,
}

fn kept_schema(name: &str) -> std::result::Result<String, String> {
    let rest = name.strip_prefix("neurolink_bench_");
    match rest {
        Some(rest) if rest.bytes().all(|b| b.is_ascii_hexdigit()) => Ok(name.to_owned()),
        _ => Err("that is no schema of a measurement (neurolink_bench_…)".to_owned()),
    }
}

#[derive(Debug, clap::Args)]
struct Load {
    /// Who listens
    #[arg(long)]
    address: SocketAddr,
    /// Path and query
    #[arg(long)]
    path: String,
    /// `Name: value`, as often as needed
    #[arg(long = "header")]
    headers: Vec<String>,
    /// The body; @n@ becomes another number in every request
    #[arg(long)]
    body: String,
    /// Connections at once
    #[arg(long, default_value_t = 64)]
    connections: u32,
    /// For so many seconds
    #[arg(long, default_value_t = 5)]
    seconds: u32,
}

#[derive(Debug, clap::Args)]
struct Readers {
    /// The node
    #[arg(long)]
    address: SocketAddr,
}

/// Measures, and prints what came of it.
///
/// # Errors
/// When the database is away or refuses, or a measurement doesn't come out as it must.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let mut schema = None;
    let (bench, options) = match args.what {
        What::Wake(options) => (Bench::Wake, options),
        What::Ingest(options) => (Bench::Ingest, options),
        What::Both(options) => (Bench::Both, options),
        What::Drain(options) => (Bench::Drain, options),
        What::Latency(options) => (Bench::Latency, options),
        What::Growth(options) => (Bench::Growth, options),
        What::Streams(options) => (Bench::Streams, options),
        What::Rules(options) => (Bench::Rules, options),
        What::Backtest(options) => (Bench::Backtest, options),
        What::Lists(lists) => {
            schema = lists.schema;
            (Bench::Lists, lists.options)
        }
        What::Load(load) => return send(load, context).await,
        What::Readers(readers) => return read(&readers, context).await,
    };
    let config = context.start(Needs::TokenSecret, |sources| {
        // A node of the measurement serves nobody else and tells nobody outside.
        for name in ["REDIS_URL", "SMTP_ENABLED", "NEUROLINK_EMAIL_DIR"] {
            sources.set(name, "");
        }
        sources.set("NEUROLINK_LISTEN", "127.0.0.1:0");
        if let Ok(secret) = random::secret(32) {
            sources.set("JWT_SECRET_KEY", secret);
        }
        if sources.get("NEUROLINK_LOG").is_none() {
            sources.set("NEUROLINK_LOG", "warn");
        }
    })?;
    let opened = database::open(&config, database::Purpose::Command).await?;
    let measured = measure(bench, &options, schema.as_deref(), &config, &opened).await;
    let closed = opened.close().await;
    let report = measured?;
    closed?;
    tell(&report, options.json, context.output())?;
    Ok(if report.missed.is_empty() {
        Exit::Done
    } else {
        Exit::Wrong
    })
}

async fn measure(
    bench: Bench,
    options: &Options,
    schema: Option<&str>,
    config: &Config,
    opened: &database::Opened,
) -> Result<Report> {
    let mut size = Size::of(bench, options.quick);
    size.events = options.events.unwrap_or(size.events);
    size.rounds = options.rounds.unwrap_or(size.rounds);
    size.seconds = options.seconds.unwrap_or(size.seconds);
    size.connections = options.connections;

    let stop = CancellationToken::new();
    let direct = direct(config, opened)?;
    let lab = match schema {
        Some(schema) => Lab::reopen(direct, schema, stop.clone()).await?,
        None => Lab::open(direct, stop.clone()).await?,
    };
    let keep = options.keep || schema.is_some();
    let bar = Bar::new(bench.as_str());
    let measured = until_stopped(bench::run(bench, size, config, &lab, &bar), &stop).await;
    bar.0.finish_and_clear();
    if keep {
        // Standard error: standard output may be a script's.
        let _ = writeln!(std::io::stderr(), "kept: schema {}", lab.schema());
    }
    let closed = lab.close(keep).await;
    let report = measured?;
    closed?;
    Ok(report)
}

/// The measurement; a signal ends it, in good order if it can.
async fn until_stopped(
    measuring: impl Future<Output = Result<Report>>,
    stop: &CancellationToken,
) -> Result<Report> {
    let mut measuring = Box::pin(measuring);
    tokio::select! {
        measured = &mut measuring => measured,
        signal = app::told_to_stop() => {
            stop.cancel();
            signal?;
            tokio::time::timeout(FAREWELL, measuring).await.unwrap_or_else(|_| Err(Error::broken(
                "stopped before it was through; what was made for it is removed")))
        }
    }
}

/// The way to the database that no pooler stands in: the schema is named when a connection is made.
fn direct(config: &Config, opened: &database::Opened) -> Result<tokio_postgres::Config> {
    if let Some(embedded) = &opened.embedded {
        return Ok(embedded.config());
    }
    let urls = [&config.database.listen_url, &config.database.url];
    let url = urls
        .into_iter()
        .flatten()
        .next()
        .ok_or_else(|| Error::broken("there is neither a database's address nor an embedded one"))?;
    url.expose()
        .parse()
        .map_err(|error| Error::internal("the database's address can't be understood", error))
}

/// A bar on a terminal, nothing elsewhere.
struct Bar(ProgressBar);

impl Bar {
    fn new(name: &str) -> Self {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(1), target).with_prefix(name.to_owned());
        if let Ok(style) =
            ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len} {elapsed} {msg}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }
}

impl Progress for Bar {
    fn at(&self, done: u64, total: u64, doing: &str) {
        self.0.set_length(total);
        self.0.set_position(done);
        self.0.set_message(doing.to_owned());
    }
}

fn tell(report: &Report, json: bool, output: Output) -> Result<(), Failure> {
    if json {
        return output.json(report);
    }
    output.text(&table(report, output))
}

async fn send(args: Load, context: &Context) -> Outcome {
    let headers = args
        .headers
        .iter()
        .map(|header| {
            header
                .split_once(':')
                .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
                .ok_or_else(|| Failure::Usage(format!("`{header}` is not `Name: value`")))
        })
        .collect::<Result<_, _>>()?;
    let target = Target {
        address: args.address,
        path: args.path,
        headers,
        body: args.body,
    };
    let length = Duration::from_secs(args.seconds.into());
    let loaded = load::run(target, args.connections, length).await?;
    context.output().json(&loaded)?;
    Ok(Exit::Done)
}

async fn read(args: &Readers, context: &Context) -> Outcome {
    let output = context.output();
    let answer = |line: &str| {
        output
            .line(line)
            .map_err(|failure| std::io::Error::other(failure.message()))
    };
    readers::serve(args.address, answer).await?;
    Ok(Exit::Done)
}
