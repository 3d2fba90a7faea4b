//! Sleeping and waking: no commit is missed, nobody is woken for nothing, a busy node costs no NOTIFY.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio_postgres::Client;

use super::modes::K_IS_HELD;
use super::{Ear, PROMPT, WORKER, evaluated, insert, promptly, sleeping_worker, until_grown};
use crate::support::TestDb;
use crate::support::app::{App, people, rule, until};

#[tokio::test]
async fn an_insert_wakes_a_sleeping_node_by_one_notification() {
    let db = TestDb::new().await;
    let (sql, mut ear) = (db.client().await, Ear::new(&db).await);
    let app = sleeping_worker(&db, &[]).await;
    let id = insert(&sql, "a.b").await;
    evaluated(&sql, id).await;
    assert_eq!(ear.wakes().await, 1);
    let stats = app.node.bell().stats();
    assert_eq!(stats.notified.load(Relaxed), 1);
    assert_eq!(stats.timed_out.load(Relaxed), 0);
    app.stop().await;
}

#[tokio::test]
async fn an_insert_under_an_old_snapshot_wakes_a_sleeping_node_too() {
    let db = TestDb::new().await;
    let (sql, inserter) = (db.client().await, db.client().await);
    inserter
        .batch_execute("begin isolation level repeatable read; select count(*) from neurolink_jobs")
        .await
        .unwrap();
    let app = sleeping_worker(&db, &[]).await;
    let id = insert(&inserter, "a.b").await;
    inserter.batch_execute("commit").await.unwrap();
    evaluated(&sql, id).await;
    assert_eq!(app.node.bell().stats().notified.load(Relaxed), 1);
    app.stop().await;
}

#[tokio::test]
async fn inserts_of_no_rows_wake_nobody() {
    let db = TestDb::new().await;
    let (sql, mut ear) = (db.client().await, Ear::new(&db).await);
    let app = sleeping_worker(&db, &[]).await;
    sql.batch_execute(
        "insert into neurolink_events (source_module, event_type) select 'test', 'a.b' where false;
         insert into neurolink_jobs (kind, ref_id) select 'event', 1 where false;
         insert into neurolink_workers (incarnation, host, pid, version, works, heartbeat_at)
         values ('00000000-0000-0000-0000-000000000001', 'h', 1, '0', false, 'infinity') on conflict do nothing",
    )
    .await
    .unwrap();
    assert_eq!(ear.wakes().await, 0);
    sql.batch_execute("delete from neurolink_workers where host = 'h'")
        .await
        .unwrap();
    app.stop().await;
}

#[tokio::test]
async fn while_a_node_works_inserts_notify_nobody() {
    let db = TestDb::new().await;
    let (sql, locker, mut ear) = (db.client().await, db.client().await, Ear::new(&db).await);
    people(&sql).await;
    let told = serde_json::json!({"title": "x", "recipient_users": ["ali"]});
    rule(&sql, "all", "a.*", &told).await;
    let app = sleeping_worker(&db, &[]).await;
    let first = insert(&sql, "a.b").await;
    evaluated(&sql, first).await;

    // Its next batch stands at ali's inbox: the node is busy for as long as we like.
    locker
        .batch_execute("begin; select from neurolink_inboxes where user_id = 'ali' for update")
        .await
        .unwrap();
    insert(&sql, "a.c").await;
    until(&sql, "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')").await;
    // Found by the look before a sleep, if it was: then K is let go within a second, or at the first wake.
    promptly(&sql, &format!("select not ({K_IS_HELD})")).await;
    ear.wakes().await;
    let mut last = 0;
    for _ in 0..200 {
        last = insert(&sql, "a.d").await;
    }
    assert_eq!(ear.wakes().await, 0, "of 200 commits");
    locker.batch_execute("rollback").await.unwrap();
    evaluated(&sql, last).await;
    assert_eq!(app.node.bell().stats().timed_out.load(Relaxed), 0);
    app.stop().await;
}

#[tokio::test]
async fn a_steady_stream_of_inserts_is_evaluated_nearly_without_notifications() {
    let db = TestDb::new().await;
    let (sql, mut ear) = (db.client().await, Ear::new(&db).await);
    let app = sleeping_worker(&db, &[]).await;
    let mut last = 0;
    for _ in 0..500 {
        last = insert(&sql, "a.b").await;
    }
    evaluated(&sql, last).await;
    // One to begin with; a stutter of the machine may let the node fall asleep in between.
    let wakes = ear.wakes().await;
    assert!((1..=25).contains(&wakes), "{wakes} of 500");
    app.stop().await;
}

#[tokio::test]
async fn a_job_that_falls_due_later_wakes_the_node_by_itself() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = sleeping_worker(&db, &[]).await;
    let id = sql
        .query_one(
            "with e as (insert into neurolink_events (source_module, event_type) values ('test', 'a.b') returning id),
                  p as (insert into neurolink_pauses (kind) values ('event'))
             select id from e",
            &[],
        )
        .await
        .unwrap()
        .get::<_, i64>(0);
    // As a retry does: by an update, which notifies nobody; the node learns of it with the next wake.
    sql.batch_execute(
        "update neurolink_jobs set run_at = clock_timestamp() + interval '300 ms'; select neurolink_resume('event')",
    )
    .await
    .unwrap();
    evaluated(&sql, id).await;
    assert_eq!(app.node.bell().stats().timed_out.load(Relaxed), 0);
    let early: bool = sql
        .query_one(
            "select evaluated_at < (select received_at from neurolink_events) + interval '300 ms' from neurolink_event_outcomes",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert!(!early, "not before its time");
    app.stop().await;
}

#[tokio::test]
async fn of_two_idle_nodes_one_sleeps_for_both_and_the_other_takes_over_when_it_goes() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let one = sleeping_worker(&db, &[]).await;
    let two = sleeping_worker(&db, &[]).await;
    let stats = two.node.bell().stats();
    assert_eq!(stats.sleeps.load(Relaxed), 0);
    assert!(stats.parked.load(Relaxed) > 0);

    let id = insert(&sql, "a.b").await;
    evaluated(&sql, id).await;
    one.stop().await;
    until_grown(&stats.sleeps, 1).await;
    let id = insert(&sql, "a.b").await;
    evaluated(&sql, id).await;
    two.stop().await;
}

#[tokio::test]
async fn an_event_committed_below_the_mark_of_a_busy_node_is_evaluated_before_the_rush_is_over() {
    let db = TestDb::new().await;
    let (sql, late) = (db.client().await, db.client().await);
    late.batch_execute("begin").await.unwrap();
    let id = insert(&late, "a.late").await;
    // Newer events for many batches: until they are through, every claim starts at its mark.
    sql.batch_execute(
        "insert into neurolink_events (source_module, event_type) select 'test', 'a.b' from generate_series(1, 6000)",
    )
    .await
    .unwrap();
    let app = App::start_with(&db, WORKER, &[("NEUROLINK_BATCH_SIZE", "5")]).await;
    let begun = "select count(*) > 20 from neurolink_event_outcomes";
    until(&sql, begun).await;
    late.batch_execute("commit").await.unwrap();
    evaluated(&sql, id).await;
    let rest = "select count(*) from neurolink_jobs";
    let rest: i64 = sql.query_one(rest, &[]).await.unwrap().get(0);
    assert!(rest > 0, "only when everything else was done");
    app.stop().await;
}

/// One inserter's transaction, of any kind. The id of the event that was committed, if one was.
async fn anything(sql: &Client, dice: &mut StdRng) -> Option<i64> {
    let pause = Duration::from_micros(dice.random_range(0..25_000));
    match dice.random_range(0..7) {
        0 | 1 => return Some(insert(sql, "a.b").await),
        2 => {
            sql.batch_execute("begin").await.unwrap();
            insert(sql, "a.b").await;
            tokio::time::sleep(pause).await;
            sql.batch_execute("rollback").await.unwrap();
            return None;
        }
        3 => {
            let begin =
                "begin isolation level repeatable read; select count(*) from neurolink_jobs";
            sql.batch_execute(begin).await.unwrap();
            tokio::time::sleep(pause).await;
        }
        4 => {
            sql.batch_execute("begin; savepoint a").await.unwrap();
            insert(sql, "a.undone").await;
            tokio::time::sleep(pause).await;
            sql.batch_execute("rollback to savepoint a").await.unwrap();
        }
        _ => sql.batch_execute("begin").await.unwrap(),
    }
    let id = insert(sql, "a.b").await;
    tokio::time::sleep(pause).await;
    sql.batch_execute("commit").await.unwrap();
    Some(id)
}

/// Inserts at random for three seconds; after each commit waits for its event, so that a lost wake can't be healed by the
/// next insert.
async fn inserter(db: &TestDb, seed: u64) -> u32 {
    let (sql, mut dice, began) = (
        db.client().await,
        StdRng::seed_from_u64(seed),
        Instant::now(),
    );
    let mut commits = 0;
    while began.elapsed() < Duration::from_secs(3) {
        if let Some(id) = anything(&sql, &mut dice).await {
            commits += 1;
            let question = format!(
                "select exists (select from neurolink_event_outcomes where event_id = {id})"
            );
            promptly(&sql, &question).await;
        }
        // Long enough for a node to linger, to fall asleep, or to be just about to.
        tokio::time::sleep(Duration::from_micros(dice.random_range(0..60_000))).await;
    }
    commits
}

#[tokio::test]
async fn whatever_inserters_do_every_sleep_of_a_node_is_ended_by_its_wake() {
    let db = TestDb::new().await;
    let app = sleeping_worker(&db, &[]).await;
    let (a, b) = futures_util::join!(inserter(&db, 1), inserter(&db, 2));
    let stats = app.node.bell().stats();
    let (sleeps, timed_out) = (stats.sleeps.load(Relaxed), stats.timed_out.load(Relaxed));
    println!("{} commits, {sleeps} sleeps: {stats:?}", a + b);
    assert!(sleeps > 5, "it did sleep in between");
    assert_eq!(timed_out, 0);
    app.stop().await;
}

#[tokio::test]
async fn whatever_inserters_do_two_nodes_miss_nothing() {
    let db = TestDb::new().await;
    let one = sleeping_worker(&db, &[]).await;
    let two = sleeping_worker(&db, &[]).await;
    let (a, b) = futures_util::join!(inserter(&db, 3), inserter(&db, 4));
    let (first, second) = (one.node.bell().stats(), two.node.bell().stats());
    println!("{} commits: {first:?}, {second:?}", a + b);
    assert!(first.sleeps.load(Relaxed) + second.sleeps.load(Relaxed) > 5);
    assert_eq!(
        first.timed_out.load(Relaxed) + second.timed_out.load(Relaxed),
        0
    );
    // Each exactly once: an outcome's key would have refused a second, and its job would be set apart.
    let sql = db.client().await;
    let began = Instant::now();
    until(&sql, "select count(*) = 0 from neurolink_jobs").await;
    assert!(began.elapsed() < PROMPT);
    let apart: i64 = sql
        .query_one("select count(*) from neurolink_dead_jobs", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(apart, 0);
    one.stop().await;
    two.stop().await;
}
