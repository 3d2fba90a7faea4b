//! `kill -9` of a worker in the midst of a batch.

use serde_json::json;

use super::{SOMEBODY_WAITS, company, exactly_once};
use crate::support::TestDb;
use crate::support::app::{App, WHOLE, drained, event, until};
use crate::support::process::Process;

/// The second batch stands at ali's inbox, its whole flight, commit included, already with the server: what the dead has
/// said is done, once.
#[tokio::test]
async fn a_worker_killed_while_its_batch_is_being_committed_loses_nothing_and_doubles_nothing() {
    let db = TestDb::new().await;
    let (sql, locker) = (db.client().await, db.client().await);
    company(&sql, &["in_app"]).await;
    let doomed = Process::worker(&db, &[("NEUROLINK_BATCH_SIZE", "10")]).await;
    event(&sql, "a.b", &json!({"n": 0})).await;
    drained(&sql).await;
    locker
        .batch_execute("begin; select from neurolink_inboxes where user_id = 'ali' for update")
        .await
        .unwrap();
    for n in 1..=40 {
        event(&sql, "a.b", &json!({"n": n})).await;
    }
    until(&sql, SOMEBODY_WAITS).await;
    doomed.kill().await;
    let heir = App::start(&db).await;
    locker.batch_execute("rollback").await.unwrap();
    drained(&sql).await;
    exactly_once(&sql, 41).await;
    heir.stop().await;
}

/// The first batch stands before its writing, at the making of ali's inbox: the server rolls it back, and the jobs are there
/// again.
#[tokio::test]
async fn a_worker_killed_before_its_batch_is_written_gives_all_of_it_to_the_next() {
    let db = TestDb::new().await;
    let (sql, locker) = (db.client().await, db.client().await);
    company(&sql, &["in_app"]).await;
    locker
        .batch_execute("begin; insert into neurolink_inboxes (user_id) values ('ali')")
        .await
        .unwrap();
    for n in 1..=40 {
        event(&sql, "a.b", &json!({"n": n})).await;
    }
    let doomed = Process::worker(&db, &[("NEUROLINK_BATCH_SIZE", "10")]).await;
    until(&sql, SOMEBODY_WAITS).await;
    doomed.kill().await;
    let left = "select count(*) = 40 from neurolink_jobs j where not exists (select from neurolink_event_outcomes)";
    until(&sql, left).await;
    let heir = App::start(&db).await;
    locker.batch_execute("rollback").await.unwrap();
    drained(&sql).await;
    exactly_once(&sql, 40).await;
    heir.stop().await;
}

/// Two nodes share the work; one dies in the midst of it, again and again.
#[tokio::test]
async fn of_two_nodes_under_load_one_may_die_at_any_moment() {
    let db = TestDb::new().await;
    let (sql, load) = (db.client().await, db.client().await);
    company(&sql, &["in_app"]).await;
    let lasting = App::start_with(&db, WHOLE, &[("NEUROLINK_BATCH_SIZE", "5")]).await;
    let loading = tokio::spawn(async move {
        for n in 0..600 {
            event(&load, "a.b", &json!({"n": n})).await;
        }
    });
    for _ in 0..3 {
        let doomed = Process::worker(&db, &[("NEUROLINK_BATCH_SIZE", "5")]).await;
        // Whatever it is at when the next outcome is written.
        let written = "select count(*) from neurolink_event_outcomes";
        let so_far: i64 = sql.query_one(written, &[]).await.unwrap().get(0);
        until(
            &sql,
            &format!("select count(*) > {so_far} or not exists (select from neurolink_jobs) from neurolink_event_outcomes"),
        )
        .await;
        doomed.kill().await;
    }
    loading.await.unwrap();
    drained(&sql).await;
    exactly_once(&sql, 600).await;
    lasting.stop().await;
}
