//! The verdict on inboxes and streams, on what must not be left over (jobs, locks, connections, workers), and on the wake.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio_postgres::Client;

use crate::readers::{Known, Seen};
use crate::run::{CONNECTIONS, Run};
use crate::verdict::{Events, Verdict, number};
use crate::wake::Latency;

/// Readers have this long to catch up once nothing moves: a lost hint costs five seconds, a comeback some more.
const CATCH_UP: Duration = Duration::from_secs(20);

/// Waits until every reader stands where their inbox does, or patience ends.
pub async fn catch_up(sql: &Client, readers: &[Seen]) -> Result<()> {
    let deadline = Instant::now() + CATCH_UP;
    loop {
        let revs = sql
            .query("select user_id, rev from neurolink_inboxes", &[])
            .await?;
        let revs: BTreeMap<String, i64> = revs.iter().map(|row| (row.get(0), row.get(1))).collect();
        let behind = readers.iter().any(|seen| {
            let seen = seen.lock().unwrap();
            seen.rev < revs.get(seen.user).copied().unwrap_or(0)
        });
        if !behind || Instant::now() > deadline {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Counts equal rows; every reader's inbox equals the table's.
pub async fn inboxes(
    sql: &Client,
    readers: &[Seen],
    events: &Events,
    verdict: &mut Verdict,
) -> Result<()> {
    for row in sql
        .query(
            "select user_id, unread_count, unread, unseen_count, unseen from neurolink_inbox_drift",
            &[],
        )
        .await?
    {
        let user: &str = row.get(0);
        let (counted, is): (i32, i64) = (row.get(1), row.get(2));
        verdict.check(false, None, || {
            format!("{user}'s inbox counts {counted} unread and has {is}")
        });
    }
    for seen in readers {
        let seen = seen.lock().unwrap().clone();
        let name = &seen.name;
        let rows = sql
            .query(
                "select id, rev, title, read_at is not null, archived_at is not null, event_id from neurolink_notifications
                  where user_id = $1 and in_app and deleted_at is null",
                &[&seen.user],
            )
            .await?;
        let mut table = BTreeMap::new();
        let mut event_of = BTreeMap::new();
        for row in rows {
            let known = Known {
                rev: row.get(1),
                title: row.get(2),
                read: row.get(3),
                archived: row.get(4),
            };
            table.insert(row.get::<_, i64>(0), known);
            event_of.insert(row.get::<_, i64>(0), row.get::<_, Option<i64>>(5));
        }
        let state = sql
            .query_opt(
                "select rev, unread_count from neurolink_inboxes where user_id = $1",
                &[&seen.user],
            )
            .await?;
        let (rev, unread): (i64, i32) = state.map_or((0, 0), |row| (row.get(0), row.get(1)));
        verdict.check(seen.rev == rev, None, || {
            format!("reader {name} ended at revision {} of {rev}", seen.rev)
        });
        verdict.check(rev == 0 || seen.unread == i64::from(unread), None, || {
            format!(
                "reader {name} was told of {} unread, there are {unread}",
                seen.unread
            )
        });
        for (id, is) in &table {
            let event = event_of.get(id).copied().flatten();
            verdict.check(seen.inbox.get(id) == Some(is), event, || {
                format!(
                    "reader {name} knows notification {id} as {:?}, it is {is:?}",
                    seen.inbox.get(id)
                )
            });
        }
        for (id, known) in seen.inbox.iter().filter(|(id, _)| !table.contains_key(id)) {
            let event = number(&known.title)
                .and_then(|n| events.by_number.get(&n))
                .and_then(|ids| ids.first())
                .copied();
            verdict.check(false, event, || {
                format!(
                    "reader {name} has notification {id} ({}), which isn't there",
                    known.title
                )
            });
        }
        for fault in &seen.faults {
            verdict.check(false, None, || format!("reader {name}: {fault}"));
        }
    }
    Ok(())
}

/// With the nodes running and nothing to do: no job, no lock but those of the living, no connection too many.
pub async fn left_over(run: &Run, sql: &Client, verdict: &mut Verdict) -> Result<i64> {
    for row in sql.query("select kind, channel, ref_id, claimed_by::text, run_at::text, last_error from neurolink_jobs", &[]).await? {
        let (kind, ref_id): (&str, i64) = (row.get(0), row.get(2));
        let event = (kind == "event").then_some(ref_id);
        let (holder, at): (Option<&str>, &str) = (row.get(3), row.get(4));
        verdict.check(false, event, || format!("a job is left: {kind} {ref_id}, claimed by {holder:?}, due {at}"));
    }
    let nodes = i64::try_from(run.nodes.len())?;
    let row = sql
        .query_one(
            "select (select count(*) from pg_stat_activity where application_name = 'neurolink'),
                    (select count(*) from pg_stat_activity where application_name = 'neurolink' and state like 'idle in transaction%'
                                                             and state_change < clock_timestamp() - interval '2 seconds'),
                    (select count(*) from pg_locks where locktype = 'advisory' and objsubid = 1),
                    (select count(*) from pg_locks where locktype = 'advisory' and objsubid = 2 and mode = 'ExclusiveLock'),
                    (select count(*) from neurolink_workers),
                    (select count(*) from pg_locks l join pg_stat_activity a using (pid)
                      where l.locktype = 'advisory' and a.application_name <> 'neurolink')",
            &[],
        )
        .await?;
    let (connections, open, incarnations): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    let (sleepers, workers, foreign): (i64, i64, i64) = (row.get(3), row.get(4), row.get(5));
    let most = nodes * i64::try_from(CONNECTIONS)?;
    verdict.check(connections <= most, None, || {
        format!("{connections} connections, at most {most} are explained")
    });
    verdict.check(open == 0, None, || {
        format!("{open} transactions are left open")
    });
    verdict.check(incarnations == nodes, None, || {
        format!("{incarnations} locks of incarnations for {nodes} nodes")
    });
    verdict.check(sleepers <= 2, None, || {
        format!("{sleepers} exclusive locks of sleepers")
    });
    verdict.check(foreign == 0, None, || {
        format!("{foreign} advisory locks are held by nobody of ours")
    });
    verdict.check(workers == nodes, None, || {
        format!("{workers} workers are listed for {nodes} nodes")
    });
    Ok(connections)
}

/// After every node has left in good order: nothing of them is there any more.
pub async fn nothing_left(sql: &Client, verdict: &mut Verdict) -> Result<()> {
    let question =
        "select (select count(*) from pg_stat_activity where application_name = 'neurolink'),
                           (select count(*) from pg_locks where locktype = 'advisory'),
                           (select count(*) from neurolink_workers)";
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut left: (i64, i64, i64);
    loop {
        let row = sql.query_one(question, &[]).await?;
        left = (row.get(0), row.get(1), row.get(2));
        if left == (0, 0, 0) || Instant::now() > deadline {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    verdict.check(left == (0, 0, 0), None, || {
        format!(
            "after every node has stopped there are {} connections, {} advisory locks, {} workers",
            left.0, left.1, left.2
        )
    });
    Ok(())
}

/// Back to normal: what is normal was measured on this machine minutes ago; the floor is for a machine with other work.
pub fn wake(before: &Latency, after: &Latency, verdict: &mut Verdict) {
    let normal = (before.p50() * 4).max(Duration::from_millis(60));
    verdict.check(after.p50() <= normal, None, || {
        format!("wakes aren't back to normal: before {before}; after {after}")
    });
    // One probe of 25 may meet the machine's own hiccup; a fallback timer (1 to 6 s) behind a tenth of them is a lost wake.
    let worst = (before.p90() * 6).max(Duration::from_millis(400));
    verdict.check(after.p90() <= worst, None, || {
        format!("wakes are slow after the last fault: before {before}; after {after}")
    });
}
