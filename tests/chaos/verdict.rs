//! The verdict on events: what producers know against what the tables say. (Deliveries and mails: `verdict_mails`. Inboxes,
//! streams and what must not be left over: `verdict_rest`.) Nothing here asks the product's engine: see `world::expected`.

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;
use tokio_postgres::Client;

use crate::ledger::{Entry, Fate};
use crate::run::Run;
use crate::world::expected;

/// Something that must not be.
#[derive(Debug, Clone)]
pub struct Wrong {
    pub what: String,
    pub event: Option<i64>,
    pub delivery: Option<i64>,
}

/// Everything that must not be, gathered.
#[derive(Debug, Default)]
pub struct Verdict {
    pub wrong: Vec<Wrong>,
    pub checks: u64,
}

impl Verdict {
    /// Counts a check, and notes it when it fails.
    pub fn check(&mut self, holds: bool, event: Option<i64>, what: impl FnOnce() -> String) {
        self.checks += 1;
        if !holds {
            self.wrong.push(Wrong {
                what: what(),
                event,
                delivery: None,
            });
        }
    }

    /// The same, about a delivery.
    pub fn check_delivery(&mut self, holds: bool, delivery: i64, what: impl FnOnce() -> String) {
        self.checks += 1;
        if !holds {
            self.wrong.push(Wrong {
                what: what(),
                event: None,
                delivery: Some(delivery),
            });
        }
    }
}

/// The run's events in the table.
pub struct Events {
    /// By number: usually one id.
    pub by_number: HashMap<u64, Vec<i64>>,
    /// By id; `None` for a probe.
    pub by_id: BTreeMap<i64, Option<u64>>,
}

/// What the table of events says.
pub async fn events(sql: &Client) -> Result<Events> {
    let rows = sql
        .query(
            "select id, payload ->> 'n' from neurolink_events order by id",
            &[],
        )
        .await?;
    let mut events = Events {
        by_number: HashMap::new(),
        by_id: BTreeMap::new(),
    };
    for row in rows {
        let (id, mark): (i64, Option<&str>) = (row.get(0), row.get(1));
        let n = mark.and_then(number);
        if let Some(n) = n {
            events.by_number.entry(n).or_default().push(id);
        }
        events.by_id.insert(id, n);
    }
    Ok(events)
}

/// An event's number from its mark, as it stands in titles and subjects.
pub fn number(text: &str) -> Option<u64> {
    text.split(' ').next()?.strip_prefix('n')?.parse().ok()
}

/// Every committed event is there once and was evaluated once; what was undone isn't; notifications are exactly the expected.
pub async fn judge(run: &Run, sql: &Client, events: &Events, verdict: &mut Verdict) -> Result<()> {
    let entries = run.ledger.entries();
    for (n, what) in run.ledger.complaints() {
        let event = n
            .and_then(|n| events.by_number.get(&n))
            .and_then(|ids| ids.first())
            .copied();
        verdict.check(false, event, || {
            format!("a producer was told wrongly: {what}")
        });
    }
    presence(&entries, events, verdict);
    outcomes(&entries, sql, events, verdict).await?;
    notifications(&entries, sql, events, verdict).await
}

fn presence(entries: &BTreeMap<u64, Entry>, events: &Events, verdict: &mut Verdict) {
    for (n, entry) in entries {
        let ids = events.by_number.get(n).map_or(&[][..], Vec::as_slice);
        let event = ids.first().copied();
        let (how, fate) = (entry.how, entry.fate);
        match fate {
            Fate::Committed(told) => {
                verdict.check(ids.len() == 1, event, || {
                    format!(
                        "event n{n} ({how}) was committed, and is there {} times",
                        ids.len()
                    )
                });
                verdict.check(told.is_none_or(|id| event == Some(id)), event, || {
                    format!(
                        "event n{n} ({how}): its producer was told id {told:?}, it has {event:?}"
                    )
                });
            }
            Fate::Undone => {
                verdict.check(ids.is_empty(), event, || {
                    format!("event n{n} ({how}) was rolled back, and is there")
                });
            }
            Fate::Unknown => {
                verdict.check(ids.len() <= 1, event, || {
                    format!("event n{n} ({how}) is there {} times", ids.len())
                });
            }
        }
    }
    for (n, ids) in &events.by_number {
        verdict.check(entries.contains_key(n), ids.first().copied(), || {
            format!("nobody brought event n{n} in")
        });
    }
}

async fn outcomes(
    entries: &BTreeMap<u64, Entry>,
    sql: &Client,
    events: &Events,
    verdict: &mut Verdict,
) -> Result<()> {
    let rows = sql
        .query(
            "select event_id, error, notifications from neurolink_event_outcomes",
            &[],
        )
        .await?;
    let mut found = HashMap::new();
    for row in &rows {
        let (id, error, told): (i64, Option<&str>, i32) = (row.get(0), row.get(1), row.get(2));
        verdict.check(events.by_id.contains_key(&id), Some(id), || {
            format!("event {id} was evaluated, and isn't there")
        });
        // The table's own primary key forbids it; a check that the key is still there.
        verdict.check(found.insert(id, (error, told)).is_none(), Some(id), || {
            format!("event {id} was evaluated twice")
        });
    }
    let buried: Vec<i64> = sql
        .query(
            "select ref_id from neurolink_dead_jobs where kind = 'event'",
            &[],
        )
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    for (id, n) in &events.by_id {
        let entry = n.and_then(|n| entries.get(&n));
        let Some((error, told)) = found.get(id) else {
            verdict.check(false, Some(*id), || {
                format!("event {id} was never evaluated")
            });
            continue;
        };
        let poisoned = entry.is_some_and(|entry| entry.spec.poison.is_some());
        verdict.check(error.is_some() == poisoned, Some(*id), || match error {
            Some(error) => format!("event {id} was given up: {error}"),
            None => format!("event {id} is poison, and was evaluated"),
        });
        let times = buried.iter().filter(|dead| *dead == id).count();
        verdict.check(times == usize::from(poisoned), Some(*id), || {
            format!("event {id} is {times} times among the dead jobs")
        });
        let wanted = entry.map_or(0, |entry| expected(&entry.spec).len());
        verdict.check(usize::try_from(*told) == Ok(wanted), Some(*id), || {
            format!("event {id}'s outcome says {told} notifications instead of {wanted}")
        });
    }
    Ok(())
}

async fn notifications(
    entries: &BTreeMap<u64, Entry>,
    sql: &Client,
    events: &Events,
    verdict: &mut Verdict,
) -> Result<()> {
    let rows = sql
        .query(
            "select n.event_id, v.name, n.user_id, n.step
               from neurolink_notifications n
               left join neurolink_rule_versions v on v.rule_id = n.rule_id and v.version = n.rule_version",
            &[],
        )
        .await?;
    let mut told: HashMap<i64, Vec<(String, String)>> = HashMap::new();
    for row in &rows {
        let (Some(event), rule, user): (Option<i64>, Option<&str>, &str) =
            (row.get(0), row.get(1), row.get(2))
        else {
            verdict.check(false, None, || "a notification of no event".to_owned());
            continue;
        };
        verdict.check(events.by_id.contains_key(&event), Some(event), || {
            format!("{user} was told of event {event}, which isn't there")
        });
        told.entry(event)
            .or_default()
            .push((rule.unwrap_or("?").to_owned(), user.to_owned()));
    }
    for (id, n) in &events.by_id {
        let mut is = told.remove(id).unwrap_or_default();
        is.sort();
        let wanted = n
            .and_then(|n| entries.get(&n))
            .map(|entry| expected(&entry.spec))
            .unwrap_or_default();
        let mut must: Vec<(String, String)> = wanted
            .iter()
            .map(|t| (t.rule.to_owned(), t.user.to_owned()))
            .collect();
        must.sort();
        verdict.check(is == must, Some(*id), || {
            format!("event {id} told {is:?} instead of {must:?}")
        });
    }
    Ok(())
}
