//! The story of what broke: everything known about an event, from its producer to the sinks, with the faults of that time. Printed
//! for the first few violations, after the seed that would strike the same blows again.

use std::time::Duration;

use anyhow::Result;
use tokio_postgres::Client;

use crate::run::Run;
use crate::verdict::Wrong;

/// Faults so far before and behind an event's life are part of its story.
const AROUND: Duration = Duration::from_secs(15);

/// Tables with what they call the event, and the rows of it.
const TABLES: &[(&str, &str)] = &[
    ("event", "select to_jsonb(t) - 'payload' || jsonb_build_object('n', payload ->> 'n') from neurolink_events t where id = $1"),
    ("jobs", "select to_jsonb(t) from neurolink_jobs t where (kind = 'event' and ref_id = $1)
        or (kind = 'delivery' and ref_id / 32 in (select id from neurolink_notifications where event_id = $1))"),
    ("dead jobs", "select to_jsonb(t) from neurolink_dead_jobs t where kind = 'event' and ref_id = $1"),
    ("outcome", "select to_jsonb(t) from neurolink_event_outcomes t where event_id = $1"),
    ("notifications", "select to_jsonb(t) from neurolink_notifications t where event_id = $1 order by id"),
    ("deliveries", "select to_jsonb(t) from neurolink_delivery_log t
        where notification_id in (select id from neurolink_notifications where event_id = $1) order by id"),
    ("attempts", "select to_jsonb(t) from neurolink_delivery_attempts t
        where delivery_id / 32 in (select id from neurolink_notifications where event_id = $1) order by delivery_id, attempt"),
];

/// Tells one violation's story.
pub async fn tell(run: &Run, sql: &Client, wrong: &Wrong) -> Result<()> {
    println!("\n✗ {}", wrong.what);
    let event = match (wrong.event, wrong.delivery) {
        (Some(event), _) => event,
        (None, Some(delivery)) => {
            let question = "select event_id from neurolink_notifications where id = $1 / 32";
            let Some(row) = sql.query_opt(question, &[&delivery]).await? else {
                return Ok(());
            };
            let Some(event) = row.get(0) else {
                return Ok(());
            };
            event
        }
        (None, None) => return Ok(()),
    };
    let mut texts = vec![format!("event.id={event} "), format!("event {event} ")];
    for (table, question) in TABLES {
        for row in sql.query(*question, &[&event]).await? {
            let row: serde_json::Value = row.get(0);
            println!("    {table:<14} {row}");
            if *table == "deliveries" {
                texts.push(format!("delivery.id={} ", row["id"]));
            }
        }
    }
    let mark: Option<String> = sql
        .query_opt(
            "select payload ->> 'n' from neurolink_events where id = $1",
            &[&event],
        )
        .await?
        .and_then(|row| row.get(0));
    let n = mark.as_deref().and_then(crate::verdict::number);
    let entry = n.and_then(|n| run.ledger.entries().remove(&n));
    let (mut from, mut until) = (run.start.elapsed(), Duration::ZERO);
    if let Some(entry) = &entry {
        (from, until) = (entry.begun, entry.ended);
        println!(
            "    {:<14} {} at {:.2} s, {} tries, {:?} at {:.2} s",
            "producer",
            entry.how,
            from.as_secs_f64(),
            entry.tries,
            entry.fate,
            until.as_secs_f64()
        );
        println!(
            "    {:<14} {:?}",
            "expected",
            crate::world::expected(&entry.spec)
        );
    }
    for mail in run.mails.lock().unwrap().iter() {
        if mail.subject.split(' ').next() == mark.as_deref() {
            until = until.max(mail.at);
            println!(
                "    {:<14} {:.2} s by {}: {} to {}, {}",
                "mail",
                mail.at.as_secs_f64(),
                mail.by,
                mail.subject,
                mail.to,
                mail.message_id
            );
        }
    }
    for blow in run.blows.lock().unwrap().iter() {
        if blow.began <= until + AROUND
            && blow.ended.unwrap_or(Duration::MAX).saturating_add(AROUND) >= from
        {
            let ended = blow.ended.map_or("not over".to_owned(), |ended| {
                format!("until {:.2} s", ended.as_secs_f64())
            });
            println!(
                "    {:<14} {:.2} s {ended}: {}, {}",
                "fault",
                blow.began.as_secs_f64(),
                blow.kind.word(),
                blow.target
            );
        }
    }
    for line in run.nodes.iter().flat_map(|node| node.told(&texts)) {
        println!("    {:<14} {line}", "log");
    }
    Ok(())
}
