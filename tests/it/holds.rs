//! A rule that tells too much is held once, whoever says so first; its owner is told; it goes on when somebody releases or changes it.

use std::process::{Command, Stdio};

use neurolink::db::Tx;
use neurolink::rules::held::store;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::{App, number, people, rule};

async fn template(sql: &Client, more: &Value) -> i64 {
    let mut template = json!({"title": "T", "recipient_roles": ["accountant"]});
    for (key, value) in more.as_object().unwrap() {
        template[key] = value.clone();
    }
    rule(sql, "stormy", "order.*", &template).await
}

/// `user: title` of everything told directly, in order.
async fn told(sql: &Client) -> String {
    sql.query_one(
        "select coalesce(string_agg(user_id || ': ' || title, '; ' order by id), '') from neurolink_notifications where event_id is null",
        &[],
    )
    .await
    .unwrap()
    .get(0)
}

async fn revision(sql: &Client) -> i64 {
    number(
        sql,
        "select value::bigint from neurolink_meta where key = 'rules_rev'",
    )
    .await
}

#[tokio::test]
async fn the_first_to_say_so_holds_it_and_its_owner_is_told_how_much_was_held_back() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let id = template(&sql, &json!({"owner": "nadia"})).await;
    let before = revision(&sql).await;
    let (one, other) = (
        db.db().client().await.unwrap(),
        db.db().client().await.unwrap(),
    );
    let (first, second) = tokio::join!(
        store::hold(&one, (id, 1), 100, 101, "admin"),
        store::hold(&other, (id, 1), 100, 102, "admin"),
    );
    assert_ne!(first.unwrap(), second.unwrap(), "one of them");
    assert_eq!(revision(&sql).await, before + 1, "every node learns of it");
    assert_eq!(
        told(&sql).await,
        "nadia: أُوقفت القاعدة \u{2068}stormy\u{2069} مؤقتًا"
    );
    assert!(
        !store::hold(&one, (id, 2), 100, 101, "admin").await.unwrap(),
        "there is no such version"
    );

    let (_, rows) = neurolink::rules::store::load(&one).await.unwrap();
    assert!(rows[0].is_held);
    store::count(&one, &[(id, 30), (id + 1, 5)]).await.unwrap();
    store::count(&one, &[(id, 12)]).await.unwrap();

    let app = App::start(&db).await;
    let path = format!("/v1/rules/{id}");
    let (_, held) = app.call("GET", &path, "chief", &["auditor"], None).await;
    assert_eq!(
        (
            &held["hold"]["held_count"],
            &held["hold"]["limit_per_minute"]
        ),
        (&json!(42), &json!(100)),
        "{held}"
    );
    let (_, list) = app
        .call("GET", "/v1/rules", "chief", &["auditor"], None)
        .await;
    assert_eq!(list["items"][0]["hold"], held["hold"]);
    let release = format!("{path}/release");
    let (status, _) = app
        .call("POST", &release, "chief", &["auditor"], None)
        .await;
    assert_eq!(status, 403);
    for _ in 0..2 {
        let (status, free) = app.call("POST", &release, "chief", &["admin"], None).await;
        assert_eq!((status, &free["hold"]), (200, &Value::Null), "{free}");
    }
    assert!(
        told(&sql)
            .await
            .ends_with("; nadia: عادت القاعدة stormy إلى العمل")
    );
    let body: String = sql
        .query_one(
            "select body from neurolink_notifications order by id desc limit 1",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert!(body.ends_with(": 42"), "{body}");
    let (_, rows) = neurolink::rules::store::load(&one).await.unwrap();
    assert!(!rows[0].is_held);
    let audited: String = sql
        .query_one(
            "select string_agg(actor || ' ' || action, ', ' order by id) from neurolink_audit_log
              where subject_id = $1::text and action in ('rule.held', 'rule.released')",
            &[&id.to_string()],
        )
        .await
        .unwrap()
        .get(0);
    assert!(
        audited.ends_with("rule.held, chief rule.released"),
        "{audited}"
    );
    let (status, _) = app
        .call("POST", "/v1/rules/4711/release", "chief", &["admin"], None)
        .await;
    assert_eq!(status, 404);
    app.stop().await;
}

#[tokio::test]
async fn without_an_owner_the_last_to_change_it_is_told_and_else_the_admins() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    sql.batch_execute(
        "insert into neurolink_users (id, roles, is_active) values ('boss', '{chief}', true), ('gone', '{chief}', false), ('root', '{chief}', true)",
    )
    .await
    .unwrap();
    let id = template(&sql, &json!({"owner": "gone"})).await;
    let client = db.db().client().await.unwrap();
    assert!(
        store::hold(&client, (id, 1), 10, 11, "chief")
            .await
            .unwrap()
    );
    let english = "The rule stormy is held";
    assert_eq!(
        told(&sql).await,
        format!("boss: {english}; root: {english}")
    );

    // A change releases it, and tells those who were told.
    let tx = Tx::begin_as(&db.db(), "ali").await.unwrap();
    tx.batch_execute("update neurolink_notification_rules set priority = 7")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        number(&sql, "select count(*) from neurolink_rule_holds").await,
        0
    );
    let over = "The rule stormy goes on";
    assert!(
        told(&sql)
            .await
            .ends_with(&format!("; boss: {over}; root: {over}"))
    );

    assert!(
        store::hold(&client, (id, 2), 10, 11, "chief")
            .await
            .unwrap()
    );
    assert!(
        told(&sql).await.ends_with(&format!("; ali: {english}")),
        "who changed it last"
    );
    sql.batch_execute("update neurolink_notification_rules set priority = 7")
        .await
        .unwrap();
    assert_eq!(
        number(&sql, "select count(*) from neurolink_rule_holds").await,
        1,
        "nothing was changed"
    );
    sql.batch_execute("delete from neurolink_notification_rules")
        .await
        .unwrap();
    assert_eq!(
        number(&sql, "select count(*) from neurolink_rule_holds").await,
        0
    );
}

/// What `neurolink rules …` prints, which must end with this code.
async fn said(db: &TestDb, code: i32, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neurolink"));
    command
        .env_clear()
        .env("DATABASE_URL", db.url())
        .args(["--env-file", "/dev/null", "rules"])
        .args(args)
        .stdin(Stdio::null());
    let out = tokio::task::spawn_blocking(move || command.output().unwrap());
    let out = out.await.unwrap();
    let text = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(code), "{args:?}: {text}");
    String::from_utf8(out.stdout).unwrap()
}

#[tokio::test]
async fn the_command_lists_it_as_held_and_releases_it_by_its_name() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let id = template(&sql, &json!({})).await;
    let client = db.db().client().await.unwrap();
    assert!(
        store::hold(&client, (id, 1), 100, 101, "admin")
            .await
            .unwrap()
    );
    store::count(&client, &[(id, 7)]).await.unwrap();
    let list = said(&db, 0, &["list"]).await;
    assert!(
        list.contains(
            "held: 101 notifications within a minute, where 100 are allowed; held back: 7"
        ),
        "{list}"
    );
    for (args, line) in [
        (&["release", "stormy"][..], "stormy goes on; held back: 7\n"),
        (&["release", "stormy"], "stormy was not held\n"),
        (
            &["release", "stormy", "--json"],
            "{\n  \"released\": false,\n  \"rule\": \"stormy\"\n}\n",
        ),
    ] {
        assert_eq!(said(&db, 0, args).await, line);
    }
    said(&db, 2, &["release", "calm"]).await;
}
