//! `delay`, and reminders of a date in the payload.

use super::*;

fn reminder() -> Value {
    json!({"title": "{{number}} is due", "recipient_roles": ["accountant"], "delay": {"before": "3d", "date": "due_date", "at": "09:00"}})
}

/// A day so many days from now.
async fn day(sql: &Client, ahead: i32) -> String {
    sql.query_one(
        "select to_char(now() + $1 * interval '1 day', 'YYYY-MM-DD')",
        &[&f64::from(ahead)],
    )
    .await
    .unwrap()
    .get(0)
}

#[tokio::test]
async fn what_is_delayed_is_told_when_it_falls_due_and_once() {
    let (_db, app, sql) = started().await;
    rule(
        &sql,
        "later",
        "order.created",
        &json!({"title": "Order", "recipient_roles": ["accountant"], "delay": "2h"}),
    )
    .await;
    let event = fact(&sql, "order.created", &json!({}), 0).await;
    drained(&sql).await;
    assert!(told(&sql).await.is_empty());
    assert_eq!(reasons(&sql, event).await, [("delayed".into(), 2)]);
    let wait = number(&sql, "select extract(epoch from due_at - now())::bigint / 60 from neurolink_rule_states where due_at is not null").await;
    assert!((118..=120).contains(&wait), "{wait}");
    fall_due(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["Order"]);
    assert_eq!(
        number(
            &sql,
            "select notifications::bigint from neurolink_event_outcomes order by event_id limit 1"
        )
        .await,
        2
    );
    // A second alarm for the same finds nothing to do.
    sql.batch_execute("insert into neurolink_jobs (kind, ref_id) values ('reminder', 1)")
        .await
        .unwrap();
    drained(&sql).await;
    assert_eq!(told(&sql).await.len(), 2);
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn what_occurred_longer_ago_than_its_delay_is_told_at_once() {
    let (_db, app, sql) = started().await;
    rule(
        &sql,
        "later",
        "order.created",
        &json!({"title": "Order", "recipient_roles": ["accountant"], "delay": "2h"}),
    )
    .await;
    fact(&sql, "order.created", &json!({}), 121).await;
    drained(&sql).await;
    assert_eq!(told(&sql).await.len(), 2);
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn a_reminder_is_moved_by_a_newer_event_of_its_entity_and_not_by_an_older_one() {
    let (_db, app, sql) = started().await;
    rule(&sql, "due", "invoice.*", &reminder()).await;
    let (first, moved, old) = (day(&sql, 10).await, day(&sql, 20).await, day(&sql, 5).await);
    let created = fact(
        &sql,
        "invoice.created",
        &json!({"number": "A", "due_date": first}),
        30,
    )
    .await;
    drained(&sql).await;
    assert_eq!(reasons(&sql, created).await, [("delayed".into(), 2)]);
    fact(
        &sql,
        "invoice.changed",
        &json!({"number": "B", "due_date": moved}),
        10,
    )
    .await;
    drained(&sql).await;
    let late = fact(
        &sql,
        "invoice.changed",
        &json!({"number": "C", "due_date": old}),
        20,
    )
    .await;
    drained(&sql).await;
    assert_eq!(reasons(&sql, late).await, [("superseded".into(), 2)]);
    let due: String = sql
        .query_one("select to_char(due_at at time zone 'Asia/Baghdad', 'YYYY-MM-DD HH24:MI') from neurolink_rule_states where due_at is not null", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(due, format!("{} 09:00", day(&sql, 17).await));
    // The first plan's alarm rings for nothing.
    assert_eq!(number(&sql, "select count(*) from neurolink_jobs").await, 2);
    sql.batch_execute("update neurolink_jobs set run_at = now(); notify neurolink_wake")
        .await
        .unwrap();
    drained(&sql).await;
    assert!(told(&sql).await.is_empty());
    sql.batch_execute("insert into neurolink_jobs (kind, ref_id) select 'reminder', alarm from neurolink_rule_states where alarm is not null").await.unwrap();
    fall_due(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["B is due"]);
    quiet(&sql).await;
    // The same date again says nothing new.
    let same = fact(
        &sql,
        "invoice.changed",
        &json!({"number": "B", "due_date": moved}),
        1,
    )
    .await;
    drained(&sql).await;
    assert_eq!(reasons(&sql, same).await, [("deduplicated".into(), 2)]);
    app.stop().await;
}

#[tokio::test]
async fn a_reminder_whose_moment_is_past_is_told_at_once_unless_the_date_is_past_too() {
    let (_db, app, sql) = started().await;
    rule(&sql, "due", "invoice.*", &reminder()).await;
    about(
        &sql,
        "invoice.created",
        &json!({"number": "soon", "due_date": day(&sql, 1).await}),
        0,
        "1",
    )
    .await;
    let over = about(
        &sql,
        "invoice.created",
        &json!({"number": "over", "due_date": day(&sql, -2).await}),
        0,
        "2",
    )
    .await;
    let none = about(&sql, "invoice.created", &json!({"number": "none"}), 0, "3").await;
    drained(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["soon is due"]);
    assert_eq!(reasons(&sql, over).await, [("too_late".into(), 2)]);
    assert_eq!(reasons(&sql, none).await, [("no_date".into(), 2)]);
    let again = about(
        &sql,
        "invoice.changed",
        &json!({"number": "soon", "due_date": day(&sql, 1).await}),
        -1,
        "1",
    )
    .await;
    drained(&sql).await;
    assert_eq!(
        reasons(&sql, again).await,
        [("deduplicated".into(), 2)],
        "the same date was reminded of"
    );
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn a_date_that_is_taken_away_takes_its_reminder_along() {
    let (_db, app, sql) = started().await;
    rule(&sql, "due", "invoice.*", &reminder()).await;
    fact(
        &sql,
        "invoice.created",
        &json!({"number": "A", "due_date": day(&sql, 10).await}),
        2,
    )
    .await;
    drained(&sql).await;
    fact(
        &sql,
        "invoice.changed",
        &json!({"number": "A", "due_date": null}),
        1,
    )
    .await;
    drained(&sql).await;
    fall_due(&sql).await;
    assert!(told(&sql).await.is_empty());
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn a_rule_that_is_gone_when_its_time_comes_tells_nobody_and_says_so() {
    let (_db, app, sql) = started().await;
    let id = rule(
        &sql,
        "later",
        "order.created",
        &json!({"title": "Order", "recipient_roles": ["accountant"], "delay": "2h"}),
    )
    .await;
    let event = fact(&sql, "order.created", &json!({}), 0).await;
    drained(&sql).await;
    sql.execute(
        "update neurolink_notification_rules set enabled = false where id = $1",
        &[&id],
    )
    .await
    .unwrap();
    fall_due(&sql).await;
    assert!(told(&sql).await.is_empty());
    assert_eq!(
        reasons(&sql, event).await,
        [("delayed".into(), 2), ("rule_off".into(), 0)]
    );
    quiet(&sql).await;
    app.stop().await;
}
