//! A plan: an event that is told later. A reminder's moves with the date of its entity, whichever event comes last. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::rules::memory::states::Fact;

/// `delay:<event>` and `remind:<type>:<id>`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The event that is to be told.
    pub event: i64,
    /// When it occurred.
    pub at: Option<Timestamp>,
    /// The date that is reminded of, as the payload has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// It was told.
    #[serde(default)]
    pub is_done: bool,
    /// The last events that it told, of one date after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<i64>,
}

/// So many are kept.
const TOLD: usize = 8;

/// What a dated event means for a reminder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planned {
    /// A newer event of the entity was here before.
    Superseded(i64),
    /// This date was reminded of.
    Done,
    /// To be told then.
    Due(Timestamp),
    /// To be told at once: its moment is past, and the date isn't.
    Now,
    /// The date is past.
    TooLate,
    /// There is no date any more.
    Withdrawn,
}

impl Plan {
    /// It tells its event now.
    pub fn tells(&mut self) {
        self.is_done = true;
        self.told.retain(|event| *event != self.event);
        self.told.push(self.event);
        let over = self.told.len().saturating_sub(TOLD);
        self.told.drain(..over);
    }

    /// Takes in an event with its date (`None` = taken away): (as written, when due, when past).
    pub fn move_to(
        &mut self,
        fact: Fact,
        date: Option<(&str, Timestamp, Timestamp)>,
        now: Timestamp,
    ) -> Planned {
        if self.at.is_some_and(|at| (at, self.event) > fact) {
            return Planned::Superseded(self.event);
        }
        (self.event, self.at) = (fact.1, Some(fact.0));
        let Some((text, due, over)) = date else {
            (self.date, self.is_done) = (None, false);
            return Planned::Withdrawn;
        };
        if self.is_done && self.date.as_deref() == Some(text) {
            return Planned::Done;
        }
        self.date = Some(text.to_owned());
        self.is_done = due <= now;
        if due > now {
            Planned::Due(due)
        } else if over > now {
            Planned::Now
        } else {
            Planned::TooLate
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_reminder_follows_the_newest_event_of_its_entity() {
        let mut plan = Plan::default();
        let date = |text, due: i64, over: i64| Some((text, at(due), at(over)));
        let now = at(100);
        assert_eq!(
            plan.move_to((at(10), 1), date("d1", 500, 900), now),
            Planned::Due(at(500))
        );
        assert_eq!(
            plan.move_to((at(20), 2), date("d2", 600, 900), now),
            Planned::Due(at(600))
        );
        assert_eq!(
            plan.move_to((at(15), 3), date("d3", 700, 900), now),
            Planned::Superseded(2)
        );
        assert_eq!(plan.move_to((at(21), 4), None, now), Planned::Withdrawn);
        assert_eq!(
            plan.move_to((at(22), 5), date("d2", 90, 900), now),
            Planned::Now
        );
        assert_eq!(
            plan.move_to((at(23), 6), date("d2", 90, 900), now),
            Planned::Done
        );
        assert_eq!(
            plan.move_to((at(24), 7), date("d4", 800, 900), now),
            Planned::Due(at(800)),
            "the date has moved on"
        );
        assert_eq!(
            plan.move_to((at(25), 8), date("d5", 10, 50), now),
            Planned::TooLate
        );
    }
}
