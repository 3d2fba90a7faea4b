//! One delivery again: from every state, to today's address, and the refusals with their ways out.

use neurolink::kernel::ChannelKind::{Email, InApp, Sms};
use serde_json::{Value, json};

use super::{API, admin, delivery, text};
use crate::support::TestDb;
use crate::support::app::{App, WHOLE, people, rule, until};

async fn retry(app: &App, id: i64, body: Option<&Value>) -> (u16, String) {
    let (status, told) = admin(app, "POST", &format!("/v1/deliveries/{id}/retry"), body).await;
    let word = if status == 200 { "outcome" } else { "code" };
    (status, told[word].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn what_ended_is_pending_again_with_one_job_and_what_waits_is_due_at_once() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start_with(&db, API, &[]).await;
    for status in ["dead", "suppressed", "cancelled"] {
        let id = delivery(&sql, "ali", Some("BGD"), Email, status).await;
        assert_eq!(
            retry(&app, id, None).await,
            (200, "queued".to_owned()),
            "{status}"
        );
        let state = format!(
            "select status || ' ' || (ended_at is null) || ' ' ||
                    (select count(*) from neurolink_jobs where kind = 'delivery' and channel = 'email' and ref_id = d.id and run_at <= now())
               from neurolink_delivery_log d where id = {id}"
        );
        assert_eq!(text(&sql, &state).await, "pending true 1", "{status}");
        assert_eq!(retry(&app, id, None).await.1, "hastened", "nothing twice");
        assert_eq!(text(&sql, &state).await, "pending true 1", "{status}");
    }
    let waits = delivery(&sql, "ali", Some("BGD"), Email, "pending").await;
    let said = format!(
        "update neurolink_delivery_log set last_error = '450 <ali@tsh.example>: later' where id = {waits}"
    );
    sql.batch_execute(&said).await.unwrap();
    assert_eq!(retry(&app, waits, None).await, (200, "hastened".to_owned()));
    let due = format!(
        "select count(*)::text from neurolink_jobs where ref_id = {waits} and run_at <= now()"
    );
    assert_eq!(text(&sql, &due).await, "1");

    // Who did it, and what it was.
    let (_, log) = admin(&app, "GET", "/v1/audit?subject_kind=delivery", None).await;
    let last = &log["items"][0];
    assert_eq!(
        (&last["actor"], &last["action"], &last["subject_id"]),
        (
            &json!("chief"),
            &json!("delivery.retried"),
            &json!(waits.to_string())
        )
    );
    assert_eq!(
        last["before"],
        json!({"branch_id": "BGD", "channel": "email", "status": "pending"}),
        "what the provider said may name an address"
    );
    assert_eq!(log["items"].as_array().unwrap().len(), 7);
    sql.batch_execute("delete from neurolink_jobs")
        .await
        .unwrap();
    app.stop().await;
}

#[tokio::test]
async fn what_can_or_should_not_be_sent_is_refused_with_a_code_and_changes_nothing() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start_with(&db, API, &[]).await;
    let sent = delivery(&sql, "ali", None, Email, "sent").await;
    let unwanted = delivery(&sql, "ali", None, Email, "suppressed").await;
    let inbox = delivery(&sql, "ali", None, InApp, "delivered").await;
    let deleted = delivery(&sql, "ali", None, Email, "dead").await;
    let homeless = delivery(&sql, "ali", None, Email, "suppressed").await;
    let other = delivery(&sql, "ali", None, Sms, "dead").await;
    sql.batch_execute(&format!(
        "update neurolink_delivery_log set last_error = 'preference' where id = {unwanted};
         update neurolink_notifications set deleted_at = now() where id = {} ;
         update neurolink_delivery_log set address = null, last_error = 'no_address' where id = {homeless};
         insert into neurolink_workers (incarnation, host, pid, version, works, channels)
         values (gen_random_uuid(), 'h', 1, '0', true, '{{email}}'), (gen_random_uuid(), 'h', 2, '0', false, null)",
        deleted / 32
    ))
    .await
    .unwrap();
    for (id, code) in [
        (sent, "already_sent"),
        (unwanted, "switched_off"),
        (inbox, "nothing_to_send"),
        (deleted, "nothing_to_send"),
        (homeless, "no_address"),
        (other, "channel_not_configured"),
    ] {
        assert_eq!(retry(&app, id, None).await, (409, code.to_owned()));
    }
    assert_eq!(
        text(&sql, "select count(*)::text from neurolink_jobs").await,
        "0"
    );
    assert_eq!(
        text(&sql, "select count(*)::text from neurolink_audit_log").await,
        "0"
    );
    assert_eq!(retry(&app, 7, None).await, (404, "not_found".to_owned()));

    let force = json!({"force": true});
    for id in [sent, unwanted] {
        assert_eq!(
            retry(&app, id, Some(&force)).await,
            (200, "queued".to_owned())
        );
    }
    // The directory knows by now where to.
    people(&sql).await;
    assert_eq!(retry(&app, homeless, None).await.1, "queued");
    let address = format!("select address from neurolink_delivery_log where id = {homeless}");
    assert_eq!(text(&sql, &address).await, "ali@tsh.example");
    // A worker that doesn't say what it can send may be able to.
    sql.batch_execute("update neurolink_workers set channels = null")
        .await
        .unwrap();
    assert_eq!(retry(&app, other, None).await.1, "queued");
    let bad = json!({"force": "yes"});
    assert_eq!(retry(&app, sent, Some(&bad)).await.0, 400);
    sql.batch_execute("delete from neurolink_jobs")
        .await
        .unwrap();
    app.stop().await;
}

#[tokio::test]
async fn a_dead_mail_goes_out_once_to_the_address_that_was_mended_and_counts_its_attempts_on() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", folder.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
    ];
    rule(
        &sql,
        "late",
        "a.*",
        &json!({"title": "x", "channels": ["email"], "recipient_users": ["ali"]}),
    )
    .await;
    let id = delivery(&sql, "ali", Some("BGD"), Email, "dead").await;
    sql.batch_execute(&format!(
        "update neurolink_notifications set rule_id = (select id from neurolink_notification_rules);
         update neurolink_notification_rules set priority = 300;
         update neurolink_delivery_log set attempts = 1, last_error = '550 unknown' where id = {id};
         insert into neurolink_delivery_attempts (delivery_id, attempt, worker, started_at, outcome)
         values ({id}, 1, gen_random_uuid(), now(), 'permanent')"
    ))
    .await
    .unwrap();
    let app = App::start_with(&db, WHOLE, &settings).await;
    app.node.bell().until_asleep().await;
    let offered = text(&sql, "select channels::text from neurolink_workers").await;
    assert_eq!(offered, "{email}");
    // Held back, to see the job's lane.
    sql.batch_execute("select neurolink_pause('delivery', 'email')")
        .await
        .unwrap();
    assert_eq!(retry(&app, id, None).await, (200, "queued".to_owned()));
    let job = text(
        &sql,
        "select lane || ' ' || attempt || ' ' || max_attempts from neurolink_jobs",
    )
    .await;
    assert_eq!(job, "0 1 9", "critical, as its rule says by now");
    sql.batch_execute("select neurolink_resume('delivery', 'email')")
        .await
        .unwrap();
    until(&sql, "select status = 'sent' and attempts = 2 and address = 'ali@tsh.example' and last_error is null from neurolink_delivery_log").await;
    let attempts = "select string_agg(attempt || ' ' || outcome, ', ' order by attempt) from neurolink_delivery_attempts";
    assert_eq!(text(&sql, attempts).await, "1 permanent, 2 accepted");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    // What waits for its backoff is pulled forward, and the sleeping node woken.
    let id = delivery(&sql, "ali", Some("BGD"), Email, "pending").await;
    app.node.bell().until_asleep().await;
    let began = std::time::Instant::now();
    assert_eq!(retry(&app, id, None).await.1, "hastened");
    until(
        &sql,
        &format!("select status = 'sent' from neurolink_delivery_log where id = {id}"),
    )
    .await;
    assert!(began.elapsed() < std::time::Duration::from_millis(2500));
    app.stop().await;
}

#[tokio::test]
async fn in_psql_the_same_is_an_answer_or_an_error_with_a_hint() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let dead = delivery(&sql, "ali", None, Email, "dead").await;
    let sent = delivery(&sql, "ali", None, Email, "sent").await;
    let ask = |call: &str| format!("select neurolink_{call}::text");
    assert_eq!(
        text(&sql, &ask(&format!("retry('delivery', {dead})"))).await,
        "queued"
    );
    assert_eq!(
        text(
            &sql,
            &ask(&format!("retry('delivery', {sent}, force => true)"))
        )
        .await,
        "queued"
    );
    sql.batch_execute(&format!(
        "select neurolink_cancel({dead}); select neurolink_cancel({dead});
         update neurolink_delivery_log set status = 'sent' where id = {sent}; delete from neurolink_jobs"
    ))
    .await
    .unwrap();
    for (call, code) in [
        (format!("retry('delivery', {sent})"), "55000"),
        ("retry('delivery', 7)".to_owned(), "P0002"),
        ("retry('job', 7)".to_owned(), "P0002"),
        ("retry('mail', 7)".to_owned(), "22023"),
        ("retry(null, 7)".to_owned(), "22023"),
        ("discard(7)".to_owned(), "P0002"),
        ("cancel(7)".to_owned(), "P0002"),
        (format!("cancel({sent})"), "55000"),
        ("retry('delivery', '{}', 3)".to_owned(), "55000"),
        (
            "retry('delivery', '{\"status\": \"sent\"}', 1)".to_owned(),
            "22023",
        ),
        (
            "retry('delivery', '{\"kind\": \"x\"}', 1)".to_owned(),
            "22023",
        ),
        (
            "retry('job', '{\"channel\": \"x\"}', 1)".to_owned(),
            "22023",
        ),
        ("discard('{}', 3)".to_owned(), "55000"),
    ] {
        let error = sql.batch_execute(&ask(&call)).await.unwrap_err();
        let db_error = error.as_db_error().unwrap();
        assert_eq!(db_error.code().code(), code, "{call}: {db_error:?}");
    }
    let all = "retry('delivery', '{\"status\": \"cancelled\"}', 1)";
    assert_eq!(text(&sql, &ask(all)).await, "1");
    let audit = "select string_agg(action, ' ' order by id) from neurolink_audit_log";
    assert_eq!(
        text(&sql, audit).await,
        "delivery.retried delivery.retried delivery.cancelled delivery.retried"
    );
    for public in [
        "neurolink_retry_deliveries('{1}', true, null)",
        "neurolink_cancel(1)",
        "neurolink_find_dead_jobs('{}', null, null, 1)",
    ] {
        let asked = format!("set role neurolink_readonly; select {public}");
        let error = sql.batch_execute(&asked).await.unwrap_err();
        assert_eq!(
            error.as_db_error().unwrap().code().code(),
            "42501",
            "{public}"
        );
        sql.batch_execute("reset role").await.unwrap();
    }
}
