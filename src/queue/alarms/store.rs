//! Claims of alarms, and what becomes of those that can't be acted on.

use std::time::Duration;

use crate::db::Client;
use crate::kernel::{Error, Result};
use crate::queue::model::{AlarmClaim, AlarmJob};

/// Claims alarms in the open transaction of `client`, beginning it.
///
/// # Errors
/// The database's.
pub async fn claim(client: &Client, most: usize) -> Result<AlarmClaim> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/queue/claim_alarms.sql"))
        .await?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let begin = async { client.batch_execute("begin").await.map_err(Error::from) };
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 1] = [&most];
    let claim = async {
        client
            .query(&statement, &parameters)
            .await
            .map_err(Error::from)
    };
    let ((), rows) = futures_util::future::try_join(begin, claim).await?;
    let mut claim = AlarmClaim::default();
    for row in &rows {
        (claim.rules_rev, claim.now) = (row.try_get("rules_rev")?, row.try_get("now")?);
        claim.jobs.push(AlarmJob {
            job_id: row.try_get("job_id")?,
            alarm: row.try_get("alarm")?,
            kind: row.try_get("kind")?,
            lane: row.try_get("lane")?,
            attempt: row.try_get("attempt")?,
        });
    }
    Ok(claim)
}

/// Alarms that can't be acted on just now ring again in a moment.
///
/// # Errors
/// The database's.
pub async fn put_off(client: &Client, jobs: &[&AlarmJob]) -> Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/queue/later_alarms.sql"))
        .await?;
    let kinds: Vec<&str> = jobs.iter().map(|job| job.kind.as_str()).collect();
    let alarms: Vec<i64> = jobs.iter().map(|job| job.alarm).collect();
    let lanes: Vec<i16> = jobs.iter().map(|job| job.lane).collect();
    let attempts: Vec<i32> = jobs.iter().map(|job| job.attempt).collect();
    client
        .execute(&statement, &[&kinds, &alarms, &lanes, &attempts])
        .await?;
    Ok(())
}

/// An alarm could not be acted on: it rings again after `wait`, or is given up if that `counts`. Whether it is.
///
/// # Errors
/// The database's.
pub async fn fail(
    client: &Client,
    job: &AlarmJob,
    wait: Duration,
    why: &str,
    counts: bool,
) -> Result<bool> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/queue/fail_alarm.sql"))
        .await?;
    let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    let row = client
        .query_opt(&statement, &[&job.job_id, &wait, &why, &counts])
        .await?;
    Ok(match row {
        Some(row) => row.try_get("is_dead")?,
        None => false,
    })
}
