//! A batch's notifications, written: inboxes locked, revisions taken, rows. A small batch is one flight of statements; a large
//! one is copied, which costs a few round trips and saves a third of the server's work (see `db::CopyRows`).

use std::collections::HashMap;

use jiff::Timestamp;
use postgres_types::{ToSql, Type};

use crate::db::{Client, CopyRows};
use crate::ingest::Event;
use crate::kernel::{Error, Result};
use crate::notifications::new::{NewNotification, Shares};

const LOCK: &str = include_str!("../../../sql/queries/notifications/lock_inboxes.sql");
const INSERT: &str = include_str!("../../../sql/queries/notifications/insert.sql");

/// Ids for rows to come. Those of a batch that is rolled back are lost, as a sequence's are.
///
/// # Errors
/// The database's.
pub async fn next_ids(client: &Client, count: i32) -> Result<Vec<i64>> {
    let statement = client
        .prepare_cached(include_str!(
            "../../../sql/queries/notifications/next_ids.sql"
        ))
        .await?;
    let rows = client.query(&statement, &[&count]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Inboxes for people who may have none yet. Its own transaction: never call it inside one.
///
/// # Errors
/// The database's.
pub async fn ensure_inboxes(client: &Client, users: &[&str]) -> Result<()> {
    let statement = client
        .prepare_cached(include_str!(
            "../../../sql/queries/notifications/ensure_inboxes.sql"
        ))
        .await?;
    client.execute(&statement, &[&users]).await?;
    Ok(())
}

/// Prepares what a batch's flight needs, so that nothing in it waits and falls behind its commit.
///
/// # Errors
/// The database's.
pub async fn prepare(client: &Client) -> Result<()> {
    client.prepare_cached(LOCK).await?;
    client.prepare_cached(INSERT).await?;
    Ok(())
}

/// Writes a batch's notifications in one flight, inboxes locked first. `events` are the batch's, as
/// [`NewNotification::event`] counts.
///
/// # Errors
/// The database's; the batch has then failed as a whole.
pub async fn insert(client: &Client, events: &[Event], new: &[NewNotification]) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let lock = client.prepare_cached(LOCK).await?;
    let write = client.prepare_cached(INSERT).await?;

    let shares = Shares::of(new);
    let (users, counts) = (&shares.users, &shares.counts);
    let nth: Vec<i32> = shares.nth;
    let of = |n: &NewNotification| n.event.map(|index| &events[index]);
    let ids: Vec<i64> = new.iter().map(|n| n.id).collect();
    let user_ids: Vec<&str> = new.iter().map(|n| n.user_id.as_str()).collect();
    let event_ids: Vec<Option<i64>> = new.iter().map(|n| of(n).map(|e| e.id)).collect();
    let rule_ids: Vec<Option<i64>> = new.iter().map(|n| n.rule_id).collect();
    let rule_versions: Vec<Option<i32>> = new.iter().map(|n| n.rule_version).collect();
    let steps: Vec<i16> = new.iter().map(|n| n.step).collect();
    let named = |name: fn(&Event) -> Option<&str>| -> Vec<Option<&str>> {
        new.iter().map(|n| of(n).and_then(name)).collect()
    };
    let modules = named(|e| Some(&e.source_module));
    let types = named(|e| Some(&e.event_type));
    let entity_types = named(|e| e.entity_type.as_deref());
    let entity_ids = named(|e| e.entity_id.as_deref());
    let branches = named(|e| e.branch_id.as_deref());
    let categories: Vec<&str> = new.iter().map(|n| n.category.as_str()).collect();
    let severities: Vec<&str> = new.iter().map(|n| n.severity.as_str()).collect();
    let texts = || new.iter().map(|n| &n.texts);
    let locales: Vec<&str> = texts().map(|t| t.locale.as_str()).collect();
    let titles: Vec<&str> = texts().map(|t| t.title.as_str()).collect();
    let bodies: Vec<&str> = texts().map(|t| t.body.as_str()).collect();
    let urls: Vec<Option<&str>> = texts().map(|t| t.action_url.as_deref()).collect();
    let labels: Vec<Option<&str>> = texts().map(|t| t.action_label.as_deref()).collect();

    let expiries: Vec<Option<Timestamp>> = new.iter().map(|n| n.expires_at).collect();

    let parameters: [&(dyn ToSql + Sync); 22] = [
        users,
        counts,
        &ids,
        &user_ids,
        &nth,
        &event_ids,
        &rule_ids,
        &rule_versions,
        &modules,
        &types,
        &entity_types,
        &entity_ids,
        &branches,
        &categories,
        &severities,
        &locales,
        &titles,
        &bodies,
        &urls,
        &labels,
        &steps,
        &expiries,
    ];
    let locked: [&(dyn ToSql + Sync); 1] = [users];
    // Both are sent before either is answered; a missing inbox fails the second by its null revision.
    let (locked, written) = futures_util::future::join(
        client.execute(&lock, &locked),
        client.execute(&write, &parameters),
    )
    .await;
    locked?;
    written?;
    Ok(())
}

/// The same for a large batch, copied.
///
/// # Errors
/// The database's, or that somebody has no inbox; the batch has then failed as a whole.
pub async fn copy(client: &Client, events: &[Event], new: &[NewNotification]) -> Result<()> {
    const COLUMNS: [Type; 21] = [
        Type::INT8,
        Type::TEXT,
        Type::BOOL,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT4,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::INT2,
        Type::TIMESTAMPTZ,
    ];
    if new.is_empty() {
        return Ok(());
    }
    const REV: usize = 3;
    // Written before the inboxes are locked: what two workers with the same recipients wait for is then short.
    let mut rows = CopyRows::new(&COLUMNS, new.len() * 320);
    let mut open = Vec::with_capacity(new.len());
    for n in new {
        let (event, texts) = (n.event.map(|index| &events[index]), &n.texts);
        let rev = n.in_app.then_some(0_i64);
        let row: [&(dyn ToSql + Sync); 21] = [
            &n.id,
            &n.user_id,
            &n.in_app,
            &rev,
            &event.map(|e| e.id),
            &n.rule_id,
            &n.rule_version,
            &event.map(|e| &e.source_module),
            &event.map(|e| &e.event_type),
            &event.and_then(|e| e.entity_type.as_ref()),
            &event.and_then(|e| e.entity_id.as_ref()),
            &event.and_then(|e| e.branch_id.as_ref()),
            &n.category,
            &n.severity.as_str(),
            &texts.locale,
            &texts.title,
            &texts.body,
            &texts.action_url,
            &texts.action_label,
            &n.step,
            &n.expires_at,
        ];
        if n.in_app {
            open.push(rows.push_open(&row, REV)?);
        } else {
            rows.push(&row)?;
        }
    }
    let shares = Shares::of(new);
    let bases = take_revisions(client, &shares).await?;
    let inboxed = new.iter().zip(&shares.nth).filter(|(n, _)| n.in_app);
    for ((n, &nth), open) in inboxed.zip(open) {
        let base = bases
            .get(n.user_id.as_str())
            .ok_or_else(|| Error::broken("somebody to be notified has no inbox"))?;
        rows.fill(open, base + i64::from(nth));
    }
    let statement = include_str!("../../../sql/queries/notifications/copy.sql");
    rows.send(client, statement).await
}

/// Locks the inboxes and moves them on. Gives each one's revision before the new ones.
async fn take_revisions(client: &Client, shares: &Shares<'_>) -> Result<HashMap<String, i64>> {
    let lock = client.prepare_cached(LOCK).await?;
    let take = client
        .prepare_cached(include_str!(
            "../../../sql/queries/notifications/take_revisions.sql"
        ))
        .await?;
    let users: [&(dyn ToSql + Sync); 1] = [&shares.users];
    let both: [&(dyn ToSql + Sync); 2] = [&shares.users, &shares.counts];
    let (locked, taken) =
        futures_util::future::join(client.execute(&lock, &users), client.query(&take, &both)).await;
    locked?;
    taken?
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}
