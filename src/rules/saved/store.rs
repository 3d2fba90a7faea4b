//! The statements of those who look at rules and change them.

use tokio_postgres::Row;

use crate::db::{Client, Tx};
use crate::kernel::Result;
use crate::rules::draft::Draft;
use crate::rules::held;
use crate::rules::saved::{Filter, Found, Saved, Version};

/// A page, newest first, below an id.
///
/// # Errors
/// The database's.
pub async fn list(client: &Client, below: i64, filter: &Filter, limit: i64) -> Result<Vec<Saved>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/list.sql"))
        .await?;
    let rows = client
        .query(
            &statement,
            &[
                &below,
                &filter.enabled,
                &filter.event_type,
                &filter.source_module,
                &filter.faulty,
                &limit,
            ],
        )
        .await?;
    rows.iter().map(saved).collect()
}

/// All of them, by name.
///
/// # Errors
/// The database's.
pub async fn all(client: &Client) -> Result<Vec<Saved>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/all.sql"))
        .await?;
    let rows = client.query(&statement, &[]).await?;
    rows.iter().map(saved).collect()
}

/// One.
///
/// # Errors
/// The database's.
pub async fn get(client: &Client, id: i64) -> Result<Option<Saved>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/get.sql"))
        .await?;
    let row = client.query_opt(&statement, &[&id]).await?;
    row.as_ref().map(saved).transpose()
}

impl Saved {
    /// As [`get`], for rooms further down the line.
    ///
    /// # Errors
    /// The database's.
    pub async fn find(client: &Client, id: i64) -> Result<Option<Self>> {
        get(client, id).await
    }

    /// The one of a name.
    ///
    /// # Errors
    /// The database's.
    pub async fn named(client: &Client, name: &str) -> Result<Option<Self>> {
        let statement = client
            .prepare_cached(include_str!("../../../sql/queries/rules/named.sql"))
            .await?;
        let row = client.query_opt(&statement, &[&name]).await?;
        row.as_ref().map(saved).transpose()
    }
}

impl Version {
    /// As [`version`], for rooms further down the line.
    ///
    /// # Errors
    /// The database's.
    pub async fn find(client: &Client, id: i64, number: i32) -> Result<Option<Self>> {
        version(client, id, number).await
    }

    /// The newest of a rule, newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn newest(client: &Client, id: i64, most: i64) -> Result<Vec<Self>> {
        versions(client, id, i32::MAX, most).await
    }
}

/// Holds all: whoever else changes rules waits until the transaction ends.
///
/// # Errors
/// The database's.
pub async fn hold_all(tx: &Tx) -> Result<()> {
    let statement = include_str!("../../../sql/queries/rules/hold_all.sql");
    Ok(tx.batch_execute(statement).await?)
}

/// One that nobody else changes before the transaction ends.
///
/// # Errors
/// The database's.
pub async fn lock(tx: &Tx, id: i64) -> Result<Option<Saved>> {
    let statement = tx
        .prepare_cached(include_str!("../../../sql/queries/rules/lock.sql"))
        .await?;
    // Read by a second statement: the first may have waited, and then sees the joined table as it was before.
    match tx.query_opt(&statement, &[&id]).await? {
        Some(_) => get(tx, id).await,
        None => Ok(None),
    }
}

/// A new one; its id.
///
/// # Errors
/// `Conflict` (`rule_name_taken`), or the database's.
pub async fn insert(tx: &Tx, draft: &Draft) -> Result<i64> {
    let statement = tx
        .prepare_cached(include_str!("../../../sql/queries/rules/insert.sql"))
        .await?;
    let row = tx
        .query_one(
            &statement,
            &[
                &draft.name,
                &draft.source_module,
                &draft.event_type_pattern,
                &draft.conditions,
                &draft.notification_template,
                &draft.priority,
                &draft.enabled,
            ],
        )
        .await?;
    Ok(row.try_get("id")?)
}

/// Its new content.
///
/// # Errors
/// `Conflict` (`rule_name_taken`), or the database's.
pub async fn update(tx: &Tx, id: i64, draft: &Draft) -> Result<()> {
    let statement = tx
        .prepare_cached(include_str!("../../../sql/queries/rules/update.sql"))
        .await?;
    tx.execute(
        &statement,
        &[
            &draft.name,
            &draft.source_module,
            &draft.event_type_pattern,
            &draft.conditions,
            &draft.notification_template,
            &draft.priority,
            &draft.enabled,
            &id,
        ],
    )
    .await?;
    Ok(())
}

/// Takes some away.
///
/// # Errors
/// The database's.
pub async fn delete(tx: &Tx, ids: &[i64]) -> Result<()> {
    let statement = tx
        .prepare_cached(include_str!("../../../sql/queries/rules/delete.sql"))
        .await?;
    tx.execute(&statement, &[&ids]).await?;
    Ok(())
}

/// A page of a rule's versions, newest first, below one.
///
/// # Errors
/// The database's.
pub async fn versions(client: &Client, id: i64, below: i32, limit: i64) -> Result<Vec<Version>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/versions.sql"))
        .await?;
    let rows = client.query(&statement, &[&id, &below, &limit]).await?;
    rows.iter().map(version_of).collect()
}

/// One version of a rule.
///
/// # Errors
/// The database's.
pub async fn version(client: &Client, id: i64, version: i32) -> Result<Option<Version>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/version.sql"))
        .await?;
    let row = client.query_opt(&statement, &[&id, &version]).await?;
    row.as_ref().map(version_of).transpose()
}

fn saved(row: &Row) -> Result<Saved> {
    Ok(Saved {
        id: row.try_get("id")?,
        version: row.try_get("version")?,
        draft: draft(row)?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
        fault: found(row)?,
        hold: held::store::of_row(row)?,
    })
}

fn version_of(row: &Row) -> Result<Version> {
    Ok(Version {
        rule_id: row.try_get("id")?,
        version: row.try_get("version")?,
        draft: draft(row)?,
        changed_by: row.try_get("changed_by")?,
        changed_at: row.try_get("changed_at")?,
        fault: found(row)?,
    })
}

fn draft(row: &Row) -> Result<Draft> {
    Ok(Draft {
        name: row.try_get("name")?,
        source_module: row.try_get("source_module")?,
        event_type_pattern: row.try_get("event_type_pattern")?,
        conditions: row.try_get("conditions")?,
        notification_template: row.try_get("notification_template")?,
        priority: row.try_get("priority")?,
        enabled: row.try_get("enabled")?,
    })
}

fn found(row: &Row) -> Result<Option<Found>> {
    let Some(kind) = row.try_get("fault_kind")? else {
        return Ok(None);
    };
    Ok(Some(Found {
        kind,
        place: row.try_get("fault_place")?,
        detail: row.try_get("fault_detail")?,
        found_at: row.try_get("fault_found_at")?,
    }))
}
