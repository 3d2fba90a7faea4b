//! An event evaluated again with today's rules: what is missing is added, what is there stays.

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::{App, WHOLE, drained, event, people, rule, until};

async fn replay(app: &App, id: i64) -> (u16, Value) {
    let path = format!("/v1/events/{id}/replay");
    app.call("POST", &path, "chief", &["admin"], None).await
}

async fn told(sql: &Client) -> Vec<String> {
    let who = "select user_id || ' by ' || rule_id from neurolink_notifications order by user_id, rule_id";
    let rows = sql.query(who, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn outcome(sql: &Client, event: i64) -> Value {
    let row = "select to_jsonb(o)::text from neurolink_event_outcomes o where event_id = $1";
    let text: String = sql.query_one(row, &[&event]).await.unwrap().get(0);
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn a_replay_tells_only_who_was_not_told_and_keeps_what_there_is() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let first = rule(
        &sql,
        "first",
        "order.*",
        &json!({"title": "One", "recipient_roles": ["accountant"]}),
    )
    .await;
    let app = App::start(&db).await;
    let id = event(&sql, "order.created", &json!({})).await;
    drained(&sql).await;
    let ali = app.get("/v1/notifications", "ali").await["items"][0]["id"]
        .as_i64()
        .unwrap();
    app.call(
        "DELETE",
        &format!("/v1/notifications/{ali}"),
        "ali",
        &[],
        None,
    )
    .await;
    let second = rule(
        &sql,
        "second",
        "order.*",
        &json!({"title": "Two", "recipient_users": ["cfo", "ali"]}),
    )
    .await;
    sql.batch_execute("insert into neurolink_users (id, roles, branch_ids) values ('new', '{accountant}', '{BGD}')")
        .await
        .unwrap();

    let (status, queued) = replay(&app, id).await;
    assert_eq!(
        (status, &queued["status"], &queued["event_id"]),
        (202, &json!("queued"), &json!(id))
    );
    drained(&sql).await;

    let mut all = vec![
        format!("ali by {first}"),
        format!("ali by {second}"),
        format!("cfo by {second}"),
        format!("nadia by {first}"),
        format!("new by {first}"),
    ];
    assert_eq!(told(&sql).await, all);
    assert_eq!(
        app.get("/v1/notifications", "ali").await["items"]
            .as_array()
            .unwrap()
            .len(),
        1,
        "what was deleted stays so"
    );
    let found = outcome(&sql, id).await;
    assert_eq!(
        (&found["rules_matched"], &found["notifications"]),
        (&json!(2), &json!(5))
    );
    assert!(
        found["replayed_at"].is_string() && found["suppressed"].is_null(),
        "{found}"
    );

    // Again, with nothing missing: nothing is added, nobody is said to be without recipients.
    replay(&app, id).await;
    drained(&sql).await;
    all.sort();
    assert_eq!(told(&sql).await, all);
    let again = outcome(&sql, id).await;
    assert_eq!(
        (&again["notifications"], &again["suppressed"]),
        (&json!(5), &Value::Null)
    );
    let drift: i64 = sql
        .query_one("select count(*) from neurolink_inbox_drift", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(drift, 0);
    let entries = sql
        .query("select actor, subject_id, after ->> 'branch_id' from neurolink_audit_log where action = 'event.replayed'", &[])
        .await
        .unwrap();
    assert_eq!(entries.len(), 2);
    let entry = &entries[0];
    assert_eq!(
        (
            entry.get::<_, &str>(0),
            entry.get::<_, String>(1),
            entry.get::<_, &str>(2)
        ),
        ("chief", id.to_string(), "BGD")
    );
    app.stop().await;
}

#[tokio::test]
async fn an_event_that_failed_is_evaluated_again_once_its_cause_is_mended() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    rule(
        &sql,
        "r",
        "*",
        &json!({"title": "T", "recipient_users": ["cfo"]}),
    )
    .await;
    sql.batch_execute(
        "select neurolink_pause('event');
         insert into neurolink_events (source_module, event_type) values ('test', 'a.b');
         delete from neurolink_jobs;
         insert into neurolink_dead_jobs (id, kind, ref_id, lane, attempt, max_attempts, last_error, created_at)
         values (1, 'event', 1, 1, 5, 5, 'no room', now());
         insert into neurolink_event_outcomes (event_id, error) values (1, 'no room');
         select neurolink_resume('event')",
    )
    .await
    .unwrap();
    let app = App::start(&db).await;
    assert_eq!(replay(&app, 1).await.0, 202);
    drained(&sql).await;
    assert_eq!(told(&sql).await.len(), 1);
    let found = outcome(&sql, 1).await;
    assert_eq!(
        (&found["error"], &found["notifications"]),
        (&Value::Null, &json!(1))
    );
    let dead: i64 = sql
        .query_one("select count(*) from neurolink_dead_jobs", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(dead, 0, "it is given up no more");
    app.stop().await;
}

#[tokio::test]
async fn a_replay_that_waits_serves_both_who_asked_and_one_of_a_waiting_event_is_refused() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let app = App::start(&db).await;
    let id = event(&sql, "a.b", &json!({})).await;
    drained(&sql).await;
    sql.batch_execute("select neurolink_pause('event')")
        .await
        .unwrap();
    let (_, one) = replay(&app, id).await;
    let (_, two) = replay(&app, id).await;
    assert_eq!(
        (&one["job_id"], &two["status"]),
        (&two["job_id"], &json!("already_queued"))
    );
    let later = event(&sql, "a.b", &json!({})).await;
    let (status, refused) = replay(&app, later).await;
    assert_eq!((status, &refused["code"]), (409, &json!("event_waiting")));
    assert_eq!(replay(&app, 999).await.0, 404);
    let body = json!({"force": true});
    let path = format!("/v1/events/{id}/replay");
    let (status, refused) = app
        .call("POST", &path, "chief", &["admin"], Some(&body))
        .await;
    assert_eq!((status, &refused["code"]), (400, &json!("invalid_value")));
    sql.batch_execute("select neurolink_resume('event')")
        .await
        .unwrap();
    drained(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn two_replays_of_one_event_on_two_nodes_tell_everybody_once() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let apps = [
        App::start(&db).await,
        App::start_with(&db, WHOLE, &[]).await,
    ];
    let id = event(&sql, "a.b", &json!({})).await;
    drained(&sql).await;
    rule(
        &sql,
        "late",
        "*",
        &json!({"title": "T", "recipient_roles": ["accountant"], "recipient_branches": "any"}),
    )
    .await;
    // Past the endpoint, which would give one job: as two endpoints may at the same moment.
    sql.execute(
        "insert into neurolink_jobs (kind, channel, ref_id) select 'event', 'replay', $1 from generate_series(1, 6)",
        &[&id],
    )
    .await
    .unwrap();
    drained(&sql).await;
    assert_eq!(told(&sql).await.len(), 3);
    assert_eq!(outcome(&sql, id).await["notifications"], 3);
    let dead: i64 = sql
        .query_one("select count(*) from neurolink_dead_jobs", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(dead, 0);
    for app in apps {
        app.stop().await;
    }
}

#[tokio::test]
async fn a_replay_of_an_event_that_is_deleted_meanwhile_does_nothing() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start(&db).await;
    sql.batch_execute(
        "insert into neurolink_jobs (kind, channel, ref_id) values ('event', 'replay', 77)",
    )
    .await
    .unwrap();
    until(&sql, "select count(*) = 0 from neurolink_jobs").await;
    let outcomes: i64 = sql
        .query_one("select count(*) from neurolink_event_outcomes", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(outcomes, 0);
    app.stop().await;
}
