//! What the run came to, in a table: faults, events, notifications, mails, readers, wakes, checks.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use anyhow::Result;
use tokio_postgres::Client;

use crate::ledger::Fate;
use crate::monitor::Peaks;
use crate::readers::Seen;
use crate::run::{CONNECTIONS, Run};
use crate::verdict::Verdict;
use crate::wake::Latency;

/// What there is to say.
pub struct Summary<'a> {
    pub run: &'a Run,
    pub before: &'a Latency,
    pub after: &'a Latency,
    pub readers: &'a [Seen],
    pub peaks: &'a Peaks,
    pub connections: i64,
    /// Mails that came twice, each for a reason.
    pub twice: usize,
}

impl Summary<'_> {
    pub async fn print(&self, sql: &Client, verdict: &Verdict) -> Result<()> {
        let row = sql
            .query_one(
                "select (select count(*) from neurolink_events), (select count(*) from neurolink_notifications),
                        (select count(*) from neurolink_delivery_log), (select count(*) from neurolink_dead_jobs),
                        (select count(*) from neurolink_delivery_log where status = 'sent'),
                        (select coalesce(string_agg(n || ' ' || outcome, ', ' order by outcome), '')
                           from (select outcome, count(*) as n from neurolink_delivery_attempts group by outcome) a)",
                &[],
            )
            .await?;
        let count = |at: usize| row.get::<_, i64>(at);
        let attempts: &str = row.get(5);
        let entries = self.run.ledger.entries();
        let fates =
            |wanted: fn(Fate) -> bool| entries.values().filter(|entry| wanted(entry.fate)).count();
        let undone = fates(|fate| fate == Fate::Undone);
        let unknown = fates(|fate| fate == Fate::Unknown);
        let poison = entries
            .values()
            .filter(|entry| entry.spec.poison.is_some())
            .count();

        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        let blows = self.run.blows.lock().unwrap();
        for blow in blows.iter() {
            *kinds.entry(blow.kind.word()).or_default() += 1;
        }
        let kinds: Vec<String> = kinds
            .iter()
            .map(|(kind, times)| format!("{times} {kind}"))
            .collect();
        let (mut connections, mut frames, mut reloads) = (0, 0, 0);
        for seen in self.readers {
            let seen = seen.lock().unwrap();
            connections += seen.connections;
            frames += seen.frames;
            reloads += seen.reloads;
        }
        let mails = self.run.mails.lock().unwrap().len();
        let peak = |value: &std::sync::atomic::AtomicI64| value.load(Ordering::Relaxed);

        println!();
        let line = |name: &str, text: String| println!("  {name:<16} {text}");
        line("seed", self.run.seed.to_string());
        line("faults", format!("{} ({})", blows.len(), kinds.join(", ")));
        line(
            "events",
            format!(
                "{} stored of {} tried: {undone} rolled back, {unknown} answers lost, {poison} poison",
                count(0),
                entries.len()
            ),
        );
        line(
            "notifications",
            format!(
                "{}, with {} deliveries; {} events among the dead jobs",
                count(1),
                count(2),
                count(3)
            ),
        );
        line(
            "mails",
            format!(
                "{mails} in the sinks for {} deliveries sent; {} came more than once, each for a reason",
                count(4),
                self.twice
            ),
        );
        line("attempts", attempts.to_owned());
        line(
            "readers",
            format!(
                "{} on {connections} connections: {frames} frames, {reloads} reloads",
                self.readers.len()
            ),
        );
        line(
            "backlog",
            format!("{} jobs at most", peak(&self.peaks.backlog)),
        );
        let most = self.run.nodes.len() * CONNECTIONS;
        line(
            "connections",
            format!(
                "{} at the end, {} at most seen, {most} explained",
                self.connections,
                peak(&self.peaks.connections)
            ),
        );
        line("wake before", self.before.to_string());
        line("wake after", self.after.to_string());
        line(
            "checks",
            format!("{} made, {} failed", verdict.checks, verdict.wrong.len()),
        );
        Ok(())
    }
}
