//! What became of an event, as one tree.

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::{App, drained, event, people, rule};

async fn trace(app: &App, id: i64, query: &str) -> Value {
    let path = format!("/v1/events/{id}/trace{query}");
    let (status, body) = app.call("GET", &path, "eye", &["auditor"], None).await;
    assert_eq!(status, 200, "{body}");
    body
}

/// A rule for `a.*` on a condition.
async fn rule_if(sql: &Client, name: &str, condition: &Value, template: &Value) -> i64 {
    let (condition, template) = (condition.to_string(), template.to_string());
    sql.query_one(
        "insert into neurolink_notification_rules (name, event_type_pattern, conditions, notification_template)
         values ($1, 'a.*', $2::text::jsonb, $3::text::jsonb) returning id",
        &[&name, &condition, &template],
    )
    .await
    .unwrap()
    .get(0)
}

fn named<'a>(tree: &'a Value, name: &str) -> &'a Value {
    let rules = tree["rules"].as_array().unwrap();
    rules
        .iter()
        .find(|r| r["name"] == name)
        .unwrap_or_else(|| panic!("{name} is not in {tree}"))
}

#[tokio::test]
async fn each_rule_says_why_or_why_not_down_to_the_attempts() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let mails = tempfile::tempdir().unwrap();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", mails.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
    ];
    let template = json!({"title": "N {{n}}", "recipient_roles": ["accountant"], "channels": ["in_app", "email"]});
    rule(&sql, "yes", "a.*", &template).await;
    let both = json!({"and": [{"==": [{"var": "event.branch_id"}, "BGD"]}, {">": [{"var": "payload.n"}, 10]}]});
    rule_if(&sql, "no", &both, &template).await;
    rule(&sql, "off", "*", &template).await;
    rule(&sql, "faulty", "a.b", &json!({"title": "{{#if}}"})).await;
    rule(&sql, "other", "c.d", &template).await;
    sql.batch_execute("update neurolink_notification_rules set enabled = false where name = 'off'")
        .await
        .unwrap();
    let app = App::start_with(&db, crate::support::app::WHOLE, &settings).await;
    let id = event(&sql, "a.b", &json!({"n": 5})).await;
    drained(&sql).await;

    let tree = trace(&app, id, "").await;
    assert_eq!(
        (
            &tree["outcome"]["state"],
            &tree["judged_by"],
            &tree["rules_elsewhere"],
            &tree["rules_not_shown"]
        ),
        (
            &json!("matched"),
            &json!("today's rules"),
            &json!(1),
            &json!(0)
        )
    );
    assert_eq!(tree["rules"].as_array().unwrap().len(), 4);
    let no = named(&tree, "no");
    assert_eq!(
        (&no["verdict"], &no["failing"]["place"]),
        (&json!("false"), &json!("/conditions/and/1"))
    );
    assert_eq!(
        no["why"],
        "its condition is not true: payload.n > 10 is not true (payload.n is 5)"
    );
    assert_eq!(named(&tree, "off")["verdict"], "off");
    assert_eq!(named(&tree, "faulty")["verdict"], "faulty");
    let yes = named(&tree, "yes");
    assert_eq!(
        (
            &yes["verdict"],
            &yes["is_same_version"],
            &yes["recipients"]["chosen_today"],
            &yes["recipients"]["notified"]
        ),
        (&json!("true"), &json!(true), &json!(2), &json!(2))
    );
    let ali = &yes["recipients"]["items"][0];
    assert_eq!(
        (&ali["user_id"], &ali["is_chosen_today"]),
        (&json!("ali"), &json!(true))
    );
    let told = &ali["notifications"][0];
    assert_eq!(told["title"], "N 5");
    let ways: Vec<String> = told["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| {
            format!(
                "{} {} {}",
                d["channel"],
                d["status"],
                d["attempts"].as_array().unwrap().len()
            )
        })
        .collect();
    assert_eq!(ways, [r#""in_app" "delivered" 0"#, r#""email" "sent" 1"#]);
    assert_eq!(told["deliveries"][1]["attempts"][0]["outcome"], "accepted");
    app.stop().await;
}

#[tokio::test]
async fn rules_that_changed_or_went_since_are_said_to_have() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    for name in ["changed", "moved", "gone"] {
        rule(
            &sql,
            name,
            "a.b",
            &json!({"title": "T", "recipient_users": ["ali"]}),
        )
        .await;
    }
    let app = App::start(&db).await;
    let id = event(&sql, "a.b", &json!({})).await;
    drained(&sql).await;
    sql.batch_execute(
        r#"update neurolink_notification_rules set notification_template = '{"title": "T", "recipient_users": ["cfo"]}' where name = 'changed';
           update neurolink_notification_rules set event_type_pattern = 'c.d' where name = 'moved';
           delete from neurolink_notification_rules where name = 'gone'"#,
    )
    .await
    .unwrap();
    let tree = trace(&app, id, "").await;
    let changed = named(&tree, "changed");
    assert_eq!(
        (
            &changed["version"],
            &changed["told_by_versions"],
            &changed["is_same_version"]
        ),
        (&json!(2), &json!([1]), &json!(false))
    );
    let who: Vec<(&Value, &Value, usize)> = changed["recipients"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            (
                &r["user_id"],
                &r["is_chosen_today"],
                r["notifications"].as_array().unwrap().len(),
            )
        })
        .collect();
    assert_eq!(
        who,
        [
            (&json!("ali"), &json!(false), 1),
            (&json!("cfo"), &json!(true), 0)
        ]
    );
    assert_eq!(named(&tree, "moved")["verdict"], "elsewhere");
    let gone = named(&tree, "gone");
    assert_eq!(
        (&gone["verdict"], &gone["recipients"]["notified"]),
        (&json!("gone"), &json!(1))
    );
    app.stop().await;
}

#[tokio::test]
async fn a_tree_is_bounded_and_says_how_many_there_are() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute("insert into neurolink_users (id, roles) select 'u' || n, '{crowd}' from generate_series(100, 160) n")
        .await
        .unwrap();
    rule(
        &sql,
        "r",
        "*",
        &json!({"title": "T", "recipient_roles": ["crowd"]}),
    )
    .await;
    let app = App::start(&db).await;
    let id = event(&sql, "a.b", &json!({})).await;
    sql.batch_execute("update neurolink_users set branch_ids = '{*}'")
        .await
        .unwrap();
    drained(&sql).await;
    let again = event(&sql, "a.b", &json!({})).await;
    drained(&sql).await;
    for (query, shown) in [("", 20), ("?recipients=3", 3), ("?recipients=100", 61)] {
        let tree = trace(&app, again, query).await;
        let recipients = &named(&tree, "r")["recipients"];
        assert_eq!(
            (
                &recipients["notified"],
                &recipients["chosen_today"],
                recipients["items"].as_array().unwrap().len()
            ),
            (&json!(61), &json!(61), shown),
            "{query}"
        );
    }
    for query in [
        "?recipients=0",
        "?recipients=101",
        "?recipients=x",
        "?people=3",
    ] {
        let path = format!("/v1/events/{id}/trace{query}");
        assert_eq!(
            app.call("GET", &path, "eye", &["auditor"], None).await.0,
            400,
            "{query}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn an_event_that_waits_or_cant_be_read_has_its_tree_too() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    rule(
        &sql,
        "r",
        "*",
        &json!({"title": "T", "recipient_users": ["ali"]}),
    )
    .await;
    sql.batch_execute(
        "select neurolink_pause('event');
         insert into neurolink_events (source_module, event_type, payload)
         values ('test', 'a.b', jsonb_build_object('deep', (repeat('[', 400) || repeat(']', 400))::jsonb));
         update neurolink_jobs set channel = 'single', attempt = 2, last_error = 'too deep'",
    )
    .await
    .unwrap();
    let app = App::start(&db).await;
    let tree = trace(&app, 1, "").await;
    assert_eq!(tree["outcome"]["state"], "waiting");
    assert_eq!(
        (&tree["job"]["channel"], &tree["job"]["last_error"]),
        (&json!("single"), &json!("too deep"))
    );
    let r = named(&tree, "r");
    assert_eq!(r["verdict"], "broken");
    assert!(r["why"].as_str().unwrap().contains("can't be read"), "{r}");
    app.stop().await;
}

#[tokio::test]
async fn what_providers_said_is_shown_to_auditors_without_addresses() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let template = json!({"title": "T", "recipient_users": ["ali"], "channels": ["sms"]});
    rule(&sql, "r", "*", &template).await;
    let app = App::start(&db).await;
    let id = event(&sql, "a.b", &json!({})).await;
    drained(&sql).await;
    let said = "550 no +9647701234567, ask <ali@tsh.example>";
    sql.batch_execute(&format!(
        "update neurolink_delivery_log set status = 'dead', address = '+9647701234567', last_error = '{said}';
         insert into neurolink_delivery_attempts (delivery_id, attempt, worker, started_at, outcome, error)
         select id, 1, gen_random_uuid(), now(), 'permanent', '{said}' from neurolink_delivery_log"
    ))
    .await
    .unwrap();
    let masked = "550 no ***567, ask <a***@tsh.example>";
    for (role, said) in [("admin", said), ("auditor", masked)] {
        let ask = async |path: String| app.call("GET", &path, "eye", &[role], None).await.1;
        let tree = ask(format!("/v1/events/{id}/trace")).await;
        let told = &named(&tree, "r")["recipients"]["items"][0]["notifications"][0];
        let delivery = &told["deliveries"][0];
        assert_eq!(
            (&delivery["reason"], &delivery["attempts"][0]["error"]),
            (&json!(said), &json!(said)),
            "{role}"
        );
        let why = ask(format!("/v1/events/{id}/why?user=ali")).await;
        assert_eq!(
            why["facts"]["told"][0]["deliveries"][0]["reason"], said,
            "{role}"
        );
        let answer = why["answer"].as_str().unwrap();
        assert!(answer.contains(said), "{role}: {answer}");
    }
    app.stop().await;
}
