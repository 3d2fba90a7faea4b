//! `digest`, by the rule's schedule and by a person's own.

use super::*;

fn gathered() -> Value {
    json!({"title": "Order {{n}}", "recipient_roles": ["accountant"], "category": "orders", "channels": ["in_app", "email"],
        "digest": {"every": "1d", "at": "08:00"}})
}

async fn order(sql: &Client, n: i32) -> i64 {
    about(
        sql,
        "order.created",
        &json!({"n": n}),
        i64::from(10 - n),
        &n.to_string(),
    )
    .await
}

#[tokio::test]
async fn what_is_gathered_is_told_as_one_that_lists_it() {
    let (_db, app, sql) = started().await;
    rule(&sql, "orders", "order.created", &gathered()).await;
    let first = order(&sql, 1).await;
    drained(&sql).await;
    order(&sql, 2).await;
    order(&sql, 3).await;
    drained(&sql).await;
    assert!(told(&sql).await.is_empty());
    assert_eq!(reasons(&sql, first).await, [("digested".into(), 2)]);
    fall_due(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["3 notifications: orders"]);
    let body: String = sql
        .query_one(
            "select body from neurolink_notifications where user_id = 'ali'",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(body, "• Order 1\n• Order 2\n• Order 3");
    let by = "select count(*) from neurolink_digest_items i join neurolink_notifications n on n.id = i.notification_id and n.user_id = i.user_id";
    assert_eq!(number(&sql, by).await, 6);
    // The next day begins a new one; a thing alone is told as itself.
    order(&sql, 4).await;
    drained(&sql).await;
    fall_due(&sql).await;
    assert_eq!(
        titles(&sql, "ali").await,
        ["3 notifications: orders", "Order 4"]
    );
    assert_eq!(
        number(
            &sql,
            "select count(*) from neurolink_delivery_log where channel = 'email'"
        )
        .await,
        4
    );
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn a_person_gathers_what_they_wish_and_whoever_wishes_none_gets_each() {
    let (_db, app, sql) = started().await;
    rule(&sql, "orders", "order.created", &gathered()).await;
    rule(
        &sql,
        "stock",
        "stock.low",
        &json!({"title": "Low", "recipient_roles": ["accountant"], "category": "stock"}),
    )
    .await;
    rule(&sql, "fire", "fire.alarm", &json!({"title": "Fire", "recipient_roles": ["accountant"], "category": "stock", "mandatory": true})).await;
    for (user, body) in [
        (
            "ali",
            json!({"channels": {}, "digest": {"*": {"every": "1h"}}}),
        ),
        (
            "zainab",
            json!({"channels": {}, "digest": {"orders": "off"}}),
        ),
    ] {
        let (status, answer) = app
            .call("PUT", "/v1/preferences", user, &[], Some(&body))
            .await;
        assert_eq!(status, 200, "{answer}");
    }
    order(&sql, 1).await;
    fact(&sql, "stock.low", &json!({}), 3).await;
    fact(&sql, "stock.low", &json!({}), 2).await;
    fact(&sql, "fire.alarm", &json!({}), 1).await;
    drained(&sql).await;
    let mut zainab = titles(&sql, "zainab").await;
    zainab.sort();
    assert_eq!(zainab, ["Fire", "Low", "Low", "Order 1"]);
    assert_eq!(
        titles(&sql, "ali").await,
        ["Fire"],
        "what is mandatory doesn't wait"
    );
    fall_due(&sql).await;
    let mut ali = titles(&sql, "ali").await;
    ali.sort();
    assert_eq!(ali, ["2 notifications: stock", "Fire", "Order 1"]);
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn a_digests_own_texts_are_in_the_readers_language_and_what_is_resolved_isnt_listed() {
    let (_db, app, sql) = started().await;
    let mut template = gathered();
    template["digest"]["title"] = json!({"en": "{{count}} orders", "ar": "{{count}} طلبات"});
    template["digest"]["body"] = json!("{{#each items}}{{title}};{{/each}}");
    rule(&sql, "orders", "order.created", &template).await;
    rule(
        &sql,
        "gone",
        "order.cancelled",
        &json!({"title": "-", "resolves": ["order.created"]}),
    )
    .await;
    sql.batch_execute("update neurolink_users set locale = 'ar-IQ' where id = 'ali'")
        .await
        .unwrap();
    for n in 1..=3 {
        order(&sql, n).await;
    }
    drained(&sql).await;
    about(&sql, "order.cancelled", &json!({}), 0, "2").await;
    drained(&sql).await;
    fall_due(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["2 طلبات"]);
    let body: String = sql
        .query_one(
            "select body from neurolink_notifications where user_id = 'zainab'",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(body, "Order 1;Order 3;");
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn who_is_not_active_when_it_falls_due_is_told_nothing() {
    let (_db, app, sql) = started().await;
    rule(&sql, "orders", "order.created", &gathered()).await;
    order(&sql, 1).await;
    drained(&sql).await;
    sql.batch_execute("update neurolink_users set is_active = false where id = 'ali'")
        .await
        .unwrap();
    fall_due(&sql).await;
    assert_eq!(
        told(&sql).await,
        [("zainab".to_owned(), "Order 1".to_owned())]
    );
    assert_eq!(
        number(
            &sql,
            "select count(*) from neurolink_digest_items where withdrawn = 'inactive'"
        )
        .await,
        1
    );
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn a_replay_does_not_tell_again_what_a_digest_tells() {
    let (_db, app, sql) = started().await;
    let id = rule(&sql, "orders", "order.created", &gathered()).await;
    let event = order(&sql, 1).await;
    drained(&sql).await;
    let at_once = json!({"title": "Order {{n}}", "recipient_roles": ["accountant"]}).to_string();
    sql.execute("update neurolink_notification_rules set notification_template = $1::text::jsonb where id = $2", &[&at_once, &id]).await.unwrap();
    for _ in 0..2 {
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
        fall_due(&sql).await;
    }
    assert_eq!(titles(&sql, "ali").await, ["Order 1"]);
    quiet(&sql).await;
    app.stop().await;
}
