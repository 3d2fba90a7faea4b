//! What is kept of what was never told, of what moved while nobody was told, and of what is of no use any more.

use super::*;
use crate::support::app::WHOLE;

#[tokio::test]
async fn what_was_planned_and_never_told_keeps_nothing_alike_from_being_told() {
    let (_db, app, sql) = started().await;
    let template =
        json!({"title": "{{n}}", "recipient_users": ["ali"], "delay": "2h", "dedupe_key": "same"});
    rule(&sql, "later", "a.open", &template).await;
    rule(
        &sql,
        "paid",
        "a.paid",
        &json!({"title": "P", "resolves": ["a.open"]}),
    )
    .await;
    about(&sql, "a.open", &json!({"n": 1}), 9, "1").await;
    let second = about(&sql, "a.open", &json!({"n": 2}), 8, "2").await;
    let third = about(&sql, "a.open", &json!({"n": 3}), 7, "3").await;
    drained(&sql).await;
    about(&sql, "a.paid", &json!({}), 1, "1").await;
    drained(&sql).await;
    fall_due(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["2"], "the first was resolved");
    assert_eq!(reasons(&sql, second).await, [("delayed".into(), 1)]);
    let withheld = [("delayed".into(), 1), ("deduplicated".into(), 1)];
    assert_eq!(reasons(&sql, third).await, withheld);
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn what_the_storm_guard_held_back_is_neither_said_nor_counted() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "{{n}}", "recipient_users": ["ali"], "storm_limit": 2, "owner": "noor", "dedupe_key": "{{n}}",
        "throttle": {"limit": 4, "per": "366d"}});
    rule(&sql, "storm", "a.b", &template).await;
    sql.batch_execute("insert into neurolink_events (source_module, event_type, payload) select 'test', 'a.b', jsonb_build_object('n', n) from generate_series(1, 3) as n")
        .await
        .unwrap();
    drained(&sql).await;
    crate::support::app::until(&sql, "select exists (select from neurolink_rule_holds)").await;
    sql.batch_execute("select neurolink_release_rule(id) from neurolink_notification_rules")
        .await
        .unwrap();
    // The third again, and one more: two of four were told so far.
    fact(&sql, "a.b", &json!({"n": 3}), 0).await;
    fact(&sql, "a.b", &json!({"n": 4}), 0).await;
    drained(&sql).await;
    let mut said = titles(&sql, "ali").await;
    said.sort();
    assert_eq!(said, ["1", "2", "3", "4"]);
    app.stop().await;
}

#[tokio::test]
async fn a_date_that_moves_while_its_rule_is_held_moves_its_reminder() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "{{due}}", "recipient_users": ["ali"], "delay": {"before": "1d", "date": "due"}});
    let id = rule(&sql, "reminds", "a.b", &template).await;
    fact(&sql, "a.b", &json!({"due": "2100-01-03"}), 5).await;
    drained(&sql).await;
    sql.batch_execute(&format!(
        "select neurolink_hold_rule({id}, 1, 3, 99, 'admin')"
    ))
    .await
    .unwrap();
    fact(&sql, "a.b", &json!({"due": "2100-06-03"}), 4).await;
    about(&sql, "a.b", &json!({"due": "2100-02-03"}), 4, "8").await;
    drained(&sql).await;
    sql.batch_execute(&format!("select neurolink_release_rule({id})"))
        .await
        .unwrap();
    let due = "select string_agg((due_at at time zone 'Asia/Baghdad')::date::text, ' ' order by due_at) from neurolink_rule_states where due_at is not null";
    let due: String = sql.query_one(due, &[]).await.unwrap().get(0);
    assert_eq!(due, "2100-02-02 2100-06-02");
    fall_due(&sql).await;
    let mut said = titles(&sql, "ali").await;
    said.sort();
    assert_eq!(said, ["2100-02-03", "2100-06-03"]);
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn nobodys_own_digest_keeps_a_rule_from_escalating() {
    let (_db, app, sql) = started().await;
    let (status, body) = app
        .call(
            "PUT",
            "/v1/preferences",
            "ali",
            &[],
            Some(&json!({"channels": {}, "digest": {"general": {"every": "1d"}}})),
        )
        .await;
    assert_eq!(status, 200, "{body}");
    let template = json!({"title": "Out", "recipient_users": ["ali"], "escalate": [{"after": "1h", "recipient_users": ["noor"]}]});
    rule(&sql, "out", "stock.out", &template).await;
    fact(&sql, "stock.out", &json!({}), 0).await;
    drained(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["Out"], "at once");
    fall_due(&sql).await;
    assert_eq!(titles(&sql, "noor").await, ["Out"]);
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn a_digest_leaves_out_what_is_of_no_use_any_more_and_one_thing_keeps_its_mail() {
    let (db, app, sql) = started().await;
    app.stop().await;
    let mails = tempfile::tempdir().unwrap();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", mails.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
    ];
    let app = App::start_with(&db, WHOLE, &settings).await;
    let template = json!({"title": "{{n}}", "recipient_users": ["ali"], "channels": ["in_app", "email"], "expires_after": "1h",
        "email_subject": "Subject {{n}}", "digest": {"every": "1d"}});
    rule(&sql, "offers", "a.b", &template).await;
    let old = about(&sql, "a.b", &json!({"n": 1}), 30, "1").await;
    about(&sql, "a.b", &json!({"n": 2}), 20, "2").await;
    drained(&sql).await;
    // An hour has gone by for the first.
    sql.execute(
        "update neurolink_digest_items set expires_at = now() where event_id = $1",
        &[&old],
    )
    .await
    .unwrap();
    fall_due(&sql).await;
    assert_eq!(
        titles(&sql, "ali").await,
        ["2"],
        "one thing alone speaks for itself"
    );
    let row = "select extract(epoch from n.expires_at - now())::bigint / 60, coalesce(l.content::text, '')
                 from neurolink_delivery_log l join neurolink_notifications n on n.id = l.notification_id where l.channel = 'email'";
    let row = sql.query_one(row, &[]).await.unwrap();
    assert!((38..=40).contains(&row.get::<_, i64>(0)));
    let content: String = row.get(1);
    assert!(content.contains("Subject 2"), "{content}");
    let withdrawn = "select withdrawn from neurolink_digest_items where event_id = $1";
    let withdrawn = sql.query_one(withdrawn, &[&old]).await.unwrap();
    assert_eq!(withdrawn.get::<_, &str>(0), "expired");
    // All of it of no use: nobody is told, and nothing is left.
    let last = about(&sql, "a.b", &json!({"n": 3}), 1, "3").await;
    drained(&sql).await;
    sql.execute(
        "update neurolink_digest_items set expires_at = now() where event_id = $1",
        &[&last],
    )
    .await
    .unwrap();
    fall_due(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["2"]);
    let left = "select count(*) from neurolink_digest_items where notification_id is null and withdrawn is null";
    assert_eq!(number(&sql, left).await, 0);
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn what_waits_is_of_use_from_its_own_moment_whatever_its_rule_says_by_then() {
    let (_db, app, sql) = started().await;
    let template = |before: &str| json!({"title": "T", "recipient_users": ["ali"], "delay": {"before": before, "date": "due"}, "expires_after": "1h"});
    rule(&sql, "reminds", "a.b", &template("0s")).await;
    let day: String = sql
        .query_one("select (now() + interval '2 days')::date::text", &[])
        .await
        .unwrap()
        .get(0);
    fact(&sql, "a.b", &json!({"due": day}), 30 * 1440).await;
    drained(&sql).await;
    let shorter = template("20d").to_string();
    sql.execute(
        "update neurolink_notification_rules set notification_template = $1::text::jsonb",
        &[&shorter],
    )
    .await
    .unwrap();
    fall_due(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["T"]);
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn a_locked_inbox_keeps_nobody_elses_alarms_waiting() {
    let (db, app, sql) = started().await;
    let template = |who: &str| json!({"title": "{{n}}", "recipient_users": [who], "delay": "1h"});
    rule(&sql, "hers", "a.zainab", &template("zainab")).await;
    rule(&sql, "his", "a.ali", &template("ali")).await;
    sql.batch_execute(
        "insert into neurolink_inboxes (user_id) values ('ali'), ('zainab');
         insert into neurolink_events (source_module, event_type, payload)
         select 'test', t, jsonb_build_object('n', n) from generate_series(1, 20) as n, unnest('{a.zainab,a.ali}'::text[]) as t",
    )
    .await
    .unwrap();
    drained(&sql).await;
    let locker = db.client().await;
    locker
        .batch_execute("begin; select from neurolink_inboxes where user_id = 'zainab' for update")
        .await
        .unwrap();
    for step in [
        "update neurolink_rule_states set due_at = now() where due_at is not null",
        "update neurolink_jobs set run_at = now()",
        "notify neurolink_wake",
    ] {
        sql.batch_execute(step).await.unwrap();
    }
    let told = |who: &str| {
        format!("select count(*) = 20 from neurolink_notifications where user_id = '{who}'")
    };
    crate::support::app::until(&sql, &told("ali")).await;
    assert!(titles(&sql, "zainab").await.is_empty());
    locker.batch_execute("rollback").await.unwrap();
    sql.batch_execute("update neurolink_jobs set run_at = now(); notify neurolink_wake")
        .await
        .unwrap();
    crate::support::app::until(&sql, &told("zainab")).await;
    assert_eq!(
        number(&sql, "select count(*) from neurolink_dead_jobs").await,
        0
    );
    app.stop().await;
}

#[tokio::test]
async fn a_date_that_moves_is_reminded_of_anew_and_what_moves_to_now_is_asked_whether_it_is_new() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "{{n}}", "recipient_users": ["ali"], "delay": {"before": "1d", "date": "due"}, "dedupe_key": "{{k}}"});
    rule(&sql, "reminds", "a.b", &template).await;
    let due = async |days: i64| -> String {
        let day = "select (now() + $1 * interval '1 day')::date::text";
        sql.query_one(day, &[&(days as f64)]).await.unwrap().get(0)
    };
    let (soon, far) = (due(1).await, due(40).await);
    about(&sql, "a.b", &json!({"n": 1, "k": 1, "due": soon}), 9, "1").await;
    about(&sql, "a.b", &json!({"n": 2, "k": 2, "due": far}), 9, "2").await;
    drained(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["1"]);
    // The first's date moves; the second's key was said by another, and then its date is near, too.
    about(&sql, "a.b", &json!({"n": 3, "k": 1, "due": far}), 8, "1").await;
    about(&sql, "a.b", &json!({"n": 4, "k": 2, "due": soon}), 8, "3").await;
    drained(&sql).await;
    let near = about(&sql, "a.b", &json!({"n": 5, "k": 2, "due": soon}), 7, "2").await;
    drained(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["1", "4"]);
    assert_eq!(reasons(&sql, near).await, [("deduplicated".into(), 1)]);
    fall_due(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["1", "4", "3"]);
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn what_is_resolved_within_its_batch_says_nothing_and_is_not_counted() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "{{n}}", "recipient_users": ["ali"], "dedupe_key": "same",
        "throttle": {"limit": 1, "per": "366d", "key": "{{id}}"}});
    rule(&sql, "open", "a.open", &template).await;
    rule(
        &sql,
        "closed",
        "a.closed",
        &json!({"title": "C", "resolves": ["a.open"]}),
    )
    .await;
    sql.batch_execute(
        "insert into neurolink_events (source_module, event_type, payload, entity_type, entity_id, occurred_at) values
           ('test', 'a.open', '{\"n\": 1, \"id\": 1}', 'order', '1', now() - interval '9 minutes'),
           ('test', 'a.closed', '{}', 'order', '1', now() - interval '8 minutes')",
    )
    .await
    .unwrap();
    drained(&sql).await;
    assert!(titles(&sql, "ali").await.is_empty());
    about(&sql, "a.open", &json!({"n": 3, "id": 1}), 6, "3").await;
    drained(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["3"]);
    app.stop().await;
}

#[tokio::test]
async fn a_held_rules_digest_waits_for_its_release() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "{{n}}", "recipient_users": ["ali"], "digest": {"every": "1d"}});
    let id = rule(&sql, "gathers", "a.b", &template).await;
    fact(&sql, "a.b", &json!({"n": 1}), 1).await;
    drained(&sql).await;
    sql.batch_execute(&format!(
        "select neurolink_hold_rule({id}, 1, 3, 99, 'admin')"
    ))
    .await
    .unwrap();
    fall_due(&sql).await;
    assert!(titles(&sql, "ali").await.is_empty());
    sql.batch_execute(&format!("select neurolink_release_rule({id})"))
        .await
        .unwrap();
    fall_due(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["1"]);
    quiet(&sql).await;
    app.stop().await;
}
