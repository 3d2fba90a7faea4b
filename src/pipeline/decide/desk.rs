//! One match after the other, person by person: told, put off, gathered, or not told and why. Comes from [`Scene::decide`], in the order
//! events occurred.

use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::ingest::Event;
use crate::kernel::Lane;
use crate::pipeline::choose::Telling;
use crate::pipeline::decide::places::{digest, entity, fact, later, plan_key, useful_until};
use crate::pipeline::decide::{Admit, Decided, KEPT, KNOWN, Said, Scene};
use crate::pipeline::replay::Turn;
use crate::rules::Match;
use crate::rules::memory::ledger::{Alarm, Key, Ledger};
use crate::rules::memory::model::{Dated, Delay};
use crate::rules::memory::plan::{Plan, Planned};
use crate::rules::memory::states::{Entity, Gathering, Rest, Same, Watch};
use crate::rules::memory::store::Shadow;
use crate::rules::model::{Moments, Suppressed};

/// What one batch is decided with.
pub(super) struct Desk<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) ledger: &'a mut Ledger,
    pub(super) groups: HashMap<(usize, usize), Vec<Telling>>,
    pub(super) rests: HashMap<(usize, usize), (String, usize)>,
    pub(super) kept: BTreeMap<(usize, usize), Vec<Telling>>,
    pub(super) zones: HashMap<String, TimeZone>,
    /// Events of the batch by id.
    pub(super) places: HashMap<i64, usize>,
    pub(super) decided: Decided,
}

impl Desk<'_> {
    pub(super) fn decide(&mut self, event: usize, of: usize, admit: Admit<'_>) {
        let scene = self.scene;
        let (fact_event, matched) = scene.of(event, of);
        let (rule, memory) = (&matched.rule, matched.rule.memory());
        if scene.stale.contains(&(event, of)) {
            self.decided.answered.insert((event, of));
            return;
        }
        let told = self.groups.remove(&(event, of)).unwrap_or_default();
        let rest = self.rests.remove(&(event, of));
        let total = told.len() + rest.as_ref().map_or(0, |(_, total)| *total);
        let place = (event, of);
        let entity = entity(fact_event).map(|(kind, id)| Key::entity(kind, id));
        // What happened resolves, whether or not this event is told; only one that is told later resolves later.
        let resolves = !memory.shadow && matched.step == 0;
        let resolves_later = memory.delay.is_some() && scene.turn != Turn::Later;
        if resolves && !resolves_later {
            self.resolve(event, matched, entity.as_ref());
        }
        if matched.moments.is_none()
            && rest.is_none()
            && !scene.rules.resolves(&fact_event.event_type)
        {
            return match rule.facts.is_held {
                true => self.hold(place, &told, total),
                false => self.tell(place, told, None, admit),
            };
        }
        let fact = fact(fact_event);
        if let Some(key) = entity.as_ref()
            && let Some(by) = self
                .ledger
                .get::<Entity>(key)
                .covers(&fact_event.event_type, fact)
        {
            return self.suppress(place, "resolved", &told, total, None, Some(by));
        }
        // A date that comes too late still moves what was planned.
        let moves = scene.turn != Turn::Later && matches!(memory.delay, Some(Delay::Date(_)));
        if !moves && useful_until(matched, fact_event).is_some_and(|until| until <= scene.now) {
            return self.suppress(place, "expired", &told, total, None, None);
        }
        let moments = matched.moments.as_deref();
        if let Some(moments) = moments {
            let passes = match scene.turn {
                Turn::Later => matched.step > 0 || self.is_new(place, moments, &told, total),
                Turn::First | Turn::Again => self.passes(place, moments, &told, total),
            };
            if !passes {
                return;
            }
        }
        if resolves && resolves_later {
            self.resolve(event, matched, entity.as_ref());
        }
        // Only now: dates that moved meanwhile have moved what is planned.
        if rule.facts.is_held {
            return self.hold(place, &told, total);
        }
        self.tell(place, told, rest, admit);
    }

    fn hold(&mut self, place: (usize, usize), told: &[Telling], total: usize) {
        let rule = self.scene.of(place.0, place.1).1.rule.facts.id;
        *self.decided.held.entry(rule).or_default() += total;
        self.suppress(place, "held", told, total, None, None);
    }

    /// Whether it is told at once, as far as `dedupe_key` and `delay` say.
    fn passes(
        &mut self,
        place: (usize, usize),
        moments: &Moments,
        told: &[Telling],
        total: usize,
    ) -> bool {
        let (event, matched) = self.scene.of(place.0, place.1);
        let (memory, now, fact) = (matched.rule.memory(), self.scene.now, fact(event));
        let key = plan_key(matched, event);
        let mut plan: Plan = self.ledger.get(&key);
        // A reminder that was planned before is only moved: whether it says something again is asked when it is told.
        let moves = plan.at.is_some() && moments.dated.is_some();
        let is_useful = useful_until(matched, event).is_none_or(|until| until > now);
        let planned = match (&memory.delay, &moments.dated) {
            (None, _) => Planned::Now,
            (Some(Delay::For(by)), _) => {
                let due = later(event.occurred_at, *by);
                (plan.event, plan.at) = (event.id, Some(event.occurred_at));
                if due <= now {
                    Planned::Now
                } else {
                    Planned::Due(due)
                }
            }
            (Some(Delay::Date(_)), Some(Dated::Known { text, due, over })) => {
                let over = if is_useful { *over } else { now };
                plan.move_to(fact, Some((text, *due, over)), now)
            }
            (Some(Delay::Date(_)), Some(Dated::Withdrawn)) => plan.move_to(fact, None, now),
            (Some(Delay::Date(_)), _) => {
                self.suppress(place, "no_date", told, total, None, None);
                return false;
            }
        };
        let is_old = match planned {
            Planned::Now => !self.is_new(place, moments, told, total),
            Planned::Due(_) => !moves && !self.is_new(place, moments, told, total),
            _ => false,
        };
        let is_dated = matches!(memory.delay, Some(Delay::Date(_)));
        if is_old && !moves || planned == Planned::Now && !is_dated {
            return !is_old;
        }
        let (reason, until, by) = match planned {
            Planned::Superseded(by) => ("superseded", None, Some(by)),
            Planned::Due(due) => ("delayed", Some(due), None),
            Planned::Done => ("deduplicated", None, None),
            Planned::TooLate if !is_useful => ("expired", None, None),
            Planned::TooLate => ("too_late", None, None),
            Planned::Withdrawn => ("no_date", None, None),
            Planned::Now => ("", None, None),
        };
        if memory.shadow {
            // Recorded when it matches: a shadow has no tomorrow.
            return !is_old;
        }
        if planned == Planned::Now && !is_old {
            plan.tells();
        }
        if !matches!(planned, Planned::Superseded(_)) {
            self.ledger.put(&key, &plan, until.unwrap_or(now) + KNOWN);
            match until {
                Some(due) => {
                    let lane = Lane::of_priority(matched.rule.facts.priority);
                    self.ledger.ring(&key, Alarm::Reminder, lane, due);
                }
                None => self.ledger.calm(&key),
            }
        }
        if planned == Planned::Now {
            return !is_old;
        }
        self.suppress(place, reason, told, total, until, by);
        false
    }

    /// Whether nothing alike was told, as far as `dedupe_key` says.
    fn is_new(
        &mut self,
        place: (usize, usize),
        moments: &Moments,
        told: &[Telling],
        total: usize,
    ) -> bool {
        let (event, matched) = self.scene.of(place.0, place.1);
        let memory = matched.rule.memory();
        let (Some(dedupe), Some(text)) = (&memory.dedupe, &moments.dedupe) else {
            return true;
        };
        let key = Key::dedupe(matched.rule.facts.id, text).of_shadow(memory.shadow);
        let same: Same = self.ledger.get(&key);
        // What this very reminder told before its date moved isn't something alike.
        let own = match memory.delay {
            Some(Delay::Date(_)) => self.ledger.get::<Plan>(&plan_key(matched, event)).told,
            _ => Vec::new(),
        };
        let Some(by) = same.said_by(fact(event), dedupe.within, &own) else {
            return true;
        };
        self.suppress(place, "deduplicated", told, total, None, Some(by));
        false
    }

    /// It is told now, and so nothing alike is. What reaches nobody doesn't say anything.
    fn say(&mut self, place: (usize, usize)) {
        let (event, matched) = self.scene.of(place.0, place.1);
        let memory = matched.rule.memory();
        let text = matched.moments.as_deref().and_then(|m| m.dedupe.as_ref());
        let (Some(dedupe), Some(text), 0) = (&memory.dedupe, text, matched.step) else {
            return;
        };
        let key = Key::dedupe(matched.rule.facts.id, text).of_shadow(memory.shadow);
        let mut same: Same = self.ledger.get(&key);
        // A shadow is recorded: nobody can be told less than nobody.
        if same.say(fact(event)) && !memory.shadow {
            let (key, fact) = (key.clone(), fact(event));
            self.decided.said.push(Said { place, key, fact });
        }
        // As long as something alike may be planned.
        let waits = match memory.delay {
            None => SignedDuration::ZERO,
            Some(Delay::For(by)) => SignedDuration::try_from(by).unwrap_or(KNOWN),
            Some(Delay::Date(_)) => KNOWN,
        };
        let until = later(self.scene.now.max(event.occurred_at), dedupe.within);
        let until = until.checked_add(waits + KEPT).unwrap_or(Timestamp::MAX);
        self.ledger.put(&key, &same, until);
    }

    /// Person by person: throttled, gathered, recorded in the shadow, or told.
    fn tell(
        &mut self,
        place: (usize, usize),
        told: Vec<Telling>,
        rest: Option<(String, usize)>,
        admit: Admit<'_>,
    ) {
        let (event, matched) = self.scene.of(place.0, place.1);
        let (rule, memory) = (&matched.rule, matched.rule.memory());
        let mut now_told = self.throttled(place, told);
        if memory.shadow {
            let more = rest.map_or(0, |(_, total)| total);
            if !now_told.is_empty() || more > 0 {
                self.say(place);
            }
            return self.shadow(place, &now_told, more);
        }
        let mut gathered = Vec::new();
        now_told.retain(|telling| match self.gathers(event, matched, telling) {
            Some((key, due)) => {
                gathered.push((*telling, due));
                self.decided.gathered.push((*telling, key));
                false
            }
            None => true,
        });
        if let Some((_, due)) = gathered.iter().min_by_key(|(_, due)| *due) {
            let (due, all) = (*due, gathered.iter().map(|(t, _)| *t).collect::<Vec<_>>());
            self.suppress(place, "digested", &all, all.len(), Some(due), None);
        }
        let wanted = now_told.len();
        let admitted = admit(rule, wanted);
        if admitted < wanted {
            let over = now_told.split_off(admitted);
            self.give_back(place, &over);
            self.hold(place, &over, over.len());
        }
        let lane = Lane::of_priority(rule.facts.priority);
        let moments = matched.moments.as_deref();
        let due = moments.and_then(|m| m.due);
        let has_begun = moments.is_some_and(|m| m.has_begun);
        if let Some((after, _)) = &rest {
            let key = Key::rest(rule.facts.id, event.id, matched.step);
            let state = Rest {
                event: event.id,
                step: matched.step,
                after: after.clone(),
                has_begun: has_begun || !now_told.is_empty(),
                due,
            };
            self.ledger.put(&key, &state, self.scene.now + KNOWN);
            self.ledger.ring(&key, Alarm::Fanout, lane, self.scene.now);
        }
        if now_told.is_empty() && gathered.is_empty() {
            return;
        }
        self.say(place);
        if self.scene.rules.resolves(&event.event_type)
            && let Some((kind, id)) = entity(event)
        {
            let key = Key::entity(kind, id);
            let mut state: Entity = self.ledger.get(&key);
            state.opened(&event.event_type, fact(event), rule.facts.id);
            self.ledger.put(&key, &state, self.scene.now + KNOWN);
        }
        if let Some(first) = memory.escalate.first()
            && matched.step == 0
            && !has_begun
            && !now_told.is_empty()
        {
            let key = Key::escalate(rule.facts.id, event.id);
            // Told again by a replay: the first telling began the watch.
            if self.ledger.due(&key).is_none() {
                let state = Watch {
                    event: event.id,
                    step: 1,
                    due,
                };
                let at = later(self.scene.now, first.after);
                self.ledger.put(&key, &state, at + KEPT);
                self.ledger.ring(&key, Alarm::Escalation, lane, at);
            }
        }
        if !now_told.is_empty() {
            self.kept.insert(place, now_told);
        }
    }

    /// Where and until when a telling is gathered, if it is.
    fn gathers(
        &mut self,
        event: &Event,
        matched: &Match,
        telling: &Telling,
    ) -> Option<(Key, Timestamp)> {
        if matched.step > 0 {
            return None;
        }
        let person = self.scene.people.get(telling.person);
        let (key, schedule) = digest(event, matched, person)?;
        if let Some(due) = self.ledger.due(&key) {
            return Some((key, due));
        }
        let zone = self
            .zones
            .entry(person.timezone.clone())
            .or_insert_with(|| {
                // A zone that isn't one is noted where texts are rendered.
                TimeZone::get(&person.timezone).unwrap_or(TimeZone::UTC)
            });
        let due = schedule.next_after(self.scene.now, zone);
        let state = Gathering {
            user: person.id.clone(),
            of: if key.rule == 0 {
                matched.rule.facts.category.clone()
            } else {
                matched.rule.facts.name.clone()
            },
        };
        self.ledger.put(&key, &state, due + KEPT);
        self.ledger.ring(&key, Alarm::Digest, Lane::Normal, due);
        Some((key, due))
    }

    fn shadow(&mut self, place: (usize, usize), told: &[Telling], more: usize) {
        let (event, matched) = self.scene.of(place.0, place.1);
        let recipients = told.len() + more;
        self.suppress(place, "shadow", told, recipients, None, None);
        self.decided.shadows.push(Shadow {
            rule_id: matched.rule.facts.id,
            rule_version: matched.rule.facts.version,
            event_id: event.id,
            recipients,
            users: self.scene.users(told),
        });
    }

    pub(super) fn suppress(
        &mut self,
        place: (usize, usize),
        reason: &str,
        told: &[Telling],
        count: usize,
        until: Option<Timestamp>,
        by: Option<i64>,
    ) {
        self.decided.answered.insert(place);
        let suppressed = Suppressed {
            until,
            by,
            ..self.scene.suppressed(place, reason, told, count)
        };
        self.decided.suppressed.push((place.0, suppressed));
    }
}
