//! What `run` would do, as SQL that a DBA can read, and run by hand: `neurolink migrate --dry-run` prints it.

use std::fmt::Write as _;

use refinery::Migration;

use super::state::{Found, Gap, compare, look};
use super::{BINARY, HISTORY, OBJECTS, objects_checksum, quoted};
use crate::db::Db;
use crate::kernel::Result;

/// One piece of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// `migrations/V0001__line`, `functions/emit.sql` …
    pub name: String,
    /// Its whole text, as it would run.
    pub sql: String,
}

/// What would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where.
    pub schema: String,
    /// Each a transaction of its own.
    pub migrations: Vec<Step>,
    /// All in one transaction; empty when they are up to date or a newer version's.
    pub objects: Vec<Step>,
    /// Set when a newer binary has been here: what is its own stays as it is.
    pub newer: Option<String>,
    /// refinery's rows and ours, for [`Plan::sql`].
    records: Records,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Records {
    create_history: bool,
    /// As for `migrations`.
    rows: Vec<String>,
    checksum: String,
    roles: String,
}

impl Plan {
    /// Whether nothing would run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.migrations.is_empty() && self.objects.is_empty()
    }

    /// The plan as a script for `psql`, with the same outcome as `run`.
    #[must_use]
    pub fn sql(&self) -> String {
        let mut text = format!(
            "-- neurolink {BINARY}, schema {}\n",
            self.schema.replace('\n', " ")
        );
        if self.is_empty() {
            text.push_str("-- nothing to do\n");
            return text;
        }
        // Writing to a String can't fail.
        let _ = writeln!(text, "set search_path = {}, pg_temp;", quoted(&self.schema));
        if self.records.create_history {
            let _ = writeln!(
                text,
                "create table if not exists {HISTORY} (version int4 primary key, name varchar(255), \
                 applied_on varchar(255), checksum varchar(255));"
            );
        }
        for (step, row) in self.migrations.iter().zip(&self.records.rows) {
            let _ = write!(
                text,
                "\n-- {}\nbegin;\n{}\n{row}\ncommit;\n",
                step.name,
                step.sql.trim_end()
            );
        }
        if !self.objects.is_empty() {
            text.push_str("\nbegin;\n");
            for step in &self.objects {
                let _ = write!(text, "\n-- {}\n{}\n", step.name, step.sql.trim_end());
            }
            let _ = write!(
                text,
                "\ninsert into neurolink_meta (key, value) values ('objects_checksum', '{}'), \
                 ('objects_version', '{BINARY}'), ('objects_roles', '{}')\n    \
                 on conflict (key) do update set value = excluded.value;\ncommit;\n",
                self.records.checksum, self.records.roles
            );
        }
        text
    }
}

/// What `run` would do to this database. Writes nothing.
///
/// # Errors
/// As [`super::check`].
pub async fn plan(db: &Db) -> Result<Plan> {
    let session = db.session().await?;
    let found = look(&session.client).await?;
    let gap = compare(&found)?;
    Ok(made_of(&found, &gap))
}

fn made_of(found: &Found, gap: &Gap) -> Plan {
    let schema = quoted(&found.schema);
    let objects = if gap.objects || gap.roles {
        OBJECTS
            .iter()
            .map(|o| Step {
                name: o.path.to_owned(),
                sql: o.sql_in(&schema),
            })
            .collect()
    } else {
        Vec::new()
    };
    Plan {
        schema: found.schema.clone(),
        migrations: gap
            .pending
            .iter()
            .map(|m| Step {
                name: format!("migrations/{m}"),
                sql: m.sql().unwrap_or_default().to_owned(),
            })
            .collect(),
        objects,
        newer: gap.newer.clone(),
        records: Records {
            create_history: found.history.is_empty(),
            rows: gap.pending.iter().map(history_row).collect(),
            checksum: objects_checksum(&schema),
            roles: found.roles.clone(),
        },
    }
}

/// What refinery writes of a migration, with the time in the form that it reads.
fn history_row(migration: &Migration) -> String {
    format!(
        "insert into {HISTORY} (version, name, applied_on, checksum) values ({}, '{}', \
         to_char(now() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '{}');",
        migration.version(),
        migration.name(),
        migration.checksum()
    )
}
