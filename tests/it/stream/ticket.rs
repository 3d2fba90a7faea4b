//! Tickets: into the stream without a header, once, and into nothing else.

use serde_json::json;

use crate::support::TestDb;
use crate::support::app::App;
use crate::support::inbox::fill;
use crate::support::sse::{Tab, token_for};

/// A ticket of somebody's.
async fn ticket(app: &App, who: &str) -> String {
    let (status, body) = app.call("POST", "/v1/stream/ticket", who, &[], None).await;
    assert_eq!(status, 201, "{body}");
    body["ticket"].as_str().unwrap().to_owned()
}

/// What somebody without a token is answered who isn't let in: status and code.
async fn refused(app: &App, path: &str) -> (u16, String) {
    let request = app.client.get(format!("{}{path}", app.base));
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body: serde_json::Value = response.json().await.unwrap();
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

fn told(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_ticket_opens_its_callers_stream_once() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let id = fill(&sql, "ali", 2).await[0];
    let app = App::start(&db).await;
    let ticket = ticket(&app, "ali").await;
    assert_eq!(ticket.len(), 43, "32 bytes");
    let mut tab = Tab::open_by(&app, &ticket).await;
    let hello = json!({"rev": 2, "unread": 2, "unseen": 2, "resumed": false});
    assert_eq!(tab.next("hello").await, hello);
    let path = format!("/v1/notifications/{id}/read");
    assert_eq!(app.call("PATCH", &path, "ali", &[], None).await.0, 200);
    assert_eq!(tab.next("notification").await["id"], id);

    let again = format!("/v1/notifications/stream?ticket={ticket}");
    assert_eq!(refused(&app, &again).await, told(401, "ticket_invalid"));
    let left: i64 = sql
        .query_one("select count(*) from neurolink_stream_tickets", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(left, 0);
    app.stop().await;
}

#[tokio::test]
async fn an_expired_or_invented_ticket_opens_nothing_and_the_next_one_clears_it_away() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start(&db).await;
    let old = ticket(&app, "ali").await;
    sql.batch_execute("update neurolink_stream_tickets set expires_at = now()")
        .await
        .unwrap();
    for ticket in [old.as_str(), "invented", "", "%00"] {
        let path = format!("/v1/notifications/stream?ticket={ticket}");
        assert_eq!(
            refused(&app, &path).await,
            told(401, "ticket_invalid"),
            "{ticket:?}"
        );
    }
    let twice = format!("/v1/notifications/stream?ticket={old}&ticket={old}");
    assert_eq!(refused(&app, &twice).await, told(400, "invalid_parameter"));
    ticket(&app, "dina").await;
    let row = sql
        .query_one(
            "select count(*), min(principal ->> 'subject'), bool_and(expires_at <= now() + interval '30 seconds')
               from neurolink_stream_tickets",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(
        (row.get::<_, i64>(0), row.get::<_, &str>(1)),
        (1, "dina"),
        "the old one is gone"
    );
    assert!(row.get::<_, bool>(2));
    app.stop().await;
}

#[tokio::test]
async fn a_ticket_of_one_node_is_taken_by_another_once_of_all() {
    let db = TestDb::new().await;
    let (here, there) = (App::start(&db).await, App::start(&db).await);
    let ticket = ticket(&here, "ali").await;
    let mut tab = Tab::open_by(&there, &ticket).await;
    assert_eq!(tab.next("hello").await["rev"], 0);
    let again = format!("/v1/notifications/stream?ticket={ticket}");
    assert_eq!(refused(&here, &again).await, told(401, "ticket_invalid"));
    here.stop().await;
    there.stop().await;
}

#[tokio::test]
async fn a_ticket_opens_nothing_but_the_stream() {
    let db = TestDb::new().await;
    let app = App::start(&db).await;
    let ticket = ticket(&app, "ali").await;
    for path in [
        "/v1/notifications?",
        "/v1/notifications/count?",
        "/v1/notifications/changes?since=0&",
        "/v1/preferences?",
    ] {
        let path = format!("{path}ticket={ticket}");
        assert_eq!(refused(&app, &path).await, told(401, "token_missing"));
    }
    // Nor does it make others, or stand for a token.
    let url = format!("{}/v1/stream/ticket?ticket={ticket}", app.base);
    let more = app.client.post(url).send().await.unwrap();
    assert_eq!(more.status().as_u16(), 401);
    let url = format!("{}/v1/notifications/stream?ticket={ticket}", app.base);
    let bearer = app.client.get(&url).bearer_auth(&ticket);
    assert_eq!(bearer.send().await.unwrap().status().as_u16(), 401);
    // None of that has used it up.
    Tab::open_by(&app, &ticket).await.next("hello").await;
    app.stop().await;
}

#[tokio::test]
async fn a_stream_by_ticket_ends_with_the_token_that_asked_for_it() {
    let db = TestDb::new().await;
    let app = App::start(&db).await;
    let url = format!("{}/v1/stream/ticket", app.base);
    let asked = app.client.post(url).bearer_auth(token_for("ali", 5));
    let body: serde_json::Value = asked.send().await.unwrap().json().await.unwrap();
    let expires: jiff::Timestamp = body["expires_at"].as_str().unwrap().parse().unwrap();
    let soon = jiff::Timestamp::now().as_second() + 6;
    assert!(expires.as_second() < soon, "{body}");
    // The heartbeat is 15 s: it would come long after that if the token's end were not watched.
    let began = std::time::Instant::now();
    let mut tab = Tab::open_by(&app, body["ticket"].as_str().unwrap()).await;
    tab.ended().await;
    assert!(began.elapsed().as_secs() < 12);
    app.stop().await;
}
