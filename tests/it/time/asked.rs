//! Why, with every reason that memory and time can have: by SQL and by the API, which agree.

use super::*;

/// The code and the answer, the same by SQL and API.
async fn why(app: &App, sql: &Client, event: i64, user: &str) -> (String, String) {
    let row = sql
        .query_one(
            "select code, answer, is_complete from neurolink_explain($1, $2)",
            &[&event, &user],
        )
        .await
        .unwrap();
    let by_sql: (String, String) = (row.get(0), row.get(1));
    assert!(row.get::<_, bool>(2), "{by_sql:?}");
    let answer = app
        .call(
            "GET",
            &format!("/v1/events/{event}/why?user={user}"),
            "root",
            &["admin"],
            None,
        )
        .await
        .1;
    assert_eq!(
        (
            answer["code"].as_str().unwrap(),
            answer["answer"].as_str().unwrap()
        ),
        (by_sql.0.as_str(), by_sql.1.as_str())
    );
    by_sql
}

#[track_caller]
fn says(found: &(String, String), code: &str, words: &str) {
    assert_eq!(found.0, code, "{}", found.1);
    assert!(found.1.contains(words), "{} lacks {words}", found.1);
}

#[tokio::test]
async fn every_reason_of_time_and_memory_is_told_in_a_sentence() {
    let (_db, app, sql) = started().await;
    let with = |key: &str, value: Value| {
        let mut template = json!({"title": "T", "recipient_users": ["ali"]});
        template[key] = value;
        template
    };
    for (name, pattern, template) in [
        ("delays", "a.delay", with("delay", json!("2h"))),
        (
            "gathers",
            "a.digest",
            with("digest", json!({"every": "1d"})),
        ),
        (
            "throttles",
            "a.throttle",
            with("throttle", json!({"limit": 1, "per": "366d"})),
        ),
        ("dedupes", "a.dedupe", with("dedupe_key", json!("x"))),
        (
            "reminds",
            "a.remind",
            with("delay", json!({"before": "1d", "date": "due"})),
        ),
        ("expires", "a.expire", with("expires_after", json!("1m"))),
        ("shadows", "a.shadow", with("shadow", json!(true))),
        ("told", "a.open", with("category", json!("x"))),
        ("settles", "a.paid", with("resolves", json!(["a.open"]))),
    ] {
        rule(&sql, name, pattern, &template).await;
    }
    let first = fact(&sql, "a.dedupe", &json!({}), 3).await;
    fact(&sql, "a.throttle", &json!({}), 3).await;
    let paid = fact(&sql, "a.paid", &json!({}), 1).await;
    drained(&sql).await;
    let delayed = fact(&sql, "a.delay", &json!({}), 0).await;
    let gathered = fact(&sql, "a.digest", &json!({}), 0).await;
    let throttled = fact(&sql, "a.throttle", &json!({}), 2).await;
    let deduplicated = fact(&sql, "a.dedupe", &json!({}), 2).await;
    let undated = fact(&sql, "a.remind", &json!({}), 3).await;
    let late = fact(&sql, "a.remind", &json!({"due": "2020-01-01"}), 2).await;
    let expired = fact(&sql, "a.expire", &json!({}), 2).await;
    let shadow = fact(&sql, "a.shadow", &json!({}), 2).await;
    let settled = fact(&sql, "a.open", &json!({}), 2).await;
    drained(&sql).await;
    let older = fact(&sql, "a.remind", &json!({"due": "2100-01-01"}), 30).await;
    drained(&sql).await;
    for event in [delayed, deduplicated, settled] {
        app.call(
            "GET",
            &format!("/v1/events/{event}"),
            "root",
            &["admin"],
            None,
        )
        .await;
    }
    says(
        &why(&app, &sql, delayed, "ali").await,
        "delayed",
        "Not yet: rule delays chose ali",
    );
    says(
        &why(&app, &sql, gathered, "ali").await,
        "digested",
        "is gathered for the digest that is told on",
    );
    says(
        &why(&app, &sql, throttled, "ali").await,
        "throttled",
        "as much as its throttle allows",
    );
    says(
        &why(&app, &sql, deduplicated, "ali").await,
        "deduplicated",
        &format!("event {first} had said the same"),
    );
    says(
        &why(&app, &sql, undated, "ali").await,
        "no_date",
        "has none",
    );
    says(&why(&app, &sql, late, "ali").await, "too_late", "was past");
    says(
        &why(&app, &sql, older, "ali").await,
        "superseded",
        &format!("the newer event {late}"),
    );
    says(&why(&app, &sql, expired, "ali").await, "expired", "too old");
    says(
        &why(&app, &sql, shadow, "ali").await,
        "shadow",
        "never sent",
    );
    says(
        &why(&app, &sql, settled, "ali").await,
        "resolved",
        &format!("event {paid} had resolved it"),
    );
    fall_due(&sql).await;
    says(
        &why(&app, &sql, gathered, "ali").await,
        "told",
        "rule gathers in a digest",
    );
    says(
        &why(&app, &sql, delayed, "ali").await,
        "told",
        "rule delays",
    );
    app.stop().await;
}

#[tokio::test]
async fn what_is_planned_is_known_under_the_rules_new_name_and_so_is_a_pause() {
    let (_db, app, sql) = started().await;
    let delay =
        json!({"title": "T", "recipient_users": ["ali"], "delay": {"before": "1d", "date": "due"}});
    rule(&sql, "reminds", "a.remind", &delay).await;
    let due = "2100-01-03T00:00:00Z";
    let event = fact(&sql, "a.remind", &json!({"due": due}), 0).await;
    drained(&sql).await;
    sql.batch_execute("update neurolink_notification_rules set name = 'minds'")
        .await
        .unwrap();
    let found = why(&app, &sql, event, "ali").await;
    says(
        &found,
        "delayed",
        "tells them on 2100-01-02 00:00 UTC, unless a newer event changes that.",
    );
    sql.batch_execute("select neurolink_pause('reminder', reason => 'year end')")
        .await
        .unwrap();
    assert_eq!(why(&app, &sql, event, "ali").await, found, "not due yet");
    sql.batch_execute("update neurolink_rule_states set due_at = now() where due_at is not null")
        .await
        .unwrap();
    let found = why(&app, &sql, event, "ali").await;
    says(&found, "delayed", "; since 20");
    says(&found, "delayed", " all reminders are paused, by ");
    says(&found, "delayed", " (year end).");
    app.stop().await;
}

#[tokio::test]
async fn what_became_of_what_was_put_off_is_known_whatever_became_of_its_rule() {
    let (_db, app, sql) = started().await;
    let delay = |who: &str| json!({"title": "T", "recipient_users": [who], "delay": "2h"});
    rule(&sql, "renamed", "a.renamed", &delay("ali")).await;
    rule(&sql, "deleted", "a.deleted", &delay("ali")).await;
    rule(&sql, "off", "a.off", &delay("ali")).await;
    rule(
        &sql,
        "paid",
        "a.paid",
        &json!({"title": "Paid", "recipient_users": ["noor"], "resolves": ["a.open"]}),
    )
    .await;
    rule(&sql, "open", "a.open", &delay("ali")).await;
    rule(&sql, "left", "a.left", &delay("zainab")).await;
    let reminds =
        json!({"title": "T", "recipient_users": ["ali"], "delay": {"before": "1d", "date": "due"}});
    rule(&sql, "reminds", "a.remind", &reminds).await;
    let mut events = Vec::new();
    for of in ["renamed", "deleted", "off", "open", "left"] {
        events.push(about(&sql, &format!("a.{of}"), &json!({}), 5, of).await);
    }
    let [renamed, deleted, off, open, left] = events[..] else {
        panic!("{events:?}")
    };
    let moved = fact(&sql, "a.remind", &json!({"due": "2100-01-03"}), 5).await;
    drained(&sql).await;
    let newer = fact(&sql, "a.remind", &json!({"due": "2100-01-04"}), 4).await;
    let paid = about(&sql, "a.paid", &json!({}), 1, "open").await;
    drained(&sql).await;
    sql.batch_execute(
        "update neurolink_notification_rules set name = 'other' where name = 'renamed';
         update neurolink_notification_rules set enabled = false where name = 'off';
         delete from neurolink_notification_rules where name = 'deleted';
         update neurolink_users set is_active = false where id = 'zainab'",
    )
    .await
    .unwrap();
    let asked = async |event, user| why(&app, &sql, event, user).await;
    says(
        &asked(off, "ali").await,
        "delayed",
        "; but the rule is switched off now",
    );
    says(
        &asked(deleted, "ali").await,
        "rule_off",
        "but it was deleted before that.",
    );
    says(
        &asked(open, "ali").await,
        "resolved",
        &format!("but event {paid} has resolved it."),
    );
    let taken = format!("but the newer event {newer} of the same entity has taken its place.");
    says(&asked(moved, "ali").await, "superseded", &taken);
    fall_due(&sql).await;
    let told = asked(renamed, "ali").await;
    says(&told, "told", "by rule other (version 2)");
    assert!(!told.1.contains("Besides"), "{}", told.1);
    says(
        &asked(off, "ali").await,
        "rule_off",
        "by then it was switched off, faulty or deleted.",
    );
    says(
        &asked(open, "ali").await,
        "resolved",
        &format!("event {paid} had resolved it"),
    );
    says(
        &asked(left, "zainab").await,
        "delayed",
        "but they were not active by then.",
    );
    app.stop().await;
}
