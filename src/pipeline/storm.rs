//! The storm guard: a rule that tells more than its limit within a minute is held, on every node, until somebody releases it. Counted
//! in memory by each node, so that an ordinary batch pays nothing for it; the first node that sees a limit passed holds the rule.

use std::collections::{BTreeMap, HashMap};
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
    /// How many notifications more it would have told.
    pub(super) over: usize,
}

/// What a batch tells, by rule, before it is committed.
#[derive(Debug, Default)]
pub(super) struct Told {
    told: HashMap<i64, usize>,
    pub(super) tripped: BTreeMap<i64, Tripped>,
}

impl Storm {
    /// One with this limit for rules that have none of their own.
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit,
            told: Mutex::default(),
        }
    }

    /// Says how many of what a rule wants to tell in this minute it may: what was committed counts, and what this batch tells. One that
    /// may not all is put among the tripped.
    pub(super) fn admits<'a>(
        &'a self,
        minute: i64,
        batch: &'a mut Told,
    ) -> impl FnMut(&CompiledRule, usize) -> usize + 'a {
        move |rule, wanted| {
            let limit = rule.memory().storm_limit.unwrap_or(self.limit);
            if limit == 0 || wanted == 0 {
                return wanted;
            }
            let id = rule.facts.id;
            let before = {
                let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                let now = told.get(&id).filter(|(when, _)| *when == minute);
                now.map_or(0, |(_, count)| *count)
            };
            let own = batch.told.entry(id).or_default();
            let admitted = wanted.min((limit as usize).saturating_sub(before + *own));
            *own += admitted;
            let over = wanted - admitted;
            if over > 0 {
                let tripped = batch.tripped.entry(id).or_insert(Tripped {
                    rule: id,
                    version: rule.facts.version,
                    limit,
                    over: 0,
                });
                tripped.over += over;
            }
            admitted
        }
    }

    /// Somebody has released these: what they told before doesn't hold them again.
    pub(super) fn forget(&self, rules: &[i64]) {
        if !rules.is_empty() {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.retain(|rule, _| !rules.contains(rule));
        }
    }

    /// A batch is committed: what it told counts.
    pub(super) fn committed(&self, minute: i64, batch: &Told) {
        if batch.told.is_empty() {
            return;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for (&rule, &more) in &batch.told {
            let (when, count) = told.entry(rule).or_insert((minute, 0));
            if *when != minute {
                (*when, *count) = (minute, 0);
            }
            *count += more;
        }
    }
}

/// Holds rules that have passed their limit.
///
/// # Errors
/// The database's.
pub(super) async fn hold(
    db: &Db,
    tripped: &BTreeMap<i64, Tripped>,
    admin_role: &str,
) -> Result<()> {
    let client = db.client().await?;
    for rule in tripped.values() {
        let limit = i32::try_from(rule.limit).unwrap_or(i32::MAX);
        let which = (rule.rule, rule.version);
        let sent = i64::from(rule.limit) + i64::try_from(rule.over).unwrap_or(0);
        if held::store::hold(&client, which, limit, sent, admin_role).await? {
            tracing::warn!(
                rule.id = rule.rule,
                rule.version = rule.version,
                limit = rule.limit,
                "a rule has told more than its limit within a minute and is held"
            );
            // What its batch held back, before there was a hold to count it.
            let over = i64::try_from(rule.over).unwrap_or(i64::MAX);
            held::store::count(&client, &[(rule.rule, over)]).await?;
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
        let mut batch = Told::default();
        {
            let mut admit = storm.admits(5, &mut batch);
            assert_eq!(
                (admit(&rule, 6), admit(&rule, 6), admit(&rule, 6)),
                (6, 4, 0)
            );
        }
        let tripped = Tripped {
            rule: 7,
            version: 3,
            limit: 10,
            over: 8,
        };
        assert_eq!(batch.tripped.get(&7), Some(&tripped));
        // Rolled back, it has told nothing.
        assert_eq!(storm.admits(5, &mut Told::default())(&rule, 6), 6);
        storm.committed(5, &batch);
        assert_eq!(storm.admits(5, &mut Told::default())(&rule, 6), 0);
        storm.forget(&[8]);
        assert_eq!(storm.admits(5, &mut Told::default())(&rule, 6), 0);
        storm.forget(&[7]);
        assert_eq!(
            storm.admits(5, &mut Told::default())(&rule, 6),
            6,
            "released"
        );
        let mut later = Told::default();
        assert_eq!(storm.admits(6, &mut later)(&rule, 6), 6, "another minute");
        assert!(later.tripped.is_empty());
    }

    #[test]
    fn its_own_limit_goes_before_the_nodes_and_0_is_none() {
        let storm = Storm::new(10);
        let own = rule(r#"{"title": "T", "storm_limit": 2}"#);
        assert_eq!(storm.admits(5, &mut Told::default())(&own, 6), 2);
        let none = rule(r#"{"title": "T", "storm_limit": 0}"#);
        assert_eq!(storm.admits(5, &mut Told::default())(&none, 600), 600);
    }
}
