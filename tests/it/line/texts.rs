//! Texts: per language, with holes, with numbers that must keep their digits.

use serde_json::{Value, json};

use super::{events, outcome, titles, told};
use crate::support::TestDb;
use crate::support::app::{App, drained, people, rule};
use crate::support::http::token;

/// Digits that no float holds, zeros at the end, and a number with an exponent that JSON allows.
const PRECISE: &str = r#"{"n": 12345678901234567890.123456789, "big": 123456789012345678901234567890123, "price": 1250.50,
    "tiny": 0.000000000000000000001, "zero": 0.00, "id": 9007199254740993}"#;
const DIGITS: [&str; 6] = [
    "12345678901234567890.123456789",
    "123456789012345678901234567890123",
    "1250.50",
    "0.000000000000000000001",
    "0.00",
    "9007199254740993",
];

#[tokio::test]
async fn a_reader_gets_their_own_language_else_english_else_the_first() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "insert into neurolink_users (id, locale) values ('en', 'en-GB'), ('ar', 'ar'), ('ar-iq', 'ar-IQ'), ('ku', 'ckb-IQ'), ('de', 'de')",
    )
    .await
    .unwrap();
    let everybody = json!(["en", "ar", "ar-iq", "ku", "de"]);
    let all = json!({"title": {"ar": "عربي", "en": "English", "ckb": "کوردی", "ar_IQ": "عراقي"}, "recipient_users": everybody});
    // Without English it is the first, and jsonb puts the shortest key first.
    let few = json!({"title": {"ckb": "کوردی", "ar": "عربي"}, "body": "{{recipient.id}}", "recipient_users": everybody});
    rule(&sql, "all", "text.all", &all).await;
    rule(&sql, "few", "text.few", &few).await;
    let app = App::start(&db).await;
    events(
        &sql,
        &json!([{"event_type": "text.all"}, {"event_type": "text.few"}]),
    )
    .await;
    drained(&sql).await;
    for (user, expected) in [
        ("en", ["English", "عربي"]),
        ("ar", ["عربي", "عربي"]),
        ("ar-iq", ["عراقي", "عربي"]),
        ("ku", ["کوردی", "کوردی"]),
        ("de", ["English", "عربي"]),
    ] {
        assert_eq!(titles(&sql, user).await, expected, "{user}");
        let inbox = app.get("/v1/notifications", user).await;
        assert_eq!(inbox["items"][0]["body"], user);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_missing_variable_is_a_dash_and_a_warning_or_a_fault_where_the_rule_says_so() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let template = json!({"title": "For {{customer.name}}", "action_url": "/c/{{customer.id}}", "recipient_users": ["ali", "cfo"]});
    rule(&sql, "patient", "*", &template).await;
    let mut strict = template.clone();
    strict["on_missing"] = "fail".into();
    rule(&sql, "strict", "*", &strict).await;
    let app = App::start(&db).await;
    let ids = events(
        &sql,
        &json!([{"payload": {}}, {"payload": {"customer": {"name": "Ashar", "id": 5}}}]),
    )
    .await;
    drained(&sql).await;

    assert_eq!(told(&sql, ids[0]).await, ["ali", "cfo"], "by one rule only");
    assert_eq!(
        titles(&sql, "ali").await,
        ["For —", "For Ashar", "For Ashar"]
    );
    let inbox = app.get("/v1/notifications", "ali").await;
    assert_eq!(inbox["items"][2]["action_url"], Value::Null);
    assert_eq!(inbox["items"][0]["action_url"], "/c/5");
    let outcome = outcome(&sql, ids[0]).await;
    assert_eq!(outcome["rules_matched"], 2);
    assert_eq!(outcome["notifications"], 2);
    assert_eq!(outcome["error"], Value::Null, "no fault of the event");
    let warnings: Vec<(&str, &str)> = outcome["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| (w["rule"].as_str().unwrap(), w["kind"].as_str().unwrap()))
        .collect();
    assert!(
        warnings.contains(&("patient", "missing_variable")),
        "{warnings:?}"
    );
    assert!(
        warnings.contains(&("strict", "render_failed")),
        "{warnings:?}"
    );
    assert!(outcome["warnings"].to_string().contains("customer.name"));
    app.stop().await;
}

#[tokio::test]
async fn large_and_precise_numbers_come_out_as_they_went_in_by_sql_and_by_http() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let template = json!({"title": "{{n}} {{big}} {{price}} {{tiny}} {{zero}} {{id}}", "recipient_users": ["cfo"]});
    rule(&sql, "digits", "*", &template).await;
    let app = App::start(&db).await;
    sql.execute(
        "insert into neurolink_events (source_module, event_type, payload) values ('test', 'by.sql', $1::text::jsonb)",
        &[&PRECISE],
    )
    .await
    .unwrap();
    let body =
        format!(r#"{{"source_module": "test", "event_type": "by.http", "payload": {PRECISE}}}"#);
    let answer = app
        .client
        .post(format!("{}/v1/events", app.base))
        .bearer_auth(token("erp", &["producer"]))
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
    drained(&sql).await;

    assert_eq!(titles(&sql, "cfo").await, vec![DIGITS.join(" "); 2]);
    for row in sql
        .query("select payload->>'n', payload->>'big', payload->>'price', payload->>'tiny', payload->>'zero', payload->>'id' from neurolink_events", &[])
        .await
        .unwrap()
    {
        let digits: Vec<&str> = (0..6).map(|index| row.get(index)).collect();
        assert_eq!(digits, DIGITS);
    }
    app.stop().await;
}
