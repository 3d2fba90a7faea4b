//! Deleting an event: what came of it goes along, open tabs see it go, and the same call goes on where one was cut off.

use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::app::{App, drained, event, number, people, rule, until};

async fn delete(app: &App, id: i64) -> (u16, Value) {
    app.call(
        "DELETE",
        &format!("/v1/events/{id}"),
        "chief",
        &["admin"],
        None,
    )
    .await
}

#[tokio::test]
async fn an_event_goes_with_its_outcome_notifications_and_pending_deliveries() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let mails = tempfile::tempdir().unwrap();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", mails.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
    ];
    let template = json!({"title": "Secret {{n}}", "recipient_roles": ["accountant"], "channels": ["in_app", "email"]});
    rule(&sql, "r", "a.b", &template).await;
    rule(
        &sql,
        "mail",
        "a.b",
        &json!({"title": "M", "recipient_users": ["cfo"], "channels": ["email"]}),
    )
    .await;
    sql.batch_execute("select neurolink_pause('delivery')")
        .await
        .unwrap();
    let app = App::start_with(&db, crate::support::app::WHOLE, &settings).await;
    let kept = event(&sql, "a.b", &json!({"n": 1})).await;
    let id = event(&sql, "a.b", &json!({"n": 2})).await;
    until(&sql, "select count(*) = 2 from neurolink_event_outcomes").await;
    let cursor = app.get("/v1/notifications/changes?since=0", "ali").await["cursor"].clone();

    let (status, answer) = delete(&app, id).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        answer,
        json!({"event_id": id, "is_complete": true,
            "took_along": {"jobs": 0, "outcomes": 1, "notifications": 3, "deliveries_cancelled": 3, "deliveries_under_way": 0}})
    );
    assert_eq!(
        number(&sql, "select count(*) from neurolink_inbox_drift").await,
        0
    );
    assert_eq!(app.get("/v1/notifications/count", "ali").await["unread"], 1);
    let seen = app.get("/v1/notifications", "ali").await;
    assert_eq!(seen["items"].as_array().unwrap().len(), 1);
    let cursor = cursor.as_str().unwrap();
    let path = format!("/v1/notifications/changes?since={cursor}");
    let changes = app.get(&path, "ali").await;
    assert_eq!(changes["deleted"].as_array().unwrap().len(), 1, "{changes}");
    let left = "select count(*) from neurolink_notifications where event_id = 2 and (deleted_at is null or title <> '' or in_app and rev is null)";
    assert_eq!(number(&sql, left).await, 0);
    let cancelled = "select count(*) from neurolink_delivery_log where status = 'cancelled' and last_error = 'its event was deleted' and content is null";
    assert_eq!(number(&sql, cancelled).await, 3);
    assert_eq!(
        number(&sql, "select count(*) from neurolink_jobs").await,
        3,
        "the other event's mails"
    );
    assert_eq!(delete(&app, id).await.0, 404);
    assert_eq!(
        app.call(
            "GET",
            &format!("/v1/events/{kept}"),
            "eye",
            &["auditor"],
            None
        )
        .await
        .0,
        200
    );

    let entry = sql
        .query_one(
            "select actor, before::text from neurolink_audit_log where action = 'event.deleted'",
            &[],
        )
        .await
        .unwrap();
    let before: Value = serde_json::from_str(entry.get(1)).unwrap();
    assert_eq!(entry.get::<_, &str>(0), "chief");
    assert_eq!(before["took_along"]["notifications"], 3);
    assert_eq!(
        (&before["branch_id"], &before["event_type"]),
        (&json!("BGD"), &json!("a.b"))
    );
    assert_eq!(
        (
            before["took_along"]["outcomes"].clone(),
            before.get("payload")
        ),
        (json!(1), None)
    );

    sql.batch_execute("select neurolink_resume('delivery')")
        .await
        .unwrap();
    drained(&sql).await;
    assert_eq!(std::fs::read_dir(mails.path()).unwrap().count(), 3);
    app.stop().await;
}

#[tokio::test]
async fn an_event_that_waits_goes_with_its_job_and_is_never_evaluated() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    rule(
        &sql,
        "r",
        "*",
        &json!({"title": "T", "recipient_users": ["cfo"]}),
    )
    .await;
    sql.batch_execute("select neurolink_pause('event')")
        .await
        .unwrap();
    let app = App::start(&db).await;
    let id = event(&sql, "a.b", &json!({})).await;
    let (status, answer) = delete(&app, id).await;
    assert_eq!((status, &answer["took_along"]["jobs"]), (200, &json!(1)));
    assert_eq!(number(&sql, "select count(*) from neurolink_jobs").await, 0);
    sql.batch_execute("select neurolink_resume('event')")
        .await
        .unwrap();
    event(&sql, "c.d", &json!({})).await;
    drained(&sql).await;
    assert_eq!(
        number(&sql, "select count(*) from neurolink_notifications").await,
        1
    );
    app.stop().await;
}

#[tokio::test]
async fn what_a_user_has_deleted_read_archived_or_snoozed_is_counted_right() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    for name in ["a", "b", "c", "d", "e"] {
        rule(
            &sql,
            name,
            "*",
            &json!({"title": name, "recipient_users": ["ali"]}),
        )
        .await;
    }
    let app = App::start(&db).await;
    let id = event(&sql, "a.b", &json!({})).await;
    drained(&sql).await;
    let items = app.get("/v1/notifications", "ali").await["items"].clone();
    for (nth, change) in ["read", "archive", "seen"].into_iter().enumerate() {
        let path = format!("/v1/notifications/{}/{change}", items[nth]["id"]);
        assert_eq!(app.call("PATCH", &path, "ali", &[], None).await.0, 200);
    }
    let gone = format!("/v1/notifications/{}", items[3]["id"]);
    app.call("DELETE", &gone, "ali", &[], None).await;
    let path = format!("/v1/notifications/{}/snooze", items[4]["id"]);
    let tomorrow = jiff::Timestamp::now().as_second() + 24 * 3600;
    let until = jiff::Timestamp::from_second(tomorrow).unwrap().to_string();
    let body = json!({"until": until});
    let (status, _) = app.call("PATCH", &path, "ali", &[], Some(&body)).await;
    assert_eq!(status, 200);
    let (_, answer) = delete(&app, id).await;
    assert_eq!(answer["took_along"]["notifications"], 4);
    assert_eq!(
        number(&sql, "select count(*) from neurolink_inbox_drift").await,
        0
    );
    let counts = app.get("/v1/notifications/count", "ali").await;
    assert_eq!(
        (&counts["unread"], &counts["unseen"]),
        (&json!(0), &json!(0))
    );
    app.stop().await;
}

#[tokio::test]
async fn a_large_one_goes_in_chunks_and_a_second_call_goes_on_where_the_first_was_cut_off() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "insert into neurolink_users (id, roles) select 'u' || n, '{crowd}' from generate_series(1, 1200) n",
    )
    .await
    .unwrap();
    rule(
        &sql,
        "r",
        "*",
        &json!({"title": "T", "recipient_roles": ["crowd"]}),
    )
    .await;
    let app = App::start(&db).await;
    sql.batch_execute("update neurolink_users set branch_ids = '{*}'")
        .await
        .unwrap();
    let id = event(&sql, "a.b", &json!({})).await;
    drained(&sql).await;
    // The third chunk breaks, as a lost connection would break it.
    sql.batch_execute(
        "create function refuse() returns trigger language plpgsql as $$ begin
             if (select count(*) from neurolink_notifications where deleted_at is not null) > 1000 then raise exception 'cut off'; end if;
             return null; end $$;
         create trigger refuse after update on neurolink_inboxes for each statement execute function refuse()",
    )
    .await
    .unwrap();
    assert_eq!(delete(&app, id).await.0, 500);
    assert_eq!(
        number(
            &sql,
            "select count(*) from neurolink_notifications where deleted_at is not null"
        )
        .await,
        1000
    );
    assert_eq!(
        number(&sql, "select count(*) from neurolink_events").await,
        1
    );
    assert_eq!(
        number(
            &sql,
            "select count(*) from neurolink_audit_log where action = 'event.deletion_begun'"
        )
        .await,
        2
    );
    sql.batch_execute("drop trigger refuse on neurolink_inboxes")
        .await
        .unwrap();
    let (status, answer) = delete(&app, id).await;
    assert_eq!(
        (status, &answer["took_along"]["notifications"]),
        (200, &json!(200))
    );
    assert_eq!(
        number(&sql, "select count(*) from neurolink_events").await,
        0
    );
    assert_eq!(
        number(&sql, "select count(*) from neurolink_event_outcomes").await,
        0
    );
    assert_eq!(
        number(&sql, "select count(*) from neurolink_inbox_drift").await,
        0
    );
    app.stop().await;
}

#[tokio::test]
async fn who_is_just_evaluating_the_event_is_waited_for_and_their_notifications_go_too() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    sql.batch_execute("select neurolink_pause('event')")
        .await
        .unwrap();
    let app = App::start(&db).await;
    let id = event(&sql, "a.b", &json!({})).await;
    // An evaluation in another session: the job is deleted, the rows are written, the commit is still to come.
    let evaluating = db.client().await;
    evaluating
        .batch_execute(&format!(
            "insert into neurolink_inboxes (user_id) values ('ali');
             begin;
             delete from neurolink_jobs where ref_id = {id};
             insert into neurolink_event_outcomes (event_id, rules_matched, notifications) values ({id}, 1, 1);
             update neurolink_inboxes set rev = 1, unread_count = 1, unseen_count = 1 where user_id = 'ali';
             insert into neurolink_notifications (user_id, rev, event_id, rule_id, rule_version, title) values ('ali', 1, {id}, 1, 1, 'T')"
        ))
        .await
        .unwrap();
    let deleting = async { delete(&app, id).await };
    let committing = async {
        until(&sql, "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like '%neurolink_jobs%' and datname = current_database())").await;
        evaluating.batch_execute("commit").await.unwrap();
    };
    let ((status, answer), ()) = tokio::join!(deleting, committing);
    assert_eq!(
        (status, &answer["took_along"]["notifications"]),
        (200, &json!(1)),
        "{answer}"
    );
    assert_eq!(
        number(
            &sql,
            "select count(*) from neurolink_notifications where deleted_at is null"
        )
        .await,
        0
    );
    assert_eq!(
        number(&sql, "select count(*) from neurolink_inbox_drift").await,
        0
    );
    app.stop().await;
}

#[tokio::test]
async fn a_delivery_that_is_being_sent_stays_with_its_sender_and_its_next_claim_cancels_it() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let mails = tempfile::tempdir().unwrap();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", mails.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
    ];
    let template = json!({"title": "T", "recipient_users": ["ali", "cfo"], "channels": ["email"]});
    rule(&sql, "r", "*", &template).await;
    sql.batch_execute("select neurolink_pause('delivery')")
        .await
        .unwrap();
    let app = App::start_with(&db, crate::support::app::WHOLE, &settings).await;
    let id = event(&sql, "a.b", &json!({})).await;
    until(&sql, "select count(*) = 2 from neurolink_jobs").await;
    // Somebody else's claim on one of the two.
    sql.batch_execute(
        "update neurolink_jobs set claimed_by = gen_random_uuid(), attempt = 1, run_at = now() + interval '1 minute'
          where id = (select min(id) from neurolink_jobs)",
    )
    .await
    .unwrap();
    let (status, answer) = delete(&app, id).await;
    let took = &answer["took_along"];
    assert_eq!(
        (
            status,
            &took["deliveries_cancelled"],
            &took["deliveries_under_way"]
        ),
        (200, &json!(1), &json!(1))
    );
    let pending = "select count(*) from neurolink_delivery_log where status = 'pending'";
    assert_eq!(number(&sql, pending).await, 1);
    // Its lease runs out: whoever claims it next finds nothing to send.
    sql.batch_execute(
        "update neurolink_jobs set run_at = now(); select neurolink_resume('delivery')",
    )
    .await
    .unwrap();
    drained(&sql).await;
    let cancelled = "select count(*) from neurolink_delivery_log where status = 'cancelled'";
    assert_eq!(number(&sql, cancelled).await, 2);
    assert_eq!(std::fs::read_dir(mails.path()).unwrap().count(), 0);
    app.stop().await;
}
