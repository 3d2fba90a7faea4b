//! What the tree is made of, read.

use std::collections::{BTreeMap, HashMap};

use tokio_postgres::Row;

use super::model::{Attempt, Delivery, Job, Today, Told};
use crate::db::Client;
use crate::ingest::Event;
use crate::kernel::Result;
use crate::rules::RuleRow;

/// Notifications of a rule that are counted; more are "at least".
const COUNTED: i64 = 1_000;
/// Attempts of a delivery that are shown.
const ATTEMPTS: i64 = 20;

/// Rules of today that could concern an event, how many there are, and how many are about something else.
#[derive(Debug, Default)]
pub struct Rules {
    /// In the order of evaluation, at most as many as asked.
    pub rules: Vec<Today>,
    /// Further ones like these.
    pub not_shown: i64,
    /// About other modules or types.
    pub elsewhere: i64,
}

/// Whom a rule told: how many, and some of them.
#[derive(Debug, Default)]
pub struct ToldBy {
    /// At most 1 000.
    pub count: i64,
    /// By id of the person.
    pub people: Vec<(String, Told)>,
}

/// The rules that could concern an event, and those in `also`.
///
/// # Errors
/// The database's.
pub async fn rules(client: &Client, event: &Event, also: &[i64], most: i64) -> Result<Rules> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ops/trace_rules.sql"))
        .await?;
    let rows = client
        .query(
            &statement,
            &[&event.source_module, &event.event_type, &also, &most],
        )
        .await?;
    let mut found = Rules::default();
    for row in &rows {
        let every: i64 = row.try_get("every")?;
        let concerned: Option<i64> = row.try_get("concerned")?;
        let concerned = concerned.unwrap_or(0);
        found.elsewhere = every - concerned;
        let Some(id) = row.try_get::<_, Option<i64>>("id")? else {
            continue;
        };
        found.not_shown = concerned - i64::try_from(rows.len()).unwrap_or(i64::MAX);
        found.rules.push(today(id, row)?);
    }
    Ok(found)
}

fn today(id: i64, row: &Row) -> Result<Today> {
    let place: Option<String> = row.try_get("fault_place")?;
    let detail: Option<String> = row.try_get("fault_detail")?;
    let kind: Option<String> = row.try_get("fault_kind")?;
    let said = match (place.as_deref(), detail) {
        (None | Some(""), detail) => detail,
        (Some(place), Some(detail)) => Some(format!("{place}: {detail}")),
        (Some(place), None) => Some(place.to_owned()),
    };
    Ok(Today {
        row: RuleRow {
            id,
            name: row.try_get("name")?,
            source_module: row.try_get("source_module")?,
            event_type_pattern: row.try_get("event_type_pattern")?,
            conditions: row.try_get("conditions")?,
            notification_template: row.try_get("notification_template")?,
            priority: row.try_get("priority")?,
            version: row.try_get("version")?,
            is_held: false,
        },
        enabled: row.try_get("enabled")?,
        fault: kind.zip(said),
    })
}

/// Names and last versions of rules that are gone.
///
/// # Errors
/// The database's.
pub async fn names(client: &Client, rules: &[i64]) -> Result<HashMap<i64, (String, i32)>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ops/trace_names.sql"))
        .await?;
    let rows = client.query(&statement, &[&rules]).await?;
    rows.iter()
        .map(|row| {
            let named = (row.try_get("name")?, row.try_get("version")?);
            Ok((row.try_get("rule_id")?, named))
        })
        .collect()
}

/// Whom the event told, by rule: `shown` people of each, with their deliveries and attempts.
///
/// # Errors
/// The database's.
pub async fn told(
    client: &Client,
    event: i64,
    most_rules: i64,
    shown: i64,
) -> Result<BTreeMap<i64, ToldBy>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ops/trace_told.sql"))
        .await?;
    let rows = client
        .query(&statement, &[&event, &most_rules, &shown, &COUNTED])
        .await?;
    let ids = rows
        .iter()
        .map(|row| row.try_get("id"))
        .collect::<Result<Vec<i64>, _>>()?;
    let mut deliveries = deliveries(client, &ids).await?;
    let mut by_rule: BTreeMap<i64, ToldBy> = BTreeMap::new();
    for row in &rows {
        let id: i64 = row.try_get("id")?;
        let told = Told {
            id,
            rule_version: row.try_get::<_, Option<i32>>("rule_version")?.unwrap_or(0),
            step: row.try_get("step")?,
            in_app: row.try_get("in_app")?,
            title: row.try_get("title")?,
            created_at: row.try_get("created_at")?,
            seen_at: row.try_get("seen_at")?,
            read_at: row.try_get("read_at")?,
            archived_at: row.try_get("archived_at")?,
            deleted_at: row.try_get("deleted_at")?,
            acknowledged_at: row.try_get("acknowledged_at")?,
            resolved_at: row.try_get("resolved_at")?,
            expires_at: row.try_get("expires_at")?,
            deliveries: deliveries.remove(&id).unwrap_or_default(),
        };
        let by = by_rule.entry(row.try_get("rule_id")?).or_default();
        by.count = row.try_get("told")?;
        by.people.push((row.try_get("user_id")?, told));
    }
    Ok(by_rule)
}

async fn deliveries(client: &Client, of: &[i64]) -> Result<HashMap<i64, Vec<Delivery>>> {
    let mut by_notification: HashMap<i64, Vec<Delivery>> = HashMap::new();
    if of.is_empty() {
        return Ok(by_notification);
    }
    let statement = client
        .prepare_cached(include_str!(
            "../../../sql/queries/ops/trace_deliveries.sql"
        ))
        .await?;
    for row in &client.query(&statement, &[&of, &ATTEMPTS]).await? {
        let id: i64 = row.try_get("id")?;
        let own = by_notification
            .entry(row.try_get("notification_id")?)
            .or_default();
        if own.last().is_none_or(|last| last.id != id) {
            own.push(delivery(id, row)?);
        }
        if let (Some(delivery), Some(attempt)) = (own.last_mut(), attempt(row)?) {
            delivery.attempts.push(attempt);
        }
    }
    Ok(by_notification)
}

fn delivery(id: i64, row: &Row) -> Result<Delivery> {
    Ok(Delivery {
        id,
        channel: row.try_get("channel")?,
        status: row.try_get("status")?,
        attempts_made: row.try_get("attempts")?,
        provider: row.try_get("provider")?,
        address: row.try_get("address")?,
        reason: row.try_get("last_error")?,
        created_at: row.try_get("created_at")?,
        sent_at: row.try_get("sent_at")?,
        delivered_at: row.try_get("delivered_at")?,
        ended_at: row.try_get("ended_at")?,
        deferred_by: row.try_get("deferred_by")?,
        next_attempt_at: row.try_get("next_attempt_at")?,
        attempts: Vec::new(),
    })
}

fn attempt(row: &Row) -> Result<Option<Attempt>> {
    let Some(attempt) = row.try_get::<_, Option<i32>>("attempt")? else {
        return Ok(None);
    };
    Ok(Some(Attempt {
        attempt,
        started_at: row.try_get("started_at")?,
        finished_at: row.try_get("finished_at")?,
        outcome: row.try_get("outcome")?,
        error: row.try_get("error")?,
    }))
}

/// The job that evaluates an event alone or again.
///
/// # Errors
/// The database's.
pub async fn job(client: &Client, event: i64) -> Result<Option<Job>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ops/trace_job.sql"))
        .await?;
    client
        .query_opt(&statement, &[&event])
        .await?
        .map(|row| {
            Ok(Job {
                id: row.try_get("id")?,
                channel: row.try_get("channel")?,
                attempt: row.try_get("attempt")?,
                max_attempts: row.try_get("max_attempts")?,
                run_at: row.try_get("run_at")?,
                is_claimed: row.try_get("is_claimed")?,
                last_error: row.try_get("last_error")?,
            })
        })
        .transpose()
}
