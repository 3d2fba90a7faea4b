//! The whole line: an event goes in, by SQL or HTTP; the right people have it in their inboxes. What a rule can say, what
//! it can break, and what it can't, each through a running node.

mod bad_event;
mod channels;
mod copied;
mod directory;
mod faults;
mod once;
mod recipients;
mod reload;
mod texts;
mod verbatim;
mod watchdog;

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::{App, drained, event, number, people, rule};

/// Events by plain SQL from `[{"event_type", "payload", …}]`, in one statement; module `test` and branch-less unless given.
/// Their ids, in order.
async fn events(sql: &Client, rows: &Value) -> Vec<i64> {
    let insert = "insert into neurolink_events (source_module, event_type, severity, payload, branch_id, actor_id, entity_type, entity_id)
         select coalesce(r.source_module, 'test'), coalesce(r.event_type, 'test.happened'), coalesce(r.severity, 'info'),
                coalesce(r.payload, '{}'), r.branch_id, r.actor_id, r.entity_type, r.entity_id
           from jsonb_to_recordset($1::text::jsonb)
                as r (source_module text, event_type text, severity text, payload jsonb, branch_id text, actor_id text,
                      entity_type text, entity_id text)
         returning id";
    let rows = sql.query(insert, &[&rows.to_string()]).await.unwrap();
    let mut ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    ids.sort_unstable();
    ids
}

/// A rule for events of any type on a condition.
async fn rule_if(sql: &Client, name: &str, condition: &Value, template: &Value) -> i64 {
    let (condition, template) = (condition.to_string(), template.to_string());
    sql.query_one(
        "insert into neurolink_notification_rules (name, event_type_pattern, conditions, notification_template)
         values ($1, '*', $2::text::jsonb, $3::text::jsonb) returning id",
        &[&name, &condition, &template],
    )
    .await
    .unwrap()
    .get(0)
}

/// Who was told of an event, once for each notification, in order.
async fn told(sql: &Client, event: i64) -> Vec<String> {
    let who =
        "select user_id from neurolink_notifications where event_id = $1 order by user_id, id";
    let rows = sql.query(who, &[&event]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The titles that one person got, oldest first.
async fn titles(sql: &Client, user: &str) -> Vec<String> {
    let what = "select title from neurolink_notifications where user_id = $1 order by event_id, id";
    let rows = sql.query(what, &[&user]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The outcome's row.
async fn outcome(sql: &Client, event: i64) -> Value {
    let row = "select to_jsonb(o)::text from neurolink_event_outcomes o where event_id = $1";
    let found = sql.query_opt(row, &[&event]).await.unwrap();
    let text: &str = found.as_ref().expect("the event has an outcome").get(0);
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn an_event_by_sql_reaches_the_right_people_in_their_languages() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let template = json!({"title": {"en": "Invoice {{number}}", "ar": "فاتورة {{number}}"}, "recipient_roles": ["accountant"]});
    rule(&sql, "overdue", "invoice.overdue", &template).await;
    let app = App::start(&db).await;

    let id = event(&sql, "invoice.overdue", &json!({"number": "INV-7"})).await;
    drained(&sql).await;

    let inbox = app.get("/v1/notifications", "nadia").await;
    let told = &inbox["items"][0];
    assert_eq!(
        (told["title"].as_str(), told["event_id"].as_i64()),
        (Some("فاتورة \u{2068}INV-7\u{2069}"), Some(id))
    );
    assert_eq!(
        app.get("/v1/notifications", "ali").await["items"][0]["title"],
        "Invoice INV-7"
    );
    assert_eq!(
        app.get("/v1/notifications", "dina").await["items"],
        json!([]),
        "another branch"
    );
    assert_eq!(
        app.get("/v1/notifications/count", "ali").await,
        json!({"unread": 1, "unseen": 1, "rev": 1})
    );
    app.stop().await;
}

#[tokio::test]
async fn an_event_by_http_is_stored_once_and_told_once() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    rule(
        &sql,
        "overdue",
        "invoice.*",
        &json!({"title": "Invoice {{n}}", "recipient_users": ["cfo"]}),
    )
    .await;
    let app = App::start(&db).await;
    let body = json!({"source_module": "invoicing", "event_type": "invoice.overdue", "payload": {"n": 1}, "idempotency_key": "k"});

    let (status, first) = app
        .call("POST", "/v1/events", "erp", &["producer"], Some(&body))
        .await;
    assert_eq!(status, 201, "{first}");
    let (status, second) = app
        .call("POST", "/v1/events", "erp", &["producer"], Some(&body))
        .await;
    assert_eq!((status, &second["id"]), (200, &first["id"]));
    drained(&sql).await;

    assert_eq!(
        app.get("/v1/notifications", "cfo").await["items"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    app.stop().await;
}
