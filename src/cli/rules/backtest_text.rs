//! A backtest as people read it. Pure.

use std::fmt::Write as _;

use crate::cli::output::{Colors, Output, Style};
use crate::cli::rules::moments::moment;
use crate::cli::rules::preview_text;
use crate::ops::trial::Backtest;
use crate::ops::trial::backtest::Difference;

/// Rows of a table; `--json` has more.
const ROWS: usize = 10;

/// Why there were fewer notifications, or later ones, by code.
const LESS: [(&str, &str); 10] = [
    ("deduplicated", "left out: the same was told before"),
    ("throttled", "left out: the person was told often enough"),
    ("delayed", "put off to a later moment"),
    ("digested", "gathered for digests"),
    ("expired", "left out: it was of no use any more"),
    ("too_late", "left out: the date to remind of was past"),
    ("no_date", "left out: the event had no date to remind of"),
    ("superseded", "left out: a newer event about the same counts"),
    ("resolved", "left out: it was settled already"),
    ("shadow", "only recorded, since the rule is a shadow"),
];

/// What became of what was put off: every event about the same counts there, and one of them is told.
fn rest(reason: &str, waiting: u64) -> String {
    if reason != "delayed" {
        return String::new();
    }
    format!(
        "; at the end {} still waited (others were told, or gave way to a newer event)",
        many(waiting, "event")
    )
}

fn many(count: u64, one: &str) -> String {
    format!("{count} {}", word(count, one))
}

fn word(count: u64, one: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{one}{s}")
}

fn people(count: usize) -> String {
    match count {
        1 => "1 person".to_owned(),
        count => format!("{count} people"),
    }
}

/// What a branch or a day has of it.
fn share(matched: u64, notifications: u64) -> String {
    let (events, told) = (many(matched, "matching event"), many(notifications, "notification"));
    format!("{events}, {told}")
}

/// The whole.
pub(super) fn told(came: &Backtest, output: Output) -> String {
    let colors = output.colors;
    // Writing to a String can't fail.
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} on events from {} to {}",
        preview_text::rule(&came.rule, colors),
        moment(came.window.from, None),
        moment(came.window.to, None)
    );
    let _ = writeln!(
        text,
        "{} looked at, {} of its module and types, {} matched, {} {} for {} ({:.1} s)",
        many(came.looked, "event"),
        came.concerned,
        colors.paint(Style::Head, came.matched),
        colors.paint(Style::Head, came.notifications),
        word(came.notifications, "notification"),
        people(came.people.total),
        came.seconds
    );
    if came.digests > 0 {
        let _ = writeln!(text, "{} of the notifications are digests", came.digests);
    }
    if let Some(minute) = came.busiest_minute.filter(|minute| minute.notifications > 1) {
        let _ = writeln!(
            text,
            "at most {} notifications in a minute ({})",
            minute.notifications,
            moment(minute.at, None)
        );
    }
    for (reason, why) in LESS {
        if let Some(&count) = came.suppressed.get(reason) {
            let told = colors.paint(Style::Odd, many(count, "notification"));
            let _ = writeln!(text, "  {told} {why}{}", rest(reason, came.waiting));
        }
    }
    if came.failed > 0 {
        let events = colors.paint(Style::Bad, many(came.failed, "event"));
        let _ = writeln!(text, "{events} can't be evaluated");
    }
    let rows = |text: &mut String, head: &str, total: usize, rows: Vec<(String, String)>| {
        table(text, head, total, rows, colors);
    };
    let persons = came.people.items.iter();
    let persons = persons.map(|p| (p.user_id.clone(), p.notifications.to_string()));
    rows(&mut text, "Notifications by person", came.people.total, persons.collect());
    let branches = came.branches.items.iter().map(|b| {
        let branch = b.branch_id.clone();
        (
            branch.unwrap_or_else(|| "(none)".to_owned()),
            share(b.matched, b.notifications),
        )
    });
    rows(&mut text, "By branch", came.branches.total, branches.collect());
    let channels = came.channels.iter().map(|c| {
        let less: Vec<String> = c
            .suppressed
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect();
        let less = match less.as_slice() {
            [] => String::new(),
            less => format!("; suppressed: {}", less.join(", ")),
        };
        (c.channel.to_owned(), format!("{}{less}", c.deliveries))
    });
    rows(&mut text, "Deliveries by channel", came.channels.len(), channels.collect());
    let days = came.days.iter().rev().map(|d| {
        (
            d.day.clone(),
            share(d.matched, d.notifications),
        )
    });
    rows(&mut text, "By day", came.days.len(), days.collect());
    if let Some(count) = came.suppressed.get("no_recipient") {
        let _ = writeln!(text, "\n{} would have told nobody", many(*count, "event"));
    }
    for warning in came.warnings.iter().take(ROWS) {
        let word = colors.paint(Style::Odd, warning.kind);
        let _ = writeln!(text, "  {word}: {} ({})", warning.detail, many(warning.events, "event"));
    }
    if let Some(difference) = &came.difference {
        differs(&mut text, difference, came.notifications, colors);
    }
    for sample in &came.samples {
        let _ = writeln!(text, "\n{}", preview_text::event(&sample.event));
        for told in &sample.notifications.items {
            let name = colors.paint(Style::Name, &told.user_id);
            let _ = writeln!(text, "  {name} ({}): {}", told.locale, told.title);
            for line in told.body.lines() {
                let _ = writeln!(text, "      {line}");
            }
        }
        let more = sample.notifications.total - sample.notifications.items.len();
        if more > 0 {
            let _ = writeln!(text, "  and {more} more");
        }
    }
    text
}

fn table(text: &mut String, head: &str, total: usize, rows: Vec<(String, String)>, colors: Colors) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}", colors.paint(Style::Head, head));
    let shown = &rows[..rows.len().min(ROWS)];
    let width = shown.iter().map(|(name, _)| name.chars().count()).max();
    for (name, value) in shown {
        let pad = " ".repeat(width.unwrap_or(0).saturating_sub(name.chars().count()));
        let _ = writeln!(text, "  {}{pad}  {value}", colors.paint(Style::Name, name));
    }
    if total > shown.len() {
        let _ = writeln!(text, "  and {} more", total - shown.len());
    }
}

fn differs(text: &mut String, beside: &Difference, new: u64, colors: Colors) {
    let rule = preview_text::rule(&beside.live, colors);
    let off = if beside.is_enabled { "" } else { ", which is switched off" };
    let _ = writeln!(text, "\nBeside {rule}{off}");
    let _ = writeln!(
        text,
        "  events: {} as before, {} new, {} no more",
        beside.both,
        colors.paint(Style::Good, format!("+{}", beside.only_new.total)),
        colors.paint(Style::Bad, format!("-{}", beside.only_live.total)),
    );
    let _ = writeln!(text, "  notifications: {} before, {new} now", beside.notifications);
    for change in beside.people.items.iter().take(ROWS) {
        let name = colors.paint(Style::Name, &change.user_id);
        let _ = writeln!(
            text,
            "  {name}: {:+} ({} before, {} now)",
            change.change, change.live, change.new
        );
    }
    if beside.people.total > ROWS {
        let _ = writeln!(text, "  and {} more people", beside.people.total - ROWS);
    }
}
