//! An inserter's transaction that is open while the node goes to sleep: it holds K shared and won't notify, so the node must
//! not sleep before it has ended.

use std::sync::atomic::Ordering::Relaxed;

use tokio_postgres::Client;

use super::{Ear, WORKER, evaluated, insert, until_grown};
use crate::support::TestDb;
use crate::support::app::App;

/// A node that would sleep, were it not for the transaction `begun` on another connection.
async fn kept_awake(db: &TestDb, inserter: &Client, begin: &str) -> (App, i64) {
    inserter.batch_execute(begin).await.unwrap();
    let id = insert(inserter, "a.open").await;
    let app = App::start_with(db, WORKER, &[]).await;
    until_grown(&app.node.bell().stats().inserter_open, 3).await;
    assert_eq!(app.node.bell().stats().sleeps.load(Relaxed), 0);
    (app, id)
}

/// The event comes through, nobody notified, and no timer helped.
async fn comes_through(app: App, sql: &Client, ear: &mut Ear, id: i64) {
    evaluated(sql, id).await;
    assert_eq!(ear.wakes().await, 0, "it held K, so it owed no wake");
    let bell = app.node.bell();
    bell.until_asleep().await;
    let stats = bell.stats();
    assert_eq!(stats.timed_out.load(Relaxed), 0);
    assert!(stats.sleeps.load(Relaxed) > 0, "now it may sleep");
    app.stop().await;
}

#[tokio::test]
async fn a_node_does_not_sleep_before_an_open_inserter_has_committed() {
    let db = TestDb::new().await;
    let (sql, inserter, mut ear) = (db.client().await, db.client().await, Ear::new(&db).await);
    let (app, id) = kept_awake(&db, &inserter, "begin").await;
    inserter.batch_execute("commit").await.unwrap();
    comes_through(app, &sql, &mut ear, id).await;
}

#[tokio::test]
async fn under_repeatable_read_it_is_the_same() {
    let db = TestDb::new().await;
    let (sql, inserter, mut ear) = (db.client().await, db.client().await, Ear::new(&db).await);
    let begin = "begin isolation level repeatable read; select count(*) from neurolink_jobs";
    let (app, id) = kept_awake(&db, &inserter, begin).await;
    inserter.batch_execute("commit").await.unwrap();
    comes_through(app, &sql, &mut ear, id).await;
}

#[tokio::test]
async fn a_savepoint_that_is_rolled_back_does_not_give_the_first_inserts_promise_away() {
    let db = TestDb::new().await;
    let (sql, inserter, mut ear) = (db.client().await, db.client().await, Ear::new(&db).await);
    let (app, id) = kept_awake(&db, &inserter, "begin").await;
    inserter.batch_execute("savepoint a").await.unwrap();
    let undone = insert(&inserter, "a.undone").await;
    inserter
        .batch_execute("rollback to savepoint a")
        .await
        .unwrap();
    until_grown(&app.node.bell().stats().inserter_open, 3).await;
    assert_eq!(app.node.bell().stats().sleeps.load(Relaxed), 0, "K is held");
    inserter.batch_execute("commit").await.unwrap();
    comes_through(app, &sql, &mut ear, id).await;
    let question = "select count(*) from neurolink_event_outcomes where event_id = $1";
    let undone: i64 = sql.query_one(question, &[&undone]).await.unwrap().get(0);
    assert_eq!(undone, 0);
}

#[tokio::test]
async fn after_the_only_insert_was_undone_the_node_sleeps_and_a_later_one_in_the_same_transaction_notifies()
 {
    let db = TestDb::new().await;
    let (sql, inserter, mut ear) = (db.client().await, db.client().await, Ear::new(&db).await);
    let (app, undone) = kept_awake(&db, &inserter, "begin; savepoint a").await;
    inserter
        .batch_execute("rollback to savepoint a")
        .await
        .unwrap();
    app.node.bell().until_asleep().await;
    let id = insert(&inserter, "a.second").await;
    inserter.batch_execute("commit").await.unwrap();
    evaluated(&sql, id).await;
    assert_eq!(ear.wakes().await, 1);
    let stats = app.node.bell().stats();
    assert_eq!(
        (stats.notified.load(Relaxed), stats.timed_out.load(Relaxed)),
        (1, 0)
    );
    assert!(undone < id);
    app.stop().await;
}

#[tokio::test]
async fn a_rolled_back_inserter_lets_the_node_sleep() {
    let db = TestDb::new().await;
    let (inserter, mut ear) = (db.client().await, Ear::new(&db).await);
    let (app, _) = kept_awake(&db, &inserter, "begin").await;
    inserter.batch_execute("rollback").await.unwrap();
    app.node.bell().until_asleep().await;
    assert_eq!(ear.wakes().await, 0);
    app.stop().await;
}
