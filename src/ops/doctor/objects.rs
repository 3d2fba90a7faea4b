//! Are our triggers, views, functions and indexes there and switched on? The checksum of what was applied says nothing of what
//! somebody has dropped or disabled since.

use serde_json::json;

use super::model::Finding;

/// One that is gone, disabled or invalid.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) relation: Option<String>,
    pub(super) state: String,
}

pub(super) fn judge(objects: &[Object]) -> Vec<Finding> {
    objects.iter().map(finding).collect()
}

fn finding(object: &Object) -> Finding {
    let Object {
        kind,
        name,
        relation,
        state,
    } = object;
    let table = relation.as_deref().unwrap_or_default();
    let evidence = json!({"kind": kind, "name": name, "table": relation, "state": state});
    match state.as_str() {
        "disabled" => {
            let what = format!("the trigger {name} on {table} is switched off{}", consequence(name));
            Finding::error("trigger_disabled", what)
                .evidence(evidence)
                .cure(format!("alter table {table} enable trigger {name};"))
        }
        "invalid" => Finding::warning("index_invalid", format!("the index {name} on {table} is not valid, and of no use"))
            .evidence(evidence)
            .cure(format!("reindex index concurrently {name};")),
        _ => Finding::error("object_missing", format!("the {kind} {name} is gone{}", consequence(name)))
            .evidence(evidence)
            .cure("delete from neurolink_meta where key = 'objects_checksum';   -- so that it is applied again by:")
            .cure("neurolink migrate"),
    }
}

fn consequence(name: &str) -> &'static str {
    match name {
        "neurolink_events_queue" => ": new events are found by sweeps alone, late",
        "neurolink_jobs_wake" => ": nobody is woken, and events wait for the nodes' own looks",
        "neurolink_events_refuse_update" => ": events can be changed after the fact",
        name if name.starts_with("neurolink_rules_") => {
            ": changes of rules are not noticed or not kept"
        }
        name if name.starts_with("neurolink_audit") => ": changes are missing in the audit log",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_a_cure_that_can_be_copied() {
        let object = |kind: &str, name: &str, relation: Option<&str>, state: &str| Object {
            kind: kind.to_owned(),
            name: name.to_owned(),
            relation: relation.map(str::to_owned),
            state: state.to_owned(),
        };
        let findings = judge(&[
            object(
                "trigger",
                "neurolink_jobs_wake",
                Some("neurolink_jobs"),
                "disabled",
            ),
            object("view", "neurolink_dead_work", None, "missing"),
            object(
                "index",
                "neurolink_jobs_claim_ix",
                Some("neurolink_jobs"),
                "invalid",
            ),
        ]);
        let told: Vec<_> = findings
            .iter()
            .map(|f| (f.code, f.cure[0].as_str()))
            .collect();
        assert_eq!(
            told[0],
            (
                "trigger_disabled",
                "alter table neurolink_jobs enable trigger neurolink_jobs_wake;"
            )
        );
        assert_eq!(told[1].0, "object_missing");
        assert_eq!(
            told[2],
            (
                "index_invalid",
                "reindex index concurrently neurolink_jobs_claim_ix;"
            )
        );
        assert!(findings[0].what.contains("nobody is woken"));
    }
}
