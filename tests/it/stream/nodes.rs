//! Several nodes, and changes that nobody tells of: hints by NOTIFY, and the sweep for what has none.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::TestDb;
use crate::support::app::{App, WHOLE, event, rule};
use crate::support::inbox::{facts, fill, read_by_sql};
use crate::support::sse::Tab;

#[tokio::test]
async fn what_is_done_at_one_node_is_told_at_the_other() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let ids = fill(&sql, "ali", 10).await;
    let (here, there) = (App::start(&db).await, App::start(&db).await);
    let mut tab = Tab::open(&there, "ali").await;
    tab.next("hello").await;
    let began = Instant::now();
    for id in &ids {
        let path = format!("/v1/notifications/{id}/read");
        assert_eq!(here.call("PATCH", &path, "ali", &[], None).await.0, 200);
        assert_eq!(tab.next("notification").await["id"], *id);
        tab.next("counts").await;
    }
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "ten sweeps would take longer"
    );
    let hints = facts(&there).await["hints"].clone();
    assert!(hints["heard_by_notify"].as_u64() > Some(0), "{hints}");
    assert_eq!(
        (&hints["redis"], &hints["heard_by_redis"]),
        (&json!(null), &json!(0))
    );
    // Own ones that come back say nothing new.
    assert_eq!(facts(&here).await["hints"]["heard_by_notify"], 0);
    here.stop().await;
    there.stop().await;
}

#[tokio::test]
async fn a_lost_hint_costs_one_sweep() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let id = fill(&sql, "ali", 1).await[0];
    let here = App::start(&db).await;
    // This one listens to nobody.
    let deaf = App::start_with(&db, WHOLE, &[("NEUROLINK_WAKE_MODE", "poll")]).await;
    let mut tab = Tab::open(&deaf, "ali").await;
    tab.next("hello").await;
    let began = Instant::now();
    let path = format!("/v1/notifications/{id}/read");
    assert_eq!(here.call("PATCH", &path, "ali", &[], None).await.0, 200);
    assert_eq!(tab.next("notification").await["rev"], 2);
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(facts(&deaf).await["hints"]["heard_by_notify"], 0);
    here.stop().await;
    deaf.stop().await;
}

#[tokio::test]
async fn a_change_by_plain_sql_is_told_by_the_sweep() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let id = fill(&sql, "ali", 1).await[0];
    let app = App::start(&db).await;
    let mut tab = Tab::open(&app, "ali").await;
    let mut newcomer = Tab::open(&app, "dina").await;
    tab.next("hello").await;
    newcomer.next("hello").await;
    read_by_sql(&sql, "ali", id).await;
    fill(&sql, "dina", 2).await;
    assert!(tab.next("notification").await["read_at"].is_string());
    assert_eq!(
        tab.next("counts").await,
        json!({"unread": 0, "unseen": 0, "rev": 2})
    );
    assert_eq!(newcomer.next("notification").await["rev"], 1);
    app.stop().await;
}

#[tokio::test]
async fn a_dba_can_wake_every_stream_by_a_notify_of_their_own() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let ids = fill(&sql, "ali", 5).await;
    let app = App::start(&db).await;
    let mut tab = Tab::open(&app, "ali").await;
    tab.next("hello").await;
    let began = Instant::now();
    for id in ids {
        read_by_sql(&sql, "ali", id).await;
        sql.batch_execute("notify neurolink_inbox").await.unwrap();
        tab.next("notification").await;
        tab.next("counts").await;
    }
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "five sweeps would take longer"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_restored_database_tells_those_who_are_connected_to_reload() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    fill(&sql, "ali", 3).await;
    sql.batch_execute("insert into neurolink_users (id) values ('ali')")
        .await
        .unwrap();
    rule(
        &sql,
        "r",
        "a.b",
        &json!({"title": "T", "recipient_users": ["ali"]}),
    )
    .await;
    let app = App::start(&db).await;
    let mut tab = Tab::open(&app, "ali").await;
    tab.next("hello").await;
    let stood = tab.last_id.clone().unwrap();
    sql.batch_execute(
        "create or replace function neurolink_epoch() returns text language sql as $$ select 'after' $$;
         notify neurolink_inbox",
    )
    .await
    .unwrap();
    assert_eq!(tab.next("reset").await["rev"], 3);
    assert_eq!(tab.last_id.as_deref(), Some("after.3"));
    event(&sql, "a.b", &json!({})).await;
    assert_eq!(tab.next("notification").await["rev"], 4);
    let mut back = Tab::resume(&app, "ali", &stood).await;
    assert_eq!(back.next("hello").await["resumed"], false);
    back.next("reset").await;
    // Tombstones between where a connected reader stands and now were swept away while no node could look.
    sql.batch_execute(
        "update neurolink_inboxes set rev = 20, floor_rev = 15 where user_id = 'ali'; notify neurolink_inbox",
    )
    .await
    .unwrap();
    tab.next("counts").await;
    assert_eq!(tab.next("reset").await["rev"], 20);
    app.stop().await;
}
