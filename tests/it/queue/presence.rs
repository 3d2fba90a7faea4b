//! Who is taken for dead, and who must not be.

use std::sync::Arc;
use std::time::{Duration, Instant};

use neurolink::db::Session;
use neurolink::queue::presence::Presence;
use neurolink::queue::{BellHandle, Incarnation};
use tokio_postgres::Client;

use crate::support::TestDb;

/// A process that takes no jobs of its own, connected.
async fn connected(db: &TestDb) -> (Arc<Presence>, Session) {
    let presence = Presence::new(db.db(), Incarnation::new(), true, 10);
    let session = db.db().session().await.unwrap();
    presence.connected(&session.client, true).await.unwrap();
    (presence, session)
}

/// A process that died long ago, with a delivery under way.
async fn dead(sql: &Client, lock_key: Option<i64>) -> uuid::Uuid {
    let incarnation = uuid::Uuid::new_v4();
    sql.execute(
        "with w as (insert into neurolink_workers (incarnation, host, pid, version, works, lock_key, heartbeat_at)
                    values ($1, 'h', 1, '0', true, $2, now() - interval '1 h') returning incarnation)
         insert into neurolink_jobs (kind, channel, ref_id, attempt, claimed_by, run_at)
         select 'delivery', 'email', 33, 1, incarnation, now() + interval '2 min' from w",
        &[&incarnation, &lock_key],
    )
    .await
    .unwrap();
    incarnation
}

async fn exists(sql: &Client, incarnation: uuid::Uuid) -> bool {
    let question = "select exists (select from neurolink_workers where incarnation = $1)";
    sql.query_one(question, &[&incarnation])
        .await
        .unwrap()
        .get(0)
}

/// Beats until this one is rescued. How long that took.
async fn until_rescued(presence: &Presence, sql: &Client, incarnation: uuid::Uuid) -> Duration {
    let (bell, began) = (BellHandle::new(0), Instant::now());
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    while exists(sql, incarnation).await {
        tick.tick().await;
        presence.beat(&bell).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(30), "never rescued");
    }
    began.elapsed()
}

#[tokio::test]
async fn who_has_just_connected_takes_nobody_for_dead_until_they_had_time_to_connect_too() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    // As after a restart of the server: every heartbeat is old, every lock free.
    let peer = dead(&sql, Some(7)).await;
    let (presence, _session) = connected(&db).await;
    presence.beat(&BellHandle::new(0)).await.unwrap();
    assert!(exists(&sql, peer).await, "robbed at once");
    assert_eq!(presence.peers(), 1, "it counts as living");

    let took = until_rescued(&presence, &sql, peer).await;
    assert!(took > Duration::from_secs(2), "robbed after {took:?}");
    let freed = "select claimed_by is null and run_at <= now()
                    and exists (select from neurolink_delivery_attempts where attempt = 1 and outcome = 'lost') from neurolink_jobs";
    assert!(sql.query_one(freed, &[]).await.unwrap().get::<_, bool>(0));
}

#[tokio::test]
async fn whoever_holds_its_lock_lives_however_old_its_heartbeat_is() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let (frozen, gone) = (dead(&sql, Some(7)).await, dead(&sql, Some(8)).await);
    let holder = db.client().await;
    holder
        .batch_execute("select pg_advisory_lock(7)")
        .await
        .unwrap();
    let (presence, _session) = connected(&db).await;
    until_rescued(&presence, &sql, gone).await;
    assert!(exists(&sql, frozen).await);
    holder
        .batch_execute("select pg_advisory_unlock(7)")
        .await
        .unwrap();
    until_rescued(&presence, &sql, frozen).await;
}

#[tokio::test]
async fn who_has_beaten_since_it_was_looked_at_is_not_buried() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let peer = dead(&sql, Some(7)).await;
    let seen: jiff::Timestamp = sql
        .query_one("select heartbeat_at from neurolink_workers", &[])
        .await
        .unwrap()
        .get(0);
    // It comes back under another lock, its former session still holding the first.
    sql.execute(
        "update neurolink_workers set heartbeat_at = now(), lock_key = 9",
        &[],
    )
    .await
    .unwrap();
    let rescue = include_str!("../../../sql/queries/queue/rescue.sql");
    let row = sql.query_one(rescue, &[&peer, &seen]).await.unwrap();
    assert_eq!(
        (row.get::<_, Option<bool>>(0), row.get::<_, i64>(1)),
        (None, 0)
    );
    assert!(exists(&sql, peer).await);
}

#[tokio::test]
async fn a_process_without_a_lock_is_dead_after_fifteen_seconds_of_silence() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    dead(&sql, None).await;
    let stale = include_str!("../../../sql/queries/queue/stale_workers.sql");
    for (connected, silent, expected) in [(60, 14, false), (60, 16, true), (14, 60, false)] {
        let set = "update neurolink_workers set heartbeat_at = now() - $1::int * interval '1 s'";
        sql.execute(set, &[&silent]).await.unwrap();
        let since = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(connected);
        let row = sql
            .query_one(stale, &[&uuid::Uuid::new_v4(), &since])
            .await
            .unwrap();
        // The server itself must have run for longer, or the answer is no in any case.
        let young = "select pg_postmaster_start_time() > now() - interval '16 s'";
        let young: bool = sql.query_one(young, &[]).await.unwrap().get(0);
        assert_eq!(row.get::<_, bool>("stale"), expected && !young);
    }
}

#[tokio::test]
async fn who_leaves_gives_back_what_it_holds_and_wakes_the_others() {
    let db = TestDb::new().await;
    let (sql, mut ear) = (db.client().await, super::Ear::new(&db).await);
    let (presence, _session) = connected(&db).await;
    sql.execute(
        "insert into neurolink_jobs (kind, channel, ref_id, attempt, claimed_by, run_at)
         values ('event', 'single', 1, 1, $1, now() + interval '1 min'), ('event', 'single', 2, 1, gen_random_uuid(), now() + interval '1 min')",
        &[&presence.incarnation().0],
    )
    .await
    .unwrap();
    ear.wakes().await;
    let told = tokio_util::sync::CancellationToken::new();
    told.cancel();
    presence.run(BellHandle::new(0), told).await;
    assert_eq!(ear.wakes().await, 1);
    let state =
        "select string_agg(concat(claimed_by is null, run_at <= now()), ' ' order by ref_id)
                        || ' ' || (select count(*) from neurolink_workers) from neurolink_jobs";
    let state: String = sql.query_one(state, &[]).await.unwrap().get(0);
    assert_eq!(state, "tt ff 0");
}
