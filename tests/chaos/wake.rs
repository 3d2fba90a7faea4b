//! How long a sleeping system takes to evaluate an event: from the commit of an insert to the outcome's row being there. Measured
//! before anything died and right after the last fault; the difference goes to the verdict.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::dice::Dice;
use crate::run::Run;

const PROBES: usize = 25;
/// Nobody waits longer; a lost wake is found by the 5 s fallback.
const PATIENCE: Duration = Duration::from_secs(20);

/// Commit to outcome of single events, sorted.
#[derive(Debug, Clone)]
pub struct Latency(Vec<Duration>);

impl Latency {
    pub fn p50(&self) -> Duration {
        self.0[self.0.len() / 2]
    }

    pub fn p90(&self) -> Duration {
        self.0[self.0.len() * 9 / 10]
    }

    pub fn worst(&self) -> Duration {
        self.0[self.0.len() - 1]
    }
}

impl std::fmt::Display for Latency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |d: Duration| d.as_secs_f64() * 1000.0;
        write!(
            f,
            "p50 {:.1} ms, p90 {:.1} ms, worst {:.1} ms",
            ms(self.p50()),
            ms(self.p90()),
            ms(self.worst())
        )
    }
}

/// Inserts single events at odd moments and waits for each one's outcome.
pub async fn measure(run: &Run, when: &str) -> Result<Latency> {
    let sql = run.cluster.connect_patiently().await?;
    let mut dice = Dice::of(run.seed, when);
    let insert = "insert into neurolink_events (source_module, event_type) values ('probe', 'probe.ping') returning id";
    let insert = sql.prepare(insert).await?;
    let outcome = sql
        .prepare("select exists (select from neurolink_event_outcomes where event_id = $1)")
        .await?;
    let mut all = Vec::new();
    for _ in 0..PROBES {
        tokio::time::sleep(dice.seconds(0.06, 0.2)).await;
        let id: i64 = sql.query_one(&insert, &[]).await?.get(0);
        let committed = Instant::now();
        while !sql.query_one(&outcome, &[&id]).await?.get::<_, bool>(0) {
            ensure!(
                committed.elapsed() < PATIENCE,
                "probe event {id} isn't evaluated after {} s",
                PATIENCE.as_secs()
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        all.push(committed.elapsed());
    }
    all.sort_unstable();
    Ok(Latency(all))
}
