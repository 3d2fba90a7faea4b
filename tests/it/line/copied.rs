//! A large batch is copied, a small one goes in one flight of statements: both come to the same rows.

use std::sync::Arc;

use neurolink::app::Parts;
use neurolink::kernel::Severity;
use neurolink::notifications::NewNotification;
use neurolink::notifications::new::store;
use neurolink::rules::Rendered;
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::number;
use crate::support::TestDb;
use crate::support::app::{App, people, rule, until};

/// Told in both languages, personally, by mail and text message too; some warned of, some without an inbox.
async fn rules(sql: &Client) {
    people(sql).await;
    // Quiet for 23 hours around now.
    sql.batch_execute(
        "insert into neurolink_user_preferences (user_id, channels, quiet_hours)
         select 'ali', '{\"quiet\": {\"in_app\": false}}',
                jsonb_build_object('from', to_char(t + interval '2 hours', 'HH24:MI'), 'to', to_char(t + interval '1 hour', 'HH24:MI'))
           from (select now() at time zone 'Asia/Baghdad' as t) as now",
    )
    .await
    .unwrap();
    let everybody = json!(["ali", "nadia", "cfo", "nobody"]);
    let loud = json!({"title": {"en": "Order {{n}}", "ar": "طلب {{n}}"}, "body": "{{recipient.display_name}}: {{missing}}",
        "email_html": "<b>{{n}}</b>", "sms_body": "{{n}}", "action_url": "/orders/{{n}}", "action_label": "Open",
        "channels": ["in_app", "email", "sms"], "recipient_users": everybody});
    let quiet =
        json!({"title": "Quietly {{n}}", "category": "quiet", "recipient_users": everybody});
    rule(sql, "loud", "order.*", &loud).await;
    rule(sql, "quiet", "order.*", &quiet).await;
}

const EVENTS: &str = "
    insert into neurolink_events (source_module, event_type, payload, branch_id, entity_type, entity_id)
    select 'test', 'order.created', jsonb_build_object('n', n), 'b' || n % 3, 'order', n from generate_series(1, 60) as n";

/// Everything that was written, but for numbers and times of its own.
async fn written(sql: &Client) -> Value {
    let rows = |table: &str, without: &str, order: &str| {
        format!(
            "select coalesce(jsonb_agg(to_jsonb(t) - '{{{without}}}'::text[] order by {order}), '[]') as rows from {table} as t"
        )
    };
    let mut all = serde_json::Map::new();
    for (name, query) in [
        ("notifications", rows("neurolink_notifications", "id,rev,created_at", "event_id, rule_id, user_id")),
        ("deliveries", rows(
            "(select d.*, d.ended_at = d.created_at as ended_now, d.delivered_at = d.created_at as delivered_now, n.event_id, n.rule_id
                from neurolink_delivery_log d join neurolink_notifications n on n.user_id = d.user_id and n.id = d.notification_id)",
            "id,notification_id,created_at,delivered_at,ended_at", "event_id, rule_id, user_id, channel")),
        ("outcomes", rows("neurolink_event_outcomes", "evaluated_at", "event_id")),
        ("jobs", rows("(select j.kind, j.channel, j.lane, j.max_attempts, j.run_at > now() as later from neurolink_jobs j)", "", "channel, kind, later")),
        ("inboxes", rows("neurolink_inboxes", "", "user_id")),
    ] {
        let text: String = sql
            .query_one(&format!("select rows::text from ({query}) as q"), &[])
            .await
            .unwrap()
            .get(0);
        all.insert(name.to_owned(), serde_json::from_str(&text).unwrap());
    }
    Value::Object(all)
}

async fn evaluated(batch: &str) -> (TestDb, Value) {
    let db = TestDb::new().await;
    let sql = db.client().await;
    rules(&sql).await;
    sql.batch_execute(EVENTS).await.unwrap();
    sql.batch_execute("select neurolink_pause('delivery')")
        .await
        .unwrap();
    let mails = tempfile::tempdir().unwrap();
    let settings = [
        ("NEUROLINK_BATCH_SIZE", batch),
        ("NEUROLINK_EMAIL_FROM", "TSH ERP <erp@tsh.example>"),
        ("NEUROLINK_EMAIL_DIR", mails.path().to_str().unwrap()),
    ];
    let parts = Parts {
        api: false,
        worker: true,
    };
    let app = App::start_with(&db, parts, &settings).await;
    until(&sql, "select count(*) = 60 from neurolink_event_outcomes").await;
    app.stop().await;
    let written = written(&sql).await;
    (db, written)
}

#[tokio::test]
async fn a_large_batch_comes_to_the_same_rows_as_small_ones() {
    let (large_db, large) = evaluated("60").await;
    let (_small_db, small) = evaluated("5").await;
    for part in ["notifications", "deliveries", "outcomes", "jobs", "inboxes"] {
        let rows = large[part].as_array().unwrap();
        assert!(!rows.is_empty(), "{part}");
        assert_eq!(large[part], small[part], "{part}");
    }
    let sql = large_db.client().await;
    let batches = number(
        &sql,
        "select count(distinct created_at) from neurolink_notifications",
    )
    .await;
    assert_eq!(batches, 1, "the large batch was one transaction");
    let gaps = "select count(*) from neurolink_inboxes i
                 where rev <> (select count(*) from neurolink_notifications n where n.user_id = i.user_id and n.in_app)
                    or rev <> (select coalesce(max(n.rev), 0) from neurolink_notifications n where n.user_id = i.user_id)";
    assert_eq!(
        number(&sql, gaps).await,
        0,
        "every revision was given out once"
    );
}

/// One of no event, told by a rule, and one of nobody's making; one not in the inbox; one that expires.
fn of_no_event(first: i64) -> Vec<NewNotification> {
    let of =
        |id: i64, event: Option<usize>, rule_id: Option<i64>, step, expires_at| NewNotification {
            id: first + id,
            user_id: "ali".to_owned(),
            in_app: id != 2,
            event,
            rule_id,
            rule_version: rule_id.map(|_| 4),
            step,
            expires_at,
            category: "general".to_owned(),
            severity: Severity::Warning,
            texts: Arc::new(Rendered {
                locale: "en".to_owned(),
                title: format!("T{id}"),
                ..Rendered::default()
            }),
        };
    let soon: jiff::Timestamp = "2199-01-01T00:00:00Z".parse().unwrap();
    vec![
        of(0, None, Some(3), 0, None),
        of(1, None, None, 0, Some(soon)),
        of(2, Some(0), Some(3), 2, None),
        of(3, Some(0), Some(3), 3, Some(soon)),
    ]
}

#[tokio::test]
async fn what_is_of_no_event_or_expires_is_written_the_same_by_both_ways() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let id = crate::support::app::event(&sql, "order.created", &json!({})).await;
    let at = jiff::Timestamp::UNIX_EPOCH;
    let events = [neurolink::ingest::Event {
        id,
        source_module: "test".to_owned(),
        event_type: "order.created".to_owned(),
        severity: Severity::Info,
        occurred_at: at,
        received_at: at,
        payload: "{}".into(),
        correlation_id: None,
        branch_id: Some("BGD".to_owned()),
        actor_id: None,
        entity_type: Some("order".to_owned()),
        entity_id: Some("7".to_owned()),
    }];
    let client = db.db().client().await.unwrap();
    let (mut written, mut revs) = (Vec::new(), Vec::new());
    for way in ["flight", "copy"] {
        store::ensure_inboxes(&client, &["ali"]).await.unwrap();
        client.batch_execute("begin").await.unwrap();
        let new = of_no_event(1_000);
        match way {
            "flight" => store::insert(&client, &events, &new).await.unwrap(),
            _ => store::copy(&client, &events, &new).await.unwrap(),
        }
        let row = client
            .query_one(
                "select jsonb_agg(to_jsonb(n) - 'created_at' order by id) as rows, (select rev from neurolink_inboxes)
                   from neurolink_notifications n",
                &[],
            )
            .await
            .unwrap();
        written.push(row.get::<_, Value>(0));
        revs.push(row.get::<_, i64>(1));
        client.batch_execute("rollback").await.unwrap();
    }
    assert_eq!(written[0], written[1]);
    assert_eq!(revs, [3, 3]);
    let rows = written[0].as_array().unwrap();
    assert_eq!(
        (
            &rows[0]["event_id"],
            &rows[0]["source_module"],
            &rows[0]["rule_id"]
        ),
        (&Value::Null, &Value::Null, &json!(3))
    );
    assert_eq!(
        (
            &rows[3]["event_id"],
            &rows[3]["entity_id"],
            &rows[3]["step"]
        ),
        (&json!(id), &json!("7"), &json!(3))
    );
    assert_ne!(rows[1]["expires_at"], Value::Null);
}
