//! The statements of what rules remember: states held, saved and swept, what shadow rules would have told, who was told so far.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::db::Client;
use crate::kernel::Result;
use crate::kernel::json::nul::without_nul;
use crate::rules::memory::ledger::{Change, Held, Key, Ledger};

/// Locks what is remembered under these keys and reads it. Once in a transaction, with all its keys, before inboxes are locked.
///
/// # Errors
/// The database's.
pub async fn hold(client: &Client, keys: impl IntoIterator<Item = &Key>) -> Result<Ledger> {
    let (rules, keys): (Vec<i64>, Vec<&str>) =
        keys.into_iter().map(|k| (k.rule, k.key.as_str())).unzip();
    let mut ledger = Ledger::default();
    if keys.is_empty() {
        return Ok(ledger);
    }
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/states_hold.sql"))
        .await?;
    for row in client.query(&statement, &[&rules, &keys]).await? {
        let key = Key {
            rule: row.try_get("rule_id")?,
            key: row.try_get("key")?,
        };
        let held = Held {
            state: row.try_get("state")?,
            due_at: row.try_get("due_at")?,
        };
        ledger.read(key, held, row.try_get("is_new")?);
    }
    Ok(ledger)
}

/// Makes the rows of keys that nothing was decided by, so that they can be saved. Not in the order of locks: only for keys of this
/// event's alone.
///
/// # Errors
/// The database's.
pub async fn make(client: &Client, keys: BTreeSet<Key>) -> Result<()> {
    hold(client, &keys).await.map(drop)
}

/// Writes what has changed, and sets alarms.
///
/// # Errors
/// The database's.
pub async fn save(client: &Client, ledger: &Ledger) -> Result<()> {
    let changes = ledger.changes();
    if changes.is_empty() {
        return Ok(());
    }
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/states_save.sql"))
        .await?;
    fn column<'c, T>(changes: &'c [Change], of: impl Fn(&'c Change) -> T) -> Vec<T> {
        changes.iter().map(of).collect()
    }
    let rules = column(&changes, |c| c.key.rule);
    let keys = column(&changes, |c| c.key.key.as_str());
    let states = column(&changes, |c| {
        // What a database can't hold is in no text of ours, but in those that were sent to us.
        c.state.as_deref().map(without_nul)
    });
    let due = column(&changes, |c| c.due_at);
    let expires = column(&changes, |c| c.expires_at);
    let alarms = column(&changes, |c| c.alarm.map(|(alarm, _)| alarm.as_str()));
    let lanes = column(&changes, |c| c.alarm.map_or(1, |(_, lane)| lane.number()));
    client
        .execute(
            &statement,
            &[&rules, &keys, &states, &due, &expires, &alarms, &lanes],
        )
        .await?;
    Ok(())
}

/// What an alarm rings for.
#[derive(Debug)]
pub struct OfAlarm {
    /// Its number.
    pub alarm: i64,
    /// Where it is remembered.
    pub key: Key,
    /// JSON text.
    pub state: String,
    /// The rule's name.
    pub rule: String,
    /// When it falls due.
    pub due_at: Option<Timestamp>,
}

/// What alarms ring for, as it is before it is held.
///
/// # Errors
/// The database's.
pub async fn of_alarms(client: &Client, alarms: &[i64]) -> Result<Vec<OfAlarm>> {
    let statement = client
        .prepare_cached(include_str!(
            "../../../sql/queries/rules/states_of_alarms.sql"
        ))
        .await?;
    let rows = client.query(&statement, &[&alarms]).await?;
    rows.iter()
        .map(|row| {
            let key = Key {
                rule: row.try_get("rule_id")?,
                key: row.try_get("key")?,
            };
            let name: Option<String> = row.try_get("rule")?;
            Ok(OfAlarm {
                alarm: row.try_get("alarm")?,
                rule: name.unwrap_or_else(|| format!("rule {}", key.rule)),
                key,
                state: row.try_get("state")?,
                due_at: row.try_get("due_at")?,
            })
        })
        .collect()
}

/// What a shadow rule would have told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadow {
    /// The rule.
    pub rule_id: i64,
    /// Its version.
    pub rule_version: i32,
    /// The event.
    pub event_id: i64,
    /// How many people.
    pub recipients: usize,
    /// The first of them.
    pub users: Vec<String>,
}

/// Notes what shadow rules would have told.
///
/// # Errors
/// The database's.
pub async fn note(client: &Client, shadows: &[Shadow]) -> Result<()> {
    if shadows.is_empty() {
        return Ok(());
    }
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/shadow_note.sql"))
        .await?;
    let rules: Vec<i64> = shadows.iter().map(|s| s.rule_id).collect();
    let events: Vec<i64> = shadows.iter().map(|s| s.event_id).collect();
    let versions: Vec<i32> = shadows.iter().map(|s| s.rule_version).collect();
    let recipients: Vec<i32> = shadows
        .iter()
        .map(|s| i32::try_from(s.recipients).unwrap_or(i32::MAX))
        .collect();
    let users: Vec<String> = shadows
        .iter()
        .map(|s| serde_json::to_string(&s.users).unwrap_or_else(|_| "[]".to_owned()))
        .collect();
    client
        .execute(
            &statement,
            &[&rules, &events, &versions, &recipients, &users],
        )
        .await?;
    Ok(())
}

/// Locks events' outcomes, before anything else is; gives those that somebody else holds. Prepares what their flight needs, too: a
/// statement that is prepared within it falls behind its commit.
///
/// # Errors
/// The database's.
pub async fn hold_outcomes(client: &Client, events: &[i64]) -> Result<BTreeSet<i64>> {
    client
        .prepare_cached(include_str!("../../../sql/queries/rules/later_end.sql"))
        .await?;
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/later_lock.sql"))
        .await?;
    let mut busy = BTreeSet::new();
    for row in client.query(&statement, &[&events]).await? {
        if !row.try_get::<_, bool>("is_held")? {
            busy.insert(row.try_get("event_id")?);
        }
    }
    Ok(busy)
}

/// Somebody who was told of an event by a rule, and what they did with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldOne {
    /// The event.
    pub event_id: i64,
    /// The rule.
    pub rule_id: i64,
    /// Who.
    pub user_id: String,
    /// At which step.
    pub step: i16,
    /// They opened it.
    pub is_read: bool,
    /// They said so.
    pub is_acknowledged: bool,
    /// It was resolved or deleted.
    pub is_gone: bool,
}

/// Who was told of these (event, rule): people after an id, in the order of ids.
///
/// # Errors
/// The database's.
pub async fn told_so_far(client: &Client, of: &[(i64, i64, &str)]) -> Result<Vec<ToldOne>> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/later_told.sql"))
        .await?;
    let events: Vec<i64> = of.iter().map(|(event, ..)| *event).collect();
    let rules: Vec<i64> = of.iter().map(|(_, rule, _)| *rule).collect();
    let after: Vec<&str> = of.iter().map(|(.., after)| *after).collect();
    let rows = client.query(&statement, &[&events, &rules, &after]).await?;
    rows.iter()
        .map(|row| {
            Ok(ToldOne {
                event_id: row.try_get("event_id")?,
                rule_id: row.try_get("rule_id")?,
                user_id: row.try_get("user_id")?,
                step: row.try_get("step")?,
                is_read: row.try_get("is_read")?,
                is_acknowledged: row.try_get("is_acknowledged")?,
                is_gone: row.try_get("is_gone")?,
            })
        })
        .collect()
}

/// Lets overdue alarms ring that have no job; how many.
///
/// # Errors
/// The database's.
pub async fn ring_lost(client: &Client) -> Result<i64> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/states_lost.sql"))
        .await?;
    Ok(client.query_one(&statement, &[]).await?.try_get("rung")?)
}

/// Forgets some of what has expired; how many.
///
/// # Errors
/// The database's.
pub async fn forget_expired(client: &Client) -> Result<i64> {
    let statement = client
        .prepare_cached(include_str!(
            "../../../sql/queries/rules/states_expired.sql"
        ))
        .await?;
    Ok(client.query_one(&statement, &[]).await?.try_get("gone")?)
}
