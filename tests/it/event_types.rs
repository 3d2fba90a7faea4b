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
    assert_eq!(low["title"]["ar"], "انخفاض المخزون");
    assert_eq!(low["schema"]["properties"]["quantity"]["type"], "number");
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

#[tokio::test]
async fn the_fields_of_real_payloads_are_learnt_by_name_and_kind_and_never_by_value() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start(&db).await;
    let payload = json!({"invoice_number": "INV-7", "secret": "hunter2", "lines": [{"sku": "A"}, {"sku": 7}], "customer": {"name": "علي"}});
    event(&sql, "custom.thing", &payload).await;
    until(&sql, "select count(*) = 6 from neurolink_event_fields").await;
    let known = get(&app, "/v1/event-types/custom.thing").await;
    assert_eq!(
        (&known["is_standard"], &known["schema"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(known["modules"][0]["source_module"], "test");
    let fields: Vec<(&str, &Value)> = known["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["path"].as_str().unwrap(), &f["kinds"]))
        .collect();
    assert_eq!(
        fields,
        [
            ("customer", &json!(["object"])),
            ("customer.name", &json!(["string"])),
            ("invoice_number", &json!(["string"])),
            ("lines", &json!(["array"])),
            ("lines.sku", &json!(["string", "number"])),
            ("secret", &json!(["string"])),
        ]
    );
    let dump: String = sql
        .query_one(
            "select string_agg(f::text, '') from neurolink_event_fields f",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert!(!dump.contains("hunter2") && !dump.contains("علي"), "{dump}");
    app.stop().await;
}

#[tokio::test]
async fn what_another_node_learns_adds_up_and_invented_names_fill_no_table() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let statement = include_str!("../../sql/queries/ingest/types_fields.sql");
    let learn = async |paths: &[&str], kinds: &str, at: &str| {
        let types = vec!["a.b"; paths.len()];
        let all_kinds = vec![kinds; paths.len()];
        let at: jiff::Timestamp = at.parse().unwrap();
        let moments = vec![at; paths.len()];
        sql.execute(statement, &[&types, &paths, &all_kinds, &moments])
            .await
            .unwrap()
    };
    assert_eq!(
        learn(&["x", "y"], "number", "2026-11-01T08:00:00Z").await,
        2
    );
    assert_eq!(
        learn(&["x"], "number", "2026-11-01T08:30:00Z").await,
        0,
        "nothing new"
    );
    assert_eq!(
        learn(&["x"], "null,string", "2026-11-01T08:40:00Z").await,
        1
    );
    assert_eq!(
        learn(&["x"], "number", "2026-11-01T10:00:00Z").await,
        1,
        "seen an hour later"
    );
    let row = sql
        .query_one("select array_to_string(kinds, ','), (last_seen_at - first_seen_at)::text from neurolink_event_fields where path = 'x'", &[])
        .await
        .unwrap();
    assert_eq!(
        (row.get::<_, &str>(0), row.get::<_, &str>(1)),
        ("null,number,string", "02:00:00")
    );
    let invented: Vec<String> = (0..300).map(|n| format!("k{n:03}")).collect();
    let invented: Vec<&str> = invented.iter().map(String::as_str).collect();
    learn(&invented[..150], "number", "2026-11-01T08:00:00Z").await;
    learn(&invented, "number", "2026-11-02T08:00:00Z").await;
    let count = "select count(*), count(*) filter (where last_seen_at > '2026-11-02') from neurolink_event_fields";
    let row = sql.query_one(count, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (200, 198));
}

#[tokio::test]
async fn a_standard_type_is_known_before_it_was_ever_seen_and_any_other_isn_t() {
    let db = TestDb::new().await;
    let app = App::start(&db).await;
    let known = get(&app, "/v1/event-types/invoice.overdue").await;
    assert_eq!(
        known["title"],
        json!({"en": "Invoice overdue", "ar": "تأخر سداد فاتورة"})
    );
    assert_eq!(
        known["modules"],
        json!([{"source_module": "invoicing", "first_seen_at": null, "last_seen_at": null}])
    );
    assert_eq!(known["fields"], json!([]));
    for path in ["/v1/event-types/nobody.knows", "/v1/event-types/x%20y"] {
        let (status, _) = app.call("GET", path, "eye", &["auditor"], None).await;
        assert_eq!(status, 404, "{path}");
    }
    app.stop().await;
}
