//! Ingest: `POST /v1/events` over keep-alive connections, a commit behind every 201; with the workers off, or (`both`) with the
//! pipeline keeping up behind it.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Client;

use super::load::{self, Target};
use super::{Lab, Progress, Report, Size, lab};
use crate::app::{Node, Parts};
use crate::config::Config;
use crate::kernel::{Error, Result};

/// The same row that the others insert. Every event has a key, so the index that makes it idempotent works too.
pub(super) const BODY: &str = r#"{"source_module": "bench", "event_type": "invoice.overdue", "idempotency_key": "load-@n@", "branch_id": "B1", "entity_type": "invoice", "entity_id": "4711", "payload": {"invoice_id": 4711, "invoice_number": "INV-4711", "customer_name": "Al-Rafidain Trading", "kind": 7, "days_overdue": 12, "amount": 1250000, "currency": "IQD"}}"#;

const PEOPLE: i32 = 100;
const RULES: i32 = 20;

pub(super) async fn run(
    size: Size,
    worker: bool,
    config: &Config,
    lab: &Lab,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<()> {
    let sql = lab.sql().await?;
    if worker {
        let people = include_str!("../../../sql/queries/bench/people.sql");
        sql.execute(people, &[&PEOPLE]).await?;
        let rules = include_str!("../../../sql/queries/bench/rules.sql");
        sql.execute(rules, &[&RULES]).await?;
    }
    let parts = Parts { api: true, worker };
    for round in 0..size.rounds {
        progress.at(round.into(), size.rounds.into(), "sending events");
        lab.empty(&sql).await?;
        lab.with_node(config, parts, |node| {
            one(node, size, worker, config, &sql, report)
        })
        .await?;
    }
    progress.at(1, 1, "sent");
    Ok(())
}

async fn one(
    node: Arc<Node>,
    size: Size,
    worker: bool,
    config: &Config,
    sql: &Client,
    report: &mut Report,
) -> Result<()> {
    let address = node
        .address()
        .ok_or_else(|| Error::broken("a node with an API listens nowhere"))?;
    node.bell().until_connected().await;
    let auth = config.auth()?;
    let token = lab::token(auth, "bench", &[&auth.producer_role])?;
    let target = Target {
        address,
        path: "/v1/events".to_owned(),
        headers: vec![("Authorization".to_owned(), format!("Bearer {token}"))],
        body: BODY.to_owned(),
    };
    let length = Duration::from_secs(size.seconds.into());
    let loaded = load::run(target, size.connections, length).await?;
    if loaded.answered == 0 || loaded.refused > 0 {
        return Err(Error::broken(format!(
            "{} events were stored and {} refused: {}",
            loaded.answered,
            loaded.refused,
            loaded.first_refusal.unwrap_or_default()
        )));
    }
    report.add("stored", "events/s", loaded.per_second);
    report.add("p50", "ms", loaded.p50_ms);
    report.add("p99", "ms", loaded.p99_ms);
    if worker {
        let left: i64 = sql
            .query_one("select count(*) from neurolink_jobs", &[])
            .await?
            .get(0);
        report.add("still queued at the end", "jobs", left as f64);
    }
    Ok(())
}
