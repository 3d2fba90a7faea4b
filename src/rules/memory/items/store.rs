//! The statements of digests' items: gathered, listed, told, withdrawn.

use crate::db::Client;
use crate::kernel::{Error, Result};
use crate::rules::memory::items::{Item, Waiting};
use crate::rules::memory::ledger::Key;

/// Gathers items, each for the digest of a key.
///
/// # Errors
/// The database's.
pub async fn gather(client: &Client, items: &[(Key, Item)]) -> Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    let statement = client
        .prepare_cached(include_str!(
            "../../../../sql/queries/rules/digest_gather.sql"
        ))
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
    let expires = column(items, |i| i.expires_at);
    let mails = items.iter().map(|(_, item)| {
        let text = item.mail.as_ref().map(serde_json::to_string).transpose();
        text.map_err(|e| Error::internal("a digest's mail is no JSON", e))
    });
    let mails = mails.collect::<Result<Vec<Option<String>>>>()?;
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
                &expires,
                &mails,
            ],
        )
        .await?;
    Ok(())
}

/// What waits for these digests, in their order. Their states are held.
///
/// # Errors
/// The database's.
pub async fn waiting(client: &Client, digests: &[Key]) -> Result<Vec<Waiting>> {
    let statement = client
        .prepare_cached(include_str!(
            "../../../../sql/queries/rules/digest_waiting.sql"
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
            expires_at: row.try_get("expires_at")?,
            // What a DBA has put there in another shape is as none.
            mail: row
                .try_get::<_, Option<&str>>("mail")?
                .and_then(|text| serde_json::from_str(text).ok()),
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
        .prepare_cached(include_str!(
            "../../../../sql/queries/rules/digest_told.sql"
        ))
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
            "../../../../sql/queries/rules/digest_withdraw.sql"
        ))
        .await?;
    client.execute(&statement, &[&events]).await?;
    Ok(())
}
