//! A worker that died without a word: its leases end, and the front of the backlog is looked at singly.

use crate::support::TestDb;
use crate::support::app::{App, until};

#[tokio::test]
async fn a_dead_workers_leases_end_with_the_next_look_of_a_living_one() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    // A channel without settings, so that nobody takes what comes free; an event that waits behind a pause.
    sql.batch_execute(
        "select neurolink_pause('event');
         insert into neurolink_workers (incarnation, host, pid, version, works, lock_key, heartbeat_at)
         values ('00000000-0000-0000-0000-00000000dead', 'gone', 1, '0', true, 57005, now() - interval '1 hour');
         insert into neurolink_jobs (kind, channel, ref_id, attempt, claimed_by, run_at)
         values ('delivery', 'sms', 32, 1, '00000000-0000-0000-0000-00000000dead', now() + interval '1 hour');
         insert into neurolink_events (source_module, event_type) values ('test', 'its.batch')",
    )
    .await
    .unwrap();

    let app = App::start(&db).await;
    until(
        &sql,
        "select not exists (select from neurolink_workers where pid = 1)",
    )
    .await;

    let facts = "select (select claimed_by is null and run_at <= now() from neurolink_jobs where kind = 'delivery'),
                        (select channel = 'single' from neurolink_jobs where kind = 'event'),
                        (select outcome = 'lost' from neurolink_delivery_attempts where delivery_id = 32 and attempt = 1)";
    let row = sql.query_one(facts, &[]).await.unwrap();
    let is = |at: usize| row.get::<_, bool>(at);
    assert!(is(0), "the lease has ended");
    assert!(is(1), "the event may be what killed it");
    assert!(is(2), "the attempt is on record");
    app.stop().await;
}
