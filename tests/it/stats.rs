//! The numbers over HTTP: one metric over time, and the summary of the last hour, day and week.

use neurolink::app::Parts;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::App;
use crate::support::http::SECRET;

const API: Parts = Parts {
    api: true,
    worker: false,
};

async fn ask(app: &App, path: &str) -> (u16, Value) {
    app.call("GET", path, "auditor", &["auditor"], None).await
}

/// Roll-ups that end at 09:30 on the first of March 2026.
async fn rolled(sql: &Client) {
    sql.batch_execute(
        "insert into neurolink_meta (key, value) values ('metrics_rolled_to', '2026-03-01T09:30:00Z');
         insert into neurolink_metrics (minute, metric, label, value) values
           ('2026-03-01T08:29Z', 'events', '', 1000),
           ('2026-03-01T08:30Z', 'events', '', 10), ('2026-03-01T09:29Z', 'events', '', 5),
           ('2026-03-01T09:29Z', 'events.module', 'sales', 3), ('2026-03-01T09:29Z', 'events.module', 'invoicing', 2),
           ('2026-03-01T09:29Z', 'events.outcome', 'matched', 5), ('2026-03-01T09:29Z', 'notifications', '', 8),
           ('2026-03-01T09:28Z', 'deliveries', 'email/sent', 4), ('2026-03-01T09:29Z', 'deliveries', 'email/dead', 1),
           ('2026-03-01T09:28Z', 'notified_seconds', 'p95', 0.5), ('2026-03-01T09:29Z', 'notified_seconds', 'p95', 0.2),
           ('2026-03-01T09:29Z', 'notified_seconds.bucket', '0.016000', 99),
           ('2026-03-01T09:29Z', 'notified_seconds.bucket', '1.024000', 1),
           ('2026-02-28T09:30Z', 'events', '', 7), ('2026-02-28T09:29Z', 'events', '', 100000);
         insert into neurolink_metrics_hours (hour, metric, label, value) values
           ('2026-03-01T08:00Z', 'events', '', 1010), ('2026-02-28T10:00Z', 'events', '', 40),
           ('2026-02-28T09:00Z', 'events', '', 100007), ('2026-02-25T00:00Z', 'events', '', 200),
           ('2026-02-22T09:00Z', 'events', '', 1000000)",
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn the_summary_counts_to_the_minute_what_each_window_holds() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    rolled(&sql).await;
    sql.batch_execute(
        "insert into neurolink_jobs (kind, channel, ref_id, run_at) values
           ('event', '', 1, now() - interval '10 s'), ('event', 'single', 2, now()), ('delivery', 'email', 3, now() + interval '1 h')",
    )
    .await
    .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    let (status, summary) = ask(&app, "/v1/events/stats/summary").await;
    assert_eq!(status, 200, "{summary}");
    assert_eq!(summary["as_of"], "2026-03-01T09:30:00Z");
    let windows = summary["windows"].as_array().unwrap();
    let totals: Vec<(&Value, &Value, &Value)> = windows
        .iter()
        .map(|w| (&w["window"], &w["from"], &w["events"]["total"]))
        .collect();
    assert_eq!(
        totals,
        [
            (&json!("1h"), &json!("2026-03-01T08:30:00Z"), &json!(15)),
            (
                &json!("24h"),
                &json!("2026-02-28T09:30:00Z"),
                &json!(7 + 40 + 1010 + 5)
            ),
            (
                &json!("7d"),
                &json!("2026-02-22T09:30:00Z"),
                &json!(200 + 100_007 + 40 + 1010 + 5)
            ),
        ]
    );
    let hour = &windows[0];
    assert_eq!(
        hour["events"]["by_module"],
        json!({"sales": 3, "invoicing": 2})
    );
    assert_eq!(hour["events"]["by_outcome"], json!({"matched": 5}));
    assert_eq!(hour["notifications"], 8);
    assert_eq!(hour["deliveries"], json!({"email": {"sent": 4, "dead": 1}}));
    let waits = &hour["notified_seconds"];
    assert!(
        waits["p50"].as_f64().unwrap() <= 0.016 && waits["p99"].as_f64().unwrap() <= 0.017,
        "{waits}"
    );
    assert_eq!(hour["delivered_seconds"], Value::Null);
    let queue = &summary["queue"];
    assert_eq!(
        (
            &queue["events"]["waiting"],
            &queue["deliveries"]["email"]["later"]
        ),
        (&json!(2), &json!(1))
    );
    assert!(queue["events"]["oldest_seconds"].as_f64().unwrap() >= 10.0);
    sql.batch_execute("delete from neurolink_jobs")
        .await
        .unwrap();
    app.stop().await;
}

#[tokio::test]
async fn before_the_first_roll_up_there_is_nothing_and_it_says_so() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, API, &[]).await;
    let (status, summary) = ask(&app, "/v1/events/stats/summary").await;
    assert_eq!(
        (status, &summary["as_of"]),
        (200, &Value::Null),
        "{summary}"
    );
    assert_eq!(summary["windows"][2]["events"]["total"], 0);
    let (status, series) = ask(&app, "/v1/metrics/series?metric=events").await;
    assert_eq!((status, &series["series"]), (200, &json!([])), "{series}");
    app.stop().await;
}

#[tokio::test]
async fn a_series_folds_minutes_into_steps() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    rolled(&sql).await;
    let app = App::start_with(&db, API, &[]).await;
    let range = "from=2026-03-01T08:30:00Z&to=2026-03-01T09:30:00Z";
    let (status, events) = ask(
        &app,
        &format!("/v1/metrics/series?metric=events&{range}&step=30m"),
    )
    .await;
    assert_eq!(status, 200, "{events}");
    assert_eq!(
        (&events["fold"], &events["step_seconds"]),
        (&json!("sum"), &json!(1800))
    );
    assert_eq!(
        events["series"],
        json!([{"label": "", "points": [{"at": "2026-03-01T08:30:00Z", "value": 10.0}, {"at": "2026-03-01T09:00:00Z", "value": 5.0}]}])
    );
    let (_, worst) = ask(
        &app,
        &format!("/v1/metrics/series?metric=notified_seconds&label=p95&{range}&step=15m"),
    )
    .await;
    assert_eq!(worst["fold"], "worst");
    assert_eq!(
        worst["series"][0]["points"],
        json!([{"at": "2026-03-01T09:15:00Z", "value": 0.5}])
    );
    let (_, modules) = ask(
        &app,
        &format!("/v1/metrics/series?metric=events.module&{range}"),
    )
    .await;
    let labels: Vec<&Value> = modules["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["label"])
        .collect();
    assert_eq!(
        labels,
        [&json!("sales"), &json!("invoicing")],
        "the largest first"
    );
    assert_eq!(modules["more_labels"], false);
    app.stop().await;
}

#[tokio::test]
async fn longer_steps_come_from_hours_and_the_open_hour_from_its_minutes() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    rolled(&sql).await;
    let app = App::start_with(&db, API, &[]).await;
    let path = "/v1/metrics/series?metric=events&from=2026-02-28T10:00:00Z&to=2026-03-01T10:00:00Z&step=1h";
    let (status, events) = ask(&app, path).await;
    assert_eq!(status, 200, "{events}");
    assert_eq!(
        events["series"][0]["points"],
        json!([{"at": "2026-02-28T10:00:00Z", "value": 40.0}, {"at": "2026-03-01T08:00:00Z", "value": 1010.0}, {"at": "2026-03-01T09:00:00Z", "value": 5.0}])
    );
    app.stop().await;
}

#[tokio::test]
async fn what_a_series_cant_be_is_refused_by_name() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, API, &[]).await;
    for (query, code, place) in [
        ("", "missing_parameter", "metric"),
        ("?metric=nonsense", "invalid_parameter", "metric"),
        ("?metric=events&step=7w", "invalid_parameter", "step"),
        ("?metric=events&step=90", "invalid_parameter", "step"),
        ("?metric=events&from=yesterday", "invalid_parameter", "from"),
        (
            "?metric=events&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
            "invalid_parameter",
            "from",
        ),
        (
            "?metric=events&from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z&step=1d",
            "invalid_parameter",
            "from",
        ),
        (
            "?metric=events.type&from=2026-01-01T00:00:00Z&to=2026-01-01T20:00:00Z&step=1m",
            "invalid_parameter",
            "from",
        ),
        ("?metric=events&colour=red", "unknown_parameter", "colour"),
    ] {
        let (status, problem) = ask(&app, &format!("/v1/metrics/series{query}")).await;
        assert_eq!(status, 400, "{query}: {problem}");
        assert_eq!(
            (&problem["code"], &problem["place"]),
            (&json!(code), &json!(place)),
            "{query}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn who_sees_only_some_branches_is_told_why_the_numbers_of_all_are_not_for_them() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, API, &[]).await;
    let exp = jiff::Timestamp::now().as_second() + 600;
    let claims = json!({"sub": "dina", "roles": ["auditor"], "branch_ids": ["BSR"], "exp": exp});
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    for path in [
        "/v1/events/stats/summary",
        "/v1/metrics/series?metric=events",
    ] {
        let url = format!("{}{path}", app.base);
        let answer = app
            .client
            .get(url)
            .bearer_auth(&token)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 403, "{path}");
        let problem: Value = answer.json().await.unwrap();
        assert!(
            problem["detail"].as_str().unwrap().contains("all branches"),
            "{problem}"
        );
        let (status, _) = app.call("GET", path, "nobody", &["producer"], None).await;
        assert_eq!(status, 403);
    }
    app.stop().await;
}
