//! Many deliveries again, by filter and expected count.

use neurolink::kernel::ChannelKind::{Email, Sms};
use serde_json::json;

use super::{API, admin, delivery, text};
use crate::support::TestDb;
use crate::support::app::App;

const RETRY: &str = "/v1/deliveries/retry";

#[tokio::test]
async fn another_count_than_expected_does_nothing_and_says_the_actual_one() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start_with(&db, API, &[]).await;
    for _ in 0..3 {
        delivery(&sql, "ali", Some("BGD"), Email, "dead").await;
    }
    delivery(&sql, "ali", Some("BGD"), Sms, "dead").await;
    let homeless = delivery(&sql, "eve", Some("BGD"), Email, "dead").await;
    sql.batch_execute(&format!(
        "update neurolink_delivery_log set address = null where id = {homeless}"
    ))
    .await
    .unwrap();
    let mut filter = json!({"channel": "email", "expected_count": 3});
    let (status, problem) = admin(&app, "POST", RETRY, Some(&filter)).await;
    assert_eq!((status, &problem["code"]), (409, &json!("count_differs")));
    assert!(problem["detail"].as_str().unwrap().starts_with("4 match"));
    let jobs = "select count(*)::text from neurolink_jobs";
    assert_eq!(text(&sql, jobs).await, "0");

    filter["expected_count"] = json!(4);
    let (status, told) = admin(&app, "POST", RETRY, Some(&filter)).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(
        told,
        json!({"matched": 4, "retried": 3, "left": {"no_address": 1}})
    );
    assert_eq!(text(&sql, jobs).await, "3");
    let by = "select string_agg(distinct actor || ' ' || action, ', ') from neurolink_audit_log";
    assert_eq!(text(&sql, by).await, "chief delivery.retried");

    for (body, code) in [
        (json!({}), "missing_field"),
        (
            json!({"status": "suppressed", "expected_count": 0}),
            "missing_field",
        ),
        (
            json!({"status": "sent", "expected_count": 0}),
            "invalid_value",
        ),
        (
            json!({"state": "dead", "expected_count": 0}),
            "unknown_field",
        ),
        (json!({"expected_count": -1}), "invalid_value"),
    ] {
        let (status, problem) = admin(&app, "POST", RETRY, Some(&body)).await;
        assert_eq!(
            (status, problem["code"].as_str()),
            (400, Some(code)),
            "{body}: {problem}"
        );
    }
    let none = json!({"status": "suppressed", "user_id": "ali", "expected_count": 0});
    let (status, told) = admin(&app, "POST", RETRY, Some(&none)).await;
    assert_eq!(
        (status, told),
        (200, json!({"matched": 0, "retried": 0, "left": {}}))
    );
    sql.batch_execute("delete from neurolink_jobs")
        .await
        .unwrap();
    app.stop().await;
}

#[tokio::test]
async fn many_go_in_small_transactions_each_once() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start_with(&db, API, &[]).await;
    sql.batch_execute(
        "insert into neurolink_notifications (user_id, in_app, title) select 'u' || n, false, 'T' from generate_series(1, 1700) n;
         insert into neurolink_delivery_log (id, notification_id, user_id, channel, status, address)
         select id * 32 + 1, id, user_id, 'email', 'dead', user_id || '@tsh.example' from neurolink_notifications",
    )
    .await
    .unwrap();
    let all = json!({"expected_count": 1700});
    let (status, told) = admin(&app, "POST", RETRY, Some(&all)).await;
    assert_eq!((status, &told["retried"]), (200, &json!(1700)), "{told}");
    let once = "select count(distinct ref_id) || ' of ' || count(*) from neurolink_jobs";
    assert_eq!(text(&sql, once).await, "1700 of 1700");
    // A transaction's deeds have one time.
    let flights = "select count(distinct at)::text from neurolink_audit_log";
    assert_eq!(text(&sql, flights).await, "4");
    sql.batch_execute("delete from neurolink_jobs")
        .await
        .unwrap();
    app.stop().await;
}
