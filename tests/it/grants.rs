//! The roles a DBA may create, by what each may not do, and the little it may.

use tokio_postgres::Client;

use crate::support::TestDb;

const PERMISSION_DENIED: &str = "42501";

/// A connection as a role.
async fn as_role(db: &TestDb, role: &str) -> Client {
    let client = db.client().await;
    client
        .batch_execute(&format!("set role {role}"))
        .await
        .unwrap();
    client
}

async fn refused(client: &Client, statements: &[&str]) {
    for statement in statements {
        let error = client.batch_execute(statement).await.expect_err(statement);
        let code = error.code().map(|code| code.code().to_owned());
        assert_eq!(
            code.as_deref(),
            Some(PERMISSION_DENIED),
            "{statement}: {error:?}"
        );
    }
}

async fn allowed(client: &Client, statements: &[&str]) {
    for statement in statements {
        let done = client.batch_execute(statement).await;
        done.unwrap_or_else(|error| panic!("{statement}: {:?}", error.as_db_error()));
    }
}

/// What changes a hot table, the log or the schema by hand: nobody's but the owner's.
const BY_HAND: [&str; 19] = [
    "insert into neurolink_jobs (kind, ref_id) values ('event', 1)",
    "update neurolink_jobs set run_at = now()",
    "delete from neurolink_jobs",
    "truncate neurolink_jobs",
    "update neurolink_events set severity = 'info'",
    "delete from neurolink_events",
    "delete from neurolink_event_outcomes",
    "update neurolink_notifications set read_at = now()",
    "update neurolink_inboxes set rev = 0",
    "update neurolink_delivery_log set status = 'pending'",
    "delete from neurolink_delivery_attempts",
    "delete from neurolink_dead_jobs",
    "delete from neurolink_audit_log",
    "insert into neurolink_followers (entity_type, entity_id, user_id) values ('order', '1', 'ali')",
    "insert into neurolink_audit_log (actor, action, subject_kind, subject_id) values ('x', 'x', 'x', 'x')",
    "update neurolink_meta set value = '9'",
    "delete from neurolink_metrics",
    "alter table neurolink_users add column x int",
    "drop view neurolink_directory",
];

/// Secrets and doors of the server.
const SECRETS: [&str; 4] = [
    "select rolpassword from pg_authid",
    "select pg_read_file('postgresql.conf')",
    "create role somebody",
    "copy neurolink_users to '/tmp/neurolink_users'",
];

#[tokio::test]
async fn a_producer_may_put_events_in_and_see_nothing() {
    let db = TestDb::new().await;
    let producer = as_role(&db, "neurolink_producer").await;
    allowed(
        &producer,
        &[
            "insert into neurolink_events (source_module, event_type) values ('sales', 'order.created')",
            "select neurolink_emit('sales', 'order.created', '{}')",
            "select neurolink_follow('ali', 'order', '1')",
            "select neurolink_unfollow('ali', 'order', '1')",
        ],
    )
    .await;
    refused(&producer, &BY_HAND).await;
    refused(&producer, &SECRETS).await;
    refused(
        &producer,
        &[
            "insert into neurolink_events (source_module, event_type, received_at) values ('sales', 'order.created', now())",
            "select * from neurolink_events",
            "select * from neurolink_directory",
            "select * from neurolink_delivery_log",
            "select * from neurolink_queue_health",
            "select * from neurolink_metrics",
            "select * from neurolink_queue_depth()",
            "select * from neurolink_user_timeline('nadia')",
            "select * from neurolink_event_trace(1)",
            "select neurolink_pause('event')",
            "select neurolink_roll_up()",
            "select neurolink_audit('x', 'x', 'x', null, null)",
            "insert into neurolink_notification_rules (name, event_type_pattern, notification_template) values ('x', '*', '{}')",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_reader_may_look_and_change_nothing() {
    let db = TestDb::new().await;
    let reader = as_role(&db, "neurolink_readonly").await;
    allowed(
        &reader,
        &[
            "select * from neurolink_events, neurolink_delivery_log, neurolink_audit_log, neurolink_metrics_hours",
            "select * from neurolink_queue_depth()",
            "select * from neurolink_user_timeline('nadia')",
            "select * from neurolink_event_trace(1)",
            "select * from neurolink_vacuum_pins",
            "select * from neurolink_rule_statistics",
        ],
    )
    .await;
    refused(&reader, &BY_HAND).await;
    refused(&reader, &SECRETS).await;
    refused(
        &reader,
        &[
            "select * from neurolink_stream_tickets",
            "select neurolink_emit('sales', 'order.created', '{}')",
            "select neurolink_pause('event')",
            "select neurolink_resume('event')",
            "select neurolink_roll_up()",
            "select neurolink_roll_minute(now())",
            "select neurolink_recount_inbox('nadia')",
            "select neurolink_tell('nadia', 'x')",
            "select neurolink_audit('x', 'x', 'x', null, null)",
            "insert into neurolink_notification_rules (name, event_type_pattern, notification_template) values ('x', '*', '{}')",
            "update neurolink_users set roles = '{admin}'",
            "delete from neurolink_user_preferences",
        ],
    )
    .await;
}

#[tokio::test]
async fn an_admin_steers_by_functions_and_writes_rules_and_people_and_nothing_else() {
    let db = TestDb::new().await;
    let admin = as_role(&db, "neurolink_admin").await;
    allowed(
        &admin,
        &[
            "insert into neurolink_users (id, roles) values ('zainab', '{cfo}')",
            "insert into neurolink_notification_rules (name, event_type_pattern, notification_template)
             values ('all', '*', '{\"title\": \"x\", \"recipient_roles\": [\"cfo\"]}')",
            "update neurolink_notification_rules set priority = 5",
            "insert into neurolink_user_preferences (user_id, channels) values ('zainab', '{\"*\": {\"email\": false}}')",
            "select neurolink_emit('sales', 'order.created', '{}')",
            "select neurolink_pause('delivery', 'email', 'moving')",
            "select neurolink_resume('delivery', 'email')",
            "select neurolink_roll_up()",
            "select neurolink_tell('zainab', 'Welcome')",
            "do $$ begin perform neurolink_recount_inbox('nobody'); exception when no_data_found then null; end $$",
            "select * from neurolink_directory",
            "select * from neurolink_event_trace(1)",
        ],
    )
    .await;
    // Versions and the log were written for it, by triggers that have the owner's rights.
    let versions: i64 = admin
        .query_one("select count(*) from neurolink_rule_versions", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(versions, 2);
    let logged: i64 = admin
        .query_one(
            "select count(*) from neurolink_audit_log where action in ('rule.created', 'rule.updated', 'person.created', 'preferences.created')",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(logged, 4);
    refused(&admin, &BY_HAND).await;
    refused(&admin, &SECRETS).await;
    refused(
        &admin,
        &[
            "select * from neurolink_stream_tickets",
            "insert into neurolink_pauses (kind) values ('event')",
            "truncate neurolink_users",
            "alter table neurolink_notification_rules disable trigger all",
            "drop table neurolink_metrics",
            "create or replace view neurolink_directory as select 1 as id",
            "update neurolink_rule_versions set version = 9",
            "delete from neurolink_workers",
            "select neurolink_roll_minute(now())",
            "insert into neurolink_schema_history (version) values (99)",
        ],
    )
    .await;
    allowed(
        &admin,
        &[
            "delete from neurolink_notification_rules",
            "delete from neurolink_users",
        ],
    )
    .await;
    let owner = db.client().await;
    owner
        .batch_execute("delete from neurolink_jobs")
        .await
        .unwrap();
}

#[tokio::test]
async fn nothing_of_ours_is_open_to_everybody() {
    let db = TestDb::new().await;
    let owner = db.client().await;
    let open = owner
        .query_one(
            "select coalesce(string_agg(what, ', '), '') from (
                 select p.oid::regprocedure::text as what from pg_proc p
                  where p.proname like 'neurolink\\_%' and has_function_privilege('public', p.oid, 'execute')
                 union all
                 select c.relname from pg_class c, unnest(array['select', 'insert', 'update', 'delete']) as privilege
                  where c.relname like 'neurolink\\_%' and c.relkind in ('r', 'v') and has_table_privilege('public', c.oid, privilege)) o",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(open.get::<_, String>(0), "");
}
