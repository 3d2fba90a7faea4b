//! Inboxes whose counts have come apart from their rows: found, mended under their lock, and no stone in their owner's way.

use serde_json::json;
use tokio_postgres::Client;

use super::{codes, found, run, sound};
use crate::support::TestDb;
use crate::support::app::{App, event, people, rule, until};

/// Three unread notifications of ali's.
async fn three(db: &TestDb, sql: &Client) -> App {
    people(sql).await;
    rule(
        sql,
        "r",
        "a.b",
        &json!({"title": "T", "recipient_users": ["ali"]}),
    )
    .await;
    let app = App::start(db).await;
    for _ in 0..3 {
        event(sql, "a.b", &json!({})).await;
    }
    until(sql, "select count(*) = 3 from neurolink_notifications").await;
    app
}

#[tokio::test]
async fn an_inbox_that_has_drifted_is_found_and_its_cure_mends_it_once_and_says_so() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = three(&db, &sql).await;
    assert_eq!(codes(&db).await, [""; 0]);
    run(
        &sql,
        "update neurolink_inboxes set unread_count = 0, unseen_count = 7",
    )
    .await;
    let finding = found(&db, "inbox_drifted").await;
    assert_eq!(finding.evidence["unread"], 3);
    let before = app.get("/v1/notifications/count", "ali").await;
    for is_changed in [true, false] {
        let mended = sql.query_one(finding.cure[0].as_str(), &[]).await.unwrap();
        assert_eq!(mended.get::<_, bool>(0), is_changed);
    }
    let after = app.get("/v1/notifications/count", "ali").await;
    assert_eq!((&after["unread"], &after["unseen"]), (&json!(3), &json!(3)));
    // Whoever is connected learns of it by the revision.
    assert_eq!(
        after["rev"].as_i64(),
        before["rev"].as_i64().map(|rev| rev + 1)
    );
    let logged = sql
        .query_one(
            "select count(*), min(before::text), min(after::text) from neurolink_audit_log where action = 'inbox.recounted'",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(
        (
            logged.get::<_, i64>(0),
            logged.get::<_, &str>(1),
            logged.get::<_, &str>(2)
        ),
        (
            1,
            r#"{"unread": 0, "unseen": 7}"#,
            r#"{"unread": 3, "unseen": 3}"#
        )
    );
    assert_eq!(codes(&db).await, [""; 0]);
    app.stop().await;
}

#[tokio::test]
async fn counts_that_were_pushed_too_low_by_hand_stand_in_nobodys_way() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = three(&db, &sql).await;
    run(
        &sql,
        "update neurolink_inboxes set unread_count = 1, unseen_count = 0",
    )
    .await;
    let (status, answer) = app
        .call("POST", "/v1/notifications/mark-all-read", "ali", &[], None)
        .await;
    assert_eq!(
        (status, &answer["changed"], &answer["unread"]),
        (200, &json!(3), &json!(0)),
        "{answer}"
    );
    let drifted = sql
        .query_one("select count(*) from neurolink_inbox_drift", &[])
        .await
        .unwrap();
    assert_eq!(drifted.get::<_, i64>(0), 0, "all is read, so zero is right");
    // An event that goes takes its notification's count along.
    run(
        &sql,
        "update neurolink_notifications set read_at = null, seen_at = null",
    )
    .await;
    let first = sql
        .query_one("select min(id) from neurolink_events", &[])
        .await
        .unwrap();
    let path = format!("/v1/events/{}", first.get::<_, i64>(0));
    let (status, answer) = app.call("DELETE", &path, "root", &["admin"], None).await;
    assert_eq!(status, 200, "{answer}");
    app.stop().await;
}

#[tokio::test]
async fn who_has_no_inbox_can_t_be_recounted() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sound(&sql).await;
    let error = sql
        .query_one("select neurolink_recount_inbox('ali')", &[])
        .await
        .unwrap_err();
    assert_eq!(
        error.as_db_error().unwrap().message(),
        "there is no inbox of \"ali\""
    );
}
