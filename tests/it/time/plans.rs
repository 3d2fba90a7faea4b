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
    // Hastened by hand, its job finds that it isn't due, and waits again.
    sql.batch_execute("update neurolink_jobs set run_at = now()")
        .await
        .unwrap();
    sql.batch_execute("notify neurolink_wake").await.unwrap();
    drained(&sql).await;
    assert!(told(&sql).await.is_empty());
    let waits = "select count(*) from neurolink_jobs where run_at > now() + interval '1 hour'";
    assert_eq!(number(&sql, waits).await, 1);
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
    let why = "select answer from neurolink_explain($1, 'ali')";
    let why: String = sql.query_one(why, &[&event]).await.unwrap().get(0);
    assert!(
        why.starts_with("No: rule later was to tell ali of event")
            && why.ends_with("but by then it was switched off, faulty or deleted."),
        "{why}"
    );
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn an_alarm_that_lost_its_job_rings_again_and_what_has_expired_is_forgotten() {
    let (db, app, sql) = started().await;
    rule(
        &sql,
        "later",
        "order.created",
        &json!({"title": "Order", "recipient_roles": ["accountant"], "delay": "2h"}),
    )
    .await;
    fact(&sql, "order.created", &json!({}), 0).await;
    drained(&sql).await;
    sql.batch_execute(
        "delete from neurolink_jobs;
         update neurolink_rule_states set due_at = now() - interval '2 minutes';
         insert into neurolink_rule_states (rule_id, key, expires_at) values (1, 'throttle:x:', now() - interval '1 second')",
    )
    .await
    .unwrap();
    let swept = neurolink::rules::memory::sweep::sweep(&db.db())
        .await
        .unwrap();
    assert_eq!(swept, (1, 1));
    drained(&sql).await;
    assert_eq!(told(&sql).await.len(), 2);
    assert_eq!(
        neurolink::rules::memory::sweep::sweep(&db.db())
            .await
            .unwrap(),
        (0, 0)
    );
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn what_cant_be_acted_on_dies_after_its_attempts_and_can_be_retried_or_discarded() {
    let (db, app, sql) = started().await;
    rule(
        &sql,
        "later",
        "order.created",
        &json!({"title": "Order", "recipient_roles": ["accountant"], "delay": "2h"}),
    )
    .await;
    fact(&sql, "order.created", &json!({}), 0).await;
    drained(&sql).await;
    // Every insert of a notification fails: no fault of the alarm's, but nothing else can be done with it.
    sql.batch_execute(
        "alter table neurolink_notifications add constraint broken check (false) not valid",
    )
    .await
    .unwrap();
    sql.batch_execute("update neurolink_jobs set max_attempts = 2")
        .await
        .unwrap();
    sql.batch_execute("update neurolink_rule_states set due_at = now()")
        .await
        .unwrap();
    sql.batch_execute("update neurolink_jobs set run_at = now()")
        .await
        .unwrap();
    sql.batch_execute("notify neurolink_wake").await.unwrap();
    crate::support::app::until(&sql, "select exists (select from neurolink_dead_jobs where kind = 'reminder' and last_error is not null)").await;
    assert_eq!(
        neurolink::rules::memory::sweep::sweep(&db.db())
            .await
            .unwrap()
            .0,
        0,
        "what died doesn't ring by itself"
    );
    sql.batch_execute("alter table neurolink_notifications drop constraint broken")
        .await
        .unwrap();
    let id = number(&sql, "select id from neurolink_dead_jobs").await;
    sql.query("select neurolink_retry('job', $1)", &[&id])
        .await
        .unwrap();
    drained(&sql).await;
    assert_eq!(told(&sql).await.len(), 2);
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn a_deleted_event_takes_what_was_gathered_of_it_along_and_its_alarms_end() {
    let (_db, app, sql) = started().await;
    let digest = json!({"title": "Order {{n}}", "recipient_roles": ["accountant"], "digest": {"every": "1d"}});
    rule(&sql, "orders", "order.created", &digest).await;
    rule(
        &sql,
        "later",
        "order.created",
        &json!({"title": "Later", "recipient_roles": ["accountant"], "delay": "2h"}),
    )
    .await;
    let gone = fact(&sql, "order.created", &json!({"n": 1}), 0).await;
    about(&sql, "order.created", &json!({"n": 2}), 0, "8").await;
    drained(&sql).await;
    let (status, _) = app
        .call(
            "DELETE",
            &format!("/v1/events/{gone}"),
            "root",
            &["admin"],
            None,
        )
        .await;
    assert_eq!(status, 200);
    fall_due(&sql).await;
    let mut ali = titles(&sql, "ali").await;
    ali.sort();
    assert_eq!(ali, ["Later", "Order 2"]);
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn a_dedupe_key_does_not_stop_a_reminder_from_moving() {
    let (_db, app, sql) = started().await;
    let mut template = reminder();
    template["dedupe_key"] = json!("{{number}}");
    rule(&sql, "due", "invoice.*", &template).await;
    let (first, moved) = (day(&sql, 10).await, day(&sql, 20).await);
    // Without a date it says nothing.
    fact(&sql, "invoice.created", &json!({"number": "A"}), 30).await;
    drained(&sql).await;
    fact(
        &sql,
        "invoice.changed",
        &json!({"number": "A", "due_date": first}),
        20,
    )
    .await;
    drained(&sql).await;
    fact(
        &sql,
        "invoice.changed",
        &json!({"number": "A", "due_date": moved}),
        10,
    )
    .await;
    drained(&sql).await;
    let due: String = sql
        .query_one("select to_char(due_at at time zone 'Asia/Baghdad', 'YYYY-MM-DD') from neurolink_rule_states where due_at is not null", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(due, day(&sql, 17).await);
    app.stop().await;
}
