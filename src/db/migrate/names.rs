//! What the re-applied objects are called, read from their own texts: so that somebody can look whether all are there.

use super::OBJECTS;

/// Names of what every migrated schema has, each kind in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Functions, whatever their arguments.
    pub functions: Vec<String>,
    /// Views, but for the directory, which is the DBA's.
    pub views: Vec<String>,
    /// Triggers.
    pub triggers: Vec<String>,
}

/// Those of this binary.
#[must_use]
pub fn names() -> Names {
    let mut names = Names {
        triggers: audit_triggers(),
        ..Names::default()
    };
    for object in OBJECTS {
        for line in object.sql.lines() {
            for (begin, list) in [
                ("create or replace function ", &mut names.functions),
                ("create or replace view ", &mut names.views),
                ("create or replace trigger ", &mut names.triggers),
            ] {
                if let Some(rest) = line.strip_prefix(begin) {
                    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                    list.push(rest[..end.unwrap_or(rest.len())].to_owned());
                }
            }
        }
    }
    for list in [&mut names.functions, &mut names.views, &mut names.triggers] {
        list.sort();
        list.dedup();
    }
    names
}

/// Those that `sql/triggers/audit.sql` names by a format.
fn audit_triggers() -> Vec<String> {
    let tables = ["rules", "users", "preferences"];
    let deeds = ["insert", "update", "delete", "truncate"];
    tables
        .iter()
        .flat_map(|table| deeds.map(|deed| format!("neurolink_audit_{table}_{deed}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_the_texts() {
        let names = names();
        for (list, name) in [
            (&names.functions, "neurolink_emit"),
            (&names.views, "neurolink_vacuum_pins"),
            (&names.triggers, "neurolink_jobs_wake"),
            (&names.triggers, "neurolink_audit_rules_truncate"),
        ] {
            assert!(list.iter().any(|known| known == name), "{name}: {list:?}");
        }
        assert!(names.views.iter().all(|name| name != "neurolink_directory"));
    }
}
