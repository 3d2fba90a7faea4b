//! What a database has and what it lacks: read from its history and `neurolink_meta`, compared with this binary.
//! Feeds `plan`, `apply`, and `serve`, which refuses to run on a schema that is not migrated.

use std::cmp::Ordering;
use std::fmt;

use refinery::Migration;

use super::{BINARY, OLDEST_SERVER, objects_checksum, quoted, runner, version};
use crate::db::Db;
use crate::kernel::{Error, Result};

/// Whether a server may run on this schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Everything this binary brings is there.
    UpToDate {
        /// Where.
        schema: String,
    },
    /// Something has to be applied first.
    Missing {
        /// Where.
        schema: String,
        /// Migrations not applied yet, as `V0002__chat`.
        migrations: Vec<String>,
        /// Whether functions, triggers, views or grants differ from this binary's.
        objects: bool,
    },
    /// A newer binary has migrated it, and says that this one still fits.
    NewerSchema {
        /// Where.
        schema: String,
        /// The version that applied the functions and triggers last.
        version: String,
    },
}

impl State {
    /// Whether the service may run.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !matches!(self, Self::Missing { .. })
    }
}

impl fmt::Display for State {
    /// One sentence for whoever starts the service.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UpToDate { schema } => write!(f, "schema {schema} is up to date"),
            Self::NewerSchema { schema, version } => write!(
                f,
                "schema {schema} was migrated by the newer version {version}; this binary ({BINARY}) still fits"
            ),
            Self::Missing {
                schema,
                migrations,
                objects,
            } => {
                write!(f, "schema {schema} is not migrated: ")?;
                match (migrations.is_empty(), *objects) {
                    (false, _) => write!(f, "missing {}", migrations.join(", "))?,
                    (true, _) => write!(
                        f,
                        "its functions, triggers or views are not those of version {BINARY}"
                    )?,
                }
                write!(
                    f,
                    ". Run `neurolink migrate` (`--dry-run` shows the SQL), or set NEUROLINK_AUTO_MIGRATE=true"
                )
            }
        }
    }
}

/// What stands in the database.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) schema: String,
    pub(super) may_create: bool,
    /// (version, name, checksum), oldest first.
    pub(super) history: Vec<(i32, String, String)>,
    pub(super) checksum: Option<String>,
    pub(super) objects_version: Option<String>,
    pub(super) min_binary: Option<String>,
    /// The roles that exist, and those that were granted to last.
    pub(super) roles: String,
    pub(super) granted_roles: Option<String>,
}

/// The difference between a database and this binary.
#[derive(Debug)]
pub(super) struct Gap {
    pub(super) pending: Vec<Migration>,
    /// The texts differ, and ours are not the older ones.
    pub(super) objects: bool,
    /// The texts are the same, but a role has come since they were applied.
    pub(super) roles: bool,
    /// A newer binary was here.
    pub(super) newer: Option<String>,
}

/// Reads what stands there, writes nothing, and leaves the session's `search_path` at our schema alone.
pub(super) async fn look(client: &tokio_postgres::Client) -> Result<Found> {
    let row = client
        .query_one(include_str!("../../../sql/queries/db/where.sql"), &[])
        .await?;
    let server: i32 = row.get("version");
    if server < OLDEST_SERVER {
        return Err(Error::broken(format!(
            "the database server is PostgreSQL {}.{}; version 14 or newer is needed",
            server / 10_000,
            server % 10_000
        )));
    }
    let Some(schema) = row.get::<_, Option<String>>("schema") else {
        return Err(Error::broken(format!(
            "no schema of the connection's search_path ({}) exists; create one, or name another with \
             ?options=-csearch_path%3Dmyschema in DATABASE_URL",
            row.get::<_, String>("search_path")
        )));
    };
    // A neurolink in a schema further down the path must not be mistaken for ours.
    client
        .batch_execute(&format!("set search_path = {}, pg_temp", quoted(&schema)))
        .await?;
    let mut found = Found {
        schema,
        may_create: row.get("may_create"),
        ..Found::default()
    };
    let there = client
        .query_one(
            include_str!("../../../sql/queries/db/history_exists.sql"),
            &[],
        )
        .await?;
    if there.get("history") {
        let rows = client
            .query(include_str!("../../../sql/queries/db/history.sql"), &[])
            .await?;
        found.history = rows
            .iter()
            .map(|r| (r.get("version"), r.get("name"), r.get("checksum")))
            .collect();
    }
    if there.get("meta") {
        let rows = client
            .query(include_str!("../../../sql/queries/db/meta.sql"), &[])
            .await?;
        for row in rows {
            let value = Some(row.get("value"));
            match row.get::<_, &str>("key") {
                "objects_checksum" => found.checksum = value,
                "objects_version" => found.objects_version = value,
                "objects_roles" => found.granted_roles = value,
                _ => found.min_binary = value,
            }
        }
    }
    found.roles = client
        .query_one(include_str!("../../../sql/queries/db/roles.sql"), &[])
        .await?
        .get("roles");
    Ok(found)
}

/// What is to be done, or why nothing may be.
pub(super) fn compare(found: &Found) -> Result<Gap> {
    let schema = &found.schema;
    if let Some(needed) = &found.min_binary
        && version::compare(needed, BINARY) == Ordering::Greater
    {
        return Err(Error::broken(format!(
            "schema {schema} needs neurolink {needed} or newer, and this is {BINARY}: a migration has changed what \
             older versions rely on. Install {needed} or newer"
        )));
    }
    let runner = runner();
    let known = runner.get_migrations();
    let mut pending = Vec::new();
    for migration in known {
        match found
            .history
            .iter()
            .find(|(v, ..)| *v == migration.version())
        {
            None => pending.push(migration.clone()),
            Some((_, name, checksum))
                if name == migration.name() && *checksum == migration.checksum().to_string() => {}
            Some((_, name, _)) => {
                return Err(Error::broken(format!(
                    "migration {migration} was applied to schema {schema} with another text (as {name}): this binary \
                     and that database don't belong together. Applied migrations never change; use the binary that \
                     made the schema, or a newer one"
                )));
            }
        }
    }
    pending.sort();
    let last = found.history.last().map_or(0, |(v, ..)| *v);
    if let Some(skipped) = pending.iter().find(|m| m.version() < last) {
        return Err(Error::broken(format!(
            "schema {schema} has migration {last} but lacks {skipped}, which comes before it: it was migrated by a \
             build of another line. Use that build or a newer one"
        )));
    }
    let unknown = known.iter().all(|m| m.version() < last);
    let objects_newer = found
        .objects_version
        .as_deref()
        .is_some_and(|v| version::compare(v, BINARY) == Ordering::Greater);
    let newer = (unknown || objects_newer).then(|| {
        found
            .objects_version
            .clone()
            .unwrap_or_else(|| format!("of migration {last}"))
    });
    let same = found.checksum.as_deref() == Some(&objects_checksum(&quoted(schema)));
    Ok(Gap {
        objects: !same && newer.is_none(),
        roles: same && found.granted_roles.as_deref() != Some(&found.roles),
        pending,
        newer,
    })
}

/// Whether the service may run on this database. Writes nothing.
///
/// # Errors
/// `Unavailable` when the database is away; `Internal` with a sentence for the operator when this binary must not run
/// there: no schema, PostgreSQL before 14, `min_binary` above our version, a history that isn't ours.
pub async fn check(db: &Db) -> Result<State> {
    let session = db.session().await?;
    let found = look(&session.client).await?;
    let gap = compare(&found)?;
    let schema = found.schema;
    Ok(if !gap.pending.is_empty() || gap.objects {
        State::Missing {
            schema,
            migrations: gap.pending.iter().map(ToString::to_string).collect(),
            objects: gap.objects,
        }
    } else if let Some(version) = gap.newer {
        State::NewerSchema { schema, version }
    } else {
        State::UpToDate { schema }
    })
}
