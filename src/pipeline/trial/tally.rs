//! What a backtest counts, and what it comes to. Pure: what would have been written goes in, a stretch at a time and in order; sums,
//! samples and the difference between two rules come out.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::backtest::Came;
use super::rule::Done;
use crate::kernel::ChannelKind;
use crate::notifications::NewNotification;
use crate::ops::trial::Shown;
use crate::ops::trial::backtest::{
    Backtest, BranchCount, Busiest, ChannelCount, DayCount, Difference, Live, NAMED, PersonChange,
    PersonCount, SAMPLED, Sample, Told, WarningCount, Window,
};
use crate::ops::trial::preview::{TriedEvent, TriedRule};
use crate::rules::RuleRow;

/// Different warnings that are counted, and that are told.
const WARNINGS: usize = 1_000;
const WARNINGS_TOLD: usize = 20;

/// Events and notifications.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    matched: u64,
    notifications: u64,
}

/// One rule's.
#[derive(Default)]
pub(super) struct Tally {
    most_samples: usize,
    pub(super) matched: u64,
    failed: u64,
    notifications: u64,
    people: HashMap<String, u64>,
    branches: HashMap<Option<String>, Share>,
    channels: BTreeMap<ChannelKind, (u64, BTreeMap<&'static str, u64>)>,
    days: BTreeMap<Date, Share>,
    suppressed: BTreeMap<String, u64>,
    warnings: HashMap<(&'static str, String), u64>,
    samples: VecDeque<Sample>,
    digests: u64,
    /// A minute since 1970, and how many were told in it.
    minute: (i64, u64),
    busiest: (i64, u64),
}

impl Tally {
    /// Of nothing yet.
    pub(super) fn new(most_samples: usize) -> Self {
        Self {
            most_samples,
            ..Self::default()
        }
    }

    /// Counts what would have been written. Gives the ids of events that the rule was true for.
    fn count(&mut self, came: Came) -> Vec<i64> {
        self.failed += came.failed;
        let mut ids = Vec::new();
        for worked in came.worked {
            self.failed += worked.failed;
            for done in &worked.done {
                self.add(done, &mut ids);
            }
        }
        // A digest is one notification, of no event's branch.
        for (user, at) in came.digests {
            self.digests += 1;
            self.tell(user, 1);
            self.at(at, 1);
            self.days.entry(day(at)).or_default().notifications += 1;
        }
        ids
    }

    fn add(&mut self, done: &Done, ids: &mut Vec<i64>) {
        let Done {
            event,
            now,
            is_later,
            composed,
        } = done;
        for outcome in &composed.outcomes {
            for warning in &outcome.warnings {
                let key = (warning.kind, warning.detail.clone());
                if self.warnings.len() < WARNINGS || self.warnings.contains_key(&key) {
                    *self.warnings.entry(key).or_default() += 1;
                }
            }
            if outcome.rules_matched == 0 {
                continue;
            }
            // What was put off is of an event that was counted when it came.
            let is_new = u64::from(!is_later);
            if !is_later {
                ids.push(event.id);
            }
            let told = u64::try_from(outcome.notifications).unwrap_or_default();
            self.matched += is_new;
            self.at(*now, told);
            let branch = self.branches.entry(event.branch_id.clone()).or_default();
            for share in [branch, self.days.entry(day(*now)).or_default()] {
                share.matched += is_new;
                share.notifications += told;
            }
            for suppressed in &outcome.suppressed {
                // Nobody chosen is said with 0 people: it is an event's.
                let count = u64::try_from(suppressed.count).unwrap_or_default().max(1);
                match self.suppressed.get_mut(&suppressed.reason) {
                    Some(sum) => *sum += count,
                    None => drop(self.suppressed.insert(suppressed.reason.clone(), count)),
                }
            }
        }
        for told in &composed.notifications {
            self.tell(told.user_id.clone(), 1);
        }
        for delivery in &composed.deliveries {
            let (made, withheld) = self.channels.entry(delivery.channel).or_default();
            match delivery.reason {
                Some(reason) => *withheld.entry(reason).or_default() += 1,
                None => *made += 1,
            }
        }
        self.sample(done);
    }

    fn tell(&mut self, user: String, times: u64) {
        self.notifications += times;
        *self.people.entry(user).or_default() += times;
    }

    /// The minute in which most would have been told: what a storm guard goes by.
    fn at(&mut self, now: Timestamp, told: u64) {
        let minute = now.as_second().div_euclid(60);
        if self.minute.0 != minute {
            self.minute = (minute, 0);
        }
        self.minute.1 += told;
        if self.busiest.1 < self.minute.1 {
            self.busiest = self.minute;
        }
    }

    /// Keeps the newest; what was told later is of the sample it was put off from.
    fn sample(&mut self, done: &Done) {
        let told = &done.composed.notifications;
        let notifications = Shown {
            total: told.len(),
            items: told.iter().take(SAMPLED).map(sampled).collect(),
        };
        if done.is_later {
            let mut kept = self.samples.iter_mut();
            if let Some(kept) = kept.find(|sample| sample.event.id == Some(done.event.id)) {
                kept.notifications = notifications;
            }
            return;
        }
        let is_matched = done.composed.outcomes.iter().any(|o| o.rules_matched > 0);
        if self.most_samples == 0 || !is_matched {
            return;
        }
        if self.samples.len() == self.most_samples {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample {
            event: TriedEvent::of(&done.event),
            notifications,
        });
    }
}

fn day(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

fn sampled(told: &NewNotification) -> Told {
    Told {
        user_id: told.user_id.clone(),
        locale: told.texts.locale.clone(),
        in_app: told.in_app,
        title: told.texts.title.clone(),
        body: told.texts.body.clone(),
        action_url: told.texts.action_url.clone(),
    }
}

/// Events that one rule is true for and the other isn't: how many, and the newest.
#[derive(Default)]
struct Ids {
    total: usize,
    newest: VecDeque<i64>,
}

impl Ids {
    fn add(&mut self, id: i64) {
        self.total += 1;
        self.newest.push_back(id);
        if self.newest.len() > NAMED {
            self.newest.pop_front();
        }
    }

    fn shown(self) -> Shown<i64> {
        Shown {
            total: self.total,
            items: self.newest.into_iter().rev().collect(),
        }
    }
}

/// Where two rules differ.
#[derive(Default)]
pub(super) struct Differing {
    only_new: Ids,
    only_live: Ids,
    both: u64,
}

/// The rule tried, and the one it is compared with.
pub(super) struct Both {
    pub(super) rule: RuleRow,
    pub(super) against: Option<Live>,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) concerned: u64,
    pub(super) new: Tally,
    pub(super) live: Tally,
    pub(super) differing: Differing,
}

impl Both {
    /// Counts a stretch, in order: of the rule tried, and of the one it is compared with if that tells anybody.
    pub(super) fn count(&mut self, came: Vec<Came>) {
        let mut came = came.into_iter();
        let mine = came
            .next()
            .map_or_else(Vec::new, |came| self.new.count(came));
        if self.against.is_none() {
            return;
        }
        let theirs = came
            .next()
            .map_or_else(Vec::new, |came| self.live.count(came));
        let (new, old): (HashSet<i64>, HashSet<i64>) = (
            mine.iter().copied().collect(),
            theirs.iter().copied().collect(),
        );
        for id in mine {
            if old.contains(&id) {
                self.differing.both += 1;
            } else {
                self.differing.only_new.add(id);
            }
        }
        for id in theirs.into_iter().filter(|id| !new.contains(id)) {
            self.differing.only_live.add(id);
        }
    }

    /// What it all comes to.
    pub(super) fn end(self, looked: u64, waiting: u64, seconds: f64) -> Backtest {
        let Self {
            rule,
            against,
            from,
            to,
            concerned,
            new,
            live,
            differing,
        } = self;
        let difference = against.map(|against| Difference {
            live: TriedRule::of(&against.row),
            is_enabled: against.enabled,
            only_new: differing.only_new.shown(),
            only_live: differing.only_live.shown(),
            both: differing.both,
            notifications: live.notifications,
            people: changes(&new.people, &live.people),
        });
        Backtest {
            rule: TriedRule::of(&rule),
            window: Window { from, to },
            looked,
            concerned,
            matched: new.matched,
            failed: new.failed,
            notifications: new.notifications,
            digests: new.digests,
            busiest_minute: (new.busiest.1 > 0).then(|| Busiest {
                at: Timestamp::from_second(new.busiest.0 * 60).unwrap_or_default(),
                notifications: new.busiest.1,
            }),
            people: people(new.people),
            branches: branches(new.branches),
            channels: new
                .channels
                .into_iter()
                .map(|(channel, (deliveries, suppressed))| ChannelCount {
                    channel: channel.as_str(),
                    deliveries,
                    suppressed,
                })
                .collect(),
            days: new
                .days
                .into_iter()
                .map(|(day, share)| DayCount {
                    day: day.to_string(),
                    matched: share.matched,
                    notifications: share.notifications,
                })
                .collect(),
            suppressed: new.suppressed,
            waiting,
            warnings: warnings(new.warnings),
            samples: new.samples.into_iter().rev().collect(),
            difference,
            seconds,
        }
    }
}

/// The first hundred, by what counts most.
fn first<T>(mut all: Vec<T>, order: impl Fn(&T, &T) -> std::cmp::Ordering) -> Shown<T> {
    let total = all.len();
    all.sort_by(order);
    all.truncate(NAMED);
    Shown { total, items: all }
}

fn people(counted: HashMap<String, u64>) -> Shown<PersonCount> {
    let all = counted
        .into_iter()
        .map(|(user_id, notifications)| PersonCount {
            user_id,
            notifications,
        });
    first(all.collect(), |a, b| {
        (b.notifications, &a.user_id).cmp(&(a.notifications, &b.user_id))
    })
}

fn branches(counted: HashMap<Option<String>, Share>) -> Shown<BranchCount> {
    let all = counted.into_iter().map(|(branch_id, share)| BranchCount {
        branch_id,
        matched: share.matched,
        notifications: share.notifications,
    });
    first(all.collect(), |a, b| {
        (b.matched, &a.branch_id).cmp(&(a.matched, &b.branch_id))
    })
}

fn warnings(counted: HashMap<(&'static str, String), u64>) -> Vec<WarningCount> {
    let all = counted
        .into_iter()
        .map(|((kind, detail), events)| WarningCount {
            kind,
            detail,
            events,
        });
    let mut items = first(all.collect(), |a: &WarningCount, b| {
        (b.events, a.kind, &a.detail).cmp(&(a.events, b.kind, &b.detail))
    })
    .items;
    items.truncate(WARNINGS_TOLD);
    items
}

fn changes(new: &HashMap<String, u64>, live: &HashMap<String, u64>) -> Shown<PersonChange> {
    let users: HashSet<&String> = new.keys().chain(live.keys()).collect();
    let count = |of: &HashMap<String, u64>, user: &String| of.get(user).copied().unwrap_or(0);
    let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let all = users.into_iter().map(|user| {
        let (new, live) = (count(new, user), count(live, user));
        PersonChange {
            user_id: user.clone(),
            new,
            live,
            change: signed(new) - signed(live),
        }
    });
    first(all.filter(|c| c.change != 0).collect(), |a, b| {
        (b.change.abs(), &a.user_id).cmp(&(a.change.abs(), &b.user_id))
    })
}
