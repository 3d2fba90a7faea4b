//! What can be looked at of rules: pages, versions past and present, and by whom.

use serde_json::Value;

use super::{API, made, rule, send};
use crate::support::TestDb;
use crate::support::app::{App, WHOLE, until};

#[tokio::test]
async fn every_version_stays_and_can_come_back_as_the_newest() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start_with(&db, API, &[]).await;
    let (id, _) = made(&app, &rule("r")).await;
    let path = format!("/v1/rules/{id}");
    sql.execute("update neurolink_notification_rules set priority = 9", &[])
        .await
        .unwrap();
    send(
        &app,
        "PATCH",
        &path,
        Some("*"),
        Some(r#"{"name": "renamed"}"#),
    )
    .await;

    let (_, _, page) = send(&app, "GET", &format!("{path}/versions?limit=2"), None, None).await;
    let seen: Vec<(i64, &str)> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| {
            (
                v["version"].as_i64().unwrap(),
                v["changed_by"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(seen[0], (3, "chief"));
    assert_ne!(seen[1].1, "chief", "SQL's own role");
    let cursor = page["next_cursor"].as_str().unwrap();
    let (_, _, page) = send(
        &app,
        "GET",
        &format!("{path}/versions?limit=2&cursor={cursor}"),
        None,
        None,
    )
    .await;
    assert_eq!(
        (page["items"][0]["version"].as_i64(), &page["next_cursor"]),
        (Some(1), &Value::Null)
    );
    let (status, _, first) = send(&app, "GET", &format!("{path}/versions/1"), None, None).await;
    assert_eq!(
        (status, first["priority"].as_i64(), first["name"].as_str()),
        (200, Some(7), Some("r"))
    );
    assert_eq!(
        send(&app, "GET", &format!("{path}/versions/4"), None, None)
            .await
            .0,
        404
    );

    let (status, headers, answer) = send(
        &app,
        "POST",
        &format!("{path}/rollback"),
        None,
        Some(r#"{"version": 1}"#),
    )
    .await;
    assert_eq!(
        (
            status,
            answer["version"].as_i64(),
            answer["name"].as_str(),
            answer["priority"].as_i64()
        ),
        (200, Some(4), Some("r"), Some(7))
    );
    assert_eq!(headers["etag"], "\"4\"");
    let (status, _, _) = send(
        &app,
        "POST",
        &format!("{path}/rollback"),
        Some("\"3\""),
        Some(r#"{"version": 1}"#),
    )
    .await;
    assert_eq!(status, 412, "If-Match is honoured when it is there");
    assert_eq!(
        send(
            &app,
            "POST",
            &format!("{path}/rollback"),
            None,
            Some(r#"{"version": 99}"#)
        )
        .await
        .0,
        404
    );

    // A broken version, which SQL could store, doesn't come back.
    sql.batch_execute(
        "update neurolink_notification_rules set notification_template = '{\"titel\": 1}';
        update neurolink_notification_rules set notification_template = '{\"title\": \"T\"}'",
    )
    .await
    .unwrap();
    let (status, _, answer) = send(
        &app,
        "POST",
        &format!("{path}/rollback"),
        None,
        Some(r#"{"version": 5}"#),
    )
    .await;
    assert_eq!((status, answer["code"].as_str()), (400, Some("rule_fault")));

    // What a rule once said can be asked after it is gone.
    assert_eq!(send(&app, "DELETE", &path, Some("*"), None).await.0, 204);
    assert_eq!(
        send(&app, "GET", &format!("{path}/versions/1"), None, None)
            .await
            .0,
        200
    );
    assert_eq!(
        send(
            &app,
            "POST",
            &format!("{path}/rollback"),
            None,
            Some(r#"{"version": 1}"#)
        )
        .await
        .0,
        404
    );
    app.stop().await;
}

#[tokio::test]
async fn rules_are_listed_newest_first_by_what_they_are_about_and_whether_they_are_faulty() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        r#"insert into neurolink_notification_rules (name, source_module, event_type_pattern, notification_template, enabled) values
           ('exact', 'invoicing', 'invoice.overdue', '{"title": "T"}', true), ('prefix', null, 'invoice.*', '{"title": "T"}', true),
           ('any', null, '*', '{"title": "T"}', false), ('other', 'sales', 'order.created', '{"title": "T"}', true),
           ('broken', null, 'x.y', '{"titel": "T"}', true)"#,
    ).await.unwrap();
    let app = App::start_with(&db, WHOLE, &[]).await;
    until(&sql, "select count(*) = 1 from neurolink_rule_faults").await;
    let names = async |query: &str| -> Vec<String> {
        let (status, _, page) = send(&app, "GET", &format!("/v1/rules?{query}"), None, None).await;
        assert_eq!(status, 200, "{query}: {page}");
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names("").await,
        ["broken", "other", "any", "prefix", "exact"]
    );
    assert_eq!(
        names("event_type=invoice.overdue").await,
        ["any", "prefix", "exact"]
    );
    assert_eq!(names("event_type=invoice.*").await, ["any", "prefix"]);
    assert_eq!(
        names("event_type=invoice.overdue&source_module=sales").await,
        ["any", "prefix"]
    );
    assert_eq!(names("enabled=false").await, ["any"]);
    assert_eq!(names("faulty=true").await, ["broken"]);
    assert_eq!(names("faulty=false&limit=1").await, ["other"]);
    let (_, _, page) = send(&app, "GET", "/v1/rules?faulty=true", None, None).await;
    assert_eq!(
        page["items"][0]["fault"]["place"],
        "/notification_template/titel"
    );
    for (query, code) in [
        ("enabled=yes", "invalid_parameter"),
        ("colour=red", "unknown_parameter"),
        ("limit=0", "invalid_limit"),
    ] {
        let (status, _, answer) =
            send(&app, "GET", &format!("/v1/rules?{query}"), None, None).await;
        assert_eq!(
            (status, answer["code"].as_str()),
            (400, Some(code)),
            "{query}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn auditors_look_and_nobody_else_does() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, API, &[]).await;
    let (id, _) = made(&app, &rule("r")).await;
    let one = format!("/v1/rules/{id}");
    for path in [
        "/v1/rules",
        &one,
        &format!("{one}/versions"),
        &format!("{one}/versions/1"),
    ] {
        assert_eq!(
            app.call("GET", path, "eye", &["auditor"], None).await.0,
            200,
            "{path}"
        );
        assert_eq!(
            app.call("GET", path, "ali", &["producer"], None).await.0,
            403,
            "{path}"
        );
    }
    for (method, path) in [
        ("POST", "/v1/rules"),
        ("PUT", &*one),
        ("PATCH", &*one),
        ("DELETE", &*one),
    ] {
        assert_eq!(
            app.call(method, path, "eye", &["auditor"], None).await.0,
            403,
            "{method}"
        );
    }
    for path in ["/v1/rules/0", "/v1/rules/x", "/v1/rules/999999"] {
        assert_eq!(
            app.call("GET", path, "eye", &["auditor"], None).await.0,
            404,
            "{path}"
        );
    }
    app.stop().await;
}
