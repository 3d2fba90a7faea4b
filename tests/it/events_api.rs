//! Events as admins and auditors read them: pages by every filter, one with its payload's digits.

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::{App, drained, people, rule};
use crate::support::limited::call_of;

const API: neurolink::app::Parts = neurolink::app::Parts {
    api: true,
    worker: false,
};

async fn get(app: &App, path: &str) -> Value {
    let (status, body) = app.call("GET", path, "eye", &["auditor"], None).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

/// The ids of a page.
fn ids(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|e| e["id"].as_i64().unwrap()).collect()
}

/// All ids, page by page.
async fn walked(app: &App, query: &str) -> Vec<i64> {
    let mut found = Vec::new();
    let mut path = format!("/v1/events?{query}");
    for _ in 0..100 {
        let page = get(app, &path).await;
        found.extend(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else {
            return found;
        };
        path = format!("/v1/events?{query}&cursor={cursor}");
    }
    panic!("{query} has no last page");
}

/// Five events: 1 and 2 of BGD, 3 of BSR, 4 and 5 of no branch.
async fn five(sql: &Client) {
    sql.batch_execute(
        "insert into neurolink_events (source_module, event_type, severity, branch_id, entity_type, entity_id, correlation_id, received_at) values
           ('invoicing', 'invoice.created', 'info', 'BGD', 'invoice', '7', 'c1', now() - interval '5 hours'),
           ('invoicing', 'invoice.overdue', 'warning', 'BGD', 'invoice', '7', 'c2', now() - interval '4 hours'),
           ('sales', 'order.created', 'info', 'BSR', 'order', '7', 'c1', now() - interval '3 hours'),
           ('sales', 'order.line.added', 'critical', null, 'order', '8', null, now() - interval '2 hours'),
           ('sales', 'orders.counted', 'info', null, null, null, null, now() - interval '1 hour')",
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn events_are_listed_newest_first_by_any_filter() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    five(&sql).await;
    let app = App::start_with(&db, API, &[]).await;
    let hours_ago = |n: i64| {
        jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() - n * 3600).unwrap()
    };
    for (query, expected) in [
        (String::new(), vec![5, 4, 3, 2, 1]),
        ("source_module=sales".into(), vec![5, 4, 3]),
        ("event_type=invoice.overdue".into(), vec![2]),
        ("event_type=order.*".into(), vec![4, 3]),
        ("event_type=*".into(), vec![5, 4, 3, 2, 1]),
        ("severity=critical".into(), vec![4]),
        ("branch_id=BGD".into(), vec![2, 1]),
        ("entity_type=order".into(), vec![4, 3]),
        ("entity_type=invoice&entity_id=7".into(), vec![2, 1]),
        ("correlation_id=c1".into(), vec![3, 1]),
        ("correlation_id=c1&branch_id=BSR".into(), vec![3]),
        ("outcome=waiting".into(), vec![5, 4, 3, 2, 1]),
        ("outcome=failed".into(), vec![]),
        (
            "from=0001-01-01T00:00:00Z&to=9999-12-30T00:00:00Z".into(),
            vec![5, 4, 3, 2, 1],
        ),
        (
            format!(
                "from={}&to={}",
                hours_ago(4) - jiff::SignedDuration::from_mins(5),
                hours_ago(2) - jiff::SignedDuration::from_mins(5)
            ),
            vec![3, 2],
        ),
        (format!("to={}", hours_ago(6)), vec![]),
        (format!("from={}", hours_ago(0)), vec![]),
    ] {
        assert_eq!(
            ids(&get(&app, &format!("/v1/events?{query}")).await),
            expected,
            "{query}"
        );
        assert_eq!(
            walked(&app, &format!("{query}&limit=1")).await,
            expected,
            "{query}, one by one"
        );
    }
    let first = &get(&app, "/v1/events?limit=1").await["items"][0];
    assert_eq!(first["outcome"]["state"], "waiting");
    assert!(first.get("payload").is_none(), "lists are without payloads");
    app.stop().await;
}

#[tokio::test]
async fn parameters_that_could_only_find_nothing_are_refused_by_name() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, API, &[]).await;
    for (query, code, place) in [
        ("severity=bad", "invalid_parameter", "severity"),
        ("outcome=lost", "invalid_parameter", "outcome"),
        ("event_type=Invoice", "invalid_parameter", "event_type"),
        ("entity_id=7", "invalid_parameter", "entity_id"),
        (
            "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
            "invalid_parameter",
            "to",
        ),
        ("from=-009999-01-02T00:00:00Z", "invalid_parameter", "from"),
        ("to=yesterday", "invalid_parameter", "to"),
        ("modul=x", "unknown_parameter", "modul"),
        ("cursor=x", "invalid_cursor", "cursor"),
        ("limit=0", "invalid_limit", "limit"),
    ] {
        let (status, body) = app
            .call(
                "GET",
                &format!("/v1/events?{query}"),
                "eye",
                &["auditor"],
                None,
            )
            .await;
        assert_eq!(
            (status, body["code"].as_str(), body["place"].as_str()),
            (400, Some(code), Some(place)),
            "{query}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn an_event_comes_with_every_digit_of_its_payload_and_what_came_of_it() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let template = json!({"title": "T {{missing}}", "recipient_users": ["cfo"], "channels": ["in_app", "sms"]});
    rule(&sql, "r", "invoice.overdue", &template).await;
    let app = App::start(&db).await;
    sql.batch_execute(
        r#"insert into neurolink_events (source_module, event_type, payload, producer_idempotency_key)
           values ('invoicing', 'invoice.overdue', '{"amount": 12345678901234567890.10, "rate": 1.50}', 'k1')"#,
    )
    .await
    .unwrap();
    drained(&sql).await;
    let id: i64 = sql
        .query_one("select id from neurolink_events", &[])
        .await
        .unwrap()
        .get(0);
    let response = app
        .client
        .get(format!("{}/v1/events/{id}", app.base))
        .bearer_auth(crate::support::http::token("eye", &["auditor"]))
        .send()
        .await
        .unwrap();
    let text = response.text().await.unwrap();
    assert!(
        text.contains("12345678901234567890.10") && text.contains("1.50"),
        "{text}"
    );
    let event: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(event["idempotency_key"], "k1");
    let outcome = &event["outcome"];
    assert_eq!(
        (
            &outcome["state"],
            &outcome["is_warned"],
            &outcome["rules_matched"],
            &outcome["notifications"]
        ),
        (&json!("matched"), &json!(true), &json!(1), &json!(1))
    );
    assert_eq!(
        event["suppressed"],
        json!([{"rule": "r", "reason": "not_configured:sms", "count": 1}])
    );
    assert_eq!(event["warnings"][0]["kind"], "missing_variable");
    assert_eq!(
        app.call("GET", "/v1/events/999", "eye", &["auditor"], None)
            .await
            .0,
        404
    );
    assert_eq!(
        app.call("GET", "/v1/events/x", "eye", &["auditor"], None)
            .await
            .0,
        404
    );
    assert_eq!(
        app.call("GET", "/v1/events/1", "erp", &["producer"], None)
            .await
            .0,
        403
    );
    app.stop().await;
}

#[tokio::test]
async fn outcomes_tell_waiting_matched_unmatched_warned_and_failed_apart() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    five(&sql).await;
    sql.batch_execute(
        r#"insert into neurolink_event_outcomes (event_id, rules_matched, warnings, error) values
             (1, 1, null, null), (2, 0, null, null), (3, 2, '[{"rule": "r", "kind": "k", "detail": "d"}]', null), (4, 0, null, 'broken')"#,
    )
    .await
    .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    for (outcome, expected) in [
        ("waiting", vec![5]),
        ("matched", vec![3, 1]),
        ("unmatched", vec![2]),
        ("warned", vec![3]),
        ("failed", vec![4]),
    ] {
        assert_eq!(
            walked(&app, &format!("outcome={outcome}&limit=1")).await,
            expected,
            "{outcome}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn a_page_walks_a_bounded_stretch_and_may_hold_nothing_while_there_is_more() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "alter table neurolink_events disable trigger user;
         insert into neurolink_events (source_module, event_type) values ('rare', 'rare.thing');
         insert into neurolink_events (source_module, event_type) select 'm', 'often.thing' from generate_series(1, 45000);
         analyze neurolink_events",
    )
    .await
    .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    let page = get(&app, "/v1/events?source_module=rare").await;
    assert_eq!(ids(&page), [0i64; 0]);
    assert!(page["next_cursor"].is_string(), "there is more to look at");
    assert_eq!(walked(&app, "source_module=rare").await, [1]);
    app.stop().await;
}

#[tokio::test]
async fn callers_of_some_branches_see_theirs_and_what_is_of_none() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    five(&sql).await;
    sql.batch_execute("insert into neurolink_event_outcomes (event_id) values (1), (3)")
        .await
        .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    for roles in [["auditor"], ["admin"]] {
        let (_, page) = call_of(&app, "GET", "/v1/events", &roles, &["BSR"]).await;
        assert_eq!(ids(&page), [5, 4, 3]);
        let (_, page) = call_of(&app, "GET", "/v1/events", &roles, &[]).await;
        assert_eq!(ids(&page), [5, 4]);
        let (_, page) = call_of(&app, "GET", "/v1/events?branch_id=BGD", &roles, &["BSR"]).await;
        assert_eq!(ids(&page), [0i64; 0]);
        for (path, status) in [("3", 200), ("5", 200), ("1", 404)] {
            for part in ["", "/trace", "/why?user=ali"] {
                let path = format!("/v1/events/{path}{part}");
                assert_eq!(
                    call_of(&app, "GET", &path, &roles, &["BSR"]).await.0,
                    status,
                    "{path}"
                );
            }
        }
    }
    for (method, path) in [("POST", "/v1/events/1/replay"), ("DELETE", "/v1/events/1")] {
        assert_eq!(
            call_of(&app, method, path, &["admin"], &["BSR"]).await.0,
            404
        );
        assert_eq!(
            call_of(&app, method, path, &["auditor"], &["*"]).await.0,
            403
        );
        assert_eq!(
            call_of(&app, method, path, &["admin"], &["BGD"]).await.0 / 100,
            2
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn a_long_transactions_events_hide_none_of_the_others_from_a_look_by_time() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    // One a second for six hours; between them, for two, twenty a second of a transaction that began at one o'clock.
    sql.batch_execute(
        "insert into neurolink_events (source_module, event_type, received_at)
         select 'test', 'test.happened', at from (
                select '2026-11-22 00:00Z'::timestamptz + n * interval '1 s' as written, '2026-11-22 00:00Z'::timestamptz + n * interval '1 s' as at
                  from generate_series(0, 21599) n
                union all
                select '2026-11-22 01:00Z'::timestamptz + n * interval '50 ms', '2026-11-22 01:00Z' from generate_series(1, 144000) n) e
          order by written",
    )
    .await
    .unwrap();
    let found = "select count(*) from neurolink_events
                  where received_at >= '2026-11-22 02:00Z' and received_at < '2026-11-22 03:00Z'
                    and id >= neurolink_event_id_at(timestamptz '2026-11-22 02:00Z' - interval '15 minutes')
                    and id < neurolink_event_id_at(timestamptz '2026-11-22 03:00Z' + interval '15 minutes')";
    let found: i64 = sql.query_one(found, &[]).await.unwrap().get(0);
    assert_eq!(found, 3600);
}
