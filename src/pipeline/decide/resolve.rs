//! What an event settles: what was told of older ones about the same entity, and what of this very batch would be.

use crate::pipeline::decide::KNOWN;
use crate::pipeline::decide::desk::Desk;
use crate::pipeline::decide::places::fact;
use crate::pipeline::replay::Turn;
use crate::rules::Match;
use crate::rules::memory::ledger::Key;
use crate::rules::memory::states::Entity;

impl Desk<'_> {
    /// Settles what the rule resolves: what was told before, and what of this batch would be.
    pub(super) fn resolve(&mut self, event: usize, matched: &Match, entity: Option<&Key>) {
        let resolves = &matched.rule.memory().resolves;
        let (Some(key), false) = (entity, resolves.is_empty()) else {
            return;
        };
        let fact = fact(&self.scene.events[event]);
        let mut state: Entity = self.ledger.get(key);
        let mut settled = Vec::new();
        for what in resolves {
            settled.extend(state.resolve(what, fact));
        }
        self.ledger.put(key, &state, self.scene.now + KNOWN);
        for (old, rule) in settled {
            let place = self.places.get(&old).copied();
            // What comes back by an alarm or a replay was told before.
            if place.is_none() || self.scene.turn != Turn::First {
                self.decided.resolved.push((old, rule));
            }
            let Some(place) = place else { continue };
            let matches = self.scene.judged[place].matches.iter().enumerate();
            let its = matches.filter(|(_, m)| m.rule.facts.id == rule);
            for place in its.map(|(of, _)| (place, of)).collect::<Vec<_>>() {
                let mut told = self.kept.remove(&place).unwrap_or_default();
                self.decided.gathered.retain(|(telling, _)| {
                    let is_it = (telling.event, telling.of) == place;
                    if is_it {
                        told.push(*telling);
                    }
                    !is_it
                });
                if !told.is_empty() {
                    self.give_back(place, &told);
                    self.decided.unsay(self.ledger, |said| said.place == place);
                    self.suppress(place, "resolved", &told, told.len(), None, Some(fact.1));
                }
            }
        }
    }
}
