//! Notifications' statements. Writing a batch is one flight; changing an inbox takes its lock first.

use tokio_postgres::Row;

use crate::db::{Client, Db, Tx};
use crate::kernel::{Error, Result};
use crate::notifications::model::{Change, Changed, Counts, InboxState, Notification};

/// Notifications that one page, or one look for unread ones, walks over at most: some 15 ms, each on a page of its own.
pub const WALKED: i64 = 4_000;

/// Notifications of a page, and where the next one begins.
#[derive(Debug, Default)]
pub struct Stretch {
    /// Newest first.
    pub items: Vec<Notification>,
    /// The next page is of notifications below this id; `None` = there is none.
    pub next: Option<i64>,
}

/// One notification of one person.
///
/// # Errors
/// The database's.
pub async fn get(client: &Client, user: &str, id: i64) -> Result<Option<Notification>> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/notifications/get.sql"))
        .await?;
    client
        .query_opt(&statement, &[&user, &id])
        .await?
        .as_ref()
        .map(notification)
        .transpose()
}

/// What a page is made of.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only (un)read ones.
    pub read: Option<bool>,
    /// Only (un)archived ones.
    pub archived: Option<bool>,
    /// Only snoozed ones; else none of them.
    pub snoozed: bool,
    /// Only (un)resolved ones.
    pub resolved: Option<bool>,
    /// Only of this severity.
    pub severity: Option<String>,
    /// Only of this category.
    pub category: Option<String>,
    /// Only of this module.
    pub source_module: Option<String>,
}

/// A page of an inbox, newest first, of at most `limit` below an id. It may hold fewer, even none, while there is more to look at.
///
/// # Errors
/// The database's.
pub async fn list(
    client: &Client,
    user: &str,
    below: i64,
    filter: &Filter,
    limit: usize,
) -> Result<Stretch> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/notifications/list.sql"))
        .await?;
    let fetch = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
    let Filter {
        read,
        archived,
        snoozed,
        resolved,
        severity,
        category,
        source_module,
    } = filter;
    let rows = client
        .query(
            &statement,
            &[
                &user,
                &below,
                read,
                archived,
                severity,
                category,
                source_module,
                &fetch,
                &WALKED,
                snoozed,
                resolved,
            ],
        )
        .await?;
    let mut items = rows.iter().map(notification).collect::<Result<Vec<_>>>()?;
    let next = if items.len() > limit {
        items.truncate(limit);
        items.last().map(|item| item.id)
    } else {
        walked_to(client, user, below).await?
    };
    Ok(Stretch { items, next })
}

/// The id below which a walk that didn't find enough has to go on.
async fn walked_to(client: &Client, user: &str, below: i64) -> Result<Option<i64>> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/notifications/stretch.sql"))
        .await?;
    let row = client
        .query_one(&statement, &[&user, &below, &WALKED])
        .await?;
    let walked: i64 = row.try_get("walked")?;
    Ok(if walked < WALKED {
        None
    } else {
        row.try_get("lowest")?
    })
}

/// An inbox's counts; zero for somebody who was never told anything.
///
/// # Errors
/// The database's.
pub async fn count(client: &Client, user: &str) -> Result<Counts> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/notifications/count.sql"))
        .await?;
    match client.query_opt(&statement, &[&user]).await? {
        None => Ok(Counts::default()),
        Some(row) => Ok(Counts {
            unread: row.try_get("unread_count")?,
            unseen: row.try_get("unseen_count")?,
            rev: row.try_get("rev")?,
        }),
    }
}

/// The next unread ones above an id that haven't changed since a revision, and above which id to go on (`None` = that was all).
///
/// # Errors
/// The database's.
pub async fn unread_ids(
    client: &Client,
    user: &str,
    above: i64,
    until_rev: i64,
    limit: usize,
) -> Result<(Vec<i64>, Option<i64>)> {
    let statement = client
        .prepare_cached(include_str!(
            "../../sql/queries/notifications/unread_ids.sql"
        ))
        .await?;
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let row = client
        .query_one(&statement, &[&user, &above, &until_rev, &most, &WALKED])
        .await?;
    let ids: Vec<i64> = row.try_get("ids")?;
    let walked: i64 = row.try_get("walked")?;
    let next = if ids.len() >= limit {
        ids.last().copied()
    } else if walked >= WALKED {
        row.try_get("last")?
    } else {
        None
    };
    Ok((ids, next))
}

/// Changes notifications of one person, in a transaction of its own and one flight. Gives how many changed.
///
/// # Errors
/// The database's.
pub async fn change(db: &Db, user: &str, ids: &[i64], change: Change) -> Result<usize> {
    let tx = Tx::unbegun(db.client().await?);
    let lock = tx
        .prepare_cached(include_str!(
            "../../sql/queries/notifications/lock_inboxes.sql"
        ))
        .await?;
    let write = tx
        .prepare_cached(include_str!("../../sql/queries/notifications/change.sql"))
        .await?;
    let users = [user];
    let users: &[&str] = &users;
    let word = change.as_str();
    let locking: [&(dyn tokio_postgres::types::ToSql + Sync); 1] = [&users];
    let until = change.until();
    let changing: [&(dyn tokio_postgres::types::ToSql + Sync); 4] = [&user, &ids, &word, &until];
    let (begun, locked, changed, committed) = futures_util::future::join4(
        tx.batch_execute("begin"),
        tx.execute(&lock, &locking),
        tx.query(&write, &changing),
        tx.batch_execute("commit"),
    )
    .await;
    begun?;
    locked?;
    let changed = changed?.len();
    committed?;
    tx.committed();
    Ok(changed)
}

/// What has changed in inboxes since a revision each, at most `most` changes an inbox.
///
/// # Errors
/// The database's.
pub async fn changes(client: &Client, since: &[(&str, i64)], most: i64) -> Result<Vec<InboxState>> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/notifications/changes.sql"))
        .await?;
    let users: Vec<&str> = since.iter().map(|(user, _)| *user).collect();
    let revs: Vec<i64> = since.iter().map(|(_, rev)| *rev).collect();
    let rows = client.query(&statement, &[&users, &revs, &most]).await?;
    let mut states: Vec<InboxState> = Vec::with_capacity(since.len());
    for row in &rows {
        let user: &str = row.try_get("inbox")?;
        if states.last().is_none_or(|last| last.user_id != user) {
            states.push(InboxState {
                user_id: user.to_owned(),
                epoch: row.try_get("epoch")?,
                rev: row.try_get("inbox_rev")?,
                floor_rev: row.try_get("floor_rev")?,
                unread: row.try_get("unread_count")?,
                unseen: row.try_get("unseen_count")?,
                changes: Vec::new(),
            });
        }
        if let (Some(state), Some(id)) = (states.last_mut(), row.try_get::<_, Option<i64>>("id")?) {
            let gone: Option<jiff::Timestamp> = row.try_get("deleted_at")?;
            state.changes.push(match gone {
                Some(_) => Changed::Gone {
                    id,
                    rev: row.try_get("rev")?,
                },
                None => Changed::Is(Box::new(notification(row)?)),
            });
        }
    }
    Ok(states)
}

fn notification(row: &Row) -> Result<Notification, Error> {
    Ok(Notification {
        id: row.try_get("id")?,
        rev: row.try_get("rev")?,
        event_id: row.try_get("event_id")?,
        rule: row.try_get("rule")?,
        source_module: row.try_get("source_module")?,
        event_type: row.try_get("event_type")?,
        entity_type: row.try_get("entity_type")?,
        entity_id: row.try_get("entity_id")?,
        branch_id: row.try_get("branch_id")?,
        category: row.try_get("category")?,
        severity: row.try_get("severity")?,
        title: row.try_get("title")?,
        body: row.try_get("body")?,
        action_url: row.try_get("action_url")?,
        action_label: row.try_get("action_label")?,
        created_at: row.try_get("created_at")?,
        seen_at: row.try_get("seen_at")?,
        read_at: row.try_get("read_at")?,
        archived_at: row.try_get("archived_at")?,
        snoozed_until: row.try_get("snoozed_until")?,
        acknowledged_at: row.try_get("acknowledged_at")?,
        resolved_at: row.try_get("resolved_at")?,
        expires_at: row.try_get("expires_at")?,
    })
}
