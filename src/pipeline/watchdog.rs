//! Runs the pure stations on a thread of their own, under a watchdog: neither engine can be interrupted, so a rule that
//! hangs costs its thread, is stopped on every node, and the batch is tried again without it. A panic costs its event.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::ingest::Event;
use crate::kernel::Error;
use crate::pipeline::Failure;
use crate::pipeline::compose::{self, Composed, Judged, Order};
use crate::pipeline::rulebook::Rulebook;
use crate::rules::RuleSet;

/// What a pure station is at, for the watchdog to see.
#[derive(Debug, Default)]
pub struct Progress {
    rule: AtomicI64,
    version: AtomicI32,
    steps: AtomicU64,
}

impl Progress {
    /// This rule is next.
    pub fn at(&self, rule: i64, version: i32) {
        self.rule.store(rule, Ordering::Relaxed);
        self.version.store(version, Ordering::Relaxed);
        self.steps.fetch_add(1, Ordering::Release);
    }

    /// How often there was a next one.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Acquire)
    }
}

/// An event that can't be worked on: which of the batch, and why.
pub type Broken = (usize, String);

/// A pure station's failure, before it is known which job the event is of.
#[derive(Debug)]
pub enum Upset {
    /// This event of the batch broke it.
    Event(Broken),
    /// Nobody's event.
    Other(Error),
}

impl Upset {
    /// The failure, with the job of the event that caused it.
    #[must_use]
    pub fn of(self, jobs: &[i64]) -> Failure {
        match self {
            Self::Event((index, why)) => Failure {
                error: Error::broken(why),
                culprit: jobs.get(index).copied(),
                is_blameless: false,
            },
            Self::Other(error) => error.into(),
        }
    }
}

/// Station 4 for a batch.
///
/// # Errors
/// An event that breaks the evaluator, or a rule that hangs (the batch may then be tried again at once).
pub async fn judge(
    patience: Duration,
    rulebook: &Arc<Rulebook>,
    rules: &Arc<RuleSet>,
    events: &Arc<Vec<Event>>,
    now: jiff::Timestamp,
) -> Result<Vec<Judged>, Upset> {
    let (rules, events) = (rules.clone(), events.clone());
    watched(patience, rulebook, move |progress| {
        compose::judge(&rules, &events, now, progress)
    })
    .await
}

/// Stations 5 and 6 for a batch, up to the rows.
///
/// # Errors
/// As [`judge`].
pub(crate) async fn compose(
    patience: Duration,
    rulebook: &Arc<Rulebook>,
    events: &Arc<Vec<Event>>,
    judged: Vec<Judged>,
    order: Order,
) -> Result<(Composed, Order), Upset> {
    let events = events.clone();
    watched(patience, rulebook, move |progress| {
        let composed = compose::compose(&events, judged, &order, progress)?;
        Ok((composed, order))
    })
    .await
}

/// Another pure station that works with rules, event by event.
///
/// # Errors
/// As [`judge`].
pub(crate) async fn run<T, F>(
    patience: Duration,
    rulebook: &Arc<Rulebook>,
    work: F,
) -> Result<T, Upset>
where
    T: Send + 'static,
    F: FnOnce(&Progress) -> Result<T, Broken> + Send + 'static,
{
    watched(patience, rulebook, work).await
}

async fn watched<T, F>(patience: Duration, rulebook: &Arc<Rulebook>, work: F) -> Result<T, Upset>
where
    T: Send + 'static,
    F: FnOnce(&Progress) -> Result<T, Broken> + Send + 'static,
{
    let progress = Arc::new(Progress::default());
    let seen = progress.clone();
    let mut thread = tokio::task::spawn_blocking(move || work(&seen));
    let mut steps = 0;
    loop {
        match tokio::time::timeout(patience, &mut thread).await {
            Ok(Ok(outcome)) => return outcome.map_err(Upset::Event),
            Ok(Err(join)) => {
                return Err(Upset::Other(Error::internal(
                    "the evaluator's thread broke",
                    join,
                )));
            }
            Err(_elapsed) => {
                let now = progress.steps();
                if now != steps {
                    steps = now;
                    continue;
                }
                let (rule, version) = (
                    progress.rule.load(Ordering::Relaxed),
                    progress.version.load(Ordering::Relaxed),
                );
                let detail = format!(
                    "evaluating or rendering it for one event took longer than {} ms",
                    patience.as_millis()
                );
                rulebook.stop(rule, version, &detail).await;
                return Err(Upset::Other(Error::unavailable(
                    "a rule was stopped; its batch is tried again without it",
                )));
            }
        }
    }
}
