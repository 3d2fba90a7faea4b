//! One bad event never takes its batch with it: it is found, tried alone under committed attempts, and buried with its error.

use serde_json::json;
use tokio_postgres::Client;

use super::{number, outcome};
use crate::support::TestDb;
use crate::support::app::{App, people, rule, until};

/// Notes every job that is set apart, and every attempt of one that is committed.
const WATCH: &str = "
    create table set_apart (job bigint);
    create table attempts (job bigint, attempt integer);
    create function note() returns trigger language plpgsql as $$
    begin
        if new.channel = 'single' and old.channel = '' then insert into set_apart values (new.id); end if;
        if new.attempt > old.attempt then insert into attempts values (new.id, new.attempt); end if;
        return null;
    end $$;
    create trigger note after update on neurolink_jobs for each row execute function note();";

/// Refuses one notification, as a full disk or a DBA's trigger would.
const REFUSE: &str = "
    create function refuse() returns trigger language plpgsql as $$
    begin
        if new.title = 'Order 137' then raise exception 'no room for order 137'; end if;
        return new;
    end $$;
    create trigger refuse before insert on neurolink_notifications for each row execute function refuse();";

const THREE_HUNDRED: &str = "
    insert into neurolink_events (source_module, event_type, payload)
    select 'test', 'order.created', jsonb_build_object('n', n) from generate_series(1, 300) as n";

/// Lets waits for a next attempt end at once, until a job is given up. Its committed attempts.
async fn hurried_to_death(sql: &Client) -> Vec<i32> {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(5));
    while number(sql, "select count(*) from neurolink_dead_jobs").await == 0 {
        tick.tick().await;
        assert!(tokio::time::Instant::now() < deadline, "not given up");
        let hurry =
            "update neurolink_jobs set run_at = now() where claimed_by is null and run_at > now()";
        if sql.execute(hurry, &[]).await.unwrap() > 0 {
            sql.batch_execute("notify neurolink_wake").await.unwrap();
        }
    }
    let of_dead = "select a.attempt from attempts a join neurolink_dead_jobs d on d.id = a.job order by a.attempt";
    let rows = sql.query(of_dead, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_write_that_the_database_refuses_costs_its_own_event_only_which_is_tried_alone_and_buried()
 {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let template = json!({"title": "Order {{n}}", "recipient_users": ["cfo", "ali"], "channels": ["in_app", "sms"]});
    rule(&sql, "orders", "order.*", &template).await;
    sql.batch_execute(REFUSE).await.unwrap();
    sql.batch_execute(WATCH).await.unwrap();
    let app = App::start(&db).await;
    sql.batch_execute(THREE_HUNDRED).await.unwrap();

    until(&sql, "select count(*) = 299 from neurolink_event_outcomes").await;
    let waiting = "select exists (select from neurolink_jobs where channel = 'single' and claimed_by is null and attempt > 0
                                     and last_error like '%no room for order 137%')";
    until(&sql, waiting).await;
    assert_eq!(number(&sql, "select count(*) from neurolink_jobs").await, 1);
    assert_eq!(hurried_to_death(&sql).await, [1, 2, 3, 4, 5]);

    let bad: i64 = number(
        &sql,
        "select id from neurolink_events where payload->>'n' = '137'",
    )
    .await;
    let dead = sql
        .query_one(
            "select kind, ref_id, attempt, max_attempts, last_error from neurolink_dead_jobs",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(dead.get::<_, &str>("kind"), "event");
    assert_eq!(dead.get::<_, i64>("ref_id"), bad);
    assert_eq!(
        (
            dead.get::<_, i32>("attempt"),
            dead.get::<_, i32>("max_attempts")
        ),
        (5, 5)
    );
    assert!(
        dead.get::<_, &str>("last_error")
            .contains("no room for order 137")
    );
    let given_up = outcome(&sql, bad).await;
    assert!(
        given_up["error"]
            .to_string()
            .contains("no room for order 137"),
        "{given_up}"
    );
    assert_eq!(
        number(&sql, "select count(*) from neurolink_notifications").await,
        598
    );
    assert_eq!(
        number(&sql, "select count(*) from neurolink_delivery_log").await,
        1196
    );
    assert_eq!(
        number(&sql, "select count(*) from neurolink_inbox_drift").await,
        0
    );
    assert_eq!(
        number(
            &sql,
            "select count(*) from neurolink_inboxes where rev = 299"
        )
        .await,
        2
    );
    app.stop().await;
}

#[tokio::test]
async fn an_event_that_the_evaluator_cant_read_is_set_apart_alone() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    rule(
        &sql,
        "orders",
        "order.*",
        &json!({"title": "Order {{n}}", "recipient_users": ["cfo"]}),
    )
    .await;
    sql.batch_execute(WATCH).await.unwrap();
    let app = App::start(&db).await;
    // HTTP refuses such nesting; a producer in SQL can store it.
    let deep = "insert into neurolink_events (source_module, event_type, payload)
                select 'test', 'order.created', case n when 150 then jsonb_build_object('n', n, 'deep', (repeat('[', 400) || repeat(']', 400))::jsonb)
                                                else jsonb_build_object('n', n) end
                  from generate_series(1, 300) as n";
    sql.batch_execute(deep).await.unwrap();

    until(&sql, "select count(*) = 299 from neurolink_event_outcomes").await;
    assert_eq!(hurried_to_death(&sql).await, [1, 2, 3, 4, 5]);
    assert_eq!(
        number(&sql, "select count(*) from set_apart").await,
        1,
        "the culprit was known"
    );
    assert_eq!(
        number(&sql, "select count(*) from neurolink_notifications").await,
        299
    );
    let bad = number(
        &sql,
        "select id from neurolink_events where payload->>'n' = '150'",
    )
    .await;
    let error = outcome(&sql, bad).await["error"].to_string();
    assert!(error.contains("the payload can't be read"), "{error}");
    app.stop().await;
}

#[tokio::test]
async fn a_fault_that_passes_costs_an_attempt_and_no_notification() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    rule(
        &sql,
        "orders",
        "order.*",
        &json!({"title": "Order {{n}}", "recipient_users": ["cfo"]}),
    )
    .await;
    sql.batch_execute(REFUSE).await.unwrap();
    let app = App::start(&db).await;
    sql.batch_execute(THREE_HUNDRED).await.unwrap();
    until(&sql, "select count(*) = 299 from neurolink_event_outcomes").await;
    sql.batch_execute("drop trigger refuse on neurolink_notifications; update neurolink_jobs set run_at = now() where claimed_by is null; notify neurolink_wake")
        .await
        .unwrap();
    until(
        &sql,
        "select count(*) = 300 from neurolink_event_outcomes where error is null",
    )
    .await;
    assert_eq!(
        number(
            &sql,
            "select count(*) from neurolink_notifications where title = 'Order 137'"
        )
        .await,
        1
    );
    assert_eq!(number(&sql, "select count(*) from neurolink_jobs").await, 0);
    app.stop().await;
}
