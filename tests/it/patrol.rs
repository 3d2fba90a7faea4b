//! One kind of work doesn't stand before another: while mails go out without a pause, nobody sleeps, so nobody is notified of
//! new events, and somebody must look for them all the same.

use serde_json::json;

use crate::support::TestDb;
use crate::support::app::{App, WHOLE, event, rule, until};

#[tokio::test]
async fn events_by_sql_are_evaluated_while_deliveries_keep_a_node_busy() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "insert into neurolink_users (id, email, roles, branch_ids)
         select 'u' || i, 'u' || i || '@tsh.example', '{everybody}', '{*}' from generate_series(1, 8000) i",
    )
    .await
    .unwrap();
    let template =
        json!({"title": "Round", "recipient_roles": ["everybody"], "channels": ["email"]});
    rule(&sql, "round", "mail.round", &template).await;
    // In memory: on a slow disk the mails' own pauses would let everybody sleep in between.
    let mails = tempfile::tempdir_in("/dev/shm").unwrap();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", mails.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "TSH ERP <erp@tsh.example>"),
        ("NEUROLINK_EMAIL_CONCURRENCY", "4"),
    ];
    let app = App::start_with(&db, WHOLE, &settings).await;
    event(&sql, "mail.round", &json!({})).await;
    until(
        &sql,
        "select count(*) > 50 from neurolink_delivery_log where status = 'sent'",
    )
    .await;

    let id = event(&sql, "something.else", &json!({})).await;
    until(
        &sql,
        &format!("select exists (select from neurolink_event_outcomes where event_id = {id})"),
    )
    .await;

    let waiting: i64 = sql
        .query_one(
            "select count(*) from neurolink_jobs where kind = 'delivery'",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert!(
        waiting > 1000,
        "it has waited for the mails: {waiting} are left"
    );
    app.stop().await;
}
