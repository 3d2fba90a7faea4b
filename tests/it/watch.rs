//! ERP tables as sources: what `neurolink_watch` makes of inserts, updates and deletes, on tables of every shape.

mod faults;
mod pairs;
mod prepared;
mod rights;
mod shapes;
mod waits;

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::{App, drained, people, rule};

/// Runs what must not fail.
async fn run(sql: &Client, statements: &str) {
    sql.batch_execute(statements)
        .await
        .unwrap_or_else(|error| panic!("{statements}: {:?}", error.as_db_error()));
}

/// What a statement fails with: its code and words.
async fn refused(sql: &Client, statement: &str) -> (String, String) {
    let error = sql.batch_execute(statement).await.expect_err(statement);
    let error = error.as_db_error().unwrap();
    (error.code().code().to_owned(), error.message().to_owned())
}

/// The payloads of all events so far, oldest first.
async fn payloads(sql: &Client) -> Vec<Value> {
    let rows = sql
        .query(
            "select payload::text from neurolink_events order by id",
            &[],
        )
        .await
        .unwrap();
    rows.iter()
        .map(|row| serde_json::from_str(row.get(0)).unwrap())
        .collect()
}

/// What the payloads say was done, with the row's `id`.
async fn deeds(sql: &Client) -> Vec<String> {
    let payloads = payloads(sql).await;
    let deed = |p: &Value| format!("{} {}", p["operation"].as_str().unwrap(), p["id"]);
    payloads.iter().map(deed).collect()
}

/// An ERP's table of invoices, and a watch of its status.
async fn invoices(sql: &Client) {
    run(
        sql,
        "create schema erp;
         create table erp.invoices (id bigint primary key, number text, status text not null default 'open', amount numeric(18, 3),
                                    branch_id text, updated_by text, scan bytea, notes text);
         select neurolink_watch('erp.invoices', event_type => 'invoice.status_changed', columns => '{status}',
                                source_module => 'invoicing', entity_type => 'invoice', branch_id => 'branch_id', actor_id => 'updated_by')",
    )
    .await;
}

#[tokio::test]
async fn a_row_that_comes_changes_and_goes_is_an_event_each_that_templates_can_read() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    invoices(&sql).await;
    run(
        &sql,
        "insert into erp.invoices values (7, 'INV-7', default, 12345678901234.567, 'BGD', 'ali', '\\xdead', null);
         update erp.invoices set status = 'paid' where id = 7;
         update erp.invoices set notes = 'nobody watches this' where id = 7;
         update erp.invoices set status = 'paid' where id = 7;
         delete from erp.invoices where id = 7",
    )
    .await;
    let row = |status: &str, notes: Value| json!({"id": 7, "number": "INV-7", "status": status, "branch_id": "BGD", "updated_by": "ali", "notes": notes});
    let mut came = row("open", Value::Null);
    let mut changed = row("paid", Value::Null);
    let mut gone = row("paid", json!("nobody watches this"));
    for (payload, more) in [
        (
            &mut came,
            json!({"operation": "insert", "new": {"status": "open"}}),
        ),
        (
            &mut changed,
            json!({"operation": "update", "old": {"status": "open"}, "new": {"status": "paid"}, "changed": ["status"]}),
        ),
        (
            &mut gone,
            json!({"operation": "delete", "old": {"status": "paid"}}),
        ),
    ] {
        let payload = payload.as_object_mut().unwrap();
        payload.extend(more.as_object().unwrap().clone());
    }
    let mut found = payloads(&sql).await;
    for payload in &mut found {
        payload.as_object_mut().unwrap().remove("amount").unwrap();
    }
    assert_eq!(found, [came, changed, gone]);
    let head: String = sql
        .query_one(
            "select distinct concat_ws(',', source_module, event_type, severity, entity_type, entity_id, branch_id, actor_id, payload ->> 'amount',
                                       occurred_at between now() - interval '1 minute' and clock_timestamp()) from neurolink_events",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(
        head,
        "invoicing,invoice.status_changed,info,invoice,7,BGD,ali,12345678901234.567,t"
    );
}

#[tokio::test]
async fn a_rule_tells_the_branch_of_a_change_in_an_erp_table() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    invoices(&sql).await;
    rule(
        &sql,
        "r",
        "invoice.*",
        &json!({"title": "Invoice {{number}}: {{old.status}} → {{status}} ({{join changed}})", "recipient_roles": ["accountant"],
                "exclude_actor": true}),
    )
    .await;
    run(&sql, "insert into erp.invoices (id, number, branch_id, updated_by) values (7, 'INV-7', 'BGD', 'ali')").await;
    run(&sql, "delete from neurolink_jobs").await;
    let app = App::start(&db).await;
    run(&sql, "update erp.invoices set status = 'paid'").await;
    drained(&sql).await;
    let told = sql
        .query("select user_id, title from neurolink_notifications", &[])
        .await
        .unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].get::<_, &str>(0), "nadia");
    assert_eq!(
        told[0].get::<_, &str>(1),
        "Invoice INV-7: open → paid (status)"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_bulk_of_rows_is_as_many_events_by_one_statement_whatever_came_before() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    invoices(&sql).await;
    run(
        &sql,
        "create table statements (n serial);
         create function note() returns trigger language plpgsql as $$ begin insert into statements default values; return null; end $$;
         create trigger note after insert on neurolink_events for each statement execute function note();
         insert into erp.invoices (id) values (0);
         update erp.invoices set status = 'one row first, so that its plan is kept';
         insert into erp.invoices (id) select generate_series(1, 20000);
         update erp.invoices set status = 'x' where id % 2 = 1;
         delete from erp.invoices where id > 19000",
    )
    .await;
    let counts: Vec<i64> = sql
        .query("select count(*) from neurolink_events group by payload ->> 'operation' order by payload ->> 'operation'", &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(counts, [1000, 20_001, 10_001]);
    let statements: i64 = sql
        .query_one("select count(*) from statements", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(statements, 5);
}

#[tokio::test]
async fn the_actor_without_a_column_is_the_setting_of_the_transaction() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    run(
        &sql,
        "create table t (id int primary key); select neurolink_watch('t', 't.x');
         insert into t values (1);
         begin; set local neurolink.actor = 'nadia'; insert into t values (2); commit;
         insert into t values (3)",
    )
    .await;
    let actors: Vec<Option<String>> = sql
        .query("select actor_id from neurolink_events order by id", &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(actors, [None, Some("nadia".to_owned()), None]);
}

#[tokio::test]
async fn what_can_t_be_watched_is_refused_with_the_reason() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    run(&sql, "create table t (id int primary key, a text); create view v as select * from t; create temp table tmp (id int primary key)").await;
    for (arguments, reason) in [
        ("'t', 'changed'", "is no event type"),
        ("'t', 't.x', source_module => 'Big'", "is no source_module"),
        ("'t', 't.x', severity => 'urgent'", "severity is"),
        ("'t', 't.x', operations => '{truncate}'", "operations are"),
        ("'t', 't.x', operations => '{}'", "operations are"),
        ("'t', 't.x', columns => '{}'", "names none"),
        ("'t', 't.x', columns => '{b}'", "has no column \"b\""),
        (
            "'t', 't.x', branch_id => 'branch'",
            "branch_id: t has no column \"branch\"",
        ),
        ("'v', 't.x'", "is not a table"),
        ("'tmp', 't.x'", "is a temporary table"),
        ("'neurolink_events', 't.x'", "is NeuroLink's own"),
    ] {
        let (_, said) = refused(&sql, &format!("select neurolink_watch({arguments})")).await;
        assert!(said.contains(reason), "{arguments}: {said}");
    }
}

#[tokio::test]
async fn a_watch_is_listed_replaced_by_its_name_and_taken_away_without_a_trace() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let count = async |what: &str| -> i64 {
        sql.query_one(&format!("select count(*) from {what}"), &[])
            .await
            .unwrap()
            .get(0)
    };
    run(
        &sql,
        "create table t (id int primary key, a text, b text); create table u (id int primary key);
               select neurolink_watch('t', 't.x', '{a}')",
    )
    .await;
    assert_eq!(
        count("pg_trigger where tgname like 'neurolink_watch%'").await,
        3
    );
    run(&sql, "select neurolink_watch('t', 't.x', '{b}', operations => '{update}', severity => 'warning');
               insert into t values (1); update t set a = 'x'; update t set b = 'x'").await;
    assert_eq!(deeds(&sql).await, ["update 1"]);
    assert_eq!(
        count("pg_trigger where tgname like 'neurolink_watch%'").await,
        1
    );
    let (code, said) = refused(&sql, "select neurolink_watch('u', 't.x')").await;
    assert_eq!(code, "42710", "{said}");
    // A table that was dropped and made anew is watched anew by the same name.
    run(&sql, "drop table t; create table t (id int primary key); select neurolink_watch('t', 't.x'); insert into t values (9)").await;
    assert_eq!(deeds(&sql).await, ["update 1", "insert 9"]);
    assert_eq!(count("neurolink_watch_health where state = 'ok'").await, 1);
    run(
        &sql,
        "select neurolink_unwatch('t.x'); insert into t values (10)",
    )
    .await;
    assert_eq!(count("neurolink_events").await, 2);
    assert_eq!(count("neurolink_watches").await, 0);
    assert_eq!(
        count("pg_proc where proname ~ '^neurolink_watch_\\d'").await,
        0
    );
    assert_eq!(
        refused(&sql, "select neurolink_unwatch('t.x')").await.0,
        "42704"
    );
    assert_eq!(
        count("neurolink_audit_log where subject_kind = 'watch' and subject_id = 't.x'").await,
        4
    );
}
