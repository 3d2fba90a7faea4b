//! After an unclean death the front of the backlog is evaluated alone, under attempts that are committed first, so that an
//! event which kills its worker is found and given up instead of killing for ever.

use serde_json::json;

use super::{SOMEBODY_WAITS, company};
use crate::support::TestDb;
use crate::support::app::{App, drained, event, until};
use crate::support::process::Process;

const NOBODY_IS_CONNECTED: &str = "select not exists (select from pg_stat_activity
    where datname = current_database() and application_name = 'neurolink')";
const ATTEMPTS: &str = "select coalesce(max(attempt), -1) from neurolink_jobs where kind = 'event' and channel = 'single'";

#[tokio::test]
async fn an_event_that_kills_every_worker_is_given_up_and_the_rest_comes_through() {
    let db = TestDb::new().await;
    let (sql, locker) = (db.client().await, db.client().await);
    company(&sql, &["in_app"]).await;
    // What stands in for its poison: whoever evaluates it stands still, and we do the killing.
    locker
        .batch_execute("begin; insert into neurolink_inboxes (user_id) values ('ali')")
        .await
        .unwrap();
    let poison = event(&sql, "a.poison", &json!({})).await;
    sql.batch_execute("update neurolink_jobs set max_attempts = 2")
        .await
        .unwrap();
    // First in a batch: nothing of the attempt is left.
    let doomed = Process::worker(&db, &[]).await;
    until(&sql, SOMEBODY_WAITS).await;
    doomed.kill().await;
    // Then alone, since somebody died: the attempt is committed before the work.
    for attempt in 1..=2 {
        let doomed = Process::worker(&db, &[]).await;
        until(&sql, &format!("select ({ATTEMPTS}) = {attempt}")).await;
        doomed.kill().await;
    }
    for _ in 0..5 {
        event(&sql, "other.kind", &json!({})).await;
    }

    let heir = App::start(&db).await;
    until(&sql, "select exists (select from neurolink_dead_jobs)").await;
    drained(&sql).await;
    let row = sql
        .query_one(
            "select d.ref_id, d.attempt, d.last_error, o.error = d.last_error, (select count(*) from neurolink_event_outcomes)
               from neurolink_dead_jobs d join neurolink_event_outcomes o on o.event_id = d.ref_id",
            &[],
        )
        .await
        .unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i32>(1)), (poison, 3));
    let why: String = row.get(2);
    assert!(why.contains("death of its worker"), "{why}");
    assert!(row.get::<_, bool>(3), "the event's outcome says so too");
    assert_eq!(row.get::<_, i64>(4), 6, "the others came through");
    locker.batch_execute("rollback").await.unwrap();
    heir.stop().await;
}

#[tokio::test]
async fn a_worker_that_starts_after_an_unclean_death_takes_the_backlogs_front_singly_at_once() {
    let db = TestDb::new().await;
    let (sql, locker) = (db.client().await, db.client().await);
    company(&sql, &["in_app"]).await;
    sql.batch_execute(
        "create table seen (job bigint, channel text);
         create function see() returns trigger language plpgsql as $$ begin
             insert into seen values (old.id, old.channel); return old; end $$;
         create trigger see after delete on neurolink_jobs for each row execute function see()",
    )
    .await
    .unwrap();
    locker
        .batch_execute("begin; insert into neurolink_inboxes (user_id) values ('ali')")
        .await
        .unwrap();
    for n in 0..30 {
        event(&sql, "a.b", &json!({"n": n})).await;
    }
    let doomed = Process::worker(&db, &[("NEUROLINK_BATCH_SIZE", "5")]).await;
    until(&sql, SOMEBODY_WAITS).await;
    doomed.kill().await;
    // Its server process waits for the lock, notices, and gives its batch back.
    until(&sql, NOBODY_IS_CONNECTED).await;

    locker.batch_execute("rollback").await.unwrap();
    let heir = Process::worker(&db, &[("NEUROLINK_BATCH_SIZE", "5")]).await;
    drained(&sql).await;
    // Four batches' worth of the lane, as two workers with two each may have had.
    let alone = "select count(*) from seen where channel = 'single'";
    let alone: i64 = sql.query_one(alone, &[]).await.unwrap().get(0);
    assert_eq!(alone, 20);
    assert!(heir.stop().await.success());
}
