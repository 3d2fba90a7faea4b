//! The SQL side as an ERP developer and a DBA meet it: with nothing but `psql`.

use tokio_postgres::{AsyncMessage, Client};

use crate::support::TestDb;

const EMIT: &str =
    "select neurolink_emit('invoicing', 'invoice.overdue', $1::text::jsonb, idempotency_key => $2)";

async fn count(client: &Client, from: &str) -> i64 {
    client
        .query_one(&format!("select count(*) from {from}"), &[])
        .await
        .unwrap_or_else(|e| panic!("{:?}", e.as_db_error()))
        .get(0)
}

/// The SQLSTATE and constraint a statement fails with.
async fn failure(client: &Client, sql: &str) -> (String, Option<String>) {
    let error = client.batch_execute(sql).await.unwrap_err();
    let error = error.as_db_error().unwrap();
    (
        error.code().code().to_owned(),
        error.constraint().map(str::to_owned),
    )
}

#[tokio::test]
async fn an_insert_of_three_columns_is_an_event_with_a_job() {
    let test = TestDb::new().await;
    let client = test.client().await;
    client
        .batch_execute(
            "insert into neurolink_events (source_module, event_type, payload)
             values ('invoicing', 'invoice.overdue', '{\"amount\": 12345678901234567890.123456789}')",
        )
        .await
        .unwrap();
    let row = client
        .query_one(
            "select e.severity, e.payload ->> 'amount', j.kind, j.lane, j.ref_id = e.id
               from neurolink_events e join neurolink_jobs j on true",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(row.get::<_, &str>(0), "info");
    assert_eq!(row.get::<_, &str>(1), "12345678901234567890.123456789");
    assert_eq!((row.get::<_, &str>(2), row.get::<_, i16>(3)), ("event", 1));
    assert!(row.get::<_, bool>(4));
}

#[tokio::test]
async fn emitting_the_same_key_twice_gives_the_same_id_and_another_body_a_warning() {
    let test = TestDb::new().await;
    let (client, mut messages) = test.client_with_messages().await;
    let mut ids = Vec::new();
    for body in [r#"{"n": 1.0}"#, r#"{ "n":1.0 }"#, r#"{"n": 2}"#] {
        let id: i64 = client
            .query_one(EMIT, &[&body, &"k1"])
            .await
            .unwrap()
            .get(0);
        ids.push(id);
    }
    assert_eq!(ids, [ids[0]; 3]);
    assert_eq!(count(&client, "neurolink_events").await, 1);
    assert_eq!(count(&client, "neurolink_jobs").await, 1);
    drop(client);
    let mut warnings = Vec::new();
    while let Some(message) = messages.recv().await {
        if let AsyncMessage::Notice(notice) = message {
            warnings.push((notice.severity().to_owned(), notice.message().to_owned()));
        }
    }
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0].0, "WARNING");
    assert!(warnings[0].1.contains("\"k1\""), "{warnings:?}");
}

#[tokio::test]
async fn without_a_key_every_emit_is_an_event_and_a_null_key_joins_nothing() {
    let test = TestDb::new().await;
    let client = test.client().await;
    for _ in 0..2 {
        client
            .query_one(EMIT, &[&"{}", &None::<&str>])
            .await
            .unwrap();
    }
    assert_eq!(count(&client, "neurolink_events").await, 2);
}

#[tokio::test]
async fn emit_takes_every_field_by_name() {
    let test = TestDb::new().await;
    let client = test.client().await;
    client
        .batch_execute(
            "select neurolink_emit('inventory', 'stock.out', '{\"sku\": \"A\"}', severity => 'critical',
                 idempotency_key => 'k', correlation_id => 'c', branch_id => 'b', actor_id => 'a', entity_type => 'product',
                 entity_id => '7', occurred_at => '2024-02-29T12:00:00Z',
                 traceparent => '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')",
        )
        .await
        .unwrap();
    let row = client
        .query_one(
            "select concat_ws(',', severity, producer_idempotency_key, correlation_id, branch_id, actor_id, entity_type,
                    entity_id, extract(epoch from occurred_at)::bigint, length(traceparent)), lane::text
               from neurolink_events, neurolink_jobs",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(
        row.get::<_, &str>(0),
        "critical,k,c,b,a,product,7,1709208000,55"
    );
    assert_eq!(row.get::<_, &str>(1), "0", "critical events go first");
}

#[tokio::test]
async fn a_rolled_back_transaction_leaves_neither_event_nor_job() {
    let test = TestDb::new().await;
    let mut client = test.client().await;
    let transaction = client.transaction().await.unwrap();
    transaction.query_one(EMIT, &[&"{}", &"k"]).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(count(&client, "neurolink_events").await, 0);
    assert_eq!(count(&client, "neurolink_jobs").await, 0);
    // And the key is free again.
    client.query_one(EMIT, &[&"{}", &"k"]).await.unwrap();
    assert_eq!(count(&client, "neurolink_events").await, 1);
}

#[tokio::test]
async fn events_are_never_updated_and_malformed_ones_name_their_constraint() {
    let test = TestDb::new().await;
    let client = test.client().await;
    client.query_one(EMIT, &[&"{}", &"k"]).await.unwrap();
    let (code, constraint) =
        failure(&client, "update neurolink_events set severity = 'error'").await;
    assert_eq!(code, "55000");
    assert_eq!(constraint.as_deref(), Some("neurolink_events_immutable"));
    for (values, expected) in [
        (
            "'Bad Module', 'a.b', '{}'",
            "neurolink_events_source_module_ck",
        ),
        ("'m', 'nodots', '{}'", "neurolink_events_event_type_ck"),
        ("'m', 'a.b', '[]'", "neurolink_events_payload_ck"),
    ] {
        let insert = format!(
            "insert into neurolink_events (source_module, event_type, payload) values ({values})"
        );
        let (code, constraint) = failure(&client, &insert).await;
        assert_eq!(
            (code.as_str(), constraint.as_deref()),
            ("23514", Some(expected))
        );
        let (emitted, _) = failure(&client, &format!("select neurolink_emit({values})")).await;
        assert_eq!(emitted, "23514");
    }
}

#[tokio::test]
async fn a_producer_may_put_events_in_and_nothing_else() {
    let test = TestDb::new().await;
    let owner = test.client().await;
    let client = test.client().await;
    client
        .batch_execute(
            "set role neurolink_producer;
             insert into neurolink_events (source_module, event_type, payload, producer_idempotency_key)
             values ('sales', 'order.created', '{}', 'k');
             select neurolink_emit('sales', 'order.approved', '{}')",
        )
        .await
        .unwrap_or_else(|e| panic!("{:?}", e.as_db_error()));
    assert_eq!(count(&owner, "neurolink_jobs").await, 2);
    for forbidden in [
        "select * from neurolink_events",
        "insert into neurolink_events (source_module, event_type, payload, received_at) values ('m', 'a.b', '{}', now())",
        "delete from neurolink_events",
        "insert into neurolink_jobs (kind, ref_id) values ('event', 1)",
        "select * from neurolink_users",
        "select * from neurolink_directory",
        "select neurolink_epoch()",
        "select neurolink_pause('event')",
        "insert into neurolink_notification_rules (name, event_type_pattern, notification_template) values ('x', '*', '{}')",
        "update neurolink_meta set value = '0'",
    ] {
        assert_eq!(failure(&client, forbidden).await.0, "42501", "{forbidden}");
    }
}

#[tokio::test]
async fn a_reader_may_look_at_everything_and_change_nothing() {
    let test = TestDb::new().await;
    let client = test.client().await;
    client
        .batch_execute("set role neurolink_readonly")
        .await
        .unwrap();
    for table in [
        "neurolink_events",
        "neurolink_jobs",
        "neurolink_queue_health",
        "neurolink_stuck_jobs",
        "neurolink_directory",
    ] {
        assert_eq!(count(&client, table).await, 0);
    }
    assert_eq!(
        failure(&client, "delete from neurolink_jobs").await.0,
        "42501"
    );
    assert_eq!(
        failure(&client, "select neurolink_emit('m', 'a.b', '{}')")
            .await
            .0,
        "42501"
    );
}

#[tokio::test]
async fn a_role_made_after_the_migration_gets_its_rights_from_the_next_one() {
    let test = TestDb::new().await;
    let client = test.client().await;
    // As if it had not been there then.
    client
        .batch_execute(
            "revoke all on neurolink_events from neurolink_producer; drop owned by neurolink_producer;
             update neurolink_meta set value = '' where key = 'objects_roles'",
        )
        .await
        .unwrap();
    let state = neurolink::db::migrate::check(&test.db()).await.unwrap();
    assert!(state.is_ready(), "a new role stops nobody");
    assert!(
        neurolink::db::migrate::run(&test.db())
            .await
            .unwrap()
            .objects_applied
    );
    client
        .batch_execute(
            "set role neurolink_producer; select neurolink_emit('sales', 'order.approved', '{}')",
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn the_views_answer() {
    let test = TestDb::new().await;
    let client = test.client().await;
    client.query_one(EMIT, &[&"{}", &"k"]).await.unwrap();
    client
        .batch_execute(
            "insert into neurolink_jobs (kind, ref_id, run_at) values ('event', 2, now() - interval '2 minutes'),
                    ('event', 3, now() + interval '1 hour');
             insert into neurolink_inboxes (user_id, unread_count) values ('u', 3);
             select neurolink_pause('delivery', 'email', 'mail server moves')",
        )
        .await
        .unwrap();
    let health = client
        .query_one(
            "select waiting, scheduled, running, oldest_waiting_seconds >= 120, paused, lane from neurolink_queue_health",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(
        (
            health.get::<_, i64>(0),
            health.get::<_, i64>(1),
            health.get::<_, i64>(2)
        ),
        (2, 1, 0)
    );
    assert!(health.get::<_, bool>(3) && !health.get::<_, bool>(4));
    assert_eq!(health.get::<_, &str>(5), "normal");
    let stuck = client
        .query_one("select ref_id, why from neurolink_stuck_jobs", &[])
        .await
        .unwrap();
    assert_eq!(stuck.get::<_, i64>(0), 2);
    assert_eq!(stuck.get::<_, &str>(1), "no worker is running");
    assert_eq!(count(&client, "neurolink_inbox_drift").await, 1);
    assert_eq!(count(&client, "neurolink_pauses").await, 1);
    let resumed: bool = client
        .query_one("select neurolink_resume('delivery', 'email')", &[])
        .await
        .unwrap()
        .get(0);
    assert!(resumed);
}

#[tokio::test]
async fn a_rule_keeps_its_versions_and_moves_the_revision() {
    let test = TestDb::new().await;
    let client = test.client().await;
    // The insert of the README, word by word.
    client
        .batch_execute(
            r#"INSERT INTO neurolink_notification_rules (name, source_module, event_type_pattern, notification_template, priority)
    VALUES ('invoice_overdue', 'invoicing', 'invoice.overdue', '{
      "title": "Invoice {{invoice_number}} is overdue",
      "body": "Invoice #{{invoice_number}} for {{customer_name}} is {{days_overdue}} days overdue. Amount: {{amount}} {{currency}}",
      "severity": "warning", "action_url": "/invoices/{{invoice_id}}", "action_label": "View Invoice",
      "channels": ["in_app", "email"], "recipient_roles": ["accountant", "finance_manager"] }'::jsonb, 100);"#,
        )
        .await
        .unwrap();
    client
        .batch_execute(
            "update neurolink_notification_rules set priority = 200;
             update neurolink_notification_rules set priority = 200;
             update neurolink_notification_rules set version = 40",
        )
        .await
        .unwrap();
    assert_eq!(count(&client, "neurolink_rule_versions").await, 2);
    assert_eq!(
        count(&client, "neurolink_notification_rules where version = 2").await,
        1
    );
    assert_eq!(
        count(
            &client,
            "neurolink_meta where key = 'rules_rev' and value::bigint > 1"
        )
        .await,
        1
    );
}

#[tokio::test]
async fn an_ordinary_role_that_owns_the_schema_can_do_it_all() {
    let test = TestDb::empty().await;
    let admin = test.client().await;
    let role = test.name();
    admin
        .batch_execute(&format!(
            "create role {role} login; create schema erp authorization {role}; alter role {role} set search_path = erp"
        ))
        .await
        .unwrap();
    let mut config = test.config();
    config.user(role);
    let db = neurolink::db::Db::open(
        config.clone(),
        config,
        2,
        std::time::Duration::from_secs(30),
    )
    .unwrap();
    assert_eq!(
        neurolink::db::migrate::run(&db).await.unwrap().schema,
        "erp"
    );
    let client = db.client().await.unwrap();
    let epoch: String = client
        .query_one("select neurolink_epoch()", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(epoch.len(), 8);
    client.query_one(EMIT, &[&"{}", &"k"]).await.unwrap();
    assert_eq!(count(&client, "neurolink_jobs").await, 1);
    drop(client);
    db.close();
    admin
        .batch_execute(&format!("drop owned by {role} cascade; drop role {role}"))
        .await
        .unwrap();
}
