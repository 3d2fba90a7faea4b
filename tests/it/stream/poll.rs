//! The long poll: `GET /v1/notifications/changes?since=…&wait=…`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::app::{App, event, rule};
use crate::support::inbox::{fill, readers};

async fn changes(app: &App, query: &str) -> Value {
    app.get(&format!("/v1/notifications/changes?{query}"), "ali")
        .await
}

#[tokio::test]
async fn without_waiting_it_answers_what_is_there_page_by_page() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    fill(&sql, "ali", 600).await;
    let app = App::start(&db).await;
    let first = changes(&app, "since=0").await;
    let mut keys: Vec<&String> = first.as_object().unwrap().keys().collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "cursor", "deleted", "items", "more", "reset", "rev", "unread", "unseen"
        ]
    );
    assert_eq!(first["items"].as_array().unwrap().len(), 500);
    assert_eq!((&first["more"], &first["rev"]), (&json!(true), &json!(600)));
    let second = changes(
        &app,
        &format!("since={}", first["cursor"].as_str().unwrap()),
    )
    .await;
    assert_eq!(second["items"].as_array().unwrap().len(), 100);
    assert_eq!(
        (&second["more"], &second["unread"]),
        (&json!(false), &json!(600))
    );
    let third = changes(
        &app,
        &format!("since={}", second["cursor"].as_str().unwrap()),
    )
    .await;
    assert_eq!(
        (&third["items"], &third["cursor"]),
        (&json!([]), &second["cursor"])
    );
    app.stop().await;
}

#[tokio::test]
async fn it_waits_for_a_change_and_no_longer_than_asked() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute("insert into neurolink_users (id) values ('ali')")
        .await
        .unwrap();
    rule(
        &sql,
        "r",
        "a.b",
        &json!({"title": "T", "recipient_users": ["ali"]}),
    )
    .await;
    let app = App::start(&db).await;
    let began = Instant::now();
    let nothing = changes(&app, "since=0&wait=1").await;
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(
        (&nothing["items"], &nothing["reset"]),
        (&json!([]), &json!(false))
    );

    let cursor = nothing["cursor"].as_str().unwrap().to_owned();
    let waiting = format!("since={cursor}&wait=60");
    let began = Instant::now();
    let (woken, ()) = tokio::join!(changes(&app, &waiting), async {
        readers(&app, 1).await;
        event(&sql, "a.b", &json!({})).await;
    });
    assert_eq!(woken["items"].as_array().unwrap().len(), 1);
    assert_eq!((&woken["unread"], &woken["rev"]), (&json!(1), &json!(1)));
    assert!(began.elapsed() < Duration::from_secs(30));
    // What is there already is answered at once, however long one would wait.
    let began = Instant::now();
    assert_eq!(changes(&app, &waiting).await["items"], woken["items"]);
    assert!(began.elapsed() < Duration::from_secs(30));
    readers(&app, 0).await;
    app.stop().await;
}
