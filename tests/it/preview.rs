//! What a rule would do with an event, before it is saved: `POST /v1/rules/preview`.

mod memory;
mod silence;
mod steps;
mod whose;

use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::app::{App, event, number, people, rule};

async fn preview(app: &App, body: &Value) -> Value {
    let (status, answer) = app
        .call("POST", "/v1/rules/preview", "boss", &["admin"], Some(body))
        .await;
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn refused(app: &App, body: &Value) -> (u16, String, String) {
    let (status, answer) = app
        .call("POST", "/v1/rules/preview", "boss", &["admin"], Some(body))
        .await;
    let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
    (status, text("code"), text("place"))
}

/// A rule about overdue invoices, for a draft.
fn draft() -> Value {
    json!({
        "name": "overdue",
        "event_type_pattern": "invoice.*",
        "conditions": {"and": [{">": [{"var": "payload.days"}, 7]}, {"!": {"var": "payload.paid"}}]},
        "notification_template": {
            "title": {"en": "Invoice {{n}}", "ar": "فاتورة {{n}}"},
            "body": "Dear {{recipient.display_name}}, {{customer}} owes {{money amount \"IQD\"}}",
            "action_url": "/invoices/{{n}}",
            "action_label": {"en": "Open", "ar": "فتح"},
            "sms_body": "{{n}}!",
            "channels": ["in_app", "email", "sms"],
            "recipient_roles": ["accountant"],
            "recipient_users": ["ghost"],
            "recipient_fields": ["assigned_to"],
            "exclude_actor": true
        }
    })
}

fn made_up(days: i64) -> Value {
    json!({
        "source_module": "invoicing", "event_type": "invoice.overdue", "branch_id": "BGD", "actor_id": "sam",
        "payload": {"n": "INV-7", "days": days, "amount": 1250000, "assigned_to": "cfo"}
    })
}

fn of<'a>(items: &'a Value, user: &str) -> &'a Value {
    items["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["user_id"] == user)
        .unwrap_or_else(|| panic!("{user} is not in {items}"))
}

#[tokio::test]
async fn a_draft_says_whom_it_would_tell_what_and_why_and_nothing_is_written() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    sql.batch_execute(
        "insert into neurolink_users (id, display_name, roles, branch_ids, locale, is_active) values
           ('sam', 'Sam', '{accountant}', '{BGD}', 'en', true), ('old', 'Old', '{accountant}', '{BGD}', 'en', false);
         insert into neurolink_user_preferences (user_id, channels) values ('ali', '{\"*\": {\"email\": false}}')",
    )
    .await
    .unwrap();
    let app = App::start(&db).await;
    let answer = preview(&app, &json!({"rule": draft(), "event": made_up(9)})).await;
    assert_eq!(
        (&answer["matched"], &answer["verdict"], &answer["fault"]),
        (&json!(true), &json!("true"), &Value::Null)
    );
    assert_eq!(
        answer["rule"],
        json!({"id": null, "version": null, "name": "overdue"})
    );
    let told = &answer["recipients"];
    assert_eq!(told["total"], 3, "{told}");
    let reasons: Vec<(&str, &str)> =
        [("ali", "role"), ("cfo", "field"), ("nadia", "role")].to_vec();
    for (user, code) in reasons {
        assert_eq!(of(told, user)["code"], code, "{told}");
    }
    assert_eq!(
        of(told, "cfo")["why"],
        "the event's payload names them at assigned_to"
    );
    assert_eq!(
        of(told, "ali")["deliveries"],
        json!([
            {"channel": "in_app", "status": "delivered", "reason": null, "until": null, "address": null},
            {"channel": "email", "status": "suppressed", "reason": "preference", "until": null, "address": "ali@tsh.example"},
            {"channel": "sms", "status": "suppressed", "reason": "not_configured", "until": null, "address": null},
        ])
    );
    let out = &answer["left_out"];
    for (user, code) in [
        ("dina", "other_branch"),
        ("sam", "actor"),
        ("old", "inactive"),
        ("ghost", "unknown"),
    ] {
        assert_eq!(of(out, user)["code"], code, "{out}");
    }
    assert_eq!(out["total"], 4);
    assert_eq!(
        of(out, "dina")["why"],
        "they hold the role accountant in branch BSR, and the rule tells those of branch BGD"
    );

    // The rule's languages, and that of a reader it has no text for by name.
    let texts = answer["texts"].as_array().unwrap();
    let told: Vec<(&str, &str, i64)> = texts
        .iter()
        .map(|t| {
            (
                t["locale"].as_str().unwrap(),
                t["language"].as_str().unwrap(),
                t["readers"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("ar", "ar", 0), ("en", "en", 2), ("ar-IQ", "ar", 1)]);
    let channel = |text: usize, name: &str| -> Value {
        let channels = texts[text]["channels"].as_array().unwrap();
        channels
            .iter()
            .find(|c| c["channel"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(
        channel(2, "in_app")["title"],
        "فاتورة \u{2068}INV-7\u{2069}"
    );
    assert_eq!(
        channel(1, "in_app")["text"],
        "Dear Ali, — owes 1,250,000 IQD"
    );
    assert_eq!(channel(1, "sms")["text"], "INV-7!");
    let mail = channel(2, "email");
    assert_eq!(mail["title"], "فاتورة \u{2068}INV-7\u{2069}");
    assert!(
        mail["html"].as_str().unwrap().contains("dir=\"rtl\""),
        "{mail}"
    );
    assert_eq!(texts[1]["warnings"][0]["kind"], "missing_variable");
    assert_eq!(answer["warnings"][0]["kind"], "missing_variable");
    for table in [
        "events",
        "notifications",
        "event_outcomes",
        "jobs",
        "delivery_log",
    ] {
        let left = number(&sql, &format!("select count(*) from neurolink_{table}")).await;
        assert_eq!(left, 0, "{table}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_draft_that_would_not_fire_says_which_part_is_not_true_and_what_it_would_do_if_it_were() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let app = App::start(&db).await;
    let answer = preview(&app, &json!({"rule": draft(), "event": made_up(3)})).await;
    assert_eq!(
        (
            &answer["matched"],
            &answer["verdict"],
            &answer["failing"]["place"]
        ),
        (&json!(false), &json!("false"), &json!("/conditions/and/0"))
    );
    let trace = &answer["trace"];
    assert_eq!(
        (&trace["is_true"], &trace["place"]),
        (&json!(false), &json!("/conditions"))
    );
    assert_eq!(
        trace["parts"][0],
        json!({"place": "/conditions/and/0", "part": "payload.days > 7", "is_true": false, "is_reached": true,
               "values": [{"path": "payload.days", "value": "3"}], "error": null, "parts": []})
    );
    assert_eq!(
        (
            &trace["parts"][1]["is_true"],
            &trace["parts"][1]["is_reached"]
        ),
        (&json!(true), &json!(false))
    );
    assert_eq!(answer["recipients"]["total"], 3);

    let mut elsewhere = made_up(9);
    elsewhere["event_type"] = json!("order.created");
    let answer = preview(&app, &json!({"rule": draft(), "event": elsewhere})).await;
    assert_eq!(
        (&answer["matched"], &answer["verdict"]),
        (&json!(false), &json!("elsewhere"))
    );
    app.stop().await;
}

#[tokio::test]
async fn what_cant_be_compiled_is_an_answer_and_what_cant_be_asked_is_refused_with_its_place() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start(&db).await;
    let id = rule(&sql, "saved", "a.b", &json!({"title": "{{#if}}"})).await;
    let event = made_up(9);
    let answer = preview(&app, &json!({"rule_id": id, "event": event})).await;
    let place = answer["fault"]["place"].as_str().unwrap();
    assert!(
        place.starts_with("/notification_template/title line 1"),
        "{answer}"
    );
    assert_eq!(
        (&answer["verdict"], &answer["rule"]["version"]),
        (&json!("faulty"), &json!(1))
    );
    let mut draft = draft();
    draft["conditions"] = json!({"equals": [1, 1]});
    let answer = preview(&app, &json!({"rule": draft, "event": event})).await;
    assert_eq!(answer["fault"]["place"], "/conditions/equals");

    draft["name"] = json!(" x");
    for (body, status, code, place) in [
        (json!({"event": event}), 400, "missing_field", "/rule"),
        (json!({"rule_id": id}), 400, "missing_field", "/event"),
        (
            json!({"rule_id": id, "rule": draft, "event": event}),
            400,
            "invalid_field",
            "/rule_id",
        ),
        (
            json!({"rule_id": id, "event_id": 1, "event": event}),
            400,
            "invalid_field",
            "/event_id",
        ),
        (
            json!({"rule": draft, "event": event}),
            400,
            "invalid_field",
            "/rule/name",
        ),
        (
            json!({"rule_id": id, "event": {"source_module": "a"}}),
            400,
            "missing_field",
            "/event/event_type",
        ),
        (
            json!({"rule_id": id, "event": event, "now": "soon"}),
            400,
            "invalid_field",
            "/now",
        ),
        (
            json!({"rule_id": id, "event": event, "users": [""]}),
            400,
            "invalid_field",
            "/users/0",
        ),
        (
            json!({"rule_id": id, "event": event, "user": 1}),
            400,
            "unknown_field",
            "/user",
        ),
        (
            json!({"rule_id": 999, "event": event}),
            404,
            "not_found",
            "",
        ),
        (
            json!({"rule_id": id, "version": 9, "event": event}),
            404,
            "not_found",
            "",
        ),
        (
            json!({"rule_id": id, "event_id": 999}),
            404,
            "not_found",
            "",
        ),
    ] {
        let expected = (status, code.to_owned(), place.to_owned());
        assert_eq!(refused(&app, &body).await, expected, "{body}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_saved_version_is_tried_on_a_stored_event_for_the_people_that_are_asked_for() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let template = json!({"title": "First {{n}}", "recipient_roles": ["accountant"]});
    let id = rule(&sql, "saved", "a.b", &template).await;
    sql.execute(
        "update neurolink_notification_rules set notification_template = '{\"title\": \"Second {{n}}\", \"recipient_users\": [\"cfo\"]}' where id = $1",
        &[&id],
    )
    .await
    .unwrap();
    let app = App::start_with(&db, crate::openapi::API, &[]).await;
    let event = event(&sql, "a.b", &json!({"n": 12345678901234567890_u64})).await;
    let now = preview(&app, &json!({"rule_id": id, "event_id": event})).await;
    assert_eq!(
        now["recipients"]["items"][0]["title"],
        "Second 12345678901234567890"
    );
    assert_eq!(
        (&now["event"]["id"], &now["rule"]["version"]),
        (&json!(event), &json!(2))
    );
    let body =
        json!({"rule_id": id, "version": 1, "event_id": event, "users": ["ali", "cfo", "nobody"]});
    let before = preview(&app, &body).await;
    let told = &before["recipients"];
    assert_eq!(
        (&told["total"], told["items"].as_array().unwrap().len()),
        (&json!(2), 1)
    );
    assert_eq!(told["items"][0]["title"], "First 12345678901234567890");
    let out = &before["left_out"];
    assert_eq!(of(out, "cfo")["code"], "not_recipient");
    assert_eq!(of(out, "nobody")["code"], "unknown");
    // A condition may ask what time it is.
    let mut timed = draft();
    timed["conditions"] = json!({">": [{"var": "now"}, "2030"]});
    for (now, matched) in [
        ("2029-12-31T00:00:00Z", false),
        ("2030-01-01T00:00:00Z", true),
    ] {
        let answer = preview(
            &app,
            &json!({"rule": timed, "event": made_up(1), "now": now}),
        )
        .await;
        assert_eq!(answer["matched"], matched);
    }
    app.stop().await;
}
