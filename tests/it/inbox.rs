//! An inbox over HTTP: listing, changing, counting; and nobody else's.

mod acknowledge;
mod settled;
mod snooze;
mod together;

use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::app::{App, drained, event, rule, until};
use crate::support::inbox::fill;

async fn count(app: &App, who: &str) -> Value {
    app.get("/v1/notifications/count", who).await
}

async fn change(app: &App, method: &str, path: &str, who: &str) -> (u16, Value) {
    app.call(method, &format!("/v1/notifications/{path}"), who, &[], None)
        .await
}

fn ids(list: &Value) -> Vec<i64> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|n| n["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn the_list_takes_every_filter_alone_and_together() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    fill(&sql, "ali", 12).await;
    fill(&sql, "dina", 3).await;
    sql.batch_execute(
        "update neurolink_notifications set severity = 'warning', category = 'billing' where user_id = 'ali' and rev % 2 = 0;
         update neurolink_notifications set source_module = 'invoicing' where user_id = 'ali' and rev % 3 = 0;
         update neurolink_notifications set read_at = now(), seen_at = now() where user_id = 'ali' and rev <= 4;
         update neurolink_notifications set archived_at = now() where user_id = 'ali' and rev in (4, 5, 6)",
    )
    .await
    .unwrap();
    let app = App::start(&db).await;
    for (query, revs) in [
        ("", vec![12, 11, 10, 9, 8, 7, 3, 2, 1]),
        ("status=all", vec![12, 11, 10, 9, 8, 7, 3, 2, 1]),
        ("status=read", vec![3, 2, 1]),
        ("status=unread", vec![12, 11, 10, 9, 8, 7]),
        ("archived=only", vec![6, 5, 4]),
        ("archived=only&status=read", vec![4]),
        (
            "archived=include&severity=warning",
            vec![12, 10, 8, 6, 4, 2],
        ),
        ("severity=critical", vec![]),
        ("category=billing&status=unread", vec![12, 10, 8]),
        ("source_module=invoicing", vec![12, 9, 3]),
        ("source_module=invoicing&severity=info", vec![9, 3]),
        ("limit=2&status=read", vec![3, 2]),
    ] {
        let list = app.get(&format!("/v1/notifications?{query}"), "ali").await;
        let found: Vec<i64> = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n["rev"].as_i64().unwrap())
            .collect();
        assert_eq!(found, revs, "{query}");
    }
    app.stop().await;
}

#[tokio::test]
async fn pages_follow_each_other_while_new_ones_arrive() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let mut wanted = fill(&sql, "ali", 25).await;
    wanted.reverse();
    let app = App::start(&db).await;
    let (mut found, mut path) = (Vec::new(), "/v1/notifications?limit=10".to_owned());
    loop {
        let page = app.get(&path, "ali").await;
        found.extend(ids(&page));
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/v1/notifications?limit=10&cursor={next}");
        fill(&sql, "ali", 7).await;
    }
    assert_eq!(found, wanted);
    app.stop().await;
}

#[tokio::test]
async fn every_change_may_come_twice_and_the_counts_are_right_after_each() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let id = fill(&sql, "ali", 3).await[0];
    let app = App::start(&db).await;
    let nobody = count(&app, "nobody").await;
    assert_eq!(nobody, json!({"unread": 0, "unseen": 0, "rev": 0}));
    // The change, then unread, unseen and revision, and which of seen, read, archived the notification then is.
    for (verb, unread, unseen, rev, is) in [
        ("seen", 3, 2, 4, [true, false, false]),
        ("read", 2, 2, 5, [true, true, false]),
        ("unread", 3, 2, 6, [true, false, false]),
        ("archive", 2, 2, 7, [true, false, true]),
        ("read", 2, 2, 8, [true, true, true]),
        ("unread", 2, 2, 9, [true, false, true]),
        ("unarchive", 3, 2, 10, [true, false, false]),
    ] {
        for time in ["first", "second"] {
            let (status, body) = change(&app, "PATCH", &format!("{id}/{verb}"), "ali").await;
            let are = ["seen_at", "read_at", "archived_at"].map(|at| !body[at].is_null());
            assert_eq!((status, are), (200, is), "{verb}, {time}: {body}");
            assert_eq!(body["rev"], rev, "{verb}, {time}");
            assert_eq!(
                body,
                app.get(&format!("/v1/notifications/{id}"), "ali").await
            );
            let counts = json!({"unread": unread, "unseen": unseen, "rev": rev});
            assert_eq!(count(&app, "ali").await, counts, "{verb}, {time}");
        }
    }
    until(
        &sql,
        "select not exists (select from neurolink_inbox_drift)",
    )
    .await;
    app.stop().await;
}

#[tokio::test]
async fn what_is_deleted_is_gone_and_readers_of_changes_learn_of_it() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let id = fill(&sql, "ali", 2).await[0];
    let app = App::start(&db).await;
    let (status, body) = change(&app, "DELETE", &id.to_string(), "ali").await;
    assert_eq!((status, body), (204, Value::Null));
    for (method, verb) in [
        ("GET", ""),
        ("DELETE", ""),
        ("PATCH", "/read"),
        ("PATCH", "/archive"),
    ] {
        let (status, body) = change(&app, method, &format!("{id}{verb}"), "ali").await;
        assert_eq!(
            (status, &body["code"]),
            (404, &json!("not_found")),
            "{method}{verb}"
        );
    }
    let counts = json!({"unread": 1, "unseen": 1, "rev": 3});
    assert_eq!(count(&app, "ali").await, counts);
    let changes = app.get("/v1/notifications/changes?since=2", "ali").await;
    assert_eq!(
        (&changes["deleted"], &changes["items"]),
        (&json!([id]), &json!([]))
    );
    let kept: String = sql
        .query_one(
            "select title || body from neurolink_notifications where user_id = 'ali' and id = $1",
            &[&id],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(kept, "", "a tombstone holds no words");
    app.stop().await;
}

#[tokio::test]
async fn everything_is_marked_read_in_chunks_that_hold_no_inbox_for_long() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let ids = fill(&sql, "ali", 1250).await;
    fill(&sql, "dina", 5).await;
    let app = App::start(&db).await;
    change(&app, "PATCH", &format!("{}/archive", ids[0]), "ali").await;
    let (status, body) = change(&app, "POST", "mark-all-read", "ali").await;
    let all = json!({"changed": 1249, "unread": 0, "unseen": 0, "rev": 1251 + 1249});
    assert_eq!((status, &body), (200, &all));
    let chunks: i64 = sql
        .query_one(
            "select count(distinct xmin::text) from neurolink_notifications where user_id = 'ali' and read_at is not null",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(chunks, 3);
    let (_, again) = change(&app, "POST", "mark-all-read", "ali").await;
    assert_eq!(
        (&again["changed"], &again["rev"]),
        (&json!(0), &json!(2500))
    );
    assert_eq!(count(&app, "dina").await["unread"], 5);
    until(
        &sql,
        "select not exists (select from neurolink_inbox_drift)",
    )
    .await;
    app.stop().await;
}

#[tokio::test]
async fn what_comes_while_everything_is_marked_read_stays_unread() {
    let db = TestDb::new().await;
    let (sql, writer) = (db.client().await, db.client().await);
    fill(&sql, "ali", 501).await;
    let app = App::start(&db).await;
    // Holds the inbox once the first chunk is chosen, and adds one before the second.
    writer.batch_execute("begin").await.unwrap();
    fill(&writer, "ali", 1).await;
    let ((_, body), ()) = tokio::join!(change(&app, "POST", "mark-all-read", "ali"), async {
        until(
            &sql,
            "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')",
        )
        .await;
        writer.batch_execute("commit").await.unwrap();
    });
    assert_eq!(
        (&body["changed"], &body["unread"]),
        (&json!(501), &json!(1)),
        "{body}"
    );
    app.stop().await;
}

#[tokio::test]
async fn somebody_elses_notification_does_not_exist() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let id = fill(&sql, "ali", 1).await[0];
    fill(&sql, "dina", 1).await;
    let told_elsewhere: i64 = sql
        .query_one(
            "insert into neurolink_notifications (user_id, in_app, title) values ('dina', false, 'By mail only') returning id",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    let app = App::start(&db).await;
    for id in [id, told_elsewhere] {
        for (method, verb) in [
            ("GET", ""),
            ("DELETE", ""),
            ("PATCH", "/read"),
            ("PATCH", "/unread"),
            ("PATCH", "/seen"),
            ("PATCH", "/archive"),
            ("PATCH", "/unarchive"),
            ("PATCH", "/unsnooze"),
        ] {
            let path = format!("/v1/notifications/{id}{verb}");
            // Not even for an admin: an inbox is its owner's.
            let (status, body) = app.call(method, &path, "dina", &["admin"], None).await;
            assert_eq!(
                (status, &body["code"]),
                (404, &json!("not_found")),
                "{method}{verb}"
            );
        }
    }
    assert_eq!(
        count(&app, "ali").await,
        json!({"unread": 1, "unseen": 1, "rev": 1})
    );
    assert_eq!(
        count(&app, "dina").await,
        json!({"unread": 1, "unseen": 1, "rev": 1})
    );
    app.stop().await;
}

#[tokio::test]
async fn what_is_unusable_is_refused_by_its_name() {
    let db = TestDb::new().await;
    let app = App::start(&db).await;
    for (method, path, status, code, place) in [
        ("GET", "?limit=0", 400, "invalid_limit", "limit"),
        ("GET", "?limit=201", 400, "invalid_limit", "limit"),
        ("GET", "?cursor=nonsense", 400, "invalid_cursor", "cursor"),
        ("GET", "?status=new", 400, "invalid_parameter", "status"),
        ("GET", "?archived=yes", 400, "invalid_parameter", "archived"),
        (
            "GET",
            "?severity=loud",
            400,
            "invalid_parameter",
            "severity",
        ),
        (
            "GET",
            "?status=read&status=read",
            400,
            "invalid_parameter",
            "status",
        ),
        ("GET", "?snoozed=yes", 400, "invalid_parameter", "snoozed"),
        ("GET", "?unread=true", 400, "unknown_parameter", "unread"),
        ("GET", "/count?x=1", 400, "unknown_parameter", "x"),
        ("POST", "/mark-all-read?x=1", 400, "unknown_parameter", "x"),
        ("GET", "/changes", 400, "missing_parameter", "since"),
        ("GET", "/changes?since=-1", 400, "invalid_cursor", "since"),
        (
            "GET",
            "/changes?since=a.b.1",
            400,
            "invalid_cursor",
            "since",
        ),
        (
            "GET",
            "/changes?since=0&wait=61",
            400,
            "invalid_parameter",
            "wait",
        ),
        (
            "GET",
            "/changes?since=0&wait=%2B5",
            400,
            "invalid_parameter",
            "wait",
        ),
        (
            "GET",
            "/stream?last_event_id=x",
            400,
            "invalid_cursor",
            "last_event_id",
        ),
        ("GET", "/stream?token=x", 400, "unknown_parameter", "token"),
        ("GET", "?category=a%00b", 400, "invalid_value", ""),
        ("GET", "/0", 404, "not_found", ""),
        ("GET", "/-1", 404, "not_found", ""),
        ("GET", "/99999999999999999999", 404, "not_found", ""),
        ("PATCH", "/abc/read", 404, "not_found", ""),
        ("PATCH", "/1/shred", 404, "not_found", ""),
        ("PATCH", "/1", 405, "method_not_allowed", ""),
    ] {
        let full = format!("/v1/notifications{path}");
        let (got, body) = app.call(method, &full, "ali", &[], None).await;
        assert_eq!(
            (got, &body["code"]),
            (status, &json!(code)),
            "{method} {path}: {body}"
        );
        assert_eq!(
            body["place"].as_str().unwrap_or(""),
            place,
            "{method} {path}: {body}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn what_is_told_now_stands_on_top_whatever_ids_were_taken_ahead() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let template = json!({"title": "T", "recipient_users": ["ali"]});
    sql.batch_execute("insert into neurolink_users (id) values ('ali')")
        .await
        .unwrap();
    rule(&sql, "any", "a.b", &template).await;
    let app = App::start(&db).await;
    event(&sql, "a.b", &json!({})).await;
    drained(&sql).await;
    // Another node, whose ids were taken after this one's.
    fill(&sql, "ali", 1).await;
    until(
        &sql,
        "select max(created_at) < now() - interval '600 milliseconds' from neurolink_notifications",
    )
    .await;
    let newest = event(&sql, "a.b", &json!({})).await;
    drained(&sql).await;
    let list = app.get("/v1/notifications", "ali").await;
    assert_eq!(list["items"][0]["event_id"], newest, "{list}");
    app.stop().await;
}
