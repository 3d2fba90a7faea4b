//! What the ERP waits for, when locks of ours are held.

use std::time::{Duration, Instant};

use super::faults::state;
use super::{deeds, invoices, run};
use crate::support::TestDb;

/// What the ERP may feel of a hundred statements: one wait of a fifth of a second, and what a busy machine adds.
const ONE_WAIT: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_statement_timeout_that_is_shorter_than_a_lock_of_ours_doesn_t_fail_the_erp_s_write() {
    let db = TestDb::new().await;
    let (sql, other) = (db.client().await, db.client().await);
    invoices(&sql).await;
    run(
        &sql,
        "select neurolink_watch('erp.invoices', 'invoice.changed'); insert into erp.invoices (id) values (1)",
    )
    .await;
    run(
        &other,
        "begin; lock table neurolink_events in access exclusive mode",
    )
    .await;
    run(&sql, "set statement_timeout = '190ms'").await;
    run(&sql, "update erp.invoices set status = 'paid'").await;
    // A first statement in a session plans what it waits for.
    let fresh = db.client().await;
    run(&fresh, "set statement_timeout = '1s'").await;
    run(&fresh, "insert into erp.invoices (id) values (2)").await;
    run(&other, "commit").await;
    assert_eq!(deeds(&sql).await, ["insert 1", "insert 1"]);
    let (state_now, failed, error) = state(&sql, "invoice.changed").await;
    assert!(state_now == "failing" && failed > 0);
    assert!(error.unwrap().contains("lock timeout"));
    run(&sql, "update erp.invoices set status = 'void' where id = 2").await;
    assert_eq!(deeds(&sql).await.len(), 4);
}

#[tokio::test]
async fn a_transaction_waits_once_for_locks_of_ours_and_not_for_each_of_its_statements() {
    let db = TestDb::new().await;
    let (sql, other) = (db.client().await, db.client().await);
    invoices(&sql).await;
    // The row that notes the loss can't be had either.
    for held in [
        "neurolink_events",
        "neurolink_jobs",
        "neurolink_events, neurolink_watches",
    ] {
        run(
            &other,
            &format!("begin; lock table {held} in access exclusive mode"),
        )
        .await;
        let begun = Instant::now();
        run(
            &sql,
            "do $$ begin for n in 1..100 loop insert into erp.invoices (id) values (n); end loop; end $$",
        )
        .await;
        assert!(begun.elapsed() < ONE_WAIT, "{held}: {:?}", begun.elapsed());
        run(&other, "commit").await;
        assert_eq!(deeds(&sql).await, [""; 0], "{held}");
        run(&sql, "truncate erp.invoices").await;
    }
    assert!(
        state(&sql, "invoice.status_changed")
            .await
            .2
            .unwrap()
            .contains("lock timeout")
    );
    // The next transaction is patient again, and one whose lock has gone meanwhile loses no more.
    run(&sql, "begin").await;
    run(
        &other,
        "begin; lock table neurolink_events in access exclusive mode",
    )
    .await;
    run(&sql, "insert into erp.invoices (id) values (1)").await;
    run(&other, "commit").await;
    run(&sql, "insert into erp.invoices (id) values (2); commit").await;
    assert_eq!(deeds(&sql).await, ["insert 2"]);
}
