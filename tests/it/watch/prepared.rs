//! Two-phase commit: PostgreSQL doesn't prepare a transaction that has notified, and in wake mode `poll` none does.

use neurolink::db::migrate;

use super::{invoices, run};
use crate::queue::modes::K_IS_HELD;
use crate::support::app::{drained, until};
use crate::support::cluster::try_connect;
use crate::support::own::OwnCluster;
use crate::support::process::Process;

#[tokio::test]
async fn in_wake_mode_poll_a_write_to_a_watched_table_can_be_prepared_and_is_evaluated_once_committed()
 {
    let cluster = OwnCluster::start();
    let url = cluster.url();
    let sql = try_connect(&url.parse().unwrap()).await.unwrap();
    run(&sql, "alter system set max_prepared_transactions = 4").await;
    drop(sql);
    cluster.crash();
    cluster.again();
    let db = crate::support::open(&url);
    migrate::run(&db).await.unwrap();
    db.close();
    let sql = try_connect(&url.parse().unwrap()).await.unwrap();
    invoices(&sql).await;

    let gated = Process::worker_at(&url, &[]).await;
    until(&sql, K_IS_HELD).await;
    run(&sql, "begin; insert into erp.invoices (id) values (1)").await;
    let refused = sql.batch_execute("prepare transaction 'one'").await;
    let refused = refused.unwrap_err();
    assert!(refused.as_db_error().unwrap().message().contains("NOTIFY"));
    assert!(gated.stop().await.success());

    let polling = Process::spawn(&url, &[("NEUROLINK_WAKE_MODE", "poll")]);
    until(&sql, "select exists (select from neurolink_workers)").await;
    run(
        &sql,
        "begin; insert into erp.invoices (id) values (2); prepare transaction 'two'",
    )
    .await;
    run(&sql, "commit prepared 'two'").await;
    drained(&sql).await;
    until(
        &sql,
        "select count(*) = 1 from neurolink_event_outcomes o join neurolink_events e on e.id = o.event_id where e.entity_id = '2'",
    )
    .await;
    assert!(polling.stop().await.success());
}
