//! Are rules faulty, or held because they told too much, and can they match and reach anybody? One that can't is no fault: it may be
//! ahead of its events and people.

use std::collections::BTreeSet;

use serde_json::json;

use super::model::Finding;
use crate::rules::Warning;

/// Told one by one; the rest is a number.
const NAMED: usize = 10;

/// What is known of the rules.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    pub(super) any_enabled: bool,
    pub(super) faults: Vec<Fault>,
    pub(super) held: Vec<Held>,
    /// Why enabled rules can't match or reach anybody.
    pub(super) hopeless: Vec<Warning>,
}

/// An enabled rule that the storm guard holds.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) reason: String,
    pub(super) held_count: i64,
    pub(super) held_seconds: f64,
}

/// An enabled rule that isn't evaluated, and why.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) place: String,
    pub(super) detail: String,
}

pub(super) fn judge(rules: &Rules) -> Vec<Finding> {
    let mut findings: Vec<Finding> = rules.faults.iter().take(NAMED).map(finding).collect();
    if rules.faults.len() > NAMED {
        let more = rules.faults.len() - NAMED;
        findings.push(
            Finding::error("rules_faulty", format!("{more} more rules are faulty"))
                .evidence(json!({"more": more}))
                .cure("neurolink rules check"),
        );
    }
    findings.extend(rules.held.iter().take(NAMED).map(held));
    if rules.held.len() > NAMED {
        let more = rules.held.len() - NAMED;
        findings.push(
            Finding::warning("rules_held", format!("{more} more rules are held"))
                .evidence(json!({"more": more}))
                .cure("neurolink rules list"),
        );
    }
    findings.extend(hopeless(&rules.hopeless));
    if !rules.any_enabled {
        findings.push(
            Finding::note(
                "rules_none",
                "no rule is switched on, so nobody is told anything",
            )
            .evidence(json!({"enabled": 0}))
            .cure("neurolink rules import --help"),
        );
    }
    findings
}

/// One finding for all: a rule may be ahead of its events and people.
fn hopeless(found: &[Warning]) -> Option<Finding> {
    let first = found.first()?;
    let rules: BTreeSet<&str> = found.iter().map(|warning| warning.rule.as_str()).collect();
    let what = match rules.len() {
        1 => format!(
            "the rule {} misses something that it is about: {}",
            first.rule, first.detail
        ),
        many => format!(
            "{many} rules miss something that they are about, the rule {} for one: {}",
            first.rule, first.detail
        ),
    };
    let named: Vec<_> = found
        .iter()
        .take(NAMED)
        .map(|w| json!({"rule": w.rule, "kind": w.kind, "detail": w.detail}))
        .collect();
    Some(
        Finding::note("rules_unreachable", what)
            .evidence(json!({"rules": rules.len(), "missed": found.len(), "first": named}))
            .cure("neurolink rules check"),
    )
}

fn finding(fault: &Fault) -> Finding {
    let why = match fault.kind.as_str() {
        "watchdog" => "took too long and was stopped",
        _ => "can't be compiled",
    };
    Finding::error(
        "rule_faulty",
        format!("the rule {} {why}, and is not evaluated: {}", fault.name, fault.detail),
    )
    .evidence(json!({"rule_id": fault.id, "rule": fault.name, "kind": fault.kind, "place": fault.place}))
    .cure("neurolink rules check")
    .cure(format!("# correct it, or switch it off: update neurolink_notification_rules set enabled = false where id = {};", fault.id))
}

fn held(held: &Held) -> Finding {
    Finding::warning(
        "rule_held",
        format!(
            "the rule {} is held, and tells nobody: {}; held back since: {}",
            held.name, held.reason, held.held_count
        ),
    )
    .evidence(json!({"rule_id": held.id, "rule": held.name, "held_count": held.held_count, "held_seconds": held.held_seconds}))
    .cure(format!("select neurolink_release_rule({});", held.id))
    .cure("# or correct it: a new version isn't held")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_one_by_one_up_to_a_point() {
        let fault = |id| Fault {
            id,
            name: format!("rule {id}"),
            kind: "compile".to_owned(),
            place: "/title".to_owned(),
            detail: "a brace is open".to_owned(),
        };
        let rules = |many: i64| Rules {
            any_enabled: true,
            faults: (0..many).map(fault).collect(),
            held: Vec::new(),
            hopeless: Vec::new(),
        };
        assert_eq!(judge(&rules(0)), []);
        assert_eq!(judge(&rules(2)).len(), 2);
        let many = judge(&rules(15));
        assert_eq!(
            (many.len(), many[NAMED].evidence["more"].as_i64()),
            (NAMED + 1, Some(5))
        );
        assert_eq!(judge(&Rules::default())[0].code, "rules_none");
        let held = Rules {
            any_enabled: true,
            held: (0..12)
                .map(|id| Held {
                    id,
                    name: format!("rule {id}"),
                    reason: "too many".to_owned(),
                    held_count: 7,
                    held_seconds: 60.0,
                })
                .collect(),
            ..Rules::default()
        };
        let found = judge(&held);
        assert_eq!((found.len(), found[0].code), (NAMED + 1, "rule_held"));
        assert_eq!(found[NAMED].evidence["more"], 2);
    }

    #[test]
    fn what_rules_miss_is_one_note_that_names_the_first() {
        let missed = |rule: &str| Warning {
            rule: rule.to_owned(),
            kind: "empty_role",
            detail: "nobody active holds the role cfo".to_owned(),
        };
        let rules = |missed: Vec<Warning>| Rules {
            any_enabled: true,
            hopeless: missed,
            ..Rules::default()
        };
        let one = judge(&rules(vec![missed("a"), missed("a")]));
        assert_eq!((one.len(), one[0].code), (1, "rules_unreachable"));
        assert!(
            one[0].what.starts_with("the rule a misses"),
            "{}",
            one[0].what
        );
        let two = judge(&rules(vec![missed("a"), missed("b")]));
        assert!(two[0].what.starts_with("2 rules miss"), "{}", two[0].what);
        assert_eq!(two[0].evidence["missed"], 2);
    }
}
