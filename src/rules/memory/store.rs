//! The statements of what rules remember: states held and saved, digests' items, what shadow rules would have told.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::db::Client;
use crate::kernel::Result;
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
        let state = c.state.as_deref();
        // What a database can't hold is in no text of ours, but in those that were sent to us.
        state.map(|state| state.replace("\\u0000", ""))
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

/// What alarms ring for: (alarm, key, state), as it is before it is held.
///
/// # Errors
/// The database's.
pub async fn of_alarms(client: &Client, alarms: &[i64]) -> Result<Vec<(i64, Key, String)>> {
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
            Ok((row.try_get("alarm")?, key, row.try_get("state")?))
        })
        .collect()
}

/// Something gathered for a digest, instead of a notification.
#[derive(Debug, Clone)]
pub struct Item {
    /// The event.
    pub event_id: i64,
    /// The rule.
    pub rule_id: i64,
    /// Its version.
    pub rule_version: i32,
    /// The person.
    pub user_id: String,
    /// The rule's.
    pub category: String,
    /// info, warning, error, critical.
    pub severity: String,
    /// Where it would have gone.
    pub channels: Vec<String>,
    /// The language it is written in.
    pub locale: String,
    /// One line.
    pub title: String,
    /// Plain text.
    pub body: String,
    /// Relative or http(s).
    pub action_url: Option<String>,
    /// The button's text.
    pub action_label: Option<String>,
    /// When the event occurred.
    pub occurred_at: Timestamp,
}

/// Gathers items, each for the digest of a key.
///
/// # Errors
/// The database's.
pub async fn gather(client: &Client, items: &[(Key, Item)]) -> Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/digest_gather.sql"))
        .await?;
    fn column<'c, T>(items: &'c [(Key, Item)], of: impl Fn(&'c Item) -> T) -> Vec<T> {
        items.iter().map(|(_, item)| of(item)).collect()
    }
    let events = column(items, |i| i.event_id);
    let rules = column(items, |i| i.rule_id);
    let users = column(items, |i| i.user_id.as_str());
    let versions = column(items, |i| i.rule_version);
    let (digest_rules, digest_keys): (Vec<i64>, Vec<&str>) =
        items.iter().map(|(k, _)| (k.rule, k.key.as_str())).unzip();
    let categories = column(items, |i| i.category.as_str());
    let severities = column(items, |i| i.severity.as_str());
    let channels = column(items, |i| i.channels.join(","));
    let locales = column(items, |i| i.locale.as_str());
    let titles = column(items, |i| i.title.as_str());
    let bodies = column(items, |i| i.body.as_str());
    let urls = column(items, |i| i.action_url.as_deref());
    let labels = column(items, |i| i.action_label.as_deref());
    let occurred = column(items, |i| i.occurred_at);
    client
        .execute(
            &statement,
            &[
                &events,
                &rules,
                &users,
                &versions,
                &digest_rules,
                &digest_keys,
                &categories,
                &severities,
                &channels,
                &locales,
                &titles,
                &bodies,
                &urls,
                &labels,
                &occurred,
            ],
        )
        .await?;
    Ok(())
}

/// What waits for a digest.
#[derive(Debug, Default)]
pub struct Waiting {
    /// How many.
    pub total: i64,
    /// The first of them.
    pub items: Vec<Item>,
}

/// What waits for these digests, in their order. Their states are held.
///
/// # Errors
/// The database's.
pub async fn waiting(client: &Client, digests: &[Key]) -> Result<Vec<Waiting>> {
    let statement = client
        .prepare_cached(include_str!(
            "../../../sql/queries/rules/digest_waiting.sql"
        ))
        .await?;
    let (rules, keys): (Vec<i64>, Vec<&str>) =
        digests.iter().map(|k| (k.rule, k.key.as_str())).unzip();
    let mut waiting: Vec<Waiting> = digests.iter().map(|_| Waiting::default()).collect();
    for row in client.query(&statement, &[&rules, &keys]).await? {
        let nth: i32 = row.try_get("nth")?;
        let Some(mine) = usize::try_from(nth).ok().and_then(|n| waiting.get_mut(n)) else {
            continue;
        };
        mine.total = row.try_get("total")?;
        mine.items.push(Item {
            event_id: row.try_get("event_id")?,
            rule_id: row.try_get("rule_id")?,
            rule_version: row.try_get("rule_version")?,
            user_id: row.try_get("user_id")?,
            category: row.try_get("category")?,
            severity: row.try_get("severity")?,
            channels: row.try_get("channels")?,
            locale: row.try_get("locale")?,
            title: row.try_get("title")?,
            body: row.try_get("body")?,
            action_url: row.try_get("action_url")?,
            action_label: row.try_get("action_label")?,
            occurred_at: row.try_get("occurred_at")?,
        });
    }
    Ok(waiting)
}

/// Digests that are told, by which notification, or withdrawn and why.
///
/// # Errors
/// The database's.
pub async fn told(
    client: &Client,
    digests: &[(Key, std::result::Result<i64, &'static str>)],
) -> Result<()> {
    if digests.is_empty() {
        return Ok(());
    }
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/digest_told.sql"))
        .await?;
    let rules: Vec<i64> = digests.iter().map(|(k, _)| k.rule).collect();
    let keys: Vec<&str> = digests.iter().map(|(k, _)| k.key.as_str()).collect();
    let notifications: Vec<Option<i64>> = digests.iter().map(|(_, n)| n.ok()).collect();
    let withdrawn: Vec<Option<&str>> = digests.iter().map(|(_, n)| n.err()).collect();
    client
        .execute(&statement, &[&rules, &keys, &notifications, &withdrawn])
        .await?;
    Ok(())
}

/// Withdraws what of these events waits for a digest.
///
/// # Errors
/// The database's.
pub async fn withdraw(client: &Client, events: &[i64]) -> Result<()> {
    let statement = client
        .prepare_cached(include_str!(
            "../../../sql/queries/rules/digest_withdraw.sql"
        ))
        .await?;
    client.execute(&statement, &[&events]).await?;
    Ok(())
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

/// Locks events' outcomes, before anything else is.
///
/// # Errors
/// The database's.
pub async fn hold_outcomes(client: &Client, events: &[i64]) -> Result<()> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/later_lock.sql"))
        .await?;
    client.query(&statement, &[&events]).await?;
    Ok(())
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

/// Who was told of these (event, rule).
///
/// # Errors
/// The database's.
pub async fn told_so_far(client: &Client, of: &[(i64, i64)]) -> Result<Vec<ToldOne>> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/later_told.sql"))
        .await?;
    let (events, rules): (Vec<i64>, Vec<i64>) = of.iter().copied().unzip();
    let rows = client.query(&statement, &[&events, &rules]).await?;
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
