//! Pages that look at a bounded stretch: who follows `next_cursor` finds everything, once, however rare it is.

#![allow(clippy::unwrap_used)] // clippy knows tests by their attribute, not their helpers

use neurolink::app::Parts;
use serde_json::Value;

use crate::support::TestDb;
use crate::support::app::App;

const API: Parts = Parts {
    api: true,
    worker: false,
};

/// Every page of a list, as the ids on each.
async fn pages(app: &App, path: &str, who: &str) -> Vec<Vec<Value>> {
    let (mut pages, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let at = cursor.map(|c| format!("&cursor={c}")).unwrap_or_default();
        let full = format!("{path}{at}");
        let (status, page) = app.call("GET", &full, who, &["auditor"], None).await;
        assert_eq!(status, 200, "{full}: {page}");
        let items = page["items"].as_array().unwrap();
        pages.push(items.iter().map(|item| item["id"].clone()).collect());
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn an_unread_notification_under_thousands_of_read_ones_is_found_by_following_the_cursor() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "insert into neurolink_notifications (user_id, rev, title, read_at)
         select 'ali', n, 'n', case when n > 1 then now() end from generate_series(1, 4500) n;
         insert into neurolink_inboxes (user_id, rev, unread_count, unseen_count) values ('ali', 4500, 1, 4500)",
    )
    .await
    .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    let found = pages(&app, "/v1/notifications?status=unread", "ali").await;
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1]);
    let (status, marked) = app
        .call("POST", "/v1/notifications/mark-all-read", "ali", &[], None)
        .await;
    assert_eq!(
        (status, &marked["changed"]),
        (200, &Value::from(1)),
        "{marked}"
    );
    assert_eq!(
        pages(&app, "/v1/notifications?limit=200", "ali")
            .await
            .concat()
            .len(),
        4500
    );
    app.stop().await;
}

#[tokio::test]
async fn a_person_behind_thousands_of_others_is_found_by_following_the_cursor() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "alter table neurolink_users disable trigger user;
         insert into neurolink_users (id, display_name) select 'p' || lpad(n::text, 6, '0'), 'N' from generate_series(1, 10100) n;
         insert into neurolink_users (id, display_name) values ('z', 'The Needle')",
    )
    .await
    .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    let found = pages(&app, "/v1/users?q=needle", "auditor").await;
    assert_eq!(found, [vec![], vec![Value::from("z")]]);
    app.stop().await;
}

#[tokio::test]
async fn a_deed_of_another_branch_than_thousands_is_found_by_following_the_cursor() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "insert into neurolink_audit_log (at, actor, action, subject_kind, subject_id)
         select now() - (6000 - n) * interval '1 s', 'a', case n when 5 then 'odd' else 'usual' end, case when n = 5 then 'needle' else 'rule' end, n::text
           from generate_series(1, 5500) n",
    )
    .await
    .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    for (query, pages_of) in [
        ("subject_kind=needle", vec![0, 1]),
        ("actor=a&subject_kind=needle", vec![0, 1]),
        ("action=odd", vec![1]),
        ("subject_kind=needle&subject_id=5", vec![1]),
        ("actor=b", vec![0]),
    ] {
        let found = pages(&app, &format!("/v1/audit?{query}"), "auditor").await;
        let lengths: Vec<usize> = found.iter().map(Vec::len).collect();
        assert_eq!(lengths, pages_of, "{query}");
    }
    app.stop().await;
}

#[tokio::test]
async fn the_deliveries_of_an_event_that_told_everybody_are_all_found_and_no_others() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "insert into neurolink_events (id, source_module, event_type, received_at) overriding system value
         select n, 'sales', 'order.created', now() - (4 - n) * interval '1 day' from generate_series(1, 3) n;
         insert into neurolink_event_outcomes (event_id, evaluated_at, rules_matched, notifications)
         select id, received_at, 1, 1500 from neurolink_events;
         insert into neurolink_notifications (user_id, rev, event_id, rule_id, rule_version, title, created_at)
         select 'u' || n, e.id, e.id, 1, 1, 't', e.received_at from neurolink_events e cross join generate_series(1, 1500) n order by e.id;
         insert into neurolink_delivery_log (id, notification_id, user_id, channel, status, created_at)
         select id * 32, id, user_id, 'in_app', 'delivered', created_at from neurolink_notifications",
    )
    .await
    .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    let found = pages(&app, "/v1/deliveries?event_id=2&limit=200", "auditor").await;
    let ids: Vec<i64> = found
        .concat()
        .iter()
        .map(|id| id.as_i64().unwrap())
        .collect();
    assert_eq!(ids.len(), 1500);
    assert!(ids.is_sorted_by(|a, b| a > b));
    let others: i64 = sql
        .query_one(
            "select count(*) from neurolink_delivery_log d join neurolink_notifications n on n.id = d.notification_id
              where d.id = any ($1) and n.event_id <> 2",
            &[&ids],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(others, 0);
    // A step that came days later is found too.
    sql.batch_execute(
        "insert into neurolink_notifications (user_id, rev, event_id, rule_id, rule_version, step, title) values ('u1', 9, 2, 1, 1, 1, 'again');
         insert into neurolink_delivery_log (id, notification_id, user_id, channel, status)
         select id * 32, id, user_id, 'in_app', 'delivered' from neurolink_notifications where step = 1",
    )
    .await
    .unwrap();
    let found = pages(&app, "/v1/deliveries?event_id=2&limit=200", "auditor").await;
    assert_eq!(found.concat().len(), 1501);
    app.stop().await;
}
