//! How a backtest ends early: with its connection, or with its node.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use neurolink::kernel::Result;
use neurolink::ops::trial::routes::{Desk, routes};
use neurolink::ops::trial::{Backtest, Far, Plan, Preview, Question, Trials};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{PATH, draft, lines, past};
use crate::openapi::API;
use crate::support::TestDb;
use crate::support::app::App;
use crate::support::http::{Server, token};

/// The head of an answer, whatever it is; the rest comes as it is made.
async fn begin(app: &App, body: &Value) -> reqwest::Response {
    reqwest::Client::new()
        .post(format!("{}{PATH}", app.base))
        .bearer_auth(token("boss", &["admin"]))
        .json(body)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn one_runs_at_a_time_and_ends_with_its_connection() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    past(&sql, "a.b", 10).await;
    sql.batch_execute("delete from neurolink_jobs")
        .await
        .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    let admin = token("boss", &["admin"]);
    let body = json!({"rule": draft("d", 0), "from": "2020-01-01T00:00:00Z"});
    // What it reads is locked, so it lasts as long as we like.
    sql.batch_execute("begin; lock neurolink_events in access exclusive mode")
        .await
        .unwrap();
    let mut first = begin(&app, &body).await;
    assert_eq!(first.headers()["content-type"], "application/x-ndjson");
    let line = first.chunk().await.unwrap().unwrap();
    let line: Value = serde_json::from_slice(&line).unwrap();
    assert_eq!(
        line,
        json!({"progress": {"looked": 0, "of": 0, "matched": 0}})
    );
    let (status, said) = lines(&app, &admin, &body).await;
    assert_eq!(
        (status, &said[0]["code"]),
        (409, &json!("backtest_running"))
    );

    // The place is free as soon as the node has noticed that the first one's reader is gone.
    drop(first);
    let mut next = loop {
        let next = begin(&app, &body).await;
        if next.status().as_u16() == 200 {
            break next;
        }
    };
    sql.batch_execute("rollback").await.unwrap();
    let mut text = Vec::new();
    while let Some(chunk) = next.chunk().await.unwrap() {
        text.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(text).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["result"]["matched"], 10);
    app.stop().await;
}

/// Tries nothing, and says when nobody waits for it any more.
struct Endless(mpsc::UnboundedSender<&'static str>);

struct Ended(mpsc::UnboundedSender<&'static str>);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.send("ended");
    }
}

impl Trials for Endless {
    fn preview(&self, _: Question) -> BoxFuture<'_, Result<Preview>> {
        Box::pin(std::future::pending())
    }

    fn backtest<'a>(&'a self, _: Plan, _: &'a Far) -> BoxFuture<'a, Result<Backtest>> {
        let ended = Ended(self.0.clone());
        Box::pin(async move {
            let _ended = ended;
            std::future::pending().await
        })
    }
}

#[tokio::test]
async fn nothing_is_read_any_more_once_the_connection_is_closed() {
    let db = TestDb::new().await;
    let (told, mut ended) = mpsc::unbounded_channel();
    let closing = CancellationToken::new();
    let desk = Desk::new(db.db(), Arc::new(Endless(told)), closing.clone());
    let server = Server::start(routes(&desk), closing).await;
    let mut running = reqwest::Client::new()
        .post(server.url(PATH))
        .bearer_auth(token("boss", &["admin"]))
        .json(&json!({"rule": draft("d", 0), "from": "2020-01-01T00:00:00Z"}))
        .send()
        .await
        .unwrap();
    running.chunk().await.unwrap().unwrap();
    assert!(ended.try_recv().is_err());
    drop(running);
    assert_eq!(ended.recv().await, Some("ended"));
    server.stop().await;
}

#[tokio::test]
async fn a_node_that_stops_ends_it_with_a_word() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    past(&sql, "a.b", 10).await;
    sql.batch_execute("delete from neurolink_jobs")
        .await
        .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    sql.batch_execute("begin; lock neurolink_events in access exclusive mode")
        .await
        .unwrap();
    let body = json!({"rule": draft("d", 0), "from": "2020-01-01T00:00:00Z"});
    let mut running = begin(&app, &body).await;
    running.chunk().await.unwrap().unwrap();
    let (rest, ()) = tokio::join!(running.text(), app.stop());
    let rest = rest.unwrap();
    let last: Value = serde_json::from_str(rest.lines().last().unwrap()).unwrap();
    assert_eq!(last["problem"]["code"], "unavailable", "{last}");
    sql.batch_execute("rollback").await.unwrap();
}
