//! A change of rules counts from the next event on, on every node.

use serde_json::json;

use super::{events, number, told};
use crate::support::TestDb;
use crate::support::app::{App, drained, people, rule, until};

#[tokio::test]
async fn a_rule_committed_before_an_event_always_judges_it_and_one_taken_away_never_does() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let nodes = [App::start(&db).await, App::start(&db).await];
    for round in 0..40 {
        let template = json!({"title": "t", "recipient_users": ["cfo"]});
        let id = rule(&sql, &format!("rule {round}"), "*", &template).await;
        let with = events(&sql, &json!([{}, {}])).await;
        let switch = "update neurolink_notification_rules set enabled = $2 where id = $1";
        // What was judged before the switch must be told from what is judged after it.
        drained(&sql).await;
        sql.execute(switch, &[&id, &false]).await.unwrap();
        let without = events(&sql, &json!([{}, {}])).await;
        drained(&sql).await;
        sql.execute(switch, &[&id, &true]).await.unwrap();
        let again = events(&sql, &json!([{}, {}])).await;
        drained(&sql).await;
        sql.execute(
            "delete from neurolink_notification_rules where id = $1",
            &[&id],
        )
        .await
        .unwrap();
        let gone = events(&sql, &json!([{}, {}])).await;
        drained(&sql).await;
        for event in with.iter().chain(&again) {
            assert_eq!(told(&sql, *event).await, ["cfo"], "round {round}");
        }
        for event in without.iter().chain(&gone) {
            assert!(told(&sql, *event).await.is_empty(), "round {round}");
        }
    }
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test]
async fn every_change_of_a_rule_is_kept_as_a_version_and_each_notification_says_which_made_it() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let app = App::start(&db).await;
    let id = rule(
        &sql,
        "versions",
        "*",
        &json!({"title": "1", "recipient_users": ["cfo"]}),
    )
    .await;
    for version in 1..=3 {
        events(&sql, &json!([{}])).await;
        drained(&sql).await;
        let next =
            json!({"title": (version + 1).to_string(), "recipient_users": ["cfo"]}).to_string();
        sql.execute(
            "update neurolink_notification_rules set notification_template = $1::text::jsonb where id = $2",
            &[&next, &id],
        )
        .await
        .unwrap();
    }
    let matching = "select count(*) from neurolink_notifications n join neurolink_rule_versions v
                        on v.rule_id = n.rule_id and v.version = n.rule_version and v.notification_template->>'title' = n.title
                     where n.title = n.rule_version::text";
    assert_eq!(number(&sql, matching).await, 3);
    // Nodes without events learn of it too.
    let rev = number(
        &sql,
        "select value::bigint from neurolink_meta where key = 'rules_rev'",
    )
    .await;
    let auditor = ["admin"];
    until_rules(&app, &auditor, rev).await;
    until(&sql, "select count(*) = 4 from neurolink_rule_versions").await;
    app.stop().await;
}

/// Resolves when the node says that it holds the rules of this revision.
async fn until_rules(app: &App, roles: &[&str], rev: i64) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(5));
    loop {
        tick.tick().await;
        let (_, health) = app.call("GET", "/health", "admin", roles, None).await;
        if health.to_string().contains(&format!("\"rules_rev\":{rev}")) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{health}");
    }
}
