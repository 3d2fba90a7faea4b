//! Why somebody was told of an event, or not: by SQL function, API and command, which agree where all know.

mod command;

use serde_json::json;
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::{App, WHOLE, drained, event, people, rule, until};

async fn by_sql(sql: &Client, id: i64, user: &str) -> (String, String, bool) {
    let row = sql
        .query_one(
            "select code, answer, is_complete from neurolink_explain($1, $2)",
            &[&id, &user],
        )
        .await
        .unwrap();
    (row.get(0), row.get(1), row.get(2))
}

/// The API's answer, after SQL's was found to be the same where it is complete.
async fn why(app: &App, sql: &Client, id: i64, user: &str) -> (String, String) {
    let path = format!("/v1/events/{id}/why?user={user}");
    let (status, body) = app.call("GET", &path, "eye", &["auditor"], None).await;
    assert_eq!(status, 200, "{body}");
    let text = |key: &str| body[key].as_str().unwrap().to_owned();
    let (code, answer, is_complete) = by_sql(sql, id, user).await;
    if is_complete {
        assert_eq!((text("code"), text("answer")), (code, answer));
        assert_eq!(body["rules"], json!([]));
    } else {
        assert!(
            answer.contains(&format!("`neurolink why --event {id} --user {user}` knows")),
            "{answer}"
        );
    }
    assert_eq!(body["was_told"], json!(text("code") == "told"));
    (text("code"), text("answer"))
}

#[track_caller]
fn says(found: &(String, String), code: &str, words: &[&str]) {
    assert_eq!(found.0, code, "{}", found.1);
    for word in words {
        assert!(found.1.contains(word), "{} lacks {word}", found.1);
    }
}

#[tokio::test]
async fn who_was_told_hears_when_by_which_rule_and_how() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let mails = tempfile::tempdir().unwrap();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", mails.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
    ];
    let template = json!({"title": "T", "recipient_users": ["ali", "cfo", "dina"], "channels": ["in_app", "email", "sms"]});
    rule(&sql, "wide", "a.b", &template).await;
    rule(
        &sql,
        "mail",
        "a.b",
        &json!({"title": "T", "recipient_users": ["nadia"], "channels": ["email"]}),
    )
    .await;
    sql.batch_execute(
        r#"update neurolink_users set email = null where id = 'dina';
           insert into neurolink_user_preferences (user_id, channels) values ('nadia', '{"*": {"email": false}}')"#,
    )
    .await
    .unwrap();
    let app = App::start_with(&db, WHOLE, &settings).await;
    let id = event(&sql, "a.b", &json!({})).await;
    drained(&sql).await;
    let read = app.get("/v1/notifications", "ali").await["items"][0]["id"].clone();
    app.call(
        "PATCH",
        &format!("/v1/notifications/{read}/read"),
        "ali",
        &[],
        None,
    )
    .await;

    says(
        &why(&app, &sql, id, "ali").await,
        "told",
        &[
            "Yes: ali was told of event",
            "rule wide (version 1) on 2",
            "in the inbox (read on",
            "by e-mail (sent on",
            "not by SMS (that channel has no settings here)",
        ],
    );
    says(
        &why(&app, &sql, id, "cfo").await,
        "told",
        &["in the inbox (not read yet)"],
    );
    says(
        &why(&app, &sql, id, "dina").await,
        "told",
        &["not by e-mail (they have no address for it)"],
    );
    says(
        &why(&app, &sql, id, "nadia").await,
        "suppressed",
        &["No: nadia was chosen", "switched off in their preferences"],
    );
    let path = format!("/v1/notifications/{read}");
    app.call("DELETE", &path, "ali", &[], None).await;
    says(
        &why(&app, &sql, id, "ali").await,
        "told",
        &["in the inbox (deleted on"],
    );
    app.stop().await;
}

#[tokio::test]
async fn deliveries_under_way_or_given_up_are_told_apart() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let app = App::start(&db).await;
    rule(
        &sql,
        "r",
        "*",
        &json!({"title": "T", "recipient_users": ["ali"], "channels": ["email"]}),
    )
    .await;
    let id = event(&sql, "a.b", &json!({})).await;
    drained(&sql).await;
    for (status, code, words) in [
        (
            "pending",
            "under_way",
            "by e-mail (under way, attempts so far: 2)",
        ),
        (
            "dead",
            "undelivered",
            "not by e-mail (given up, attempts: 2, 550 no such mailbox)",
        ),
        (
            "cancelled",
            "suppressed",
            "not by e-mail (cancelled: 550 no such mailbox)",
        ),
    ] {
        sql.execute(
            "update neurolink_delivery_log set status = $1, attempts = 2, last_error = '550 no such mailbox'",
            &[&status],
        )
        .await
        .unwrap();
        says(&why(&app, &sql, id, "ali").await, code, &[words]);
    }
    app.stop().await;
}

#[tokio::test]
async fn what_waits_is_paused_or_failed_says_so() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let app = App::start(&db).await;
    sql.batch_execute("select neurolink_pause('event', reason => 'stock taking')")
        .await
        .unwrap();
    let id = event(&sql, "a.b", &json!({})).await;
    says(
        &why(&app, &sql, id, "ali").await,
        "paused",
        &["Not yet", "paused by", "(stock taking)"],
    );
    app.stop().await;
    sql.batch_execute("select neurolink_resume('event')")
        .await
        .unwrap();
    let api = neurolink::app::Parts {
        api: true,
        worker: false,
    };
    let app = App::start_with(&db, api, &[]).await;
    says(
        &why(&app, &sql, id, "ali").await,
        "waiting",
        &["Not yet", "waits to be evaluated."],
    );
    sql.batch_execute(
        "update neurolink_jobs set channel = 'single', attempt = 3, last_error = 'no room'",
    )
    .await
    .unwrap();
    says(
        &why(&app, &sql, id, "ali").await,
        "waiting",
        &["after 3 failed attempts (no room)"],
    );
    sql.execute(
        "insert into neurolink_event_outcomes (event_id, error) values ($1, 'no room')",
        &[&id],
    )
    .await
    .unwrap();
    says(
        &why(&app, &sql, id, "ali").await,
        "failed",
        &["No:", "given up: no room", "replay"],
    );
    assert_eq!(
        app.call(
            "GET",
            "/v1/events/99/why?user=ali",
            "eye",
            &["auditor"],
            None
        )
        .await
        .0,
        404
    );
    assert_eq!(by_sql(&sql, 99, "ali").await.0, "unknown_event");
    for query in ["", "?user=", "?user=a&user=b", "?person=ali"] {
        let path = format!("/v1/events/{id}/why{query}");
        assert_eq!(
            app.call("GET", &path, "eye", &["auditor"], None).await.0,
            400,
            "{query}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn who_was_not_told_hears_which_rule_left_them_out_and_why() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    sql.batch_execute(
        "insert into neurolink_users (id, is_active) values ('old', false), ('porter', true)",
    )
    .await
    .unwrap();
    let app = App::start(&db).await;
    let none = event(&sql, "z.z", &json!({})).await;
    rule(
        &sql,
        "books",
        "a.*",
        &json!({"title": "T", "recipient_roles": ["accountant"], "exclude_actor": true}),
    )
    .await;
    sql.batch_execute(
        r#"insert into neurolink_notification_rules (name, event_type_pattern, conditions, notification_template)
           values ('big', 'b.*', '{">": [{"var": "payload.amount"}, 1000]}', '{"title": "T", "recipient_users": ["cfo"]}');
           insert into neurolink_events (source_module, event_type, branch_id, actor_id) values ('test', 'a.b', 'BGD', 'nadia');
           insert into neurolink_events (source_module, event_type, payload) values ('test', 'b.b', '{"amount": 250}')"#,
    )
    .await
    .unwrap();
    let (books, big) = (none + 1, none + 2);
    drained(&sql).await;

    says(
        &why(&app, &sql, none, "ali").await,
        "no_rule",
        &["no rule is about events of type z.z and module test"],
    );
    says(
        &why(&app, &sql, books, "nadia").await,
        "excluded_as_actor",
        &["rule books is true", "leaves out who did it", "nadia"],
    );
    says(
        &why(&app, &sql, books, "dina").await,
        "other_branch",
        &[
            "tells accountant of branch BGD",
            "dina is accountant of branch BSR",
        ],
    );
    says(
        &why(&app, &sql, books, "porter").await,
        "not_recipient",
        &["tells only accountant", "porter is not among them"],
    );
    says(
        &why(&app, &sql, books, "nobody").await,
        "unknown_person",
        &["nobody with the id nobody"],
    );
    says(
        &why(&app, &sql, books, "old").await,
        "inactive_person",
        &["not active"],
    );
    says(
        &why(&app, &sql, big, "cfo").await,
        "condition_false",
        &[
            "rule big would tell cfo, but its condition is not true: payload.amount > 1000 is not true (payload.amount is 250)",
        ],
    );
    says(
        &why(&app, &sql, big, "ali").await,
        "condition_false",
        &["rule big is about such events, but its condition"],
    );
    sql.batch_execute("update neurolink_notification_rules set enabled = false where name = 'big'")
        .await
        .unwrap();
    says(
        &why(&app, &sql, big, "cfo").await,
        "rule_off",
        &["rule big would tell cfo, but it is switched off"],
    );
    app.stop().await;
}

#[tokio::test]
async fn a_rule_that_came_later_says_that_a_replay_would_tell_them_and_it_does() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let app = App::start(&db).await;
    let id = event(&sql, "a.b", &json!({})).await;
    drained(&sql).await;
    rule(
        &sql,
        "late",
        "*",
        &json!({"title": "T", "recipient_users": ["ali"]}),
    )
    .await;
    says(
        &why(&app, &sql, id, "ali").await,
        "would_be_told",
        &["rule late is true for it and names ali", "A replay"],
    );
    app.call(
        "POST",
        &format!("/v1/events/{id}/replay"),
        "chief",
        &["admin"],
        None,
    )
    .await;
    until(&sql, "select exists (select from neurolink_notifications)").await;
    drained(&sql).await;
    says(&why(&app, &sql, id, "ali").await, "told", &["rule late"]);
    app.stop().await;
}

#[tokio::test]
async fn a_rule_whose_text_could_not_be_written_says_so() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let template = json!({"title": "T {{n}}", "on_missing": "fail", "recipient_users": ["ali"]});
    rule(&sql, "strict", "a.b", &template).await;
    let app = App::start(&db).await;
    let id = event(&sql, "a.b", &json!({})).await;
    drained(&sql).await;
    says(
        &why(&app, &sql, id, "ali").await,
        "render_failed",
        &["No: rule strict chose ali, but its text could not be written: "],
    );
    app.stop().await;
}
