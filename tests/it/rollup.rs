//! Minute roll-ups: what they count, that they are made once, and that nothing is counted before it can't change any more.

use std::collections::BTreeMap;

use neurolink::ops::rollup::{catch_up, model::METRICS};
use tokio_postgres::Client;

use crate::support::TestDb;

/// Events that were evaluated so long ago, each 20 ms after it came, with these module, type and severity.
async fn evaluated(sql: &Client, count: i32, ago: &str, module: &str, event_type: &str) {
    sql.execute(
        "with came as (
             insert into neurolink_events (source_module, event_type, received_at)
             select $3, $4, now() - $2::text::interval - interval '20 ms' from generate_series(1, $1) returning id)
         insert into neurolink_event_outcomes (event_id, evaluated_at, rules_matched)
         select id, now() - $2::text::interval, 1 from came",
        &[&count, &ago, &module, &event_type],
    )
    .await
    .unwrap();
    // They came by another way than the queue.
    sql.batch_execute("delete from neurolink_jobs")
        .await
        .unwrap();
}

/// All that is rolled, added up: metric and label.
async fn rolled(sql: &Client) -> BTreeMap<(String, String), f64> {
    let rows = sql
        .query(
            "select metric, label, sum(value) from neurolink_metrics group by metric, label",
            &[],
        )
        .await
        .unwrap();
    rows.iter()
        .map(|row| ((row.get(0), row.get(1)), row.get(2)))
        .collect()
}

fn of(rolled: &BTreeMap<(String, String), f64>, metric: &str, label: &str) -> f64 {
    let key = (metric.to_owned(), label.to_owned());
    rolled.get(&key).copied().unwrap_or_default()
}

#[tokio::test]
async fn a_minute_says_what_came_of_its_events_and_how_long_it_took() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    evaluated(&sql, 3, "5 minutes", "sales", "order.created").await;
    evaluated(&sql, 1, "5 minutes", "invoicing", "invoice.overdue").await;
    sql.batch_execute(
        "update neurolink_event_outcomes set rules_matched = 0 where event_id = 1;
         update neurolink_event_outcomes set warnings = '[]' where event_id = 2;
         update neurolink_event_outcomes set error = 'broke' where event_id = 3;
         insert into neurolink_notifications (user_id, id, rev, event_id, rule_id, title, created_at) overriding system value values
           ('u', 1, 1, 4, 7, 't', now() - interval '5 minutes'), ('v', 2, 1, 4, 7, 't', now() - interval '5 minutes'),
           ('u', 3, 2, null, null, 'by hand', now() - interval '4 minutes'), ('u', 4, 3, 4, 9, 'later', now() - interval '4 minutes');
         insert into neurolink_delivery_log (id, notification_id, user_id, channel, status, created_at, ended_at)
         select n.id * 32 + c.number, n.id, n.user_id, c.channel, c.status, n.created_at, case c.number when 0 then n.created_at end
           from neurolink_notifications n cross join (values (0, 'in_app', 'delivered'), (1, 'email', 'pending')) c (number, channel, status)",
    )
    .await
    .unwrap();
    catch_up(&db.db()).await.unwrap();
    let rolled = rolled(&sql).await;
    for (metric, label, count) in [
        ("events", "", 4.0),
        ("events.module", "sales", 3.0),
        ("events.module", "invoicing", 1.0),
        ("events.type", "order.created", 3.0),
        ("events.severity", "info", 4.0),
        ("events.outcome", "unmatched", 1.0),
        ("events.outcome", "warned", 1.0),
        ("events.outcome", "failed", 1.0),
        ("events.outcome", "matched", 1.0),
        ("notifications", "", 4.0),
        ("notifications.rule", "9", 1.0),
        ("notifications.rule", "7", 2.0),
        ("notified_seconds.bucket", "0.022627", 4.0),
    ] {
        assert_eq!(
            of(&rolled, metric, label),
            count,
            "{metric} {label} {rolled:?}"
        );
    }
    for percentile in ["p50", "p95", "p99"] {
        let seconds = of(&rolled, "notified_seconds", percentile);
        assert!((seconds - 0.02).abs() < 1e-6, "{percentile}: {seconds}");
    }
    for (metric, _) in rolled.keys() {
        assert!(
            METRICS.iter().any(|m| m.name == metric),
            "{metric} is unknown"
        );
    }
}

#[tokio::test]
async fn a_delivery_counts_when_it_ends_and_how_it_ended() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    evaluated(&sql, 1, "9 minutes", "sales", "order.created").await;
    sql.batch_execute(
        "insert into neurolink_notifications (user_id, id, rev, event_id, rule_id, title, created_at) overriding system value
         select 'u', n, n, 1, n, 't', now() - interval '9 minutes' from generate_series(1, 5) n;
         insert into neurolink_delivery_log (id, notification_id, user_id, channel, status, created_at, ended_at) values
           (32, 1, 'u', 'in_app', 'delivered', now() - interval '9 minutes', now() - interval '9 minutes'),
           (33, 1, 'u', 'email', 'suppressed', now() - interval '9 minutes', now() - interval '9 minutes'),
           (65, 2, 'u', 'email', 'sent', now() - interval '9 minutes', now() - interval '5 minutes'),
           (97, 3, 'u', 'email', 'dead', now() - interval '9 minutes', now() - interval '4 minutes'),
           (129, 4, 'u', 'email', 'cancelled', now() - interval '9 minutes', now() - interval '4 minutes'),
           (161, 5, 'u', 'email', 'pending', now() - interval '9 minutes', null);
         insert into neurolink_delivery_attempts (delivery_id, attempt, worker, started_at, finished_at, outcome) values
           (65, 1, gen_random_uuid(), now(), now() - interval '6 minutes', 'transient'),
           (65, 2, gen_random_uuid(), now(), now() - interval '5 minutes', 'accepted'),
           (97, 1, gen_random_uuid(), now(), now() - interval '4 minutes', 'permanent')",
    )
    .await
    .unwrap();
    catch_up(&db.db()).await.unwrap();
    let rolled = rolled(&sql).await;
    for (metric, label, count) in [
        ("deliveries", "in_app/delivered", 1.0),
        ("deliveries", "email/suppressed", 1.0),
        ("deliveries", "email/sent", 1.0),
        ("deliveries", "email/dead", 1.0),
        ("deliveries", "email/cancelled", 1.0),
        ("attempts", "email/transient", 1.0),
        ("attempts", "email/accepted", 1.0),
        ("attempts", "email/permanent", 1.0),
    ] {
        assert_eq!(of(&rolled, metric, label), count, "{metric} {label}");
    }
    let ended: f64 = rolled
        .iter()
        .filter(|((metric, _), _)| metric == "deliveries")
        .map(|(_, value)| value)
        .sum();
    assert_eq!(ended, 5.0, "what is pending has not ended: {rolled:?}");
    // Four minutes after its event.
    let seconds = of(&rolled, "delivered_seconds", "p50");
    assert!((seconds - 240.02).abs() < 0.5, "{seconds}");
}

#[tokio::test]
async fn what_waited_for_quiet_hours_is_sent_and_says_nothing_about_the_pace() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    evaluated(&sql, 1, "9 minutes", "sales", "order.created").await;
    sql.batch_execute(
        "insert into neurolink_notifications (user_id, id, rev, event_id, rule_id, title) overriding system value
         values ('u', 1, 1, 1, 1, 't');
         insert into neurolink_delivery_log (id, notification_id, user_id, channel, status, deferred_by, created_at, ended_at)
         values (33, 1, 'u', 'email', 'sent', 'quiet_hours', now() - interval '9 minutes', now() - interval '5 minutes');
         insert into neurolink_delivery_attempts (delivery_id, attempt, worker, started_at, finished_at, outcome)
         values (33, 1, gen_random_uuid(), now(), now() - interval '5 minutes', 'accepted')",
    )
    .await
    .unwrap();
    catch_up(&db.db()).await.unwrap();
    let rolled = rolled(&sql).await;
    assert_eq!(of(&rolled, "deliveries", "email/sent"), 1.0);
    let paced = |(metric, _): &&(String, String)| metric.starts_with("delivered_seconds");
    assert_eq!(rolled.keys().find(paced), None);
}

#[tokio::test]
async fn a_minute_that_may_still_change_is_left_for_later() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    evaluated(&sql, 1, "5 minutes", "sales", "order.created").await;
    evaluated(&sql, 1, "0 minutes", "sales", "order.created").await;
    catch_up(&db.db()).await.unwrap();
    assert_eq!(of(&rolled(&sql).await, "events", ""), 1.0);
    let is_settled: bool = sql
        .query_one(
            "select value::timestamptz <= now() - interval '1 minute' and value::timestamptz >= now() - interval '3 minutes'
               from neurolink_meta where key = 'metrics_rolled_to'",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert!(is_settled, "rolled to the last minute that can't change");
}

#[tokio::test]
async fn minutes_wait_for_a_transaction_of_ours_that_began_before_their_end_but_not_for_ever() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    // As if the transaction had lasted so long.
    let until = async |ended: &str| -> bool {
        let ask = format!(
            "select neurolink_roll_until(m + interval '{ended}') = m + interval '{ended}' from date_trunc('minute', now(), 'UTC') m"
        );
        sql.query_one(&ask, &[]).await.unwrap().get(0)
    };
    let mut other = db.client().await;
    let open = other.transaction().await.unwrap();
    open.batch_execute("select pg_current_xact_id()")
        .await
        .unwrap();
    assert!(until("10 minutes").await, "what others do isn't ours");
    open.batch_execute("set application_name = 'neurolink'")
        .await
        .unwrap();
    let waits: bool = sql
        .query_one(
            "select neurolink_roll_until(m + interval '10 minutes') =
                    (select date_trunc('minute', xact_start, 'UTC') from pg_stat_activity
                      where datname = current_database() and application_name = 'neurolink')
               from date_trunc('minute', now(), 'UTC') m",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert!(waits, "its start is where minutes may still change");
    let bounded: bool = sql
        .query_one(
            "select neurolink_roll_until(m + interval '3 hours') = m + interval '150 minutes' from date_trunc('minute', now(), 'UTC') m",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert!(bounded, "half an hour is waited, and no longer");
    open.rollback().await.unwrap();
    assert!(until("10 minutes").await, "it has ended");
    let reads = other.transaction().await.unwrap();
    reads
        .batch_execute("set application_name = 'neurolink'; select 1")
        .await
        .unwrap();
    assert!(
        until("10 minutes").await,
        "who has written nothing adds nothing"
    );
    reads.rollback().await.unwrap();
}

#[tokio::test]
async fn however_many_nodes_call_each_minute_is_counted_once() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    evaluated(&sql, 40, "20 minutes", "sales", "order.created").await;
    evaluated(&sql, 2, "3 hours", "sales", "order.created").await;
    let pool = db.db();
    let calls = (0..6).map(|_| catch_up(&pool));
    for done in futures_util::future::join_all(calls).await {
        done.unwrap();
    }
    // Who didn't get the lock has left it to who had.
    catch_up(&pool).await.unwrap();
    catch_up(&pool).await.unwrap();
    assert_eq!(of(&rolled(&sql).await, "events", ""), 42.0);
}

#[tokio::test]
async fn after_days_without_a_node_it_catches_up_in_bounded_steps() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    evaluated(&sql, 1, "26 hours", "sales", "order.created").await;
    evaluated(&sql, 1, "10 minutes", "sales", "order.created").await;
    let left: i32 = sql
        .query_one("select neurolink_roll_up()", &[])
        .await
        .unwrap()
        .get(0);
    assert!(
        (1400..1560).contains(&left),
        "an hour at most is done: {left}"
    );
    catch_up(&db.db()).await.unwrap();
    assert_eq!(of(&rolled(&sql).await, "events", ""), 2.0);
    // And nothing is left to do.
    let again: i32 = sql
        .query_one("select neurolink_roll_up()", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(again, 0);
}

#[tokio::test]
async fn an_hour_is_the_sum_of_its_minutes_and_the_worst_of_its_waits() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "insert into neurolink_metrics (minute, metric, label, value) values
           ('2026-03-01T10:00Z', 'events', '', 3), ('2026-03-01T10:58Z', 'events', '', 4), ('2026-03-01T11:00Z', 'events', '', 9),
           ('2026-03-01T10:00Z', 'notified_seconds', 'p50', 0.5), ('2026-03-01T10:10Z', 'notified_seconds', 'p50', 0.1),
           ('2026-03-01T10:00Z', 'queue.waiting', 'event', 5), ('2026-03-01T10:01Z', 'queue.waiting', 'event', 2);
         select neurolink_roll_minute('2026-03-01T10:58Z')",
    )
    .await
    .unwrap();
    let hours = "select coalesce(string_agg(metric || ' ' || label || ' ' || value, ',' order by metric), '') from neurolink_metrics_hours";
    let before: String = sql.query_one(hours, &[]).await.unwrap().get(0);
    assert_eq!(before, "", "the hour isn't over");
    // In a zone whose hours begin in the middle of ours.
    sql.batch_execute(
        "set timezone = 'Asia/Kolkata'; select neurolink_roll_minute('2026-03-01T10:59Z')",
    )
    .await
    .unwrap();
    let after: String = sql.query_one(hours, &[]).await.unwrap().get(0);
    assert_eq!(
        after,
        "events  7,notified_seconds p50 0.5,queue.waiting event 5"
    );
}

#[tokio::test]
async fn a_producer_that_makes_up_types_cant_fill_the_table() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "with came as (
             insert into neurolink_events (source_module, event_type, received_at)
             select 'sales', 'made.up_' || n, now() - interval '5 minutes' from generate_series(1, 300) n returning id)
         insert into neurolink_event_outcomes (event_id, evaluated_at) select id, now() - interval '5 minutes' from came;
         delete from neurolink_jobs",
    )
    .await
    .unwrap();
    catch_up(&db.db()).await.unwrap();
    let rolled = rolled(&sql).await;
    let types = rolled.keys().filter(|(metric, _)| metric == "events.type");
    assert_eq!(types.count(), 201);
    assert_eq!(of(&rolled, "events.type", "other"), 100.0);
}

#[tokio::test]
async fn the_queue_is_noted_for_the_minute_that_has_just_ended() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "insert into neurolink_jobs (kind, channel, ref_id, run_at) values
           ('event', '', 1, now() - interval '90 s'), ('event', 'single', 2, now()), ('delivery', 'email', 3, now())",
    )
    .await
    .unwrap();
    catch_up(&db.db()).await.unwrap();
    let rolled = rolled(&sql).await;
    assert_eq!(of(&rolled, "queue.waiting", "event"), 2.0);
    assert_eq!(of(&rolled, "queue.waiting", "delivery/email"), 1.0);
    assert!(of(&rolled, "queue.oldest_seconds", "event") >= 90.0);
    sql.batch_execute("delete from neurolink_jobs")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_deep_queue_is_estimated_instead_of_counted() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "insert into neurolink_jobs (kind, ref_id) select 'event', n from generate_series(1, 30000) n;
         insert into neurolink_jobs (kind, channel, ref_id) select 'delivery', 'email', n from generate_series(1, 7) n;
         analyze neurolink_jobs",
    )
    .await
    .unwrap();
    let rows = sql
        .query(
            "select kind, waiting, is_estimate from neurolink_queue_depth() order by kind",
            &[],
        )
        .await
        .unwrap();
    let depths: Vec<(String, i64, bool)> = rows
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect();
    assert_eq!(
        depths,
        [
            ("delivery".to_owned(), 7, false),
            ("event".to_owned(), 30_000, true)
        ]
    );
    sql.batch_execute("truncate neurolink_jobs").await.unwrap();
}

#[tokio::test]
async fn the_page_describes_every_metric_of_the_roll_ups() {
    let page = include_str!("../../src/ops/README.md");
    for metric in METRICS {
        let fold = format!("{:?}", metric.fold).to_lowercase();
        let row = format!(
            "| `{}` | {} | {fold} | {} |",
            metric.name, metric.label, metric.about
        );
        assert!(page.contains(&row), "src/ops/README.md lacks:\n{row}");
    }
}
