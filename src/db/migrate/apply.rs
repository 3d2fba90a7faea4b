//! Migrating: one process at a time by an advisory lock, refinery, then the re-applied objects in one transaction.
//! A lock that the ERP holds on our tables is waited for in short turns: whoever queues for a table's lock stands before
//! every later insert, so we never queue for long.

use std::time::Duration;

use tokio_postgres::error::SqlState;

use super::state::{Found, compare, look};
use super::{BINARY, OBJECTS, objects_checksum, quoted, runner};
use crate::db::Db;
use crate::kernel::{Error, Result};

/// First key of the advisory lock ("NLMG"); the second is of the schema's name, so that two schemas don't block each other.
const LOCK: i32 = 0x4E4C_4D47;

/// How long one turn waits for a table's lock, how often, and the rest between two turns.
const LOCK_TIMEOUT_MS: u32 = 1_500;
const TURNS: u32 = 20;
const REST: Duration = Duration::from_millis(750);

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Where.
    pub schema: String,
    /// The version of this binary.
    pub version: String,
    /// Migrations applied now, as `V0001__line`; empty when all were there.
    pub applied: Vec<String>,
    /// Whether functions, triggers, views and grants were applied now.
    pub objects_applied: bool,
    /// Set when a newer binary has been here: what is its own was left alone.
    pub newer: Option<String>,
}

impl Report {
    /// Whether anything was written.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.objects_applied || !self.applied.is_empty()
    }
}

/// Brings the schema up to this binary. Several at once do it once; twice is a no-op.
///
/// # Errors
/// As [`super::check`]; `Internal` too when a statement fails (its transaction is rolled back, earlier migrations stay),
/// `Unavailable` when somebody holds locks on our tables for half a minute.
pub async fn run(db: &Db) -> Result<Report> {
    // The lock belongs to this session. Whatever happens below, an error or a dropped future, the session ends with its
    // client, and the lock with the session.
    let mut session = db.session().await?;
    let client = &mut session.client;
    // Waiting for another node and building an index may both take longer than a statement of the service.
    client.batch_execute("set statement_timeout = 0").await?;
    let found = look(client).await?;
    compare(&found)?;
    lock(client, &found.schema).await?;
    client
        .batch_execute(&format!("set lock_timeout = {LOCK_TIMEOUT_MS}"))
        .await?;
    let result = in_turns(client).await;
    // Not left to the end of the connection: the next in line may go on before the server has noticed that.
    let _ = client
        .batch_execute("select pg_advisory_unlock_all()")
        .await;
    result
}

async fn lock(client: &tokio_postgres::Client, schema: &str) -> Result<()> {
    let free: bool = client
        .query_one(
            "select pg_try_advisory_lock($1, hashtext($2))",
            &[&LOCK, &schema],
        )
        .await?
        .get(0);
    if !free {
        tracing::info!(schema, "another process is migrating; waiting for it");
        client
            .execute(
                "select pg_advisory_lock($1, hashtext($2))",
                &[&LOCK, &schema],
            )
            .await?;
    }
    Ok(())
}

async fn in_turns(client: &mut tokio_postgres::Client) -> Result<Report> {
    let mut applied = Vec::new();
    for turn in 1.. {
        match once(client, &mut applied).await {
            Err(error) if turn < TURNS && waited_for_a_lock(&error) => {
                tracing::info!(turn, "a transaction holds our tables; trying again");
                tokio::time::sleep(REST).await;
            }
            Err(error) if waited_for_a_lock(&error) => {
                return Err(Error::unavailable(
                    "transactions of others hold locks on the neurolink_ tables (see pg_locks, pg_stat_activity); \
                     nothing was left half done, run it again when they are through",
                ));
            }
            other => return other,
        }
    }
    Err(Error::broken("the turns of a migration ran out"))
}

/// One turn. What refinery commits stays, and is kept in `applied`, when a later step has to wait for the next turn.
async fn once(client: &mut tokio_postgres::Client, applied: &mut Vec<String>) -> Result<Report> {
    // Read again under the lock: whoever held it before us may have done it all.
    let found = look(client).await?;
    let gap = compare(&found)?;
    let something = !gap.pending.is_empty() || gap.objects || gap.roles;
    if something && !found.may_create {
        return Err(Error::broken(format!(
            "the database user may not create objects in schema {0}: grant create on schema {0} to it, or migrate as \
             the schema's owner",
            quoted(&found.schema)
        )));
    }
    if !gap.pending.is_empty() {
        // refinery logs migrations that it doesn't know as errors, so it is called only when there is work.
        match runner().run_async(client).await {
            Ok(report) => note(applied, &report),
            Err(error) => {
                if let Some(report) = error.report() {
                    note(applied, report);
                }
                return Err(Error::internal("a migration failed", error));
            }
        }
    }
    if gap.objects || gap.roles {
        apply_objects(client, &found).await?;
    }
    Ok(Report {
        schema: found.schema,
        version: BINARY.to_owned(),
        applied: std::mem::take(applied),
        objects_applied: gap.objects || gap.roles,
        newer: gap.newer,
    })
}

fn note(applied: &mut Vec<String>, report: &refinery::Report) {
    for migration in report.applied_migrations() {
        tracing::info!(%migration, "applied");
        applied.push(migration.to_string());
    }
}

async fn apply_objects(client: &mut tokio_postgres::Client, found: &Found) -> Result<()> {
    let schema = quoted(&found.schema);
    let transaction = client.transaction().await?;
    for object in OBJECTS {
        transaction
            .batch_execute(&object.sql_in(&schema))
            .await
            .map_err(|e| Error::internal(format!("sql/{} can't be applied", object.path), e))?;
    }
    transaction
        .execute(
            include_str!("../../../sql/queries/db/remember_objects.sql"),
            &[&objects_checksum(&schema), &BINARY, &found.roles],
        )
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// Whether a lock's time-out lies at the bottom of an error, however wrapped.
fn waited_for_a_lock(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(pg) = error.downcast_ref::<tokio_postgres::Error>()
            && pg.code() == Some(&SqlState::LOCK_NOT_AVAILABLE)
        {
            return true;
        }
        cause = error.source();
    }
    false
}
