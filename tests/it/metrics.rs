//! `/metrics` as Prometheus meets it: who may read it, what it holds, and that each node counts for itself.

use std::collections::BTreeSet;
use std::time::Duration;

use neurolink::db::Db;
use neurolink::kernel::meters::{ALL, Kind};
use neurolink::ops::prometheus::{Facts, Prometheus};
use serde_json::json;

use crate::support::TestDb;
use crate::support::app::{App, WHOLE, drained, event, people, rule};
use crate::support::http::token;
use crate::support::proxy::Proxy;

const PAGE: &str = include_str!("../../src/ops/README.md");

/// The text, read with this token.
async fn scrape(app: &App, roles: Option<&[&str]>) -> (u16, String) {
    let mut request = app.client.get(format!("{}/metrics", app.base));
    if let Some(roles) = roles {
        request = request.bearer_auth(token("prometheus", roles));
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.text().await.unwrap())
}

/// The value of a line; the labels in any order.
fn value(text: &str, name: &str, labels: &[&str]) -> Option<f64> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit_once(' '))
        .find(|(series, _)| {
            let (own, rest) = series.split_once('{').unwrap_or((series, ""));
            own == name && labels.iter().all(|label| rest.contains(label))
        })
        .map(|(_, value)| value.parse().unwrap())
}

#[tokio::test]
async fn metrics_are_for_auditors_and_for_everybody_only_where_the_setting_says_so() {
    let db = TestDb::new().await;
    let closed = App::start(&db).await;
    assert_eq!(scrape(&closed, None).await.0, 401);
    assert_eq!(scrape(&closed, Some(&["producer"])).await.0, 403);
    for role in ["auditor", "admin"] {
        let (status, text) = scrape(&closed, Some(&[role])).await;
        assert_eq!(status, 200, "{text}");
        assert!(text.contains("# TYPE neurolink_build_info gauge"), "{text}");
    }
    closed.stop().await;
    let open = App::start_with(&db, WHOLE, &[("NEUROLINK_METRICS_PUBLIC", "true")]).await;
    let response = open
        .client
        .get(format!("{}/metrics", open.base))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let media_type = response.headers()["content-type"].to_str().unwrap();
    assert_eq!(media_type, "text/plain; version=0.0.4; charset=utf-8");
    open.stop().await;
}

#[tokio::test]
async fn every_metric_is_rendered_with_its_help_and_stands_in_the_page_and_no_other_does() {
    let db = TestDb::new().await;
    let app = App::start(&db).await;
    scrape(&app, Some(&["admin"])).await;
    let (_, text) = scrape(&app, Some(&["admin"])).await;
    for meter in ALL {
        let kind = match meter.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let (name, help) = (meter.name, meter.help);
        assert!(text.contains(&format!("# TYPE {name} {kind}\n")), "{name}");
        assert!(text.contains(&format!("# HELP {name} {help}\n")), "{name}");
        let labels: Vec<String> = meter.labels.iter().map(|l| format!("`{l}`")).collect();
        let row = format!("| `{name}` | {kind} | {} | {help} |", labels.join(", "));
        assert!(PAGE.contains(&row), "src/ops/README.md lacks:\n{row}");
    }
    let known: BTreeSet<&str> = ALL.iter().map(|meter| meter.name).collect();
    let rendered: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(rendered, known);
    let documented = PAGE.lines().filter(|l| l.starts_with("| `neurolink_"));
    assert_eq!(documented.count(), ALL.len());
    app.stop().await;
}

#[tokio::test]
async fn what_the_line_does_is_counted_from_the_request_to_the_delivery() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let template = json!({"title": "Late", "recipient_roles": ["accountant"], "channels": ["in_app", "email"]});
    rule(&sql, "late", "invoice.*", &template).await;
    let mails = tempfile::tempdir().unwrap();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", mails.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "TSH ERP <erp@tsh.example>"),
    ];
    let app = App::start_with(&db, WHOLE, &settings).await;
    let body = json!({"source_module": "test", "event_type": "invoice.overdue", "payload": {}, "branch_id": "BGD"});
    let (status, answer) = app
        .call("POST", "/v1/events", "erp", &["producer"], Some(&body))
        .await;
    assert_eq!(status, 201, "{answer}");
    drained(&sql).await;
    let (_, text) = scrape(&app, Some(&["admin"])).await;
    let read = |name: &str, labels: &[&str]| value(&text, name, labels);
    let posted = ["route=\"/v1/events\"", "method=\"POST\"", "status=\"201\""];
    assert_eq!(read("neurolink_http_requests_total", &posted), Some(1.0));
    let took = "neurolink_http_request_duration_seconds_count";
    assert_eq!(read(took, &posted[..2]), Some(1.0));
    for (name, labels, count) in [
        ("neurolink_ingest_events_total", [].as_slice(), 1.0),
        ("neurolink_ingest_group_events_count", &[], 1.0),
        ("neurolink_batch_events_sum", &[], 1.0),
        ("neurolink_matches_total", &[], 1.0),
        ("neurolink_notifications_total", &[], 2.0),
        (
            "neurolink_deliveries_planned_total",
            &["channel=\"in_app\"", "status=\"delivered\""],
            2.0,
        ),
        (
            "neurolink_deliveries_planned_total",
            &["channel=\"email\"", "status=\"pending\""],
            2.0,
        ),
        (
            "neurolink_delivery_attempts_total",
            &["channel=\"email\"", "outcome=\"accepted\""],
            2.0,
        ),
        (
            "neurolink_delivery_attempt_duration_seconds_count",
            &["channel=\"email\""],
            2.0,
        ),
        ("neurolink_rules", &[], 1.0),
        ("neurolink_listener_up", &[], 1.0),
        ("neurolink_database_up", &[], 1.0),
        ("neurolink_workers", &[], 1.0),
        ("neurolink_queue_waiting_jobs", &["kind=\"event\""], 0.0),
    ] {
        assert_eq!(read(name, labels), Some(count), "{name} {labels:?}\n{text}");
    }
    // What nobody can know doesn't become a label.
    assert!(
        !text.contains("nadia") && !text.contains("late\""),
        "{text}"
    );
    app.stop().await;
}

#[tokio::test]
async fn two_nodes_of_one_process_count_for_themselves() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let (one, two) = (App::start(&db).await, App::start(&db).await);
    let body = json!({"source_module": "test", "event_type": "a.b", "payload": {}});
    for _ in 0..3 {
        one.call("POST", "/v1/events", "erp", &["producer"], Some(&body))
            .await;
    }
    drained(&sql).await;
    let name = "neurolink_ingest_events_total";
    let texts = (
        scrape(&one, Some(&["admin"])).await.1,
        scrape(&two, Some(&["admin"])).await.1,
    );
    assert_eq!(value(&texts.0, name, &[]), Some(3.0));
    assert_eq!(value(&texts.1, name, &[]), Some(0.0));
    // The batches were evaluated by either.
    let evaluated = |text: &str| value(text, "neurolink_batch_events_sum", &[]).unwrap_or(0.0);
    assert_eq!(evaluated(&texts.0) + evaluated(&texts.1), 3.0);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn the_queue_and_what_is_dead_paused_or_faulty_is_sampled() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "insert into neurolink_jobs (kind, channel, ref_id, run_at) values
           ('event', '', 1, now() - interval '90 s'), ('event', 'single', 2, now()),
           ('delivery', 'email', 3, now() - interval '5 s'), ('delivery', 'email', 4, now() + interval '1 h');
         insert into neurolink_dead_jobs (id, kind, ref_id, lane, attempt, max_attempts, created_at) values (9, 'event', 9, 1, 5, 5, now());
         insert into neurolink_delivery_log (id, notification_id, user_id, channel, status) values (33, 1, 'u', 'email', 'dead');
         select neurolink_pause('event')",
    )
    .await
    .unwrap();
    let id = rule(&sql, "odd", "a.b", &json!({"title": "x"})).await;
    sql.execute(
        "insert into neurolink_rule_faults (rule_id, version, kind, place, detail) values ($1, 1, 'compile', '', 'odd')",
        &[&id],
    )
    .await
    .unwrap();
    let prometheus = Prometheus::new(db.db()).unwrap();
    let text = prometheus.render(&Facts::default()).await;
    let read = |name: &str, labels: &[&str]| value(&text, name, labels).unwrap();
    assert_eq!(
        read("neurolink_queue_waiting_jobs", &["kind=\"event\""]),
        2.0
    );
    let email = ["kind=\"delivery\"", "channel=\"email\""];
    assert_eq!(read("neurolink_queue_waiting_jobs", &email), 1.0);
    assert_eq!(read("neurolink_queue_later_jobs", &email), 1.0);
    assert!(read("neurolink_queue_oldest_seconds", &["kind=\"event\""]) >= 90.0);
    assert_eq!(read("neurolink_dead_jobs", &[]), 1.0);
    assert_eq!(read("neurolink_dead_deliveries", &[]), 1.0);
    assert_eq!(read("neurolink_pauses", &[]), 1.0);
    assert_eq!(read("neurolink_rule_faults", &[]), 1.0);
    sql.batch_execute("delete from neurolink_jobs; delete from neurolink_pauses")
        .await
        .unwrap();
}

#[tokio::test]
async fn with_the_database_away_the_node_still_tells_of_itself() {
    let db = TestDb::new().await;
    let proxy = Proxy::open(db.config()).await;
    let through = Db::open(proxy.config(), proxy.config(), 2, Duration::from_secs(30)).unwrap();
    proxy.cut().await;
    let prometheus = Prometheus::new(through).unwrap();
    let facts = Facts {
        readers: 7,
        ..Facts::default()
    };
    let text = prometheus.render(&facts).await;
    assert_eq!(value(&text, "neurolink_database_up", &[]), Some(0.0));
    assert_eq!(value(&text, "neurolink_stream_readers", &[]), Some(7.0));
    let waiting = value(&text, "neurolink_queue_waiting_jobs", &["kind=\"event\""]);
    assert!(waiting.unwrap().is_nan(), "nobody knows: {text}");
}

#[tokio::test]
async fn faulty_batches_and_unknown_paths_and_methods_have_bounded_labels() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start(&db).await;
    for path in ["/nothing/1", "/nothing/2", "/v1/notifications/77"] {
        app.call("GET", path, "u", &[], None).await;
    }
    app.call("BREW", "/v1/notifications", "u", &[], None).await;
    event(&sql, "a.b", &json!({})).await;
    drained(&sql).await;
    let (_, text) = scrape(&app, Some(&["admin"])).await;
    let count = |labels: &[&str]| value(&text, "neurolink_http_requests_total", labels);
    assert_eq!(count(&["route=\"none\"", "status=\"404\""]), Some(2.0));
    let one = ["route=\"/v1/notifications/{id}\"", "status=\"404\""];
    assert_eq!(count(&one), Some(1.0));
    assert_eq!(count(&["method=\"other\"", "status=\"405\""]), Some(1.0));
    app.stop().await;
}
