//! Two claimers, thousands waiting.

use std::collections::BTreeSet;
use std::time::Duration;

use neurolink::db::{Client, Tx};
use neurolink::kernel::Lane;
use neurolink::queue::alarms::store::{self as alarms, claim as claim_alarms, fail};
use neurolink::queue::marks::{Position, ZERO};
use neurolink::queue::store::{DeliveryPlace, claim_deliveries, claim_events};

use crate::support::TestDb;
use crate::support::app::number;

const LEASE: Duration = Duration::from_secs(60);

async fn events(sql: &tokio_postgres::Client, count: i64) {
    let insert = "insert into neurolink_events (source_module, event_type)
                  select 'test', 'a.b' from generate_series(1, $1::bigint)";
    sql.execute(insert, &[&count]).await.unwrap();
}

async fn deliveries(sql: &tokio_postgres::Client, count: i64) {
    let insert = "insert into neurolink_jobs (kind, channel, ref_id)
                  select 'delivery', 'email', n from generate_series(1, $1::bigint) n";
    sql.execute(insert, &[&count]).await.unwrap();
}

async fn take_events(client: &Client, most: i32, start: Position) -> BTreeSet<i64> {
    let lanes = Lane::ALL.map(|lane| (lane, most, start));
    let claim = claim_events(client, &lanes).await.unwrap();
    claim.jobs.iter().map(|job| job.job_id).collect()
}

async fn take_deliveries(client: &Client, most: i32) -> BTreeSet<i64> {
    let place = DeliveryPlace {
        channel: "email",
        lane: Lane::Normal,
        most,
        start: ZERO,
    };
    let worker = uuid::Uuid::new_v4();
    let jobs = claim_deliveries(client, &[place], worker, LEASE).await;
    jobs.unwrap().iter().map(|(job, _)| job.job_id).collect()
}

#[tokio::test]
async fn what_one_claimer_has_the_other_passes_over_until_it_is_given_back() {
    let db = TestDb::new().await;
    events(&db.client().await, 6).await;
    let first = Tx::unbegun(db.db().client().await.unwrap());
    let second = Tx::unbegun(db.db().client().await.unwrap());
    let third = Tx::unbegun(db.db().client().await.unwrap());

    let ours = take_events(&first, 4, ZERO).await;
    let theirs = take_events(&second, 4, ZERO).await;
    assert_eq!((ours.len(), theirs.len()), (4, 2), "nobody waited");
    assert!(ours.is_disjoint(&theirs));

    first.rollback().await.unwrap();
    assert_eq!(take_events(&third, 10, ZERO).await, ours, "given back");
    second.commit().await.unwrap();
    third.commit().await.unwrap();
    let left = "select count(*) from neurolink_jobs";
    let left: i64 = db.client().await.query_one(left, &[]).await.unwrap().get(0);
    assert_eq!(left, 0);
}

#[tokio::test]
async fn four_claimers_at_once_share_the_deliveries_without_a_rest_or_a_double() {
    let db = TestDb::new().await;
    deliveries(&db.client().await, 200).await;
    let claimer = async || {
        let client = db.db().client().await.unwrap();
        let mut mine = Vec::new();
        loop {
            let jobs = take_deliveries(&client, 7).await;
            if jobs.is_empty() {
                return mine;
            }
            mine.extend(jobs);
        }
    };
    let (a, b, c, d) = futures_util::join!(claimer(), claimer(), claimer(), claimer());
    let all = [a, b, c, d].concat();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    assert_eq!(all.len(), 200);
}

#[tokio::test]
async fn a_delivery_locked_by_another_claim_is_passed_over() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    deliveries(&sql, 3).await;
    sql.batch_execute("begin; select from neurolink_jobs where ref_id = 1 for update")
        .await
        .unwrap();
    let client = db.db().client().await.unwrap();
    assert_eq!(take_deliveries(&client, 10).await.len(), 2);
    sql.batch_execute("rollback").await.unwrap();
    assert_eq!(take_deliveries(&client, 10).await.len(), 1);
    assert_eq!(take_deliveries(&client, 10).await.len(), 0, "under a lease");
}

#[tokio::test]
async fn a_claim_starts_at_its_mark_and_a_sweep_sees_what_is_below() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    events(&sql, 2).await;
    let row = sql
        .query_one(
            "update neurolink_jobs set run_at = run_at - interval '1 s' where id = (select max(id) from neurolink_jobs)
             returning run_at + interval '1 s', id - 1, id",
            &[],
        )
        .await
        .unwrap();
    let (mark, below): (Position, i64) = ((row.get(0), row.get(1)), row.get(2));
    let tx = Tx::unbegun(db.db().client().await.unwrap());
    assert_eq!(take_events(&tx, 9, mark).await, BTreeSet::from([mark.1]));
    tx.commit().await.unwrap();
    let tx = Tx::unbegun(db.db().client().await.unwrap());
    assert_eq!(take_events(&tx, 9, ZERO).await, BTreeSet::from([below]));
    tx.commit().await.unwrap();
}

/// The plan of a claim, in one line.
async fn plan(sql: &tokio_postgres::Client, types: &str, statement: &str, values: &str) -> String {
    let prepare = format!("deallocate all; prepare claim ({types}) as {statement}");
    sql.batch_execute(&prepare).await.unwrap();
    let explain = format!("explain execute claim ({values})");
    let rows = sql.simple_query(&explain).await.unwrap();
    let line = |row: &tokio_postgres::SimpleQueryMessage| match row {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn claims_with_fifty_thousand_waiting_never_walk_the_table() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let fill = "insert into neurolink_jobs (kind, ref_id) select 'event', n from generate_series(1, 50000) n;
                insert into neurolink_jobs (kind, channel, ref_id) select 'delivery', 'email', n from generate_series(1, 50000) n;";
    sql.batch_execute(fill).await.unwrap();
    let events = (
        "smallint[], int[], timestamptz[], bigint[]",
        include_str!("../../../sql/queries/queue/claim_events.sql"),
        "'{0,1,2}', '{500,500,500}', '{1970-01-01,1970-01-01,1970-01-01}', '{0,0,0}'",
    );
    let deliveries = (
        "text[], smallint[], int[], timestamptz[], bigint[], uuid, bigint",
        include_str!("../../../sql/queries/queue/claim_deliveries.sql"),
        "'{email}', '{1}', '{16}', '{1970-01-01}', '{0}', gen_random_uuid(), 60000",
    );
    let single = (
        "uuid, bigint",
        include_str!("../../../sql/queries/queue/claim_single.sql"),
        "gen_random_uuid(), 60000",
    );
    // As right after the load, and once statistics are there; for these values, and for any.
    for prepare in ["select", "analyze neurolink_jobs"] {
        sql.batch_execute(prepare).await.unwrap();
        for mode in ["force_custom_plan", "force_generic_plan"] {
            let set = format!("set plan_cache_mode = {mode}");
            sql.batch_execute(&set).await.unwrap();
            for (types, statement, values) in [events, deliveries, single] {
                let plan = plan(&sql, types, statement, values).await;
                assert!(
                    plan.contains("neurolink_jobs_claim_ix") && plan.contains("Tid Scan"),
                    "{prepare}, {mode}: {plan}"
                );
                assert!(
                    !plan.contains("Seq Scan on neurolink_jobs"),
                    "{prepare}, {mode}: {plan}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_claim_from_a_small_table_walks_neither_jobs_nor_events_and_leaves_the_planner_as_it_was()
{
    let db = TestDb::new().await;
    let sql = db.client().await;
    events(&sql, 600).await;
    sql.batch_execute("analyze neurolink_jobs; analyze neurolink_events")
        .await
        .unwrap();
    let tx = Tx::unbegun(db.db().client().await.unwrap());
    assert_eq!(take_events(&tx, 500, ZERO).await.len(), 500);
    let walked = "select pg_stat_get_xact_numscans('neurolink_jobs'::regclass),
                         pg_stat_get_xact_numscans('neurolink_events'::regclass), current_setting('enable_seqscan')";
    let row = tx.query_one(walked, &[]).await.unwrap();
    let walked: (i64, i64, String) = (row.get(0), row.get(1), row.get(2));
    assert_eq!(walked, (0, 0, "on".to_owned()));
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn alarms_are_taken_lane_by_lane_and_no_more_are_locked_than_taken() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "insert into neurolink_jobs (kind, lane, ref_id)
         select kind, lane, lane * 100 + n from generate_series(1, 3) n cross join unnest('{0,1,2}'::smallint[]) as lane
          cross join unnest('{reminder,digest,escalation,fanout}'::text[]) as kind;
         insert into neurolink_jobs (kind, ref_id, run_at) values ('reminder', 1000, now() + interval '1 hour');
         insert into neurolink_pauses (kind, channel, paused_by) values ('digest', '', 'a test')",
    )
    .await
    .unwrap();
    let mut lanes = Vec::new();
    let mut open = Vec::new();
    // 27 aren't paused; three claims of ten, all at once.
    let mut firsts = Vec::new();
    for turn in 0..3 {
        let tx = Tx::unbegun(db.db().client().await.unwrap());
        let claim = claim_alarms(&tx, 10, turn).await.unwrap();
        assert!(claim.jobs.iter().all(|job| job.kind != "digest"));
        lanes.push(claim.jobs.iter().map(|job| job.lane).collect::<Vec<_>>());
        open.push(tx);
    }
    assert_eq!(lanes[0], [[0; 9].as_slice(), &[1]].concat());
    assert_eq!(lanes[1], [[1; 8].as_slice(), &[2; 2]].concat());
    assert_eq!(lanes[2], [2; 7]);
    for tx in open {
        tx.rollback().await.unwrap();
    }
    // However much of one kind is due, the others have their turn.
    for turn in 0..4 {
        let tx = Tx::unbegun(db.db().client().await.unwrap());
        let claim = claim_alarms(&tx, 1, turn).await.unwrap();
        firsts.extend(claim.jobs.into_iter().map(|job| job.kind));
        tx.rollback().await.unwrap();
    }
    assert_eq!(firsts, ["reminder", "escalation", "escalation", "fanout"]);
}

#[tokio::test]
async fn an_alarm_that_only_wants_a_lock_or_time_waits_longer_and_is_never_given_up() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute("insert into neurolink_jobs (kind, ref_id, max_attempts, created_at) values ('reminder', 1, 3, '2026-01-01')")
        .await
        .unwrap();
    let tx = Tx::unbegun(db.db().client().await.unwrap());
    let claim = claim_alarms(&tx, 1, 0).await.unwrap();
    // Claims stand in line for a lock no longer than this.
    let patience = tx.query_one("show lock_timeout", &[]).await.unwrap();
    assert_eq!(patience.get::<_, &str>(0), "50ms");
    tx.rollback().await.unwrap();
    let (client, wait) = (db.db().client().await.unwrap(), Duration::from_secs(1));
    let mut attempts = Vec::new();
    for counts in [false, false, false, false] {
        let is_dead = fail(&client, &claim.jobs[0], wait, "no lock", counts).await;
        assert!(!is_dead.unwrap());
        attempts.push(number(&sql, "select attempt::bigint from neurolink_jobs").await);
    }
    assert_eq!(attempts, [1, 1, 1, 1]);
    // Put off, it stays what it was.
    alarms::put_off(&client, &[&claim.jobs[0]]).await.unwrap();
    let kept = "select count(*) from neurolink_jobs where ref_id = 1 and max_attempts = 3 and created_at = '2026-01-01'";
    assert_eq!(number(&sql, kept).await, 2);
    for last in [false, true] {
        let is_dead = fail(&client, &claim.jobs[0], wait, "broken", true).await;
        assert_eq!(is_dead.unwrap(), last);
    }
}
