//! What rules remember and wait for, through running nodes: alarms are made to fall due by SQL, so that nobody waits.

mod asked;
mod calm;
mod crowd;
mod digest;
mod escalate;
mod kept;
mod plans;
mod resolve;
mod why_escalated;

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::{App, drained, number, rule};

/// An event of module `test` and branch BGD about `invoice` 7, so many minutes old.
async fn fact(sql: &Client, event_type: &str, payload: &Value, minutes: i64) -> i64 {
    about(sql, event_type, payload, minutes, "7").await
}

/// The same about another invoice.
async fn about(sql: &Client, event_type: &str, payload: &Value, minutes: i64, id: &str) -> i64 {
    let payload = payload.to_string();
    let minutes = minutes as f64;
    sql.query_one(
        "insert into neurolink_events (source_module, event_type, payload, branch_id, entity_type, entity_id, occurred_at)
         values ('test', $1, $2::text::jsonb, 'BGD', 'invoice', $3, now() - $4 * interval '1 minute') returning id",
        &[&event_type, &payload, &id, &minutes],
    )
    .await
    .unwrap()
    .get(0)
}

/// Whatever is planned falls due now, and is waited for.
async fn fall_due(sql: &Client) {
    // One after the other: in one transaction they would wait for a node that waits for them.
    for step in [
        "update neurolink_rule_states set due_at = now() where due_at is not null",
        "update neurolink_jobs set run_at = now() where kind in ('reminder', 'digest', 'escalation', 'fanout')",
        "notify neurolink_wake",
    ] {
        sql.batch_execute(step).await.unwrap();
    }
    drained(sql).await;
}

/// (person, title) of everything told, by id.
async fn told(sql: &Client) -> Vec<(String, String)> {
    let rows = sql
        .query(
            "select user_id, title from neurolink_notifications order by id",
            &[],
        )
        .await
        .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn titles(sql: &Client, user: &str) -> Vec<String> {
    let all = told(sql).await.into_iter();
    all.filter(|(who, _)| who == user)
        .map(|(_, title)| title)
        .collect()
}

/// The reasons of an event's outcome, with their counts.
async fn reasons(sql: &Client, event: i64) -> Vec<(String, i64)> {
    let text: Option<String> = sql
        .query_one(
            "select suppressed::text from neurolink_event_outcomes where event_id = $1",
            &[&event],
        )
        .await
        .unwrap()
        .get(0);
    let list: Vec<Value> = text.map_or_else(Vec::new, |text| serde_json::from_str(&text).unwrap());
    list.iter()
        .map(|one| {
            (
                one["reason"].as_str().unwrap().to_owned(),
                one["count"].as_i64().unwrap(),
            )
        })
        .collect()
}

/// Ali and Zainab, accountants of BGD; Noor is Ali's manager.
async fn office(sql: &Client) {
    sql.batch_execute(
        "insert into neurolink_users (id, email, roles, branch_ids, manager_id) values
           ('ali', 'ali@tsh.example', '{accountant}', '{BGD}', 'noor'), ('zainab', 'z@tsh.example', '{accountant}', '{BGD}', 'noor'),
           ('noor', 'noor@tsh.example', '{cfo}', '{*}', null)",
    )
    .await
    .unwrap();
}

/// A database with these people and a node.
async fn started() -> (TestDb, App, Client) {
    let db = TestDb::new().await;
    let sql = db.client().await;
    office(&sql).await;
    let app = App::start(&db).await;
    (db, app, sql)
}

/// Nothing is left that could still ring, and nothing was given up.
async fn quiet(sql: &Client) {
    assert_eq!(number(sql, "select count(*) from neurolink_jobs").await, 0);
    assert_eq!(
        number(sql, "select count(*) from neurolink_dead_jobs").await,
        0
    );
    assert_eq!(
        number(
            sql,
            "select count(*) from neurolink_rule_states where due_at is not null"
        )
        .await,
        0
    );
    assert_eq!(
        number(sql, "select count(*) from neurolink_inbox_drift").await,
        0
    );
}
