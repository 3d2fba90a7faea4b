//! Does vacuum keep up? Our queue deletes a row for every event, so dead rows are what slows it down first.

use serde_json::json;

use super::model::Finding;

/// Dead rows that are worth a word, when they are also more than the live ones.
const MANY_DEAD: i64 = 200_000;
/// A table of jobs as large as this with next to nothing in it has lost its shape.
const LARGE: i64 = 512 << 20;
/// Bytes a row, above which most of a large table of jobs is air.
const AIRY: i64 = 4096;
/// Tables that every event touches.
const HOT: [&str; 7] = [
    "neurolink_jobs",
    "neurolink_inboxes",
    "neurolink_events",
    "neurolink_event_outcomes",
    "neurolink_notifications",
    "neurolink_delivery_log",
    "neurolink_workers",
];

/// One of our tables, as PostgreSQL's statistics have it.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) live: i64,
    pub(super) dead: i64,
    pub(super) bytes: i64,
    pub(super) vacuumed_seconds_ago: Option<f64>,
    pub(super) autovacuum_off: bool,
}

pub(super) fn judge(tables: &[Table]) -> Vec<Finding> {
    tables.iter().flat_map(of_table).collect()
}

fn of_table(table: &Table) -> Vec<Finding> {
    let name = &table.name;
    let mut findings = Vec::new();
    if table.autovacuum_off && HOT.contains(&name.as_str()) {
        findings.push(
            Finding::error(
                "autovacuum_off",
                format!("autovacuum is switched off for {name}, which every event touches: it grows and slows down"),
            )
            .evidence(numbers(table))
            .cure(format!("alter table {name} reset (autovacuum_enabled);")),
        );
    }
    if table.dead >= MANY_DEAD && table.dead > table.live {
        findings.push(
            Finding::warning(
                "bloat",
                format!("{name} holds more dead rows than live ones: vacuum doesn't keep up, or somebody keeps it from it"),
            )
            .evidence(numbers(table))
            .cure("select kind, who, since, age, cure from neurolink_vacuum_pins order by age desc;   -- end the oldest first, then")
            .cure(format!("vacuum (verbose) {name};")),
        );
    } else if name == "neurolink_jobs"
        && table.bytes > LARGE
        && table.bytes / table.live.max(1) > AIRY
    {
        findings.push(
            Finding::note(
                "jobs_airy",
                "neurolink_jobs is large and nearly empty, as after a long backlog: harmless, but its space is not given back by itself",
            )
            .evidence(numbers(table))
            .cure("vacuum (full, verbose) neurolink_jobs;   -- locks it: when a second or two of waiting hurts nobody"),
        );
    }
    findings
}

fn numbers(table: &Table) -> serde_json::Value {
    json!({
        "table": table.name, "live": table.live, "dead": table.dead, "bytes": table.bytes,
        "vacuumed_seconds_ago": table.vacuumed_seconds_ago.map(f64::round),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(table: Table) -> Vec<&'static str> {
        judge(&[table]).iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn dead_rows_count_when_they_are_many_and_more_than_the_live_ones() {
        let table = |live, dead| Table {
            name: "neurolink_jobs".to_owned(),
            live,
            dead,
            ..Table::default()
        };
        assert!(codes(table(10, 5_000)).is_empty());
        assert!(codes(table(900_000, 300_000)).is_empty());
        assert_eq!(codes(table(10, 300_000)), ["bloat"]);
        let airy = Table {
            bytes: 1 << 30,
            ..table(100, 0)
        };
        assert_eq!(codes(airy), ["jobs_airy"]);
    }

    #[test]
    fn autovacuum_may_be_off_only_where_little_happens() {
        let table = |name: &str| Table {
            name: name.to_owned(),
            autovacuum_off: true,
            ..Table::default()
        };
        assert_eq!(codes(table("neurolink_jobs")), ["autovacuum_off"]);
        assert!(codes(table("neurolink_schema_history")).is_empty());
    }
}
