//! A node in tight places: the fewest connections that it may be given, and a rush that doesn't end.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use neurolink::app::Node;
use neurolink::db::Db;
use neurolink::pipeline::rulebook::Rulebook;
use neurolink::pipeline::{Evaluator, Hooks, Settings};
use neurolink::queue::presence::Presence;
use neurolink::queue::{Incarnation, Source as _};
use serde_json::json;

use crate::support::TestDb;
use crate::support::app::{WHOLE, config, drained, event, rule, until};

/// The smallest pool that the settings allow.
const FEWEST: &str = "5";

#[tokio::test]
async fn the_fewest_connections_are_enough_for_a_rush_of_people_who_are_told_for_the_first_time() {
    let test = TestDb::new().await;
    let sql = test.client().await;
    sql.batch_execute(
        "insert into neurolink_users (id) select 'u' || n from generate_series(1, 2000) n;
         insert into neurolink_events (source_module, event_type, payload)
         select 'test', 'a.b', jsonb_build_object('who', 'u' || n) from generate_series(1, 2000) n",
    )
    .await
    .unwrap();
    rule(
        &sql,
        "r",
        "a.b",
        &json!({"title": "T", "recipient_fields": ["who"]}),
    )
    .await;

    let config = config(&[
        ("NEUROLINK_DB_POOL_SIZE", FEWEST),
        ("NEUROLINK_BATCH_SIZE", "20"),
    ]);
    let size = config.database.pool_size;
    let db = Db::open(test.config(), test.config(), size, Duration::from_secs(30)).unwrap();
    let node = Node::start(&config, db, WHOLE).await.unwrap();
    drained(&sql).await;
    let told: i64 = sql
        .query_one("select count(*) from neurolink_notifications", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(told, 2000);
    node.stop().await;
}

#[tokio::test]
async fn an_event_that_was_set_apart_is_tried_again_while_the_rush_goes_on() {
    let test = TestDb::new().await;
    let sql = test.client().await;
    let db = test.db();
    let evaluator = Evaluator::new(
        db.clone(),
        Presence::new(db.clone(), Incarnation::new(), true, 10),
        Rulebook::new(db),
        Settings {
            batch_size: 10,
            watchdog: Duration::from_secs(5),
            configured: HashSet::new(),
            delivery_max_attempts: 3,
            storm_limit: 0,
            admin_role: "admin".to_owned(),
        },
        Hooks {
            inboxes: Arc::new(|_| ()),
            deliveries: Arc::new(|| ()),
            alarms: Arc::new(|| ()),
        },
    );
    evaluator.round(true).await.unwrap();
    let apart = event(&sql, "a.b", &json!({})).await;
    sql.batch_execute("update neurolink_jobs set channel = 'single'")
        .await
        .unwrap();
    // A worker in a rush never looks from zero, and never rests.
    let rush = async {
        loop {
            event(&sql, "a.b", &json!({})).await;
            evaluator.round(false).await.unwrap();
        }
    };
    let other = test.client().await;
    let question =
        format!("select exists (select from neurolink_event_outcomes where event_id = {apart})");
    tokio::select! {
        () = rush => {}
        () = until(&other, &question) => {}
    }
}

#[tokio::test]
async fn events_without_job_and_outcome_are_found_and_queued_once() {
    let test = TestDb::new().await;
    let sql = test.client().await;
    // A load with triggers off, of an hour ago and of now, whose transaction may still be on its way.
    sql.batch_execute(
        "alter table neurolink_events disable trigger user;
         insert into neurolink_events (source_module, event_type, received_at)
         select 'test', 'a.b', now() - n * interval '1 hour' from unnest('{3,2,0}'::int[]) n;
         alter table neurolink_events enable trigger user",
    )
    .await
    .unwrap();
    let presence = Presence::new(test.db(), Incarnation::new(), true, 10);
    let settled = presence.sweep(0).await.unwrap();
    assert_eq!(presence.sweep(settled).await.unwrap(), settled);
    let row = sql
        .query_one(
            "select (select array_agg(ref_id order by ref_id) from neurolink_jobs),
                    (select array_agg(id order by id) from neurolink_events where received_at < now() - interval '1 minute')",
            &[],
        )
        .await
        .unwrap();
    let (queued, old): (Vec<i64>, Vec<i64>) = (row.get(0), row.get(1));
    assert_eq!(queued, old);
    assert_eq!(Some(&settled), old.last());
}
