//! Station 4, again: alarms → the matches they stand for, with today's rules. Pure.

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
                let (except, excluded) = (audience.except.take(), audience.excluded);
                (audience, _) = rule.audience_of(&escalation.audience, &context);
                // Whom the rule leaves out, its escalations do.
                audience.except = audience.except.or(except);
                audience.excluded.extend(excluded);
                let whom = those.iter().filter(|one| !one.is_gone);
                let whom: Vec<String> = whom.map(|one| one.user_id.clone()).collect();
                if std::mem::take(&mut audience.managers_of_recipients) {
                    audience.managers_of.extend(whom);
                } else if audience.is_nobody() {
                    audience.users.extend(whom);
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
