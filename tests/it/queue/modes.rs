//! The other wake modes: `always` keeps K, `poll` takes it never.

use std::sync::atomic::Ordering::Relaxed;

use tokio_postgres::Client;

use super::{Ear, WORKER, evaluated, insert, promptly, sleeping_worker, until_grown};
use crate::support::TestDb;
use crate::support::app::App;

/// Whether somebody holds K, exclusively.
pub(crate) const K_IS_HELD: &str = "select exists (select from pg_locks where locktype = 'advisory' and objsubid = 2 and mode = 'ExclusiveLock'
    and granted and classid = 1313625931 and database = (select oid from pg_database where datname = current_database()))";

const ALWAYS: &[(&str, &str)] = &[("NEUROLINK_WAKE_MODE", "always")];
const POLL: &[(&str, &str)] = &[("NEUROLINK_WAKE_MODE", "poll")];

async fn k_is_held(sql: &Client) -> bool {
    sql.query_one(K_IS_HELD, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn in_mode_always_every_insert_notifies_even_while_the_node_works() {
    let db = TestDb::new().await;
    let (sql, mut ear) = (db.client().await, Ear::new(&db).await);
    let app = sleeping_worker(&db, ALWAYS).await;
    assert!(k_is_held(&sql).await);
    let mut last = 0;
    for _ in 0..20 {
        last = insert(&sql, "a.b").await;
    }
    evaluated(&sql, last).await;
    assert_eq!(ear.wakes().await, 20);
    app.node.bell().until_asleep().await;
    assert!(k_is_held(&sql).await);
    app.stop().await;
    // It goes with its connection.
    promptly(&sql, &format!("select not ({K_IS_HELD})")).await;
}

#[tokio::test]
async fn in_mode_always_an_inserter_that_was_open_first_is_not_missed() {
    let db = TestDb::new().await;
    let (sql, inserter, mut ear) = (db.client().await, db.client().await, Ear::new(&db).await);
    inserter.batch_execute("begin").await.unwrap();
    let id = insert(&inserter, "a.b").await;
    let app = App::start_with(&db, WORKER, ALWAYS).await;
    until_grown(&app.node.bell().stats().inserter_open, 3).await;
    inserter.batch_execute("commit").await.unwrap();
    evaluated(&sql, id).await;
    assert_eq!(ear.wakes().await, 0, "nobody kept K when it inserted");
    app.stop().await;
}

#[tokio::test]
async fn in_mode_always_a_second_node_keeps_k_when_the_first_goes() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let one = sleeping_worker(&db, ALWAYS).await;
    let two = sleeping_worker(&db, ALWAYS).await;
    assert!(two.node.bell().stats().parked.load(Relaxed) > 0);
    one.stop().await;
    until_grown(&two.node.bell().stats().sleeps, 1).await;
    assert!(k_is_held(&sql).await);
    let id = insert(&sql, "a.b").await;
    evaluated(&sql, id).await;
    two.stop().await;
}

#[tokio::test]
async fn in_mode_poll_nothing_notifies_and_events_are_found_within_about_a_second() {
    let db = TestDb::new().await;
    let (sql, mut ear) = (db.client().await, Ear::new(&db).await);
    let app = sleeping_worker(&db, POLL).await;
    assert!(!k_is_held(&sql).await);
    for _ in 0..3 {
        let id = insert(&sql, "a.b").await;
        promptly(
            &sql,
            &format!("select exists (select from neurolink_event_outcomes where event_id = {id})"),
        )
        .await;
    }
    assert_eq!(ear.wakes().await, 0);
    let question = "select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())";
    let locks: i64 = sql.query_one(question, &[]).await.unwrap().get(0);
    assert_eq!(locks, 0, "nor holds anything a pooler could lose");
    app.stop().await;
}
