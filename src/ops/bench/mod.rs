//! `neurolink bench`: this product measured on the user's own machine and database, in a schema of its own. From a database
//! connection to figures; `cli/bench` prints them, `deploy/bench.sh` sets them beside those of others (tests/bench).
//! Law: measures through the doors everybody uses (a node, SQL, HTTP), and leaves nothing behind.

mod backtest;
mod drain;
pub mod figures;
mod growth;
mod ingest;
mod lab;
mod latency;
pub mod lists;
pub mod load;
mod process;
pub mod readers;
mod rules;
mod streams;
mod wake;

use crate::config::Config;
use crate::kernel::Result;

pub use figures::{Figure, Report};
pub use lab::Lab;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bench {
    /// Single inserts by SQL, with the gate, without any NOTIFY, and with one each.
    Wake,
    /// Events per second over HTTP, workers off.
    Ingest,
    /// The same with the pipeline keeping up.
    Both,
    /// Events per second through rules, texts and rows.
    Drain,
    /// From a commit to the frame in a reader's hands.
    Latency,
    /// Claims with few and with many jobs waiting, and under a snapshot held open.
    Growth,
    /// Thousands of readers: memory, a broadcast, a steady flow.
    Streams,
    /// Every list, count, trace and summary over millions of rows.
    Lists,
    /// What a thousand rules about other things cost an event.
    Rules,
    /// A rule tried on a million past events.
    Backtest,
}

impl Bench {
    /// Its word on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wake => "wake",
            Self::Ingest => "ingest",
            Self::Both => "both",
            Self::Drain => "drain",
            Self::Latency => "latency",
            Self::Growth => "growth",
            Self::Streams => "streams",
            Self::Lists => "lists",
            Self::Rules => "rules",
            Self::Backtest => "backtest",
        }
    }
}

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Events (drain, rules), most jobs waiting (growth), most readers (streams), wakes (latency), events
    /// loaded (lists, backtest).
    pub events: u32,
    /// Rounds; figures are their medians.
    pub rounds: u32,
    /// Seconds a round, where time is the measure.
    pub seconds: u32,
    /// Connections at once (wake, ingest).
    pub connections: u32,
}

impl Size {
    /// What is measured when nothing else is asked for.
    #[must_use]
    pub fn of(bench: Bench, quick: bool) -> Self {
        let (full, short) = match bench {
            Bench::Drain => (50_000, 10_000),
            Bench::Latency => (300, 60),
            Bench::Growth => (1_000_000, 100_000),
            Bench::Streams => (5_000, 500),
            Bench::Lists => (5_000_000, 50_000),
            Bench::Rules => (20_000, 2_000),
            Bench::Backtest => (1_000_000, 50_000),
            Bench::Wake | Bench::Ingest | Bench::Both => (0, 0),
        };
        Self {
            events: if quick { short } else { full },
            rounds: match bench {
                _ if quick => 1,
                // Of what takes long by itself, three.
                Bench::Backtest => 3,
                _ => 5,
            },
            seconds: if quick { 2 } else { 5 },
            connections: 64,
        }
    }
}

/// Told how far a measurement is.
pub trait Progress: Sync {
    /// `done` of `total` steps; what is being done now.
    fn at(&self, done: u64, total: u64, doing: &str);
}

/// Measures.
///
/// # Errors
/// The database's, or that of a node that can't start.
pub async fn run(
    bench: Bench,
    size: Size,
    config: &Config,
    lab: &Lab,
    progress: &dyn Progress,
) -> Result<Report> {
    let mut report = Report::new(bench.as_str(), size.rounds);
    let report_to = &mut report;
    match bench {
        Bench::Wake => wake::run(size, config, lab, progress, report_to).await?,
        Bench::Ingest => ingest::run(size, false, config, lab, progress, report_to).await?,
        Bench::Both => ingest::run(size, true, config, lab, progress, report_to).await?,
        Bench::Drain => drain::run(size, config, lab, progress, report_to).await?,
        Bench::Latency => latency::run(size, config, lab, progress, report_to).await?,
        Bench::Growth => growth::run(size, lab, progress, report_to).await?,
        Bench::Streams => streams::run(size, config, lab, progress, report_to).await?,
        Bench::Lists => lists::run(size, lab, progress, report_to).await?,
        Bench::Rules => rules::run(size, config, lab, progress, report_to).await?,
        Bench::Backtest => backtest::run(size, config, lab, progress, report_to).await?,
    }
    Ok(report)
}
