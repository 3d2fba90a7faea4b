//! Leases that run out, and the fences against who comes late.

use std::time::Duration;

use neurolink::db::Client;
use neurolink::deliveries::model::{Attempted, Next, Receipt};
use neurolink::deliveries::store::record;
use neurolink::kernel::Lane;
use neurolink::queue::DeliveryJob;
use neurolink::queue::marks::ZERO;
use neurolink::queue::store::{self, DeliveryPlace, claim_deliveries, claim_single};
use uuid::Uuid;

use crate::support::TestDb;

/// A claim whose lease has ended as soon as it is given.
const NOTHING: Duration = Duration::ZERO;
const MINUTE: Duration = Duration::from_secs(60);

async fn a_delivery(sql: &tokio_postgres::Client) {
    sql.batch_execute(
        "insert into neurolink_delivery_log (id, notification_id, user_id, channel, address) values (33, 1, 'ali', 'email', 'a@x.example');
         insert into neurolink_jobs (kind, channel, ref_id, max_attempts) values ('delivery', 'email', 33, 8)",
    )
    .await
    .unwrap();
}

async fn claim(client: &Client, worker: Uuid, lease: Duration) -> Option<DeliveryJob> {
    let place = DeliveryPlace {
        channel: "email",
        lane: Lane::Normal,
        most: 5,
        start: ZERO,
    };
    let mut jobs = claim_deliveries(client, &[place], worker, lease)
        .await
        .unwrap();
    jobs.pop().map(|(job, _)| job)
}

fn ended(job: &DeliveryJob, next: Next) -> Attempted {
    let sent = matches!(next, Next::Done);
    Attempted {
        job_id: job.job_id,
        delivery_id: job.delivery_id,
        attempt: job.attempt,
        next,
        outcome: Some(if sent { "accepted" } else { "transient" }),
        error: (!sent).then(|| "450".to_owned()),
        receipt: sent.then(|| Receipt {
            provider: "smtp",
            provider_message_id: Some(format!("<{}>", job.attempt)),
        }),
        took: Duration::from_millis(3),
    }
}

async fn state(sql: &tokio_postgres::Client) -> String {
    let question = "select concat_ws(' ', d.status, d.attempts, d.provider_message_id, d.last_error,
                           (select string_agg(a.attempt || ':' || a.outcome, ',' order by a.attempt) from neurolink_delivery_attempts a),
                           (select 'job ' || attempt from neurolink_jobs))
                      from neurolink_delivery_log d";
    sql.query_one(question, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_delivery_whose_lease_ran_out_is_taken_over_and_the_late_outcome_changes_nothing() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    a_delivery(&sql).await;
    let client = db.db().client().await.unwrap();
    let (frozen, other) = (Uuid::new_v4(), Uuid::new_v4());

    let late = claim(&client, frozen, NOTHING).await.unwrap();
    let taken = claim(&client, other, MINUTE).await.unwrap();
    assert_eq!((late.attempt, taken.attempt), (1, 2));
    assert_eq!(state(&sql).await, "pending 0 1:lost job 2");
    let lost: Uuid = sql
        .query_one("select worker from neurolink_delivery_attempts", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(lost, frozen, "lost by whom");

    for next in [
        Next::Done,
        Next::Dead,
        Next::Cancel,
        Next::Retry {
            wait: MINUTE,
            forgiven: true,
        },
    ] {
        let held = record(&client, frozen, &[ended(&late, next.clone())]).await;
        assert!(held.unwrap().is_empty(), "{next:?} is fenced");
        assert_eq!(state(&sql).await, "pending 0 1:lost job 2", "{next:?}");
    }

    let held = record(&client, other, &[ended(&taken, Next::Done)]).await;
    assert_eq!(held.unwrap().len(), 1);
    assert_eq!(state(&sql).await, "sent 2 <2> 1:lost,2:accepted");
    let again = record(&client, other, &[ended(&taken, Next::Done)]).await;
    assert!(again.unwrap().is_empty(), "told twice, written once");
}

#[tokio::test]
async fn the_same_worker_is_fenced_from_its_own_earlier_attempt() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    a_delivery(&sql).await;
    let client = db.db().client().await.unwrap();
    let worker = Uuid::new_v4();
    let first = claim(&client, worker, NOTHING).await.unwrap();
    let second = claim(&client, worker, MINUTE).await.unwrap();
    let both = [ended(&first, Next::Done), ended(&second, Next::Dead)];
    let held = record(&client, worker, &both).await.unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(state(&sql).await, "dead 2 450 1:lost,2:transient");
}

#[tokio::test]
async fn a_delivery_under_a_lease_is_nobody_elses_and_a_retry_waits_its_time() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    a_delivery(&sql).await;
    let client = db.db().client().await.unwrap();
    let worker = Uuid::new_v4();
    let job = claim(&client, worker, MINUTE).await.unwrap();
    assert!(claim(&client, Uuid::new_v4(), MINUTE).await.is_none());
    let retry = Next::Retry {
        wait: MINUTE,
        forgiven: false,
    };
    record(&client, worker, &[ended(&job, retry)])
        .await
        .unwrap();
    assert!(claim(&client, worker, MINUTE).await.is_none(), "not yet");
    let due = store::next_run_at(&client).await.unwrap().unwrap();
    assert!(due > MINUTE / 2 && due <= MINUTE, "{due:?}");
    assert_eq!(state(&sql).await, "pending 1 450 1:transient job 1");
}

#[tokio::test]
async fn an_event_claimed_alone_is_fenced_like_a_delivery() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "insert into neurolink_events (source_module, event_type) values ('test', 'a.b');
         update neurolink_jobs set channel = 'single'",
    )
    .await
    .unwrap();
    let client = db.db().client().await.unwrap();
    let (frozen, other) = (Uuid::new_v4(), Uuid::new_v4());
    let late = claim_single(&client, frozen, NOTHING)
        .await
        .unwrap()
        .unwrap();
    let taken = claim_single(&client, other, MINUTE).await.unwrap().unwrap();
    assert_eq!((late.attempt, taken.attempt), (1, 2));
    assert!(
        claim_single(&client, frozen, MINUTE)
            .await
            .unwrap()
            .is_none()
    );

    let fenced = store::take_single(&client, &late, frozen).await.unwrap();
    assert!(fenced.jobs.is_empty());
    client.batch_execute("rollback").await.unwrap();
    let given_back = store::retry_single(&client, &late, frozen, NOTHING, "late").await;
    assert!(!given_back.unwrap());
    store::bury_single(&client, &late, frozen, "late")
        .await
        .unwrap();
    let dead: i64 = sql
        .query_one("select count(*) from neurolink_dead_jobs", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(dead, 0);
    let held = store::take_single(&client, &taken, other).await.unwrap();
    assert_eq!(held.jobs.len(), 1);
    client.batch_execute("commit").await.unwrap();
}
