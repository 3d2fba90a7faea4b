//! A rule that outlasts its watchdog is stopped on every node, and costs nobody else anything.

use std::time::Duration;

use serde_json::{Value, json};

use super::{events, number, outcome, rule_if, titles, told};
use crate::support::TestDb;
use crate::support::app::{App, WHOLE, drained, people, rule, until};
use crate::support::http::SECRET;

/// Within every limit of a condition, and slow on [`long_lists`]: it asks a million times.
fn slow(question: &Value) -> Value {
    let inner = json!({"all": [{"val": [[2], "payload", "a"]}, question]});
    json!({"!": [{"all": [{"var": "payload.a"}, inner]}]})
}

/// As long as a list may be where conditions iterate within one another, and a long text.
fn long_lists() -> Value {
    let items: Vec<u32> = (0..1000).collect();
    json!({"payload": {"a": items, "text": "a".repeat(500_000)}})
}

#[tokio::test]
async fn a_rule_that_hangs_is_stopped_on_every_node_and_its_batch_goes_on_without_it() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let told_all = json!({"title": "told", "recipient_users": ["cfo"]});
    // A few seconds of work.
    let hundred = vec![json!({"!=": [{"var": ""}, -1]}); 100];
    let slow_rule = rule_if(&sql, "slow", &slow(&json!({"and": hundred})), &told_all).await;
    rule(&sql, "other", "*", &told_all).await;
    let settings = [("NEUROLINK_RULE_WATCHDOG", "500ms")];
    let nodes = [
        App::start_with(&db, WHOLE, &settings).await,
        App::start_with(&db, WHOLE, &settings).await,
    ];
    let mut rows = vec![json!({}); 20];
    rows.insert(7, long_lists());
    let ids = events(&sql, &rows.into()).await;
    drained(&sql).await;

    let faults = sql
        .query(
            "select rule_id, version, kind, detail from neurolink_rule_faults",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].get::<_, i64>("rule_id"), slow_rule);
    assert_eq!(faults[0].get::<_, &str>("kind"), "watchdog");
    assert!(faults[0].get::<_, &str>("detail").contains("500 ms"));
    for id in &ids {
        assert_eq!(told(&sql, *id).await, ["cfo"]);
    }
    assert_eq!(outcome(&sql, ids[7]).await["rules_matched"], 1);
    assert_eq!(
        number(&sql, "select count(*) from neurolink_dead_jobs").await,
        0
    );

    // Whichever node takes these, none evaluates it again.
    let more = events(
        &sql,
        &json!([long_lists(), long_lists(), long_lists(), long_lists()]),
    )
    .await;
    drained(&sql).await;
    for id in more {
        assert_eq!(outcome(&sql, id).await["rules_matched"], 1);
    }
    // Mended, it is another version.
    sql.execute(
        "update neurolink_notification_rules set conditions = null where id = $1",
        &[&slow_rule],
    )
    .await
    .unwrap();
    events(&sql, &json!([long_lists()])).await;
    drained(&sql).await;
    assert_eq!(titles(&sql, "cfo").await.len(), 27);
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_stopped_rule_isnt_asked_again_by_who_wants_to_know_why() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let template = json!({"title": "told", "recipient_users": ["cfo"]});
    // Minutes of work, if it were asked.
    let search = json!({"!": [{"in": ["b", {"val": [[2], "payload", "text"]}]}]});
    rule_if(&sql, "slow", &slow(&search), &template).await;
    sql.batch_execute(
        "insert into neurolink_rule_faults (rule_id, version, kind, place, detail)
         select id, version, 'watchdog', '', 'it took 500 ms' from neurolink_notification_rules",
    )
    .await
    .unwrap();
    let app = App::start(&db).await;
    let id = events(&sql, &json!([long_lists()])).await[0];
    drained(&sql).await;
    let asks = async |path: String| app.call("GET", &path, "eye", &["auditor"], None).await;
    let (status, tree) = asks(format!("/v1/events/{id}/trace")).await;
    assert_eq!(status, 200, "{tree}");
    let slow = &tree["rules"][0];
    assert_eq!(
        (&slow["verdict"], &slow["why"]),
        (&json!("faulty"), &json!("it was stopped: it took 500 ms"))
    );
    let (status, why) = asks(format!("/v1/events/{id}/why?user=cfo")).await;
    assert_eq!(
        (status, &why["code"]),
        (200, &json!("rule_faulty")),
        "{why}"
    );
    // About other events, it says so all the same.
    sql.batch_execute(
        "update neurolink_notification_rules set event_type_pattern = 'z.z';
         insert into neurolink_notifications (user_id, rev, event_id, rule_id, title) select 'cfo', 1, e.id, r.id, 't'
           from neurolink_events e, neurolink_notification_rules r;
         insert into neurolink_rule_faults (rule_id, version, kind, place, detail)
         select id, version, 'watchdog', '', 'it took 500 ms' from neurolink_notification_rules",
    )
    .await
    .unwrap();
    let (_, tree) = asks(format!("/v1/events/{id}/trace")).await;
    assert_eq!(tree["rules"][0]["verdict"], "elsewhere", "{tree}");
    app.stop().await;
}

#[tokio::test]
async fn a_rule_that_still_hangs_doesnt_keep_the_process_from_stopping() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    // Minutes of work: a million times half a megabyte is searched.
    let template = json!({"title": "told", "recipient_users": ["cfo"]});
    let search = json!({"!": [{"in": ["b", {"val": [[2], "payload", "text"]}]}]});
    rule_if(&sql, "slow", &slow(&search), &template).await;
    let nowhere = tempfile::tempdir().unwrap();
    let mut process = tokio::process::Command::new(env!("CARGO_BIN_EXE_neurolink"))
        .arg("worker")
        .current_dir(nowhere.path())
        .env_clear()
        .env("DATABASE_URL", db.url())
        .env("JWT_SECRET_KEY", SECRET)
        .env("NEUROLINK_RULE_WATCHDOG", "500ms")
        .env("NEUROLINK_SHUTDOWN_TIMEOUT", "2s")
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    events(&sql, &json!([long_lists()])).await;
    until(
        &sql,
        "select exists (select from neurolink_rule_faults where kind = 'watchdog')",
    )
    .await;
    until(&sql, "select count(*) = 1 from neurolink_event_outcomes").await;

    let pid = i32::try_from(process.id().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(15), process.wait()).await;
    assert!(ended.expect("it stops").unwrap().success());
    assert_eq!(
        number(&sql, "select count(*) from neurolink_workers").await,
        0
    );
}
