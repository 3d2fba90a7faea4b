//! What an update was is told of pairs that are certain, and of no others.

use neurolink::db::migrate;
use tokio_postgres::AsyncMessage;

use super::faults::state;
use super::{deeds, payloads, refused, run};
use crate::support::TestDb;

/// A table whose key is its `id`, watched; three rows, and no events yet.
async fn lines(sql: &tokio_postgres::Client) {
    run(
        sql,
        "create schema erp; create table erp.lines (id int primary key, line int not null default 0, status text, notes text);
         insert into erp.lines select n, 0, 'open' from generate_series(1, 3) n;
         select neurolink_watch('erp.lines', 'line.changed', '{status}')",
    )
    .await;
}

#[tokio::test]
async fn a_key_that_is_gone_makes_no_pairs_of_strangers_and_says_so() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    lines(&sql).await;
    run(
        &sql,
        "alter table erp.lines drop constraint lines_pkey;
         insert into erp.lines select 9, n, 'of twenty ' || n from generate_series(1, 20) n;
         truncate neurolink_events;
         update erp.lines set status = status || '!'",
    )
    .await;
    assert_eq!(deeds(&sql).await, [""; 0]);
    let gone =
        "the key of erp.lines is gone, by which the old and the new rows of an update are paired";
    let (state_now, failed, error) = state(&sql, "line.changed").await;
    assert_eq!(
        (state_now.as_str(), failed, error.as_deref()),
        ("key_gone", 1, Some(gone))
    );
    // Nor does a migrate, that writes the text anew; what comes and goes is told all the same.
    run(
        &sql,
        "update neurolink_watches set last_error = null; delete from neurolink_meta where key = 'objects_checksum'",
    )
    .await;
    migrate::run(&db.db()).await.unwrap();
    run(
        &sql,
        "update erp.lines set status = status || '!'; delete from erp.lines where id = 3; insert into erp.lines values (10)",
    )
    .await;
    assert_eq!(deeds(&sql).await, ["delete 3", "insert 10"]);
    assert_eq!(state(&sql, "line.changed").await.2.as_deref(), Some(gone));
    let (_, said) = refused(
        &sql,
        "select neurolink_watch('erp.lines', 'line.changed', '{status}')",
    )
    .await;
    assert!(said.contains("neither a primary key"), "{said}");
    // A key of more columns is found by itself, and nothing is wrong any more.
    run(
        &sql,
        "alter table erp.lines add primary key (id, line); truncate neurolink_events; update erp.lines set status = 'x'",
    )
    .await;
    assert_eq!(deeds(&sql).await.len(), 23);
    assert_eq!(state(&sql, "line.changed").await.0, "ok");
}

#[tokio::test]
async fn a_key_that_has_grown_is_taken_up_by_the_first_statement_that_needs_it() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    lines(&sql).await;
    run(
        &sql,
        "alter table erp.lines drop constraint lines_pkey, add primary key (id, line);
         insert into erp.lines select 1, n, 'of twenty' from generate_series(1, 20) n;
         truncate neurolink_events;
         update erp.lines set notes = 'watched by nobody';
         update erp.lines set status = 'x' || line;
         update erp.lines set status = 'y' || line",
    )
    .await;
    let wrong: i64 = sql
        .query_one(
            "select count(*) from neurolink_events
              where entity_id <> (payload ->> 'id') || ':' || (payload ->> 'line') or payload ->> 'operation' <> 'update'
                 or payload #>> '{new,status}' not in ('x' || (payload ->> 'line'), 'y' || (payload ->> 'line'))",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!((deeds(&sql).await.len(), wrong), (46, 0));
    assert_eq!(
        state(&sql, "line.changed").await,
        ("ok".to_owned(), 0, None)
    );
}

#[tokio::test]
async fn rows_of_tables_that_inherit_are_told_of_where_their_key_is_theirs_alone() {
    let db = TestDb::new().await;
    let (sql, mut messages) = db.client_with_messages().await;
    run(
        &sql,
        "create table base (id int primary key, s text); create table child (more text) inherits (base);
         insert into base values (1, 'a'), (2, 'b'); insert into child values (1, 'c'), (3, 'd');
         select neurolink_watch('base', 'base.changed');
         update base set s = s || '!'; insert into child values (4, 'e')",
    )
    .await;
    let mut found = deeds(&sql).await;
    found.sort();
    assert_eq!(found, ["update 2", "update 3"]);
    let (state_now, failed, error) = state(&sql, "base.changed").await;
    assert_eq!((state_now.as_str(), failed), ("failing", 1));
    assert!(error.unwrap().contains("tables that inherit from it"));
    let mut said = String::new();
    while let Ok(message) = messages.try_recv() {
        if let AsyncMessage::Notice(notice) = message {
            said.push_str(notice.message());
        }
    }
    assert!(said.contains("tables inherit from base"), "{said}");
}

#[tokio::test]
async fn a_row_that_foreign_keys_change_twice_by_one_statement_is_one_change() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    run(
        &sql,
        "create table parent (id int primary key);
         create table child (id int primary key, a int references parent on delete set null, b int references parent on delete set null,
                             s text, j json default '{}');
         insert into parent select generate_series(1, 4); insert into child values (1, 1, 2), (2, 3, 4);
         select neurolink_watch('child', 'child.changed'); select neurolink_watch('child', 'child.s', '{s}');
         delete from parent where id in (1, 2, 3)",
    )
    .await;
    let found = payloads(&sql).await;
    let mut changes: Vec<String> = found
        .iter()
        .map(|p| {
            format!(
                "{} {} {} {}",
                p["id"], p["changed"], p["old"]["a"], p["old"]["b"]
            )
        })
        .collect();
    changes.sort();
    assert_eq!(changes, [r#"1 ["a","b"] 1 2"#, r#"2 ["a"] 3 4"#]);
    for name in ["child.changed", "child.s"] {
        assert_eq!(state(&sql, name).await, ("ok".to_owned(), 0, None));
    }
}

#[tokio::test]
async fn many_rows_of_one_key_are_seen_before_they_are_multiplied() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    lines(&sql).await;
    // A hundred million pairs would take minutes.
    run(
        &sql,
        "alter table erp.lines drop constraint lines_pkey, alter column id drop not null;
         insert into erp.lines select nullif(n % 2, 0), n, 'open' from generate_series(1, 20000) n;
         truncate neurolink_events; set statement_timeout = '20s';
         update erp.lines set notes = 'x'; update erp.lines set status = 'paid'",
    )
    .await;
    assert_eq!(deeds(&sql).await, [""; 0]);
    assert_eq!(state(&sql, "line.changed").await.0, "key_gone");
}

#[tokio::test]
async fn very_many_rows_that_are_changed_twice_are_told_apart_within_little_memory() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    // Compared one by one, twenty thousand rows would take minutes.
    run(
        &sql,
        "create table parent (id int primary key);
         create table child (id int primary key, a int references parent on delete set null, b int references parent on delete set null);
         create index on child (a); create index on child (b);
         insert into parent values (1); insert into child select n, 1, 1 from generate_series(1, 20000) n;
         select neurolink_watch('child', 'child.changed'); truncate neurolink_events;
         set work_mem = '64kB'; set statement_timeout = '30s'; delete from parent",
    )
    .await;
    let told =
        "select count(*) from neurolink_events where payload -> 'changed' = '[\"a\", \"b\"]'";
    let told: i64 = sql.query_one(told, &[]).await.unwrap().get(0);
    assert_eq!(told, 20_000);
    assert_eq!(
        state(&sql, "child.changed").await,
        ("ok".to_owned(), 0, None)
    );
}
