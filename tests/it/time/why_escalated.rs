//! Why an escalation told somebody not, or not yet.

use super::escalate::{act, of};
use super::*;

/// What the API and the command say of somebody whom only an escalation is for.
async fn why(app: &App, event: i64, user: &str) -> (String, String) {
    let path = format!("/v1/events/{event}/why?user={user}");
    let (status, said) = app.call("GET", &path, "chief", &["auditor"], None).await;
    assert_eq!(status, 200, "{said}");
    let text = |key: &str| said[key].as_str().unwrap().to_owned();
    (text("code"), text("answer"))
}

#[tokio::test]
async fn whom_only_an_escalation_is_for_hears_when_or_what_ended_it() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "Out", "recipient_users": ["ali"], "escalate": [
        {"after": "1h"}, {"after": "1d", "recipient_managers": ["recipients"]}]});
    rule(&sql, "out", "stock.out", &template).await;
    let first = about(&sql, "stock.out", &json!({}), 0, "1").await;
    let second = about(&sql, "stock.out", &json!({}), 0, "2").await;
    drained(&sql).await;
    let (code, answer) = why(&app, first, "noor").await;
    assert_eq!(code, "escalation_waits");
    assert!(
        answer.starts_with("Not yet: rule out tells noor by step 2 of its escalation, unless somebody whom it told has read it by then; its step 1 is due on 20"),
        "{answer}"
    );
    fall_due(&sql).await;
    let (_, answer) = why(&app, first, "noor").await;
    assert!(
        answer.starts_with("Not yet: rule out tells noor on 20"),
        "{answer}"
    );
    let of_first =
        format!("select id from neurolink_notifications where event_id = {first} and step = 1");
    act(&app, "ali", number(&sql, &of_first).await, "read").await;
    fall_due(&sql).await;
    let (code, answer) = why(&app, first, "noor").await;
    assert_eq!(code, "escalation_ended");
    assert!(
        answer.starts_with("No: rule out would have told noor, too, by step 2 of its escalation, but ali had read it on 20"),
        "{answer}"
    );
    let (code, answer) = why(&app, second, "noor").await;
    assert_eq!(code, "told");
    assert!(
        answer.contains("by rule out (version 1), by step 2 of its escalation, on 20"),
        "{answer}"
    );
    // Somebody else has nothing to do with it.
    assert_eq!(why(&app, first, "zainab").await.0, "not_recipient");
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn a_step_whose_people_an_event_lacks_is_for_nobody() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "Out", "recipient_users": ["ali"], "escalate": [
        {"after": "1h", "recipient_fields": ["buyer"]}, {"after": "1h", "recipient_users": ["noor"]}]});
    rule(&sql, "out", "stock.out", &template).await;
    let event = fact(&sql, "stock.out", &json!({}), 0).await;
    drained(&sql).await;
    fall_due(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["Out"], "not told again");
    let (code, answer) = why(&app, event, "noor").await;
    assert_eq!(code, "escalation_waits", "{answer}");
    sql.batch_execute(
        "select neurolink_pause('escalation'); update neurolink_rule_states set due_at = now()",
    )
    .await
    .unwrap();
    let (code, answer) = why(&app, event, "noor").await;
    assert_eq!(code, "escalation_waits");
    assert!(
        answer.contains("; since 20") && answer.contains("all escalations are paused"),
        "{answer}"
    );
    sql.batch_execute("select neurolink_resume('escalation')")
        .await
        .unwrap();
    fall_due(&sql).await;
    assert_eq!(titles(&sql, "noor").await, ["Out"]);
    // It was for others: who came to be meant by it later isn't told that it waits, or that somebody ended it.
    let steps = json!({"title": "Out", "recipient_users": ["ali"], "escalate": [
        {"after": "1h", "recipient_fields": ["buyer"]}, {"after": "1h", "recipient_users": ["noor", "zainab"]}]});
    sql.execute(
        "update neurolink_notification_rules set notification_template = $1::text::jsonb",
        &[&steps.to_string()],
    )
    .await
    .unwrap();
    act(&app, "noor", of(&sql, "noor").await, "read").await;
    let (code, answer) = why(&app, event, "zainab").await;
    assert_eq!(code, "escalation_ended");
    assert!(
        answer.starts_with("No: rule out told others by step 2 of its escalation, on 20"),
        "{answer}"
    );
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn who_never_read_it_is_not_said_to_have_ended_it() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "Out", "recipient_users": ["ali"], "escalate": [{"after": "1h", "recipient_users": ["noor"]}]});
    rule(&sql, "out", "stock.out", &template).await;
    rule(
        &sql,
        "back",
        "stock.back",
        &json!({"title": "Back", "resolves": ["stock.out"]}),
    )
    .await;
    let event = fact(&sql, "stock.out", &json!({}), 5).await;
    let other = about(&sql, "stock.out", &json!({}), 5, "8").await;
    drained(&sql).await;
    sql.batch_execute("update neurolink_notification_rules set enabled = false where name = 'out'")
        .await
        .unwrap();
    let (code, answer) = why(&app, other, "noor").await;
    assert_eq!(code, "escalation_waits");
    assert!(
        answer.ends_with("; but the rule is switched off now, and tells nobody as long as it is."),
        "{answer}"
    );
    sql.batch_execute("update neurolink_notification_rules set enabled = true")
        .await
        .unwrap();
    fact(&sql, "stock.back", &json!({}), 0).await;
    drained(&sql).await;
    let (code, answer) = why(&app, event, "noor").await;
    assert_eq!(code, "escalation_ended");
    assert!(answer.contains("but it was resolved on 20"), "{answer}");
    app.stop().await;
}

#[tokio::test]
async fn a_step_that_came_to_nothing_says_what_of_it_did() {
    let (_db, app, sql) = started().await;
    let step = |title: &str| {
        json!({"title": "Out", "recipient_users": ["ali"], "on_missing": "fail",
        "escalate": [{"after": "1h", "recipient_users": ["noor"], "title": title}]})
    };
    rule(&sql, "off", "stock.out", &step("Help")).await;
    rule(&sql, "holed", "stock.low", &step("Help with {{what}}")).await;
    let off = about(&sql, "stock.out", &json!({}), 0, "1").await;
    let holed = about(&sql, "stock.low", &json!({}), 0, "2").await;
    drained(&sql).await;
    sql.batch_execute("update neurolink_notification_rules set enabled = false where name = 'off'")
        .await
        .unwrap();
    fall_due(&sql).await;
    assert!(titles(&sql, "noor").await.is_empty());
    let (code, answer) = why(&app, off, "noor").await;
    assert_eq!(code, "escalation_ended");
    assert!(
        answer.contains("but when a step of it was due the rule was switched off"),
        "{answer}"
    );
    let (code, answer) = why(&app, holed, "noor").await;
    assert_eq!(code, "render_failed");
    assert!(
        answer.contains("but its text could not be written: ") && answer.contains("what"),
        "{answer}"
    );
    quiet(&sql).await;
    app.stop().await;
}
