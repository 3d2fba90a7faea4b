//! Workers that are killed, frozen or told to stop while a mail is under way: the mail server has it, and doesn't answer.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio_postgres::Client;

use super::{borrowed, company, mailing};
use crate::support::TestDb;
use crate::support::app::{App, WHOLE, event, until};
use crate::support::process::Process;
use crate::support::smtp::{SmtpOptions, SmtpServer};

/// A rescue takes at most five seconds; the rest is the test's own slowness.
const RESCUED: Duration = Duration::from_secs(6);

async fn addresses(sql: &Client, ali: &str) {
    let set = "update neurolink_users set email = $1 where id = 'ali'";
    sql.execute(set, &[&ali]).await.unwrap();
}

/// Ali's delivery: status, and its attempts with their errors.
async fn ali(sql: &Client) -> (String, Vec<String>) {
    let question = "select d.status, array(select concat_ws(' ', a.attempt, a.outcome, a.error) from neurolink_delivery_attempts a
                                            where a.delivery_id = d.id order by a.attempt)
                      from neurolink_delivery_log d where d.user_id = 'ali'";
    let row = sql.query_one(question, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

const ALI_SENT: &str =
    "select exists (select from neurolink_delivery_log where user_id = 'ali' and status = 'sent')";
const OTHERS_SENT: &str =
    "select count(*) = 2 from neurolink_delivery_log where user_id <> 'ali' and status = 'sent'";

/// A worker, three mails under way or through; ali's has reached the server, which says nothing.
async fn stalled(
    db: &TestDb,
    sql: &Client,
    smtp: &mut SmtpServer,
    more: &[(&'static str, &str)],
) -> Process {
    company(sql, &["email"]).await;
    addresses(sql, "stall-once@x.example").await;
    let mut settings = mailing(smtp);
    settings.extend(more.iter().map(|(n, v)| (*n, (*v).to_owned())));
    let worker = Process::worker(db, &borrowed(&settings)).await;
    event(sql, "a.b", &json!({"n": 7})).await;
    smtp.wait_for("message", 3).await;
    until(sql, OTHERS_SENT).await;
    worker
}

/// The Message-IDs of the mails that ali got.
async fn ids_of_alis(smtp: &mut SmtpServer) -> Vec<String> {
    let all = smtp.messages().await;
    assert_eq!(all.len(), 4, "nobody else got a mail twice");
    all.iter()
        .filter(|m| m.rcpt_tos == ["stall-once@x.example"])
        .map(|m| m.header("Message-ID").to_owned())
        .collect()
}

#[tokio::test]
async fn a_mail_under_way_when_its_worker_is_killed_is_rescued_within_seconds_under_the_same_id() {
    let (db, mut smtp) = (
        TestDb::new().await,
        SmtpServer::start(SmtpOptions::default()).await,
    );
    let sql = db.client().await;
    let doomed = stalled(&db, &sql, &mut smtp, &[]).await;
    let settings = mailing(&smtp);
    let heir = App::start_with(&db, WHOLE, &borrowed(&settings)).await;
    doomed.kill().await;
    let killed = Instant::now();
    until(&sql, ALI_SENT).await;
    assert!(killed.elapsed() < RESCUED, "{:?}", killed.elapsed());
    assert_eq!(
        ali(&sql).await.1,
        [
            "1 lost its worker died before an outcome was recorded",
            "2 accepted"
        ]
    );
    let ids = ids_of_alis(&mut smtp).await;
    assert!(ids.len() == 2 && ids[0] == ids[1], "{ids:?}");
    let workers = "select count(*) from neurolink_workers";
    let workers: i64 = sql.query_one(workers, &[]).await.unwrap().get(0);
    assert_eq!(workers, 1, "the dead one's row is gone");
    heir.stop().await;
}

#[tokio::test]
async fn a_worker_frozen_beyond_its_lease_is_fenced_when_it_goes_on() {
    let (db, mut smtp) = (
        TestDb::new().await,
        SmtpServer::start(SmtpOptions::default()).await,
    );
    let sql = db.client().await;
    let short = [
        ("NEUROLINK_DELIVERY_LEASE", "5s"),
        ("NEUROLINK_SMTP_TIMEOUT", "2s"),
    ];
    let mut frozen = stalled(&db, &sql, &mut smtp, &short).await;
    frozen.freeze();
    let mut settings = mailing(&smtp);
    settings.extend(short.map(|(n, v)| (n, v.to_owned())));
    let other = App::start_with(&db, WHOLE, &borrowed(&settings)).await;
    until(&sql, ALI_SENT).await;
    let after = ali(&sql).await;
    assert_eq!(
        after.1,
        [
            "1 lost its lease ran out before an outcome was recorded",
            "2 accepted"
        ],
        "it holds its lock, so nobody took it for dead"
    );

    frozen.thaw();
    frozen.logs("a late outcome was not recorded").await;
    assert_eq!(ali(&sql).await, after, "nothing of it was written");
    let ids = ids_of_alis(&mut smtp).await;
    assert!(ids.len() == 2 && ids[0] == ids[1], "{ids:?}");
    // It is still one of us: with the other gone it works.
    other.stop().await;
    let id = event(&sql, "other.kind", &json!({})).await;
    let question =
        format!("select exists (select from neurolink_event_outcomes where event_id = {id})");
    until(&sql, &question).await;
    assert!(frozen.stop().await.success());
}

#[tokio::test]
async fn told_to_stop_a_worker_gives_an_unanswered_mail_back_at_once_and_leaves() {
    let (db, mut smtp) = (
        TestDb::new().await,
        SmtpServer::start(SmtpOptions::default()).await,
    );
    let sql = db.client().await;
    let patience = [("NEUROLINK_SHUTDOWN_TIMEOUT", "1s")];
    let leaving = stalled(&db, &sql, &mut smtp, &patience).await;
    let status = leaving.stop().await;
    assert_eq!(status.code(), Some(0));
    assert_eq!(
        ali(&sql).await,
        (
            "pending".to_owned(),
            vec!["1 ambiguous stopped before an answer came".to_owned()]
        )
    );
    let given_back = "select claimed_by is null and run_at <= now() and not exists (select from neurolink_workers)
                        from neurolink_jobs where kind = 'delivery'";
    assert!(
        sql.query_one(given_back, &[])
            .await
            .unwrap()
            .get::<_, bool>(0)
    );
}

#[tokio::test]
async fn what_a_leaving_worker_gives_back_is_taken_by_a_sleeping_peer_at_once() {
    let (db, mut smtp) = (
        TestDb::new().await,
        SmtpServer::start(SmtpOptions::default()).await,
    );
    let sql = db.client().await;
    let patience = [("NEUROLINK_SHUTDOWN_TIMEOUT", "1s")];
    let leaving = stalled(&db, &sql, &mut smtp, &patience).await;
    let settings = mailing(&smtp);
    let peer = App::start_with(&db, WHOLE, &borrowed(&settings)).await;
    peer.node.bell().until_asleep().await;
    assert!(leaving.stop().await.success());
    let left = Instant::now();
    until(&sql, ALI_SENT).await;
    assert!(
        left.elapsed() < Duration::from_secs(2),
        "{:?}",
        left.elapsed()
    );
    let ids = ids_of_alis(&mut smtp).await;
    assert!(ids.len() == 2 && ids[0] == ids[1], "{ids:?}");
    peer.stop().await;
}
