//! `/health` with the database there, away and back.

use std::sync::Arc;
use std::time::Duration;

use neurolink::db::Db;
use neurolink::http::health::Health;
use serde_json::{Value, json as value};
use tokio_util::sync::CancellationToken;

use crate::support::TestDb;
use crate::support::http::{Server, token};
use crate::support::proxy::Proxy;

#[tokio::test]
async fn health_tells_strangers_little_and_the_authenticated_all() {
    let db = TestDb::new().await;
    let proxy = Proxy::open(db.config()).await;
    let through = Db::open(proxy.config(), proxy.config(), 2, Duration::from_secs(30)).unwrap();
    let client = db.client().await;
    client
        .batch_execute("insert into neurolink_jobs (kind, ref_id, run_at) values ('event', 1, now() - interval '90 s')")
        .await
        .unwrap();
    let stop = CancellationToken::new();
    let listener = Arc::new(|| value!({"connected": true}));
    let health = Health::new(through, listener, stop.clone());
    let server = Server::start(health.routes(), CancellationToken::new()).await;
    let ask = |path: &str| {
        let request = server.client.get(server.url(path));
        async move {
            let answer = request.send().await.unwrap();
            (
                answer.status().as_u16(),
                answer.json::<Value>().await.unwrap(),
            )
        }
    };
    let ok = value!({"status": "ok"});
    for path in ["/health", "/health/live", "/health/ready"] {
        assert_eq!(ask(path).await, (200, ok.clone()), "{path}");
    }
    let details = server
        .client
        .get(server.url("/health"))
        .bearer_auth(token("u", &[]))
        .send()
        .await
        .unwrap();
    let details: Value = details.json().await.unwrap();
    assert_eq!(
        (
            &details["database"]["ok"],
            &details["listener"]["connected"]
        ),
        (&value!(true), &value!(true))
    );
    assert!(
        details["queue"]["oldest_event_seconds"].as_f64().unwrap() >= 90.0,
        "{details}"
    );
    assert_eq!(details["queue"]["oldest_delivery_seconds"], 0.0);
    assert_eq!(details["version"], env!("CARGO_PKG_VERSION"));

    // Probes are shared for half a second: asked until the cut is noticed.
    proxy.cut().await;
    while ask("/health/ready").await.0 == 200 {}
    assert_eq!(ask("/health").await, (200, value!({"status": "degraded"})));
    assert_eq!(ask("/health/live").await, (200, ok.clone()));
    proxy.restore().await;
    while ask("/health/ready").await.0 == 503 {}
    stop.cancel();
    assert_eq!(ask("/health/ready").await.1["reason"], "stopping");
    server.stop().await;
}
