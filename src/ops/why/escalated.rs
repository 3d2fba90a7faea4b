//! Why an escalation told somebody not, or not yet: by what its steps say, and what those who were told did. Pure.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use crate::directory::{People, Person};
use crate::rules::{Audience, Further, Unless};

/// How far a rule's escalation of an event is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The rule.
    pub rule_id: i64,
    /// Whom it told and who still has it, by id, and at which step; of the first 20 000.
    pub told: Vec<(String, i16)>,
    /// The steps that told somebody, and when first.
    pub ran: BTreeMap<i16, Timestamp>,
    /// Who read it first, and when.
    pub read: Option<(String, Timestamp)>,
    /// Who acknowledged it first, and when.
    pub acknowledged: Option<(String, Timestamp)>,
    /// When it was resolved.
    pub resolved: Option<Timestamp>,
    /// Everybody's is resolved or deleted.
    pub is_settled: bool,
    /// The step that is next, and when.
    pub waits: Option<(i16, Timestamp)>,
    /// Why it doesn't come though it is due, as the end of a sentence.
    pub paused: String,
    /// The rule was switched off when a step was due.
    pub is_off: bool,
}

/// Escalations of an event, by rule.
#[derive(Debug, Default)]
pub struct Escalations(HashMap<i64, (Progress, Vec<Further>)>);

impl Escalations {
    /// A rule's.
    pub fn add(&mut self, progress: Progress, steps: Vec<Further>) {
        self.0.insert(progress.rule_id, (progress, steps));
    }

    /// Whom their steps are for.
    pub fn audiences(&self) -> impl Iterator<Item = &Audience> {
        let steps = self.0.values().flat_map(|(_, steps)| steps);
        steps.map(|step| &step.audience)
    }

    /// What a rule's has to say of somebody whom it didn't tell: a code, and a sentence. `None` where it isn't for them. `unwritten`: why a
    /// text of the rule could not be written for this event.
    #[must_use]
    pub fn say(
        &self,
        rule: (i64, &str),
        person: &Person,
        people: &People,
        unwritten: Option<&str>,
    ) -> Option<(&'static str, String)> {
        let (progress, steps) = self.0.get(&rule.0)?;
        let chosen = |step: &Further| people.standing(person, &step.audience).is_chosen();
        let steps = (1_i16..).zip(steps).filter(|(_, step)| chosen(step));
        let mut said =
            steps.map(|(nth, step)| progress.say(rule.1, &person.id, nth, step, unwritten));
        // What is still to come matters most.
        let first = said.next()?;
        if first.0 == "escalation_waits" {
            return Some(first);
        }
        Some(
            said.find(|next| next.0 == "escalation_waits")
                .unwrap_or(first),
        )
    }
}

impl Progress {
    fn say(
        &self,
        rule: &str,
        user: &str,
        nth: i16,
        step: &Further,
        unwritten: Option<&str>,
    ) -> (&'static str, String) {
        let (done, by) = match step.unless {
            Unless::Read => ("read", self.read.as_ref().or(self.acknowledged.as_ref())),
            Unless::Acknowledged => ("acknowledged", self.acknowledged.as_ref()),
        };
        let so =
            format!("rule {rule} would have told {user}, too, by step {nth} of its escalation");
        let is_past = self.waits.is_some_and(|(next, _)| next > nth)
            || self
                .ran
                .last_key_value()
                .is_some_and(|(&last, _)| last > nth);
        // What was done afterwards didn't end it.
        if let Some(at) = self.ran.get(&nth) {
            let why = format!(
                "rule {rule} told others by step {nth} of its escalation, on {}, which was not for {user} then; today it would be",
                said(*at)
            );
            return ("escalation_ended", why);
        }
        let unwritten = unwritten.map(|detail| {
            let why = format!("{so}, but its text could not be written: {detail}");
            ("render_failed", why)
        });
        if is_past && let Some(said) = unwritten {
            return said;
        }
        if is_past {
            let why = format!(
                "step {nth} of the escalation of rule {rule} told nobody when it was due; today it would be for {user}"
            );
            return ("escalation_ended", why);
        }
        if let Some((who, at)) = by {
            let at = said(*at);
            let why = format!("{so}, but {who} had {done} it on {at}");
            return ("escalation_ended", why);
        }
        if self.is_settled {
            let why = match self.resolved {
                Some(at) => format!("{so}, but it was resolved on {}", said(at)),
                None => format!("{so}, but before that all who were told of it deleted it"),
            };
            return ("escalation_ended", why);
        }
        if self.is_off && self.waits.is_none() {
            let why =
                format!("{so}, but when a step of it was due the rule was switched off or faulty");
            return ("escalation_ended", why);
        }
        let Some((next, due)) = self.waits else {
            if let Some(said) = unwritten {
                return said;
            }
            let why = format!(
                "rule {rule} tells {user} by step {nth} of its escalation, but nothing of it is planned for this event: when it was told of it, the rule had no such step"
            );
            return ("escalation_ended", why);
        };
        let (due, paused) = (said(due), &self.paused);
        let unless = format!("unless somebody whom it told has {done} it by then");
        let why = if next == nth {
            format!(
                "rule {rule} tells {user} on {due}, by step {nth} of its escalation, {unless}{paused}"
            )
        } else {
            format!(
                "rule {rule} tells {user} by step {nth} of its escalation, {unless}; its step {next} is due on {due}{paused}"
            )
        };
        ("escalation_waits", why)
    }
}

/// As `neurolink_said` writes it.
fn said(at: Timestamp) -> impl std::fmt::Display {
    at.strftime("%Y-%m-%d %H:%M UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> Progress {
        Progress {
            rule_id: 7,
            told: vec![("ali".into(), 0)],
            ran: [(0, Timestamp::UNIX_EPOCH)].into(),
            read: None,
            acknowledged: None,
            resolved: None,
            is_settled: false,
            waits: None,
            paused: String::new(),
            is_off: false,
        }
    }

    fn say(progress: &Progress, nth: i16, unless: Unless) -> (&'static str, String) {
        let step = Further {
            unless,
            audience: Audience::default(),
        };
        progress.say("overdue", "sara", nth, &step, None)
    }

    #[test]
    fn what_ended_it_is_named_with_who_did_it() {
        let at = Timestamp::UNIX_EPOCH;
        let read = Progress {
            read: Some(("ali".into(), at)),
            waits: Some((1, at)),
            ..progress()
        };
        let (code, why) = say(&read, 1, Unless::Read);
        assert_eq!(code, "escalation_ended");
        assert!(
            why.ends_with("but ali had read it on 1970-01-01 00:00 UTC"),
            "{why}"
        );
        assert_eq!(say(&read, 1, Unless::Acknowledged).0, "escalation_waits");
        let settled = Progress {
            is_settled: true,
            resolved: Some(at),
            ..progress()
        };
        let (_, why) = say(&settled, 2, Unless::Read);
        assert!(
            why.ends_with("but it was resolved on 1970-01-01 00:00 UTC"),
            "{why}"
        );
        let deleted = Progress {
            resolved: None,
            ..settled
        };
        let (_, why) = say(&deleted, 2, Unless::Read);
        assert!(why.ends_with("all who were told of it deleted it"), "{why}");
    }

    #[test]
    fn a_step_that_was_is_not_ended_by_what_was_done_later() {
        let at = Timestamp::UNIX_EPOCH;
        let done = Progress {
            read: Some(("ali".into(), at)),
            ran: [(0, at), (2, at)].into(),
            ..progress()
        };
        let (code, why) = say(&done, 2, Unless::Read);
        assert_eq!(code, "escalation_ended");
        assert!(
            why.starts_with("rule overdue told others by step 2 of its escalation, on 1970-01-01"),
            "{why}"
        );
        let (_, why) = say(&done, 1, Unless::Read);
        assert!(
            why.starts_with("step 1 of the escalation of rule overdue told nobody"),
            "{why}"
        );
        assert!(
            say(&done, 3, Unless::Read)
                .1
                .contains("but ali had read it"),
        );
    }

    #[test]
    fn what_is_to_come_is_told_with_its_moment() {
        let waiting = Progress {
            waits: Some((1, Timestamp::UNIX_EPOCH)),
            ..progress()
        };
        let (code, why) = say(&waiting, 1, Unless::Read);
        assert_eq!(code, "escalation_waits");
        assert!(
            why.starts_with("rule overdue tells sara on 1970-01-01"),
            "{why}"
        );
        let (_, why) = say(&waiting, 3, Unless::Acknowledged);
        assert!(
            why.ends_with("its step 1 is due on 1970-01-01 00:00 UTC"),
            "{why}"
        );
        assert!(
            say(&progress(), 1, Unless::Read)
                .1
                .contains("nothing of it is planned")
        );
        let paused = Progress {
            paused: "; since then all escalations are paused".into(),
            ..waiting
        };
        let (_, why) = say(&paused, 1, Unless::Read);
        assert!(
            why.ends_with("by then; since then all escalations are paused"),
            "{why}"
        );
    }
}
