//! What rules remember decides whether what they would tell is told, and when: held rules, what is resolved, expired or said already,
//! delays and reminders, throttles, digests, shadows, escalations. Pure: matches and recipients come in with a ledger of what is
//! remembered; what is told now goes out, with what isn't and why, and the ledger changed. The same code decides for the worker, for
//! previews and for backtests.

mod desk;
mod places;
mod resolve;
mod throttle;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::directory::People;
use crate::ingest::Event;
use crate::pipeline::choose::{Chosen, Telling};
use crate::pipeline::compose::Judged;
use crate::pipeline::decide::desk::Desk;
use crate::pipeline::decide::places::{digest, entity, fact, plan_key};
use crate::pipeline::replay::Turn;
use crate::rules::limits;
use crate::rules::memory::ledger::{Key, Ledger};
use crate::rules::memory::states::{Fact, Same};
use crate::rules::memory::store::Shadow;
use crate::rules::model::Suppressed;
use crate::rules::set::CompiledRule;
use crate::rules::{Match, RuleSet};

pub(in crate::pipeline) use crate::pipeline::decide::places::plan_key as plan_of;
pub(crate) use crate::pipeline::decide::places::{later, useful_until};

/// States that only remember are kept so long at least.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// What is known about an entity, and which dates were reminded of, is kept so long after it last changed.
const KNOWN: SignedDuration = SignedDuration::from_hours(24 * 400);

/// What is decided about.
pub(crate) struct Scene<'a> {
    /// The batch's events.
    pub(crate) events: &'a [Event],
    /// Which rules are true for each.
    pub(crate) judged: &'a [Judged],
    /// Who they may be for.
    pub(crate) people: &'a People,
    /// All rules there are.
    pub(crate) rules: &'a RuleSet,
    /// The database's clock.
    pub(crate) now: Timestamp,
    /// Whether this is their first evaluation.
    pub(crate) turn: Turn,
    /// Matches (event, of) that mean nothing any more: their alarms were late.
    pub(crate) stale: HashSet<(usize, usize)>,
}

/// A match says that nothing alike is to be told.
#[derive(Debug)]
pub(crate) struct Said {
    /// The match.
    pub(crate) place: (usize, usize),
    /// Where that is remembered, with its rule.
    pub(crate) key: Key,
    /// Of what.
    pub(crate) fact: Fact,
}

/// What is told now, and what isn't.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    /// What is told now, in the order it came.
    pub(crate) tellings: Vec<Telling>,
    /// What isn't, by event.
    pub(crate) suppressed: Vec<(usize, Suppressed)>,
    /// Matches of which something is said there.
    pub(crate) answered: HashSet<(usize, usize)>,
    /// Which of them say that nothing alike is to be told, and where that is remembered.
    pub(crate) said: Vec<Said>,
    /// What is gathered instead, for the digest of a key.
    pub(crate) gathered: Vec<(Telling, Key)>,
    /// What was told before and is settled now: (event, rule).
    pub(crate) resolved: Vec<(i64, i64)>,
    /// What shadow rules would have told.
    pub(crate) shadows: Vec<Shadow>,
    /// How many tellings of held rules were held back, by rule.
    pub(crate) held: BTreeMap<i64, usize>,
}

impl Decided {
    /// How many people are told, or gathered for.
    pub(crate) fn told(&self) -> usize {
        self.tellings.len() + self.gathered.len()
    }

    /// What these were to say isn't said.
    pub(crate) fn unsay(&mut self, ledger: &mut Ledger, is_silent: impl Fn(&Said) -> bool) {
        self.said.retain(|said| {
            let is_silent = is_silent(said);
            if is_silent {
                let mut same: Same = ledger.get(&said.key);
                same.unsay(said.fact);
                ledger.change(&said.key, &same);
            }
            !is_silent
        });
    }
}

/// How many more notifications a rule may tell within this minute: asked with how many it wants, gives how many it gets.
pub(crate) type Admit<'a> = &'a mut dyn FnMut(&CompiledRule, usize) -> usize;

impl Scene<'_> {
    /// Whether anything that is remembered has a say.
    pub(crate) fn remembers(&self, chosen: &Chosen) -> bool {
        !chosen.rests.is_empty()
            || self.judged.iter().zip(self.events).any(|(judged, event)| {
                !judged.matches.is_empty() && self.rules.resolves(&event.event_type)
                    || judged
                        .matches
                        .iter()
                        .any(|m| m.moments.is_some() || m.rule.facts.is_held)
            })
            || chosen
                .tellings
                .iter()
                .any(|telling| self.people.get(telling.person).wishes.has_digests())
    }

    /// Everything that has to be held for the decision.
    pub(crate) fn keys(&self, chosen: &Chosen) -> BTreeSet<Key> {
        let mut keys = BTreeSet::new();
        for (event, judged) in self.events.iter().zip(self.judged) {
            for matched in &judged.matches {
                self.keys_of(event, matched, &mut keys);
            }
        }
        for rest in &chosen.rests {
            let (event, matched) = self.of(rest.event, rest.of);
            keys.insert(Key::rest(matched.rule.facts.id, event.id, matched.step));
        }
        for telling in &chosen.tellings {
            let (event, matched) = self.of(telling.event, telling.of);
            let person = self.people.get(telling.person);
            if let Some(moments) = &matched.moments
                && matched.rule.memory().throttle.is_some()
                && matched.step == 0
            {
                let rule = matched.rule.facts.id;
                let key = Key::throttle(rule, &person.id, &moments.throttle);
                keys.insert(key.of_shadow(matched.rule.memory().shadow));
            }
            if matched.step == 0
                && let Some((key, _)) = digest(event, matched, person)
            {
                keys.insert(key);
            }
        }
        keys
    }

    fn keys_of(&self, event: &Event, matched: &Match, keys: &mut BTreeSet<Key>) {
        let (memory, rule) = (matched.rule.memory(), matched.rule.facts.id);
        if let Some((kind, id)) = entity(event)
            && (!memory.resolves.is_empty() || self.rules.resolves(&event.event_type))
        {
            keys.insert(Key::entity(kind, id));
        }
        let Some(moments) = &matched.moments else {
            return;
        };
        if let (Some(key), 0) = (&moments.dedupe, matched.step) {
            keys.insert(Key::dedupe(rule, key).of_shadow(memory.shadow));
        }
        if self.turn != Turn::Later && memory.delay.is_some() {
            keys.insert(plan_key(matched, event));
        }
        if !memory.escalate.is_empty() && matched.step == 0 {
            keys.insert(Key::escalate(rule, event.id));
        }
    }

    fn of(&self, event: usize, of: usize) -> (&Event, &Match) {
        (&self.events[event], &self.judged[event].matches[of])
    }

    /// Who somebody is, of the first of these.
    fn users(&self, told: &[Telling]) -> Vec<String> {
        let named = told.iter().take(limits::NAMED);
        named
            .map(|telling| self.people.get(telling.person).id.clone())
            .collect()
    }

    fn suppressed(
        &self,
        place: (usize, usize),
        reason: &str,
        told: &[Telling],
        count: usize,
    ) -> Suppressed {
        let (_, matched) = self.of(place.0, place.1);
        Suppressed {
            users: self.users(told),
            ..Suppressed::new(&matched.rule.facts.name, reason, count)
        }
    }

    /// Where nothing that is remembered has a say: told as it was chosen, as far as the storm guard lets it.
    fn plain(&self, chosen: Chosen, admit: Admit<'_>) -> Decided {
        let mut decided = Decided::default();
        let is_same = |a: &Telling, b: &Telling| (a.event, a.of) == (b.event, b.of);
        for told in chosen.tellings.chunk_by(is_same) {
            let place = (told[0].event, told[0].of);
            let rule = &self.of(place.0, place.1).1.rule;
            let (now, over) = told.split_at(admit(rule, told.len()));
            decided.tellings.extend_from_slice(now);
            if !over.is_empty() {
                let held = self.suppressed(place, "held", over, over.len());
                decided.suppressed.push((place.0, held));
                decided.answered.insert(place);
                *decided.held.entry(rule.facts.id).or_default() += over.len();
            }
        }
        decided
    }

    /// Decides, event by event in the order they occurred.
    pub(crate) fn decide(&self, chosen: Chosen, ledger: &mut Ledger, admit: Admit<'_>) -> Decided {
        if !self.remembers(&chosen) {
            return self.plain(chosen, admit);
        }
        let mut groups: HashMap<(usize, usize), Vec<Telling>> = HashMap::new();
        for telling in chosen.tellings {
            let place = (telling.event, telling.of);
            groups.entry(place).or_default().push(telling);
        }
        let rests = chosen.rests.into_iter();
        let mut desk = Desk {
            scene: self,
            ledger,
            groups,
            rests: rests
                .map(|r| ((r.event, r.of), (r.after, r.total)))
                .collect(),
            kept: BTreeMap::new(),
            zones: HashMap::new(),
            places: HashMap::new(),
            decided: Decided::default(),
        };
        let places = self.events.iter().enumerate();
        desk.places = places.map(|(place, event)| (event.id, place)).collect();
        let mut order: Vec<usize> = (0..self.events.len()).collect();
        order.sort_by_key(|&place| fact(&self.events[place]));
        for event in order {
            for of in 0..self.judged[event].matches.len() {
                desk.decide(event, of, admit);
            }
        }
        let mut decided = desk.decided;
        decided.tellings = desk.kept.into_values().flatten().collect();
        decided
    }
}
