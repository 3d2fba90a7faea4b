//! Deliveries and their attempts as the tables have them; the verdict on mails reads them here.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::run::Run;

/// A row of the delivery log, with what it is about.
pub struct Delivery {
    pub id: i64,
    pub event: i64,
    pub rule: String,
    pub user: String,
    pub channel: String,
    pub status: String,
    pub address: Option<String>,
    pub provider: Option<String>,
    pub message_id: Option<String>,
}

/// One row a try: outcome, worker, and when it ended, from the run's start.
pub struct Attempt {
    pub outcome: String,
    pub worker: Uuid,
    pub error: String,
    pub ended: Duration,
}

/// Every delivery.
pub async fn deliveries(sql: &Client) -> Result<Vec<Delivery>> {
    let rows = sql
        .query(
            "select d.id, n.event_id, v.name, d.user_id, d.channel, d.status, d.address, d.provider, d.provider_message_id
               from neurolink_delivery_log d
               left join neurolink_notifications n on n.user_id = d.user_id and n.id = d.notification_id
               left join neurolink_rule_versions v on v.rule_id = n.rule_id and v.version = n.rule_version",
            &[],
        )
        .await?;
    let all = rows.iter().map(|row| Delivery {
        id: row.get(0),
        event: row.get::<_, Option<i64>>(1).unwrap_or(-1),
        rule: row.get::<_, Option<String>>(2).unwrap_or_default(),
        user: row.get(3),
        channel: row.get(4),
        status: row.get(5),
        address: row.get(6),
        provider: row.get(7),
        message_id: row.get(8),
    });
    Ok(all.collect())
}

/// Every attempt, by delivery, in order.
pub async fn attempts(run: &Run, sql: &Client) -> Result<HashMap<i64, Vec<Attempt>>> {
    let rows = sql
        .query(
            "select delivery_id, outcome, worker, coalesce(error, ''), extract(epoch from clock_timestamp() - finished_at)::float8
               from neurolink_delivery_attempts order by delivery_id, attempt",
            &[],
        )
        .await?;
    let now = run.start.elapsed();
    let mut all: HashMap<i64, Vec<Attempt>> = HashMap::new();
    for row in rows {
        let ago = Duration::from_secs_f64(row.get::<_, f64>(4).max(0.0));
        let attempt = Attempt {
            outcome: row.get(1),
            worker: row.get(2),
            error: row.get(3),
            ended: now.saturating_sub(ago),
        };
        all.entry(row.get(0)).or_default().push(attempt);
    }
    Ok(all)
}
