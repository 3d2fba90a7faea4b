//! Station 4, again: alarms → the matches they stand for, with today's rules. Pure.

use std::collections::HashMap;

use crate::ingest::Event;
use crate::pipeline::compose::Judged;
use crate::pipeline::later::due::{Due, Told, What, escalation, is_taken_care_of};
use crate::pipeline::watchdog;
use crate::rules::set::EventContext;
use crate::rules::{Match, RuleSet};

/// Station 4, again: the matches that alarms stand for, with today's rules.
pub(super) fn matches(
    due: &mut [Due],
    rules: &RuleSet,
    events: &[Event],
    told: &Told,
    managers: &HashMap<String, String>,
    progress: &watchdog::Progress,
) -> Vec<Judged> {
    let mut judged: Vec<Judged> = events.iter().map(|_| Judged::default()).collect();
    for due in due {
        let Some(event) = due.what.event() else {
            continue;
        };
        let place = events.iter().position(|known| known.id == event);
        let (Some(place), Some(rule)) = (place, rules.by_id(due.key.rule)) else {
            continue;
        };
        progress.at(rule.facts.id, rule.facts.version);
        let Ok(context) = EventContext::new(&events[place]) else {
            continue;
        };
        let judgement = &mut judged[place];
        let moments = rule.moments(&context, &mut judgement.warnings);
        let (mut audience, _) = rule.audience(&context);
        let (mut step, mut channels) = (0, None);
        match &due.what {
            What::Plan(_) => {}
            What::Rest(rest) => step = rest.step,
            What::Watch(watch) => {
                let those = told.of_rule(event, rule.facts.id);
                let Some(escalation) = escalation(rule, watch) else {
                    continue;
                };
                if is_taken_care_of(escalation.unless, those) {
                    continue;
                }
                (step, channels) = (watch.step, escalation.channels.clone());
                let except = audience.except.take();
                (audience, _) = rule.audience_of(&escalation.audience, &context);
                audience.except = except;
                if escalation.managers {
                    let theirs = those.iter().filter_map(|one| managers.get(&one.user_id));
                    audience.users.extend(theirs.cloned());
                } else if audience.is_nobody() {
                    let open = those.iter().filter(|one| !one.is_gone);
                    audience.users.extend(open.map(|one| one.user_id.clone()));
                }
            }
            What::Settle(_) | What::Digest(_) => continue,
        }
        due.place = Some((place, judgement.matches.len()));
        judgement.matches.push(Match {
            rule: rule.clone(),
            audience,
            step,
            channels,
            moments: moments.map(Box::new),
        });
    }
    judged
}
