//! Whoever says that they take care of something has read it, too; every open tab learns of it, and it can't be taken back.

use serde_json::{Value, json};

use super::{change, count, ids};
use crate::support::TestDb;
use crate::support::app::App;
use crate::support::inbox::fill;
use crate::support::sse::Tab;

#[tokio::test]
async fn acknowledging_reads_sees_and_tells_every_open_tab() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let all = fill(&sql, "ali", 2).await;
    let app = App::start(&db).await;
    let mut tab = Tab::open(&app, "ali").await;
    tab.next("hello").await;

    let path = format!("{}/acknowledge", all[0]);
    let (status, taken) = change(&app, "PATCH", &path, "ali").await;
    assert_eq!((status, &taken["rev"]), (200, &json!(3)));
    for at in ["acknowledged_at", "read_at", "seen_at"] {
        assert_eq!(taken[at], taken["acknowledged_at"], "{at}");
        assert_ne!(taken[at], Value::Null, "{at}");
    }
    assert_eq!(tab.next("notification").await, taken, "as the API gives it");
    let counts = json!({"unread": 1, "unseen": 1, "rev": 3});
    assert_eq!(tab.next("counts").await, counts);

    let (status, again) = change(&app, "PATCH", &path, "ali").await;
    assert_eq!((status, &again), (200, &taken), "said twice, said once");
    let (_, unread) = change(&app, "PATCH", &format!("{}/unread", all[0]), "ali").await;
    assert_eq!(
        (&unread["acknowledged_at"], &unread["read_at"]),
        (&taken["acknowledged_at"], &Value::Null),
        "it may be unread again, and stays taken care of"
    );
    assert_eq!(
        count(&app, "ali").await,
        json!({"unread": 2, "unseen": 1, "rev": 4})
    );
    app.stop().await;
}

#[tokio::test]
async fn what_was_put_aside_comes_back_when_it_is_taken_care_of() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let id = fill(&sql, "ali", 1).await[0];
    let app = App::start(&db).await;
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let snooze = json!({"until": until.to_string()});
    let path = format!("/v1/notifications/{id}/snooze");
    let (status, _) = app.call("PATCH", &path, "ali", &[], Some(&snooze)).await;
    assert_eq!(status, 200);
    let (_, taken) = change(&app, "PATCH", &format!("{id}/acknowledge"), "ali").await;
    assert_eq!(taken["snoozed_until"], Value::Null, "{taken}");
    assert_eq!(
        count(&app, "ali").await,
        json!({"unread": 0, "unseen": 0, "rev": 3})
    );
    let list = app.get("/v1/notifications", "ali").await;
    assert_eq!(ids(&list), [id]);
    let drift = sql
        .query("select from neurolink_inbox_drift", &[])
        .await
        .unwrap();
    assert!(drift.is_empty());
    app.stop().await;
}

#[tokio::test]
async fn nobody_acknowledges_for_others() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let id = fill(&sql, "ali", 1).await[0];
    let app = App::start(&db).await;
    let (status, problem) = change(&app, "PATCH", &format!("{id}/acknowledge"), "dina").await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
    app.stop().await;
}
