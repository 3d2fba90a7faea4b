//! Looks at the database while everything dies: who is which worker, how many connections there are, how much waits; prints
//! progress. And after the last fault, waits until there is nothing left to do.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use crate::run::{LONG_LEASE, Run, Shared};

/// What was seen on the way.
#[derive(Debug, Default)]
pub struct Peaks {
    pub connections: AtomicI64,
    pub backlog: AtomicI64,
}

/// Looks twice a second until told to stop.
pub async fn watch(run: Shared, peaks: std::sync::Arc<Peaks>, over: CancellationToken) {
    let mut sql: Option<Client> = None;
    let mut looks = 0_u64;
    while !over.is_cancelled() {
        tokio::time::sleep(Duration::from_millis(500)).await;
        if sql.as_ref().is_none_or(Client::is_closed) {
            sql = run.cluster.connect().await.ok();
        }
        let Some(client) = &sql else { continue };
        // Away at the moment: the next look tells.
        let Ok((connections, jobs)) = look(&run, client).await else {
            continue;
        };
        peaks.connections.fetch_max(connections, Ordering::Relaxed);
        peaks.backlog.fetch_max(jobs, Ordering::Relaxed);
        looks += 1;
        if looks.is_multiple_of(20) {
            let (committed, tried) = run.ledger.counts();
            let (mails, faults) = (
                run.mails.lock().unwrap().len(),
                run.blows.lock().unwrap().len(),
            );
            run.say(&format!("             {committed} of {tried} events committed, {jobs} jobs, {mails} mails, {faults} faults"));
        }
        // A mail on the way out of the folder isn't lost if this fails: the next look finds it.
        let _ = run.mailbox.collect(&run.mails, run.start).await;
    }
}

async fn look(run: &Run, sql: &Client) -> Result<(i64, i64)> {
    for row in sql
        .query("select incarnation, pid from neurolink_workers", &[])
        .await?
    {
        let pid: i32 = row.get(1);
        run.workers
            .lock()
            .unwrap()
            .insert(row.get(0), pid.unsigned_abs());
    }
    let row = sql
        .query_one(
            "select (select count(*) from pg_stat_activity where application_name = 'neurolink'),
                    (select count(*) from neurolink_jobs)",
            &[],
        )
        .await?;
    Ok((row.get(0), row.get(1)))
}

/// Waits until no job is left. Retries that wait for their backoff (up to hours) are pulled forward: by hand, in SQL, as a DBA
/// would once the mail server is back. Claimed jobs are left alone: their leases must end by themselves.
pub async fn until_quiet(run: &Run) -> Result<Duration> {
    let sql = run.cluster.connect_patiently().await?;
    let began = Instant::now();
    let deadline = began + LONG_LEASE + Duration::from_secs(45);
    let mut said = Instant::now();
    loop {
        let pulled = sql
            .execute("update neurolink_jobs set run_at = now() where claimed_by is null and run_at > now()", &[])
            .await?;
        if pulled > 0 {
            sql.batch_execute("notify neurolink_wake").await?;
        }
        let left: i64 = sql
            .query_one("select count(*) from neurolink_jobs", &[])
            .await?
            .get(0);
        if left == 0 {
            return Ok(began.elapsed());
        }
        if said.elapsed() > Duration::from_secs(10) {
            let example = "select concat_ws(' ', kind, nullif(channel, ''), ref_id, 'attempt ' || attempt,
                                  'leased for ' || extract(epoch from run_at - now())::int || ' s by ' || claimed_by)
                             from neurolink_jobs limit 1";
            let one = sql
                .query_opt(example, &[])
                .await?
                .map(|row| row.get::<_, String>(0));
            run.say(&format!(
                "             {left} jobs left, such as {}",
                one.unwrap_or_default()
            ));
            said = Instant::now();
        }
        if Instant::now() > deadline {
            bail!(
                "{left} jobs are still there {} s after the last fault",
                began.elapsed().as_secs()
            );
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
