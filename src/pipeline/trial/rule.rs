//! One rule alone through stations 4 to 6, up to the rows, which aren't written. Pure: a row, events and people in, what would be
//! written out.

use std::collections::HashSet;

use jiff::Timestamp;

use super::patience::Watch;
use crate::directory::People;
use crate::ingest::Event;
use crate::kernel::ChannelKind;
use crate::pipeline::compose::{self, Composed, Judged};
use crate::rules::{Fault, RuleRow, RuleSet};

/// A rule, compiled.
pub(super) struct Trial {
    /// It alone.
    pub(super) rules: RuleSet,
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

/// What would be written.
#[derive(Default)]
pub(super) struct Worked {
    /// Events that something came of.
    pub(super) events: Vec<Event>,
    /// Of each: its outcome, notifications and deliveries.
    pub(super) composed: Composed,
    /// Others, that could not be evaluated.
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
            None => Ok(Self { rules }),
        }
    }

    /// Station 4 for past events, each as at the moment of its receipt; an event that breaks the evaluator costs itself.
    pub(super) fn judge_past(&self, events: &[Event], watch: &Watch) -> Judgement {
        let mut all = Judgement::default();
        for event in events {
            if watch.is_over() {
                break;
            }
            let one = std::slice::from_ref(event);
            let Ok(judged) = compose::judge(&self.rules, one, event.received_at, &watch.progress)
            else {
                all.failed += 1;
                continue;
            };
            let came = judged
                .into_iter()
                .filter(|j| !j.matches.is_empty() || !j.warnings.is_empty());
            for judged in came {
                all.events.push(event.clone());
                all.judged.push(judged);
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

/// Stations 5 and 6 for what was judged; an event that breaks the renderer costs itself.
pub(super) fn work(
    judgement: Judgement,
    people: &People,
    configured: &HashSet<ChannelKind>,
    watch: &Watch,
) -> Worked {
    let Judgement {
        mut events,
        mut judged,
        mut failed,
    } = judgement;
    loop {
        let tellings = compose::tellings(&judged, people);
        let numbers: Vec<i64> = (1..).take(tellings.len()).collect();
        // Kept for another turn without the culprit, which is rare; a judgement is a few words an event.
        let again: Vec<Judged> = judged.iter().map(copy).collect();
        let composed = compose::compose(
            &events,
            judged,
            people,
            &tellings,
            &numbers,
            configured,
            &watch.progress,
        );
        match composed {
            Ok(composed) => {
                return Worked {
                    events,
                    composed,
                    failed,
                };
            }
            Err((culprit, _)) if culprit < events.len() => {
                events.remove(culprit);
                judged = again;
                judged.remove(culprit);
                failed += 1;
            }
            Err(_) => return Worked::default(),
        }
    }
}

fn copy(judged: &Judged) -> Judged {
    Judged {
        matches: judged.matches.clone(),
        warnings: judged.warnings.clone(),
    }
}
