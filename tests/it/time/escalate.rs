//! `escalate`: unread, and so told to others.

use super::*;

fn steps() -> Value {
    json!({"title": "Overdue", "recipient_roles": ["accountant"], "escalate": [
        {"after": "2h"},
        {"after": "1d", "recipient_managers": ["recipients"]},
        {"after": "1d", "unless": "acknowledged", "recipient_roles": ["cfo"], "recipient_branches": "any"}]})
}

pub(super) async fn act(app: &App, who: &str, id: i64, change: &str) {
    let (status, body) = app
        .call(
            "PATCH",
            &format!("/v1/notifications/{id}/{change}"),
            who,
            &[],
            None,
        )
        .await;
    assert_eq!(status, 200, "{body}");
}

pub(super) async fn of(sql: &Client, user: &str) -> i64 {
    number(
        sql,
        &format!("select max(id) from neurolink_notifications where user_id = '{user}'"),
    )
    .await
}

#[tokio::test]
async fn unread_it_is_told_again_then_to_the_managers_then_to_whom_the_rule_names() {
    let (_db, app, sql) = started().await;
    rule(&sql, "overdue", "invoice.overdue", &steps()).await;
    let event = fact(&sql, "invoice.overdue", &json!({}), 0).await;
    drained(&sql).await;
    assert_eq!(told(&sql).await.len(), 2);
    fall_due(&sql).await;
    assert_eq!(
        (
            titles(&sql, "ali").await.len(),
            titles(&sql, "zainab").await.len()
        ),
        (2, 2)
    );
    fall_due(&sql).await;
    assert_eq!(
        titles(&sql, "noor").await,
        ["Overdue"],
        "two of hers, told once"
    );
    // Read is not acknowledged.
    act(&app, "noor", of(&sql, "noor").await, "read").await;
    fall_due(&sql).await;
    assert_eq!(titles(&sql, "noor").await.len(), 2);
    let steps: String = sql
        .query_one("select string_agg(user_id || step, ' ' order by step, user_id) from neurolink_notifications where event_id = $1", &[&event])
        .await
        .unwrap()
        .get(0);
    assert_eq!(steps, "ali0 zainab0 ali1 zainab1 noor2 noor3");
    assert_eq!(
        number(
            &sql,
            "select notifications::bigint from neurolink_event_outcomes order by event_id limit 1"
        )
        .await,
        6
    );
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn somebody_who_reads_it_ends_it() {
    let (_db, app, sql) = started().await;
    rule(&sql, "overdue", "invoice.overdue", &steps()).await;
    fact(&sql, "invoice.overdue", &json!({}), 0).await;
    drained(&sql).await;
    act(&app, "zainab", of(&sql, "zainab").await, "read").await;
    fall_due(&sql).await;
    assert_eq!(told(&sql).await.len(), 2);
    assert_eq!(
        number(&sql, "select count(*) from neurolink_rule_states").await,
        0,
        "nothing is left to remember"
    );
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn what_must_be_acknowledged_goes_on_until_it_is() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "Out", "recipient_users": ["ali"], "escalate": [
        {"after": "1h", "unless": "acknowledged", "channels": ["in_app"]}, {"after": "1h", "unless": "acknowledged"}]});
    rule(&sql, "out", "stock.out", &template).await;
    fact(&sql, "stock.out", &json!({}), 0).await;
    drained(&sql).await;
    act(&app, "ali", of(&sql, "ali").await, "read").await;
    fall_due(&sql).await;
    assert_eq!(titles(&sql, "ali").await.len(), 2);
    act(&app, "ali", of(&sql, "ali").await, "acknowledge").await;
    fall_due(&sql).await;
    assert_eq!(titles(&sql, "ali").await.len(), 2);
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn whom_the_rule_leaves_out_its_escalations_do() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "Out", "recipient_users": ["ali"], "exclude_users": ["noor"],
        "escalate": [{"after": "1h", "recipient_roles": ["cfo", "accountant"], "recipient_branches": "any"}]});
    rule(&sql, "out", "stock.out", &template).await;
    fact(&sql, "stock.out", &json!({}), 0).await;
    drained(&sql).await;
    fall_due(&sql).await;
    assert!(titles(&sql, "noor").await.is_empty());
    assert_eq!(titles(&sql, "zainab").await, ["Out"]);
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn an_alarm_that_waits_for_a_lock_keeps_no_other_waiting() {
    let (db, app, sql) = started().await;
    let locker = db.client().await;
    let template = json!({"title": "{{n}}", "recipient_users": ["ali"], "delay": "1h"});
    rule(&sql, "later", "order.created", &template).await;
    let first = about(&sql, "order.created", &json!({"n": 1}), 0, "1").await;
    about(&sql, "order.created", &json!({"n": 2}), 0, "2").await;
    drained(&sql).await;
    let lock =
        format!("begin; select from neurolink_event_outcomes where event_id = {first} for update");
    locker.batch_execute(&lock).await.unwrap();
    sql.batch_execute("update neurolink_rule_states set due_at = now()")
        .await
        .unwrap();
    sql.batch_execute("update neurolink_jobs set run_at = now()")
        .await
        .unwrap();
    sql.batch_execute("notify neurolink_wake").await.unwrap();
    crate::support::app::until(&sql, "select count(*) = 1 from neurolink_notifications").await;
    assert_eq!(titles(&sql, "ali").await, ["2"]);
    locker.batch_execute("rollback").await.unwrap();
    crate::support::app::until(&sql, "select count(*) = 2 from neurolink_notifications").await;
    assert_eq!(
        number(&sql, "select count(*) from neurolink_dead_jobs").await,
        0
    );
    app.stop().await;
}

#[tokio::test]
async fn a_step_speaks_for_itself_and_as_loud_as_it_says() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "Invoice {{n}}", "body": "Pay", "severity": "info", "recipient_users": ["ali"], "escalate": [
            {"after": "1h"},
            {"after": "1h", "recipient_users": ["noor"], "severity": "critical",
             "title": {"en": "Nobody took care of {{n}}", "ar": "لم يعالجها أحد: {{n}}"}}]});
    rule(&sql, "overdue", "invoice.overdue", &template).await;
    sql.batch_execute("update neurolink_users set locale = 'ar-IQ' where id = 'noor'")
        .await
        .unwrap();
    fact(&sql, "invoice.overdue", &json!({"n": 5}), 0).await;
    drained(&sql).await;
    fall_due(&sql).await;
    fall_due(&sql).await;
    let said = "select string_agg(concat_ws('|', user_id, title, body, severity), ' / ' order by id) from neurolink_notifications";
    let said: String = sql.query_one(said, &[]).await.unwrap().get(0);
    assert_eq!(
        said,
        "ali|Invoice 5|Pay|info / ali|Invoice 5|Pay|info / noor|لم يعالجها أحد: 5|Pay|critical"
    );
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn what_was_delayed_is_escalated_though_its_event_is_old_by_then() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "Out", "recipient_users": ["ali"], "delay": "2h", "expires_after": "1h",
        "escalate": [{"after": "10m", "recipient_users": ["noor"]}]});
    rule(&sql, "out", "stock.out", &template).await;
    // Due half an hour ago, and of use for another half.
    fact(&sql, "stock.out", &json!({}), 150).await;
    let old = about(&sql, "stock.out", &json!({}), 181, "8").await;
    drained(&sql).await;
    assert_eq!(reasons(&sql, old).await, [("expired".into(), 1)]);
    let left = "select round(extract(epoch from expires_at - now()) / 60)::bigint from neurolink_notifications";
    assert!((29..=30).contains(&number(&sql, left).await));
    fall_due(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["Out"]);
    assert_eq!(titles(&sql, "noor").await, ["Out"]);
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn a_throttle_counts_what_is_told_first_and_no_step() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "Out", "recipient_users": ["ali"], "throttle": {"limit": 1, "per": "366d"},
        "escalate": [{"after": "1h"}]});
    rule(&sql, "out", "stock.out", &template).await;
    fact(&sql, "stock.out", &json!({}), 0).await;
    drained(&sql).await;
    fall_due(&sql).await;
    assert_eq!(titles(&sql, "ali").await, ["Out"; 2]);
    let over = about(&sql, "stock.out", &json!({}), 0, "8").await;
    drained(&sql).await;
    assert_eq!(reasons(&sql, over).await, [("throttled".into(), 1)]);
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn a_step_that_is_taken_out_or_taken_care_of_tells_no_more_of_its_people() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "Out", "recipient_users": ["ali"], "escalate": [{"after": "1h", "recipient_users": ["noor"]}]});
    let id = rule(&sql, "out", "stock.out", &template).await;
    let first = about(&sql, "stock.out", &json!({}), 0, "1").await;
    let second = about(&sql, "stock.out", &json!({}), 0, "2").await;
    drained(&sql).await;
    sql.batch_execute(&format!(
        "update neurolink_notifications set read_at = now() where event_id = {first};
         select neurolink_pause('fanout');
         insert into neurolink_rule_states (rule_id, key, alarm, due_at, state) values
           ({id}, 'rest:{first}:1', nextval('neurolink_rule_alarms'), now(), '{{\"event\": {first}, \"step\": 1, \"after\": \"a\"}}'),
           ({id}, 'rest:{second}:2', nextval('neurolink_rule_alarms'), now(), '{{\"event\": {second}, \"step\": 2, \"after\": \"a\"}}');
         insert into neurolink_jobs (kind, ref_id) select 'fanout', alarm from neurolink_rule_states where key like 'rest:%';
         select neurolink_resume('fanout')"
    ))
    .await
    .unwrap();
    crate::support::app::until(
        &sql,
        "select not exists (select from neurolink_rule_states where key like 'rest:%')",
    )
    .await;
    assert!(titles(&sql, "noor").await.is_empty());
    assert_eq!(reasons(&sql, first).await, []);
    assert_eq!(reasons(&sql, second).await, [("rule_off".into(), 0)]);
    app.stop().await;
}
