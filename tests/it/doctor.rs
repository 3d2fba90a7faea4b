//! `neurolink doctor`: each finding provoked for real and mended by its own cure, and none where all is well.

mod command;
mod directory;
mod machine;
mod recount;

use std::time::Duration;

use neurolink::db::{Db, migrate};
use neurolink::ops::doctor::{Finding, Limits, Report, Severity};
use serde_json::json;
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::{App, config, event, people, rule, until};

/// The test server keeps nothing safe, which the doctor rightly says of it.
const OF_THE_TEST_SERVER: &str = "durability_off";

/// What the database part finds, but for the test server's own fault.
async fn look(db: &Db, settings: &[(&str, &str)], limits: &Limits) -> Report {
    let mut report = Report::default();
    report
        .look_at_database(&config(settings), db, limits, "a test's")
        .await;
    report.findings.retain(|f| f.code != OF_THE_TEST_SERVER);
    report
}

async fn codes(db: &TestDb) -> Vec<&'static str> {
    let report = look(&db.db(), &[], &Limits::default()).await;
    report.findings.iter().map(|finding| finding.code).collect()
}

async fn found(db: &TestDb, code: &str) -> Finding {
    let report = look(&db.db(), &[], &Limits::default()).await;
    let found = report.findings.iter().find(|finding| finding.code == code);
    found
        .unwrap_or_else(|| panic!("no {code} in {report:#?}"))
        .clone()
}

async fn run(sql: &Client, statements: &str) {
    sql.batch_execute(statements)
        .await
        .unwrap_or_else(|error| panic!("{statements}: {:?}", error.as_db_error()));
}

/// A database with people, a rule and an entry of a live worker, so that nothing is left to be said.
async fn sound(sql: &Client) {
    // Before PostgreSQL 15 it is open by default.
    run(sql, "revoke create on schema public from public").await;
    people(sql).await;
    rule(
        sql,
        "r",
        "a.b",
        &json!({"title": "T", "recipient_users": ["ali"]}),
    )
    .await;
    alive(sql, "17").await;
}

async fn alive(sql: &Client, pid: &str) {
    // As far as anybody can tell for the length of a test.
    let statement = format!(
        "insert into neurolink_workers (incarnation, host, pid, version, works, heartbeat_at)
         values (gen_random_uuid(), 'erp-1', {pid}, '{}', true, now() + interval '1 hour')",
        env!("CARGO_PKG_VERSION")
    );
    run(sql, &statement).await;
}

/// What goes wrong in a database, the finding that tells of it, and how it is mended: by the finding's own first cure (empty),
/// or by this.
const TROUBLES: [(&str, &str, &str); 15] = [
    ("grant create on schema public to public", "schema_open", ""),
    ("alter table neurolink_jobs disable trigger neurolink_jobs_wake", "trigger_disabled", ""),
    ("alter table neurolink_inboxes set (autovacuum_enabled = off)", "autovacuum_off", ""),
    ("update pg_index set indisvalid = false where indexrelid = 'neurolink_delivery_log_dead_ix'::regclass", "index_invalid",
     "reindex index neurolink_delivery_log_dead_ix"),
    ("select neurolink_pause('delivery', 'email', 'moving')", "paused", "select neurolink_resume('delivery', 'email')"),
    ("insert into neurolink_dead_jobs (id, kind, ref_id, lane, attempt, max_attempts, last_error, created_at)
      values (99, 'event', 3, 1, 5, 5, 'too deep', now())", "jobs_dead", "select neurolink_discard(99)"),
    ("insert into neurolink_delivery_log (id, notification_id, user_id, channel, status, last_error, ended_at)
      values (33, 1, 'ali', 'email', 'dead', 'mailbox full', now())", "deliveries_dead", "delete from neurolink_delivery_log"),
    ("insert into neurolink_delivery_log (id, notification_id, user_id, channel, status, last_error)
      values (33, 1, 'ali', 'sms', 'suppressed', 'not_configured')", "channel_not_configured", "delete from neurolink_delivery_log"),
    ("insert into neurolink_jobs (kind, ref_id, run_at) values ('event', 9, now() - interval '10 minutes')", "jobs_late",
     "delete from neurolink_jobs"),
    ("insert into neurolink_workers (incarnation, host, pid, version, works, heartbeat_at)
      values (gen_random_uuid(), 'erp-2', 18, '0.1.0', true, now() - interval '1 minute')", "worker_silent",
     "delete from neurolink_workers where host = 'erp-2'"),
    ("update neurolink_workers set works = false", "workers_none", "update neurolink_workers set works = true"),
    ("update neurolink_meta set value = 'x' where key = 'objects_checksum'", "objects_old", "migrate"),
    ("drop view neurolink_dead_work", "object_missing", "migrate"),
    ("insert into neurolink_rule_faults (rule_id, version, kind, place, detail)
      select id, version, 'watchdog', '/conditions', 'it took 5 s' from neurolink_notification_rules", "rule_faulty",
     "delete from neurolink_rule_faults"),
    ("insert into neurolink_rule_holds (rule_id, version, reason, limit_per_minute)
      select id, version, '101 notifications within a minute', 100 from neurolink_notification_rules", "rule_held", ""),
];

#[tokio::test]
async fn each_trouble_of_a_database_is_found_alone_and_gone_when_mended() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sound(&sql).await;
    assert_eq!(codes(&db).await, [""; 0]);
    for (trouble, code, mend) in TROUBLES {
        run(&sql, trouble).await;
        let finding = found(&db, code).await;
        assert_eq!(codes(&db).await, [code], "{trouble}");
        assert!(
            finding.evidence.as_object().is_some_and(|e| !e.is_empty()),
            "{finding:?}"
        );
        match mend {
            "" => run(&sql, &finding.cure[0]).await,
            "migrate" => {
                run(
                    &sql,
                    "delete from neurolink_meta where key = 'objects_checksum'",
                )
                .await;
                migrate::run(&db.db()).await.unwrap();
            }
            by_hand => run(&sql, by_hand).await,
        }
        assert_eq!(codes(&db).await, [""; 0], "after {mend}");
    }
}

#[tokio::test]
async fn a_running_node_with_work_behind_it_gives_nothing_to_say_and_a_rule_it_can_t_compile_does()
{
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    rule(
        &sql,
        "r",
        "a.b",
        &json!({"title": "T", "recipient_roles": ["accountant"], "channels": ["in_app"]}),
    )
    .await;
    let app = App::start(&db).await;
    event(&sql, "a.b", &json!({})).await;
    until(&sql, "select count(*) = 2 from neurolink_notifications").await;
    assert_eq!(codes(&db).await, [""; 0]);
    rule(
        &sql,
        "broken",
        "a.b",
        &json!({"title": "{{#if x}}", "recipient_users": ["ali"]}),
    )
    .await;
    until(&sql, "select exists (select from neurolink_rule_faults)").await;
    let finding = found(&db, "rule_faulty").await;
    assert_eq!(finding.evidence["rule"], "broken");
    app.stop().await;
}

#[tokio::test]
async fn events_that_fell_between_are_counted_with_their_range() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sound(&sql).await;
    run(
        &sql,
        "alter table neurolink_events disable trigger neurolink_events_queue;
         insert into neurolink_events (source_module, event_type, received_at)
         select 'erp', 'a.b', now() - interval '5 minutes' from generate_series(1, 3);
         alter table neurolink_events enable trigger neurolink_events_queue",
    )
    .await;
    let finding = found(&db, "events_lost").await;
    assert_eq!(
        (finding.severity, &finding.evidence["missing"]),
        (Severity::Error, &json!(3))
    );
    run(
        &sql,
        "insert into neurolink_event_outcomes (event_id) select id from neurolink_events",
    )
    .await;
    assert_eq!(codes(&db).await, [""; 0]);
}

#[tokio::test]
async fn work_that_nobody_takes_is_an_error_and_mails_without_settings_are_named() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sound(&sql).await;
    run(
        &sql,
        "update neurolink_workers set channels = '{}';
         insert into neurolink_jobs (kind, channel, ref_id, run_at) values ('delivery', 'email', 33, now() - interval '10 minutes')",
    )
    .await;
    assert_eq!(codes(&db).await, ["jobs_unattended", "channel_off"]);
    run(&sql, "select neurolink_pause('delivery', 'email')").await;
    assert_eq!(codes(&db).await, ["channel_off", "paused"]);
    run(&sql, "delete from neurolink_jobs").await;
}

#[tokio::test]
async fn a_snapshot_held_for_long_is_told_with_who_holds_it() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sound(&sql).await;
    let pin = db.client().await;
    run(
        &pin,
        "set application_name = 'report'; begin isolation level repeatable read; select 1",
    )
    .await;
    assert_eq!(codes(&db).await, [""; 0], "it is short yet");
    let strict = Limits {
        pin: Duration::ZERO,
        ..Limits::default()
    };
    let report = look(&db.db(), &[], &strict).await;
    let held: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|f| f.what.contains("report"))
        .collect();
    assert_eq!(held.len(), 1, "{report:#?}");
    assert_eq!(held[0].code, "vacuum_pinned");
    run(&sql, &held[0].cure[0]).await;
    assert!(
        pin.batch_execute("select 1").await.is_err(),
        "the cure ends it"
    );
}

#[tokio::test]
async fn a_schema_of_another_version_is_told_and_nothing_else_asked_of_it() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sound(&sql).await;
    for (trouble, code, mend) in [
        (
            "create table history as select * from neurolink_schema_history; delete from neurolink_schema_history where version > 1",
            "migrations_pending",
            "insert into neurolink_schema_history select * from history where version > 1",
        ),
        (
            "update neurolink_meta set value = '99.0.0' where key = 'min_binary'",
            "schema_unfit",
            "update neurolink_meta set value = '0.1.0' where key = 'min_binary'",
        ),
        (
            "update neurolink_meta set value = '99.0.0' where key = 'objects_version'",
            "schema_newer",
            "update neurolink_meta set value = '0.1.0' where key = 'objects_version'",
        ),
    ] {
        run(&sql, trouble).await;
        assert_eq!(codes(&db).await, [code]);
        run(&sql, mend).await;
    }
    assert_eq!(codes(&TestDb::empty().await).await, ["migrations_pending"]);
}

#[tokio::test]
async fn a_role_that_may_not_do_a_nodes_work_is_told_what_it_lacks() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sound(&sql).await;
    let mut as_reader = db.config();
    as_reader.options("-c role=neurolink_readonly");
    let reader = Db::open(as_reader.clone(), as_reader, 4, Duration::from_secs(5)).unwrap();
    let report = look(&reader, &[], &Limits::default()).await;
    let finding = report
        .findings
        .iter()
        .find(|finding| finding.code == "rights_missing");
    let finding = finding.unwrap_or_else(|| panic!("{report:#?}"));
    assert_eq!(finding.severity, Severity::Error);
    assert!(
        finding.what.contains("neurolink_readonly"),
        "{}",
        finding.what
    );
}

#[test]
fn every_code_is_on_the_page() {
    let page = include_str!("../../src/ops/README.md");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops/doctor");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let text = text.split("mod tests {").next().unwrap_or_default();
        for begin in ["::error(", "::warning(", "::note("] {
            for rest in text.split(begin).skip(1) {
                let Some(code) = rest.trim_start().strip_prefix('"') else {
                    continue;
                };
                let code = code.split('"').next().unwrap_or_default();
                let short = code.trim_start_matches("directory");
                assert!(
                    page.contains(&format!("`{code}`")) || page.contains(&format!("`{short}`")),
                    "{code}"
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 40, "{seen}");
}

#[tokio::test]
async fn every_trigger_view_and_function_of_a_schema_is_known_by_name() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let names = migrate::names();
    for (statement, known) in [
        (
            "select tgname::text from pg_trigger where tgname like 'neurolink\\_%' and not tgisinternal",
            &names.triggers,
        ),
        (
            "select relname::text from pg_class where relkind = 'v' and relname like 'neurolink\\_%' and relname <> 'neurolink_directory'",
            &names.views,
        ),
        (
            "select proname::text from pg_proc where proname like 'neurolink\\_%'",
            &names.functions,
        ),
    ] {
        let mut there: Vec<String> = sql
            .query(statement, &[])
            .await
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect();
        there.sort();
        there.dedup();
        assert_eq!(&there, known);
    }
}
