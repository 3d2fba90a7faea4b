//! The statement by which shadow matches are read.

use crate::db::Client;
use crate::kernel::Result;
use crate::rules::shadow::ShadowMatch;

/// Matches that one page looks at.
const LOOKED: i64 = 2_000;

/// A page of a rule's matches below an event, and below which to go on; it may hold fewer, even none, while there are more.
///
/// # Errors
/// The database's.
pub async fn list(
    client: &Client,
    rule: i64,
    below: i64,
    branches: Option<&[String]>,
    limit: usize,
) -> Result<(Vec<ShadowMatch>, Option<i64>)> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/shadow_list.sql"))
        .await?;
    let most = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
    let rows = client
        .query(&statement, &[&rule, &below, &branches, &most])
        .await?;
    let (mut looked, mut lowest) = (0, None);
    let mut matches = Vec::with_capacity(rows.len());
    for row in &rows {
        (looked, lowest) = (row.try_get("looked")?, row.try_get("lowest")?);
        let Some(event_id) = row.try_get("event_id")? else {
            continue;
        };
        matches.push(ShadowMatch {
            event_id,
            event_type: row.try_get("event_type")?,
            branch_id: row.try_get("branch_id")?,
            occurred_at: row.try_get("occurred_at")?,
            rule_version: row.try_get("rule_version")?,
            recipients: row.try_get("recipients")?,
            users: row.try_get("users")?,
            matched_at: row.try_get("matched_at")?,
        });
    }
    if matches.len() > limit {
        matches.truncate(limit);
        let next = matches.last().map(|last| last.event_id);
        return Ok((matches, next));
    }
    Ok((matches, lowest.filter(|_| looked >= LOOKED)))
}
