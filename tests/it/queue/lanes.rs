//! Lanes: critical before normal before bulk, and bulk never starves.

use serde_json::json;
use tokio_postgres::Client;

use super::sleeping_worker;
use crate::support::TestDb;
use crate::support::app::{drained, event, people, rule};
use crate::support::smtp::{SmtpOptions, SmtpServer};

/// Events of three lanes that all wait: so many of each, bulk first.
async fn waiting(sql: &Client, of_each: i64) {
    let insert = "with p as (insert into neurolink_pauses (kind) values ('event')),
                       e as (insert into neurolink_events (source_module, event_type, severity)
                             select 'test', t, case t when 'a.critical' then 'critical' else 'info' end
                               from unnest('{a.bulk,a.normal,a.critical}'::text[]) t, generate_series(1, $1::bigint)
                             returning id)
                  select count(*) from e";
    sql.query_one(insert, &[&of_each]).await.unwrap();
    let bulk = "update neurolink_jobs set lane = 2
                 where ref_id in (select id from neurolink_events where event_type = 'a.bulk')";
    sql.execute(bulk, &[]).await.unwrap();
}

/// Event types in the order of their evaluation, batch by batch.
async fn order(sql: &Client) -> Vec<Vec<String>> {
    let question =
        "select array_agg(e.event_type order by e.event_type = 'a.bulk', e.event_type = 'a.normal')
                      from neurolink_event_outcomes o join neurolink_events e on e.id = o.event_id
                     group by o.evaluated_at order by o.evaluated_at";
    let rows = sql.query(question, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn of(batch: &[String], event_type: &str) -> usize {
    batch.iter().filter(|t| *t == event_type).count()
}

#[tokio::test]
async fn urgent_events_go_first_and_bulk_keeps_an_eighth() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    waiting(&sql, 40).await;
    let app = sleeping_worker(&db, &[("NEUROLINK_BATCH_SIZE", "8")]).await;
    sql.batch_execute("select neurolink_resume('event')")
        .await
        .unwrap();
    drained(&sql).await;
    let batches = order(&sql).await;
    assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), 120);
    // From the second batch on the node knows that the urgent lanes are full.
    let urgent: Vec<_> = batches[1..]
        .iter()
        .take_while(|b| of(b, "a.critical") == 8 && of(b, "a.normal") == 8)
        .collect();
    assert!(urgent.len() >= 2, "{batches:?}");
    for batch in &urgent {
        assert!((1..=8).contains(&of(batch, "a.bulk")), "{batches:?}");
    }
    let last = |t: &str| batches.iter().rposition(|b| of(b, t) > 0).unwrap();
    assert!(last("a.critical") < last("a.bulk"), "{batches:?}");
    assert!(last("a.normal") < last("a.bulk"), "{batches:?}");
    assert!(of(&batches[0], "a.bulk") > 0, "{batches:?}");
    app.stop().await;
}

/// Mails of these priorities, in this order, all queued before the first is sent. The subjects as they came out.
async fn mailed(priorities: &[i32]) -> Vec<String> {
    let mut smtp = SmtpServer::start(SmtpOptions::default()).await;
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    for (n, priority) in priorities.iter().enumerate() {
        let told = json!({"title": format!("{priority} {n}"), "channels": ["email"], "recipient_users": ["ali"]});
        let id = rule(&sql, &format!("r{n}"), &format!("a.b{n}"), &told).await;
        let set = "update neurolink_notification_rules set priority = $2 where id = $1";
        sql.execute(set, &[&id, priority]).await.unwrap();
    }
    let port = smtp.port().to_string();
    let settings = [
        ("SMTP_ENABLED", "true"),
        ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_PORT", &port),
        ("NEUROLINK_SMTP_SECURITY", "none"),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
        ("NEUROLINK_EMAIL_CONCURRENCY", "1"),
    ];
    sql.batch_execute("select neurolink_pause('delivery', 'email')")
        .await
        .unwrap();
    let app = sleeping_worker(&db, &settings).await;
    for n in 0..priorities.len() {
        event(&sql, &format!("a.b{n}"), &json!({})).await;
    }
    let queued = format!(
        "select count(*) = {} from neurolink_jobs where kind = 'delivery'",
        priorities.len()
    );
    crate::support::app::until(&sql, &queued).await;
    app.node.bell().until_asleep().await;
    sql.batch_execute("select neurolink_resume('delivery', 'email')")
        .await
        .unwrap();
    drained(&sql).await;
    let mut subjects = Vec::new();
    for _ in priorities {
        subjects.push(smtp.next_message().await.header("Subject").to_owned());
    }
    app.stop().await;
    subjects
}

#[tokio::test]
async fn a_slot_that_comes_free_takes_the_most_urgent_mail() {
    let subjects = mailed(&[-1, 0, 200, -5, 100, 300]).await;
    assert_eq!(subjects, ["200 2", "300 5", "0 1", "100 4", "-1 0", "-5 3"]);
}

#[tokio::test]
async fn a_bulk_mail_does_not_wait_for_all_the_normal_ones() {
    let mut priorities = [0; 20];
    priorities[0] = -1;
    let subjects = mailed(&priorities).await;
    let bulk = subjects.iter().position(|s| s == "-1 0").unwrap();
    assert_eq!(bulk, 7, "after seven others: {subjects:?}");
}
