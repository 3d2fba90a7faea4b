//! Station 1 when others are in the way: held keys, a database that is away, events it refuses, the end.

use std::time::{Duration, Instant};

use neurolink::db::Db;
use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::http::Ingest;
use crate::support::proxy::Proxy;

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
async fn an_open_transaction_that_holds_a_key_stalls_nobody_else() {
    let db = TestDb::new().await;
    let ingest = Ingest::start(db.db()).await;
    let mut erp = db.client().await;
    let open = erp.transaction().await.unwrap();
    open.execute(
        "insert into neurolink_events (source_module, event_type, payload, producer_idempotency_key)
         values ('invoicing', 'invoice.overdue', '{\"number\": 1}', 'held')",
        &[],
    )
    .await
    .unwrap();

    // Those who want the key are told to come again; the others, keyed or not, are through meanwhile.
    let begun = Instant::now();
    let held = futures_util::future::join_all((0..30).map(|_| async {
        let body = event(Some("held"), 1).to_string();
        ingest.server.post_text("/v1/events", &body).await
    }));
    let others = futures_util::future::join_all((0..200i64).map(|n| {
        let ingest = &ingest;
        async move {
            let key = format!("free-{n}");
            let key = (n % 2 == 0).then_some(key.as_str());
            let (status, answer) = ingest.server.post("/v1/events", &event(key, n)).await;
            (status, answer, begun.elapsed())
        }
    }));
    let batch = json!([event(None, 1), event(Some("held"), 1)]);
    let batch = ingest.server.post("/v1/events/batch", &batch);
    let (held, others, (batch_status, _)) = tokio::join!(held, others, batch);
    for (status, answer, after) in &others {
        assert_eq!(*status, 201, "{answer}");
        assert!(
            *after < Duration::from_secs(3),
            "an innocent waited {after:?}"
        );
    }
    for (status, headers, problem) in &held {
        assert_eq!(
            (*status, &problem["code"]),
            (503, &json!("unavailable")),
            "{problem}"
        );
        assert!(headers.contains_key("retry-after"));
    }
    assert_eq!(batch_status, 503);

    // From now on the key is known: others don't even wait for the time-out.
    let (want, free) = (event(Some("held"), 1), event(None, 1));
    let (wanting, (status, _)) = tokio::join!(
        ingest.server.post("/v1/events", &want),
        ingest.server.post("/v1/events", &free),
    );
    assert_eq!((wanting.0, status), (503, 201));

    // Once it commits, the event is there.
    open.commit().await.unwrap();
    let (status, answer) = ingest
        .server
        .post("/v1/events", &event(Some("held"), 1))
        .await;
    assert_eq!(
        (status, &answer["status"]),
        (200, &json!("existing")),
        "{answer}"
    );
    let (status, _) = ingest
        .server
        .post("/v1/events", &event(Some("held"), 2))
        .await;
    assert_eq!(status, 409);
    ingest.stop().await;
}

#[tokio::test]
async fn a_transaction_that_rolls_back_leaves_its_key_to_others() {
    let db = TestDb::new().await;
    let ingest = Ingest::start(db.db()).await;
    let mut erp = db.client().await;
    let open = erp.transaction().await.unwrap();
    open.execute(
        "insert into neurolink_events (source_module, event_type, payload, producer_idempotency_key)
         values ('invoicing', 'invoice.overdue', '{\"number\": 7}', 'k')",
        &[],
    )
    .await
    .unwrap();
    assert_eq!(
        ingest
            .server
            .post("/v1/events", &event(Some("k"), 1))
            .await
            .0,
        503
    );
    open.rollback().await.unwrap();
    assert_eq!(
        ingest
            .server
            .post("/v1/events", &event(Some("k"), 1))
            .await
            .0,
        201
    );
    ingest.stop().await;
}

#[tokio::test]
async fn a_database_that_is_away_is_answered_with_503_and_forgotten_once_it_is_back() {
    let db = TestDb::new().await;
    let proxy = Proxy::open(db.config()).await;
    let through = Db::open(proxy.config(), proxy.config(), 4, Duration::from_secs(30)).unwrap();
    let ingest = Ingest::start(through).await;
    assert_eq!(
        ingest
            .server
            .post("/v1/events", &event(Some("before"), 1))
            .await
            .0,
        201
    );

    proxy.cut().await;
    for (path, body) in [
        ("/v1/events", event(Some("during"), 1)),
        ("/v1/events/batch", json!([event(Some("during"), 1)])),
    ] {
        let (status, headers, problem) = ingest.server.post_text(path, &body.to_string()).await;
        assert_eq!(
            (status, &problem["code"]),
            (503, &json!("unavailable")),
            "{problem}"
        );
        assert!(headers.contains_key("retry-after"));
    }
    assert_eq!(count(&db.client().await).await, 1);

    proxy.restore().await;
    // At most a second's backoff: clients that follow Retry-After get through.
    let begun = Instant::now();
    loop {
        let (status, answer) = ingest
            .server
            .post("/v1/events", &event(Some("during"), 1))
            .await;
        if status == 201 {
            break;
        }
        assert!(
            status == 503 && begun.elapsed() < Duration::from_secs(5),
            "{answer}"
        );
    }
    let (status, _) = ingest
        .server
        .post("/v1/events/batch", &json!([event(Some("after"), 1)]))
        .await;
    assert_eq!(status, 201);
    ingest.stop().await;
}

#[tokio::test]
async fn one_event_that_the_database_refuses_does_not_spoil_the_others() {
    let db = TestDb::new().await;
    let client = db.client().await;
    // A trigger of the DBA's own stands in for whatever our checks don't foresee.
    client
        .batch_execute(
            "create function check_luck() returns trigger language plpgsql as $$ begin
                if new.payload->>'number' = '12' then raise exception 'no dozens' using errcode = '22023'; end if;
                if new.payload->>'number' = '13' then raise exception 'no bad luck' using errcode = '23514'; end if;
                return new; end $$;
             create trigger luck before insert on neurolink_events for each row execute function check_luck()",
        )
        .await
        .unwrap();
    let ingest = Ingest::start(db.db()).await;
    let answers = futures_util::future::join_all((0..40i64).map(|n| {
        let ingest = &ingest;
        async move { (n, ingest.server.post("/v1/events", &event(None, n)).await) }
    }))
    .await;
    for (n, (status, answer)) in answers {
        match n {
            12 => assert_eq!((status, &answer["code"]), (400, &json!("invalid_value"))),
            13 => assert_eq!(status, 500, "{answer}"),
            _ => assert_eq!(status, 201, "{answer}"),
        }
    }
    let batch: Vec<Value> = [1, 2, 3, 12, 4, 12]
        .iter()
        .map(|n| event(None, *n))
        .collect();
    let (status, problem) = ingest.server.post("/v1/events/batch", &json!(batch)).await;
    assert_eq!(
        (status, &problem["place"]),
        (400, &json!("/3")),
        "{problem}"
    );
    assert_eq!(count(&client).await, 38);
    ingest.stop().await;
}

#[tokio::test]
async fn what_was_taken_in_is_stored_before_the_writer_ends() {
    let db = TestDb::new().await;
    let ingest = Ingest::start(db.db()).await;
    let writer = ingest.writer.clone();
    let submitted: Vec<_> = (0..500)
        .map(|n| {
            let writer = writer.clone();
            let event = neurolink::ingest::NewEvent {
                source_module: "m".to_owned(),
                event_type: "a.b".to_owned(),
                payload: format!("{{\"n\": {n}}}"),
                severity: None,
                occurred_at: None,
                idempotency_key: None,
                correlation_id: None,
                branch_id: None,
                actor_id: None,
                entity_type: None,
                entity_id: None,
                traceparent: None,
            };
            tokio::spawn(async move { writer.submit(event).await })
        })
        .collect();
    tokio::task::yield_now().await;
    ingest.stop().await;
    let mut stored = 0;
    for answer in submitted {
        match answer.await.unwrap() {
            Ok(_) => stored += 1,
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
    }
    assert_eq!(count(&db.client().await).await, stored);
}
