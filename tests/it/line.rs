//! The whole line: an event goes in, by SQL or HTTP; the right people have it in their inboxes.

use serde_json::json;

use crate::support::TestDb;
use crate::support::app::{App, drained, event, people, rule};

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
        (Some("فاتورة INV-7"), Some(id))
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
