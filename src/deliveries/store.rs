//! Deliveries' statements: planned ones in, outcomes under their fence.

use std::collections::HashSet;

use jiff::Timestamp;
use postgres_types::{Json, Type};
use uuid::Uuid;

use crate::db::{Client, CopyRows};
use crate::deliveries::model::{Attempted, Content, Next, Outgoing, Planned};
use crate::kernel::{ChannelKind, Result, Severity};
use crate::notifications::model::{EXPIRED, RESOLVED};
use crate::queue::DeliveryJob;

/// Prepares what a batch's flight needs, so that nothing in it waits and falls behind its commit.
///
/// # Errors
/// The database's.
pub async fn prepare(client: &Client) -> Result<()> {
    client
        .prepare_cached(include_str!("../../sql/queries/deliveries/insert.sql"))
        .await?;
    client
        .prepare_cached(include_str!("../../sql/queries/deliveries/queue.sql"))
        .await?;
    Ok(())
}

/// Writes a batch's planned deliveries, and a job for each pending one.
///
/// # Errors
/// The database's.
pub async fn insert(client: &Client, planned: &[Planned], max_attempts: i32) -> Result<()> {
    if planned.is_empty() {
        return Ok(());
    }
    let log = client
        .prepare_cached(include_str!("../../sql/queries/deliveries/insert.sql"))
        .await?;
    let ids: Vec<i64> = planned.iter().map(|d| d.id).collect();
    let notifications: Vec<i64> = planned.iter().map(|d| d.notification_id).collect();
    let users: Vec<&str> = planned.iter().map(|d| d.user_id.as_str()).collect();
    let channels: Vec<&str> = planned.iter().map(|d| d.channel.as_str()).collect();
    let statuses: Vec<&str> = planned.iter().map(|d| d.status).collect();
    let addresses: Vec<Option<&str>> = planned.iter().map(|d| d.address.as_deref()).collect();
    let names: Vec<Option<&str>> = planned.iter().map(|d| d.display_name.as_deref()).collect();
    let contents: Vec<Option<String>> = planned
        .iter()
        .map(|d| {
            d.content
                .as_ref()
                .and_then(|c| serde_json::to_string(c).ok())
        })
        .collect();
    let reasons: Vec<Option<&str>> = planned.iter().map(|d| d.reason).collect();
    let deferred: Vec<Option<&str>> = planned.iter().map(|d| d.deferred_by).collect();
    let rows: [&(dyn tokio_postgres::types::ToSql + Sync); 10] = [
        &ids,
        &notifications,
        &users,
        &channels,
        &statuses,
        &addresses,
        &names,
        &contents,
        &reasons,
        &deferred,
    ];

    // Both are sent before either is answered.
    let (logged, queued) = futures_util::future::join(
        client.execute(&log, &rows),
        queue(client, planned, max_attempts),
    )
    .await;
    logged?;
    queued
}

/// The same for a large batch, copied. `now` is its transaction's time.
///
/// # Errors
/// The database's.
pub async fn copy(
    client: &Client,
    planned: &[Planned],
    max_attempts: i32,
    now: Timestamp,
) -> Result<()> {
    const COLUMNS: [Type; 12] = [
        Type::INT8,
        Type::INT8,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::JSONB,
        Type::TEXT,
        Type::TIMESTAMPTZ,
        Type::TIMESTAMPTZ,
        Type::TEXT,
    ];
    if planned.is_empty() {
        return Ok(());
    }
    let mut rows = CopyRows::new(&COLUMNS, planned.len() * 128);
    for d in planned {
        rows.push(&[
            &d.id,
            &d.notification_id,
            &d.user_id,
            &d.channel.as_str(),
            &d.status,
            &d.address,
            &d.display_name,
            &d.content.as_ref().map(Json),
            &d.reason,
            &(d.status == "delivered").then_some(now),
            &(d.status != "pending").then_some(now),
            &d.deferred_by,
        ])?;
    }
    rows.send(
        client,
        include_str!("../../sql/queries/deliveries/copy.sql"),
    )
    .await?;
    queue(client, planned, max_attempts).await
}

/// A job for each pending one.
async fn queue(client: &Client, planned: &[Planned], max_attempts: i32) -> Result<()> {
    let pending = || planned.iter().filter(|d| d.status == "pending");
    let ids: Vec<i64> = pending().map(|d| d.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/deliveries/queue.sql"))
        .await?;
    let channels: Vec<&str> = pending().map(|d| d.channel.as_str()).collect();
    let lanes: Vec<i16> = pending().map(|d| d.lane.number()).collect();
    let starts: Vec<Option<Timestamp>> = pending().map(|d| d.not_before).collect();
    client
        .execute(
            &statement,
            &[&ids, &channels, &lanes, &max_attempts, &starts],
        )
        .await?;
    Ok(())
}

/// What a claimed job says is to be done.
#[derive(Debug)]
pub enum Work {
    /// This is to be sent.
    Send(Box<Outgoing>),
    /// Nothing any more (cancelled, deleted, resolved, expired), with the reason where the log doesn't say it yet.
    Nothing(Option<&'static str>),
}

/// What a claimed job says is to be done.
///
/// # Errors
/// When the row isn't the claim's.
pub fn work(job: &DeliveryJob) -> Result<Work> {
    let row = &job.row;
    let status: Option<&str> = row.try_get("status")?;
    let channel: &str = row.try_get("channel")?;
    let address: Option<String> = row.try_get("address")?;
    let (Some("pending"), Some(title), Some(channel), Some(address)) = (
        status,
        row.try_get::<_, Option<String>>("title")?,
        ChannelKind::parse(channel),
        address,
    ) else {
        return Ok(Work::Nothing(None));
    };
    let is = |mark: &str| {
        row.try_get::<_, Option<bool>>(mark)
            .map(|m| m == Some(true))
    };
    if is("is_deleted")? {
        return Ok(Work::Nothing(None));
    }
    for (mark, reason) in [("is_resolved", RESOLVED), ("is_expired", EXPIRED)] {
        if is(mark)? {
            return Ok(Work::Nothing(Some(reason)));
        }
    }
    let content: Option<&str> = row.try_get("content")?;
    let content = content
        .and_then(|text| serde_json::from_str::<Content>(text).ok())
        .unwrap_or_default();
    Ok(Work::Send(Box::new(Outgoing {
        delivery_id: job.delivery_id,
        notification_id: row.try_get("notification_id")?,
        user_id: row.try_get("user_id")?,
        channel,
        address,
        display_name: row
            .try_get::<_, Option<String>>("display_name")?
            .unwrap_or_default(),
        locale: row.try_get("locale")?,
        title,
        body: row.try_get("body")?,
        action_url: row.try_get("action_url")?,
        action_label: row.try_get("action_label")?,
        severity: Severity::parse(row.try_get("severity")?).unwrap_or_default(),
        content,
        created_at: row.try_get("created_at")?,
        attempt: job.attempt,
    })))
}

/// Writes outcomes, each only where its fence holds. Gives the jobs that were written: the others are somebody else's now.
///
/// # Errors
/// The database's.
pub async fn record(client: &Client, worker: Uuid, ended: &[Attempted]) -> Result<HashSet<i64>> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/deliveries/record.sql"))
        .await?;
    let jobs: Vec<i64> = ended.iter().map(|e| e.job_id).collect();
    let attempts: Vec<i32> = ended.iter().map(|e| e.attempt).collect();
    let nexts: Vec<&str> = ended.iter().map(|e| word(&e.next)).collect();
    let waits: Vec<i64> = ended.iter().map(|e| wait(&e.next)).collect();
    let forgiven: Vec<i32> = ended
        .iter()
        .map(|e| i32::from(matches!(e.next, Next::Retry { forgiven: true, .. })))
        .collect();
    let outcomes: Vec<Option<&str>> = ended.iter().map(|e| e.outcome).collect();
    let errors: Vec<Option<&str>> = ended.iter().map(|e| e.error.as_deref()).collect();
    let providers: Vec<Option<&str>> = ended
        .iter()
        .map(|e| e.receipt.as_ref().map(|r| r.provider))
        .collect();
    let messages: Vec<Option<&str>> = ended
        .iter()
        .map(|e| {
            e.receipt
                .as_ref()
                .and_then(|r| r.provider_message_id.as_deref())
        })
        .collect();
    let took: Vec<i64> = ended
        .iter()
        .map(|e| i64::try_from(e.took.as_millis()).unwrap_or(i64::MAX))
        .collect();
    let rows = client
        .query(
            &statement,
            &[
                &jobs, &attempts, &nexts, &waits, &forgiven, &outcomes, &errors, &providers,
                &messages, &took, &worker,
            ],
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

fn word(next: &Next) -> &'static str {
    match next {
        Next::Done => "done",
        Next::Dead => "dead",
        Next::Cancel => "cancel",
        Next::Retry { .. } => "retry",
    }
}

fn wait(next: &Next) -> i64 {
    match next {
        Next::Retry { wait, .. } => i64::try_from(wait.as_millis()).unwrap_or(i64::MAX),
        _ => 0,
    }
}
