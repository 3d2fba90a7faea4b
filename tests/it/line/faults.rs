//! Broken rules: what they cost, and whom they don't.

use serde_json::json;

use super::{events, number, outcome, rule_if, titles, told};
use crate::support::TestDb;
use crate::support::app::{App, drained, people, rule, until};

#[tokio::test]
async fn a_condition_that_compares_what_cant_be_compared_is_no_match_and_counted() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let condition = json!({">": [{"var": "payload.amount"}, 100]});
    let template = json!({"title": "{{amount}}", "recipient_users": ["cfo"]});
    rule_if(&sql, "large", &condition, &template).await;
    let app = App::start(&db).await;
    let ids = events(
        &sql,
        &json!([{"payload": {"amount": "abc"}}, {"payload": {"amount": 101}}, {"payload": {"amount": 99}}, {"payload": {}}]),
    )
    .await;
    drained(&sql).await;
    assert_eq!(titles(&sql, "cfo").await, ["101"]);
    let matched: Vec<i64> = vec![0, 1, 0, 0];
    for (id, matched) in ids.iter().zip(matched) {
        assert_eq!(outcome(&sql, *id).await["rules_matched"], matched);
    }
    let first = outcome(&sql, ids[0]).await;
    assert_eq!(
        (&first["warnings"][0]["rule"], &first["warnings"][0]["kind"]),
        (&json!("large"), &json!("type_error"))
    );
    assert_eq!(outcome(&sql, ids[2]).await["warnings"], json!(null));
    app.stop().await;
}

#[tokio::test]
async fn a_faulty_rule_by_sql_is_marked_with_its_place_harms_nobody_and_heals_when_corrected() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let app = App::start(&db).await;
    let good = json!({"title": "good", "recipient_users": ["cfo"]});
    rule(&sql, "good", "*", &good).await;
    let broken =
        json!({"title": {"en": "fine", "ar": "سطر\n{{#if number}}x"}, "recipient_users": ["cfo"]});
    let template = rule(&sql, "broken", "*", &broken).await;
    let condition = json!({"and": [true, {"equals": [1, 1]}]});
    rule_if(&sql, "unknown operator", &condition, &good).await;
    rule(
        &sql,
        "unknown key",
        "*",
        &json!({"title": "t", "recipient_role": ["cfo"]}),
    )
    .await;
    until(&sql, "select count(*) = 3 from neurolink_rule_faults").await;

    let faults = sql
        .query(
            "select r.name, f.place, f.detail, f.kind from neurolink_rule_faults f join neurolink_notification_rules r
                 on r.id = f.rule_id and r.version = f.version order by r.id",
            &[],
        )
        .await
        .unwrap();
    let place = |index: usize| faults[index].get::<_, String>("place");
    assert!(
        place(0).starts_with("/notification_template/title/ar line 2"),
        "{}",
        place(0)
    );
    assert_eq!(place(1), "/conditions/and/1/equals");
    assert_eq!(place(2), "/notification_template/recipient_role");
    assert!(
        faults[2]
            .get::<_, String>("detail")
            .contains("recipient_roles")
    );
    let ids = events(&sql, &json!([{}])).await;
    drained(&sql).await;
    assert_eq!(titles(&sql, "cfo").await, ["good"]);
    assert_eq!(outcome(&sql, ids[0]).await["rules_matched"], 1);

    // Corrected, it is a new version without a fault, from the next event on.
    let corrected = json!({"title": "healed", "recipient_users": ["cfo"]}).to_string();
    sql.execute(
        "update neurolink_notification_rules set notification_template = $1::text::jsonb where id = $2",
        &[&corrected, &template],
    )
    .await
    .unwrap();
    events(&sql, &json!([{}])).await;
    drained(&sql).await;
    assert_eq!(titles(&sql, "cfo").await, ["good", "good", "healed"]);
    let still = "select count(*) from neurolink_rule_faults f join neurolink_notification_rules r
                     on r.id = f.rule_id and r.version = f.version where r.name = 'broken'";
    assert_eq!(number(&sql, still).await, 0);
    app.stop().await;
}

#[tokio::test]
async fn a_rule_that_breaks_at_run_time_is_named_in_the_outcome_and_the_events_other_rules_fire() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let endless = json!({"title": "never", "recipient_users": ["cfo"],
        "body": "{{#each a}}{{#each ../a}}{{#each ../../a}}{{#each ../../../a}}{{#if false}}{{/if}}{{/each}}{{/each}}{{/each}}{{/each}}"});
    rule(&sql, "endless", "*", &endless).await;
    rule(
        &sql,
        "other",
        "*",
        &json!({"title": "told", "recipient_users": ["cfo", "ali"]}),
    )
    .await;
    let app = App::start(&db).await;
    let many: Vec<u32> = (0..100).collect();
    let ids = events(
        &sql,
        &json!([{"payload": {"a": many}}, {"payload": {"a": [1]}}]),
    )
    .await;
    drained(&sql).await;
    assert_eq!(told(&sql, ids[0]).await, ["ali", "cfo"]);
    assert_eq!(told(&sql, ids[1]).await, ["ali", "cfo", "cfo"]);
    let outcome = outcome(&sql, ids[0]).await;
    let warning = &outcome["warnings"][0];
    assert_eq!(
        (&warning["rule"], &warning["kind"]),
        (&json!("endless"), &json!("render_failed"))
    );
    assert!(warning["detail"].to_string().contains("10000"), "{warning}");
    assert_eq!(
        number(&sql, "select count(*) from neurolink_dead_jobs").await,
        0
    );
    app.stop().await;
}
