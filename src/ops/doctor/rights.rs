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

/// What concerns rights.
#[derive(Debug, Default)]
pub(super) struct Rights {
    pub(super) lacks: Vec<Lack>,
    /// Our schema, if everybody may create objects in it.
    pub(super) open_schema: Option<String>,
}

pub(super) fn judge(role: &str, rights: &Rights) -> Vec<Finding> {
    let lacking = lacking(role, &rights.lacks);
    let open = rights.open_schema.as_ref().map(|schema| {
        Finding::warning(
            "schema_open",
            format!("everybody may create functions in the schema {schema}, which our statements might then call with our rights"),
        )
        .evidence(json!({"schema": schema}))
        .cure(format!("revoke create on schema {} from public;", quoted(schema)))
    });
    lacking.into_iter().chain(open).collect()
}

fn lacking(role: &str, lacks: &[Lack]) -> Option<Finding> {
    if lacks.is_empty() {
        return None;
    }
    let named: Vec<String> = lacks
        .iter()
        .take(NAMED)
        .map(|lack| format!("{} ({})", lack.what, lack.lacking))
        .collect();
    Some(
        Finding::error(
            "rights_missing",
            format!("the role {role} may not do all that a node does"),
        )
        .evidence(json!({"role": role, "many": lacks.len(), "lacking": named}))
        .cure("# connect as the role that ran `neurolink migrate`, or make this one its member:")
        .cure("select tableowner from pg_tables where tablename = 'neurolink_jobs';")
        .cure(format!("grant <that owner> to {};", quoted(role))),
    )
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_is_named_with_its_privileges_and_counted() {
        assert_eq!(judge("erp", &Rights::default()), []);
        let lack = Lack {
            what: "neurolink_jobs".to_owned(),
            lacking: "update, delete".to_owned(),
        };
        let rights = Rights {
            lacks: vec![lack; 12],
            open_schema: None,
        };
        let finding = judge("erp", &rights).remove(0);
        assert_eq!(finding.evidence["many"], 12);
        assert_eq!(finding.evidence["lacking"].as_array().unwrap().len(), NAMED);
        assert_eq!(
            finding.evidence["lacking"][0],
            "neurolink_jobs (update, delete)"
        );
    }

    #[test]
    fn a_schema_that_is_everybodys_is_named_with_what_ends_that() {
        let rights = Rights {
            lacks: Vec::new(),
            open_schema: Some("public".to_owned()),
        };
        let finding = judge("erp", &rights).remove(0);
        assert_eq!(finding.code, "schema_open");
        assert_eq!(
            finding.cure,
            ["revoke create on schema \"public\" from public;"]
        );
    }
}
