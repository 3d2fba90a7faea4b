//! What one rule says of one event, and why: the same compiling and evaluating as the line's, asked for a reason. Comes from a
//! rule's row, goes to traces and explanations. Pure.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bumpalo::Bump;

use crate::ingest::Event;
use crate::rules::blame;
use crate::rules::conditions::{Data, Verdict};
use crate::rules::memory::model::{Escalation, Unless};
use crate::rules::model::{Audience, Fault, RuleRow};
use crate::rules::pattern;
use crate::rules::set::{CompiledRule, EventContext};

pub use crate::rules::blame::FailingPart;

/// A rule's answer for an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Its module or pattern is another; the sentence says which.
    Elsewhere(String),
    /// It can't be compiled.
    Faulty(Fault),
    /// It or the payload can't be worked with: no match.
    Broken {
        /// What went wrong.
        detail: String,
        /// Whom it would be for.
        audience: Option<Audience>,
    },
    /// Its condition isn't true.
    False {
        /// The part of it that isn't.
        part: Option<FailingPart>,
        /// Whom it would be for.
        audience: Audience,
    },
    /// It is true.
    True {
        /// Whom it is for.
        audience: Audience,
        /// People left out because there were too many.
        over: usize,
    },
}

/// A step of an escalation, for one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Further {
    /// What somebody who was told does so that it doesn't come to that.
    pub unless: Unless,
    /// Whom it is for.
    pub audience: Audience,
}

impl Finding {
    /// Whom the rule is for, or would be.
    #[must_use]
    pub fn audience(&self) -> Option<&Audience> {
        match self {
            Self::Elsewhere(_) | Self::Faulty(_) => None,
            Self::Broken { audience, .. } => audience.as_ref(),
            Self::False { audience, .. } | Self::True { audience, .. } => Some(audience),
        }
    }
}

impl RuleRow {
    /// What this rule says of an event. `now` is the database's. Takes as long as the rule does: not for an async thread.
    #[must_use]
    pub fn asked(&self, event: &Event, now: jiff::Timestamp) -> Finding {
        // A panic inside of an engine is this rule's answer, and nobody else's trouble.
        catch_unwind(AssertUnwindSafe(|| self.ask(event, now))).unwrap_or_else(|_| {
            Finding::Broken {
                detail: "the evaluator broke on it".to_owned(),
                audience: None,
            }
        })
    }

    /// The steps of its escalation for an event of which it told these, each at a step; none where the rule or the payload can't be
    /// worked with. Takes as long as the rule's compiling does: not for an async thread.
    #[must_use]
    pub fn further(&self, event: &Event, told: &[(String, i16)]) -> Vec<Further> {
        let steps = || {
            let (Ok((rule, _)), Ok(context)) =
                (CompiledRule::compile(self), EventContext::new(event))
            else {
                return Vec::new();
            };
            let step = |(nth, step): (i16, &Escalation)| {
                let told = told.iter().filter(|(_, step)| *step < nth);
                let told = told.map(|(user, _)| user.clone());
                let audience = rule.audience_at(nth, &context, told)?;
                Some(Further {
                    unless: step.unless,
                    audience,
                })
            };
            let steps = &rule.memory().escalate;
            (1..).zip(steps).filter_map(step).collect()
        };
        catch_unwind(AssertUnwindSafe(steps)).unwrap_or_default()
    }

    /// Whether it can be compiled.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn compiles(&self) -> Result<(), Fault> {
        CompiledRule::compile(self).map(drop)
    }

    /// What there is to say without asking it, of one that was stopped for `detail`.
    #[must_use]
    pub fn unasked(&self, event: &Event, detail: &str) -> Finding {
        let module = self.source_module.as_deref();
        match pattern::concerns(&self.event_type_pattern, module, event) {
            Ok(()) => Finding::Broken {
                detail: detail.to_owned(),
                audience: None,
            },
            Err(why) => Finding::Elsewhere(why),
        }
    }

    fn ask(&self, event: &Event, now: jiff::Timestamp) -> Finding {
        let module = self.source_module.as_deref();
        if let Err(why) = pattern::concerns(&self.event_type_pattern, module, event) {
            return Finding::Elsewhere(why);
        }
        let rule = match CompiledRule::compile(self) {
            Ok((rule, _)) => rule,
            Err(fault) => return Finding::Faulty(fault),
        };
        let context = match EventContext::new(event) {
            Ok(context) => context,
            Err(error) => {
                return Finding::Broken {
                    detail: error.chain(),
                    audience: None,
                };
            }
        };
        let (audience, over) = rule.audience(&context);
        let Some(condition) = rule.condition() else {
            return Finding::True { audience, over };
        };
        let arena = Bump::new();
        let data = match Data::new(event, now, &arena) {
            Ok(data) => data,
            Err(detail) => {
                return Finding::Broken {
                    detail: format!("the payload can't be read: {detail}"),
                    audience: Some(audience),
                };
            }
        };
        match condition.holds(&data) {
            Verdict::Match => Finding::True { audience, over },
            Verdict::NoMatch => {
                let text = self.conditions.as_deref().unwrap_or_default();
                Finding::False {
                    part: blame::failing(text, &data),
                    audience,
                }
            }
            Verdict::TypeError(detail) => {
                let text = self.conditions.as_deref().unwrap_or_default();
                let what = blame::failing(text, &data).map_or(detail, |part| part.named());
                Finding::Broken {
                    detail: format!("its condition compares what can't be compared: {what}"),
                    audience: Some(audience),
                }
            }
            Verdict::TooLarge(detail) => Finding::Broken {
                detail,
                audience: Some(audience),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Severity;

    fn event(payload: &str) -> Event {
        let at = jiff::Timestamp::UNIX_EPOCH;
        Event {
            id: 7,
            source_module: "invoicing".into(),
            event_type: "invoice.overdue".into(),
            severity: Severity::Info,
            occurred_at: at,
            received_at: at,
            payload: payload.into(),
            correlation_id: None,
            branch_id: Some("BGD".into()),
            actor_id: None,
            entity_type: None,
            entity_id: None,
        }
    }

    fn rule(conditions: Option<&str>) -> RuleRow {
        RuleRow {
            id: 1,
            name: "r".into(),
            source_module: None,
            event_type_pattern: "invoice.*".into(),
            conditions: conditions.map(str::to_owned),
            notification_template: r#"{"title": "T", "recipient_roles": ["accountant"]}"#.into(),
            priority: 0,
            version: 1,
            is_held: false,
        }
    }

    fn part(condition: &str, payload: &str) -> (String, String) {
        match rule(Some(condition)).asked(&event(payload), jiff::Timestamp::UNIX_EPOCH) {
            Finding::False {
                part: Some(part), ..
            } => {
                let sentence = part.sentence();
                (part.place, sentence)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_innermost_part_that_is_not_true_is_named_with_its_values() {
        let both = r#"{"and": [{"==": [{"var": "event.branch_id"}, "BGD"]}, {">": [{"var": "payload.days"}, 30]}]}"#;
        assert_eq!(
            part(both, r#"{"days": 5}"#),
            (
                "/conditions/and/1".into(),
                "payload.days > 30 is not true (payload.days is 5)".into()
            )
        );
        assert_eq!(
            part(both, "{}").1,
            "payload.days > 30 is not true (payload.days is missing)"
        );
        let nested = r#"{"and": [{"!!": [{"or": [{"and": [{"var": "payload.a"}, {"var": "payload.b"}]}]}]}]}"#;
        assert_eq!(
            part(nested, r#"{"a": true, "b": false}"#),
            (
                "/conditions/and/0/!!/0/or/0/and/1".into(),
                "payload.b is not true (payload.b is false)".into()
            )
        );
    }

    #[test]
    fn alternatives_fail_together_and_what_has_no_sign_is_shown_as_it_stands() {
        let either =
            r#"{"or": [{"<": [{"var": "payload.n"}, 1]}, {">": [{"var": "payload.n"}, 9]}]}"#;
        assert_eq!(
            part(either, r#"{"n": 5}"#).1,
            "(payload.n < 1) or (payload.n > 9) is not true (payload.n is 5)"
        );
        let some = r#"{"some": [{"var": "payload.lines"}, {">": [{"var": "amount"}, 10]}]}"#;
        let (place, sentence) = part(some, r#"{"lines": [{"amount": 1}]}"#);
        assert_eq!(place, "/conditions");
        assert!(
            sentence.starts_with(r#"{"some":"#) && !sentence.contains("amount is"),
            "{sentence}"
        );
        assert!(
            part(r#"{"!": {"var": "payload.x"}}"#, r#"{"x": 1}"#)
                .1
                .starts_with("not payload.x")
        );
    }

    #[test]
    fn a_rule_says_also_why_it_was_not_asked() {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let elsewhere = RuleRow {
            source_module: Some("sales".into()),
            ..rule(None)
        };
        assert!(matches!(
            elsewhere.asked(&event("{}"), now),
            Finding::Elsewhere(why) if why.contains("module sales")
        ));
        let faulty = RuleRow {
            notification_template: "{}".into(),
            ..rule(None)
        };
        assert!(matches!(
            faulty.asked(&event("{}"), now),
            Finding::Faulty(_)
        ));
        assert!(matches!(
            rule(None).asked(&event("[]"), now),
            Finding::Broken { .. }
        ));
        assert!(matches!(
            rule(None).asked(&event("{}"), now),
            Finding::True { audience, over: 0 } if audience.roles == ["accountant"]
        ));
    }
}
