//! The storm guard: a rule that tells more than its limit within a minute is held, on every node, until somebody releases it. Counted
//! in memory by each node, so that an ordinary batch pays nothing for it; the first node that sees a limit passed holds the rule.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::db::Db;
use crate::kernel::Result;
use crate::rules::held;
use crate::rules::set::CompiledRule;

/// What rules told within a minute.
#[derive(Debug)]
pub(super) struct Storm {
    /// Of rules that don't say; 0 = none.
    limit: u32,
    /// By rule: the minute, and how many.
    told: Mutex<HashMap<i64, (i64, usize)>>,
}

/// A rule that has passed its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tripped {
    pub(super) rule: i64,
    pub(super) version: i32,
    pub(super) limit: u32,
}

impl Storm {
    /// One with this limit for rules that have none of their own.
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit,
            told: Mutex::default(),
        }
    }

    /// Says how many of what a rule wants to tell in this minute it may; one that may not all is put among the tripped.
    pub(super) fn admits<'a>(
        &'a self,
        minute: i64,
        tripped: &'a mut Vec<Tripped>,
    ) -> impl FnMut(&CompiledRule, usize) -> usize + 'a {
        move |rule, wanted| {
            let limit = rule.memory().storm_limit.unwrap_or(self.limit);
            if limit == 0 || wanted == 0 {
                return wanted;
            }
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            let (when, count) = told.entry(rule.facts.id).or_insert((minute, 0));
            if *when != minute {
                (*when, *count) = (minute, 0);
            }
            let admitted = wanted.min((limit as usize).saturating_sub(*count));
            *count += admitted;
            if admitted < wanted && !tripped.iter().any(|t| t.rule == rule.facts.id) {
                tripped.push(Tripped {
                    rule: rule.facts.id,
                    version: rule.facts.version,
                    limit,
                });
            }
            admitted
        }
    }
}

/// Holds rules that have passed their limit.
///
/// # Errors
/// The database's.
pub(super) async fn hold(db: &Db, tripped: &[Tripped], admin_role: &str) -> Result<()> {
    let client = db.client().await?;
    for rule in tripped {
        let limit = i32::try_from(rule.limit).unwrap_or(i32::MAX);
        let (which, sent) = ((rule.rule, rule.version), i64::from(rule.limit));
        if held::store::hold(&client, which, limit, sent, admin_role).await? {
            tracing::warn!(
                rule.id = rule.rule,
                rule.version = rule.version,
                limit = rule.limit,
                "a rule has told more than its limit within a minute and is held"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleRow;
    use crate::rules::RuleSet;

    fn rule(template: &str) -> std::sync::Arc<CompiledRule> {
        let row = RuleRow {
            id: 7,
            name: "r".into(),
            source_module: None,
            event_type_pattern: "*".into(),
            conditions: None,
            notification_template: template.into(),
            priority: 0,
            version: 3,
            is_held: false,
        };
        RuleSet::compile(&[row]).0.by_id(7).unwrap().clone()
    }

    #[test]
    fn a_rule_tells_so_many_within_a_minute_and_then_no_more() {
        let storm = Storm::new(10);
        let rule = rule(r#"{"title": "T"}"#);
        let mut tripped = Vec::new();
        {
            let mut admit = storm.admits(5, &mut tripped);
            assert_eq!(
                (admit(&rule, 6), admit(&rule, 6), admit(&rule, 6)),
                (6, 4, 0)
            );
        }
        assert_eq!(
            tripped,
            [Tripped {
                rule: 7,
                version: 3,
                limit: 10
            }]
        );
        let mut later = Vec::new();
        assert_eq!(storm.admits(6, &mut later)(&rule, 6), 6, "another minute");
        assert!(later.is_empty());
    }

    #[test]
    fn its_own_limit_goes_before_the_nodes_and_0_is_none() {
        let mut tripped = Vec::new();
        let storm = Storm::new(10);
        let own = rule(r#"{"title": "T", "storm_limit": 2}"#);
        assert_eq!(storm.admits(5, &mut tripped)(&own, 6), 2);
        let storm = Storm::new(10);
        let none = rule(r#"{"title": "T", "storm_limit": 0}"#);
        assert_eq!(storm.admits(5, &mut tripped)(&none, 600), 600);
    }
}
