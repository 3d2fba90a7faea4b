//! PostgreSQL falls over under load, with two nodes: all locks are free, all heartbeats old. Nobody is robbed, nothing is
//! doubled, and the service comes back by itself.

use std::collections::HashMap;
use std::time::Duration;

use neurolink::db::migrate;
use serde_json::json;
use tokio_postgres::Client;

use super::{borrowed, company, exactly_once, mailing};
use crate::support::app::{drained, event, until};
use crate::support::cluster::try_connect;
use crate::support::own::OwnCluster;
use crate::support::process::Process;
use crate::support::smtp::{SmtpOptions, SmtpServer};

/// A connection, as soon as there is a server to connect to.
async fn connect(url: &str) -> Client {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    loop {
        tick.tick().await;
        if let Ok(client) = try_connect(&url.parse().unwrap()).await {
            return client;
        }
    }
}

/// So many events, whatever happens to the server meanwhile.
async fn load(url: String, count: i64) {
    let mut sql = connect(&url).await;
    for n in 0..count {
        let insert = "insert into neurolink_events (source_module, event_type, payload)
                      values ('test', 'a.b', jsonb_build_object('n', $1::bigint))";
        while sql.execute(insert, &[&n]).await.is_err() {
            sql = connect(&url).await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn two_nodes_under_load_survive_a_crash_of_postgres_without_robbing_each_other() {
    let cluster = OwnCluster::start();
    let url = cluster.url();
    let mut smtp = SmtpServer::start(SmtpOptions::default()).await;
    {
        let db = crate::support::open(&url);
        migrate::run(&db).await.unwrap();
        db.close();
    }
    let sql = connect(&url).await;
    company(&sql, &["in_app", "email"]).await;
    let mut settings = mailing(&smtp);
    settings.extend(
        [
            ("NEUROLINK_EMAIL_CONCURRENCY", "4"),
            ("NEUROLINK_BATCH_SIZE", "20"),
            // What was claimed by a commit whose answer was lost comes back with its lease.
            ("NEUROLINK_DELIVERY_LEASE", "5s"),
            ("NEUROLINK_SMTP_TIMEOUT", "2s"),
        ]
        .map(|(n, v)| (n, v.to_owned())),
    );
    let one = Process::worker_at(&url, &borrowed(&settings)).await;
    let two = Process::worker_at(&url, &borrowed(&settings)).await;

    let loading = tokio::spawn(load(url.clone(), 300));
    until(&sql, "select count(*) > 60 from neurolink_event_outcomes").await;
    cluster.crash();
    cluster.again();
    loading.await.unwrap();

    let sql = connect(&url).await;
    drained(&sql).await;
    let row = sql
        .query_one(
            "select (select count(*) from neurolink_events), (select count(*) from neurolink_delivery_log where channel = 'email' and status = 'sent'),
                    (select count(*) from neurolink_workers), (select count(*) from neurolink_dead_jobs),
                    (select count(*) from neurolink_delivery_attempts where error like 'its worker died%')",
            &[],
        )
        .await
        .unwrap();
    let [events, sent, workers, dead, robbed]: [i64; 5] = std::array::from_fn(|n| row.get(n));
    exactly_once(&sql, events).await;
    assert_eq!((sent, workers, dead, robbed), (3 * events, 2, 0, 0));

    let mut times: HashMap<String, usize> = HashMap::new();
    for mail in smtp.messages().await {
        *times
            .entry(mail.header("Message-ID").to_owned())
            .or_default() += 1;
    }
    assert_eq!(times.len(), usize::try_from(3 * events).unwrap());
    let doubled = times.values().filter(|n| **n > 1).count();
    // At most what was under way just then, on two nodes with four slots each.
    assert!(doubled <= 8, "{doubled} mails went out more than once");

    // Both work on: each sees the other alive.
    let beats = "select bool_and(heartbeat_at > now() - interval '4 s') from neurolink_workers";
    until(&sql, beats).await;
    event(&sql, "a.b", &json!({"n": -1})).await;
    drained(&sql).await;
    exactly_once(&sql, events + 1).await;
    assert!(one.stop().await.success());
    assert!(two.stop().await.success());
}
