//! Checks a round: everybody who should have been told was, by the right channels, in their language, with a mail in the
//! folder, and nobody else. What should be stands in `expected.json`, written by hand from the company and the rules'
//! intent; the rules' engine has no part in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cli::demo::company::{self, Person};
use crate::cli::demo::play::{self, Delivered, Outcome};
use crate::cli::demo::story::{Round, StoryEvent};
use crate::db::Db;
use crate::kernel::{ChannelKind, Error, Result};

const EXPECTED: &str = include_str!("expected.json");

/// Who should be told of one case in one branch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    case: String,
    branch: String,
    /// In their inbox.
    pub in_app: Vec<String>,
    /// By e-mail too.
    pub email: Vec<String>,
    /// By e-mail, if they had an address: a suppressed delivery.
    pub no_address: Vec<String>,
}

/// How a delivery should have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Arrived,
    Suppressed,
}

/// What a check has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The events of the round.
    pub events: usize,
    /// Notifications in inboxes: expected, found.
    pub in_app: (usize, usize),
    /// E-mails: expected, found as files.
    pub email: (usize, usize),
    /// Withheld for want of an address: expected, found.
    pub suppressed: (usize, usize),
    /// What should be and isn't.
    pub missing: Vec<String>,
    /// What is and shouldn't be.
    pub extra: Vec<String>,
    /// What is there, but not as it should be.
    pub wrong: Vec<String>,
}

impl Report {
    /// Whether all is as it should be.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty() && self.wrong.is_empty()
    }
}

/// Who should be told of each event of a round, in the events' order.
///
/// # Errors
/// `Internal` when the table that was built in lacks a case.
pub fn expectations(round: &Round) -> Result<Vec<Expected>> {
    let table: Vec<Expected> = serde_json::from_str(EXPECTED)
        .map_err(|e| Error::internal("the demo's table of expectations can't be read", e))?;
    let mut by_case = BTreeMap::new();
    for row in table {
        by_case.insert((row.case.clone(), row.branch.clone()), row);
    }
    round
        .events()
        .map(|told| {
            let branch = told.event.branch_id.clone().unwrap_or_default();
            by_case
                .get(&(told.case.clone(), branch))
                .cloned()
                .ok_or_else(|| Error::broken(format!("nothing is expected of {}", told.case)))
        })
        .collect()
}

/// Checks a round that has been played, against the tables and the folder of mails.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn check(db: &Db, email_dir: &Path, round: &Round) -> Result<Report> {
    let outcomes = play::outcomes(db, round.events()).await?;
    let ids = outcomes
        .iter()
        .flat_map(|o| &o.told)
        .map(|t| ChannelKind::Email.delivery_id(t.notification_id));
    let mut mails = BTreeMap::new();
    for id in ids {
        let path = mail_path(email_dir, id);
        match tokio::fs::read(&path).await {
            Ok(mail) => {
                mails.insert(id, recipient_of(&mail));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let context = format!("{} can't be read", path.display());
                return Err(Error::internal(context, error));
            }
        }
    }
    let people = company::people()?;
    Ok(compare(
        round,
        &expectations(round)?,
        &outcomes,
        &mails,
        &people,
    ))
}

/// Where the mail of a delivery is.
#[must_use]
pub fn mail_path(email_dir: &Path, delivery_id: i64) -> PathBuf {
    email_dir.join(format!("{delivery_id}.eml"))
}

/// The `To` header of a mail, unfolded.
fn recipient_of(mail: &[u8]) -> String {
    let text = String::from_utf8_lossy(mail);
    let mut to = String::new();
    let mut within = false;
    for line in text.lines().take_while(|line| !line.is_empty()) {
        let folded = line.starts_with([' ', '\t']);
        if !folded {
            within = line
                .get(..3)
                .is_some_and(|start| start.eq_ignore_ascii_case("to:"));
        }
        if within {
            to.push_str(line);
        }
    }
    to
}

fn compare(
    round: &Round,
    expected: &[Expected],
    outcomes: &[Outcome],
    mails: &BTreeMap<i64, String>,
    people: &[Person],
) -> Report {
    let mut report = Report::default();
    for ((told, expected), outcome) in round.events().zip(expected).zip(outcomes) {
        report.events += 1;
        one(&mut report, told, expected, outcome, mails, people);
    }
    report
}

fn one(
    report: &mut Report,
    event: &StoryEvent,
    expected: &Expected,
    outcome: &Outcome,
    mails: &BTreeMap<i64, String>,
    people: &[Person],
) {
    let name = format!("{} in {} ({})", event.case, expected.branch, event.summary);
    if outcome.event_id.is_none() {
        report.missing.push(format!("{name}: the event itself"));
    } else if outcome.given_up {
        report
            .wrong
            .push(format!("{name}: its evaluation was given up"));
    } else if !outcome.evaluated {
        report.missing.push(format!("{name}: not evaluated yet"));
    }
    for (what, complaint) in [("error", &outcome.error), ("warnings", &outcome.warnings)] {
        if let Some(text) = complaint {
            report.wrong.push(format!("{name}: {what}: {text}"));
        }
    }

    let (in_app, email) = (ChannelKind::InApp, ChannelKind::Email);
    let mut want: BTreeSet<(&str, ChannelKind, End)> = BTreeSet::new();
    want.extend(
        expected
            .in_app
            .iter()
            .map(|u| (u.as_str(), in_app, End::Arrived)),
    );
    want.extend(
        expected
            .email
            .iter()
            .map(|u| (u.as_str(), email, End::Arrived)),
    );
    want.extend(
        expected
            .no_address
            .iter()
            .map(|u| (u.as_str(), email, End::Suppressed)),
    );

    let mut have = BTreeSet::new();
    for notification in &outcome.told {
        let user = notification.user_id.as_str();
        for delivery in &notification.deliveries {
            let place = format!("{name}: {user} by {}", delivery.channel.as_str());
            let end = match delivery.status.as_str() {
                "sent" | "delivered" => End::Arrived,
                "suppressed" => End::Suppressed,
                other => {
                    let why = delivery.error.as_deref().unwrap_or("no error noted");
                    report.wrong.push(format!("{place}: {other} ({why})"));
                    continue;
                }
            };
            if !have.insert((user, delivery.channel, end)) {
                report.extra.push(format!("{place}: a second time"));
            }
            if delivery.channel == email {
                mail(report, &place, delivery, end, mails);
            }
        }
        let language = people.iter().find(|p| p.id == user).map(Person::language);
        if language.is_some_and(|l| !notification.locale.starts_with(l)) {
            report.wrong.push(format!(
                "{name}: {user} was told in {}",
                notification.locale
            ));
        }
        if notification.title.trim().is_empty() {
            report.wrong.push(format!(
                "{name}: {user} was told nothing: the title is empty"
            ));
        }
    }

    let line = |(user, channel, end): &(&str, ChannelKind, End)| match end {
        End::Arrived => format!("{name}: {user} by {}", channel.as_str()),
        End::Suppressed => format!("{name}: {user} by {}, suppressed", channel.as_str()),
    };
    report.missing.extend(want.difference(&have).map(line));
    report.extra.extend(have.difference(&want).map(line));
    let count = |set: &BTreeSet<(&str, ChannelKind, End)>, channel: ChannelKind, end: End| {
        set.iter()
            .filter(|(_, c, e)| *c == channel && *e == end)
            .count()
    };
    report.in_app.0 += count(&want, in_app, End::Arrived);
    report.in_app.1 += count(&have, in_app, End::Arrived);
    report.email.0 += count(&want, email, End::Arrived);
    report.suppressed.0 += count(&want, email, End::Suppressed);
    report.suppressed.1 += count(&have, email, End::Suppressed);
}

/// The mail of a delivery is there exactly when it was sent, and for the address it was sent to.
fn mail(
    report: &mut Report,
    place: &str,
    delivery: &Delivered,
    end: End,
    mails: &BTreeMap<i64, String>,
) {
    let address = delivery.address.as_deref().unwrap_or_default();
    match (mails.get(&delivery.id), end) {
        (Some(to), End::Arrived) if !address.is_empty() && to.contains(address) => {
            report.email.1 += 1;
        }
        (Some(to), End::Arrived) => {
            report
                .wrong
                .push(format!("{place}: mail {} is addressed {to:?}", delivery.id));
        }
        (None, End::Arrived) => {
            report
                .missing
                .push(format!("{place}: no file {}.eml", delivery.id));
        }
        (Some(_), End::Suppressed) => {
            report.extra.push(format!(
                "{place}: suppressed, yet there is {}.eml",
                delivery.id
            ));
        }
        (None, End::Suppressed) => {}
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
