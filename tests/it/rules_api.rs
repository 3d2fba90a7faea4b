//! `/v1/rules`: made, read, changed under `If-Match`, looked back at and rolled back; a broken rule is never saved.

mod history;

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::app::{App, WHOLE, drained, event, people};
use crate::support::http::token;

const ADMIN: &[&str] = &["admin"];
const API: neurolink::app::Parts = neurolink::app::Parts {
    api: true,
    worker: false,
};

/// A request by an admin with an `If-Match`; status, headers, answer.
async fn send(
    app: &App,
    method: &str,
    path: &str,
    version: Option<&str>,
    body: Option<&str>,
) -> (u16, HeaderMap, Value) {
    let mut request = app
        .client
        .request(method.parse().unwrap(), format!("{}{path}", app.base))
        .bearer_auth(token("chief", ADMIN));
    if let Some(version) = version {
        request = request.header("if-match", version);
    }
    if let Some(body) = body {
        request = request
            .header("content-type", "application/json")
            .body(body.to_owned());
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    (
        status,
        headers,
        serde_json::from_str(&text).unwrap_or(Value::Null),
    )
}

fn rule(name: &str) -> String {
    format!(
        r#"{{"name": "{name}", "source_module": "test", "event_type_pattern": "invoice.*", "priority": 7,
            "conditions": {{">=": [{{"var": "payload.n"}}, 1.50]}},
            "notification_template": {{"title": "Invoice {{{{n}}}}", "recipient_users": ["ali"]}}}}"#
    )
}

async fn made(app: &App, body: &str) -> (i64, Value) {
    let (status, _, answer) = send(app, "POST", "/v1/rules", None, Some(body)).await;
    assert_eq!(status, 201, "{answer}");
    (answer["id"].as_i64().unwrap(), answer)
}

#[tokio::test]
async fn a_new_rule_has_an_address_a_version_and_hints_and_fires_for_the_next_event() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let app = App::start_with(&db, WHOLE, &[]).await;
    let (status, headers, answer) =
        send(&app, "POST", "/v1/rules", None, Some(&rule("overdue"))).await;
    assert_eq!(status, 201, "{answer}");
    let id = answer["id"].as_i64().unwrap();
    assert_eq!(headers["location"], format!("/v1/rules/{id}"));
    assert_eq!(headers["etag"], "\"1\"");
    assert_eq!(
        (&answer["version"], &answer["enabled"]),
        (&json!(1), &json!(true))
    );
    // The example is about what no ERP sends; what else could be said of it isn't.
    let kinds = answer["warnings"].as_array().unwrap().iter();
    let kinds: Vec<&Value> = kinds.map(|warning| &warning["kind"]).collect();
    assert_eq!(kinds, ["unknown_module", "unknown_field", "unknown_field"]);

    let lonely =
        r#"{"name": "lonely", "event_type_pattern": "*", "notification_template": {"title": "T"}}"#;
    let (_, answer) = made(&app, lonely).await;
    let hint = answer["warnings"][0]["detail"].as_str().unwrap();
    assert!(hint.contains("reaches nobody"), "{hint}");

    event(&sql, "invoice.overdue", &json!({"n": 2})).await;
    drained(&sql).await;
    let inbox = app.get("/v1/notifications", "ali").await;
    assert_eq!(inbox["items"][0]["title"], "Invoice 2");
    app.stop().await;
}

#[tokio::test]
async fn a_rules_json_comes_back_digit_for_digit() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, API, &[]).await;
    let (id, _) = made(&app, &rule("digits")).await;
    let text = app
        .client
        .get(format!("{}/v1/rules/{id}", app.base))
        .bearer_auth(token("eye", &["auditor"]))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(text.contains("1.50"), "{text}");
    app.stop().await;
}

#[tokio::test]
async fn a_broken_rule_is_refused_with_the_place_of_the_fault_and_nothing_is_stored() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start_with(&db, API, &[]).await;
    let (id, _) = made(&app, &rule("good")).await;
    for (body, code, place) in [
        (
            r#"{"name": "x", "event_type_pattern": "A.b", "notification_template": {"title": "T"}}"#,
            "rule_fault",
            "/event_type_pattern",
        ),
        (
            r#"{"name": "x", "event_type_pattern": "*", "conditions": {"and": [true, {"equals": [1, 1]}]}, "notification_template": {"title": "T"}}"#,
            "rule_fault",
            "/conditions/and/1/equals",
        ),
        (
            r#"{"name": "x", "event_type_pattern": "*", "notification_template": {"title": {"ar": "x {{#if}}"}}}"#,
            "rule_fault",
            "/notification_template/title/ar line 1 column",
        ),
        (
            r#"{"name": "x", "event_type_pattern": "*", "notification_template": {"titel": "T"}}"#,
            "rule_fault",
            "/notification_template/titel",
        ),
        (
            r#"{"name": "", "event_type_pattern": "*", "notification_template": {"title": "T"}}"#,
            "invalid_field",
            "/name",
        ),
        (
            r#"{"name": "x", "event_type_pattern": "*", "notification_template": {"title": "T"}, "priority": 3000000000}"#,
            "invalid_value",
            "/priority",
        ),
        (
            r#"{"name": "x", "event_type_pattern": "*", "notification_template": {"title": "T"}, "id": 5}"#,
            "unknown_field",
            "/id",
        ),
        (
            r#"{"event_type_pattern": "*", "notification_template": {"title": "T"}}"#,
            "missing_field",
            "/name",
        ),
    ] {
        for (method, path, version) in [
            ("POST", "/v1/rules".to_owned(), None),
            ("PUT", format!("/v1/rules/{id}"), Some("*")),
        ] {
            let (status, _, answer) = send(&app, method, &path, version, Some(body)).await;
            assert_eq!(
                (status, answer["code"].as_str()),
                (400, Some(code)),
                "{method} {body}: {answer}"
            );
            let found = answer["place"].as_str().unwrap();
            assert!(found.starts_with(place), "{found} is not {place}");
        }
    }
    let (status, _, answer) = send(&app, "POST", "/v1/rules", None, Some(&rule("good"))).await;
    assert_eq!(
        (status, answer["code"].as_str(), answer["place"].as_str()),
        (409, Some("rule_name_taken"), Some("/name"))
    );
    let count: i64 = sql
        .query_one("select count(*) from neurolink_rule_versions", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(count, 1);
    app.stop().await;
}

#[tokio::test]
async fn nobody_overwrites_what_they_have_not_seen() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, API, &[]).await;
    let (id, _) = made(&app, &rule("r")).await;
    let path = format!("/v1/rules/{id}");
    for method in ["PUT", "PATCH", "DELETE"] {
        let body = (method != "DELETE").then_some(r#"{"priority": 1}"#);
        let (status, _, answer) = send(&app, method, &path, None, body).await;
        assert_eq!(
            (status, answer["code"].as_str()),
            (428, Some("precondition_required")),
            "{method}"
        );
    }
    let (status, headers, answer) = send(
        &app,
        "PATCH",
        &path,
        Some("\"1\""),
        Some(r#"{"priority": 200}"#),
    )
    .await;
    assert_eq!(
        (
            status,
            answer["priority"].as_i64(),
            answer["version"].as_i64()
        ),
        (200, Some(200), Some(2))
    );
    assert_eq!(headers["etag"], "\"2\"");
    assert_eq!(answer["source_module"], "test", "what isn't said stays");
    // Two had looked at version 1.
    for (method, body) in [
        ("PATCH", Some(r#"{"priority": 1}"#.to_owned())),
        ("PUT", Some(rule("r"))),
        ("DELETE", None),
    ] {
        let (status, _, answer) = send(&app, method, &path, Some("\"1\""), body.as_deref()).await;
        assert_eq!(
            (status, answer["code"].as_str()),
            (412, Some("precondition_failed")),
            "{method}"
        );
    }
    let (status, _, answer) = send(
        &app,
        "PATCH",
        &path,
        Some("W/\"2\""),
        Some(r#"{"source_module": null, "enabled": false}"#),
    )
    .await;
    assert_eq!(
        (status, &answer["source_module"], &answer["enabled"]),
        (200, &Value::Null, &json!(false))
    );
    // The same again is no new version.
    let (_, _, answer) = send(
        &app,
        "PATCH",
        &path,
        Some("*"),
        Some(r#"{"enabled": false}"#),
    )
    .await;
    assert_eq!(answer["version"], 3);
    assert_eq!(
        send(&app, "DELETE", &path, Some("\"3\""), None).await.0,
        204
    );
    assert_eq!(send(&app, "DELETE", &path, Some("*"), None).await.0, 404);
    assert_eq!(send(&app, "GET", &path, None, None).await.0, 404);
    app.stop().await;
}

#[tokio::test]
async fn of_two_who_change_a_rule_at_once_one_is_told_to_look_again() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, API, &[]).await;
    let (id, _) = made(&app, &rule("r")).await;
    let path = format!("/v1/rules/{id}");
    let change = |n: i32| {
        let (app, path) = (&app, &path);
        async move {
            let body = format!(r#"{{"priority": {n}}}"#);
            send(app, "PATCH", path, Some("\"1\""), Some(&body)).await.0
        }
    };
    let mut statuses = <[u16; 2]>::from(tokio::join!(change(1), change(2)));
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    app.stop().await;
}
