//! `set local neurolink.mute = 'on'`: events of an import are kept, and nobody is told of them until somebody replays one.

use serde_json::json;
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::{App, drained, event, number, people, rule};

async fn import(sql: &Client, mute: &str) {
    sql.batch_execute(&format!(
        "begin; set local neurolink.mute = '{mute}';
         insert into neurolink_events (source_module, event_type, severity, branch_id) select 'import', 'order.created', 'critical', 'BGD' from generate_series(1, 3);
         select neurolink_emit('import', 'order.created', '{{}}', branch_id => 'BGD'); commit"
    ))
    .await
    .unwrap();
}

#[tokio::test]
async fn events_of_a_muted_transaction_are_done_at_once_and_stay_so() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    rule(
        &sql,
        "r",
        "order.*",
        &json!({"title": "T", "recipient_roles": ["accountant"]}),
    )
    .await;
    import(&sql, "on").await;
    assert_eq!(number(&sql, "select count(*) from neurolink_jobs").await, 0);
    assert_eq!(
        number(&sql, "select count(*) from neurolink_event_outcomes where suppressed = '[{\"rule\": \"\", \"reason\": \"muted\", \"count\": 0}]'").await,
        4
    );
    // A node's own sweep finds nothing that is missing, also when they are old.
    let sweep = include_str!("../../sql/queries/queue/requeue_missing.sql");
    let swept = sql.query_one(sweep, &[&0_i64, &100_i64]).await.unwrap();
    assert_eq!(swept.get::<_, i64>(0), 0);

    let app = App::start(&db).await;
    // The setting ended with its transaction, and other words don't mute.
    import(&sql, "off").await;
    event(&sql, "order.created", &json!({})).await;
    drained(&sql).await;
    assert_eq!(
        number(&sql, "select count(*) from neurolink_notifications").await,
        10
    );
    assert_eq!(
        number(
            &sql,
            "select count(*) from neurolink_notifications where event_id <= 4"
        )
        .await,
        0
    );
    app.stop().await;
}

#[tokio::test]
async fn a_muted_event_says_so_and_a_replay_evaluates_it() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    rule(
        &sql,
        "r",
        "order.*",
        &json!({"title": "T", "recipient_roles": ["accountant"]}),
    )
    .await;
    import(&sql, "on").await;
    let app = App::start(&db).await;
    let why = app
        .call(
            "GET",
            "/v1/events/2/why?user=ali",
            "eye",
            &["auditor"],
            None,
        )
        .await
        .1;
    assert_eq!(
        (&why["code"], &why["answer"]),
        (
            &json!("muted"),
            &json!("No: event 2 came in while its import was muted; a replay evaluates it.")
        )
    );
    let (status, _) = app
        .call("POST", "/v1/events/2/replay", "chief", &["admin"], None)
        .await;
    assert_eq!(status, 202);
    drained(&sql).await;
    assert_eq!(
        number(
            &sql,
            "select count(*) from neurolink_notifications where event_id = 2"
        )
        .await,
        2
    );
    assert_eq!(
        number(&sql, "select count(*) from neurolink_notifications").await,
        2
    );
    let why = app
        .call(
            "GET",
            "/v1/events/2/why?user=ali",
            "eye",
            &["auditor"],
            None,
        )
        .await
        .1;
    assert_eq!(why["code"], "told");
    // One that nobody is told of by today's rules isn't muted any more either.
    sql.batch_execute("update neurolink_notification_rules set enabled = false")
        .await
        .unwrap();
    app.call("POST", "/v1/events/3/replay", "chief", &["admin"], None)
        .await;
    drained(&sql).await;
    let why = app
        .call(
            "GET",
            "/v1/events/3/why?user=ali",
            "eye",
            &["auditor"],
            None,
        )
        .await
        .1;
    assert_eq!(why["code"], "rule_off", "{why}");
    app.stop().await;
}

#[tokio::test]
async fn what_came_in_muted_counts_as_nothing_that_was_evaluated() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    import(&sql, "on").await;
    sql.batch_execute(
        "update neurolink_event_outcomes set evaluated_at = now() - interval '3 minutes';
         select neurolink_roll_minute(date_trunc('minute', now(), 'UTC') - interval '3 minutes');
         select neurolink_roll_minute(date_trunc('minute', now(), 'UTC') - interval '4 minutes')",
    )
    .await
    .unwrap();
    assert_eq!(
        number(
            &sql,
            "select count(*) from neurolink_metrics where metric like 'events%'"
        )
        .await,
        0
    );
}

#[tokio::test]
async fn a_watched_table_s_events_are_muted_with_the_rest() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "create table t (id int primary key); select neurolink_watch('t', 't.x');
         begin; set local neurolink.mute = 'on'; insert into t select generate_series(1, 500); commit;
         insert into t values (501)",
    )
    .await
    .unwrap();
    assert_eq!(
        number(&sql, "select count(*) from neurolink_event_outcomes").await,
        500
    );
    assert_eq!(number(&sql, "select count(*) from neurolink_jobs").await, 1);
}
