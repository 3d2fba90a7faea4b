//! Whom a rule reaches besides roles and names: groups, managers, followers; who is left out; and what is said of it afterwards.

mod following;
mod views;

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::{App, WHOLE, drained, rule};

/// A shop of two branches: sellers, their managers, a boss; `left` has left, and was maya's.
const SHOP: &str = "insert into neurolink_users (id, display_name, roles, groups, branch_ids, manager_id, is_active) values
    ('ali', 'Ali', '{seller}', '{stocktaking}', '{BGD}', 'maya', true),
    ('dina', 'Dina', '{seller}', '{}', '{BSR}', 'sami', true),
    ('maya', 'Maya', '{manager}', '{stocktaking}', '{BSR}', 'boss', true),
    ('sami', 'Sami', '{manager}', '{}', '{BSR}', 'boss', false),
    ('boss', 'Boss', '{}', '{}', '{*}', null, true),
    ('left', 'Left', '{seller}', '{stocktaking}', '{BGD}', 'maya', false)";

/// An event with these fields besides module and type; its id.
async fn emit(sql: &Client, event_type: &str, fields: &Value) -> i64 {
    let insert = "insert into neurolink_events (source_module, event_type, payload, branch_id, actor_id, entity_type, entity_id)
         select 'shop', $1, coalesce(r.payload, '{}'), r.branch_id, r.actor_id, r.entity_type, r.entity_id
           from jsonb_to_record($2::text::jsonb)
                as r (payload jsonb, branch_id text, actor_id text, entity_type text, entity_id text)
         returning id";
    let row = sql
        .query_one(insert, &[&event_type, &fields.to_string()])
        .await
        .unwrap();
    row.get(0)
}

async fn told(sql: &Client, event: i64) -> Vec<String> {
    let who =
        "select user_id from neurolink_notifications where event_id = $1 order by user_id, id";
    let rows = sql.query(who, &[&event]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// A rule of each case tells these people of its event and nobody else.
async fn reach(sql: &Client, cases: &[(&str, Value, Value, &[&str])]) {
    let mut ids = Vec::new();
    for (index, (name, template, fields, _)) in cases.iter().enumerate() {
        let (event_type, mut template) = (format!("case.n{index}"), template.clone());
        template["title"] = "t".into();
        rule(sql, name, &event_type, &template).await;
        ids.push(emit(sql, &event_type, fields).await);
    }
    drained(sql).await;
    for ((name, .., expected), id) in cases.iter().zip(ids) {
        assert_eq!(told(sql, id).await, *expected, "{name}");
    }
}

#[tokio::test]
async fn groups_managers_followers_and_those_left_out_are_as_the_rule_says() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(SHOP).await.unwrap();
    for who in ["dina", "boss", "left", "stranger"] {
        let follow = "select neurolink_follow($1, 'invoice', '7')";
        sql.query_one(follow, &[&who]).await.unwrap();
    }
    let app = App::start(&db).await;
    let about = json!({"entity_type": "invoice", "entity_id": "7", "actor_id": "dina"});
    reach(
        &sql,
        &[
            (
                "a group, in whatever branch",
                json!({"recipient_groups": ["stocktaking"]}),
                json!({"branch_id": "BGD"}),
                &["ali", "maya"],
            ),
            (
                "a group, in the event's branch since the rule says so",
                json!({"recipient_groups": ["stocktaking"], "recipient_branches": "event"}),
                json!({"branch_id": "BGD"}),
                &["ali"],
            ),
            (
                "the actor's manager, who isn't there any more",
                json!({"recipient_managers": ["actor"]}),
                about.clone(),
                &[],
            ),
            (
                "the manager of a person of the payload, and of one who has left",
                json!({"recipient_managers": ["payload.seller", "lines.seller"]}),
                json!({"payload": {"seller": "maya", "lines": [{"seller": "left"}, {"seller": "nobody"}]}}),
                &["boss", "maya"],
            ),
            (
                "managers of those told, one level up",
                json!({"recipient_roles": ["seller"], "recipient_managers": ["recipients"]}),
                json!({"branch_id": "BGD"}),
                &["ali", "maya"],
            ),
            (
                "no manager on the account of somebody left out",
                json!({"recipient_roles": ["seller"], "recipient_managers": ["recipients"], "exclude_users": ["ali"]}),
                json!({"branch_id": "BGD"}),
                &[],
            ),
            (
                "followers, but for the actor",
                json!({"recipient_followers": true, "exclude_actor": true}),
                about.clone(),
                &["boss"],
            ),
            (
                "followers of what the event isn't about",
                json!({"recipient_followers": true}),
                json!({"entity_type": "invoice", "entity_id": "8"}),
                &[],
            ),
            (
                "left out by name, however they are reached",
                json!({"recipient_users": ["maya", "ali"], "recipient_groups": ["stocktaking"], "recipient_followers": true,
                       "exclude_users": ["maya", "dina"]}),
                about,
                &["ali", "boss"],
            ),
        ],
    )
    .await;
    app.stop().await;
}

#[tokio::test]
async fn the_trace_and_the_reasons_know_every_way_of_being_reached() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(SHOP).await.unwrap();
    let app = App::start_with(&db, WHOLE, &[]).await;
    let fields =
        json!({"branch_id": "BGD", "actor_id": "ali", "entity_type": "invoice", "entity_id": "7"});
    let event = emit(&sql, "invoice.paid", &fields).await;
    drained(&sql).await;
    sql.batch_execute("select neurolink_follow('boss', 'invoice', '7')")
        .await
        .unwrap();
    let template = json!({"title": "t", "recipient_roles": ["seller"], "recipient_groups": ["stocktaking"], "recipient_followers": true,
        "recipient_managers": ["actor", "recipients"], "exclude_users": ["maya"], "exclude_actor": true});
    rule(&sql, "all", "invoice.paid", &template).await;

    let (status, trace) = app
        .call(
            "GET",
            &format!("/v1/events/{event}/trace"),
            "eye",
            &["auditor"],
            None,
        )
        .await;
    assert_eq!(status, 200, "{trace}");
    let chosen = &trace["rules"][0]["recipients"];
    assert_eq!(chosen["chosen_today"], 1, "{trace}");
    assert_eq!(chosen["items"][0]["user_id"], "boss");

    for (user, code, words) in [
        (
            "boss",
            "would_be_told",
            "tells whoever follows invoice 7, as boss does",
        ),
        ("maya", "excluded_by_rule", "leaves maya out by name"),
        (
            "ali",
            "excluded_as_actor",
            "leaves out who did it, and that was ali",
        ),
        (
            "dina",
            "other_branch",
            "tells seller of branch BGD, and dina is seller of branch BSR",
        ),
    ] {
        let path = format!("/v1/events/{event}/why?user={user}");
        let (_, why) = app.call("GET", &path, "eye", &["auditor"], None).await;
        assert_eq!(why["code"], code, "{why}");
        assert!(why["answer"].as_str().unwrap().contains(words), "{why}");
    }
    // Without the followers it is as dina's manager's manager that nobody is told, and as ali's that maya would be.
    for (template, user, words) in [
        (
            json!({"recipient_managers": ["actor"]}),
            "maya",
            "tells the manager of ali, who is maya",
        ),
        (
            json!({"recipient_users": ["dina", "maya"], "recipient_managers": ["recipients"]}),
            "boss",
            "tells the manager of maya, who is boss",
        ),
        (
            json!({"recipient_groups": ["stocktaking"]}),
            "maya",
            "tells the group stocktaking, which maya is in",
        ),
        (
            json!({"recipient_groups": ["stocktaking"], "recipient_branches": "event"}),
            "maya",
            "tells the group stocktaking of branch BGD, and maya is in it of branch BSR",
        ),
        (
            json!({"recipient_groups": ["stocktaking"], "recipient_followers": true, "recipient_managers": ["actor", "recipients"]}),
            "dina",
            "tells only the group stocktaking, whoever follows invoice 7, the manager of ali and their managers, and dina is not",
        ),
    ] {
        let mut template = template;
        template["title"] = "t".into();
        sql.execute(
            "update neurolink_notification_rules set notification_template = $1::text::jsonb",
            &[&template.to_string()],
        )
        .await
        .unwrap();
        let path = format!("/v1/events/{event}/why?user={user}");
        let (_, why) = app.call("GET", &path, "eye", &["auditor"], None).await;
        assert!(why["answer"].as_str().unwrap().contains(words), "{why}");
    }
    app.stop().await;
}
