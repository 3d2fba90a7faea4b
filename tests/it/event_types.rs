//! Which event types there are, and where in the table a time is.

use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::app::{App, drained, event, until};

async fn get(app: &App, path: &str) -> Value {
    let (status, body) = app.call("GET", path, "eye", &["auditor"], None).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

#[tokio::test]
async fn where_a_time_begins_is_found_by_looks_at_the_key() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let at = async |moment: &str| -> i64 {
        let ask = format!("select neurolink_event_id_at({moment})");
        sql.query_one(&ask, &[]).await.unwrap().get(0)
    };
    assert_eq!(at("now()").await, 1, "no events at all");
    sql.batch_execute(
        "insert into neurolink_events (source_module, event_type, received_at)
         select 'm', 'a.b', now() - make_interval(hours => 6 - n) from generate_series(1, 5) n",
    )
    .await
    .unwrap();
    sql.batch_execute("delete from neurolink_events where id = 3")
        .await
        .unwrap();
    assert_eq!(at("now() - interval '6 hours'").await, 1);
    assert_eq!(at("now() - interval '270 minutes'").await, 2);
    assert_eq!(
        at("now() - interval '210 minutes'").await,
        3,
        "from 3 on, which is gone"
    );
    assert_eq!(at("now()").await, 6);
}

#[tokio::test]
async fn event_types_are_the_seventeen_and_those_that_were_seen() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start(&db).await;
    event(&sql, "invoice.overdue", &json!({})).await;
    event(&sql, "custom.thing", &json!({})).await;
    sql.batch_execute("insert into neurolink_events (source_module, event_type) values ('inventory', 'stock.low')")
        .await
        .unwrap();
    until(&sql, "select count(*) = 3 from neurolink_event_types").await;

    let all = get(&app, "/v1/event-types").await;
    let items = all["items"].as_array().unwrap();
    assert_eq!(items.len(), 19);
    let find = |event_type: &str, module: &str| {
        let same = |t: &&Value| t["event_type"] == event_type && t["source_module"] == module;
        items.iter().find(same).unwrap()
    };
    let low = find("stock.low", "inventory");
    assert_eq!(low["is_standard"], true);
    assert!(low["description"].is_string() && low["last_seen_at"].is_string());
    assert!(low["example"]["reorder_level"].is_number());
    let never = find("po.rejected", "purchasing");
    assert_eq!(
        (&never["is_standard"], &never["first_seen_at"]),
        (&json!(true), &Value::Null)
    );
    // The standard name from another module is another type.
    for (event_type, module) in [("custom.thing", "test"), ("invoice.overdue", "test")] {
        let seen = find(event_type, module);
        assert_eq!(
            (&seen["is_standard"], &seen["description"]),
            (&json!(false), &Value::Null)
        );
    }
    let mut names = Vec::new();
    let mut path = "/v1/event-types?limit=5".to_owned();
    loop {
        let page = get(&app, &path).await;
        names.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|t| t["event_type"].clone()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/v1/event-types?limit=5&cursor={cursor}");
    }
    let whole: Vec<Value> = items.iter().map(|t| t["event_type"].clone()).collect();
    assert_eq!(names, whole);
    app.stop().await;
}

#[tokio::test]
async fn a_type_is_written_once_a_minute_at_most_however_many_events_come() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "create table writes (n serial);
         create function note() returns trigger language plpgsql as $$ begin insert into writes default values; return null; end $$;
         create trigger note after insert or update on neurolink_event_types for each row execute function note();",
    )
    .await
    .unwrap();
    let app = App::start(&db).await;
    for _ in 0..5 {
        event(&sql, "often.thing", &json!({})).await;
        drained(&sql).await;
    }
    event(&sql, "other.thing", &json!({})).await;
    until(&sql, "select count(*) = 2 from neurolink_event_types").await;
    let writes: i64 = sql
        .query_one("select count(*) from writes", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(writes, 2);
    app.stop().await;
}
