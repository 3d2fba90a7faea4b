//! Tables of every shape, and payloads.

use serde_json::json;

use super::{deeds, invoices, payloads, refused, run};
use crate::support::TestDb;

#[tokio::test]
async fn a_changed_key_is_one_row_gone_and_another_come() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    invoices(&sql).await;
    run(&sql, "insert into erp.invoices (id) values (1), (2); update erp.invoices set id = 3, status = 'paid' where id = 1").await;
    let mut deeds_all = deeds(&sql).await.split_off(2);
    deeds_all.sort();
    assert_eq!(deeds_all, ["delete 1", "insert 3"]);
    // Where coming and going isn't watched, it is nothing.
    run(
        &sql,
        "select neurolink_watch('erp.invoices', event_type => 'invoice.status_changed', columns => '{status}', operations => '{update}');
         truncate neurolink_events;
         update erp.invoices set id = 4, status = 'void' where id = 3;
         update erp.invoices set status = 'void' where id = 2",
    )
    .await;
    assert_eq!(deeds(&sql).await, ["update 2"]);
}

#[tokio::test]
async fn names_types_and_schemas_of_every_kind_are_taken() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    run(
        &sql,
        r#"create schema "ERP ""2""";
           create type "ERP ""2"""."حالة" as enum ('مفتوحة', 'مدفوعة');
           create domain "ERP ""2""".money_amount as numeric(18, 3);
           create table "ERP ""2"""."فواتير البيع" (
               "رقم" bigint, "Row's 5% Kind" text, p jsonb, status "ERP ""2"""."حالة" default 'مفتوحة', amount "ERP ""2""".money_amount,
               total numeric generated always as (amount * 2) stored, tags text[], span int4range, at timestamptz, ok boolean, primary key ("رقم", "Row's 5% Kind"));
           set search_path to "ERP ""2""", public;
           select neurolink_watch('"فواتير البيع"', 'sale.changed', '{status,p}', name => 'it''s "it"');
           insert into "فواتير البيع" values (1, 'a', '{"x": [1.50]}', default, 1.25, default, '{a,b}', '[1,3)', '2026-01-02T03:04:05Z', true);
           update "فواتير البيع" set status = 'مدفوعة', p = '{"x": [1.5]}'"#,
    )
    .await;
    let found = payloads(&sql).await;
    assert_eq!(
        found[1],
        json!({"رقم": 1, "Row's 5% Kind": "a", "p": {"x": [1.5]}, "status": "مدفوعة", "amount": 1.25, "total": 2.5, "tags": ["a", "b"],
               "span": "[1,3)", "at": "2026-01-02T03:04:05+00:00", "ok": true, "operation": "update", "changed": ["status"],
               "old": {"status": "مفتوحة", "p": {"x": [1.5]}}, "new": {"status": "مدفوعة", "p": {"x": [1.5]}}})
    );
    let entity: String = sql
        .query_one("select distinct entity_id from neurolink_events", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(entity, "1:a");
    let again: String = sql
        .query_one(
            "select definition from neurolink_watch_health where state = 'ok'",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    run(
        &sql,
        &format!("select neurolink_unwatch('it''s \"it\"'); {again}"),
    )
    .await;
}

#[tokio::test]
async fn partitions_merges_and_conflicts_are_seen_through_the_table_that_was_named() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    run(
        &sql,
        "create table orders (id int, year int, state text, primary key (id, year)) partition by list (year);
         create table orders_1 partition of orders for values in (1);
         create table orders_2 partition of orders for values in (2);
         select neurolink_watch('orders', 'order.changed', '{state}');
         insert into orders values (1, 1, 'new'), (2, 2, 'new');
         update orders set state = 'done';
         insert into orders values (1, 1, 'again'), (3, 1, 'new') on conflict (id, year) do update set state = excluded.state",
    )
    .await;
    let mut found = deeds(&sql).await;
    found[2..].sort();
    assert_eq!(
        found,
        [
            "insert 1", "insert 2", "insert 3", "update 1", "update 1", "update 2"
        ]
    );
    let (_, said) = refused(&sql, "select neurolink_watch('orders_1', 'order.changed')").await;
    assert!(said.contains("is a partition"), "{said}");
}

#[tokio::test]
async fn without_a_key_rows_that_come_and_go_can_be_watched_and_updates_are_refused() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    run(&sql, "create table log (id int, line text)").await;
    let (code, said) = refused(&sql, "select neurolink_watch('log', 'log.line')").await;
    assert_eq!(code, "22023");
    assert!(
        said.contains("neither a primary key nor a unique index"),
        "{said}"
    );
    run(&sql, "select neurolink_watch('log', 'log.line', operations => '{delete,insert}'); insert into log values (1, 'a'); update log set line = 'b'; delete from log").await;
    assert_eq!(deeds(&sql).await, ["insert 1", "delete 1"]);
    // A unique index over columns that are never null will do.
    run(&sql, "create table named (id int not null unique, line text); select neurolink_watch('named', 'named.changed');
               truncate neurolink_events; insert into named values (5, 'a'); update named set line = 'b'").await;
    assert_eq!(deeds(&sql).await, ["insert 5", "update 5"]);
}

#[tokio::test]
async fn a_payload_holds_what_was_asked_for_and_nothing_huge() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    invoices(&sql).await;
    run(
        &sql,
        "select neurolink_watch('erp.invoices', 'invoice.changed', payload_columns => '{id,number}', name => 'few');
         select neurolink_watch('erp.invoices', 'invoice.changed', without_columns => '{number,amount,status,updated_by}', name => 'most');
         select neurolink_unwatch('invoice.status_changed');
         insert into erp.invoices (id, number, scan, notes) values (1, 'N', '\\x00', repeat('x', 40000));",
    )
    .await;
    let found = payloads(&sql).await;
    let new = json!({"id": 1, "number": "N"});
    assert_eq!(
        found[0],
        json!({"id": 1, "number": "N", "operation": "insert", "new": new})
    );
    assert_eq!(
        found[1],
        json!({"id": 1, "branch_id": null, "notes": null, "left_out": ["notes"], "operation": "insert",
               "new": {"id": 1, "branch_id": null, "notes": null}})
    );
    // What is too large to be told is seen to change all the same.
    run(
        &sql,
        "truncate neurolink_events; update erp.invoices set notes = notes || 'y'",
    )
    .await;
    assert_eq!(payloads(&sql).await[0]["changed"], json!(["notes"]));
}
