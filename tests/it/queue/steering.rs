//! Pause and resume by SQL, and the sweep for events that fell between.

use neurolink::queue::Incarnation;
use neurolink::queue::presence::Presence;
use serde_json::json;

use super::{Ear, PROMPT, evaluated, insert, promptly, sleeping_worker};
use crate::support::TestDb;
use crate::support::app::{event, number, people, rule, until};

#[tokio::test]
async fn paused_events_wait_and_are_evaluated_as_soon_as_they_are_resumed() {
    let db = TestDb::new().await;
    let (sql, mut ear) = (db.client().await, Ear::new(&db).await);
    let app = sleeping_worker(&db, &[]).await;
    sql.batch_execute(
        "select neurolink_pause('event', reason => 'month end'); select neurolink_pause('event')",
    )
    .await
    .unwrap();
    let id = insert(&sql, "a.b").await;
    // Woken by the insert, it finds nothing it may take, and sleeps again.
    let stats = app.node.bell().stats();
    super::until_grown(&stats.sleeps, 1).await;
    assert_eq!(
        number(&sql, "select count(*) from neurolink_event_outcomes").await,
        0
    );
    let paused: bool = sql
        .query_one(
            "select paused and waiting = 1 from neurolink_queue_health",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert!(paused);

    assert_eq!(ear.wakes().await, 1, "the insert's");
    let resume = "select neurolink_resume('event')";
    assert!(sql.query_one(resume, &[]).await.unwrap().get::<_, bool>(0));
    evaluated(&sql, id).await;
    assert_eq!(ear.wakes().await, 1, "the resuming's");
    assert!(!sql.query_one(resume, &[]).await.unwrap().get::<_, bool>(0));
    assert_eq!(ear.wakes().await, 0, "it wasn't paused");
    app.stop().await;
}

#[tokio::test]
async fn a_paused_channel_waits_alone() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let mails = tempfile::tempdir().unwrap();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", mails.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
    ];
    let told = json!({"title": "x", "channels": ["in_app", "email"], "recipient_users": ["ali"]});
    rule(&sql, "all", "a.*", &told).await;
    let app = sleeping_worker(&db, &settings).await;
    sql.batch_execute("select neurolink_pause('delivery', 'email')")
        .await
        .unwrap();
    let id = event(&sql, "a.b", &json!({})).await;
    evaluated(&sql, id).await;
    app.node.bell().until_asleep().await;
    let states = "select string_agg(channel || ' ' || status, ', ' order by channel desc) from neurolink_delivery_log";
    let state = async || {
        sql.query_one(states, &[])
            .await
            .unwrap()
            .get::<_, String>(0)
    };
    assert_eq!(state().await, "in_app delivered, email pending");
    assert_eq!(std::fs::read_dir(mails.path()).unwrap().count(), 0);

    sql.batch_execute("select neurolink_resume('delivery', 'email')")
        .await
        .unwrap();
    promptly(
        &sql,
        "select bool_and(status <> 'pending') from neurolink_delivery_log",
    )
    .await;
    assert_eq!(state().await, "in_app delivered, email sent");
    app.stop().await;
}

#[tokio::test]
async fn events_without_job_or_outcome_are_queued_by_the_sweep_once() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    // As a bulk load with triggers off leaves them. The last is so young that its job may just not be visible yet.
    sql.batch_execute(
        "set session_replication_role = replica;
         insert into neurolink_events (source_module, event_type, severity, received_at) values
           ('test', 'a.b', 'critical', now() - interval '1 minute'), ('test', 'a.b', 'info', now() - interval '2 h'),
           ('test', 'a.b', 'info', now() - interval '2 h'), ('test', 'a.b', 'info', now() - interval '2 h'),
           ('test', 'a.b', 'info', now());
         insert into neurolink_event_outcomes (event_id) select 3;
         insert into neurolink_dead_jobs (id, kind, ref_id, lane, attempt, max_attempts, created_at)
         values (1000, 'event', 4, 1, 6, 5, now());
         reset session_replication_role",
    )
    .await
    .unwrap();
    let presence = Presence::new(db.db(), Incarnation::new(), true, 500);
    let settled = presence.sweep(0).await.unwrap();
    assert_eq!(settled, 4, "nothing below can still be missing");
    let queued = "select string_agg(ref_id || ' in lane ' || lane, ', ' order by ref_id) from neurolink_jobs";
    let queued = async || {
        sql.query_one(queued, &[])
            .await
            .unwrap()
            .get::<_, String>(0)
    };
    assert_eq!(queued().await, "1 in lane 0, 2 in lane 1");
    presence.sweep(0).await.unwrap();
    assert_eq!(queued().await, "1 in lane 0, 2 in lane 1", "not twice");

    let began = std::time::Instant::now();
    let app = sleeping_worker(&db, &[]).await;
    until(&sql, "select count(*) = 3 from neurolink_event_outcomes").await;
    assert!(began.elapsed() < PROMPT);
    app.stop().await;
}

#[tokio::test]
async fn what_the_sweep_queues_wakes_a_sleeping_node() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = sleeping_worker(&db, &[]).await;
    sql.batch_execute(
        "set session_replication_role = replica;
         insert into neurolink_events (source_module, event_type, received_at)
         values ('test', 'a.b', now() - interval '1 minute');
         reset session_replication_role",
    )
    .await
    .unwrap();
    let presence = Presence::new(db.db(), Incarnation::new(), false, 500);
    presence.sweep(0).await.unwrap();
    let id = number(&sql, "select id from neurolink_events").await;
    evaluated(&sql, id).await;
    app.stop().await;
}

/// The statements of the queue's page that begin so, about this event or delivery.
fn of_the_page(begins: &str, id: i64) -> String {
    let page = include_str!("../../../src/queue/README.md");
    let from = page.find(begins).expect("the page has it");
    let statement = page[from..].split(';').next().unwrap();
    statement.replace("4711", &id.to_string())
}

#[tokio::test]
async fn a_dead_event_and_a_dead_delivery_come_back_by_the_statements_of_the_queues_page() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let told = json!({"title": "x", "channels": ["email"], "recipient_users": ["ali"]});
    rule(&sql, "all", "a.*", &told).await;
    let mails = tempfile::tempdir().unwrap();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", mails.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
    ];
    sql.batch_execute("select neurolink_pause('delivery')")
        .await
        .unwrap();
    // An event that was given up.
    sql.batch_execute(
        "insert into neurolink_events (source_module, event_type) values ('test', 'a.b');
         with j as (delete from neurolink_jobs returning *)
         insert into neurolink_dead_jobs (id, kind, ref_id, lane, attempt, max_attempts, created_at)
         select id, kind, ref_id, lane, 6, 5, created_at from j;
         insert into neurolink_event_outcomes (event_id, error) select ref_id, 'poison' from neurolink_dead_jobs",
    )
    .await
    .unwrap();
    let app = sleeping_worker(&db, &settings).await;
    let id = number(&sql, "select id from neurolink_dead_jobs").await;
    sql.batch_execute(&of_the_page("select neurolink_retry('job', 4711)", id))
        .await
        .unwrap();
    promptly(
        &sql,
        "select exists (select from neurolink_event_outcomes where error is null)",
    )
    .await;
    assert_eq!(
        number(&sql, "select count(*) from neurolink_dead_jobs").await,
        0
    );

    // Its delivery, dead after two attempts.
    sql.batch_execute(
        "update neurolink_delivery_log set status = 'dead', ended_at = now(), last_error = '550';
         insert into neurolink_delivery_attempts (delivery_id, attempt, worker, started_at, outcome)
         select id, n, gen_random_uuid(), now(), 'transient' from neurolink_delivery_log, generate_series(1, 2) n;
         delete from neurolink_jobs; select neurolink_resume('delivery')",
    )
    .await
    .unwrap();
    let id = number(&sql, "select id from neurolink_delivery_log").await;
    sql.batch_execute(&of_the_page("select neurolink_retry('delivery', 4711)", id))
        .await
        .unwrap();
    promptly(
        &sql,
        "select status = 'sent' and attempts = 3 from neurolink_delivery_log",
    )
    .await;
    for begins in [
        "select * from neurolink_queue_health",
        "select * from neurolink_stuck_jobs",
        "select l.pid",
    ] {
        sql.batch_execute(&of_the_page(begins, id)).await.unwrap();
    }
    app.stop().await;
}
