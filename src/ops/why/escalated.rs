//! Why an escalation told somebody not, or not yet: by what its steps say, and what those who were told did. Pure.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::directory::{People, Person};
use crate::rules::{Audience, Further, Unless};

/// How far a rule's escalation of an event is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The rule.
    pub rule_id: i64,
    /// Whom it told, by id; at most 500.
    pub told: Vec<String>,
    /// Who read it first, and when.
    pub read: Option<(String, Timestamp)>,
    /// Who acknowledged it first, and when.
    pub acknowledged: Option<(String, Timestamp)>,
    /// Everybody's is resolved or deleted.
    pub is_settled: bool,
    /// The step that is next, and when.
    pub waits: Option<(i16, Timestamp)>,
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

    /// What a rule's has to say of somebody whom it didn't tell: a code, and a sentence. `None` where it isn't for them.
    #[must_use]
    pub fn say(
        &self,
        rule: (i64, &str),
        person: &Person,
        people: &People,
    ) -> Option<(&'static str, String)> {
        let (progress, steps) = self.0.get(&rule.0)?;
        let mut steps = (1_i16..).zip(steps);
        let chosen = |step: &Further| people.standing(person, &step.audience).is_chosen();
        let (nth, step) = steps.find(|(_, step)| chosen(step))?;
        Some(progress.say(rule.1, &person.id, nth, step))
    }
}

impl Progress {
    fn say(&self, rule: &str, user: &str, nth: i16, step: &Further) -> (&'static str, String) {
        let (done, by) = match step.unless {
            Unless::Read => ("read", self.read.as_ref().or(self.acknowledged.as_ref())),
            Unless::Acknowledged => ("acknowledged", self.acknowledged.as_ref()),
        };
        let so =
            format!("rule {rule} would have told {user}, too, by step {nth} of its escalation");
        if let Some((who, at)) = by {
            let at = said(*at);
            let why = format!("{so}, but {who} had {done} it on {at}");
            return ("escalation_ended", why);
        }
        if self.is_settled {
            let why =
                format!("{so}, but before that it was resolved, or deleted by all who had it");
            return ("escalation_ended", why);
        }
        match self.waits {
            Some((next, due)) if next == nth => (
                "escalation_waits",
                format!(
                    "rule {rule} tells {user} on {}, by step {nth} of its escalation, unless somebody whom it told has {done} it by then",
                    said(due)
                ),
            ),
            Some((next, due)) if next < nth => (
                "escalation_waits",
                format!(
                    "rule {rule} tells {user} by step {nth} of its escalation, unless somebody whom it told has {done} it by then; its step {next} is due on {}",
                    said(due)
                ),
            ),
            _ => (
                "escalation_ended",
                format!(
                    "rule {rule} tells {user} by step {nth} of its escalation, which wasn't planned for this event"
                ),
            ),
        }
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
            told: vec!["ali".into()],
            read: None,
            acknowledged: None,
            is_settled: false,
            waits: None,
        }
    }

    fn say(progress: &Progress, nth: i16, unless: Unless) -> (&'static str, String) {
        let step = Further {
            unless,
            audience: Audience::default(),
        };
        progress.say("overdue", "sara", nth, &step)
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
            ..progress()
        };
        assert!(say(&settled, 2, Unless::Read).1.contains("was resolved"));
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
                .contains("wasn't planned")
        );
    }
}
