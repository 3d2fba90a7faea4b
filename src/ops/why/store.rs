//! What stored facts say.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio_postgres::Row;

use super::escalated::Progress;
use crate::db::Client;
use crate::kernel::Result;

/// `neurolink_explain`'s row.
#[derive(Debug)]
pub struct Stored {
    /// For programs.
    pub code: String,
    /// For people.
    pub answer: String,
    /// Whether nobody would know more.
    pub is_complete: bool,
    /// JSON.
    pub facts: String,
}

/// Asks the function.
///
/// # Errors
/// The database's.
pub async fn stored(client: &Client, event: i64, user: &str) -> Result<Stored> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ops/why_stored.sql"))
        .await?;
    let row = client.query_one(&statement, &[&event, &user]).await?;
    Ok(Stored {
        code: row.try_get("code")?,
        answer: row.try_get("answer")?,
        is_complete: row.try_get("is_complete")?,
        facts: row.try_get("facts")?,
    })
}

/// Why rules that are for a person haven't told them, where the event's outcome says it of more people than it names: a code and a
/// sentence.
///
/// # Errors
/// The database's.
pub async fn withheld(
    client: &Client,
    event: i64,
    user: &str,
    rules: &[i64],
) -> Result<Option<(String, String)>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ops/why_withheld.sql"))
        .await?;
    let row = client
        .query_opt(&statement, &[&event, &user, &rules])
        .await?;
    row.map(|row| Ok((row.try_get("code")?, row.try_get("answer")?)))
        .transpose()
}

/// How far the escalations of an event are, by rules that told somebody of it.
///
/// # Errors
/// The database's.
pub async fn escalations(client: &Client, event: i64) -> Result<Vec<Progress>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ops/why_escalations.sql"))
        .await?;
    let rows = client.query(&statement, &[&event]).await?;
    let did = |row: &Row, by: &str, at: &str| -> Result<Option<(String, Timestamp)>> {
        let (by, at): (Option<String>, Option<Timestamp>) = (row.try_get(by)?, row.try_get(at)?);
        Ok(by.zip(at))
    };
    rows.iter()
        .map(|row| {
            let (step, due): (Option<i16>, Option<Timestamp>) =
                (row.try_get("step")?, row.try_get("due_at")?);
            let told: Option<Vec<String>> = row.try_get("told")?;
            let steps: Option<Vec<i16>> = row.try_get("told_steps")?;
            let ran: Vec<i16> = row.try_get("ran_steps")?;
            let at: Vec<Timestamp> = row.try_get("ran_at")?;
            let told = told.unwrap_or_default().into_iter();
            Ok(Progress {
                rule_id: row.try_get("rule_id")?,
                told: told.zip(steps.unwrap_or_default()).collect(),
                ran: ran.into_iter().zip(at).collect(),
                read: did(row, "read_by", "read_at")?,
                acknowledged: did(row, "acknowledged_by", "acknowledged_at")?,
                resolved: row.try_get("resolved_at")?,
                is_settled: row.try_get("is_settled")?,
                waits: step.zip(due),
                paused: row.try_get("paused")?,
                is_off: row.try_get("is_off")?,
            })
        })
        .collect()
}

/// Where deliveries went, or go, by id.
///
/// # Errors
/// The database's.
pub async fn addresses(client: &Client, deliveries: &[i64]) -> Result<HashMap<i64, String>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ops/why_addresses.sql"))
        .await?;
    let rows = client.query(&statement, &[&deliveries]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("id")?, row.try_get("address")?)))
        .collect()
}
