//! Station 1 against a real database: what is answered and what is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::http::Ingest;

fn event(key: Option<&str>, number: i64) -> Value {
    json!({"source_module": "invoicing", "event_type": "invoice.overdue", "payload": {"number": number}, "idempotency_key": key})
}

async fn count(client: &tokio_postgres::Client) -> i64 {
    let row = client
        .query_one("select count(*) from neurolink_events", &[])
        .await
        .unwrap();
    row.get(0)
}

#[tokio::test]
async fn an_event_is_stored_with_its_job_before_it_is_answered() {
    let db = TestDb::new().await;
    let commits = Arc::new(AtomicUsize::new(0));
    let seen = commits.clone();
    let on_commit = Arc::new(move |n| {
        seen.fetch_add(n, Ordering::SeqCst);
    });
    let ingest = Ingest::start_with(db.db(), on_commit).await;
    let body = r#"{"source_module": "sales", "event_type": "order.created", "severity": "critical",
        "occurred_at": "2026-03-01T14:30:00.123456789+03:00", "branch_id": 7, "actor_id": "u-1", "entity_type": "order",
        "entity_id": 12345678901234567890, "correlation_id": "c", "idempotency_key": "k",
        "payload": {"amount": 12345678901234567890.10, "rate": 1.500, "text": "عربي \ud83d\ude00"}}"#;
    let (status, _, answer) = ingest.server.post_text("/v1/events", body).await;
    assert_eq!(
        (status, &answer["status"]),
        (201, &json!("created")),
        "{answer}"
    );
    let id = answer["id"].as_i64().unwrap();
    assert_eq!(commits.load(Ordering::SeqCst), 1);

    let client = db.client().await;
    let row = client
        .query_one(
            "select payload::text, severity, occurred_at::text, branch_id, entity_id, producer_idempotency_key,
                    (select lane from neurolink_jobs where kind = 'event' and ref_id = e.id) as lane
               from neurolink_events e where id = $1",
            &[&id],
        )
        .await
        .unwrap();
    assert_eq!(
        row.get::<_, &str>("payload"),
        r#"{"rate": 1.500, "text": "عربي 😀", "amount": 12345678901234567890.10}"#
    );
    assert_eq!(row.get::<_, &str>("branch_id"), "7");
    assert_eq!(row.get::<_, &str>("entity_id"), "12345678901234567890");
    assert_eq!(row.get::<_, i16>("lane"), 0);

    // The same again, number for number and microsecond for microsecond: the same event.
    let (status, _, again) = ingest.server.post_text("/v1/events", body).await;
    assert_eq!(
        (status, again),
        (200, json!({"id": id, "status": "existing"}))
    );
    assert_eq!(count(&client).await, 1);
    ingest.stop().await;
}

#[tokio::test]
async fn the_same_key_with_another_body_is_a_conflict_at_the_field_that_differs() {
    let db = TestDb::new().await;
    let ingest = Ingest::start(db.db()).await;
    let first = json!({"source_module": "invoicing", "event_type": "invoice.overdue", "payload": {"a": 1, "b": 2},
        "idempotency_key": "k", "severity": "warning", "branch_id": "b1"});
    assert_eq!(ingest.server.post("/v1/events", &first).await.0, 201);

    // Fields left out aren't compared; the order of members and the spelling of numbers don't matter.
    let less = r#"{"source_module": "invoicing", "event_type": "invoice.overdue", "payload": {"b": 2.0, "a": 1}, "idempotency_key": "k"}"#;
    assert_eq!(ingest.server.post_text("/v1/events", less).await.0, 200);

    for (field, value) in [
        ("payload", json!({"a": 1})),
        ("event_type", json!("invoice.paid")),
        ("severity", json!("info")),
        ("branch_id", json!("b2")),
        ("entity_id", json!("new")),
        ("occurred_at", json!("2020-01-01T00:00:00Z")),
    ] {
        let mut other = first.clone();
        other[field] = value;
        let (status, problem) = ingest.server.post("/v1/events", &other).await;
        assert_eq!(
            (status, &problem["code"]),
            (409, &json!("idempotency_conflict")),
            "{problem}"
        );
        assert_eq!(problem["place"], json!(format!("/{field}")));
    }
    // The same key in another module is another key.
    let mut elsewhere = first.clone();
    elsewhere["source_module"] = json!("sales");
    assert_eq!(ingest.server.post("/v1/events", &elsewhere).await.0, 201);
    ingest.stop().await;
}

#[tokio::test]
async fn many_at_once_with_few_keys_store_each_key_once() {
    let db = TestDb::new().await;
    let ingest = Ingest::start(db.db()).await;
    let posts = (0..200i64).map(|n| {
        let ingest = &ingest;
        async move {
            let key = format!("k{}", n % 20);
            ingest
                .server
                .post("/v1/events", &event(Some(&key), n % 20))
                .await
        }
    });
    let answers = futures_util::future::join_all(posts).await;
    let created = answers.iter().filter(|(status, _)| *status == 201).count();
    let existing = answers.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!((created, existing), (20, 180));
    for (n, (_, answer)) in answers.iter().enumerate() {
        assert_eq!(answer["id"], answers[n % 20].1["id"]);
    }
    assert_eq!(count(&db.client().await).await, 20);
    ingest.stop().await;
}

#[tokio::test]
async fn a_batch_is_stored_whole_or_not_at_all() {
    let db = TestDb::new().await;
    let ingest = Ingest::start(db.db()).await;
    let client = db.client().await;
    let post = |body: Value| {
        let server = &ingest.server;
        async move { server.post("/v1/events/batch", &body).await }
    };

    let (status, answer) = post(json!([
        event(Some("b"), 1),
        event(None, 2),
        event(Some("a"), 3),
        event(Some("b"), 1)
    ]))
    .await;
    assert_eq!(status, 201, "{answer}");
    let items = answer["items"].as_array().unwrap();
    let states: Vec<&str> = items
        .iter()
        .map(|i| i["status"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["created", "created", "created", "existing"]);
    assert_eq!(items[0]["id"], items[3]["id"]);
    assert_eq!(count(&client).await, 3);

    // All there already.
    let (status, _) = post(json!([event(Some("a"), 3), event(Some("b"), 1)])).await;
    assert_eq!(status, 200);
    assert_eq!(post(json!([])).await, (200, json!({"items": []})));

    // One that contradicts what is stored.
    let (status, problem) = post(json!([
        event(None, 1),
        event(Some("c"), 1),
        event(Some("a"), 99)
    ]))
    .await;
    assert_eq!(
        (status, &problem["place"]),
        (409, &json!("/2/payload")),
        "{problem}"
    );
    // Two that contradict each other.
    let (status, problem) = post(json!([
        event(Some("d"), 1),
        event(None, 5),
        event(Some("d"), 2)
    ]))
    .await;
    assert_eq!(
        (status, &problem["place"]),
        (409, &json!("/2/payload")),
        "{problem}"
    );
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("items 0 and 2"), "{detail}");
    // One that is malformed.
    let (status, problem) = post(json!([event(None, 1), {"source_module": "x"}])).await;
    assert_eq!(
        (status, &problem["place"]),
        (400, &json!("/1/event_type")),
        "{problem}"
    );
    assert_eq!(count(&client).await, 3);
    ingest.stop().await;
}

#[tokio::test]
async fn bad_input_is_named_and_nothing_is_stored() {
    let db = TestDb::new().await;
    let ingest = Ingest::start(db.db()).await;
    let good = event(None, 1).to_string();
    for (body, status, code) in [
        ("{", 400, "invalid_json".to_owned()),
        (
            "{\"source_module\": \"x\", \"evnt_type\": \"a.b\"}",
            400,
            "unknown_field".to_owned(),
        ),
        (
            &good.replace("{\"number\":1}", "[]"),
            400,
            "invalid_type".to_owned(),
        ),
        (
            &good.replace("\"number\":1", "\"n\":\"\\u0000\""),
            400,
            "nul_character".to_owned(),
        ),
        (
            &good.replace("\"number\":1", "\"n\":\"\\ud800\""),
            400,
            "lone_surrogate".to_owned(),
        ),
        (
            &good.replace("\"number\":1", "\"n\":1e999"),
            400,
            "number_out_of_range".to_owned(),
        ),
        (
            &good.replace("invoice.overdue", "Invoice"),
            400,
            "invalid_field".to_owned(),
        ),
        (
            &format!("{good}{}", " ".repeat(70_000)),
            413,
            "too_large".to_owned(),
        ),
    ] {
        let (got, _, problem) = ingest.server.post_text("/v1/events", body).await;
        assert_eq!(
            (got, problem["code"].as_str().unwrap()),
            (status, code.as_str()),
            "{problem}"
        );
    }
    let (status, problem) = ingest
        .server
        .post("/v1/events?dry_run=1", &event(None, 1))
        .await;
    assert_eq!((status, &problem["place"]), (400, &json!("dry_run")));
    assert_eq!(count(&db.client().await).await, 0);
    ingest.stop().await;
}

#[tokio::test]
async fn an_event_after_a_quiet_moment_stands_behind_what_others_have_stored_meanwhile() {
    let db = TestDb::new().await;
    let ingest = Ingest::start(db.db()).await;
    let client = db.client().await;
    let post = |number| {
        let server = &ingest.server;
        async move {
            let (status, answer) = server.post("/v1/events", &event(None, number)).await;
            assert_eq!(status, 201, "{answer}");
            answer["id"].as_i64().unwrap()
        }
    };
    let mut last = post(1).await;
    for number in 2..6 {
        let beside: i64 = client
            .query_one(
                "insert into neurolink_events (source_module, event_type) values ('sales', 'order.created') returning id",
                &[],
            )
            .await
            .unwrap()
            .get(0);
        let own = post(number).await;
        assert!(last < beside && beside < own, "{last}, {beside}, {own}");
        last = own;
    }
    ingest.stop().await;
}
