//! Hints by a real Redis: while it is there, after it is gone, when it hangs, and when it is back.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::app::{App, WHOLE};
use crate::support::inbox::{eventually, facts, fill};
use crate::support::redis::RedisServer;
use crate::support::sse::Tab;

async fn hints(app: &App) -> Value {
    facts(app).await["hints"].clone()
}

async fn hears_redis(app: &App, up: bool) {
    let what = format!("Redis up: {up}");
    eventually(&what, || async { hints(app).await["redis"] == up }).await;
}

/// Reads one more at `here`, and sees it at `there`.
async fn tell(here: &App, tab: &mut Tab, id: i64) {
    let path = format!("/v1/notifications/{id}/read");
    assert_eq!(here.call("PATCH", &path, "ali", &[], None).await.0, 200);
    assert_eq!(tab.next("notification").await["id"], id);
    tab.next("counts").await;
}

#[tokio::test]
async fn hints_go_by_redis_by_notify_while_it_is_away_and_by_redis_again() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let ids = fill(&sql, "ali", 5).await;
    let mut redis = RedisServer::start(Some("hunter2")).await;
    let url = redis.url();
    let settings = [("REDIS_URL", url.as_str())];
    let here = App::start_with(&db, WHOLE, &settings).await;
    let there = App::start_with(&db, WHOLE, &settings).await;
    for app in [&here, &there] {
        hears_redis(app, true).await;
    }
    let mut tab = Tab::open(&there, "ali").await;
    tab.next("hello").await;

    tell(&here, &mut tab, ids[0]).await;
    eventually("heard by Redis", || async {
        hints(&there).await["heard_by_redis"] == 1
    })
    .await;
    let told = hints(&here).await;
    assert_eq!(
        (&told["told_by_redis"], &told["told_by_notify"]),
        (&json!(1), &json!(0))
    );

    redis.kill().await;
    for app in [&here, &there] {
        hears_redis(app, false).await;
    }
    tell(&here, &mut tab, ids[1]).await;
    eventually("heard by NOTIFY", || async {
        hints(&there).await["heard_by_notify"] == 1
    })
    .await;
    assert_eq!(hints(&here).await["told_by_notify"], 1);

    redis.run().await;
    for app in [&here, &there] {
        hears_redis(app, true).await;
    }
    tell(&here, &mut tab, ids[2]).await;
    eventually("heard by Redis again", || async {
        hints(&there).await["heard_by_redis"] == 2
    })
    .await;
    let told = hints(&here).await;
    assert_eq!(
        (&told["told_by_redis"], &told["told_by_notify"]),
        (&json!(2), &json!(1))
    );

    // One that hangs is no better than one that is gone.
    redis.signal("STOP").await;
    tell(&here, &mut tab, ids[3]).await;
    eventually("told by NOTIFY", || async {
        hints(&here).await["told_by_notify"] == 2
    })
    .await;
    for app in [&here, &there] {
        hears_redis(app, false).await;
    }
    redis.signal("CONT").await;
    for app in [&here, &there] {
        hears_redis(app, true).await;
    }
    tell(&here, &mut tab, ids[4]).await;
    here.stop().await;
    there.stop().await;
}

#[tokio::test]
async fn a_node_that_can_not_hear_redis_sweeps_every_second() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let ids = fill(&sql, "ali", 6).await;
    let redis = RedisServer::start(None).await;
    let url = redis.url();
    let here = App::start_with(&db, WHOLE, &[("REDIS_URL", url.as_str())]).await;
    hears_redis(&here, true).await;
    // The other is told of a Redis that isn't there, and listens to no NOTIFY either.
    let nowhere = [
        ("REDIS_URL", "redis+unix:///nonexistent/redis.sock"),
        ("NEUROLINK_WAKE_MODE", "poll"),
    ];
    let deaf = App::start_with(&db, WHOLE, &nowhere).await;
    let mut tab = Tab::open(&deaf, "ali").await;
    tab.next("hello").await;
    let began = Instant::now();
    for id in ids {
        tell(&here, &mut tab, id).await;
    }
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "six sweeps of five seconds would take longer"
    );
    here.stop().await;
    deaf.stop().await;
}

#[tokio::test]
async fn a_redis_that_refuses_us_is_no_reason_not_to_start() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let id = fill(&sql, "ali", 1).await[0];
    let redis = RedisServer::start(Some("hunter2")).await;
    for url in [
        redis.url_with(Some("wrong")),
        redis.url_with(None),
        "redis://127.0.0.1:1".to_owned(),
    ] {
        let settings = [("REDIS_URL", url.as_str())];
        let here = App::start_with(&db, WHOLE, &settings).await;
        let there = App::start_with(&db, WHOLE, &settings).await;
        let mut tab = Tab::open(&there, "ali").await;
        tab.next("hello").await;
        let path = format!("/v1/notifications/{id}/read");
        assert_eq!(here.call("PATCH", &path, "ali", &[], None).await.0, 200);
        tab.next("notification").await;
        let told = hints(&here).await;
        assert_eq!(
            (&told["redis"], &told["told_by_redis"]),
            (&json!(false), &json!(0)),
            "{told}"
        );
        let path = format!("/v1/notifications/{id}/unread");
        assert_eq!(here.call("PATCH", &path, "ali", &[], None).await.0, 200);
        here.stop().await;
        there.stop().await;
    }
}
