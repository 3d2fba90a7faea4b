//! What lists are measured over: a company of half a year, loaded by set-based SQL, a stretch at a time so that it can be stopped. Two
//! connections share the work. Ids, times and references are as the line would have left them; triggers are off meanwhile.

use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use super::super::{Lab, Progress};
use crate::kernel::{Error, Result};

/// Rows of a statement.
const STRETCH: i64 = 250_000;

/// How much of everything there is, and where the odd ones stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// Events.
    pub events: i64,
    /// Of these evaluated: all but the newest. The last of them told everybody.
    pub evaluated: i64,
    /// Notifications, and as many deliveries.
    pub notifications: i64,
    /// People, of whom 200 have very large inboxes.
    pub people: i64,
    /// The newest e-mails, which wait.
    pub pending: i64,
    /// Entries of the audit log.
    pub audited: i64,
    /// Minutes rolled up.
    pub minutes: i64,
    /// Hours rolled up.
    pub hours: i64,
    /// Where the roll-ups end.
    pub rolled_to: String,
}

impl World {
    /// Of so many events.
    #[must_use]
    pub fn of(events: i64) -> Self {
        let events = events.max(300);
        Self {
            events,
            evaluated: events - events / 60,
            notifications: events * 2,
            people: (events / 50).clamp(300, 100_000),
            pending: events / 250,
            audited: events / 10,
            minutes: (events / 1_500).clamp(70, 2_880),
            hours: (events / 2_000).clamp(30, 2_400),
            rolled_to: "now".to_owned(),
        }
    }
}

/// Loads it all, and lets the planner know.
pub(super) async fn load(lab: &Lab, world: &World, progress: &dyn Progress) -> Result<()> {
    let (sql, beside) = (lab.sql().await?, lab.sql().await?);
    let now = sql
        .query_one(
            include_str!("../../../../sql/queries/bench/lists_begin.sql"),
            &[],
        )
        .await?
        .try_get::<_, String>("now")?;
    for client in [&sql, &beside] {
        client.batch_execute("set synchronous_commit = off").await?;
    }
    quiet(&sql, "disable").await?;
    let small = include_str!("../../../../sql/queries/bench/lists_people.sql");
    sql.execute(small, &[&world.people]).await?;
    let small = include_str!("../../../../sql/queries/bench/lists_followers.sql");
    sql.execute(small, &[&world.people]).await?;
    let wishes = include_str!("../../../../sql/queries/bench/lists_wishes.sql");
    sql.execute(wishes, &[]).await?;
    let rules = include_str!("../../../../sql/queries/bench/lists_rules.sql");
    sql.execute(rules, &[]).await?;

    let steps = world.events / STRETCH + world.notifications / STRETCH + 3;
    let step = std::sync::atomic::AtomicU64::new(0);
    let steps = u64::try_from(steps).unwrap_or_default();
    let told = |doing: &str| {
        let done = step.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        progress.at(done.min(steps), steps, doing);
    };
    tokio::try_join!(
        events(lab, &sql, world, &now, &told),
        outcomes_and_numbers(lab, &beside, world, &now),
    )?;
    sql.batch_execute("analyze neurolink_events").await?;
    tokio::try_join!(
        notifications(lab, &sql, world, 0, &told),
        notifications(lab, &beside, world, 1, &told),
    )?;
    drop(beside);
    told("attempts, inboxes, jobs");
    rest(lab, &sql, world).await?;
    quiet(&sql, "enable").await?;
    told("vacuum analyze");
    settle(&sql).await
}

/// Stretches of 1 to `most`, every `of`th from the `nth` on.
fn stretches(most: i64, nth: usize, of: usize) -> impl Iterator<Item = (i64, i64)> {
    (0..)
        .map(|n| n * STRETCH + 1)
        .take_while(move |from| *from <= most)
        .skip(nth)
        .step_by(of)
        .map(move |from| (from, (from + STRETCH - 1).min(most)))
}

async fn events(
    lab: &Lab,
    sql: &Client,
    world: &World,
    now: &String,
    told: &(impl Fn(&str) + Sync),
) -> Result<()> {
    let text = include_str!("../../../../sql/queries/bench/lists_events.sql");
    for (from, to) in stretches(world.events, 0, 1) {
        lab.going()?;
        told("loading events");
        run(sql, text, &[&from, &to, &world.events, now]).await?;
    }
    Ok(())
}

async fn outcomes_and_numbers(lab: &Lab, sql: &Client, world: &World, now: &String) -> Result<()> {
    let text = include_str!("../../../../sql/queries/bench/lists_outcomes.sql");
    for (from, to) in stretches(world.evaluated, 0, 1) {
        lab.going()?;
        run(sql, text, &[&from, &to, &world.events, now]).await?;
    }
    let metrics = include_str!("../../../../sql/queries/bench/lists_metrics.sql");
    run(sql, metrics, &[&world.minutes, &world.hours, now]).await?;
    let audit = include_str!("../../../../sql/queries/bench/lists_audit.sql");
    run(sql, audit, &[&world.audited, now]).await?;
    let types = include_str!("../../../../sql/queries/bench/lists_types.sql");
    run(sql, types, &[&500_i64]).await
}

async fn notifications(
    lab: &Lab,
    sql: &Client,
    world: &World,
    half: usize,
    told: &(impl Fn(&str) + Sync),
) -> Result<()> {
    let text = include_str!("../../../../sql/queries/bench/lists_notifications.sql");
    for (from, to) in stretches(world.notifications, half, 2) {
        lab.going()?;
        told("loading notifications and deliveries");
        let World {
            notifications,
            evaluated,
            people,
            pending,
            ..
        } = world;
        run(
            sql,
            text,
            &[&from, &to, notifications, evaluated, people, pending],
        )
        .await?;
    }
    Ok(())
}

async fn rest(lab: &Lab, sql: &Client, world: &World) -> Result<()> {
    let attempts = include_str!("../../../../sql/queries/bench/lists_attempts.sql");
    for (from, to) in stretches(world.notifications, 0, 1) {
        lab.going()?;
        run(sql, attempts, &[&(from * 32), &(to * 32 + 31)]).await?;
    }
    lab.going()?;
    let inboxes = include_str!("../../../../sql/queries/bench/lists_inboxes.sql");
    run(sql, inboxes, &[]).await?;
    let jobs = include_str!("../../../../sql/queries/bench/lists_jobs.sql");
    let below = (world.notifications - 5 * world.pending) * 32;
    run(sql, jobs, &[&world.evaluated, &below]).await?;
    let end = include_str!("../../../../sql/queries/bench/lists_end.sql");
    sql.query_one(end, &[&world.events, &world.notifications])
        .await?;
    Ok(())
}

async fn run(sql: &Client, text: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<()> {
    sql.execute(text, parameters).await.map_err(|error| {
        let what = text.lines().next().unwrap_or_default().to_owned();
        Error::internal(format!("this can't be loaded: {what}"), error)
    })?;
    Ok(())
}

/// The line's triggers would queue and audit what is meant to have happened long ago.
async fn quiet(sql: &Client, how: &str) -> Result<()> {
    // Those of the rules stay: they write the versions.
    for table in ["events", "jobs", "users", "user_preferences"] {
        let statement = format!("alter table neurolink_{table} {how} trigger user");
        sql.batch_execute(&statement).await?;
    }
    Ok(())
}

async fn settle(sql: &Client) -> Result<()> {
    for table in [
        "events",
        "event_outcomes",
        "notifications",
        "delivery_log",
        "delivery_attempts",
        "jobs",
        "dead_jobs",
        "inboxes",
        "users",
        "user_preferences",
        "followers",
        "notification_rules",
        "rule_versions",
        "metrics",
        "metrics_hours",
        "audit_log",
        "event_types",
    ] {
        sql.batch_execute(&format!("vacuum (analyze) neurolink_{table}"))
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_cover_everything_once() {
        let both: i64 = (0..2)
            .flat_map(|half| stretches(1_000_001, half, 2))
            .map(|(from, to)| to - from + 1)
            .sum();
        assert_eq!(both, 1_000_001);
        assert_eq!(stretches(7, 0, 1).collect::<Vec<_>>(), [(1, 7)]);
        assert_eq!(stretches(7, 1, 2).count(), 0);
    }
}
