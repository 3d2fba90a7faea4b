//! Station 4, again: alarms → the matches they stand for, with today's rules. Pure.

use crate::ingest::Event;
use crate::pipeline::compose::Judged;
use crate::pipeline::later::due::{Due, Told, What, is_taken_care_of};
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
        let mut moments = rule.moments(&context, &mut judgement.warnings);
        if let Some(moments) = &mut moments {
            moments.due = match &due.what {
                What::Plan(_) => due.at,
                What::Rest(rest) => rest.due,
                What::Watch(watch) => watch.due,
                What::Settle(_) | What::Digest(_) => None,
            };
            moments.has_begun = matches!(&due.what, What::Rest(rest) if rest.has_begun);
        }
        let those = told.of_rule(event, rule.facts.id);
        let step = match &due.what {
            What::Plan(_) => 0,
            What::Rest(rest) => rest.step,
            What::Watch(watch) => watch.step,
            What::Settle(_) | What::Digest(_) => continue,
        };
        // Also once some of a step's people were told.
        if step > 0 {
            let unless = rule.escalation(step).map(|step| step.unless);
            if unless.is_none_or(|unless| is_taken_care_of(unless, those)) {
                continue;
            }
        }
        // Whom the step itself tells meanwhile isn't asked for whom else to tell.
        let told = those.iter().filter(|one| one.step < step && !one.is_gone);
        let told = told.map(|one| one.user_id.clone());
        // `None`: the step was taken out of the rule.
        let Some(audience) = rule.audience_at(step, &context, told) else {
            continue;
        };
        due.place = Some((place, judgement.matches.len()));
        judgement.matches.push(Match {
            rule: rule.clone(),
            audience,
            step,
            moments: moments.map(Box::new),
        });
    }
    judged
}
