//! The verdict on deliveries: one per notification and channel, every one ended, and what the sinks have. A mail may be there a
//! second time only if its own attempts say that a crash, a freeze or an ambiguous answer hit it, and then as the same mail.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::Result;
use tokio_postgres::Client;

use crate::deliveries::{Attempt, Delivery, attempts, deliveries};
use crate::faults::node_of;
use crate::plan::Kind;
use crate::run::{LONG_LEASE, Run};
use crate::sinks::Taken;
use crate::verdict::{Events, Verdict};
use crate::world::{PEOPLE, expected};

/// Judges all of it; gives how many mails came twice for a reason.
pub async fn judge(
    run: &Run,
    sql: &Client,
    events: &Events,
    verdict: &mut Verdict,
) -> Result<usize> {
    let deliveries = deliveries(sql).await?;
    let attempts = attempts(run, sql).await?;
    let mails = run.mails.lock().unwrap().clone();
    let mut sunk: HashMap<i64, Vec<&Taken>> = HashMap::new();
    for mail in &mails {
        sunk.entry(mail.delivery).or_default().push(mail);
    }
    planned(run, &deliveries, events, verdict);
    let mut twice = 0;
    for delivery in &deliveries {
        let tries = attempts.get(&delivery.id).map_or(&[][..], Vec::as_slice);
        let copies = sunk.remove(&delivery.id).unwrap_or_default();
        ended(delivery, tries, verdict);
        if delivery.channel == "email" {
            arrived(delivery, tries, &copies, verdict);
            twice += usize::from(copies.len() > 1);
        }
        for lost in tries.iter().filter(|attempt| attempt.outcome == "lost") {
            verdict.check_delivery(was_hit(run, lost), delivery.id, || {
                format!(
                    "an attempt of delivery {} was lost although nothing hit its worker {}: {}",
                    delivery.id, lost.worker, lost.error
                )
            });
        }
    }
    for (delivery, mails) in sunk {
        verdict.check_delivery(false, delivery, || {
            format!(
                "a mail of delivery {delivery}, which isn't there: {:?}",
                mails[0]
            )
        });
    }
    Ok(twice)
}

/// Exactly one delivery per expected notification and channel, and no other.
fn planned(run: &Run, deliveries: &[Delivery], events: &Events, verdict: &mut Verdict) {
    let entries = run.ledger.entries();
    let mut is: BTreeMap<i64, Vec<(&str, &str, &str)>> = BTreeMap::new();
    for d in deliveries {
        is.entry(d.event)
            .or_default()
            .push((&d.rule, &d.user, &d.channel));
    }
    for (id, n) in &events.by_id {
        let wanted = n
            .and_then(|n| entries.get(&n))
            .map(|entry| expected(&entry.spec))
            .unwrap_or_default();
        let mut must: Vec<(&str, &str, &str)> = wanted
            .iter()
            .flat_map(|t| t.channels.iter().map(|channel| (t.rule, t.user, *channel)))
            .collect();
        let mut is = is.remove(id).unwrap_or_default();
        must.sort_unstable();
        is.sort_unstable();
        verdict.check(is == must, Some(*id), || {
            format!("event {id} has deliveries {is:?} instead of {must:?}")
        });
    }
    verdict.check(is.is_empty(), is.keys().next().copied(), || {
        format!("deliveries of no event: {is:?}")
    });
}

fn ended(d: &Delivery, tries: &[Attempt], verdict: &mut Verdict) {
    let refused = d
        .address
        .as_deref()
        .is_some_and(|address| address.starts_with("fail550@"));
    let address = PEOPLE
        .iter()
        .find(|person| person.0 == d.user)
        .and_then(|person| person.1);
    let allowed: &[&str] = match (d.channel.as_str(), address) {
        ("in_app", _) => &["delivered"],
        (_, None) => &["suppressed"],
        // The folder refuses nobody.
        (_, Some(_)) if refused => &["dead", "sent"],
        (_, Some(_)) => &["sent"],
    };
    verdict.check_delivery(allowed.contains(&d.status.as_str()), d.id, || {
        format!(
            "delivery {} ({} to {}) is {} instead of {allowed:?}",
            d.id, d.channel, d.user, d.status
        )
    });
    let accepted = tries
        .iter()
        .filter(|attempt| attempt.outcome == "accepted")
        .count();
    verdict.check_delivery(accepted == usize::from(d.status == "sent"), d.id, || {
        format!(
            "delivery {} is {} with {accepted} accepted attempts",
            d.id, d.status
        )
    });
}

fn arrived(d: &Delivery, tries: &[Attempt], copies: &[&Taken], verdict: &mut Verdict) {
    let excuses = tries
        .iter()
        .filter(|attempt| ["lost", "ambiguous"].contains(&attempt.outcome.as_str()))
        .count();
    let least = usize::from(d.status == "sent");
    verdict.check_delivery(copies.len() >= least, d.id, || {
        format!("delivery {} is sent, and no sink has it", d.id)
    });
    verdict.check_delivery(copies.len() <= least + excuses, d.id, || {
        format!(
            "delivery {} came {} times with {excuses} attempts lost or ambiguous",
            d.id,
            copies.len()
        )
    });
    for copy in copies {
        verdict.check_delivery(copy.message_id == copies[0].message_id, d.id, || {
            format!(
                "delivery {} came as {} and as {}",
                d.id, copies[0].message_id, copy.message_id
            )
        });
        verdict.check_delivery(Some(&copy.to) == d.address.as_ref(), d.id, || {
            format!(
                "delivery {} went to {} instead of {:?}",
                d.id, copy.to, d.address
            )
        });
    }
    if let (Some("smtp"), Some(first)) = (d.provider.as_deref(), copies.first()) {
        verdict.check_delivery(
            d.message_id.as_ref() == Some(&first.message_id),
            d.id,
            || {
                format!(
                    "delivery {} was logged as {:?} and came as {}",
                    d.id, d.message_id, first.message_id
                )
            },
        );
    }
}

/// Whether a crash or freeze explains a lost attempt: of its own worker's process, or of PostgreSQL (a claim whose answer was
/// lost, an outcome that could not be written). A cut listener doesn't: who lives must not be robbed.
fn was_hit(run: &Run, lost: &Attempt) -> bool {
    let pid = run.workers.lock().unwrap().get(&lost.worker).copied();
    // A worker too short-lived to be seen by the monitor died young: it was killed.
    let Some(pid) = pid.filter(|pid| node_of(run, *pid).is_some()) else {
        return true;
    };
    let blows = run.blows.lock().unwrap();
    blows.iter().any(|blow| {
        let hits = match blow.kind {
            Kind::KillNode | Kind::FreezeNode => blow.pid == Some(pid),
            Kind::RestartDb | Kind::KillBackend => true,
            _ => false,
        };
        // It is noticed at the latest when the longest lease has run out and somebody looks.
        let until = blow
            .ended
            .unwrap_or(Duration::MAX)
            .saturating_add(LONG_LEASE + Duration::from_secs(20));
        hits && blow.began <= lost.ended && lost.ended <= until
    })
}
