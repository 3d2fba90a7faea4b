//! What a rule would have done with the events of a time: `POST /v1/rules/backtest`.

mod ends;

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::openapi::API;
use crate::support::TestDb;
use crate::support::app::{App, number, people, rule};
use crate::support::http::{token, token_of};

const PATH: &str = "/v1/rules/backtest";

/// Status, and every line.
async fn lines(app: &App, token: &str, body: &Value) -> (u16, Vec<Value>) {
    let request = app.client.post(format!("{}{PATH}", app.base));
    // As browsers ask; the lines come as they are all the same, at once and whole.
    let request = request.header("accept-encoding", "gzip");
    let response = request.bearer_auth(token).json(body).send().await.unwrap();
    let status = response.status().as_u16();
    assert!(!response.headers().contains_key("content-encoding") || status != 200);
    let text = response.text().await.unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (status, lines.collect())
}

async fn result(app: &App, body: &Value) -> Value {
    let (status, lines) = lines(app, &token("boss", &["admin"]), body).await;
    assert_eq!(status, 200, "{lines:?}");
    let result = lines.last().unwrap()["result"].clone();
    assert!(result.is_object(), "{lines:?}");
    result
}

/// Events of hours past, in `BGD` and `BSR` by turns: the nth is n hours old, with `n` in its payload.
async fn past(sql: &Client, event_type: &str, many: i32) {
    sql.execute(
        "insert into neurolink_events (source_module, event_type, payload, branch_id, received_at, occurred_at)
         select 'test', $1, jsonb_build_object('n', n), case when n % 2 = 0 then 'BGD' else 'BSR' end,
                now() - n * interval '1 hour', now() - n * interval '1 hour'
           from generate_series($2::int, 1, -1) as n",
        &[&event_type, &many],
    )
    .await
    .unwrap();
}

fn draft(name: &str, above: i32) -> Value {
    json!({
        "name": name, "event_type_pattern": "a.*", "conditions": {">": [{"var": "payload.n"}, above]},
        "notification_template": {"title": "N {{n}} {{gone}}", "channels": ["in_app", "email"], "recipient_roles": ["accountant"]}
    })
}

#[tokio::test]
async fn a_time_is_counted_by_person_branch_channel_and_day_and_nothing_is_written() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    sql.batch_execute(
        "insert into neurolink_user_preferences (user_id, channels) values ('ali', '{\"*\": {\"email\": false}}')",
    )
    .await
    .unwrap();
    past(&sql, "a.b", 10).await;
    past(&sql, "c.d", 5).await;
    sql.batch_execute("delete from neurolink_jobs")
        .await
        .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    let from = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(8 * 60 + 30);
    let body = json!({"rule": draft("d", 2), "from": from.to_string(), "samples": 2});
    let came = result(&app, &body).await;
    // Of the ten, eight are of the last hours, and six of these above 2.
    assert_eq!(
        (&came["concerned"], &came["matched"], &came["failed"]),
        (&json!(8), &json!(6), &json!(0)),
        "{came}"
    );
    assert_eq!(
        came["people"],
        json!({"total": 3, "items": [
            {"user_id": "ali", "notifications": 3}, {"user_id": "dina", "notifications": 3}, {"user_id": "nadia", "notifications": 3}]})
    );
    assert_eq!(came["notifications"], 9);
    let branches = &came["branches"]["items"];
    assert_eq!(
        branches[0],
        json!({"branch_id": "BGD", "matched": 3, "notifications": 6})
    );
    assert_eq!(
        branches[1],
        json!({"branch_id": "BSR", "matched": 3, "notifications": 3})
    );
    assert_eq!(
        came["channels"],
        json!([{"channel": "in_app", "deliveries": 9, "suppressed": {}},
               {"channel": "email", "deliveries": 0, "suppressed": {"not_configured": 6, "preference": 3}}])
    );
    assert_eq!(
        came["suppressed"],
        json!({"not_configured:email": 6, "preference:email": 3})
    );
    assert_eq!(
        (&came["warnings"][0]["kind"], &came["warnings"][0]["events"]),
        (&json!("missing_variable"), &json!(6))
    );
    let days: i64 = came["days"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["matched"].as_i64().unwrap())
        .sum();
    assert_eq!(days, 6);
    let samples = came["samples"].as_array().unwrap();
    let titles: Vec<&str> = samples
        .iter()
        .map(|s| s["notifications"]["items"][0]["title"].as_str().unwrap())
        .collect();
    assert_eq!(titles, ["N 3 —", "N 4 —"], "the newest");
    assert_eq!(came["difference"], Value::Null, "there is no such rule");
    for table in [
        "notifications",
        "event_outcomes",
        "jobs",
        "delivery_log",
        "notification_rules",
    ] {
        let left = number(&sql, &format!("select count(*) from neurolink_{table}")).await;
        assert_eq!(left, 0, "{table}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_draft_is_set_beside_the_saved_rule_event_by_event_and_person_by_person() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    past(&sql, "a.b", 10).await;
    past(&sql, "c.d", 3).await;
    sql.batch_execute("delete from neurolink_jobs")
        .await
        .unwrap();
    let template = json!({"title": "T", "recipient_users": ["ali", "cfo"]});
    let id = rule(&sql, "r", "*", &template).await;
    sql.batch_execute(r#"update neurolink_notification_rules set conditions = '{"<": [{"var": "payload.n"}, 5]}'"#)
        .await
        .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    let from = "2020-01-01T00:00:00Z";
    // By its name: the saved one is true for n < 5 of both types (7), the draft for n > 2 of one (8).
    let came = result(&app, &json!({"rule": draft("r", 2), "from": from})).await;
    let beside = &came["difference"];
    assert_eq!(beside["live"], json!({"id": id, "version": 2, "name": "r"}));
    assert_eq!(
        (
            &came["matched"],
            &beside["both"],
            &beside["only_new"]["total"],
            &beside["only_live"]["total"]
        ),
        (&json!(8), &json!(2), &json!(6), &json!(5)),
        "{came}"
    );
    assert_eq!(
        (&came["notifications"], &beside["notifications"]),
        (&json!(12), &json!(14))
    );
    assert_eq!(
        beside["people"]["items"],
        json!([{"user_id": "cfo", "new": 0, "live": 7, "change": -7},
               {"user_id": "dina", "new": 4, "live": 0, "change": 4},
               {"user_id": "nadia", "new": 4, "live": 0, "change": 4},
               {"user_id": "ali", "new": 4, "live": 7, "change": -3}])
    );
    let newest = beside["only_live"]["items"].as_array().unwrap();
    assert!(
        newest
            .windows(2)
            .all(|pair| pair[0].as_i64() > pair[1].as_i64())
    );
    // By its id, an old version, and beside nothing.
    let old = result(&app, &json!({"rule_id": id, "version": 1, "from": from})).await;
    assert_eq!(
        (&old["matched"], &old["difference"]["only_new"]["total"]),
        (&json!(13), &json!(6))
    );
    let same = result(&app, &json!({"rule_id": id, "from": from})).await;
    assert_eq!(
        (&same["matched"], &same["difference"]),
        (&json!(7), &Value::Null)
    );
    let alone = result(
        &app,
        &json!({"rule": draft("r", 2), "from": from, "compare": "none"}),
    )
    .await;
    assert_eq!(alone["difference"], Value::Null);
    // Switched off, it tells nobody.
    sql.batch_execute("update neurolink_notification_rules set enabled = false")
        .await
        .unwrap();
    let off = result(&app, &json!({"rule_id": id, "from": from})).await;
    assert_eq!(
        (
            &off["difference"]["is_enabled"],
            &off["difference"]["only_new"]["total"],
            &off["difference"]["notifications"]
        ),
        (&json!(false), &json!(7), &json!(0))
    );
    app.stop().await;
}

#[tokio::test]
async fn what_cant_be_asked_is_refused_before_the_answer_begins() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, API, &[]).await;
    let admin = token("boss", &["admin"]);
    let from = "2026-01-01T00:00:00Z";
    let mut faulty = draft("d", 2);
    faulty["notification_template"]["titel"] = json!("T");
    for (body, status, code, place) in [
        (
            json!({"rule": draft("d", 2)}),
            400,
            "missing_field",
            "/from",
        ),
        (
            json!({"rule": draft("d", 2), "from": "now"}),
            400,
            "invalid_field",
            "/from",
        ),
        (
            json!({"rule": draft("d", 2), "from": "2190-01-01T00:00:00Z"}),
            400,
            "invalid_field",
            "/from",
        ),
        (
            json!({"rule": draft("d", 2), "from": from, "to": from}),
            400,
            "invalid_field",
            "/to",
        ),
        (json!({"from": from}), 400, "missing_field", "/rule"),
        (
            json!({"rule": draft("d", 2), "from": from, "compare": "both"}),
            400,
            "invalid_field",
            "/compare",
        ),
        (
            json!({"rule": draft("d", 2), "from": from, "samples": 51}),
            400,
            "invalid_field",
            "/samples",
        ),
        (
            json!({"rule": draft("d", 2), "version": 1, "from": from}),
            400,
            "invalid_field",
            "/version",
        ),
        (
            json!({"rule": faulty, "from": from}),
            400,
            "rule_fault",
            "/notification_template/titel",
        ),
        (json!({"rule_id": 9, "from": from}), 404, "not_found", ""),
    ] {
        let (found, lines) = lines(&app, &admin, &body).await;
        assert_eq!(found, status, "{body}");
        assert_eq!(lines[0]["code"], code, "{lines:?}");
        assert_eq!(
            lines[0]["place"].as_str().unwrap_or_default(),
            place,
            "{lines:?}"
        );
    }
    let (status, _) = lines(&app, &token("ali", &[]), &json!({"from": from})).await;
    assert_eq!(status, 403);
    app.stop().await;
}

#[tokio::test]
async fn events_of_other_branches_are_not_looked_at() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    past(&sql, "a.b", 10).await;
    sql.batch_execute(
        "insert into neurolink_events (source_module, event_type, payload) values ('test', 'a.b', '{\"n\": 50}');
         delete from neurolink_jobs",
    )
    .await
    .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    let body = json!({"rule": draft("d", 0), "from": "2020-01-01T00:00:00Z"});
    for (branches, matched) in [
        (&["BGD"][..], 6),
        (&["BGD", "BSR"], 11),
        (&["*"], 11),
        (&[], 1),
    ] {
        let (_, lines) = lines(&app, &token_of("eye", &["auditor"], branches), &body).await;
        assert_eq!(
            lines.last().unwrap()["result"]["matched"],
            matched,
            "{branches:?}"
        );
    }
    app.stop().await;
}
