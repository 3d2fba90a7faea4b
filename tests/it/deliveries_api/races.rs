//! Retries and cancels beside claims and outcomes, interleaved on purpose: nothing is sent twice, and no fence breaks.

use neurolink::kernel::ChannelKind::Email;
use tokio_postgres::Client;

use super::{delivery, text};
use crate::support::TestDb;
use crate::support::app::{App, WHOLE, drained, until};

async fn retry(sql: &Client, id: i64) -> String {
    let ask = format!("select outcome from neurolink_retry_deliveries('{{{id}}}', false, null)");
    text(sql, &ask).await
}

async fn claim(sql: &Client, id: i64) {
    let claim = format!(
        "update neurolink_jobs set claimed_by = '00000000-0000-0000-0000-000000000001', attempt = attempt + 1,
                run_at = now() + interval '1 minute' where ref_id = {id}"
    );
    sql.batch_execute(&claim).await.unwrap();
}

/// As the completer writes an outcome of the claim above.
fn record(id: i64, attempt: i32) -> String {
    format!(
        "with ended as (delete from neurolink_jobs where ref_id = {id} and attempt = {attempt}
                           and claimed_by = '00000000-0000-0000-0000-000000000001' returning ref_id)
         update neurolink_delivery_log d set status = 'sent' from ended where d.id = ended.ref_id and d.status = 'pending'"
    )
}

/// Whether somebody of this database waits for a lock.
async fn until_somebody_waits(sql: &Client) {
    let waits = "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database())";
    until(sql, waits).await;
}

#[tokio::test]
async fn what_is_being_sent_is_left_to_its_worker() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let id = delivery(&sql, "ali", None, Email, "pending").await;
    claim(&sql, id).await;
    assert_eq!(retry(&sql, id).await, "running");
    sql.batch_execute(&record(id, 1)).await.unwrap();
    let state =
        "select status || ' ' || (select count(*) from neurolink_jobs) from neurolink_delivery_log";
    assert_eq!(text(&sql, state).await, "sent 0");
    assert_eq!(retry(&sql, id).await, "sent");
}

#[tokio::test]
async fn a_retry_that_meets_an_outcome_being_written_waits_for_it() {
    let db = TestDb::new().await;
    let (sql, worker, other) = (db.client().await, db.client().await, db.client().await);
    let id = delivery(&sql, "ali", None, Email, "pending").await;
    claim(&sql, id).await;
    worker.batch_execute("begin").await.unwrap();
    worker.batch_execute(&record(id, 1)).await.unwrap();
    let retried = tokio::spawn(async move { retry(&other, id).await });
    until_somebody_waits(&sql).await;
    worker.batch_execute("commit").await.unwrap();
    assert_eq!(retried.await.unwrap(), "sent");
    assert_eq!(
        text(&sql, "select count(*)::text from neurolink_jobs").await,
        "0"
    );
}

#[tokio::test]
async fn two_retries_at_once_make_one_job() {
    let db = TestDb::new().await;
    let (sql, one, other) = (db.client().await, db.client().await, db.client().await);
    let id = delivery(&sql, "ali", None, Email, "dead").await;
    one.batch_execute("begin").await.unwrap();
    assert_eq!(retry(&one, id).await, "queued");
    let second = tokio::spawn(async move { retry(&other, id).await });
    until_somebody_waits(&sql).await;
    one.batch_execute("commit").await.unwrap();
    assert_eq!(second.await.unwrap(), "hastened");
    assert_eq!(
        text(&sql, "select count(*)::text from neurolink_jobs").await,
        "1"
    );
}

#[tokio::test]
async fn the_outcome_of_a_claim_from_before_the_retry_fits_no_job() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    // Its worker froze, somebody else took over and gave it up, and an operator retried it.
    let id = delivery(&sql, "ali", None, Email, "pending").await;
    claim(&sql, id).await;
    sql.batch_execute(&format!(
        "delete from neurolink_jobs; update neurolink_delivery_log set status = 'dead', attempts = 8 where id = {id};
         insert into neurolink_delivery_attempts (delivery_id, attempt, worker, started_at, outcome)
         values ({id}, 1, gen_random_uuid(), now(), 'lost'), ({id}, 8, gen_random_uuid(), now(), 'transient')"
    ))
    .await
    .unwrap();
    assert_eq!(retry(&sql, id).await, "queued");
    claim(&sql, id).await;
    for late in [1, 8] {
        sql.batch_execute(&record(id, late)).await.unwrap();
        let state = "select status from neurolink_delivery_log";
        assert_eq!(text(&sql, state).await, "pending");
    }
    let job = "select attempt || ' of ' || max_attempts from neurolink_jobs";
    assert_eq!(text(&sql, job).await, "9 of 16");
    sql.batch_execute(&record(id, 9)).await.unwrap();
    assert_eq!(
        text(&sql, "select status from neurolink_delivery_log").await,
        "sent"
    );
}

#[tokio::test]
async fn a_cancel_and_an_outcome_at_once_wait_for_each_other_in_one_order_only() {
    let db = TestDb::new().await;
    let (sql, worker, other) = (db.client().await, db.client().await, db.client().await);
    let id = delivery(&sql, "ali", None, Email, "pending").await;
    claim(&sql, id).await;
    worker.batch_execute("begin").await.unwrap();
    // Between the two halves of its statement.
    worker
        .batch_execute("select from neurolink_jobs for update")
        .await
        .unwrap();
    let cancelled = tokio::spawn(async move {
        text(
            &other,
            &format!("select neurolink_cancel_delivery({id}, null)"),
        )
        .await
    });
    until_somebody_waits(&sql).await;
    worker.batch_execute(&record(id, 1)).await.unwrap();
    worker.batch_execute("commit").await.unwrap();
    assert_eq!(cancelled.await.unwrap(), "sent");
}

#[tokio::test]
async fn many_hands_retry_while_the_workers_send_and_every_mail_goes_out_once() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", folder.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
    ];
    let mut ids = Vec::new();
    for nth in 0..60 {
        let status = if nth % 2 == 0 { "dead" } else { "pending" };
        ids.push(delivery(&sql, &format!("u{nth}"), None, Email, status).await);
    }
    let app = App::start_with(&db, WHOLE, &settings).await;
    let hands: Vec<_> = (0..6)
        .map(|hand| {
            let (ids, client) = (ids.clone(), db.db());
            tokio::spawn(async move {
                // Each in an order of its own, some in one call and some one by one.
                for nth in 0..ids.len() {
                    let at = (nth * (2 * hand + 1) + hand * 7) % ids.len();
                    let some = &ids[at..(at + 1 + hand % 3).min(ids.len())];
                    let client = client.client().await.unwrap();
                    let ask = "select delivery_id, outcome from neurolink_retry_deliveries($1, false, null)";
                    for row in client.query(ask, &[&some]).await.unwrap() {
                        let outcome: &str = row.get(1);
                        assert!(
                            ["queued", "hastened", "running", "sent"].contains(&outcome),
                            "{outcome}"
                        );
                    }
                }
            })
        })
        .collect();
    for hand in hands {
        hand.await.unwrap();
    }
    until(
        &sql,
        "select bool_and(status = 'sent') from neurolink_delivery_log",
    )
    .await;
    drained(&sql).await;
    let attempts =
        "select count(*) || ' of ' || count(distinct delivery_id) from neurolink_delivery_attempts";
    assert_eq!(text(&sql, attempts).await, "60 of 60");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 60);
    app.stop().await;
}

#[tokio::test]
async fn a_retry_of_a_dead_event_waits_for_its_replay_before_it_touches_anything() {
    let db = TestDb::new().await;
    let (sql, replay, other) = (db.client().await, db.client().await, db.client().await);
    sql.batch_execute(
        "insert into neurolink_events (source_module, event_type) values ('test', 'a.b');
         delete from neurolink_jobs;
         insert into neurolink_event_outcomes (event_id, error) select id, 'broke' from neurolink_events;
         insert into neurolink_dead_jobs (id, kind, ref_id, lane, attempt, max_attempts, created_at)
         select 1, 'event', id, 1, 5, 5, now() from neurolink_events",
    )
    .await
    .unwrap();
    replay
        .batch_execute("begin; select from neurolink_event_outcomes for update")
        .await
        .unwrap();
    let retried = tokio::spawn(async move {
        text(
            &other,
            "select count(*)::text from neurolink_retry_jobs('{1}', null)",
        )
        .await
    });
    until_somebody_waits(&sql).await;
    // What a replay does at its end. In the other order each would wait for the other now.
    replay
        .batch_execute("delete from neurolink_dead_jobs; commit")
        .await
        .unwrap();
    assert_eq!(retried.await.unwrap(), "0");
}

#[tokio::test]
async fn a_delivery_claimed_while_its_event_is_deleted_is_its_senders_and_not_cancelled() {
    let db = TestDb::new().await;
    let (sql, worker, other) = (db.client().await, db.client().await, db.client().await);
    let id = delivery(&sql, "ali", None, Email, "pending").await;
    worker
        .batch_execute(
            "begin; update neurolink_jobs set claimed_by = gen_random_uuid(), attempt = 1",
        )
        .await
        .unwrap();
    let removal = include_str!("../../../sql/queries/ops/removal_deliveries.sql");
    let removed = tokio::spawn(async move {
        let row = other.query_one(removal, &[&vec![id / 32]]).await.unwrap();
        (
            row.get::<_, i64>("cancelled"),
            row.get::<_, i64>("under_way"),
        )
    });
    until_somebody_waits(&sql).await;
    worker.batch_execute("commit").await.unwrap();
    assert_eq!(removed.await.unwrap(), (0, 1));
    assert_eq!(
        text(&sql, "select status from neurolink_delivery_log").await,
        "pending"
    );
}
