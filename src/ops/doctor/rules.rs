//! Are rules faulty, or held because they told too much? One that matches nothing is no fault.

use serde_json::json;

use super::model::Finding;

/// Told one by one; the rest is a number.
const NAMED: usize = 10;

/// What is known of the rules.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    pub(super) any_enabled: bool,
    pub(super) faults: Vec<Fault>,
    pub(super) held: Vec<Held>,
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
}
