//! `dedupe_key`, `throttle`, `expires_after`, `shadow`, and the storm guard.

use super::*;
use crate::support::app::{WHOLE, until};
use crate::support::http::token_of;

#[tokio::test]
async fn of_events_that_say_the_same_one_is_told_whatever_their_order() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "{{sku}} is low", "recipient_roles": ["accountant"], "dedupe_key": {"key": "{{sku}}", "within": "1h"}});
    rule(&sql, "low", "stock.low", &template).await;
    let first = fact(&sql, "stock.low", &json!({"sku": "rice"}), 30).await;
    drained(&sql).await;
    let later = fact(&sql, "stock.low", &json!({"sku": "rice"}), 10).await;
    let older = fact(&sql, "stock.low", &json!({"sku": "rice"}), 80).await;
    let other = fact(&sql, "stock.low", &json!({"sku": "tea"}), 10).await;
    let long_ago = fact(&sql, "stock.low", &json!({"sku": "rice"}), 91).await;
    drained(&sql).await;
    assert_eq!(
        titles(&sql, "ali").await,
        ["rice is low", "tea is low", "rice is low"]
    );
    for event in [later, older] {
        assert_eq!(reasons(&sql, event).await, [("deduplicated".into(), 2)]);
    }
    for event in [first, other, long_ago] {
        assert_eq!(reasons(&sql, event).await, []);
    }
    let by: i64 = number(&sql, "select (suppressed -> 0 ->> 'by')::bigint from neurolink_event_outcomes where suppressed is not null order by event_id limit 1").await;
    assert_eq!(by, first, "it names the event that said it");
    app.stop().await;
}

#[tokio::test]
async fn what_reaches_nobody_keeps_no_other_event_from_being_told() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "T", "recipient_fields": ["who"], "dedupe_key": "same"});
    rule(&sql, "low", "stock.low", &template).await;
    fact(&sql, "stock.low", &json!({"who": "nobody"}), 2).await;
    drained(&sql).await;
    fact(&sql, "stock.low", &json!({"who": "ali"}), 1).await;
    drained(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["T"]);
    app.stop().await;
}

#[tokio::test]
async fn a_throttle_tells_each_person_so_many_in_a_window_and_counts_the_rest() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "{{n}}", "recipient_fields": ["who"], "throttle": {"limit": 2, "per": "1d", "key": "{{sku}}"}});
    rule(&sql, "low", "stock.low", &template).await;
    // All within one window: noon of some day.
    for (n, who, sku) in [
        (1, "ali", "a"),
        (2, "ali", "a"),
        (3, "ali", "a"),
        (4, "ali", "b"),
        (5, "zainab", "a"),
        (6, "ali", "a"),
    ] {
        let payload = json!({"n": n, "who": who, "sku": sku}).to_string();
        sql.execute(
            "insert into neurolink_events (source_module, event_type, payload, occurred_at)
             values ('test', 'stock.low', $1::text::jsonb, '2026-03-05T12:00:00Z')",
            &[&payload],
        )
        .await
        .unwrap();
    }
    drained(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["1", "2", "4"]);
    assert_eq!(titles(&sql, "zainab").await, ["5"]);
    let held = "select count(*) from neurolink_event_outcomes where suppressed -> 0 ->> 'reason' = 'throttled' and suppressed -> 0 -> 'users' = '[\"ali\"]'";
    assert_eq!(number(&sql, held).await, 2);
    // The next window begins anew.
    sql.batch_execute(
        "insert into neurolink_events (source_module, event_type, payload, occurred_at)
         values ('test', 'stock.low', '{\"n\": 7, \"who\": \"ali\", \"sku\": \"a\"}', '2026-03-06T00:00:00Z')",
    )
    .await
    .unwrap();
    drained(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["1", "2", "4", "7"]);
    app.stop().await;
}

#[tokio::test]
async fn what_expires_is_told_with_that_moment_and_not_at_all_when_it_is_past() {
    let (_db, app, sql) = started().await;
    rule(
        &sql,
        "offer",
        "offer.made",
        &json!({"title": "Offer", "recipient_users": ["ali"], "expires_after": "1h"}),
    )
    .await;
    fact(&sql, "offer.made", &json!({}), 10).await;
    let stale = fact(&sql, "offer.made", &json!({}), 61).await;
    drained(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["Offer"]);
    let left = number(
        &sql,
        "select extract(epoch from expires_at - now())::bigint / 60 from neurolink_notifications",
    )
    .await;
    assert!((48..=50).contains(&left), "{left}");
    assert_eq!(reasons(&sql, stale).await, [("expired".into(), 1)]);
    app.stop().await;
}

#[tokio::test]
async fn a_shadow_rule_is_recorded_and_tells_nobody() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "T", "recipient_roles": ["accountant"], "shadow": true, "delay": "1h", "resolves": ["invoice.overdue"]});
    let id = rule(&sql, "try", "invoice.paid", &template).await;
    let event = fact(&sql, "invoice.paid", &json!({}), 0).await;
    drained(&sql).await;
    assert!(told(&sql).await.is_empty());
    assert_eq!(reasons(&sql, event).await, [("shadow".into(), 2)]);
    let row = sql
        .query_one(
            "select rule_id, event_id, recipients, users from neurolink_shadow_matches",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(
        (
            row.get::<_, i64>(0),
            row.get::<_, i64>(1),
            row.get::<_, i32>(2)
        ),
        (id, event, 2)
    );
    assert_eq!(row.get::<_, Vec<String>>(3), ["ali", "zainab"]);
    // Admins and auditors read them, of events that they see.
    for (branches, seen) in [(&["BGD"][..], 1), (&["BSR"], 0), (&["*"], 1)] {
        let eye = token_of("eye", &["auditor"], branches);
        let path = format!("{}/v1/rules/{id}/shadow", app.base);
        let answer = app.client.get(path).bearer_auth(eye).send().await.unwrap();
        let page: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(
            page["items"].as_array().unwrap().len(),
            seen,
            "{branches:?}"
        );
    }
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn a_rule_in_a_storm_is_held_its_owner_told_and_what_it_held_back_counted() {
    let (_db, app, sql) = started().await;
    let template =
        json!({"title": "T", "recipient_roles": ["accountant"], "storm_limit": 5, "owner": "noor"});
    let id = rule(&sql, "storm", "stock.low", &template).await;
    sql.batch_execute("insert into neurolink_events (source_module, event_type) select 'test', 'stock.low' from generate_series(1, 4)").await.unwrap();
    drained(&sql).await;
    until(&sql, "select exists (select from neurolink_rule_holds)").await;
    assert_eq!(
        titles(&sql, "ali").await.len() + titles(&sql, "zainab").await.len(),
        5
    );
    until(
        &sql,
        "select exists (select from neurolink_notifications where user_id = 'noor')",
    )
    .await;
    // Held: nobody is told, and it is counted.
    fact(&sql, "stock.low", &json!({}), 0).await;
    drained(&sql).await;
    assert_eq!(
        number(
            &sql,
            "select count(*) from neurolink_notifications where user_id <> 'noor'"
        )
        .await,
        5
    );
    assert!(number(&sql, "select held_count from neurolink_rule_holds").await >= 2);
    let (status, _) = app
        .call(
            "POST",
            &format!("/v1/rules/{id}/release"),
            "root",
            &["admin"],
            None,
        )
        .await;
    assert_eq!(status, 200);
    // What it told before within the minute doesn't hold it again.
    fact(&sql, "stock.low", &json!({}), 0).await;
    drained(&sql).await;
    assert_eq!(
        number(
            &sql,
            "select count(*) from neurolink_notifications where user_id <> 'noor'"
        )
        .await,
        7
    );
    app.stop().await;
}

#[tokio::test]
async fn a_nodes_limit_holds_rules_that_have_none_of_their_own() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    office(&sql).await;
    rule(
        &sql,
        "free",
        "order.created",
        &json!({"title": "T", "recipient_users": ["ali"], "storm_limit": 0}),
    )
    .await;
    rule(
        &sql,
        "bound",
        "stock.low",
        &json!({"title": "T", "recipient_users": ["zainab"]}),
    )
    .await;
    let app = App::start_with(&db, WHOLE, &[("NEUROLINK_STORM_LIMIT", "3")]).await;
    sql.batch_execute(
        "insert into neurolink_events (source_module, event_type)
         select 'test', t from generate_series(1, 6), unnest('{stock.low,order.created}'::text[]) as t",
    )
    .await
    .unwrap();
    drained(&sql).await;
    until(&sql, "select exists (select from neurolink_rule_holds)").await;
    assert_eq!(
        (
            titles(&sql, "ali").await.len(),
            titles(&sql, "zainab").await.len()
        ),
        (6, 3)
    );
    app.stop().await;
}

#[tokio::test]
async fn what_a_shadow_remembered_does_not_silence_the_rule_once_it_is_live() {
    let (_db, app, sql) = started().await;
    let template = |shadow: bool| json!({"title": "T", "recipient_users": ["ali"], "dedupe_key": "x", "throttle": {"limit": 1, "per": "366d"}, "shadow": shadow});
    let id = rule(&sql, "try", "a.b", &template(true)).await;
    fact(&sql, "a.b", &json!({}), 2).await;
    let again = fact(&sql, "a.b", &json!({}), 1).await;
    drained(&sql).await;
    assert_eq!(
        reasons(&sql, again).await,
        [("deduplicated".into(), 1)],
        "a shadow is calm, too"
    );
    let live = template(false).to_string();
    sql.execute("update neurolink_notification_rules set notification_template = $1::text::jsonb where id = $2", &[&live, &id]).await.unwrap();
    fact(&sql, "a.b", &json!({}), 0).await;
    drained(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["T"]);
    app.stop().await;
}
