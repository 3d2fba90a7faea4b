//! Who is told: by role and branch, by name, by a field of the payload; and which rules an event meets.

use serde_json::{Value, json};

use super::{events, outcome, told};
use crate::support::TestDb;
use crate::support::app::{App, drained, people, rule};

/// More people: one of two branches, one of none, one who has left, one whose id is a number.
const MORE: &str = "insert into neurolink_users (id, roles, branch_ids, is_active) values
    ('boss', '{accountant,manager}', '{BGD,BSR}', true), ('lone', '{accountant}', '{}', true),
    ('omar', '{accountant}', '{*}', false), ('4711', '{driver}', '{BGD}', true)";

#[tokio::test]
async fn each_way_of_naming_recipients_reaches_these_people_and_no_others() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    sql.batch_execute(MORE).await.unwrap();
    let everywhere = ["ali", "boss", "dina", "lone", "nadia"];
    let cases: Vec<(&str, Value, Value, &[&str])> = vec![
        (
            "a role in the event's branch",
            json!({"recipient_roles": ["accountant"]}),
            json!({"branch_id": "BGD"}),
            &["ali", "boss", "nadia"],
        ),
        (
            "people of all branches belong to every branch",
            json!({"recipient_roles": ["accountant", "cfo"]}),
            json!({"branch_id": "BSR"}),
            &["boss", "cfo", "dina"],
        ),
        (
            "a branch nobody is of",
            json!({"recipient_roles": ["accountant", "cfo"]}),
            json!({"branch_id": "KRK"}),
            &["cfo"],
        ),
        (
            "an event without a branch",
            json!({"recipient_roles": ["accountant"]}),
            json!({}),
            &everywhere,
        ),
        (
            "branches don't matter",
            json!({"recipient_roles": ["accountant"], "recipient_branches": "any"}),
            json!({"branch_id": "BGD"}),
            &everywhere,
        ),
        (
            "another branch than the event's",
            json!({"recipient_roles": ["accountant"], "recipient_branches": ["BSR"]}),
            json!({"branch_id": "BGD"}),
            &["boss", "dina"],
        ),
        (
            "two roles of one person",
            json!({"recipient_roles": ["manager", "accountant"], "recipient_users": ["boss"]}),
            json!({"branch_id": "BSR"}),
            &["boss", "dina"],
        ),
        (
            "by name, whatever their branch, unless they have left or don't exist",
            json!({"recipient_users": ["dina", "omar", "nobody", 4711]}),
            json!({"branch_id": "BGD"}),
            &["4711", "dina"],
        ),
        (
            "a field that holds a text",
            json!({"recipient_fields": ["owner"]}),
            json!({"payload": {"owner": "ali"}, "branch_id": "BSR"}),
            &["ali"],
        ),
        (
            "a field that holds a number",
            json!({"recipient_fields": ["payload.owner"]}),
            json!({"payload": {"owner": 4711}}),
            &["4711"],
        ),
        (
            "a list, and a list of objects",
            json!({"recipient_fields": ["team", "lines.owner_id"]}),
            json!({"payload": {"team": ["dina", 4711], "lines": [{"owner_id": "cfo"}, {"owner_id": "dina"}, {}]}}),
            &["4711", "cfo", "dina"],
        ),
        (
            "a field that isn't there",
            json!({"recipient_fields": ["owner"]}),
            json!({"payload": {"owner": null}}),
            &[],
        ),
        (
            "the actor too, when nobody says otherwise",
            json!({"recipient_roles": ["accountant"]}),
            json!({"branch_id": "BGD", "actor_id": "ali"}),
            &["ali", "boss", "nadia"],
        ),
        (
            "the actor left out, also when named",
            json!({"recipient_roles": ["accountant"], "recipient_users": ["ali"], "exclude_actor": true}),
            json!({"branch_id": "BGD", "actor_id": "ali"}),
            &["boss", "nadia"],
        ),
        (
            "nobody to leave out",
            json!({"recipient_users": ["ali"], "exclude_actor": true}),
            json!({}),
            &["ali"],
        ),
    ];
    let app = App::start(&db).await;
    let mut rows = Vec::new();
    for (index, (name, template, event, _)) in cases.iter().enumerate() {
        let (event_type, mut template, mut event) =
            (format!("case.n{index}"), template.clone(), event.clone());
        template["title"] = "t".into();
        event["event_type"] = event_type.as_str().into();
        rule(&sql, name, &event_type, &template).await;
        rows.push(event);
    }
    let ids = events(&sql, &Value::Array(rows)).await;
    drained(&sql).await;
    for ((name, .., expected), id) in cases.iter().zip(ids) {
        assert_eq!(told(&sql, id).await, *expected, "{name}");
        let outcome = outcome(&sql, id).await;
        let silent = json!([{"rule": name, "reason": "no_recipient", "count": 0}]);
        let suppressed = if expected.is_empty() {
            silent
        } else {
            Value::Null
        };
        assert_eq!(outcome["suppressed"], suppressed, "{name}");
        assert_eq!(outcome["notifications"], expected.len(), "{name}");
        assert_eq!(outcome["rules_matched"], 1, "{name}");
    }
    app.stop().await;
}

#[tokio::test]
async fn exact_prefix_and_star_patterns_and_modules_choose_the_rules_an_event_meets() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let template = json!({"title": "t", "recipient_users": ["cfo"]});
    for (name, pattern) in [
        ("exact", "invoice.overdue"),
        ("prefix", "invoice.*"),
        ("all", "*"),
        ("order", "order.*"),
    ] {
        rule(&sql, name, pattern, &template).await;
    }
    sql.execute(
        "insert into neurolink_notification_rules (name, source_module, event_type_pattern, notification_template)
         values ('module', 'billing', '*', '{\"title\": \"t\", \"recipient_users\": [\"cfo\"]}')",
        &[],
    )
    .await
    .unwrap();
    let app = App::start(&db).await;
    let ids = events(
        &sql,
        &json!([
            {"event_type": "invoice.overdue"},
            {"event_type": "invoice.line.added"},
            {"event_type": "order.shipped", "source_module": "billing"},
            {"event_type": "invoices.overdue"},
        ]),
    )
    .await;
    drained(&sql).await;
    let by = "select array_agg(r.name order by r.name) from neurolink_notifications n
                join neurolink_notification_rules r on r.id = n.rule_id where n.event_id = $1";
    for (id, expected) in ids.iter().zip([
        vec!["all", "exact", "prefix"],
        vec!["all", "prefix"],
        vec!["all", "module", "order"],
        vec!["all"],
    ]) {
        let names: Vec<String> = sql.query_one(by, &[id]).await.unwrap().get(0);
        assert_eq!(names, expected);
    }
    app.stop().await;
}
