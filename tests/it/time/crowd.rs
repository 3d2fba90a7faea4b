//! Very many recipients: told in several short transactions, each once.

use super::*;

#[tokio::test]
async fn ten_thousand_holders_of_a_role_are_told_once_each_by_several_transactions() {
    let (_db, app, sql) = started().await;
    sql.batch_execute(
        "insert into neurolink_users (id, roles, branch_ids) select 'u' || n, '{crowd}', '{*}' from generate_series(1, 10000) as n;
         insert into neurolink_inboxes (user_id) select 'u' || n from generate_series(1, 10000) as n",
    )
    .await
    .unwrap();
    let template = json!({"title": "All", "recipient_roles": ["crowd"], "resolves": ["news.old"], "escalate": [{"after": "1h", "recipient_users": ["noor"]}]});
    rule(&sql, "all", "news.*", &template).await;
    let event = fact(&sql, "news.old", &json!({}), 1).await;
    drained(&sql).await;
    let of =
        |what: &str| format!("select {what} from neurolink_notifications where event_id = {event}");
    assert_eq!(number(&sql, &of("count(distinct user_id)")).await, 10_000);
    assert_eq!(number(&sql, &of("count(*)")).await, 10_000);
    // A transaction has one xmin and one now(): nobody's row says how many there were but these.
    assert!(number(&sql, &of("count(distinct created_at)")).await >= 5);
    assert_eq!(
        number(
            &sql,
            "select notifications::bigint from neurolink_event_outcomes order by event_id limit 1"
        )
        .await,
        10_000
    );
    // A replay finds all of them told.
    let (status, _) = app
        .call(
            "POST",
            &format!("/v1/events/{event}/replay"),
            "root",
            &["admin"],
            None,
        )
        .await;
    assert_eq!(status, 202);
    drained(&sql).await;
    assert_eq!(number(&sql, &of("count(*)")).await, 10_000);
    // And they are settled some at a time.
    fact(&sql, "news.good", &json!({}), 0).await;
    drained(&sql).await;
    assert_eq!(
        number(&sql, &of("count(*) filter (where resolved_at is not null)")).await,
        10_000
    );
    assert!(number(&sql, &of("count(distinct resolved_at)")).await >= 5);
    fall_due(&sql).await;
    assert_eq!(
        titles(&sql, "noor").await,
        ["All"],
        "the settled one isn't escalated"
    );
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn two_nodes_ring_each_alarm_once() {
    let (db, app, sql) = started().await;
    let other = App::start(&db).await;
    let template = json!({"title": "{{n}}", "recipient_roles": ["accountant"], "delay": "1h", "throttle": {"limit": 1000, "per": "1d"}});
    rule(&sql, "later", "order.created", &template).await;
    sql.batch_execute(
        "insert into neurolink_events (source_module, event_type, payload) select 'test', 'order.created', jsonb_build_object('n', n)
           from generate_series(1, 300) as n",
    )
    .await
    .unwrap();
    drained(&sql).await;
    assert!(told(&sql).await.is_empty());
    fall_due(&sql).await;
    assert_eq!(
        number(&sql, "select count(*) from neurolink_notifications").await,
        600
    );
    assert_eq!(
        number(
            &sql,
            "select count(distinct (event_id, user_id)) from neurolink_notifications"
        )
        .await,
        600
    );
    quiet(&sql).await;
    other.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn very_many_people_of_a_step_are_all_of_that_step() {
    let (_db, app, sql) = started().await;
    sql.batch_execute(
        "insert into neurolink_users (id, roles, branch_ids) select 'u' || n, '{crowd}', '{*}' from generate_series(1, 4500) as n;
         insert into neurolink_inboxes (user_id) select 'u' || n from generate_series(1, 4500) as n",
    )
    .await
    .unwrap();
    let template = json!({"title": "Out", "recipient_users": ["ali"],
        "escalate": [{"after": "1h", "recipient_roles": ["crowd"], "title": "Who can help?", "severity": "error"}]});
    rule(&sql, "out", "stock.out", &template).await;
    fact(&sql, "stock.out", &json!({}), 0).await;
    drained(&sql).await;
    fall_due(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["Out"], "told once");
    let of_step = "select count(distinct user_id) from neurolink_notifications where step = 1 and title = 'Who can help?' and severity = 'error'";
    assert_eq!(number(&sql, of_step).await, 4_500);
    assert_eq!(
        number(&sql, "select count(*) from neurolink_notifications").await,
        4_501
    );
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn very_many_managers_of_those_told_first_are_told_and_not_theirs() {
    let (_db, app, sql) = started().await;
    // 2 500 whom the rule tells, each with a manager, and one above all those.
    sql.batch_execute(
        "insert into neurolink_users (id, manager_id) select 'm' || n, 'top' from generate_series(1, 2500) as n;
         insert into neurolink_users (id) values ('top');
         insert into neurolink_users (id, roles, manager_id) select 'u' || n, '{crowd}', 'm' || n from generate_series(1, 2500) as n;
         insert into neurolink_inboxes (user_id) select id from neurolink_users",
    )
    .await
    .unwrap();
    let template = json!({"title": "Out", "recipient_roles": ["crowd"], "recipient_branches": "any",
        "escalate": [{"after": "1h", "recipient_managers": ["recipients"]}]});
    rule(&sql, "out", "stock.out", &template).await;
    fact(&sql, "stock.out", &json!({}), 0).await;
    drained(&sql).await;
    fall_due(&sql).await;
    let of_step = "select count(distinct user_id) from neurolink_notifications where step = 1 and user_id like 'm%'";
    assert_eq!(number(&sql, of_step).await, 2_500);
    assert!(
        titles(&sql, "top").await.is_empty(),
        "nobody's manager who was told first"
    );
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn of_very_many_who_are_not_told_yet_everybody_hears_why() {
    let (_db, app, sql) = started().await;
    sql.batch_execute(
        "insert into neurolink_users (id, roles, branch_ids) select 'u' || to_char(n, 'FM0000'), '{crowd}', '{*}' from generate_series(1, 600) as n;
         insert into neurolink_inboxes (user_id) select id from neurolink_users",
    )
    .await
    .unwrap();
    let template = |key: &str, value: Value| {
        let mut template = json!({"title": "T", "recipient_roles": ["crowd"]});
        template[key] = value;
        template
    };
    rule(&sql, "later", "a.later", &template("delay", json!("2h"))).await;
    rule(&sql, "same", "a.same", &template("dedupe_key", json!("x"))).await;
    rule(
        &sql,
        "gathers",
        "a.gathers",
        &template("digest", json!({"every": "1d"})),
    )
    .await;
    rule(&sql, "shadow", "a.shadow", &template("shadow", json!(true))).await;
    let first = fact(&sql, "a.same", &json!({}), 3).await;
    drained(&sql).await;
    let mut events = Vec::new();
    for of in ["later", "same", "gathers", "shadow"] {
        events.push(fact(&sql, &format!("a.{of}"), &json!({}), 1).await);
    }
    drained(&sql).await;
    let said = format!("event {first} had said the same");
    let expected = [
        ("delayed", "Not yet: rule later chose u0599"),
        ("deduplicated", said.as_str()),
        ("digested", "it is gathered for the digest that is told on"),
        ("shadow", "recorded, and never sent"),
    ];
    for (event, (code, words)) in events.into_iter().zip(expected) {
        // The first are named in the outcome, and the last aren't.
        for user in ["u0001", "u0599"] {
            let path = format!("/v1/events/{event}/why?user={user}");
            let (_, said) = app.call("GET", &path, "root", &["admin"], None).await;
            assert_eq!(said["code"], code, "{said}");
            let answer = said["answer"].as_str().unwrap();
            assert!(answer.contains(&words.replace("u0599", user)), "{answer}");
        }
        let by_sql = "select answer from neurolink_explain($1, 'u0599')";
        let answer: String = sql.query_one(by_sql, &[&event]).await.unwrap().get(0);
        assert!(
            answer.contains("More people than are named here were not told, or not yet, by: "),
            "{answer}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn who_waits_for_the_others_of_very_many_hears_so_and_all_have_the_same_time() {
    let (_db, app, sql) = started().await;
    sql.batch_execute(
        "insert into neurolink_users (id, roles, branch_ids) select 'u' || to_char(n, 'FM0000'), '{crowd}', '{*}' from generate_series(1, 2100) as n;
         insert into neurolink_inboxes (user_id) select id from neurolink_users;
         select neurolink_pause('fanout', reason => 'a look')",
    )
    .await
    .unwrap();
    let template = |before: &str| {
        json!({"title": "T", "recipient_roles": ["crowd"], "delay": {"before": before, "date": "due"}, "expires_after": "1h",
        "escalate": [{"after": "10m", "recipient_users": ["noor"]}]})
    };
    rule(&sql, "all", "a.b", &template("0s")).await;
    let day: String = sql
        .query_one("select (now() + interval '2 days')::date::text", &[])
        .await
        .unwrap()
        .get(0);
    let event = fact(&sql, "a.b", &json!({"due": day}), 30 * 1440).await;
    drained(&sql).await;
    // What was planned has its own moment, whatever the rule says by then.
    sql.execute(
        "update neurolink_notification_rules set notification_template = $1::text::jsonb",
        &[&template("20d").to_string()],
    )
    .await
    .unwrap();
    sql.batch_execute(
        "update neurolink_rule_states set due_at = now() where due_at is not null;
         update neurolink_jobs set run_at = now(); notify neurolink_wake",
    )
    .await
    .unwrap();
    crate::support::app::until(&sql, "select count(*) = 2000 from neurolink_notifications").await;
    let path = format!("/v1/events/{event}/why?user=u2050");
    let (_, said) = app.call("GET", &path, "root", &["admin"], None).await;
    assert_eq!(said["code"], "waiting", "{said}");
    let answer = said["answer"].as_str().unwrap();
    assert!(
        answer.contains("u2050 is among those who wait; since 20")
            && answer.contains("all fanouts are paused"),
        "{answer}"
    );
    // Its escalation is over before the rest is told, and doesn't begin again with it.
    for step in [
        "update neurolink_rule_states set due_at = now() where key like 'escalate:%'",
        "update neurolink_jobs set run_at = now(); notify neurolink_wake",
    ] {
        sql.batch_execute(step).await.unwrap();
    }
    crate::support::app::until(
        &sql,
        "select not exists (select from neurolink_rule_states where key like 'escalate:%')",
    )
    .await;
    assert_eq!(titles(&sql, "noor").await, ["T"]);
    sql.batch_execute("select neurolink_resume('fanout')")
        .await
        .unwrap();
    drained(&sql).await;
    let first = "select count(*) from neurolink_notifications where step = 0";
    assert_eq!(number(&sql, first).await, 2_100);
    quiet(&sql).await;
    app.stop().await;
}
