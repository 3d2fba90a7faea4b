//! What was put off: delays and reminders, escalations, the rest of very many recipients, digests. Alarms come in from the queue, each
//! for something in `neurolink_rule_states`; the state decides, not the alarm: one that was moved or is done makes its alarm mean
//! nothing. Out go the same rows as from the evaluation, by the same stations, in one transaction with the alarm's end.

mod again;
mod due;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::db::Tx;
use crate::directory;
use crate::ingest::Event;
use crate::kernel::Lane;
use crate::kernel::backoff::Backoff;
use crate::kernel::{Result, random};
use crate::pipeline::choose;
use crate::pipeline::compose::{Judged, Order};
use crate::pipeline::decide::{Scene, later};
use crate::pipeline::later::again::matches;
use crate::pipeline::later::due::{
    Due, Told, What, advance, alive, live_gatherings, peek, rule_off,
};
use crate::pipeline::replay::Turn;
use crate::pipeline::{Evaluator, Failure, Written, digest, watchdog};
use crate::queue::alarms;
use crate::queue::model::{AlarmClaim, Round, Source};
use crate::rules::memory::ledger::{Alarm, Key};
use crate::rules::memory::store;

/// Alarms per transaction.
const AT_ONCE: usize = 64;
/// Alarms that fail together so often for want of something (a lock, time) are acted on one by one: one that waits must not stand
/// before the others.
const PATIENCE: u32 = 3;
/// What only wants a lock or time waits no longer than this.
const AT_MOST: Duration = Duration::from_secs(30);
/// Digests of a rule that is held are looked at again after this.
const HELD: Duration = Duration::from_secs(900);
/// What rings again at once is remembered so long.
const KEPT: Duration = Duration::from_secs(86_400);
/// While another source is busy, alarms are looked for this often: most are set for minutes and hours.
const PATROL: Duration = Duration::from_millis(250);

/// The source of alarms.
pub struct Later(pub Arc<Evaluator>);

impl Source for Later {
    fn name(&self) -> &'static str {
        "alarms"
    }

    fn round(&self, _from_zero: bool) -> BoxFuture<'_, Result<Round>> {
        Box::pin(async move {
            self.0.presence.before_first_claim().await?;
            self.0.ring_alarms().await
        })
    }

    fn patrol(&self) -> Duration {
        PATROL
    }
}

impl Evaluator {
    /// Acts on alarms that are due.
    pub(super) async fn ring_alarms(&self) -> Result<Round> {
        let alone = self.alone.load(Ordering::Relaxed);
        let most = if alone > 0 { 1 } else { AT_ONCE };
        let tx = Tx::unbegun(self.db.client().await?);
        let turn = self.alarm_turns.fetch_add(1, Ordering::Relaxed);
        let claim = alarms::store::claim(&tx, most, turn).await?;
        let claimed = claim.jobs.len();
        if claimed == 0 {
            tx.rollback().await?;
            return Ok(Round::default());
        }
        self.alone.store(alone.saturating_sub(1), Ordering::Relaxed);
        let round = Round {
            claimed,
            full: claimed == most,
        };
        let jobs = claim.jobs.clone();
        let failure = match self.ring(tx, claim).await {
            Ok(written) => {
                self.alarm_failures.store(0, Ordering::Relaxed);
                self.announce(written);
                return Ok(round);
            }
            Err(failure) => failure,
        };
        self.meters.failed();
        let failures = self.alarm_failures.fetch_add(1, Ordering::Relaxed) + 1;
        let is_transient = failure.error.is_transient();
        if failure.is_blameless || is_transient && claimed > 1 && failures < PATIENCE {
            return Err(failure.error);
        }
        let why = failure.error.chain();
        if claimed > 1 {
            tracing::warn!(
                error = why,
                jobs.count = claimed,
                "alarms failed together and are acted on one by one"
            );
            self.alone.store(
                u32::try_from(AT_ONCE).unwrap_or(u32::MAX),
                Ordering::Relaxed,
            );
            return Ok(round);
        }
        for job in &jobs {
            let tries = u32::try_from(job.attempt + 1).unwrap_or(1);
            let mut wait = Backoff::LOCAL.after(tries, random::unit());
            if is_transient {
                wait = wait.min(AT_MOST);
            }
            let client = self.db.client().await?;
            let is_dead = alarms::store::fail(&client, job, wait, &why, !is_transient).await?;
            tracing::warn!(
                job.id = job.job_id,
                attempt = tries,
                error = why,
                given_up = is_dead,
                "an alarm could not be acted on"
            );
        }
        Ok(round)
    }

    async fn ring(&self, tx: Tx, claim: AlarmClaim) -> Result<Written, Failure> {
        let now = claim.now;
        let alarms: Vec<i64> = claim.jobs.iter().map(|job| job.alarm).collect();
        let rules = self.rulebook.at(&tx, claim.rules_rev).await?;
        let mut due = peek(&tx, &alarms).await?;
        let ids: BTreeSet<i64> = due.iter().filter_map(|d| d.what.event()).collect();
        let ids: Vec<i64> = ids.into_iter().collect();
        // Before the states, as a replay does it.
        let busy = store::hold_outcomes(&tx, &ids).await?;
        let waits = |due: &Due| due.what.event().is_some_and(|event| busy.contains(&event));
        let put_off: HashSet<i64> = due.iter().filter(|d| waits(d)).map(|d| d.alarm).collect();
        let jobs = claim.jobs.iter().filter(|job| put_off.contains(&job.alarm));
        alarms::store::put_off(&tx, &jobs.collect::<Vec<_>>()).await?;
        due.retain(|due| !put_off.contains(&due.alarm));
        let events = Arc::new(Event::find_many(&tx, &ids).await?);
        let of: Vec<(i64, i64, &str)> = due
            .iter()
            .filter_map(|d| Some((d.what.event()?, d.key.rule, d.what.told_after())))
            .collect();
        let told = Told::of(store::told_so_far(&tx, &of).await?);

        let (set, seen) = (rules.clone(), events.clone());
        let again = watchdog::run(self.settings.watchdog, &self.rulebook, move |progress| {
            let judged = matches(&mut due, &set, &seen, &told, progress);
            Ok((judged, due, told))
        });
        let (judged, due, told) = again.await.map_err(|upset| upset.of(&[]))?; // 4, again
        let people = self.people(&tx, &judged, &due).await?;
        let after: HashMap<(usize, usize), String> = due
            .iter()
            .filter_map(|d| match &d.what {
                What::Rest(rest) => Some((d.place?, rest.after.clone())),
                _ => None,
            })
            .collect();
        let mut chosen = choose::tellings(&judged, &people, &after); // 5: who
        chosen.tellings.retain(|telling| {
            let matched = &judged[telling.event].matches[telling.of];
            let (event, person) = (events[telling.event].id, &people.get(telling.person).id);
            !told.has(event, matched.rule.facts.id, person, matched.step)
        });
        let mut scene = Scene {
            events: &events,
            judged: &judged,
            people: &people,
            rules: &rules,
            now,
            turn: Turn::Later,
            stale: HashSet::new(),
        };
        let mut keys = scene.keys(&chosen);
        keys.extend(due.iter().map(|d| d.key.clone()));
        let mut ledger = store::hold(&tx, &keys).await?;
        let live = alive(&due, &mut ledger, now, &mut scene.stale);
        for due in &live {
            advance(due, &mut ledger, &rules, &events, &told, now);
        }
        let mut remembered = self.decided(&scene, chosen, ledger);
        remembered
            .decided
            .suppressed
            .extend(rule_off(&live, &events, &rules));
        let settles = live.iter().filter_map(|d| match &d.what {
            What::Settle(settle) => Some((settle.event, d.key.rule)),
            _ => None,
        });
        remembered.decided.resolved.extend(settles);
        drop(scene);

        let digests: Vec<Key> = live
            .iter()
            .filter(|d| matches!(d.what, What::Digest(_)))
            .map(|d| d.key.clone())
            .collect();
        let mut gathered = digest::read(&tx, &digests, &live_gatherings(&live), &people).await?;
        // A rule that is held tells nobody: what it has gathered waits for its release.
        gathered.retain(|digest| {
            let rule = rules.by_id(digest.key().rule);
            let is_held = rule.is_some_and(|rule| rule.facts.is_held);
            if is_held {
                let (key, again) = (digest.key(), later(now, HELD));
                let gathering = digest.gathering();
                remembered.ledger.put(key, gathering, later(again, KEPT));
                remembered
                    .ledger
                    .ring(key, Alarm::Digest, Lane::Normal, again);
            }
            !is_held
        });
        for digest in gathered.iter().filter(|digest| digest.is_full()) {
            // More waits than one transaction takes: the rest is told at once, too.
            let key = digest.key();
            remembered
                .ledger
                .put(key, digest.gathering(), later(now, KEPT));
            remembered
                .ledger
                .ring(key, Alarm::Digest, Lane::Normal, now);
        }
        let wanted = remembered.decided.tellings.len() + gathered.len();
        let mut numbers = self.take_ids(&tx, wanted).await?;
        let mine = numbers.split_off(remembered.decided.tellings.len());
        let order = Order {
            people: people.clone(),
            decided: std::mem::take(&mut remembered.decided),
            numbers,
            configured: self.settings.configured.clone(),
            now,
            turn: Turn::Later,
        };
        let composed = watchdog::compose(
            self.settings.watchdog,
            &self.rulebook,
            &events,
            judged,
            order,
        )
        .await;
        let (mut composed, order) = composed.map_err(|upset| upset.of(&[]))?; // 5 and 6
        remembered.decided = order.decided;
        let ended = {
            let (set, configured) = (rules.clone(), order.configured);
            let digests = watchdog::run(self.settings.watchdog, &self.rulebook, move |progress| {
                Ok(digest::compose(
                    gathered,
                    &mine,
                    &set,
                    &people,
                    &configured,
                    now,
                    progress,
                ))
            });
            let (rows, ended) = digests.await.map_err(|upset| upset.of(&[]))?;
            composed.notifications.extend(rows.notifications);
            composed.deliveries.extend(rows.deliveries);
            ended
        };
        composed.outcomes.retain(|outcome| {
            outcome.notifications > 0
                || !outcome.suppressed.is_empty()
                || !outcome.warnings.is_empty()
        });
        let mut users = self.open_inboxes(&composed).await?;
        users.extend(
            self.keep(&tx, &mut remembered, &composed, &ended, now)
                .await?,
        );
        self.write(tx, &events, &composed, Turn::Later, now).await?;
        self.guard(remembered);
        self.meters.told_later(&composed);
        let deliveries = composed.deliveries.iter().any(|d| d.status == "pending");
        Ok(Written {
            users,
            deliveries,
            // Whoever acts on alarms looks again as long as it finds some.
            alarms: false,
        })
    }

    async fn people(
        &self,
        tx: &Tx,
        judged: &[Judged],
        due: &[Due],
    ) -> Result<Arc<directory::People>, Failure> {
        let mut wanted = choose::wanted(judged);
        wanted.ids.extend(due.iter().filter_map(|d| match &d.what {
            What::Digest(gathering) => Some(gathering.user.clone()),
            _ => None,
        }));
        directory::store::find(tx, &wanted)
            .await
            .map(Arc::new)
            .map_err(Failure::blameless)
    }
}
