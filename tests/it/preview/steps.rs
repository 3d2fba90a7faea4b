//! Whom the steps of an escalation tell, and what each of them reads.

use serde_json::{Value, json};

use super::{of, preview};
use crate::openapi::API;
use crate::support::TestDb;
use crate::support::app::{App, people};

/// A rule for Ali and Nadia of BGD with these steps.
fn escalating(steps: &Value) -> Value {
    json!({"name": "r", "event_type_pattern": "a.b", "notification_template": {
        "title": {"en": "N {{n}}", "ar": "رقم {{n}}"}, "recipient_roles": ["accountant"], "escalate": steps}})
}

fn made_up() -> Value {
    json!({"source_module": "t", "event_type": "a.b", "branch_id": "BGD", "payload": {"n": 5, "owner": "dina"}})
}

/// `step locale reader: title` of every text.
fn titles(seen: &Value) -> Vec<String> {
    let texts = seen["texts"].as_array().unwrap().iter();
    let title = |text: &Value| {
        let (locale, reader) = (&text["locale"], text["user_id"].as_str().unwrap_or("-"));
        let title = text["channels"][0]["title"].as_str().unwrap_or_default();
        format!(
            "{} {} {reader}: {title}",
            text["step"],
            locale.as_str().unwrap()
        )
    };
    texts.map(title).collect()
}

/// `user code` of everybody a step tells.
fn told(step: &Value) -> Vec<String> {
    let people = step["recipients"]["items"].as_array().unwrap().iter();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    people
        .map(|one| format!("{} {}", word(&one["user_id"]), word(&one["code"])))
        .collect()
}

#[tokio::test]
async fn a_step_is_shown_with_its_own_people_and_as_they_read_it() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    sql.batch_execute(
        "update neurolink_users set locale = 'ar-IQ', timezone = 'Asia/Baghdad' where id = 'cfo'",
    )
    .await
    .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    let rule = escalating(&json!([
        {"after": "1h", "recipient_roles": ["cfo"], "recipient_branches": "any", "title": "Step for {{recipient.display_name}}"},
        {"after": "90m", "unless": "acknowledged", "recipient_users": ["ali"], "recipient_fields": ["owner"], "channels": ["sms"]},
        {"after": "2h"}
    ]));
    let seen = preview(&app, &json!({"rule": rule, "event": made_up()})).await;
    let steps = seen["steps"].as_array().unwrap();
    let heads: Vec<Value> = steps
        .iter()
        .map(|s| json!([s["step"], s["after"], s["unless"], s["channels"]]))
        .collect();
    assert_eq!(
        heads,
        [
            json!([1, "1 h", "read", ["in_app"]]),
            json!([2, "1 h 30 min", "acknowledged", ["sms"]]),
            json!([3, "2 h", "read", ["in_app"]])
        ]
    );
    assert_eq!(told(&steps[0]), ["cfo role"]);
    assert_eq!(told(&steps[1]), ["ali named", "dina field"]);
    let again = ["ali told", "cfo told", "dina told", "nadia told"];
    assert_eq!(told(&steps[2]), again);
    let cfo = of(&steps[0]["recipients"], "cfo");
    assert_eq!(
        (&cfo["why"], &cfo["locale"]),
        (&json!("they hold the role cfo"), &json!("ar-IQ"))
    );
    assert_eq!(
        of(&steps[2]["recipients"], "cfo")["why"],
        "they were told before"
    );
    assert_eq!(
        titles(&seen),
        [
            "0 ar -: رقم 5",
            "0 en ali: N 5",
            "0 ar-IQ nadia: رقم 5",
            "1 ar -: Step for Sample",
            "1 en -: Step for Sample",
            "1 ar-IQ cfo: Step for The CFO",
            // By SMS, so without a title.
            "2 en ali: ",
        ]
    );
    assert_eq!(seen["texts"][6]["readers"], 2, "Ali and Dina");
    assert_eq!(seen["texts"][6]["channels"][0]["text"], "N 5");
    app.stop().await;
}

#[tokio::test]
async fn managers_are_those_of_everybody_who_was_told_before_the_step() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    sql.batch_execute(
        "insert into neurolink_users (id, display_name, locale, manager_id) values
           ('head', 'Head', 'en', 'director'), ('director', 'Director', 'ckb', 'owner'), ('owner', 'Owner', 'en', null);
         update neurolink_users set manager_id = 'head' where id in ('ali', 'nadia')",
    )
    .await
    .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    let up = json!({"after": "1h", "recipient_managers": ["recipients"]});
    let rule = escalating(&json!([up, up, up]));
    let seen = preview(&app, &json!({"rule": rule, "event": made_up()})).await;
    let steps = seen["steps"].as_array().unwrap();
    assert_eq!(told(&steps[0]), ["head manager"], "{seen}");
    assert_eq!(told(&steps[1]), ["director manager", "head manager"]);
    let all = ["director manager", "head manager", "owner manager"];
    assert_eq!(told(&steps[2]), all);
    assert_eq!(seen["left_out"]["total"], 1, "Dina of the other branch");
    assert!(!titles(&seen).contains(&"1 en head: N 5".to_owned()));
    assert!(titles(&seen).contains(&"2 ckb director: N 5".to_owned()));
    // Whom somebody asks for is all that is listed.
    let body = json!({"rule": rule, "event": made_up(), "users": ["owner"]});
    let seen = preview(&app, &body).await;
    assert_eq!(told(&seen["steps"][2]), ["owner manager"]);
    assert_eq!(seen["steps"][2]["recipients"]["total"], 3);
    app.stop().await;
}
