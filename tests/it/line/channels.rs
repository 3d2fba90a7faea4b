//! Deliveries as they are planned: one per notification and channel, and why one isn't tried.

use serde_json::{Value, json};

use super::{events, number, outcome};
use crate::support::TestDb;
use crate::support::app::{App, WHOLE, drained, people, rule};

#[tokio::test]
async fn a_rule_for_mail_alone_tells_by_mail_and_leaves_the_inbox_as_it_is() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", folder.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
    ];
    let app = App::start_with(&db, WHOLE, &settings).await;
    let template = json!({"title": "mail", "channels": ["email"], "recipient_users": ["ali"]});
    rule(&sql, "mail", "by.mail", &template).await;
    let both = json!({"title": "both", "channels": ["email", "in_app", "email"], "recipient_users": ["ali"]});
    rule(&sql, "both", "by.both", &both).await;
    events(&sql, &json!([{"event_type": "by.mail"}])).await;
    drained(&sql).await;

    assert_eq!(
        app.get("/v1/notifications", "ali").await["items"],
        json!([])
    );
    let counts = app.get("/v1/notifications/count", "ali").await;
    assert_eq!(counts, json!({"unread": 0, "unseen": 0, "rev": 0}));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let quiet = "select count(*) from neurolink_notifications where not in_app and rev is null";
    assert_eq!(number(&sql, quiet).await, 1);

    events(&sql, &json!([{"event_type": "by.both"}])).await;
    drained(&sql).await;
    let inbox = app.get("/v1/notifications", "ali").await;
    assert_eq!(inbox["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(inbox["items"][0]["title"], "both");
    let planned = "select count(*) from neurolink_delivery_log";
    assert_eq!(
        number(&sql, planned).await,
        3,
        "a channel named twice is one"
    );
    assert_eq!(
        number(&sql, "select count(*) from neurolink_inbox_drift").await,
        0
    );
    app.stop().await;
}

#[tokio::test]
async fn a_delivery_without_settings_or_address_is_suppressed_with_that_reason_and_never_sent() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    sql.batch_execute("update neurolink_users set email = '  ' where id = 'cfo'; update neurolink_users set email = null where id = 'dina'")
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", folder.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
    ];
    let template = json!({"title": "t", "recipient_users": ["ali", "cfo", "dina"],
        "channels": ["in_app", "email", "sms", "telegram", "webhook"]});
    rule(&sql, "everywhere", "*", &template).await;
    let log = "select user_id, channel, status, coalesce(last_error, '-') from neurolink_delivery_log
                where (user_id, channel) not in (('ali', 'in_app'), ('cfo', 'in_app'), ('dina', 'in_app')) order by id";
    let expect = |mails: [(&str, &str); 3]| -> Vec<String> {
        let mut lines = Vec::new();
        for (user, (status, reason)) in ["ali", "cfo", "dina"].iter().zip(mails) {
            lines.push(format!("{user} email {status} {reason}"));
            for channel in ["sms", "telegram", "webhook"] {
                lines.push(format!("{user} {channel} suppressed not_configured"));
            }
        }
        lines.sort();
        lines
    };
    for (settings, mails) in [
        (&settings[..0], [("suppressed", "not_configured"); 3]),
        (
            &settings[..],
            [
                ("sent", "-"),
                ("suppressed", "no_address"),
                ("suppressed", "no_address"),
            ],
        ),
    ] {
        sql.batch_execute("truncate neurolink_delivery_log")
            .await
            .unwrap();
        let app = App::start_with(&db, WHOLE, settings).await;
        let ids = events(&sql, &json!([{}])).await;
        drained(&sql).await;
        let rows = sql.query(log, &[]).await.unwrap();
        let mut lines: Vec<String> = rows
            .iter()
            .map(|row| {
                let words: Vec<&str> = (0..4).map(|index| row.get(index)).collect();
                words.join(" ")
            })
            .collect();
        lines.sort();
        assert_eq!(lines, expect(mails));
        let made = outcome(&sql, ids[0]).await;
        assert_eq!(made["notifications"], 3);
        assert_eq!(made["error"], Value::Null);
        app.stop().await;
    }
    let jobs = "select count(*) from neurolink_jobs";
    assert_eq!(
        number(&sql, jobs).await,
        0,
        "nothing waits to be suppressed"
    );
}
