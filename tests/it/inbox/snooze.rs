//! What is put aside leaves lists and counts, and comes back by itself, once, in every open tab.

use std::sync::Arc;

use neurolink::notifications::Inboxes;
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::{change, count, ids};
use crate::support::TestDb;
use crate::support::app::{App, until};
use crate::support::inbox::fill;
use crate::support::sse::Tab;

/// A moment so many seconds ahead, as its text.
fn ahead(seconds: i64) -> String {
    let second = jiff::Timestamp::now().as_second() + seconds;
    jiff::Timestamp::from_second(second).unwrap().to_string()
}

async fn snooze(app: &App, id: i64, who: &str, body: &Value) -> (u16, Value) {
    let path = format!("/v1/notifications/{id}/snooze");
    app.call("PATCH", &path, who, &[], Some(body)).await
}

async fn no_drift(sql: &Client) {
    let wrong = sql
        .query("select user_id from neurolink_inbox_drift", &[])
        .await
        .unwrap();
    assert!(wrong.is_empty(), "counts differ from rows");
}

/// Puts everything in these inboxes aside until a second ago, as the product would have.
async fn put_aside(sql: &Client) {
    sql.batch_execute(
        "update neurolink_inboxes set unread_count = 0, unseen_count = 0;
         update neurolink_notifications set snoozed_until = now() - interval '1 second'",
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn what_is_snoozed_goes_and_comes_back_unread_in_every_open_tab() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let all = fill(&sql, "ali", 3).await;
    let id = all[1];
    let app = App::start(&db).await;
    let (_, read) = change(&app, "PATCH", &format!("{id}/read"), "ali").await;
    assert_eq!(
        (&read["rev"], &read["snoozed_until"]),
        (&json!(4), &Value::Null)
    );
    let mut tab = Tab::open(&app, "ali").await;
    tab.next("hello").await;

    let body = json!({"until": ahead(3600)});
    let (status, gone) = snooze(&app, id, "ali", &body).await;
    assert_eq!(status, 200, "{gone}");
    assert_eq!(gone["snoozed_until"], body["until"]);
    assert_eq!(tab.next("notification").await, gone, "as the API gives it");
    let counts = json!({"unread": 2, "unseen": 2, "rev": 5});
    assert_eq!(tab.next("counts").await, counts);
    assert_eq!(count(&app, "ali").await, counts);
    let (_, again) = snooze(&app, id, "ali", &body).await;
    assert_eq!(again, gone, "the same again is no change");
    for (query, found) in [
        ("", vec![all[2], all[0]]),
        ("?snoozed=false&archived=include", vec![all[2], all[0]]),
        ("?snoozed=true", vec![id]),
        ("?snoozed=true&status=unread", vec![]),
    ] {
        let list = app.get(&format!("/v1/notifications{query}"), "ali").await;
        assert_eq!(ids(&list), found, "{query}");
    }
    no_drift(&sql).await;

    sql.execute(
        "update neurolink_notifications set snoozed_until = now() - interval '1 second' where user_id = 'ali' and id = $1",
        &[&id],
    )
    .await
    .unwrap();
    let back = tab.next("notification").await;
    assert_eq!((&back["id"], &back["rev"]), (&json!(id), &json!(6)));
    for at in ["snoozed_until", "seen_at", "read_at"] {
        assert_eq!(back[at], Value::Null, "{at}");
    }
    let counts = json!({"unread": 3, "unseen": 3, "rev": 6});
    assert_eq!(tab.next("counts").await, counts);
    assert_eq!(count(&app, "ali").await, counts);
    let list = app.get("/v1/notifications", "ali").await;
    assert_eq!(ids(&list), [all[2], id, all[0]], "where it stood");
    no_drift(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn what_is_done_with_a_snoozed_one_counts_once() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let ids = fill(&sql, "ali", 5).await;
    let app = App::start(&db).await;
    let body = json!({"until": ahead(3600)});
    for id in &ids {
        assert_eq!(snooze(&app, *id, "ali", &body).await.0, 200);
    }
    let [a, b, c, d, e] = ids[..] else {
        panic!("five were told")
    };
    let nothing = json!({"unread": 0, "unseen": 0, "rev": 10});
    assert_eq!(count(&app, "ali").await, nothing);
    // The change, then which of seen, read, archived, snoozed it is, and unread, unseen and revision of the inbox.
    for (id, verb, is, unread, unseen, rev) in [
        (a, "read", [true, true, false, false], 0, 0, 11),
        (b, "archive", [false, false, true, false], 0, 0, 12),
        (d, "unsnooze", [false, false, false, false], 1, 1, 13),
        (d, "unsnooze", [false, false, false, false], 1, 1, 13),
        (e, "unread", [false, false, false, true], 1, 1, 13),
        (e, "seen", [true, false, false, true], 1, 1, 14),
        (e, "unsnooze", [true, false, false, false], 2, 1, 15),
        (b, "snooze", [false, false, false, true], 2, 1, 16),
        (b, "unsnooze", [false, false, false, false], 3, 2, 17),
    ] {
        let path = format!("/v1/notifications/{id}/{verb}");
        let body = (verb == "snooze").then_some(&body);
        let (status, now) = app.call("PATCH", &path, "ali", &[], body).await;
        let are =
            ["seen_at", "read_at", "archived_at", "snoozed_until"].map(|at| !now[at].is_null());
        assert_eq!((status, are), (200, is), "{verb}: {now}");
        let counts = json!({"unread": unread, "unseen": unseen, "rev": rev});
        assert_eq!(count(&app, "ali").await, counts, "{verb}");
    }
    assert_eq!(change(&app, "DELETE", &c.to_string(), "ali").await.0, 204);
    let counts = json!({"unread": 3, "unseen": 2, "rev": 18});
    assert_eq!(count(&app, "ali").await, counts);
    let left =
        "select not exists (select from neurolink_notifications where snoozed_until is not null)";
    until(&sql, left).await;
    no_drift(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn marking_everything_read_leaves_what_is_snoozed_alone() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let all = fill(&sql, "ali", 3).await;
    let app = App::start(&db).await;
    snooze(&app, all[0], "ali", &json!({"until": ahead(3600)})).await;
    let (status, marked) = change(&app, "POST", "mark-all-read", "ali").await;
    let expected = json!({"changed": 2, "unread": 0, "unseen": 0, "rev": 6});
    assert_eq!((status, marked), (200, expected));
    let list = app.get("/v1/notifications?snoozed=true", "ali").await;
    assert_eq!(ids(&list), [all[0]]);
    assert_eq!(list["items"][0]["read_at"], Value::Null);
    no_drift(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn only_a_moment_ahead_is_taken_and_only_for_ones_own() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let id = fill(&sql, "ali", 1).await[0];
    let app = App::start(&db).await;
    let a_year_and_a_bit = ahead(400 * 24 * 3600);
    let a_minute_ago = ahead(-60);
    for (body, code, place) in [
        (json!({"until": a_minute_ago}), "invalid_field", "/until"),
        (
            json!({"until": a_year_and_a_bit}),
            "invalid_field",
            "/until",
        ),
        (json!({"until": "tomorrow"}), "invalid_field", "/until"),
        (json!({"until": 1}), "invalid_type", "/until"),
    ] {
        let (status, problem) = snooze(&app, id, "ali", &body).await;
        let said = (status, &problem["code"], &problem["place"]);
        assert_eq!(
            said,
            (400, &json!(code), &json!(place)),
            "{body}: {problem}"
        );
    }
    let (status, problem) = snooze(&app, id, "ali", &json!({})).await;
    assert_eq!((status, &problem["code"]), (400, &json!("missing_field")));
    let (status, problem) = snooze(&app, id, "dina", &json!({"until": ahead(60)})).await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
    let (status, problem) = change(&app, "PATCH", &format!("{id}/unsnooze"), "dina").await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
    let untouched = json!({"unread": 1, "unseen": 1, "rev": 1});
    assert_eq!(count(&app, "ali").await, untouched);
    app.stop().await;
}

#[tokio::test]
async fn two_nodes_wake_each_of_many_once() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    fill(&sql, "ali", 600).await;
    fill(&sql, "dina", 5).await;
    put_aside(&sql).await;
    let node = || Inboxes::new(db.db(), Arc::new(|_: Vec<String>| {}));
    let (one, other) = (node(), node());
    let (first, second) = tokio::join!(one.wake_due(), other.wake_due());
    // Each leaves what the other holds at that moment.
    let rest = one.wake_due().await.unwrap();
    assert_eq!(first.unwrap() + second.unwrap() + rest, 605);
    for (who, told) in [("ali", 600), ("dina", 5)] {
        let row = sql
            .query_one(
                "select i.rev, i.unread_count, i.unseen_count, count(distinct n.rev), min(n.rev)
                   from neurolink_inboxes i join neurolink_notifications n using (user_id)
                  where i.user_id = $1 and n.snoozed_until is null group by i.user_id",
                &[&who],
            )
            .await
            .unwrap();
        let found: (i64, i32, i32, i64, i64) =
            (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4));
        let each = i64::from(told);
        assert_eq!(found, (2 * each, told, told, each, each + 1), "{who}");
    }
    no_drift(&sql).await;
}

#[tokio::test]
async fn an_inbox_that_somebody_holds_is_left_for_the_next_look() {
    let db = TestDb::new().await;
    let (sql, holder) = (db.client().await, db.client().await);
    fill(&sql, "ali", 2).await;
    fill(&sql, "dina", 1).await;
    put_aside(&sql).await;
    let inboxes = Inboxes::new(db.db(), Arc::new(|_: Vec<String>| {}));
    holder
        .batch_execute("begin; select from neurolink_inboxes where user_id = 'ali' for update")
        .await
        .unwrap();
    assert_eq!(inboxes.wake_due().await.unwrap(), 1);
    holder.batch_execute("rollback").await.unwrap();
    assert_eq!(inboxes.wake_due().await.unwrap(), 2);
    no_drift(&sql).await;
}
