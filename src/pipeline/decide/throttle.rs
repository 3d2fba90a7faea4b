//! `throttle`: who was told too much. Pure.

use crate::pipeline::choose::Telling;
use crate::pipeline::decide::KEPT;
use crate::pipeline::decide::desk::Desk;
use crate::pipeline::decide::places::later;
use crate::rules::memory::ledger::Key;
use crate::rules::memory::states::Windows;

impl Desk<'_> {
    /// Those who weren't told too much yet.
    pub(super) fn throttled(&mut self, place: (usize, usize), told: Vec<Telling>) -> Vec<Telling> {
        let (event, matched) = self.scene.of(place.0, place.1);
        let (Some(throttle), Some(moments)) =
            (&matched.rule.memory().throttle, matched.moments.as_deref())
        else {
            return told;
        };
        if matched.step > 0 {
            // It asks for what was told: with what it said first it isn't counted together.
            return told;
        }
        let (mut admitted, mut over) = (Vec::new(), Vec::new());
        for telling in told {
            let person = self.scene.people.get(telling.person);
            let key = Key::throttle(matched.rule.facts.id, &person.id, &moments.throttle);
            let key = key.of_shadow(matched.rule.memory().shadow);
            let mut windows: Windows = self.ledger.get(&key);
            if windows.admit(event.occurred_at, throttle.limit, throttle.per) {
                admitted.push(telling);
            } else {
                over.push(telling);
            }
            let until = later(self.scene.now.max(event.occurred_at), throttle.per) + KEPT;
            self.ledger.put(&key, &windows, until);
        }
        if !over.is_empty() {
            self.suppress(place, "throttled", &over, over.len(), None, None);
        }
        admitted
    }

    /// They were counted as told, and aren't: the storm guard has them.
    pub(super) fn give_back(&mut self, place: (usize, usize), held: &[Telling]) {
        let (event, matched) = self.scene.of(place.0, place.1);
        let (Some(throttle), Some(moments), 0) = (
            &matched.rule.memory().throttle,
            matched.moments.as_deref(),
            matched.step,
        ) else {
            return;
        };
        for telling in held {
            let person = self.scene.people.get(telling.person);
            let key = Key::throttle(matched.rule.facts.id, &person.id, &moments.throttle);
            let mut windows: Windows = self.ledger.get(&key);
            windows.give_back(event.occurred_at, throttle.per);
            let until = later(self.scene.now.max(event.occurred_at), throttle.per) + KEPT;
            self.ledger.put(&key, &windows, until);
        }
    }
}
