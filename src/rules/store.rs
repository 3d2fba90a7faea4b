//! The rules room's statements: rules in, faults and outcomes out. (Everything else in the room is pure.)

use postgres_types::{Json, Type};
use serde_json::value::RawValue;

use crate::db::{Client, CopyRows};
use crate::kernel::Result;
use crate::kernel::json::nul::without_nul;
use crate::rules::model::{Fault, Outcome, RuleRow};

/// All enabled rules, and the revision they are of.
///
/// # Errors
/// The database's.
pub async fn load(client: &Client) -> Result<(i64, Vec<RuleRow>)> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/rules/load.sql"))
        .await?;
    let rows = client.query(&statement, &[]).await?;
    let mut rev = 0;
    let mut rules = Vec::with_capacity(rows.len());
    for row in &rows {
        rev = row.try_get("rev")?;
        let id: Option<i64> = row.try_get("id")?;
        let Some(id) = id else { continue };
        rules.push(RuleRow {
            id,
            name: row.try_get("name")?,
            source_module: row.try_get("source_module")?,
            event_type_pattern: row.try_get("event_type_pattern")?,
            conditions: row.try_get("conditions")?,
            notification_template: row.try_get("notification_template")?,
            priority: row.try_get("priority")?,
            version: row.try_get("version")?,
            is_held: row.try_get("is_held")?,
        });
    }
    Ok((rev, rules))
}

/// Marks the versions that could not be compiled, and takes back marks that no longer hold.
///
/// # Errors
/// The database's.
pub async fn mark_faults(client: &Client, faults: &[(i64, i32, Fault)]) -> Result<()> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/rules/mark_faults.sql"))
        .await?;
    let ids: Vec<i64> = faults.iter().map(|(id, _, _)| *id).collect();
    let versions: Vec<i32> = faults.iter().map(|(_, version, _)| *version).collect();
    let places: Vec<&str> = faults
        .iter()
        .map(|(_, _, fault)| fault.place.as_str())
        .collect();
    let details: Vec<&str> = faults
        .iter()
        .map(|(_, _, fault)| fault.detail.as_str())
        .collect();
    client
        .execute(&statement, &[&ids, &versions, &places, &details])
        .await?;
    Ok(())
}

/// Stops a version that outlasted its watchdog, on every node.
///
/// # Errors
/// The database's.
pub async fn mark_watchdog(client: &Client, rule: i64, version: i32, detail: &str) -> Result<()> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/rules/mark_watchdog.sql"))
        .await?;
    client
        .execute(&statement, &[&rule, &version, &detail])
        .await?;
    Ok(())
}

/// Prepares what a batch's flight needs, so that nothing in it waits and falls behind its commit.
///
/// # Errors
/// The database's.
pub async fn prepare(client: &Client) -> Result<()> {
    client
        .prepare_cached(include_str!("../../sql/queries/rules/insert_outcomes.sql"))
        .await?;
    Ok(())
}

/// Writes what came of a batch's events.
///
/// # Errors
/// The database's; a unique violation when one of them was evaluated before.
pub async fn insert_outcomes(client: &Client, outcomes: &[Outcome]) -> Result<()> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/rules/insert_outcomes.sql"))
        .await?;
    let events: Vec<i64> = outcomes.iter().map(|o| o.event_id).collect();
    let matched: Vec<i32> = outcomes.iter().map(|o| o.rules_matched).collect();
    let notifications: Vec<i32> = outcomes.iter().map(|o| o.notifications).collect();
    let suppressed: Vec<Option<String>> =
        outcomes.iter().map(|o| json_list(&o.suppressed)).collect();
    let warnings: Vec<Option<String>> = outcomes.iter().map(|o| json_list(&o.warnings)).collect();
    client
        .execute(
            &statement,
            &[&events, &matched, &notifications, &suppressed, &warnings],
        )
        .await?;
    Ok(())
}

/// The same for a large batch, copied.
///
/// # Errors
/// As [`insert_outcomes`].
pub async fn copy_outcomes(client: &Client, outcomes: &[Outcome]) -> Result<()> {
    const COLUMNS: [Type; 5] = [Type::INT8, Type::INT4, Type::INT4, Type::JSONB, Type::JSONB];
    let mut rows = CopyRows::new(&COLUMNS, outcomes.len() * 48);
    for o in outcomes {
        let (suppressed, warnings) = (raw_list(&o.suppressed), raw_list(&o.warnings));
        rows.push(&[
            &o.event_id,
            &o.rules_matched,
            &o.notifications,
            &suppressed,
            &warnings,
        ])?;
    }
    rows.send(
        client,
        include_str!("../../sql/queries/rules/copy_outcomes.sql"),
    )
    .await
}

/// Locks an event's outcome; whether it has one. Prepares what the replay's flight needs, too.
///
/// # Errors
/// The database's.
pub async fn hold_outcome(client: &Client, event: i64) -> Result<bool> {
    client
        .prepare_cached(include_str!("../../sql/queries/rules/replay_end.sql"))
        .await?;
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/rules/replay_lock.sql"))
        .await?;
    Ok(client.query_opt(&statement, &[&event]).await?.is_some())
}

/// Whom an event has told so far: (rule, person).
///
/// # Errors
/// The database's.
pub async fn told(client: &Client, event: i64) -> Result<Vec<(i64, String)>> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/rules/replay_told.sql"))
        .await?;
    let rows = client.query(&statement, &[&event]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("rule_id")?, row.try_get("user_id")?)))
        .collect()
}

/// Puts what came of a replay into the event's outcome.
///
/// # Errors
/// The database's.
pub async fn replayed(client: &Client, outcome: &Outcome) -> Result<()> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/rules/replay_end.sql"))
        .await?;
    client
        .execute(
            &statement,
            &[
                &outcome.event_id,
                &outcome.rules_matched,
                &outcome.notifications,
                &json_list(&outcome.suppressed),
                &json_list(&outcome.warnings),
            ],
        )
        .await?;
    Ok(())
}

/// Adds what came of events later than their evaluation to their outcomes.
///
/// # Errors
/// The database's.
pub async fn put_off_no_more(client: &Client, outcomes: &[Outcome]) -> Result<()> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/rules/later_end.sql"))
        .await?;
    let events: Vec<i64> = outcomes.iter().map(|o| o.event_id).collect();
    let notifications: Vec<i32> = outcomes.iter().map(|o| o.notifications).collect();
    let suppressed: Vec<Option<String>> =
        outcomes.iter().map(|o| json_list(&o.suppressed)).collect();
    let warnings: Vec<Option<String>> = outcomes.iter().map(|o| json_list(&o.warnings)).collect();
    client
        .execute(
            &statement,
            &[&events, &notifications, &suppressed, &warnings],
        )
        .await?;
    Ok(())
}

/// The list as JSON text without what a database can't hold; nothing for an empty one.
fn json_list<T: serde::Serialize>(list: &[T]) -> Option<String> {
    if list.is_empty() {
        return None;
    }
    serde_json::to_string(list)
        .ok()
        .map(|text| without_nul(&text).into_owned())
}

fn raw_list<T: serde::Serialize>(list: &[T]) -> Option<Json<Box<RawValue>>> {
    json_list(list)
        .and_then(|text| RawValue::from_string(text).ok())
        .map(Json)
}
