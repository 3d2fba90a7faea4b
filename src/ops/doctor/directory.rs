//! Can people be read from `neurolink_directory`, whatever view a DBA has put there: its columns, their types, our rights on it,
//! and whether the people in it are told apart.

use serde_json::json;

use super::model::Finding;
use crate::kernel::{Error, Result};

/// What evaluation reads.
const COLUMNS: [&str; 12] = [
    "id",
    "display_name",
    "email",
    "phone",
    "telegram_chat_id",
    "slack_user_id",
    "roles",
    "branch_ids",
    "manager_id",
    "locale",
    "timezone",
    "is_active",
];

/// A column of it.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) collation: Option<String>,
}

/// Whom it shows (of the first 20 000).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct People {
    pub(super) people: i64,
    pub(super) active: i64,
    pub(super) ids: i64,
    pub(super) nameless: i64,
    pub(super) without_role: i64,
}

/// Judges the columns; people are read only where this finds nothing.
pub(super) fn judge_columns(columns: &[Column]) -> Vec<Finding> {
    if columns.is_empty() {
        return vec![
            Finding::error(
                "directory_missing",
                "there is no neurolink_directory: nobody can be told anything",
            )
            .cure("# make your own view of that name, or let NeuroLink make its own:")
            .cure("delete from neurolink_meta where key = 'objects_checksum';")
            .cure("neurolink migrate"),
        ];
    }
    let missing: Vec<&str> = COLUMNS
        .into_iter()
        .filter(|name| columns.iter().all(|column| column.name != *name))
        .collect();
    let unlisted: Vec<String> = columns
        .iter()
        .filter(|column| {
            matches!(column.name.as_str(), "roles" | "branch_ids" | "groups")
                && !column.kind.ends_with("[]")
        })
        .map(|column| format!("{} is {}", column.name, column.kind))
        .collect();
    let mut findings = Vec::new();
    if !missing.is_empty() {
        findings.push(
            Finding::error(
                "directory_columns",
                format!("neurolink_directory lacks columns, so that no event can be evaluated: {}", missing.join(", ")),
            )
            .evidence(json!({"missing": missing}))
            .cure("# replace the view by one with these columns, null::text where you have none, and migrate for the grants:")
            .cure(format!("begin; drop view neurolink_directory; create view neurolink_directory as select {} from …; commit;", COLUMNS.join(", ")))
            .cure("neurolink migrate"),
        );
    }
    if !unlisted.is_empty() {
        findings.push(
            Finding::error(
                "directory_types",
                format!("neurolink_directory has lists that are no arrays: {}", unlisted.join(", ")),
            )
            .evidence(json!({"columns": unlisted}))
            .cure("# in the view: string_to_array(roles, ',') as roles, string_to_array(branch_ids, ',') as branch_ids"),
        );
    }
    let id = columns.iter().find(|column| column.name == "id");
    if let Some(id) = id
        && findings.is_empty()
        && id
            .collation
            .as_deref()
            .is_some_and(|collation| collation != "C")
    {
        findings.push(
            Finding::note(
                "directory_collation",
                "ids in neurolink_directory aren't of collation \"C\": people are found all the same, but not by an index of ours",
            )
            .evidence(json!({"collation": id.collation}))
            .cure("# in the view: id collate \"C\" as id"),
        );
    }
    findings
}

pub(super) fn judge_people(read: &Result<People>) -> Vec<Finding> {
    let people = match read {
        Ok(people) => people,
        Err(error) => return vec![unreadable(error)],
    };
    let mut findings = Vec::new();
    let doubled = people.people - people.nameless - people.ids;
    if doubled > 0 {
        findings.push(
            Finding::error(
                "directory_doubled",
                "neurolink_directory shows people more than once: each is told by one of their rows, and nobody knows by which",
            )
            .evidence(json!({"rows": people.people, "ids": people.ids, "too_many": doubled}))
            .cure("select id, count(*) from neurolink_directory group by id having count(*) > 1;"),
        );
    }
    if people.nameless > 0 {
        findings.push(
            Finding::error(
                "directory_nameless",
                "neurolink_directory shows people without an id",
            )
            .evidence(json!({"rows": people.people, "without_id": people.nameless}))
            .cure("select * from neurolink_directory where id is null or id::text = '';"),
        );
    }
    if people.active == 0 {
        findings.push(
            Finding::note("directory_empty", "neurolink_directory shows nobody who is active, so nobody is told anything")
                .evidence(json!({"rows": people.people}))
                .cure("insert into neurolink_users (id, display_name, email, roles, branch_ids) values ('ali', 'Ali', 'ali@tsh.example', '{accountant}', '{*}');"),
        );
    } else if people.without_role == people.active {
        findings.push(
            Finding::warning(
                "directory_roles",
                "nobody in neurolink_directory has a role: rules that tell roles tell nobody",
            )
            .evidence(json!({"active": people.active, "without_role": people.without_role}))
            .cure("select id, roles from neurolink_directory limit 20;"),
        );
    }
    findings
}

fn unreadable(error: &Error) -> Finding {
    Finding::error(
        "directory_unreadable",
        format!("neurolink_directory can't be read, so that no event can be evaluated: {}", error.chain()),
    )
    .cure("select id::text, roles::text[], branch_ids::text[], is_active::text::boolean from neurolink_directory limit 1;")
    .cure("# permission denied: the view's owner, or this role, may not read your tables; grant select on them")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Column> {
        let kind = |name: &str| match name {
            "roles" | "branch_ids" => "text[]",
            "is_active" => "boolean",
            _ => "text",
        };
        COLUMNS
            .iter()
            .map(|name| Column {
                name: (*name).to_owned(),
                kind: kind(name).to_owned(),
                collation: Some("C".to_owned()),
            })
            .collect()
    }

    fn codes(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn columns_that_are_missing_or_no_lists_are_errors() {
        assert_eq!(judge_columns(&columns()), []);
        assert_eq!(codes(&judge_columns(&[])), ["directory_missing"]);
        let mut lacking = columns();
        lacking.retain(|column| column.name != "timezone");
        let findings = judge_columns(&lacking);
        assert_eq!(codes(&findings), ["directory_columns"]);
        assert_eq!(findings[0].evidence["missing"][0], "timezone");
        let mut flat = columns();
        flat[6].kind = "character varying".to_owned();
        assert_eq!(codes(&judge_columns(&flat)), ["directory_types"]);
        let mut other = columns();
        other[0].collation = Some("en_US".to_owned());
        assert_eq!(codes(&judge_columns(&other)), ["directory_collation"]);
        other[0].collation = None;
        assert_eq!(judge_columns(&other), []);
    }

    #[test]
    fn people_are_told_apart_have_ids_and_somebody_has_a_role() {
        let sound = People {
            people: 5,
            active: 4,
            ids: 5,
            nameless: 0,
            without_role: 1,
        };
        assert_eq!(judge_people(&Ok(sound)), []);
        for (people, code) in [
            (People { ids: 4, ..sound }, "directory_doubled"),
            (
                People {
                    ids: 3,
                    nameless: 2,
                    ..sound
                },
                "directory_nameless",
            ),
            (
                People {
                    active: 0,
                    without_role: 0,
                    ..sound
                },
                "directory_empty",
            ),
            (
                People {
                    without_role: 4,
                    ..sound
                },
                "directory_roles",
            ),
        ] {
            assert_eq!(codes(&judge_people(&Ok(people))), [code]);
        }
        let denied = Err(Error::broken("permission denied for table staff"));
        let findings = judge_people(&denied);
        assert_eq!(codes(&findings), ["directory_unreadable"]);
        assert!(
            findings[0]
                .what
                .contains("permission denied for table staff")
        );
    }
}
