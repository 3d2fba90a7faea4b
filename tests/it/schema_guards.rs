//! What the SQL side refuses for everybody's sake: values that would stop all workers, pauses that would pause nothing,
//! and functions of strangers in the place of PostgreSQL's own.

use tokio_postgres::Client;

use crate::support::TestDb;

async fn refusal(client: &Client, sql: &str) -> String {
    let error = client.batch_execute(sql).await.unwrap_err();
    let error = error.as_db_error().unwrap();
    format!("{} {}", error.code().code(), error.message())
}

#[tokio::test]
async fn times_that_no_worker_can_read_are_refused_where_they_are_written() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    for time in ["infinity", "-infinity", "0001-01-01 BC"] {
        for write in [
            format!(
                "insert into neurolink_events (source_module, event_type, received_at) values ('m', 'a.b', '{time}')"
            ),
            format!(
                "insert into neurolink_jobs (kind, ref_id, run_at) values ('event', 1, '{time}')"
            ),
        ] {
            assert!(refusal(&sql, &write).await.starts_with("23514"), "{write}");
        }
    }
}

#[tokio::test]
async fn a_misspelt_pause_is_refused_instead_of_pausing_nothing() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    for pause in [
        "select neurolink_pause('deliveries')",
        "select neurolink_pause(null)",
        "select neurolink_pause('delivery', 'mail')",
        "select neurolink_pause('delivery', null)",
        "select neurolink_pause('event', 'email')",
    ] {
        let refused = refusal(&sql, pause).await;
        assert!(
            refused.starts_with("22023 neurolink_pause"),
            "{pause}: {refused}"
        );
    }
    sql.batch_execute(
        "select neurolink_pause('event'); select neurolink_pause('delivery', 'email')",
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn a_strangers_function_in_our_schema_is_not_called_with_our_rights() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    // As anybody may who can create in the schema, which before PostgreSQL 15 is everybody in `public`.
    sql.batch_execute(
        "create function hashtext(name) returns integer language plpgsql as
           $$ begin raise exception 'a stranger was called'; end $$;
         create function concat_ws(text, bigint, text, oid, bigint) returns text language plpgsql as
           $$ begin raise exception 'a stranger was called'; end $$;
         select neurolink_emit('m', 'a.b', '{}'); select neurolink_epoch()",
    )
    .await
    .unwrap();
}
