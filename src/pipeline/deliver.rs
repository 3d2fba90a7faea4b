//! Stations 7 to 9: claims delivery jobs for the slots that are free, and tries each in a task of its own.
//!
//! A job is claimed only when a slot waits for it, so a claimed job is begun at once. A try is not begun unless the rest of
//! its lease is longer than the channel's time-out, nor while the listener is down (others may take us for dead).

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::db::Db;
use crate::deliveries::channels::Channel;
use crate::deliveries::completer::Completer;
use crate::deliveries::decide::decide;
use crate::deliveries::model::{Attempted, Next, Outgoing, SendError};
use crate::deliveries::store::{self, Work};
use crate::kernel::meters::Meters;
use crate::kernel::{Lane, Result, clock, random};
use crate::pipeline::meters::AttemptMeters;
use crate::queue::marks::ZERO;
use crate::queue::model::{DeliveryJob, Round, Source};
use crate::queue::presence::Presence;
use crate::queue::store::DeliveryPlace;
use crate::queue::sweep::SharedMarks;

struct Way {
    channel: Arc<dyn Channel>,
    slots: Arc<Semaphore>,
    /// Jobs may wait for a slot: the next one that comes free takes the flag down and looks.
    limited: AtomicBool,
}

/// The source of delivery jobs.
pub struct Dispatcher {
    db: Db,
    presence: Arc<Presence>,
    lease: Duration,
    ways: Vec<Arc<Way>>,
    completer: Completer,
    marks: SharedMarks,
    /// One claim at a time: a look that met only slots held by another claim would take the queue for empty. Holds how
    /// many claims in a row took something, but no bulk.
    claiming: tokio::sync::Mutex<u32>,
    slot_freed: Arc<dyn Fn() + Send + Sync>,
    tries: TaskTracker,
    give_up: CancellationToken,
    meters: Arc<AttemptMeters>,
}

impl Dispatcher {
    /// For these channels. `slot_freed` is called when a slot comes free that a waiting job may want.
    #[must_use]
    pub fn new(
        db: Db,
        presence: Arc<Presence>,
        lease: Duration,
        channels: &[Arc<dyn Channel>],
        completer: Completer,
        slot_freed: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        let ways = channels
            .iter()
            .map(|channel| {
                Arc::new(Way {
                    channel: channel.clone(),
                    slots: Arc::new(Semaphore::new(channel.concurrency())),
                    limited: AtomicBool::new(false),
                })
            })
            .collect();
        let marks = SharedMarks::new(db.clone(), "delivery");
        Self {
            db,
            presence,
            lease,
            ways,
            completer,
            marks,
            claiming: tokio::sync::Mutex::new(0),
            slot_freed,
            tries: TaskTracker::new(),
            give_up: CancellationToken::new(),
            meters: Arc::new(AttemptMeters::new(&Meters::default())),
        }
    }

    /// The same, counting its tries.
    #[must_use]
    pub fn metered(mut self, meters: &Meters) -> Self {
        self.meters = Arc::new(AttemptMeters::new(meters));
        self
    }

    /// Waits for tries under way; after the deadline the rest is abandoned, recorded as ambiguous and given back at once.
    pub async fn finish(&self, deadline: Duration) {
        self.tries.close();
        // A claim under way begins its tries first; later ones see that it is closed.
        drop(self.claiming.lock().await);
        if tokio::time::timeout(deadline, self.tries.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                tries = self.tries.len(),
                "tries outlasted the shutdown's deadline and are given back"
            );
            self.give_up.cancel();
            self.tries.wait().await;
        }
    }

    async fn claim(&self, from_zero: bool) -> Result<Round> {
        let mut without_bulk = self.claiming.lock().await;
        if self.ways.is_empty() || !self.presence.is_connected() || self.tries.is_closed() {
            return Ok(Round::default());
        }
        let mut free: HashMap<&'static str, (Arc<Way>, Vec<OwnedSemaphorePermit>)> = HashMap::new();
        for way in &self.ways {
            let mut permits = Vec::new();
            // Before the slots are counted: one that comes free from now on is either counted or looks. Both sides swap,
            // so that whoever comes second sees what the first did.
            way.limited.swap(true, Ordering::AcqRel);
            while let Ok(permit) = way.slots.clone().try_acquire_owned() {
                permits.push(permit);
            }
            if !permits.is_empty() {
                free.insert(way.channel.kind().as_str(), (way.clone(), permits));
            }
        }
        if from_zero {
            self.marks.reset();
        }
        // Critical, normal, bulk; but bulk first after seven claims without any, so that it never starves.
        let order = if *without_bulk >= 7 {
            [Lane::Bulk, Lane::Critical, Lane::Normal]
        } else {
            Lane::ALL
        };
        let (mut claimed, mut bulk) = (0, 0);
        for lane in order {
            let more = self.claim_lane(lane, &mut free).await?;
            claimed += more;
            if lane == Lane::Bulk {
                bulk = more;
            }
        }
        // A look without a free slot decides nothing.
        if claimed > 0 {
            *without_bulk = match (bulk, *without_bulk) {
                (0, passed_over @ ..7) => passed_over + 1,
                _ => 0,
            };
        }
        self.marks.sweep_when_due();
        for (way, permits) in free.values() {
            // A slot is left: nothing waits for one.
            if !permits.is_empty() {
                way.limited.store(false, Ordering::Release);
            }
        }
        Ok(Round {
            claimed,
            full: false,
        })
    }

    async fn claim_lane(
        &self,
        lane: Lane,
        free: &mut HashMap<&'static str, (Arc<Way>, Vec<OwnedSemaphorePermit>)>,
    ) -> Result<usize> {
        let places: Vec<DeliveryPlace> = {
            free.iter()
                .filter(|(_, (_, permits))| !permits.is_empty())
                .map(|(&channel, (_, permits))| DeliveryPlace {
                    channel,
                    lane,
                    most: i32::try_from(permits.len()).unwrap_or(i32::MAX),
                    start: self.marks.start(&(channel, lane.number())),
                })
                .collect()
        };
        if places.is_empty() {
            return Ok(0);
        }
        // The lease is counted from before the claim was sent: never longer than the database's.
        let lease_end = clock::instant() + self.lease;
        let client = self.db.client().await?;
        let worker = self.presence.incarnation().0;
        let jobs =
            crate::queue::store::claim_deliveries(&client, &places, worker, self.lease).await?;
        drop(client);
        let claimed = jobs.len();
        for (job, position) in jobs {
            let channel: &str = job.row.try_get("channel")?;
            let Some((&name, _)) = free.get_key_value(channel) else {
                continue;
            };
            let from = places.iter().find(|place| place.channel == name);
            let from = from.map_or(ZERO, |place| place.start);
            self.marks.raise((name, lane.number()), from, position);
            let Some((way, permits)) = free.get_mut(channel) else {
                continue;
            };
            if let Some(permit) = permits.pop() {
                self.begin(way.clone(), job, lease_end, permit);
            }
        }
        Ok(claimed)
    }

    fn begin(
        &self,
        way: Arc<Way>,
        job: DeliveryJob,
        lease_end: Instant,
        slot: OwnedSemaphorePermit,
    ) {
        let (completer, slot_freed, give_up) = (
            self.completer.clone(),
            self.slot_freed.clone(),
            self.give_up.clone(),
        );
        let (presence, meters) = (self.presence.clone(), self.meters.clone());
        self.tries.spawn(async move {
            let ended = attempt(&*way.channel, &job, lease_end, &presence, &give_up).await;
            meters.ended(way.channel.kind(), ended.outcome, ended.took);
            completer.report(ended);
            drop(slot);
            if way.limited.swap(false, Ordering::AcqRel) {
                slot_freed();
            }
        });
    }
}

impl Source for Dispatcher {
    fn name(&self) -> &'static str {
        "deliveries"
    }

    fn round(&self, from_zero: bool) -> BoxFuture<'_, Result<Round>> {
        Box::pin(self.claim(from_zero))
    }
}

/// One try, from the claimed job to what becomes of it.
async fn attempt(
    channel: &dyn Channel,
    job: &DeliveryJob,
    lease_end: Instant,
    presence: &Presence,
    give_up: &CancellationToken,
) -> Attempted {
    let untried = |next: Next, error: Option<String>| Attempted {
        job_id: job.job_id,
        delivery_id: job.delivery_id,
        attempt: job.attempt,
        next,
        outcome: None,
        error,
        receipt: None,
        took: Duration::ZERO,
    };
    let again_at_once = Next::Retry {
        wait: Duration::ZERO,
        forgiven: true,
    };
    let outgoing: Box<Outgoing> = match store::work(job) {
        Ok(Work::Send(outgoing)) => outgoing,
        Ok(Work::Nothing(reason)) => return untried(Next::Cancel, reason.map(str::to_owned)),
        Err(error) => return untried(Next::Dead, Some(error.chain())),
    };
    if job.attempt > job.max_attempts {
        return untried(
            Next::Dead,
            Some("its attempts are used up: none of them ended in an outcome".to_owned()),
        );
    }
    let timeout = channel.timeout();
    if !presence.is_connected() || lease_end.saturating_duration_since(clock::instant()) <= timeout
    {
        return untried(
            again_at_once,
            Some("not begun: too little was left of its lease".to_owned()),
        );
    }
    let began = clock::instant();
    let sending = AssertUnwindSafe(channel.send(&outgoing)).catch_unwind();
    let result = tokio::select! {
        sent = tokio::time::timeout(timeout, sending) => match sent {
            Ok(Ok(result)) => result,
            Ok(Err(_panic)) => Err(SendError::Ambiguous("the channel broke while sending (a bug of ours)".to_owned())),
            Err(_elapsed) => Err(SendError::Ambiguous(format!("no answer within {} s", timeout.as_secs()))),
        },
        () = give_up.cancelled() => Err(SendError::Ambiguous("stopped before an answer came".to_owned())),
    };
    let mut ended = decide(
        (job.job_id, job.delivery_id),
        (job.attempt, job.max_attempts),
        result,
        began.elapsed(),
        random::unit(),
    );
    if give_up.is_cancelled() && ended.outcome == Some("ambiguous") {
        ended.next = Next::Retry {
            wait: Duration::ZERO,
            forgiven: false,
        };
    }
    ended
}
