//! Runs a trial's pure work on a thread of its own, and waits for it only so long: neither engine can be interrupted. A thread on which
//! a rule hangs keeps its place until it ends, so that trying again can't take all processors.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::kernel::{Error, Result};
use crate::pipeline::watchdog::Progress;

/// One step may take so long; a healthy one takes microseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Threads that try at a time.
pub(super) const THREADS: usize = 2;

static PLACES: Semaphore = Semaphore::const_new(THREADS);

/// What the work sees of whoever waits for it.
pub(super) struct Watch {
    /// To be told of each step.
    pub(super) progress: Progress,
    gone: CancellationToken,
}

impl Watch {
    /// Whether nobody waits any more.
    pub(super) fn is_over(&self) -> bool {
        self.gone.is_cancelled()
    }
}

/// What the work gives. Hold no connection meanwhile that others need.
///
/// # Errors
/// `Unavailable` when a step doesn't come to an end.
pub(super) async fn patiently<T, F>(work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce(&Watch) -> T + Send + 'static,
{
    let hangs = || {
        Error::unavailable("a rule takes too long on an event; the worker's watchdog would stop it")
    };
    let place = tokio::time::timeout(PATIENCE, PLACES.acquire())
        .await
        .map_err(|_| Error::unavailable("other rules are being tried; try again in a moment"))?;
    let watch = Arc::new(Watch {
        progress: Progress::default(),
        gone: CancellationToken::new(),
    });
    // Dropped with this future: the work ends at its next look.
    let _gone = watch.gone.clone().drop_guard();
    let seen = watch.clone();
    let mut thread = tokio::task::spawn_blocking(move || {
        let _place = place;
        work(&seen)
    });
    let mut steps = watch.progress.steps();
    loop {
        match tokio::time::timeout(PATIENCE, &mut thread).await {
            Ok(done) => return done.map_err(|e| Error::internal("trying a rule broke", e)),
            Err(_) if watch.progress.steps() != steps => steps = watch.progress.steps(),
            Err(_) => return Err(hangs()),
        }
    }
}
