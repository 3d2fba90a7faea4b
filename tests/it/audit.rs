//! The audit log: rules, people and other people's preferences, changed over HTTP or by SQL, with who, when, before and after.

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::{App, people};
use crate::support::http::token_of;

const API: neurolink::app::Parts = neurolink::app::Parts {
    api: true,
    worker: false,
};

const RULE: &str = r#"insert into neurolink_notification_rules (name, event_type_pattern, notification_template)
                      values ('r', '*', '{"title": "T", "n": 1.50}')"#;

/// Entries as `actor action subject`, oldest first.
async fn entries(sql: &Client) -> Vec<String> {
    let me: String = sql
        .query_one("select session_user::text", &[])
        .await
        .unwrap()
        .get(0);
    sql.query(
        "select actor, action, subject_id, db_user from neurolink_audit_log order by id",
        &[],
    )
    .await
    .unwrap()
    .iter()
    .map(|row| {
        assert_eq!(row.get::<_, &str>(3), me, "the role is kept in any case");
        let actor = row.get::<_, &str>(0).replace(&me, "(role)");
        format!(
            "{actor} {} {}",
            row.get::<_, &str>(1),
            row.get::<_, &str>(2)
        )
    })
    .collect()
}

async fn audit(app: &App, query: &str) -> Vec<Value> {
    let path = format!("/v1/audit?{query}");
    let (status, page) = app.call("GET", &path, "eye", &["auditor"], None).await;
    assert_eq!(status, 200, "{page}");
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_change_over_http_has_its_subject_and_one_by_sql_its_role_with_before_and_after() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start_with(&db, API, &[]).await;
    let rule = json!({"name": "r", "event_type_pattern": "*", "notification_template": {"title": "T", "recipient_users": ["ali"]}});
    let (_, made) = app
        .call("POST", "/v1/rules", "chief", &["admin"], Some(&rule))
        .await;
    let id = made["id"].to_string();
    sql.batch_execute("update neurolink_notification_rules set priority = 5")
        .await
        .unwrap();
    // Nothing has changed: nothing is said.
    sql.batch_execute("update neurolink_notification_rules set priority = 5")
        .await
        .unwrap();
    app.client
        .delete(format!("{}/v1/rules/{id}", app.base))
        .bearer_auth(crate::support::http::token("chief", &["admin"]))
        .header("if-match", "*")
        .send()
        .await
        .unwrap();
    assert_eq!(
        entries(&sql).await,
        [
            format!("chief rule.created {id}"),
            format!("(role) rule.updated {id}"),
            format!("chief rule.deleted {id}")
        ]
    );
    let all = audit(&app, "").await;
    assert_eq!(
        all.iter()
            .map(|e| e["action"].as_str().unwrap())
            .collect::<Vec<_>>(),
        ["rule.deleted", "rule.updated", "rule.created"]
    );
    let update = &all[1];
    assert_eq!(
        (&update["before"]["priority"], &update["after"]["priority"]),
        (&json!(0), &json!(5))
    );
    assert_eq!(
        (&update["before"]["version"], &update["after"]["version"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(
        (&all[2]["before"], &all[0]["after"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        all[0]["before"]["notification_template"]["recipient_users"],
        json!(["ali"])
    );
    app.stop().await;
}

#[tokio::test]
async fn a_bulk_of_people_is_audited_one_by_one_where_they_changed() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let before = entries(&sql).await.len();
    assert_eq!(before, 4);
    let app = App::start_with(&db, API, &[]).await;
    let same = json!({"id": "dina", "display_name": "Dina", "email": "dina@tsh.example", "roles": ["accountant"], "branch_ids": ["BSR"]});
    let moved = json!({"id": "ali", "display_name": "Ali", "email": "ali@tsh.example", "roles": ["cfo"], "branch_ids": ["BGD"]});
    let bulk = json!([same, moved, {"id": "new"}]);
    let (status, _) = app
        .call("POST", "/v1/users/bulk", "chief", &["admin"], Some(&bulk))
        .await;
    assert_eq!(status, 200);
    app.call("DELETE", "/v1/users/new", "chief", &["admin"], None)
        .await;
    let mut all = entries(&sql).await.split_off(before);
    all[..2].sort();
    assert_eq!(
        all,
        [
            "chief person.created new",
            "chief person.updated ali",
            "chief person.deleted new"
        ]
    );
    let ali = &audit(
        &app,
        "subject_kind=person&subject_id=ali&action=person.updated",
    )
    .await[0];
    assert_eq!(
        (&ali["before"]["roles"], &ali["after"]["roles"]),
        (&json!(["accountant"]), &json!(["cfo"]))
    );
    // A new id is one gone and one come.
    sql.batch_execute(
        "update neurolink_users set id = 'ali2' where id = 'ali'; truncate neurolink_users",
    )
    .await
    .unwrap();
    let mut last = entries(&sql).await.split_off(before + 3);
    last[..2].sort();
    assert_eq!(
        last,
        [
            "(role) person.created ali2",
            "(role) person.deleted ali",
            "(role) person.truncated *"
        ]
    );
    app.stop().await;
}

#[tokio::test]
async fn preferences_are_audited_when_somebody_else_sets_them() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let app = App::start_with(&db, API, &[]).await;
    let body = |on: bool| json!({"channels": {"*": {"email": on}}});
    for (path, who, on) in [
        ("/v1/preferences", "ali", false),
        ("/v1/users/ali/preferences", "chief", true),
        ("/v1/preferences", "ali", false),
        // An admin's own are their own.
        ("/v1/users/cfo/preferences", "cfo", false),
    ] {
        let (status, answer) = app
            .call("PUT", path, who, &["admin"], Some(&body(on)))
            .await;
        assert_eq!(status, 200, "{answer}");
    }
    sql.batch_execute("delete from neurolink_user_preferences where user_id = 'ali'")
        .await
        .unwrap();
    let all = entries(&sql).await.split_off(4);
    assert_eq!(
        all,
        [
            "chief preferences.updated ali",
            "(role) preferences.deleted ali"
        ]
    );
    let entry = &audit(&app, "subject_kind=preferences&actor=chief").await[0];
    assert_eq!(entry["before"]["channels"]["*"]["email"], false);
    assert_eq!(entry["after"]["channels"]["*"]["email"], true);
    app.stop().await;
}

#[tokio::test]
async fn the_log_is_only_added_to_and_a_rolled_back_change_leaves_no_entry() {
    let db = TestDb::new().await;
    let mut sql = db.client().await;
    let transaction = sql.transaction().await.unwrap();
    transaction.batch_execute(RULE).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(entries(&sql).await, [""; 0]);
    sql.batch_execute(RULE).await.unwrap();
    let refused = sql
        .batch_execute("update neurolink_audit_log set actor = 'nobody'")
        .await
        .unwrap_err();
    assert_eq!(
        refused.as_db_error().unwrap().constraint(),
        Some("neurolink_audit_log_immutable")
    );
    // The setting ends with its transaction: the next one on this connection acts for itself.
    sql.batch_execute("begin; select set_config('neurolink.actor', 'ali', true); delete from neurolink_notification_rules; commit;").await.unwrap();
    sql.batch_execute(RULE).await.unwrap();
    let actors: Vec<String> = entries(&sql)
        .await
        .iter()
        .map(|e| e.split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(actors, ["(role)", "ali", "(role)"]);
}

#[tokio::test]
async fn other_rooms_put_their_deeds_in_with_one_function_and_its_digits_come_out_as_they_were() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start_with(&db, API, &[]).await;
    sql.batch_execute(
        r#"select neurolink_audit('queue.paused', 'queue', 'delivery/email', null, '{"reason": "x", "n": 12345678901234567890.10}')"#,
    )
    .await
    .unwrap();
    let text = app
        .client
        .get(format!("{}/v1/audit", app.base))
        .bearer_auth(crate::support::http::token("eye", &["auditor"]))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(text.contains("12345678901234567890.10"), "{text}");
    assert_eq!(audit(&app, "action=queue.paused").await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn entries_are_paged_newest_first_and_filtered_by_time() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let app = App::start_with(&db, API, &[]).await;
    let (_, page) = app
        .call("GET", "/v1/audit?limit=3", "eye", &["auditor"], None)
        .await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = audit(&app, &format!("limit=3&cursor={cursor}")).await;
    assert_eq!(
        (page["items"].as_array().unwrap().len(), rest.len()),
        (3, 1)
    );
    let at = rest[0]["at"].as_str().unwrap();
    assert_eq!(audit(&app, &format!("from={at}")).await.len(), 4);
    assert_eq!(audit(&app, &format!("to={at}")).await.len(), 0);
    let (status, answer) = app
        .call("GET", "/v1/audit?from=yesterday", "eye", &["auditor"], None)
        .await;
    assert_eq!(
        (status, answer["code"].as_str()),
        (400, Some("invalid_parameter"))
    );
    assert_eq!(
        app.call("GET", "/v1/audit", "ali", &["producer"], None)
            .await
            .0,
        403
    );
    app.stop().await;
}

#[tokio::test]
async fn deeds_on_another_branchs_events_are_shown_to_who_sees_that_branch() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        r#"select neurolink_audit('event.deleted', 'event', '1', '{"branch_id": "BGD"}', null),
                  neurolink_audit('event.deleted', 'event', '2', '{"branch_id": "BSR"}', null),
                  neurolink_audit('event.deleted', 'event', '3', '{"branch_id": null}', null),
                  neurolink_audit('event.deleted', 'event', '4', null, null),
                  neurolink_audit('rule.updated', 'rule', '5', null, null)"#,
    )
    .await
    .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    for (branches, expected) in [(&["BGD"][..], &["5", "3", "1"][..]), (&[], &["5", "3"])] {
        let page: Value = app
            .client
            .get(format!("{}/v1/audit", app.base))
            .bearer_auth(token_of("eye", &["auditor"], branches))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let items = page["items"].as_array().unwrap().iter();
        let subjects: Vec<&str> = items.map(|e| e["subject_id"].as_str().unwrap()).collect();
        assert_eq!(subjects, expected, "{branches:?}");
    }
    assert_eq!(audit(&app, "").await.len(), 5);
    app.stop().await;
}
