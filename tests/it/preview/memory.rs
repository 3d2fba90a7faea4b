//! What a rule's memory means for an event, before it fires, and what it would have done in the past.

use serde_json::{Value, json};

use super::preview;
use crate::openapi::API;
use crate::support::TestDb;
use crate::support::app::{App, people};
use crate::support::http::token;

fn remembering(keys: Value) -> Value {
    let mut template = json!({"title": "N {{n}}", "recipient_users": ["ali", "cfo"]});
    let keys = keys.as_object().unwrap().clone();
    template.as_object_mut().unwrap().extend(keys);
    json!({"name": "r", "event_type_pattern": "a.b", "notification_template": template})
}

#[tokio::test]
async fn each_key_says_what_it_means_for_the_event() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let app = App::start_with(&db, API, &[]).await;
    let rule = remembering(json!({
        "delay": "2h", "dedupe_key": {"key": "{{n}}", "within": "12h"}, "throttle": {"limit": 3, "per": "1d", "key": "{{n}}"},
        "escalate": [{"after": "30m", "recipient_roles": ["cfo"]}], "resolves": ["a.*"], "expires_after": "3d", "storm_limit": 50
    }));
    let event = json!({"source_module": "t", "event_type": "a.b", "entity_type": "invoice", "entity_id": "7",
                       "occurred_at": "2026-11-23T08:00:00Z", "payload": {"n": 5}});
    let body = json!({"rule": rule, "event": event, "now": "2026-11-23T08:01:00Z"});
    let seen = preview(&app, &body).await;
    let memory: Vec<String> = seen["memory"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| {
            format!(
                "{} {} {}: {}",
                m["key"],
                m["value"],
                m["at"],
                m["why"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        memory,
        [
            r#""expires_after" null "2026-11-26T10:00:00Z": worth nothing 3 d after it was to be told"#,
            r#""dedupe_key" "5" null: of events with this key within 12 h one is told"#,
            r#""delay" null "2026-11-23T10:00:00Z": told 2 h after it occurred"#,
            r#""resolves" null null: withdraws what was told of a.* about invoice 7"#,
            r#""throttle" "5" null: at most 3 in 1 d for each person and key"#,
            r#""escalate" null null: after 30 min, unless somebody has opened it, holders of the role cfo are told"#,
            r#""storm_limit" null null: held once it tells more than 50 in a minute"#,
        ]
    );
    let ali = &seen["recipients"]["items"][0];
    assert_eq!(
        (
            &ali["is_told"],
            &ali["reason"],
            &ali["until"],
            &ali["title"]
        ),
        (
            &json!(false),
            &json!("delayed"),
            &json!("2026-11-23T10:00:00Z"),
            &json!("N 5")
        )
    );
    assert_eq!(
        ali["deliveries"][0]["status"], "delivered",
        "as it would be then"
    );
    assert_eq!(seen["suppressed"][0]["reason"], "delayed");
    app.stop().await;
}

#[tokio::test]
async fn what_is_put_off_reads_as_it_will_when_it_is_told() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let app = App::start_with(&db, API, &[]).await;
    let remind = remembering(json!({
        "title": "Due {{relative due}}", "delay": {"before": "3d", "date": "due", "at": "09:00", "timezone": "Asia/Baghdad"},
        "escalate": [{"after": "1d", "title": "Now {{relative due}}"}, {"after": "1d"}]
    }));
    let mut ask = json!({"rule": remind, "now": "2026-11-23T08:00:00Z",
        "event": {"source_module": "t", "event_type": "a.b", "occurred_at": "2026-11-23T08:00:00Z", "payload": {"due": "2026-12-10"}}});
    let seen = preview(&app, &ask).await;
    let title = |of: &Value| of["channels"][0]["title"].as_str().unwrap().to_owned();
    let texts = seen["texts"].as_array().unwrap().iter();
    let texts: Vec<String> = texts
        .map(|of| format!("{} {} {}", of["step"], of["at"], title(of)))
        .collect();
    assert_eq!(
        texts,
        [
            r#"0 "2026-12-07T06:00:00Z" Due in 3 days"#,
            r#"1 "2026-12-08T06:00:00Z" Now in 2 days"#,
            r#"2 "2026-12-09T06:00:00Z" Due tomorrow"#,
        ]
    );
    assert_eq!(seen["recipients"]["items"][0]["title"], "Due in 3 days");
    assert_eq!(
        seen["memory"][0],
        json!({"key": "delay", "value": "2026-12-10", "at": "2026-12-07T06:00:00Z", "timezone": "Asia/Baghdad",
               "why": "told 3 d before due, at 09:00, Asia/Baghdad"})
    );
    assert_eq!(seen["steps"][1]["at"], "2026-12-09T06:00:00Z");
    // What isn't a date is said to be none.
    ask["event"]["payload"]["due"] = json!("10/12/2026");
    let seen = preview(&app, &ask).await;
    let why = "`10/12/2026` at due is no date (one is written 2026-12-10): nothing is told";
    assert_eq!(seen["memory"][0]["why"], why);
    // The date is past: nobody is told, and no step ever comes.
    ask["event"]["payload"]["due"] = json!("2026-11-01");
    let seen = preview(&app, &ask).await;
    assert_eq!(seen["suppressed"][0]["reason"], "too_late");
    assert_eq!(seen["steps"][0]["at"], Value::Null);
    assert_eq!(seen["texts"][0]["at"], "2026-11-23T08:00:00Z");
    app.stop().await;
}

#[tokio::test]
async fn a_digest_is_shown_as_it_would_be_of_several_alike() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let app = App::start_with(&db, API, &[]).await;
    let rule = remembering(json!({"title": "N {{n}} {{relative at}}",
        "digest": {"every": "1h", "title": "{{count}} for {{recipient.display_name}}", "body": "{{#each items}}{{title}}; {{/each}}"}}));
    let event = json!({"source_module": "t", "event_type": "a.b", "occurred_at": "2026-11-23T08:20:00Z", "payload": {"n": 5, "at": "2026-11-23T08:30:00Z"}});
    let body = json!({"rule": rule, "event": event, "now": "2026-11-23T08:20:00Z"});
    let seen = preview(&app, &body).await;
    let texts = seen["texts"].as_array().unwrap().iter();
    let told = |of: &Value| {
        let shown = &of["channels"][0];
        json!([
            of["step"],
            of["gathered"],
            of["at"],
            shown["title"],
            shown["text"]
        ])
    };
    let one = "N 5 in 10 minutes";
    assert_eq!(
        texts.map(told).collect::<Vec<_>>(),
        [
            json!([0, 0, "2026-11-23T08:20:00Z", one, ""]),
            json!([
                0,
                3,
                "2026-11-23T09:00:00Z",
                "3 for Ali",
                format!("{one}; {one}; {one};")
            ]),
        ]
    );
    app.stop().await;
}

#[tokio::test]
async fn delays_and_digests_are_played_to_their_end_and_not_beyond() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    // Six events, an hour apart, the last an hour ago.
    sql.batch_execute(
        "insert into neurolink_events (source_module, event_type, payload, branch_id, received_at, occurred_at)
         select 't', 'a.b', jsonb_build_object('n', n), 'BGD', at, at
           from generate_series(6, 1, -1) as n, lateral (select now() - n * interval '1 hour' as at) t;
         delete from neurolink_jobs",
    )
    .await
    .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    for (keys, told, digests, put_off) in [
        // The last is due in half an hour.
        (json!({"delay": "90m"}), 10, 0, ("delayed", 12)),
        // Each alone, soon after.
        (json!({"digest": {"every": "5m"}}), 12, 12, ("digested", 12)),
        (
            json!({"dedupe_key": {"key": "same", "within": "12h"}}),
            2,
            0,
            ("deduplicated", 10),
        ),
        (json!({"shadow": true}), 0, 0, ("shadow", 12)),
        (
            json!({"expires_after": "1m", "delay": "2m"}),
            12,
            0,
            ("delayed", 12),
        ),
    ] {
        let body = json!({"rule": remembering(keys.clone()), "from": "2020-01-01T00:00:00Z"});
        let response = app
            .client
            .post(format!("{}/v1/rules/backtest", app.base))
            .bearer_auth(token("boss", &["admin"]))
            .json(&body)
            .send()
            .await
            .unwrap();
        let text = response.text().await.unwrap();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        let came = &last["result"];
        assert_eq!(
            (
                &came["matched"],
                &came["notifications"],
                &came["digests"],
                &came["suppressed"][put_off.0]
            ),
            (&json!(6), &json!(told), &json!(digests), &json!(put_off.1)),
            "{keys}: {came}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn what_never_comes_has_no_moment_and_what_a_digest_tells_has_that_of_the_digest() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    // Ali isn't to be interrupted from nine to eleven, UTC.
    sql.batch_execute(
        r#"update neurolink_users set timezone = 'UTC', email = 'ali@tsh.example' where id = 'ali';
           insert into neurolink_user_preferences (user_id, quiet_hours) values ('ali', '{"from": "09:00", "to": "11:00"}')"#,
    )
    .await
    .unwrap();
    let mails = tempfile::tempdir().unwrap();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", mails.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
    ];
    let app = App::start_with(&db, API, &settings).await;
    let of = async |keys: Value, occurred: &str| {
        let mut rule = remembering(keys);
        rule["notification_template"]["recipient_users"] = json!(["ali"]);
        let event = json!({"source_module": "t", "event_type": "a.b", "occurred_at": occurred, "payload": {"n": 5}});
        let body = json!({"rule": rule, "event": event, "now": "2026-11-23T08:20:00Z"});
        preview(&app, &body).await
    };
    let (now, ali) = ("2026-11-23T08:20:00Z", "/recipients/items/0");
    // Of use for two hours: the first step comes, the second doesn't.
    let steps = json!({"expires_after": "2h", "escalate": [{"after": "1h"}, {"after": "1h"}]});
    let seen = of(steps.clone(), now).await;
    assert_eq!(seen["steps"][0]["at"], "2026-11-23T09:20:00Z");
    assert_eq!(seen["steps"][1]["at"], Value::Null);
    let seen = of(steps, "2026-11-23T07:00:00Z").await;
    assert_eq!(seen["steps"][0]["at"], Value::Null, "its event is old");
    // Nobody is told what can't be written, and nothing comes of it.
    let holed = json!({"title": "{{gone}}", "on_missing": "fail", "escalate": [{"after": "1h", "title": "T"}]});
    assert_eq!(of(holed, now).await["steps"][0]["at"], Value::Null);
    // Gathered until ten, when Ali isn't to be interrupted; of use until nine.
    let digest = json!({"every": "1d", "at": "10:00"});
    let mail = json!({"digest": digest, "channels": ["in_app", "email"]});
    let seen = of(mail.clone(), now).await;
    assert_eq!(seen.pointer(ali).unwrap()["until"], "2026-11-23T10:00:00Z");
    let until = seen.pointer("/recipients/items/0/deliveries/1/until");
    assert_eq!(until.unwrap(), "2026-11-23T11:00:00Z", "{seen}");
    let mut useless = mail.clone();
    useless["expires_after"] = json!("30m");
    let seen = of(useless, now).await;
    let ali_of = |seen: &Value| seen.pointer(ali).unwrap().clone();
    assert_eq!(
        (&ali_of(&seen)["reason"], &ali_of(&seen)["until"]),
        (&json!("expired"), &Value::Null)
    );
    // Put off until twenty past ten, and so gathered for the next day's.
    let mut later = mail;
    later["delay"] = json!("2h");
    let seen = of(later, now).await;
    assert_eq!(
        (&ali_of(&seen)["reason"], &ali_of(&seen)["until"]),
        (&json!("digested"), &json!("2026-11-24T10:00:00Z"))
    );
    app.stop().await;
}
