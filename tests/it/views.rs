//! The DBA's views and functions, by the examples of `sql/README.md`: each of them runs here, as the role that only looks, on a
//! database where things have happened.

use serde_json::json;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::support::TestDb;
use crate::support::app::{App, WHOLE, drained, event, people, rule, until};

const PAGE: &str = include_str!("../../sql/README.md");

/// The statements of the page's SQL blocks.
fn examples() -> Vec<&'static str> {
    PAGE.split("```sql\n")
        .skip(1)
        .flat_map(|rest| rest.split("```").next().unwrap_or_default().split(";\n"))
        .map(str::trim)
        .filter(|statement| !statement.is_empty())
        .collect()
}

/// People told by inbox and mail, a mail that is dead and one that waits for the morning, an event given up, a rule that is broken and
/// one that is held; all rolled up.
async fn lived_in(db: &TestDb, sql: &Client) {
    people(sql).await;
    let template = json!({"title": "Late", "recipient_roles": ["accountant"], "channels": ["in_app", "email"]});
    rule(sql, "late", "invoice.*", &template).await;
    rule(
        sql,
        "never",
        "nothing.ever",
        &json!({"title": "x", "recipient_roles": ["cfo"]}),
    )
    .await;
    let mails = tempfile::tempdir().unwrap();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", mails.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "TSH ERP <erp@tsh.example>"),
    ];
    let app = App::start_with(db, WHOLE, &settings).await;
    for _ in 0..3 {
        event(sql, "invoice.overdue", &json!({})).await;
    }
    drained(sql).await;
    until(
        sql,
        "select count(*) = 6 from neurolink_delivery_log where status = 'sent'",
    )
    .await;
    app.stop().await;
    sql.batch_execute(
        "update neurolink_delivery_log set status = 'dead', last_error = 'mailbox full', ended_at = now()
          where id = (select min(id) from neurolink_delivery_log where channel = 'email');
         insert into neurolink_dead_jobs (id, kind, ref_id, lane, attempt, max_attempts, last_error, created_at)
         values (99, 'event', 3, 1, 5, 5, 'too deep', now());
         insert into neurolink_jobs (kind, ref_id, run_at) values ('event', 9, now() - interval '10 minutes');
         insert into neurolink_rule_holds (rule_id, version, reason, limit_per_minute)
         select id, version, 'too many', 100 from neurolink_notification_rules where name = 'never';
         insert into neurolink_delivery_log (id, notification_id, user_id, channel, deferred_by) values (3169, 99, 'ali', 'email', 'quiet_hours');
         insert into neurolink_jobs (kind, channel, ref_id, run_at) values ('delivery', 'email', 3169, now() + interval '9 hours');
         create table erp (id int primary key);
         select neurolink_watch('erp', 'erp.changed');
         -- As if it had been a while ago.
         update neurolink_event_outcomes set evaluated_at = evaluated_at - interval '5 minutes';
         update neurolink_notifications set created_at = created_at - interval '5 minutes';
         update neurolink_delivery_log set created_at = created_at - interval '5 minutes', ended_at = ended_at - interval '5 minutes',
                sent_at = sent_at - interval '5 minutes';
         update neurolink_delivery_attempts set finished_at = finished_at - interval '5 minutes';
         select neurolink_roll_up()",
    )
    .await
    .unwrap();
}

async fn rows(sql: &Client, statement: &str) -> usize {
    let answer = sql
        .simple_query(statement)
        .await
        .unwrap_or_else(|error| panic!("{:?} in:\n{statement}", error.as_db_error()));
    answer
        .iter()
        .filter(|message| matches!(message, SimpleQueryMessage::Row(_)))
        .count()
}

#[tokio::test]
async fn every_example_of_the_page_runs_for_who_may_look_and_finds_what_has_happened() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    lived_in(&db, &sql).await;
    // Somebody pins vacuum.
    let pin = db.client().await;
    pin.batch_execute("begin isolation level repeatable read; select 1")
        .await
        .unwrap();
    let reader = db.client().await;
    reader
        .batch_execute("set role neurolink_readonly")
        .await
        .unwrap();
    let examples = examples();
    assert!(examples.len() >= 14, "the page's examples are found");
    for example in examples {
        let found = rows(&reader, example).await;
        let is_empty = example.contains("neurolink_inbox_drift")
            || example.contains("neurolink_worker_health");
        assert_eq!(found == 0, is_empty, "{found} rows of:\n{example}");
    }
    sql.batch_execute("delete from neurolink_jobs")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_traces_stations_follow_the_line_and_a_timeline_is_one_persons() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    lived_in(&db, &sql).await;
    let trace = sql
        .query(
            "select station, what, user_id, channel, detail from neurolink_event_trace((select min(id) from neurolink_events))",
            &[],
        )
        .await
        .unwrap();
    let stations: Vec<String> = trace.iter().map(|row| row.get(0)).collect();
    let mut expected = vec!["event", "outcome"];
    expected.extend(["notification"; 2]);
    expected.extend(["delivery"; 4]);
    expected.extend(["attempt"; 2]);
    assert_eq!(stations, expected);
    assert_eq!(trace[1].get::<_, &str>(1), "1 rules matched");
    let dead = trace
        .iter()
        .find(|row| row.get::<_, &str>(1) == "dead")
        .expect("the dead mail is in it");
    assert_eq!(dead.get::<_, Option<&str>>(4), Some("mailbox full"));

    let timeline = sql
        .query(
            "select distinct what from neurolink_user_timeline('nadia') where title = 'Late' order by what",
            &[],
        )
        .await
        .unwrap();
    let what: Vec<String> = timeline.iter().map(|row| row.get(0)).collect();
    assert!(
        what.contains(&"told".to_owned()) && what.contains(&"in_app delivered".to_owned()),
        "{what:?}"
    );
    let strangers = rows(&sql, "select * from neurolink_user_timeline('dina')").await;
    assert_eq!(strangers, 0, "another branch's accountant was told nothing");
    let few = rows(&sql, "select * from neurolink_user_timeline('nadia', 2)").await;
    assert_eq!(few, 2);
    sql.batch_execute("delete from neurolink_jobs")
        .await
        .unwrap();
}

#[tokio::test]
async fn statistics_of_rules_and_channels_come_from_the_roll_ups() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    lived_in(&db, &sql).await;
    let late = sql
        .query_one(
            "select notifications_1h, notifications_24h, notifications_7d, last_fired is not null
               from neurolink_rule_statistics where name = 'late'",
            &[],
        )
        .await
        .unwrap();
    let counts: [i64; 3] = [late.get(0), late.get(1), late.get(2)];
    assert_eq!((counts, late.get(3)), ([6; 3], true));
    let never = sql
        .query_one(
            "select notifications_7d, last_fired is null from neurolink_rule_statistics where name = 'never'",
            &[],
        )
        .await
        .unwrap();
    assert_eq!((never.get::<_, i64>(0), never.get(1)), (0, true));
    let email = sql
        .query_one(
            "select sum(sent)::bigint, sum(dead)::bigint from neurolink_delivery_success where channel = 'email'",
            &[],
        )
        .await
        .unwrap();
    // It was accepted before it was declared dead here.
    assert_eq!((email.get::<_, i64>(0), email.get::<_, i64>(1)), (6, 1));
    sql.batch_execute("delete from neurolink_jobs")
        .await
        .unwrap();
}

#[tokio::test]
async fn who_pins_vacuum_is_named_with_the_cure() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let pin = db.client().await;
    pin.batch_execute(
        "set application_name = 'monthly report'; begin isolation level repeatable read; select 1",
    )
    .await
    .unwrap();
    let pid: i32 = pin
        .query_one("select pg_backend_pid()", &[])
        .await
        .unwrap()
        .get(0);
    let found = sql
        .query_one(
            "select kind, who, cure from neurolink_vacuum_pins where who like '%monthly report%'",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(found.get::<_, &str>(0), "transaction");
    assert!(found.get::<_, &str>(1).starts_with(&pid.to_string()));
    assert_eq!(
        found.get::<_, String>(2),
        format!("select pg_terminate_backend({pid})")
    );
}

#[tokio::test]
async fn a_silent_worker_and_what_it_holds_are_seen() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "insert into neurolink_workers (incarnation, host, pid, version, works, heartbeat_at) values
           ('00000000-0000-0000-0000-000000000001', 'a', 1, '0', true, now()),
           ('00000000-0000-0000-0000-000000000002', 'b', 2, '0', true, now() - interval '1 minute');
         insert into neurolink_jobs (kind, channel, ref_id, claimed_by, run_at) values
           ('delivery', 'email', 1, '00000000-0000-0000-0000-000000000002', now() + interval '1 minute')",
    )
    .await
    .unwrap();
    let rows = sql
        .query(
            "select split_part(state, ':', 1), jobs_held from neurolink_worker_health order by host",
            &[],
        )
        .await
        .unwrap();
    let states: Vec<(String, i64)> = rows.iter().map(|r| (r.get(0), r.get(1))).collect();
    assert_eq!(states, [("alive".to_owned(), 0), ("silent".to_owned(), 1)]);
    sql.batch_execute("delete from neurolink_jobs; delete from neurolink_workers")
        .await
        .unwrap();
}
