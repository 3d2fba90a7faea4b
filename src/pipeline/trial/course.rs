//! What a rule would have decided over a course of events, in their order: with a ledger that begins empty and is never written, and
//! with its alarms (delays, reminders, digests) ringing when the course has come to them. Pure. What depends on what people do
//! (escalations), and what other rules resolve, isn't played.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

use super::patience::Watch;
use super::rule::{Judgement, Trial};
use crate::directory::People;
use crate::ingest::Event;
use crate::pipeline::choose;
use crate::pipeline::compose::Judged;
use crate::pipeline::decide::{Decided, Scene, plan_of, useful_until};
use crate::pipeline::replay::Turn;
use crate::rules::Match;
use crate::rules::memory::plan::Plan;
use crate::rules::memory::{Key, Ledger};
use crate::rules::set::EventContext;

/// What is remembered so far, and what will ring.
#[derive(Default)]
pub(super) struct Course {
    pub(super) ledger: Ledger,
    alarms: BTreeSet<(Timestamp, Key)>,
    rings: HashMap<Key, Ring>,
}

/// What an alarm is for.
enum Ring {
    /// The event to be told then.
    Plan(Box<Event>),
    /// Whose digest, and until when any of it is of use.
    Digest(String, Timestamp),
}

/// An event at a moment, decided.
pub(super) struct Step {
    pub(super) event: Event,
    pub(super) judged: Judged,
    pub(super) decided: Decided,
    pub(super) now: Timestamp,
    pub(super) turn: Turn,
}

/// A stage ends with the event by which it has told so many.
const TOLD: usize = 50_000;

/// What is left of a judgement, to be decided.
pub(super) struct Left {
    events: std::iter::Zip<std::vec::IntoIter<Event>, std::vec::IntoIter<Judged>>,
    failed: u64,
}

impl Left {
    /// All of it.
    pub(super) fn of(judgement: Judgement) -> Self {
        Self {
            events: judgement.events.into_iter().zip(judgement.judged),
            failed: judgement.failed,
        }
    }

    /// Whether nothing is.
    pub(super) fn is_empty(&self) -> bool {
        self.events.len() == 0 && self.failed == 0
    }
}

/// A stretch of the course.
#[derive(Default)]
pub(super) struct Stage {
    /// In order.
    pub(super) steps: Vec<Step>,
    /// Whose digests would have been told, and when.
    pub(super) digests: Vec<(String, Timestamp)>,
    /// Events that could not be judged.
    pub(super) failed: u64,
}

impl Course {
    /// Decides the next events, each as at the moment of its receipt, and what rings before it.
    pub(super) fn go_on(
        &mut self,
        trial: &Trial,
        judgement: &mut Left,
        people: &People,
        watch: &Watch,
    ) -> Stage {
        let mut stage = Stage {
            failed: std::mem::take(&mut judgement.failed),
            ..Stage::default()
        };
        let (mut last, mut told) = (None, 0);
        // So many that what is composed of them is small.
        while told < TOLD
            && let Some((event, judged)) = judgement.events.next()
        {
            if watch.is_over() {
                break;
            }
            watch.progress.at(0, 0);
            let seen = stage.steps.len();
            let now = event.received_at;
            self.ring(trial, people, now, &mut stage);
            stage
                .steps
                .push(self.decide(trial, event, judged, people, now, Turn::First));
            let steps = stage.steps.iter().skip(seen);
            told += steps.map(|step| step.decided.told()).sum::<usize>();
            last = Some(now);
        }
        if let Some(last) = last {
            self.ledger.forget_expired(last);
        }
        stage
    }

    /// What rings until a moment.
    pub(super) fn come_to(&mut self, trial: &Trial, people: &People, until: Timestamp) -> Stage {
        let mut stage = Stage::default();
        self.ring(trial, people, until, &mut stage);
        stage
    }

    /// Events that are still to be told: not those that a newer one has taken the place of.
    pub(super) fn waiting(&self) -> u64 {
        let waits = |(due, key): &&(Timestamp, Key)| {
            let is_plan = matches!(self.rings.get(key), Some(Ring::Plan(_)));
            is_plan && self.ledger.due(key) == Some(*due)
        };
        self.alarms.iter().filter(waits).count() as u64
    }

    fn ring(&mut self, trial: &Trial, people: &People, now: Timestamp, stage: &mut Stage) {
        while let Some((due, _)) = self.alarms.first()
            && *due <= now
        {
            let Some((due, key)) = self.alarms.pop_first() else {
                return;
            };
            // It was moved, or is over.
            if self.ledger.due(&key) != Some(due) {
                continue;
            }
            match self.rings.remove(&key) {
                Some(Ring::Digest(user, useful)) => {
                    self.ledger.forget(&key);
                    if useful > due {
                        stage.digests.push((user, due));
                    }
                }
                Some(Ring::Plan(event)) => {
                    stage
                        .steps
                        .extend(self.planned(trial, *event, people, &key, due));
                }
                None => {}
            }
        }
    }

    /// What was put off is told now, as far as it is still to be.
    fn planned(
        &mut self,
        trial: &Trial,
        event: Event,
        people: &People,
        key: &Key,
        due: Timestamp,
    ) -> Option<Step> {
        let plan: Plan = self.ledger.get(key);
        let rule = trial.rule()?;
        let judged = Judged {
            matches: vec![Match::supposed(rule, &EventContext::new(&event).ok()?)],
            warnings: Vec::new(),
        };
        if key.key.starts_with("remind:") {
            // The date was reminded of, whichever event says it again.
            let done = Plan {
                is_done: true,
                ..plan
            };
            self.ledger.put(key, &done, Timestamp::MAX);
            self.ledger.calm(key);
        } else {
            self.ledger.forget(key);
        }
        Some(self.decide(trial, event, judged, people, due, Turn::Later))
    }

    /// Decides one event; very many recipients one lot after the other, as fan-outs do.
    pub(super) fn decide(
        &mut self,
        trial: &Trial,
        event: Event,
        judged: Judged,
        people: &People,
        now: Timestamp,
        turn: Turn,
    ) -> Step {
        let mut decided = Decided::default();
        let mut after = HashMap::new();
        let mut turn_now = turn;
        loop {
            let one = std::slice::from_ref(&judged);
            let chosen = choose::tellings(one, people, &after);
            after = chosen
                .rests
                .iter()
                .map(|rest| ((rest.event, rest.of), rest.after.clone()))
                .collect();
            let scene = Scene {
                events: std::slice::from_ref(&event),
                judged: one,
                people,
                rules: &trial.rules,
                now,
                turn: turn_now,
                stale: HashSet::new(),
            };
            let more = scene.decide(chosen, &mut self.ledger, &mut |_, wanted| wanted);
            decided.tellings.extend(more.tellings);
            decided.suppressed.extend(more.suppressed);
            decided.answered.extend(more.answered);
            decided.gathered.extend(more.gathered);
            // The rest is only told where the first were not put off or kept back.
            after.retain(|&(_, of), _| {
                let matched = &judged.matches[of];
                let key = Key::rest(matched.rule.facts.id, event.id, matched.step);
                let goes_on = self.ledger.due(&key).is_some();
                self.ledger.forget(&key);
                goes_on
            });
            if after.is_empty() {
                break;
            }
            turn_now = Turn::Later;
        }
        self.note(&event, &judged, people, &decided);
        Step {
            event,
            judged,
            decided,
            now,
            turn,
        }
    }

    /// Notes what will ring.
    fn note(&mut self, event: &Event, judged: &Judged, people: &People, decided: &Decided) {
        for (telling, key) in &decided.gathered {
            let Some(due) = self.ledger.due(key) else {
                continue;
            };
            let until = useful_until(&judged.matches[telling.of], event).unwrap_or(Timestamp::MAX);
            if self.alarms.insert((due, key.clone())) {
                let user = people.get(telling.person).id.clone();
                self.rings.insert(key.clone(), Ring::Digest(user, until));
            } else if let Some(Ring::Digest(_, useful)) = self.rings.get_mut(key) {
                *useful = until.max(*useful);
            }
        }
        for matched in &judged.matches {
            if matched.rule.memory().delay.is_none() {
                continue;
            }
            let key = plan_of(matched, event);
            let plan: Plan = self.ledger.get(&key);
            if let Some(due) = self.ledger.due(&key).filter(|_| plan.event == event.id) {
                self.alarms.insert((due, key.clone()));
                self.rings.insert(key, Ring::Plan(Box::new(event.clone())));
            }
        }
    }
}
