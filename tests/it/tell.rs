//! `POST /v1/notifications` and `neurolink_tell`: an admin tells people something directly.

use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::app::{App, WHOLE, drained, number, people, until};

async fn tell(app: &App, body: &Value) -> (u16, Value) {
    app.call("POST", "/v1/notifications", "boss", &["admin"], Some(body))
        .await
}

#[tokio::test]
async fn people_are_told_in_their_languages_in_their_inboxes_and_by_mail() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let mails = tempfile::tempdir().unwrap();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", mails.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
    ];
    let app = App::start_with(&db, WHOLE, &settings).await;
    // The node has told what it can send.
    until(
        &sql,
        "select exists (select from neurolink_workers where channels is not null)",
    )
    .await;
    let body = json!({"user_ids": ["nadia", "ali", "ali", "nobody"], "channels": ["in_app", "email", "sms"], "severity": "warning",
        "title": {"en": "Stock-taking on Thursday", "ar": "الجرد يوم الخميس"}, "action_url": "/stock"});
    let (status, answer) = tell(&app, &body).await;
    assert_eq!(
        (status, &answer["unknown"]),
        (201, &json!(["nobody"])),
        "{answer}"
    );
    let told: Vec<(&str, &str, &str, Option<&str>)> = answer["told"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| {
            let word = |key: &str| t[key].as_str().unwrap();
            (
                word("user_id"),
                word("channel"),
                word("status"),
                t["reason"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("ali", "in_app", "delivered", None),
            ("ali", "email", "pending", None),
            ("ali", "sms", "suppressed", Some("not_configured")),
            ("nadia", "in_app", "delivered", None),
            ("nadia", "email", "pending", None),
            ("nadia", "sms", "suppressed", Some("not_configured")),
        ]
    );
    drained(&sql).await;
    let inbox = app.get("/v1/notifications", "nadia").await;
    let one = &inbox["items"][0];
    assert_eq!(
        (
            &one["title"],
            &one["severity"],
            &one["event_id"],
            &one["action_url"]
        ),
        (
            &json!("الجرد يوم الخميس"),
            &json!("warning"),
            &Value::Null,
            &json!("/stock")
        )
    );
    assert_eq!(
        app.get("/v1/notifications/count", "ali").await,
        json!({"unread": 1, "unseen": 1, "rev": 1})
    );
    assert_eq!(std::fs::read_dir(mails.path()).unwrap().count(), 2);
    let sent =
        "select count(*) from neurolink_delivery_log where channel = 'email' and status = 'sent'";
    assert_eq!(number(&sql, sent).await, 2);
    assert_eq!(
        number(&sql, "select count(*) from neurolink_inbox_drift").await,
        0
    );
    let audited = "select count(*) from neurolink_audit_log where action = 'notification.told' and actor = 'boss' and subject_id = 'ali and 1 more'";
    assert_eq!(number(&sql, audited).await, 1);
    app.stop().await;
}

#[tokio::test]
async fn wishes_count_unless_it_is_mandatory_and_the_inactive_are_unknown() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    sql.batch_execute(
        "insert into neurolink_user_preferences (user_id, channels) values ('ali', '{\"*\": {\"in_app\": false}, \"news\": {\"in_app\": true}}');
         update neurolink_users set is_active = false where id = 'dina'",
    )
    .await
    .unwrap();
    let app = App::start(&db).await;
    let (_, withheld) = tell(&app, &json!({"user_ids": ["ali", "dina"], "title": "T"})).await;
    assert_eq!(withheld["told"][0]["reason"], "preference");
    assert_eq!(withheld["unknown"], json!(["dina"]));
    let unread = async || app.get("/v1/notifications/count", "ali").await["unread"].clone();
    assert_eq!(unread().await, 0);
    tell(
        &app,
        &json!({"user_ids": ["ali"], "title": "T", "category": "news"}),
    )
    .await;
    assert_eq!(unread().await, 1);
    tell(
        &app,
        &json!({"user_ids": ["ali"], "title": "T", "mandatory": true}),
    )
    .await;
    assert_eq!(unread().await, 2);
    app.stop().await;
}

#[tokio::test]
async fn a_dba_tells_by_one_line_and_what_cant_be_is_an_error() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let id = number(
        &sql,
        "select neurolink_tell('ali', 'The server restarts at 22:00')",
    )
    .await;
    assert!(id > 0);
    let rows = "select count(*) from neurolink_notifications where user_id = 'ali' and title = 'The server restarts at 22:00' and rev = 1";
    assert_eq!(number(&sql, rows).await, 1);
    for wrong in [
        "{}",
        "{\"title\": \"T\", \"titel\": \"T\"}",
        "{\"title\": \"T\", \"channels\": [\"pigeon\"]}",
        "{\"title\": \"T\", \"action_url\": \"javascript:1\"}",
        "{\"title\": \"T\", \"severity\": \"loud\"}",
    ] {
        let told = sql
            .query(
                "select * from neurolink_tell_people('{ali}', $1::text::jsonb)",
                &[&wrong],
            )
            .await;
        assert!(told.is_err(), "{wrong}");
    }
    let told = "select count(*) from neurolink_tell_people('{nobody}', '{\"title\": \"T\"}')";
    assert_eq!(number(&sql, told).await, 0);
    assert_eq!(
        number(&sql, "select count(*) from neurolink_notifications").await,
        1
    );
}
