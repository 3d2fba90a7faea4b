//! The stream of an inbox over real connections: what comes first, what follows, how it ends.

mod hub;
mod nodes;
mod poll;
mod redis;
mod resume;
mod ticket;

use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::app::{App, WHOLE, drained, event, rule};
use crate::support::inbox::{fill, readers, table};
use crate::support::sse::{Mirror, Tab, Unit, token_for};

fn keys(data: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = data
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn hello_comes_first_and_everything_that_happens_follows() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute("insert into neurolink_users (id) values ('ali')")
        .await
        .unwrap();
    let template = json!({"title": "Order {{n}}", "recipient_users": ["ali"]});
    rule(&sql, "orders", "order.created", &template).await;
    let app = App::start(&db).await;
    let mut tab = Tab::open(&app, "ali").await;
    let hello = tab.frame().await;
    assert_eq!(hello.event, "hello");
    let nothing_yet = json!({"rev": 0, "unread": 0, "unseen": 0, "resumed": false});
    assert_eq!(
        (hello.data, tab.retry.as_deref()),
        (nothing_yet, Some("2000"))
    );

    let event_id = event(&sql, "order.created", &json!({"n": 7})).await;
    let told = tab.next("notification").await;
    assert_eq!(
        keys(&told),
        [
            "acknowledged_at",
            "action_label",
            "action_url",
            "archived_at",
            "body",
            "branch_id",
            "category",
            "created_at",
            "entity_id",
            "entity_type",
            "event_id",
            "event_type",
            "expires_at",
            "id",
            "read_at",
            "resolved_at",
            "rev",
            "rule",
            "seen_at",
            "severity",
            "snoozed_until",
            "source_module",
            "title"
        ]
    );
    assert_eq!(
        (
            &told["title"],
            &told["event_id"],
            &told["rule"],
            &told["rev"]
        ),
        (
            &json!("Order 7"),
            &json!(event_id),
            &json!("orders"),
            &json!(1)
        )
    );
    let counts = json!({"unread": 1, "unseen": 1, "rev": 1});
    assert_eq!(tab.next("counts").await, counts);

    let path = format!("/v1/notifications/{}", told["id"]);
    let (_, read) = app
        .call("PATCH", &format!("{path}/read"), "ali", &[], None)
        .await;
    assert_eq!(tab.next("notification").await, read, "as the API gives it");
    assert_eq!(
        tab.next("counts").await,
        json!({"unread": 0, "unseen": 0, "rev": 2})
    );

    app.call("DELETE", &path, "ali", &[], None).await;
    assert_eq!(
        tab.next("deleted").await,
        json!({"id": told["id"], "rev": 3})
    );
    assert_eq!(
        tab.next("counts").await,
        json!({"unread": 0, "unseen": 0, "rev": 3})
    );
    assert!(tab.last_id.as_deref().unwrap().ends_with(".3"));
    app.stop().await;
}

#[tokio::test]
async fn two_tabs_of_one_person_stay_in_step_and_others_hear_nothing() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let ids = fill(&sql, "ali", 5).await;
    fill(&sql, "dina", 1).await;
    let app = App::start(&db).await;
    let mut tabs = [
        Tab::resume(&app, "ali", "0").await,
        Tab::resume(&app, "ali", "0").await,
    ];
    let mut other = Tab::open(&app, "dina").await;
    other.next("hello").await;
    for (id, verb) in ids
        .iter()
        .zip(["read", "archive", "seen", "read", "archive"])
    {
        let path = format!("/v1/notifications/{id}/{verb}");
        assert_eq!(app.call("PATCH", &path, "ali", &[], None).await.0, 200);
    }
    let (revs, rev) = table(&sql, "ali").await;
    for tab in &mut tabs {
        let mut mirror = Mirror::default();
        mirror.follow(tab, rev).await;
        assert_eq!(mirror.revs, revs);
    }
    let (status, _) = app
        .call("POST", "/v1/notifications/mark-all-read", "dina", &[], None)
        .await;
    assert_eq!(status, 200);
    let first = other.next("notification").await;
    assert_eq!(first["rev"], 2, "nothing of somebody else's came before");
    app.stop().await;
}

#[tokio::test]
async fn a_quiet_stream_shows_that_it_is_alive() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, WHOLE, &[("NEUROLINK_SSE_HEARTBEAT", "1s")]).await;
    let mut tab = Tab::open(&app, "ali").await;
    tab.next("hello").await;
    for _ in 0..2 {
        assert_eq!(tab.unit().await, Unit::Comment("still here".to_owned()));
    }
    app.stop().await;
}

#[tokio::test]
async fn streams_and_long_polls_end_when_the_service_stops() {
    let db = TestDb::new().await;
    let app = App::start(&db).await;
    let mut tab = Tab::open(&app, "ali").await;
    tab.next("hello").await;
    let url = format!("{}/v1/notifications/changes?since=0&wait=60", app.base);
    let asked = app
        .client
        .get(url)
        .bearer_auth(token_for("dina", 3600))
        .send();
    let poll = tokio::spawn(asked);
    readers(&app, 2).await;
    let began = std::time::Instant::now();
    app.stop().await;
    tab.ended().await;
    let answer: Value = poll.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(
        (&answer["rev"], &answer["reset"]),
        (&json!(0), &json!(false))
    );
    assert!(
        began.elapsed().as_secs() < 8,
        "nobody waited for them to end by themselves"
    );
}

#[tokio::test]
async fn streams_and_long_polls_end_with_their_token() {
    let db = TestDb::new().await;
    let app = App::start(&db).await;
    let token = token_for("ali", 2);
    let mut tab = Tab::open_as(&app, &token, None).await;
    let url = format!("{}/v1/notifications/changes?since=0&wait=60", app.base);
    let poll = app.client.get(url).bearer_auth(&token).send();
    // The heartbeat is 15 s: both would come long after that if the token's end were not watched.
    let began = std::time::Instant::now();
    let (poll, ()) = tokio::join!(poll, tab.ended());
    assert_eq!(poll.unwrap().status().as_u16(), 200);
    assert!(began.elapsed().as_secs() < 10);
    app.stop().await;
}

#[tokio::test]
async fn who_hangs_up_leaves_nothing_behind() {
    let db = TestDb::new().await;
    let app = App::start(&db).await;
    let mut tabs = Vec::new();
    for who in ["ali", "ali", "dina", "nadia"] {
        let mut tab = Tab::open(&app, who).await;
        tab.next("hello").await;
        tabs.push(tab);
    }
    let url = format!("{}/v1/notifications/changes?since=0&wait=60", app.base);
    let poll = tokio::spawn(
        app.client
            .get(url)
            .bearer_auth(token_for("cfo", 3600))
            .send(),
    );
    readers(&app, 5).await;
    tabs.truncate(1);
    readers(&app, 2).await;
    tabs.clear();
    poll.abort();
    readers(&app, 0).await;
    app.stop().await;
}

#[tokio::test]
async fn an_event_reaches_a_stream_without_waiting_for_a_sweep() {
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
    let mut tab = Tab::open(&app, "ali").await;
    tab.next("hello").await;
    let began = std::time::Instant::now();
    for _ in 0..20 {
        event(&sql, "a.b", &json!({})).await;
        tab.next("notification").await;
        tab.next("counts").await;
    }
    // By sweeps it would be five seconds each.
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    drained(&sql).await;
    app.stop().await;
}
