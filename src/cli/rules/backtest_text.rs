//! A backtest as people read it. Pure.

use std::fmt::Write as _;

use crate::cli::output::{Colors, Output, Style};
use crate::cli::rules::preview_text;
use crate::ops::trial::Backtest;
use crate::ops::trial::backtest::Difference;

/// Rows of a table; `--json` has more.
const ROWS: usize = 10;

/// The whole.
pub(super) fn told(came: &Backtest, output: Output) -> String {
    let colors = output.colors;
    // Writing to a String can't fail.
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} on events from {} to {}",
        preview_text::rule(&came.rule, colors),
        came.window.from,
        came.window.to
    );
    let _ = writeln!(
        text,
        "{} events looked at, {} of its module and types, {} matched, {} notifications for {} people ({:.1} s)",
        came.looked,
        came.concerned,
        colors.paint(Style::Head, came.matched),
        colors.paint(Style::Head, came.notifications),
        came.people.total,
        came.seconds
    );
    if came.digests > 0 {
        let _ = writeln!(text, "{} of the notifications are digests", came.digests);
    }
    if let Some(minute) = came.busiest_minute.filter(|minute| minute.notifications > 1) {
        let _ = writeln!(
            text,
            "at most {} notifications in a minute ({})",
            minute.notifications, minute.at
        );
    }
    for reason in ["deduplicated", "throttled", "delayed", "digested", "expired", "too_late", "no_date", "shadow"] {
        if let Some(count) = came.suppressed.get(reason) {
            let word = colors.paint(Style::Odd, reason);
            let _ = writeln!(text, "  {word}: {count}");
        }
    }
    if came.failed > 0 {
        let word = colors.paint(Style::Bad, came.failed);
        let _ = writeln!(text, "{word} events can't be evaluated");
    }
    let rows = |text: &mut String, head: &str, total: usize, rows: Vec<(String, String)>| {
        table(text, head, total, rows, colors);
    };
    let people = came.people.items.iter();
    let people = people.map(|p| (p.user_id.clone(), p.notifications.to_string()));
    rows(&mut text, "Notifications by person", came.people.total, people.collect());
    let branches = came.branches.items.iter().map(|b| {
        let branch = b.branch_id.clone();
        (
            branch.unwrap_or_else(|| "(none)".to_owned()),
            format!("{} of {} events", b.notifications, b.matched),
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
            format!("{} of {} events", d.notifications, d.matched),
        )
    });
    rows(&mut text, "By day", came.days.len(), days.collect());
    if let Some(count) = came.suppressed.get("no_recipient") {
        let _ = writeln!(text, "\n{count} events would have told nobody");
    }
    for warning in came.warnings.iter().take(ROWS) {
        let word = colors.paint(Style::Odd, warning.kind);
        let _ = writeln!(text, "  {word}: {} ({} events)", warning.detail, warning.events);
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
