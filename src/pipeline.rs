//! The only place that composes rooms. Read it as an event would travel.
//!
//! Stations 3 to 6 are one transaction ([`Evaluator::evaluate_batch`]): jobs are claimed, their events judged by the rules,
//! recipients found, texts rendered, notifications and deliveries written, commit. A crash anywhere undoes all of it, jobs
//! included. Stations 7 to 9 are [`deliver::Dispatcher`]: a delivery is claimed under a lease and committed, its provider
//! called outside of any transaction, and the outcome recorded under the fence.

pub mod choose;
pub mod compose;
pub mod decide;
pub mod deliver;
mod digest;
mod failure;
mod later;
mod meters;
mod remember;
pub(crate) mod replay;
pub mod rulebook;
pub mod singles;
mod storm;
pub mod trial;
pub mod watchdog;
mod write;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

pub use crate::pipeline::failure::Failure;
pub use crate::pipeline::later::Later;

use crate::db::{Client, Db, Tx};
use crate::ingest::{Event, EventTypes};
use crate::kernel::{ChannelKind, Lane, Result, clock};
use crate::pipeline::compose::{Composed, Order};
use crate::pipeline::decide::Scene;
use crate::pipeline::meters::EvaluationMeters;
use crate::pipeline::replay::Turn;
use crate::pipeline::rulebook::Rulebook;
use crate::pipeline::storm::Storm;
use crate::queue::marks::Position;
use crate::queue::model::{EventClaim, Round, Source};
use crate::queue::presence::Presence;
use crate::queue::sweep::SharedMarks;
use crate::{directory, notifications, queue};

/// While busy, jobs to be evaluated alone are looked for this often.
const SINGLES: Duration = Duration::from_secs(1);

/// What the evaluator is made with.
pub struct Settings {
    /// Events per claim.
    pub batch_size: usize,
    /// An event evaluated for longer makes its rule faulty.
    pub watchdog: Duration,
    /// Channels with settings, besides in-app.
    pub configured: HashSet<ChannelKind>,
    /// Attempts a delivery gets.
    pub delivery_max_attempts: i32,
    /// Notifications a minute that a rule may tell which doesn't say; 0 = as many as it likes.
    pub storm_limit: u32,
    /// Who is told of a rule that is held, when nobody owns it.
    pub admin_role: String,
}

/// Called after a commit.
#[derive(Clone)]
pub struct Hooks {
    /// These people's inboxes have changed.
    pub inboxes: Arc<dyn Fn(Vec<String>) + Send + Sync>,
    /// Deliveries wait.
    pub deliveries: Arc<dyn Fn() + Send + Sync>,
    /// Alarms ring already: more recipients of the same.
    pub alarms: Arc<dyn Fn() + Send + Sync>,
}

/// The source of event jobs.
pub struct Evaluator {
    db: Db,
    presence: Arc<Presence>,
    rulebook: Arc<Rulebook>,
    settings: Settings,
    hooks: Hooks,
    marks: SharedMarks,
    urgent_busy: AtomicBool,
    singles_wait: AtomicBool,
    singles_seen: Mutex<Option<Instant>>,
    failures: AtomicU32,
    ids: Mutex<Ids>,
    types: EventTypes,
    storm: Storm,
    /// Alarms that are still to be acted on one by one, after some failed together.
    alone: AtomicU32,
    alarm_failures: AtomicU32,
    alarm_turns: AtomicU32,
    inboxes: Mutex<HashSet<String>>,
    meters: EvaluationMeters,
}

/// Ids taken ahead are good for so long.
const IDS_KEEP: Duration = Duration::from_millis(500);

/// A batch of fewer notifications takes no ids ahead.
const FEW: usize = 50;

/// Ids of notifications to come, and when the oldest of them were taken.
#[derive(Default)]
struct Ids {
    left: Vec<i64>,
    taken: Option<Instant>,
}

/// What a batch came to.
#[derive(Debug, Default)]
struct Written {
    users: Vec<String>,
    deliveries: bool,
    alarms: bool,
}

impl Source for Evaluator {
    fn name(&self) -> &'static str {
        "events"
    }

    fn round(&self, from_zero: bool) -> BoxFuture<'_, Result<Round>> {
        Box::pin(async move {
            self.presence.before_first_claim().await?;
            let batch = self.evaluate_batch(from_zero).await?;
            // Jobs to be evaluated alone are rare: looked for when somebody set one apart, by every look from zero, and
            // once a second, since one that waits for its next try must not wait for the end of the rush.
            let alone = if self.singles_due(from_zero) {
                self.evaluate_singles().await?
            } else {
                0
            };
            Ok(Round {
                claimed: batch.claimed + alone,
                full: batch.full,
            })
        })
    }
}

impl Evaluator {
    /// An evaluator.
    #[must_use]
    pub fn new(
        db: Db,
        presence: Arc<Presence>,
        rulebook: Arc<Rulebook>,
        settings: Settings,
        hooks: Hooks,
    ) -> Self {
        let marks = SharedMarks::new(db.clone(), "event");
        Self {
            types: EventTypes::new(db.clone()),
            storm: Storm::new(settings.storm_limit),
            alone: AtomicU32::new(0),
            alarm_failures: AtomicU32::new(0),
            alarm_turns: AtomicU32::new(0),
            db,
            presence,
            rulebook,
            settings,
            hooks,
            marks,
            urgent_busy: AtomicBool::new(false),
            singles_wait: AtomicBool::new(true),
            singles_seen: Mutex::default(),
            failures: AtomicU32::new(0),
            ids: Mutex::default(),
            inboxes: Mutex::default(),
            meters: EvaluationMeters::default(),
        }
    }

    /// Stations 3 to 6 for as many events as a batch holds.
    async fn evaluate_batch(&self, from_zero: bool) -> Result<Round> {
        if from_zero {
            self.marks.reset();
        }
        let places = self.places();
        let tx = Tx::unbegun(self.db.client().await?);

        let claim = queue::store::claim_events(&tx, &places).await?; // 3: jobs
        if claim.jobs.is_empty() {
            tx.rollback().await?;
            return Ok(Round::default());
        }
        let round = self.note(&claim, &places);
        // In the order of their lanes and positions: the first of a lane is its lowest.
        let _open = self.marks.open(places.iter().filter_map(|(lane, _, _)| {
            let mut mine = claim.jobs.iter().filter(|job| job.lane == lane.number());
            mine.next()
                .map(|job| (("", job.lane), (job.run_at, job.job_id)))
        }));
        self.marks.sweep_when_due();
        let jobs: Vec<i64> = claim.jobs.iter().map(|job| job.job_id).collect();

        match self.evaluate(tx, claim, Turn::First).await {
            Ok(written) => {
                self.failures.store(0, Ordering::Relaxed);
                self.announce(written);
                Ok(round)
            }
            Err(failure) => self.set_apart(failure, &jobs).await.map(|()| round),
        }
    }

    /// Stations 4 to 6 for claimed events, and the commit.
    async fn evaluate(&self, tx: Tx, claim: EventClaim, turn: Turn) -> Result<Written, Failure> {
        let began = clock::instant();
        let rules = self.rulebook.at(&tx, claim.rules_rev).await?;
        let (events, jobs): (Vec<Event>, Vec<i64>) = claim
            .jobs
            .into_iter()
            .filter_map(|job| job.event.map(|event| (event, job.job_id)))
            .unzip();
        let (events, now) = (Arc::new(events), claim.now);
        let (dog, rulebook) = (self.settings.watchdog, &self.rulebook);

        let judged = watchdog::judge(dog, rulebook, &rules, &events, now)
            .await
            .map_err(|f| f.of(&jobs))?; // 4: matches
        let people = directory::store::find(&tx, &choose::wanted(&judged))
            .await
            .map_err(Failure::blameless)?;
        let people = Arc::new(people);
        let mut chosen = choose::tellings(&judged, &people, &HashMap::new()); // 5: who is told what
        let told = turn
            .missing(&tx, &events, &judged, &people, &mut chosen)
            .await?;
        let scene = Scene {
            events: &events,
            judged: &judged,
            people: &people,
            rules: &rules,
            now,
            turn,
            stale: HashSet::new(),
        };
        let mut remembered = self.remember(&tx, &scene, chosen).await?; // 5: what is told now
        let numbers = self
            .take_ids(&tx, remembered.decided.tellings.len())
            .await?;
        let order = Order {
            people,
            decided: std::mem::take(&mut remembered.decided),
            numbers,
            configured: self.settings.configured.clone(),
            now,
            turn,
        };
        let composed = watchdog::compose(dog, rulebook, &events, judged, order).await;
        let (mut composed, order) = composed.map_err(|f| f.of(&jobs))?; // 5 and 6: texts, planned deliveries
        told.correct(&mut composed);
        remembered.decided = order.decided;
        let mut users = self.open_inboxes(&composed).await?;
        users.extend(self.keep(&tx, &mut remembered, &composed, &[], now).await?);
        self.write(tx, &events, &composed, turn, now).await?; // 5 and 6: rows, commit
        let alarms = remembered.ledger.rings_by(now);
        self.guard(remembered);
        self.types.saw(&events);
        self.meters
            .evaluated(events.len(), began.elapsed(), &composed);

        let deliveries = composed.deliveries.iter().any(|d| d.status == "pending");
        Ok(Written {
            users,
            deliveries,
            alarms,
        })
    }

    fn places(&self) -> Vec<(Lane, i32, Position)> {
        let quotas = queue::lanes::quotas(
            self.settings.batch_size,
            self.urgent_busy.load(Ordering::Relaxed),
        );
        quotas
            .map(|(lane, most)| (lane, most, self.marks.start(&("", lane.number()))))
            .to_vec()
    }

    /// Raises the marks to what was claimed, and says whether there is probably more.
    fn note(&self, claim: &EventClaim, places: &[(Lane, i32, Position)]) -> Round {
        for (lane, _, from) in places {
            let mine = || claim.jobs.iter().filter(|job| job.lane == lane.number());
            if let Some(last) = mine().map(|job| (job.run_at, job.job_id)).max() {
                self.marks.raise(("", lane.number()), *from, last);
            }
        }
        let took = |lane: Lane| {
            claim
                .jobs
                .iter()
                .filter(|job| job.lane == lane.number())
                .count()
        };
        let filled = |&(lane, most, _): &(Lane, i32, Position)| {
            took(lane) >= usize::try_from(most).unwrap_or(usize::MAX)
        };
        self.urgent_busy
            .store(places[..2].iter().any(filled), Ordering::Relaxed);
        Round {
            claimed: claim.jobs.len(),
            full: places.iter().any(filled),
        }
    }

    fn singles_due(&self, from_zero: bool) -> bool {
        let mut seen = self
            .singles_seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let due = from_zero
            || self.singles_wait.load(Ordering::Acquire)
            || seen.is_none_or(|at| at.elapsed() >= SINGLES);
        if due {
            *seen = Some(clock::instant());
        }
        due
    }

    fn announce(&self, written: Written) {
        if !written.users.is_empty() {
            (self.hooks.inboxes)(written.users);
        }
        if written.deliveries {
            (self.hooks.deliveries)();
        }
        if written.alarms {
            (self.hooks.alarms)();
        }
    }

    /// Notification ids ahead of their rows, a thousand at a time. On the batch's own connection: a sequence doesn't roll
    /// back, and who holds a connection while waiting for another can starve a small pool. Old ones are thrown away: inboxes
    /// are listed by id, and what is told now must not stand below what another node told an hour ago.
    async fn take_ids(&self, client: &Client, count: usize) -> Result<Vec<i64>> {
        loop {
            {
                let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
                if ids.taken.is_none_or(|at| at.elapsed() > IDS_KEEP) {
                    ids.left.clear();
                }
                if ids.left.len() >= count {
                    let rest = ids.left.split_off(count);
                    return Ok(std::mem::replace(&mut ids.left, rest));
                }
            }
            // A quiet node takes what it needs: what it kept would only go stale and leave holes.
            let ahead = if count < FEW { count } else { count.max(1000) };
            let more = i32::try_from(ahead).unwrap_or(i32::MAX);
            let fresh = notifications::new::store::next_ids(client, more).await?;
            let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
            if ids.left.is_empty() {
                ids.taken = Some(clock::instant());
            }
            ids.left.extend(fresh);
        }
    }

    /// Makes sure that everybody has an inbox, before any is locked. People met before are remembered.
    async fn open_inboxes(&self, composed: &Composed) -> Result<Vec<String>> {
        let users: BTreeSet<&str> = composed
            .notifications
            .iter()
            .filter(|n| n.in_app)
            .map(|n| n.user_id.as_str())
            .collect();
        let unknown: Vec<&str> = {
            let known = self.inboxes.lock().unwrap_or_else(PoisonError::into_inner);
            users
                .iter()
                .copied()
                .filter(|user| !known.contains(*user))
                .collect()
        };
        if !unknown.is_empty() {
            notifications::new::store::ensure_inboxes(&self.db.client().await?, &unknown).await?;
            let mut known = self.inboxes.lock().unwrap_or_else(PoisonError::into_inner);
            known.extend(unknown.into_iter().map(str::to_owned));
        }
        Ok(users.into_iter().map(str::to_owned).collect())
    }
}
