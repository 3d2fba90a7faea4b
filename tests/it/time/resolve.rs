//! `resolves`: what is settled is withdrawn, whichever event comes first.

use super::*;
use crate::support::app::WHOLE;

async fn rules(sql: &Client) {
    let overdue = json!({"title": "Overdue", "recipient_roles": ["accountant"], "channels": ["in_app", "email"]});
    rule(sql, "overdue", "invoice.overdue", &overdue).await;
    let paid =
        json!({"title": "Paid", "recipient_users": ["noor"], "resolves": ["invoice.overdue"]});
    rule(sql, "paid", "invoice.paid", &paid).await;
}

#[tokio::test]
async fn a_payment_settles_what_was_told_and_withdraws_what_waits_to_be_sent() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    office(&sql).await;
    rules(&sql).await;
    let folder = tempfile::tempdir().unwrap();
    let mails = [
        ("NEUROLINK_EMAIL_DIR", folder.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
    ];
    let app = App::start_with(&db, WHOLE, &mails).await;
    sql.batch_execute("insert into neurolink_pauses (kind, channel) values ('delivery', 'email')")
        .await
        .unwrap();
    fact(&sql, "invoice.overdue", &json!({}), 10).await;
    about(&sql, "invoice.overdue", &json!({}), 10, "8").await;
    crate::support::app::until(&sql, "select count(*) = 2 from neurolink_event_outcomes").await;
    assert_eq!(
        number(
            &sql,
            "select count(*) from neurolink_delivery_log where status = 'pending'"
        )
        .await,
        4
    );
    fact(&sql, "invoice.paid", &json!({}), 5).await;
    crate::support::app::until(&sql, "select count(*) = 3 from neurolink_event_outcomes").await;
    assert_eq!(number(&sql, "select count(*) from neurolink_notifications where resolved_at is not null and entity_id = '7'").await, 2);
    assert_eq!(number(&sql, "select count(*) from neurolink_notifications where resolved_at is not null and entity_id = '8'").await, 0);
    let cancelled = "select count(*) from neurolink_delivery_log where status = 'cancelled' and last_error = 'resolved'";
    assert_eq!(number(&sql, cancelled).await, 2);
    assert_eq!(
        number(
            &sql,
            "select unread_count::bigint from neurolink_inboxes where user_id = 'ali'"
        )
        .await,
        1
    );
    assert_eq!(titles(&sql, "noor").await, ["Paid"]);
    assert_eq!(
        number(&sql, "select count(*) from neurolink_inbox_drift").await,
        0
    );
    app.stop().await;
}

#[tokio::test]
async fn what_was_settled_before_it_came_is_never_told() {
    let (_db, app, sql) = started().await;
    rules(&sql).await;
    let paid = fact(&sql, "invoice.paid", &json!({}), 5).await;
    drained(&sql).await;
    let late = fact(&sql, "invoice.overdue", &json!({}), 10).await;
    let anew = fact(&sql, "invoice.overdue", &json!({}), 1).await;
    drained(&sql).await;
    assert_eq!(reasons(&sql, late).await, [("resolved".into(), 2)]);
    let by = format!(
        "select (suppressed -> 0 ->> 'by')::bigint from neurolink_event_outcomes where event_id = {late}"
    );
    assert_eq!(number(&sql, &by).await, paid);
    assert_eq!(
        reasons(&sql, anew)
            .await
            .iter()
            .filter(|(r, _)| r == "resolved")
            .count(),
        0,
        "overdue again, after the payment"
    );
    assert_eq!(titles(&sql, "ali").await, ["Overdue"]);
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn both_in_one_batch_come_to_the_same_in_either_order() {
    for order in [
        ["invoice.overdue", "invoice.paid"],
        ["invoice.paid", "invoice.overdue"],
    ] {
        let (_db, app, sql) = started().await;
        rules(&sql).await;
        sql.execute(
            "insert into neurolink_events (source_module, event_type, entity_type, entity_id, occurred_at)
             select 'test', t, 'invoice', '7', now() - case t when 'invoice.paid' then interval '1 minute' else interval '2 minutes' end
               from unnest($1::text[]) as t",
            &[&order.as_slice()],
        )
        .await
        .unwrap();
        drained(&sql).await;
        assert_eq!(
            told(&sql).await,
            [("noor".to_owned(), "Paid".to_owned())],
            "{order:?}"
        );
        quiet(&sql).await;
        app.stop().await;
    }
}

#[tokio::test]
async fn a_rule_that_only_settles_needs_no_recipients_and_stops_what_is_planned() {
    let (_db, app, sql) = started().await;
    let template = json!({"title": "Due", "recipient_roles": ["accountant"], "delay": "1h", "escalate": [{"after": "1h", "recipient_users": ["noor"]}]});
    rule(&sql, "due", "invoice.created", &template).await;
    rule(
        &sql,
        "done",
        "invoice.paid",
        &json!({"title": "-", "resolves": ["invoice.*"]}),
    )
    .await;
    fact(&sql, "invoice.created", &json!({}), 10).await;
    drained(&sql).await;
    let paid = fact(&sql, "invoice.paid", &json!({}), 5).await;
    drained(&sql).await;
    assert_eq!(
        reasons(&sql, paid).await,
        [],
        "it has nobody to tell, and that is no news"
    );
    fall_due(&sql).await;
    assert!(told(&sql).await.is_empty());
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn what_happened_resolves_even_where_nobody_is_told_of_it() {
    let (_db, app, sql) = started().await;
    rule(
        &sql,
        "overdue",
        "invoice.overdue",
        &json!({"title": "Overdue", "recipient_roles": ["accountant"]}),
    )
    .await;
    let paid = json!({"title": "Paid", "recipient_users": ["noor"], "resolves": ["invoice.overdue"], "expires_after": "1h", "dedupe_key": "x"});
    rule(&sql, "paid", "invoice.paid", &paid).await;
    fact(&sql, "invoice.overdue", &json!({}), 300).await;
    drained(&sql).await;
    let late = fact(&sql, "invoice.paid", &json!({}), 120).await;
    drained(&sql).await;
    assert_eq!(reasons(&sql, late).await, [("expired".into(), 1)]);
    let settled = "select count(*) from neurolink_notifications where resolved_at is not null";
    assert_eq!(number(&sql, settled).await, 2);
    // Said before, and resolving all the same.
    fact(&sql, "invoice.paid", &json!({}), 20).await;
    fact(&sql, "invoice.overdue", &json!({}), 10).await;
    drained(&sql).await;
    fact(&sql, "invoice.paid", &json!({}), 5).await;
    drained(&sql).await;
    assert_eq!(titles(&sql, "noor").await, ["Paid"]);
    assert_eq!(number(&sql, settled).await, 4);
    app.stop().await;
}

#[tokio::test]
async fn what_was_told_is_resolved_too_when_its_escalation_rings_beside_what_resolves_it() {
    let (_db, app, sql) = started().await;
    let overdue = json!({"title": "Overdue", "recipient_roles": ["accountant"], "escalate": [{"after": "1h", "recipient_users": ["noor"]}]});
    rule(&sql, "overdue", "invoice.overdue", &overdue).await;
    rule(
        &sql,
        "paid",
        "invoice.paid",
        &json!({"title": "Paid", "delay": "1h", "resolves": ["invoice.overdue"]}),
    )
    .await;
    fact(&sql, "invoice.overdue", &json!({}), 10).await;
    drained(&sql).await;
    fact(&sql, "invoice.paid", &json!({}), 5).await;
    drained(&sql).await;
    fall_due(&sql).await;
    let open = "select count(*) from neurolink_notifications where resolved_at is null";
    assert_eq!(number(&sql, open).await, 0);
    assert!(titles(&sql, "noor").await.len() <= 1);
    quiet(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn what_was_gathered_and_resolved_in_one_batch_is_said_to_be_so() {
    let (_db, app, sql) = started().await;
    let overdue =
        json!({"title": "Overdue", "recipient_roles": ["accountant"], "digest": {"every": "1d"}});
    rule(&sql, "overdue", "invoice.overdue", &overdue).await;
    rule(
        &sql,
        "paid",
        "invoice.paid",
        &json!({"title": "Paid", "resolves": ["invoice.overdue"]}),
    )
    .await;
    sql.batch_execute(
        "insert into neurolink_events (source_module, event_type, entity_type, entity_id, occurred_at)
         values ('test', 'invoice.overdue', 'invoice', '7', now() - interval '2 minutes'), ('test', 'invoice.paid', 'invoice', '7', now())",
    )
    .await
    .unwrap();
    drained(&sql).await;
    let code: String = sql
        .query_one(
            "select code from neurolink_explain((select min(id) from neurolink_events), 'ali')",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(code, "resolved");
    fall_due(&sql).await;
    assert!(told(&sql).await.is_empty());
    quiet(&sql).await;
    app.stop().await;
}
