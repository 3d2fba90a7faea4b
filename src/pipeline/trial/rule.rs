//! One rule alone through stations 4 to 6, up to the rows, which aren't written. Pure: a row, events and people in, what would be
//! written out.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::course::Step;
use super::patience::Watch;
use crate::directory::People;
use crate::ingest::Event;
use crate::kernel::ChannelKind;
use crate::pipeline::compose::{self, Composed, Judged, Order};
use crate::pipeline::replay::Turn;
use crate::rules::set::CompiledRule;
use crate::rules::{Fault, RuleRow, RuleSet};

/// A rule, compiled.
pub(super) struct Trial {
    /// It alone.
    pub(super) rules: RuleSet,
    /// Its id; of a draft: 0.
    id: i64,
}

/// Events that the rule is true for, or warned about.
#[derive(Default)]
pub(super) struct Judgement {
    /// In order.
    pub(super) events: Vec<Event>,
    /// One each.
    pub(super) judged: Vec<Judged>,
    /// Others, that could not be evaluated.
    pub(super) failed: u64,
}

/// What would be written of one event, at one moment.
pub(super) struct Done {
    /// The event.
    pub(super) event: Event,
    /// When.
    pub(super) now: Timestamp,
    /// Whether it was put off before.
    pub(super) is_later: bool,
    /// Its outcome, notifications and deliveries.
    pub(super) composed: Composed,
}

/// What would be written of several.
#[derive(Default)]
pub(super) struct Worked {
    /// In the order they were decided.
    pub(super) done: Vec<Done>,
    /// Others, that could not be worked on.
    pub(super) failed: u64,
}

impl Trial {
    /// Compiles it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn compile(row: &RuleRow) -> Result<Self, Fault> {
        let (rules, faults) = RuleSet::compile(std::slice::from_ref(row));
        match faults.into_iter().next() {
            Some((_, _, fault)) => Err(fault),
            None => Ok(Self { rules, id: row.id }),
        }
    }

    /// The rule.
    pub(super) fn rule(&self) -> Option<&Arc<CompiledRule>> {
        self.rules.by_id(self.id)
    }

    /// Station 4 for past events, each as at the moment of its receipt; an event that breaks the evaluator costs itself.
    pub(super) fn judge_past(&self, events: &[Event], watch: &Watch) -> Judgement {
        let mut all = Judgement::default();
        for event in events {
            if watch.is_over() {
                break;
            }
            match self.judge(event, event.received_at, watch) {
                Ok(judged) if judged.matches.is_empty() && judged.warnings.is_empty() => {}
                Ok(judged) => {
                    all.events.push(event.clone());
                    all.judged.push(judged);
                }
                Err(_) => all.failed += 1,
            }
        }
        all
    }

    /// Station 4 for one event, at a moment.
    ///
    /// # Errors
    /// Why it can't be evaluated.
    pub(super) fn judge(
        &self,
        event: &Event,
        now: Timestamp,
        watch: &Watch,
    ) -> Result<Judged, String> {
        let one = std::slice::from_ref(event);
        let judged = compose::judge(&self.rules, one, now, &watch.progress);
        judged
            .map(|judged| judged.into_iter().next().unwrap_or_default())
            .map_err(|(_, why)| why)
    }
}

impl Judgement {
    /// This one, then another.
    pub(super) fn then(mut self, other: Self) -> Self {
        self.events.extend(other.events);
        self.judged.extend(other.judged);
        self.failed += other.failed;
        self
    }
}

/// Stations 5 and 6 for what was decided; an event that breaks the renderer costs itself.
pub(super) fn work(
    steps: Vec<Step>,
    people: &Arc<People>,
    configured: &HashSet<ChannelKind>,
    watch: &Watch,
) -> Worked {
    let mut worked = Worked::default();
    for step in steps {
        if watch.is_over() {
            break;
        }
        let Step {
            event,
            judged,
            decided,
            now,
            turn,
        } = step;
        let order = Order {
            people: people.clone(),
            numbers: (1..).take(decided.tellings.len()).collect(),
            decided,
            configured: configured.clone(),
            now,
            turn,
        };
        let one = std::slice::from_ref(&event);
        match compose::compose(one, vec![judged], &order, &watch.progress) {
            Ok(composed) => worked.done.push(Done {
                event,
                now,
                is_later: turn == Turn::Later,
                composed,
            }),
            Err(_) => worked.failed += 1,
        }
    }
    worked
}
