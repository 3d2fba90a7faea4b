//! Preferences: set by oneself or an admin, honoured by the pipeline, and overridden by rules that must be heard.

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::{App, drained, event, people, rule};

async fn set(app: &App, who: &str, channels: Value) {
    let body = json!({"channels": channels});
    let (status, answer) = app
        .call("PUT", "/v1/preferences", who, &[], Some(&body))
        .await;
    assert_eq!((status, &answer["channels"]), (200, &channels), "{answer}");
}

/// `channel=status(reason)` of each delivery to somebody, in order of channels.
async fn deliveries(sql: &Client, user: &str) -> String {
    sql.query_one(
        "select coalesce(string_agg(channel || '=' || status || coalesce('(' || last_error || ')', ''), ' ' order by id), '')
           from neurolink_delivery_log where user_id = $1",
        &[&user],
    )
    .await
    .unwrap()
    .get(0)
}

async fn inbox(app: &App, user: &str) -> usize {
    app.get("/v1/notifications", user).await["items"]
        .as_array()
        .unwrap()
        .len()
}

fn template(category: &str, mandatory: bool) -> Value {
    json!({"title": "T", "category": category, "channels": ["in_app", "email"], "recipient_roles": ["accountant"], "mandatory": mandatory})
}

/// Mails into files: a configured channel.
async fn start(db: &TestDb, mails: &tempfile::TempDir) -> App {
    let folder = mails.path().display().to_string();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", folder.as_str()),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
    ];
    App::start_with(db, crate::support::app::WHOLE, &settings).await
}

#[tokio::test]
async fn what_somebody_switches_off_is_suppressed_for_them_alone_and_said_so() {
    let (db, mails) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let sql = db.client().await;
    people(&sql).await;
    rule(
        &sql,
        "overdue",
        "invoice.overdue",
        &template("finance", false),
    )
    .await;
    let app = start(&db, &mails).await;
    set(&app, "nadia", json!({"finance": {"email": false}})).await;
    set(&app, "ali", json!({"finance": {"in_app": false}})).await;
    let id = event(&sql, "invoice.overdue", &json!({})).await;
    drained(&sql).await;

    assert_eq!(
        deliveries(&sql, "nadia").await,
        "in_app=delivered email=suppressed(preference)"
    );
    assert_eq!(
        deliveries(&sql, "ali").await,
        "in_app=suppressed(preference) email=sent"
    );
    assert_eq!(
        (inbox(&app, "nadia").await, inbox(&app, "ali").await),
        (1, 0)
    );
    assert_eq!(app.get("/v1/notifications/count", "ali").await["unread"], 0);
    let told: Value = sql
        .query_one(
            "select suppressed from neurolink_event_outcomes where event_id = $1",
            &[&id],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(
        told,
        json!([{"rule": "overdue", "reason": "preference:in_app", "count": 1}, {"rule": "overdue", "reason": "preference:email", "count": 1}])
    );
    app.stop().await;
}

#[tokio::test]
async fn a_categorys_own_switch_beats_the_one_for_all_and_other_categories_follow_that() {
    let (db, mails) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let sql = db.client().await;
    people(&sql).await;
    rule(&sql, "money", "a.money", &template("finance", false)).await;
    rule(&sql, "goods", "a.goods", &template("stock", false)).await;
    let app = start(&db, &mails).await;
    set(
        &app,
        "nadia",
        json!({"*": {"email": false, "in_app": false}, "finance": {"email": true}}),
    )
    .await;
    event(&sql, "a.money", &json!({})).await;
    drained(&sql).await;
    assert_eq!(
        deliveries(&sql, "nadia").await,
        "in_app=suppressed(preference) email=sent"
    );
    event(&sql, "a.goods", &json!({})).await;
    drained(&sql).await;
    assert_eq!(
        deliveries(&sql, "nadia").await,
        "in_app=suppressed(preference) email=sent in_app=suppressed(preference) email=suppressed(preference)"
    );
    // On again, with the next event.
    set(&app, "nadia", json!({})).await;
    event(&sql, "a.goods", &json!({})).await;
    drained(&sql).await;
    assert!(
        deliveries(&sql, "nadia")
            .await
            .ends_with("in_app=delivered email=sent")
    );
    app.stop().await;
}

#[tokio::test]
async fn a_mandatory_rule_is_heard_whatever_somebody_wishes() {
    let (db, mails) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let sql = db.client().await;
    people(&sql).await;
    rule(&sql, "fire", "a.fire", &template("safety", true)).await;
    let app = start(&db, &mails).await;
    set(&app, "nadia", json!({"*": {"email": false, "in_app": false}, "safety": {"email": false, "in_app": false}})).await;
    event(&sql, "a.fire", &json!({})).await;
    drained(&sql).await;
    assert_eq!(
        deliveries(&sql, "nadia").await,
        "in_app=delivered email=sent"
    );
    app.stop().await;
}

#[tokio::test]
async fn whatever_sql_stores_as_preferences_stops_no_event() {
    let (db, mails) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let sql = db.client().await;
    people(&sql).await;
    rule(&sql, "r", "a.b", &template("x", false)).await;
    sql.batch_execute(
        r#"insert into neurolink_user_preferences (user_id, channels) values ('nadia', '{"*": 5, "x": {"email": "no", "pigeon": false}}'),
           ('ali', '{"*": {"email": false}, "x": []}'), ('ghost', '{"*": {"email": false}}')"#,
    )
    .await
    .unwrap();
    let app = start(&db, &mails).await;
    event(&sql, "a.b", &json!({})).await;
    drained(&sql).await;
    assert_eq!(
        deliveries(&sql, "nadia").await,
        "in_app=delivered email=sent"
    );
    assert_eq!(
        deliveries(&sql, "ali").await,
        "in_app=delivered email=suppressed(preference)"
    );
    app.stop().await;
}

#[tokio::test]
async fn one_sees_and_sets_ones_own_and_an_admin_those_of_people_who_exist() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let app = App::start(&db).await;
    assert_eq!(
        app.get("/v1/preferences", "ali").await,
        json!({"user_id": "ali", "channels": {}, "quiet_hours": null, "digest": {}, "updated_at": null})
    );
    set(&app, "ali", json!({"*": {"sms": false}})).await;
    let own = app.get("/v1/preferences", "ali").await;
    assert!(own["updated_at"].is_string(), "{own}");

    let (status, theirs) = app
        .call(
            "GET",
            "/v1/users/ali/preferences",
            "eye",
            &["auditor"],
            None,
        )
        .await;
    assert_eq!((status, theirs), (200, own));
    let body = json!({"channels": {"finance": {"email": false}}});
    let (status, _) = app
        .call(
            "PUT",
            "/v1/users/ali/preferences",
            "chief",
            &["admin"],
            Some(&body),
        )
        .await;
    assert_eq!(status, 200);
    assert_eq!(
        app.get("/v1/preferences", "ali").await["channels"],
        body["channels"]
    );
    for (method, who, roles, path, expected) in [
        ("PUT", "eye", "auditor", "/v1/users/ali/preferences", 403),
        ("GET", "ali", "producer", "/v1/users/nadia/preferences", 403),
        ("PUT", "chief", "admin", "/v1/users/nobody/preferences", 404),
        ("GET", "chief", "admin", "/v1/users/nobody/preferences", 404),
    ] {
        let (status, _) = app
            .call(
                method,
                path,
                who,
                &[roles],
                (method == "PUT").then_some(&body),
            )
            .await;
        assert_eq!(status, expected, "{method} {path} by {who}");
    }
    for (body, place) in [
        (json!({}), "/channels"),
        (json!({"channels": {"a b": {}}}), "/channels/a b"),
        (
            json!({"channels": {"finance": {"pigeon": true}}}),
            "/channels/finance/pigeon",
        ),
        (
            json!({"channels": {"finance": {"email": "no"}}}),
            "/channels/finance/email",
        ),
        (json!({"channels": {}, "quiet": true}), "/quiet"),
    ] {
        let (status, answer) = app
            .call("PUT", "/v1/preferences", "ali", &[], Some(&body))
            .await;
        assert_eq!(
            (status, answer["place"].as_str()),
            (400, Some(place)),
            "{answer}"
        );
    }
    app.stop().await;
}
