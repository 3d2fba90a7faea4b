//! Whatever is wrong with a watch, the ERP's write goes on, and the fault is seen.

use neurolink::db::migrate;

use super::{deeds, invoices, payloads, run};
use crate::support::TestDb;

/// The watch that `invoices` makes.
const INVOICES: &str = "invoice.status_changed";

/// What is known of a watch: its state, how many statements lost their events, and why the last did.
pub(super) async fn state(
    sql: &tokio_postgres::Client,
    name: &str,
) -> (String, i64, Option<String>) {
    let row = sql
        .query_one(
            "select state, failed_count, last_error from neurolink_watch_health where name = $1",
            &[&name],
        )
        .await
        .unwrap();
    (row.get(0), row.get(1), row.get(2))
}

#[tokio::test]
async fn a_column_that_is_dropped_or_renamed_costs_no_event_unless_it_is_watched_itself() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    invoices(&sql).await;
    run(
        &sql,
        "insert into erp.invoices (id, number) values (1, 'N');
         alter table erp.invoices drop column notes; update erp.invoices set status = 'a';
         alter table erp.invoices rename column number to no; update erp.invoices set status = 'b';
         alter table erp.invoices alter column amount type text, add column more int; update erp.invoices set status = 'c'",
    )
    .await;
    assert_eq!(
        deeds(&sql).await,
        ["insert 1", "update 1", "update 1", "update 1"]
    );
    let last = payloads(&sql).await.pop().unwrap();
    assert_eq!(
        (&last["no"], last.get("number"), last.get("notes")),
        (&"N".into(), None, None)
    );
    assert_eq!(state(&sql, INVOICES).await, ("ok".to_owned(), 0, None));
    // The watched one is another matter: what changed can't be known.
    run(
        &sql,
        "alter table erp.invoices rename column status to state; update erp.invoices set state = 'd'; insert into erp.invoices (id) values (2)",
    )
    .await;
    assert_eq!(deeds(&sql).await.len(), 4);
    let (state_now, failed, error) = state(&sql, INVOICES).await;
    assert_eq!((state_now.as_str(), failed), ("column_gone", 2),);
    assert!(error.unwrap().contains("has no column \"status\""));
    run(
        &sql,
        "select neurolink_watch('erp.invoices', event_type => 'invoice.status_changed', columns => '{state}'); update erp.invoices set state = 'e'",
    )
    .await;
    assert_eq!(deeds(&sql).await.len(), 6);
    assert_eq!(state(&sql, INVOICES).await.0, "ok");
}

#[tokio::test]
async fn events_that_our_tables_refuse_never_fail_the_erp_s_write() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    invoices(&sql).await;
    // A DBA's own check, a trigger that raises, no table at all: all the same to the ERP.
    for (breaks, mends) in [
        (
            "alter table neurolink_events add constraint mine check (branch_id is not null)",
            "alter table neurolink_events drop constraint mine",
        ),
        (
            "alter table neurolink_event_outcomes rename to away; set neurolink.mute = 'on'",
            "alter table away rename to neurolink_event_outcomes; reset neurolink.mute",
        ),
        (
            "alter table neurolink_events rename to away",
            "alter table away rename to neurolink_events",
        ),
        (
            "alter table neurolink_watches rename to gone; alter table neurolink_events rename to away",
            "alter table gone rename to neurolink_watches; alter table away rename to neurolink_events",
        ),
    ] {
        run(
            &sql,
            "update neurolink_watches set failed_count = 0, last_failed_at = null",
        )
        .await;
        run(&sql, breaks).await;
        run(&sql, "begin; insert into erp.invoices (id) values (1); update erp.invoices set status = 'x'; delete from erp.invoices; insert into erp.invoices (id) values (2); commit").await;
        run(&sql, mends).await;
        assert_eq!(deeds(&sql).await, [""; 0], "{breaks}");
        let (state_now, failed, _) = state(&sql, INVOICES).await;
        let is_seen = (state_now.as_str(), failed) == ("failing", 4);
        assert!(
            is_seen || breaks.contains("neurolink_watches"),
            "{breaks}: {state_now} {failed}"
        );
        run(&sql, "alter table erp.invoices disable trigger user; delete from erp.invoices; alter table erp.invoices enable trigger user").await;
    }
    run(&sql, "insert into erp.invoices (id) values (3)").await;
    assert_eq!(deeds(&sql).await, ["insert 3"]);
}

#[tokio::test]
async fn a_locked_events_table_holds_the_erp_up_for_a_moment_and_no_longer() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let other = db.client().await;
    invoices(&sql).await;
    run(&other, "begin; lock table neurolink_events in share mode").await;
    run(&sql, "insert into erp.invoices (id) values (1)").await;
    run(&other, "commit").await;
    assert_eq!(deeds(&sql).await, [""; 0]);
    assert!(
        state(&sql, INVOICES)
            .await
            .2
            .unwrap()
            .contains("lock timeout")
    );
}

#[tokio::test]
async fn losses_are_counted_one_by_one_with_the_last_reason_and_many_of_them_sparingly() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    invoices(&sql).await;
    run(
        &sql,
        "alter table neurolink_events add constraint mine check (branch_id is not null)",
    )
    .await;
    for n in 1..6 {
        run(&sql, &format!("insert into erp.invoices (id) values ({n})")).await;
    }
    run(&sql, "alter table neurolink_events rename to away").await;
    run(&sql, "insert into erp.invoices (id) values (6)").await;
    run(&sql, "alter table away rename to neurolink_events").await;
    let (_, failed, error) = state(&sql, INVOICES).await;
    assert_eq!(failed, 6);
    assert!(error.unwrap().contains("does not exist"));
    let detail: String = sql
        .query_one(
            "select detail from neurolink_watch_health where detail like '%(last at ' || to_char(last_failed_at, 'YYYY-MM-DD HH24:MI:SS') || '%'",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert!(detail.contains("at least 6"), "{detail}");
    // A version of the row for each of very many would slow each that follows.
    run(
        &sql,
        "do $$ begin for n in 1..1000 loop update erp.invoices set status = n::text where id = 1; end loop; end $$",
    )
    .await;
    let (_, failed, _) = state(&sql, INVOICES).await;
    assert!((100..500).contains(&failed), "{failed}");
}

#[tokio::test]
async fn a_column_that_came_back_is_no_fault_any_more() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    invoices(&sql).await;
    run(
        &sql,
        "alter table erp.invoices rename column status to state; insert into erp.invoices (id) values (1)",
    )
    .await;
    assert_eq!(state(&sql, INVOICES).await.0, "column_gone");
    run(
        &sql,
        "alter table erp.invoices rename column state to status; insert into erp.invoices (id) values (2)",
    )
    .await;
    assert_eq!(deeds(&sql).await, ["insert 2"]);
    let (state_now, failed, _) = state(&sql, INVOICES).await;
    assert_eq!((state_now.as_str(), failed), ("ok", 1));
}

#[tokio::test]
async fn transactions_that_meet_the_same_fault_don_t_wait_for_each_other() {
    let db = TestDb::new().await;
    let (one, two) = (db.client().await, db.client().await);
    invoices(&one).await;
    run(
        &one,
        "alter table neurolink_events add constraint mine check (branch_id is not null)",
    )
    .await;
    run(&one, "begin; insert into erp.invoices (id) values (1)").await;
    // The first one has the watch's row locked, and is still open.
    run(&two, "set lock_timeout = '100ms'; begin isolation level repeatable read; insert into erp.invoices (id) values (2); commit").await;
    run(&one, "commit").await;
    let rows: i64 = one
        .query_one("select count(*) from erp.invoices", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!((rows, state(&one, INVOICES).await.1), (2, 1));
}

#[tokio::test]
async fn a_rolled_back_write_leaves_no_event() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    invoices(&sql).await;
    run(&sql, "begin; insert into erp.invoices (id) values (1); savepoint s; insert into erp.invoices (id) values (2); rollback to s; commit").await;
    assert_eq!(deeds(&sql).await, ["insert 1"]);
}

#[tokio::test]
async fn a_migrate_writes_the_functions_anew_and_leaves_what_it_can_t() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    invoices(&sql).await;
    run(
        &sql,
        "create table gone (id int primary key); select neurolink_watch('gone', 'gone.x'); drop table gone;
         create or replace function neurolink_watch_1() returns trigger language plpgsql as $$ begin return null; end $$;
         delete from neurolink_meta where key = 'objects_checksum'",
    )
    .await;
    migrate::run(&db.db()).await.unwrap();
    run(&sql, "insert into erp.invoices (id) values (1)").await;
    assert_eq!(deeds(&sql).await, ["insert 1"]);
    let states: Vec<String> = sql
        .query(
            "select state from neurolink_watch_health order by name",
            &[],
        )
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(states, ["table_gone", "ok"]);
    run(&sql, "select neurolink_unwatch('gone.x')").await;
}
