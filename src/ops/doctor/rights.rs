//! May the role of `DATABASE_URL` do what a node does?

use serde_json::json;

use super::model::Finding;

/// Named in the finding; the rest is a number.
const NAMED: usize = 10;

/// Something it may not do.
#[derive(Debug, Clone)]
pub(super) struct Lack {
    pub(super) what: String,
    pub(super) lacking: String,
}

pub(super) fn judge(role: &str, lacks: &[Lack]) -> Vec<Finding> {
    if lacks.is_empty() {
        return Vec::new();
    }
    let named: Vec<String> = lacks
        .iter()
        .take(NAMED)
        .map(|lack| format!("{} ({})", lack.what, lack.lacking))
        .collect();
    vec![
        Finding::error(
            "rights_missing",
            format!("the role {role} may not do all that a node does"),
        )
        .evidence(json!({"role": role, "many": lacks.len(), "lacking": named}))
        .cure("# connect as the role that ran `neurolink migrate`, or make this one its member:")
        .cure("select tableowner from pg_tables where tablename = 'neurolink_jobs';")
        .cure(format!("grant <that owner> to {};", quoted(role))),
    ]
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_is_named_with_its_privileges_and_counted() {
        assert_eq!(judge("erp", &[]), []);
        let lack = Lack {
            what: "neurolink_jobs".to_owned(),
            lacking: "update, delete".to_owned(),
        };
        let finding = judge("erp", &vec![lack; 12]).remove(0);
        assert_eq!(finding.evidence["many"], 12);
        assert_eq!(finding.evidence["lacking"].as_array().unwrap().len(), NAMED);
        assert_eq!(
            finding.evidence["lacking"][0],
            "neurolink_jobs (update, delete)"
        );
    }
}
