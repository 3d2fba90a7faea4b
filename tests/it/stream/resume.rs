//! Coming back: from where one stood, exactly what was missed; from where there is no way on, a word to reload.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use crate::support::TestDb;
use crate::support::app::{App, drained, event, rule};
use crate::support::http::token;
use crate::support::inbox::{fill, fill_with, readers, table};
use crate::support::sse::{Mirror, Tab, rev_of};

#[tokio::test]
async fn a_reader_who_comes_back_gets_what_was_missed_and_nothing_else() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let ids = fill(&sql, "ali", 3).await;
    let app = App::start(&db).await;
    let mut tab = Tab::open(&app, "ali").await;
    tab.next("hello").await;
    let stood = tab.last_id.clone().unwrap();
    drop(tab);
    for path in [format!("{}/read", ids[0]), format!("{}/seen", ids[0])] {
        let path = format!("/v1/notifications/{path}");
        app.call("PATCH", &path, "ali", &[], None).await;
    }
    app.call(
        "DELETE",
        &format!("/v1/notifications/{}", ids[1]),
        "ali",
        &[],
        None,
    )
    .await;
    fill(&sql, "ali", 1).await;

    let mut tab = Tab::resume(&app, "ali", &stood).await;
    let hello = tab.frame().await;
    let now = json!({"rev": 6, "unread": 2, "unseen": 2, "resumed": true});
    assert_eq!((hello.id, hello.data), (None, now));
    assert_eq!(tab.next("notification").await["id"], ids[0]);
    assert_eq!(tab.next("deleted").await, json!({"id": ids[1], "rev": 5}));
    assert_eq!(tab.next("notification").await["rev"], 6);
    assert_eq!(
        tab.next("counts").await,
        json!({"unread": 2, "unseen": 2, "rev": 6})
    );
    // Once more from there: nothing but where one stands.
    let mut again = Tab::resume(&app, "ali", &tab.last_id.clone().unwrap()).await;
    assert_eq!(again.next("hello").await["resumed"], true);
    assert_eq!(again.next("counts").await["rev"], 6);
    // As a parameter too, for clients that can't set headers.
    let url = format!("{}/v1/notifications/stream?last_event_id={stood}", app.base);
    let mut response = app
        .client
        .get(url)
        .bearer_auth(token("ali", &[]))
        .send()
        .await
        .unwrap();
    let first = response.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("\"resumed\":true"));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_broken_connections_while_others_write_lose_nothing() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let ids = fill(&sql, "ali", 40).await;
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
    let app = std::sync::Arc::new(App::start(&db).await);
    let (writing, producer) = (app.clone(), db.client().await);
    let writer = tokio::spawn(async move {
        for round in 0..150usize {
            let id = ids[(round * 17) % ids.len()];
            let verb = ["read", "unread", "archive", "unarchive"][round % 4];
            let (method, path) = match round % 30 {
                29 => ("DELETE", format!("/v1/notifications/{id}")),
                _ => ("PATCH", format!("/v1/notifications/{id}/{verb}")),
            };
            writing.call(method, &path, "ali", &[], None).await;
            event(&producer, "a.b", &json!({})).await;
        }
    });
    let mut mirror = Mirror::default();
    let mut stood = "0".to_owned();
    for turn in 0..50u64 {
        let mut tab = Tab::resume(&app, "ali", &stood).await;
        // Breaks off anywhere: between frames of one burst, too.
        for _ in 0..(turn * 7919 % 13) {
            mirror.take(&tab.frame().await);
        }
        stood = tab.last_id.clone().unwrap();
    }
    writer.await.unwrap();
    drained(&sql).await;
    let (revs, rev) = table(&sql, "ali").await;
    let mut tab = Tab::resume(&app, "ali", &stood).await;
    mirror.follow(&mut tab, rev).await;
    assert_eq!((&mirror.revs, mirror.resets), (&revs, 0));
    let counts = app.get("/v1/notifications/count", "ali").await;
    while mirror.counts.0 != counts["unread"].as_i64().unwrap() {
        mirror.take(&tab.frame().await);
    }
    drop(tab);
    std::sync::Arc::into_inner(app).unwrap().stop().await;
}

#[tokio::test]
async fn who_comes_from_another_history_is_told_to_reload() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    fill(&sql, "ali", 9).await;
    let app = App::start(&db).await;
    let mut tab = Tab::open(&app, "ali").await;
    tab.next("hello").await;
    let here = tab.last_id.clone().unwrap();
    let epoch = here.split_once('.').unwrap().0;
    sql.batch_execute("update neurolink_inboxes set floor_rev = 5 where user_id = 'ali'")
        .await
        .unwrap();
    for (position, way_on) in [
        ("deadbeef.7".to_owned(), false),
        (format!("{epoch}.10"), false),
        (format!("{epoch}.4"), false),
        ("0".to_owned(), false),
        (format!("{epoch}.5"), true),
        (format!("{epoch}.9"), true),
        ("9".to_owned(), true),
    ] {
        let mut tab = Tab::resume(&app, "ali", &position).await;
        let hello = tab.frame().await;
        assert_eq!(
            (&hello.data["resumed"], &hello.id),
            (&json!(way_on), &None),
            "{position}"
        );
        if !way_on {
            assert_eq!(
                tab.last_id.as_deref(),
                Some(position.as_str()),
                "moved by reset alone"
            );
            assert_eq!(tab.next("reset").await["rev"], 9, "{position}");
            assert_eq!(tab.last_id.as_deref(), Some(here.as_str()));
        }
        let path = format!("/v1/notifications/changes?since={position}&wait=5");
        let changes = app.get(&path, "ali").await;
        assert_eq!(changes["reset"], !way_on, "{position}");
        if !way_on {
            assert_eq!(
                (&changes["items"], &changes["cursor"]),
                (&json!([]), &json!(here))
            );
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn two_thousand_changes_are_caught_up_with_and_more_are_a_reload() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    fill(&sql, "ali", 2000).await;
    fill(&sql, "dina", 2001).await;
    let app = App::start(&db).await;
    let mut tab = Tab::resume(&app, "ali", "0").await;
    let mut mirror = Mirror::default();
    mirror.follow(&mut tab, 2000).await;
    assert_eq!((mirror.revs.len(), mirror.resets), (2000, 0));
    let mut tab = Tab::resume(&app, "dina", "0").await;
    loop {
        let frame = tab.frame().await;
        if frame.event == "reset" {
            break;
        }
        assert!(
            frame.event != "notification" || frame.data["rev"].as_i64() < Some(2001),
            "{frame:?}"
        );
    }
    assert_eq!(rev_of(&tab.last_id.clone().unwrap()), 2001);
    fill(&sql, "dina", 1).await;
    app.call("POST", "/v1/notifications/mark-all-read", "dina", &[], None)
        .await;
    let frame = tab.frame().await;
    assert!(
        frame.data["rev"].as_i64() > Some(2001),
        "and it goes on from there: {frame:?}"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_reader_that_does_not_keep_up_is_cut_off_and_comes_back_without_loss() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let id = fill_with(&sql, "ali", 1, &"x".repeat(400_000)).await[0];
    let app = App::start(&db).await;
    // Hardly any room on the way, and nobody who reads.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stuck = socket.connect(app.node.address().unwrap()).await.unwrap();
    let request = format!(
        "GET /v1/notifications/stream HTTP/1.0\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        token("ali", &[])
    );
    stuck.write_all(request.as_bytes()).await.unwrap();
    readers(&app, 1).await;
    let mut keeping_up = Tab::open(&app, "ali").await;
    keeping_up.next("hello").await;
    for round in 0..70 {
        let verb = ["read", "unread"][round % 2];
        let path = format!("/v1/notifications/{id}/{verb}");
        assert_eq!(app.call("PATCH", &path, "ali", &[], None).await.0, 200);
        keeping_up.next("notification").await;
        keeping_up.next("counts").await;
    }
    // Only the one who reads is left.
    readers(&app, 1).await;
    let mut all = Vec::new();
    stuck.read_to_end(&mut all).await.unwrap();
    let text = String::from_utf8(all).unwrap();
    assert!(text.ends_with("\n\n"), "the last frame is whole");
    let stood = text.rmatch_indices("\nid: ").next().unwrap().0 + 5;
    let stood = text[stood..].lines().next().unwrap();
    assert!(rev_of(stood) < 71, "{stood}");
    let mut tab = Tab::resume(&app, "ali", stood).await;
    assert_eq!(tab.next("hello").await["resumed"], true);
    assert_eq!(tab.next("notification").await["rev"], 71);
    app.stop().await;
}
