//! Claims of alarms, and what becomes of those that can't be acted on.

use std::time::Duration;

use jiff::Timestamp;

use crate::db::Client;
use crate::kernel::{Error, Result};
use crate::queue::model::{AlarmClaim, AlarmJob};

/// In this order they are claimed, beginning with each in turn: of none there is ever so much that the others get no place.
const KINDS: [&str; 4] = ["reminder", "digest", "escalation", "fanout"];
/// The urgent one first.
const LANES: [i16; 3] = [0, 1, 2];
/// What alarms change may be locked by somebody: they don't stand in line for long, and one that is acted on alone hardly at all, since
/// all the others wait for it.
const BEGIN: [&str; 2] = [
    "begin; set local lock_timeout = '500ms'",
    "begin; set local lock_timeout = '50ms'",
];

/// Claims alarms in the open transaction of `client`, beginning it. The `turn`th claim.
///
/// # Errors
/// The database's.
pub async fn claim(client: &Client, most: usize, turn: u32) -> Result<AlarmClaim> {
    let mut kinds = KINDS;
    kinds.rotate_left(turn as usize % KINDS.len());
    let kinds = LANES
        .iter()
        .flat_map(|lane| kinds.map(|kind| (*lane, kind)));
    let (lanes, kinds): (Vec<i16>, Vec<&str>) = kinds.unzip();
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/queue/claim_alarms.sql"))
        .await?;
    let begin = BEGIN[usize::from(most == 1)];
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let begin = async { client.batch_execute(begin).await.map_err(Error::from) };
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&most, &lanes, &kinds];
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
            max_attempts: row.try_get("max_attempts")?,
            created_at: row.try_get("created_at")?,
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
    let most: Vec<i32> = jobs.iter().map(|job| job.max_attempts).collect();
    let created: Vec<Timestamp> = jobs.iter().map(|job| job.created_at).collect();
    client
        .execute(
            &statement,
            &[&kinds, &alarms, &lanes, &attempts, &most, &created],
        )
        .await?;
    Ok(())
}

/// An alarm could not be acted on: it rings again after `wait`, or is given up, if it `counts` and was the last attempt. Whether it is.
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
