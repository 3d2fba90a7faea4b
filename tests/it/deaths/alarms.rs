//! `kill -9` of a worker while it acts on alarms: delays, digests, escalations and what a payment resolves.

use serde_json::{Value, json};
use tokio_postgres::Client;

use super::SOMEBODY_WAITS;
use crate::support::TestDb;
use crate::support::app::{App, drained, number, people, rule, until};
use crate::support::process::Process;

async fn rules(sql: &Client) {
    people(sql).await;
    let to_ali = |more: Value| {
        let mut template = json!({"title": "Event {{n}}", "recipient_users": ["ali"]});
        template
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        template
    };
    rule(sql, "later", "a.later", &to_ali(json!({"delay": "1h"}))).await;
    rule(
        sql,
        "many",
        "a.many",
        &to_ali(json!({"digest": {"every": "1d"}})),
    )
    .await;
    let watched = to_ali(json!({"escalate": [{"after": "1h", "recipient_users": ["cfo"]}]}));
    rule(sql, "watched", "a.watched", &watched).await;
}

async fn happen(sql: &Client) {
    sql.batch_execute(
        "insert into neurolink_events (source_module, event_type, payload)
         select 'test', t, jsonb_build_object('n', n) from generate_series(1, 30) as n, unnest('{a.later,a.many,a.watched}'::text[]) as t",
    )
    .await
    .unwrap();
}

async fn fall_due(sql: &Client) {
    for step in [
        "update neurolink_rule_states set due_at = now() where due_at is not null",
        "update neurolink_jobs set run_at = now() where kind in ('reminder', 'digest', 'escalation', 'fanout')",
    ] {
        sql.batch_execute(step).await.unwrap();
    }
}

/// Thirty told later, one digest of thirty, thirty told and escalated once; and nothing is left to ring.
async fn each_once(sql: &Client) {
    let question = "select count(*) filter (where user_id = 'ali' and event_type = 'a.later'), count(*) filter (where event_id is null),
                           count(*) filter (where user_id = 'ali' and event_type = 'a.watched'), count(*) filter (where user_id = 'cfo'),
                           count(distinct (event_id, rule_id, user_id, step)) filter (where event_id is not null)
                      from neurolink_notifications";
    let row = sql.query_one(question, &[]).await.unwrap();
    let seen: [i64; 5] = std::array::from_fn(|n| row.get(n));
    assert_eq!(seen, [30, 1, 30, 30, 90]);
    for (what, expected) in [
        (
            "select count(*) from neurolink_digest_items where notification_id is not null",
            30,
        ),
        (
            "select sum(notifications)::bigint from neurolink_event_outcomes",
            90,
        ),
        (
            "select count(*) from neurolink_rule_states where due_at is not null",
            0,
        ),
        ("select count(*) from neurolink_jobs", 0),
        ("select count(*) from neurolink_dead_jobs", 0),
        ("select count(*) from neurolink_inbox_drift", 0),
    ] {
        assert_eq!(number(sql, what).await, expected, "{what}");
    }
}

/// Its transaction stands at ali's inbox, with everything it would write behind it.
#[tokio::test]
async fn a_worker_killed_while_alarms_are_acted_on_gives_all_of_them_to_the_next() {
    let db = TestDb::new().await;
    let (sql, locker) = (db.client().await, db.client().await);
    rules(&sql).await;
    let app = App::start(&db).await;
    happen(&sql).await;
    drained(&sql).await;
    app.stop().await;
    fall_due(&sql).await;
    locker
        .batch_execute("begin; select from neurolink_inboxes where user_id = 'ali' for update")
        .await
        .unwrap();
    let doomed = Process::worker(&db, &[]).await;
    until(&sql, SOMEBODY_WAITS).await;
    doomed.kill().await;
    let heir = App::start(&db).await;
    locker.batch_execute("rollback").await.unwrap();
    drained(&sql).await;
    each_once(&sql).await;
    heir.stop().await;
}

/// Two processes are killed one after the other while they share alarms and events; a third ends the work.
#[tokio::test]
async fn whoever_dies_when_every_event_and_every_alarm_is_acted_on_once() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    rules(&sql).await;
    for _ in 0..2 {
        let doomed = Process::worker(&db, &[("NEUROLINK_BATCH_SIZE", "5")]).await;
        if number(&sql, "select count(*) from neurolink_events").await == 0 {
            happen(&sql).await;
        }
        until(&sql, "select exists (select from neurolink_event_outcomes)").await;
        fall_due(&sql).await;
        doomed.kill().await;
    }
    let heir = App::start(&db).await;
    drained(&sql).await;
    fall_due(&sql).await;
    sql.batch_execute("notify neurolink_wake").await.unwrap();
    drained(&sql).await;
    // A digest that fell due between two of its things is told twice: once for each.
    let gathered = "select count(*) from neurolink_digest_items where notification_id is not null";
    assert_eq!(number(&sql, gathered).await, 30);
    let once = "select count(*) from neurolink_notifications where event_id is not null";
    assert_eq!(number(&sql, once).await, 90);
    assert_eq!(number(&sql, "select count(*) from neurolink_jobs").await, 0);
    assert_eq!(
        number(&sql, "select count(*) from neurolink_inbox_drift").await,
        0
    );
    heir.stop().await;
}
