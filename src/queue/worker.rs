//! A worker: claims as long as there is something, lingers a little, then rests until the bell rings.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::kernel::backoff::Backoff;
use crate::kernel::{clock, random};
use crate::queue::handle::BellHandle;
use crate::queue::model::{Round, Source};
use crate::queue::peers::PeerCall;

/// As long as a claim of this last while found something, look again instead of sleeping: a steady trickle then pays
/// for neither sleeps nor NOTIFYs.
const LINGER: Duration = Duration::from_millis(20);
/// Between two looks while lingering, and after a short claim: lets a batch gather.
const BREATHER: Duration = Duration::from_millis(2);

/// Runs one source's worker until shutdown. `index` is the source's place at the bell. `helpers` are told
/// whether they are wanted: while claims come back full (on half-empty ones they would only make them smaller).
pub async fn run(
    source: Arc<dyn Source>,
    index: usize,
    bell: BellHandle,
    peers: Arc<PeerCall>,
    helpers: Option<watch::Sender<bool>>,
    shutdown: CancellationToken,
) {
    let Some(mut nudges) = bell.nudges(index) else {
        return;
    };
    let mut failures = 0;
    while !shutdown.is_cancelled() {
        let nudge = *nudges.borrow_and_update();
        bell.begin(index, nudge);
        let ways = (&bell, &*peers, helpers.as_ref());
        busy(&*source, ways, &mut failures, &shutdown).await;
        bell.end();
        tokio::select! {
            changed = nudges.changed() => if changed.is_err() { return },
            () = bell.patrol(source.patrol()) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

async fn busy(
    source: &dyn Source,
    (bell, peers, helpers): (&BellHandle, &PeerCall, Option<&watch::Sender<bool>>),
    failures: &mut u32,
    shutdown: &CancellationToken,
) {
    let mut from_zero = true;
    let mut found_at: Option<Instant> = None;
    while !shutdown.is_cancelled() {
        let outcome = source.round(from_zero).await;
        from_zero = false;
        let full = matches!(outcome, Ok(Round { full: true, .. }));
        if let Some(helpers) = helpers {
            helpers.send_if_modified(|on| std::mem::replace(on, full) != full);
        }
        match outcome {
            Ok(round) if round.claimed > 0 => {
                *failures = 0;
                bell.found();
                found_at = Some(clock::instant());
                if full {
                    peers.call();
                } else {
                    tokio::time::sleep(BREATHER).await;
                }
            }
            Ok(_) => {
                *failures = 0;
                if found_at.is_none_or(|at| at.elapsed() >= LINGER) {
                    return;
                }
                tokio::time::sleep(BREATHER).await;
            }
            Err(error) => {
                *failures += 1;
                from_zero = true;
                let wait = Backoff::RECONNECT.after(*failures, random::unit());
                tracing::warn!(source = source.name(), error = %error.chain(), retry_in_ms = wait.as_millis() as u64,
                    "a look at the queue failed");
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = shutdown.cancelled() => return,
                }
            }
        }
    }
}

/// A source's helper: claims while the first worker's claims come back full. Busy like any other worker: as long as its
/// batch is open, nobody may take the queue for empty.
pub async fn run_helper(
    source: Arc<dyn Source>,
    index: usize,
    bell: BellHandle,
    mut on: watch::Receiver<bool>,
    shutdown: CancellationToken,
) {
    loop {
        tokio::select! {
            wanted = on.wait_for(|on| *on) => if wanted.is_err() { return },
            () = shutdown.cancelled() => return,
        }
        bell.begin(index, 0);
        while *on.borrow() && !shutdown.is_cancelled() {
            match source.round(false).await {
                Ok(round) if round.claimed > 0 => {}
                Ok(_) => tokio::time::sleep(BREATHER).await,
                // The first worker meets what is wrong as well, and waits for it. But what this claim gave back, it may
                // have passed over: it looks again before anybody sleeps.
                Err(_) => {
                    bell.nudge(index);
                    tokio::time::sleep(BREATHER).await;
                }
            }
        }
        bell.end();
    }
}
