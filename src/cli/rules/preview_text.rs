//! A preview as people read it. Pure.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::cli::output::{Colors, Output, Style};
use crate::cli::rules::moments::moment;
use crate::ops::trial::{Preview, silence};
use crate::ops::trial::preview::{ChannelText, Further, Recipient, Said, Texts, TriedEvent, TriedRule};
use crate::rules::Part;

/// The whole.
pub(super) fn told(preview: &Preview, output: Output) -> String {
    let colors = output.colors;
    // Writing to a String can't fail.
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} on {}",
        rule(&preview.rule, colors),
        event(&preview.event)
    );
    if let Some(fault) = &preview.fault {
        let between = if fault.place.is_empty() { "" } else { ": " };
        let word = colors.paint(Style::Bad, "faulty:");
        let _ = writeln!(text, "{word} {}{between}{}", fault.place, fault.detail);
        return text;
    }
    let people = preview.recipients.total;
    let is_silent = |hint: &&Said| [silence::OFF, silence::HELD].contains(&hint.kind);
    let silent: Vec<&str> = preview.hints.iter().filter(is_silent).map(|hint| hint.detail.as_str()).collect();
    let _ = if preview.matched && !silent.is_empty() {
        let word = colors.paint(Style::Odd, "match, but nobody is told");
        writeln!(text, "{word}: {}", silent.join("; "))
    } else if preview.matched {
        writeln!(
            text,
            "{}, recipients: {people}",
            colors.paint(Style::Good, "match")
        )
    } else {
        let word = colors.paint(Style::Odd, "no match");
        writeln!(text, "{word}: {}", preview.why)
    };
    // One comparison that isn't true is said at the head already, with its values.
    let shows = |part: &&Part| !part.parts.is_empty() || preview.matched && !part.values.is_empty();
    if let Some(part) = preview.trace.as_ref().filter(shows) {
        tree(&mut text, part, 1, colors);
    }
    for remembered in &preview.memory {
        let key = colors.paint(Style::Name, remembered.key);
        let value = match &remembered.value {
            Some(value) => format!(" [{value}]"),
            None => String::new(),
        };
        let at = match remembered.at {
            Some(at) => format!(": {at}"),
            None => String::new(),
        };
        let _ = writeln!(text, "  {key}{value}: {}{at}", remembered.why);
    }
    let hints = preview.hints.iter();
    // Said at the head already.
    let hints = hints.filter(|hint| !preview.matched || !is_silent(hint));
    said(&mut text, hints, colors);
    said(&mut text, preview.warnings.iter(), colors);
    if people > 0 && preview.matched && !silent.is_empty() {
        let _ = writeln!(text, "\nIf it told anybody, recipients: {people}");
    } else if people > 0 && !preview.matched {
        let _ = writeln!(text, "\nIf it did, recipients: {people}");
    }
    for person in &preview.recipients.items {
        recipient(&mut text, person, colors);
    }
    let out = &preview.left_out;
    if out.total > 0 {
        let _ = writeln!(text, "\nLeft out: {}", out.total);
    }
    for person in &out.items {
        let name = colors.paint(Style::Name, &person.user_id);
        let _ = writeln!(text, "  {name}: {}", person.why);
    }
    for step in &preview.steps {
        further(&mut text, step, colors);
    }
    for texts in &preview.texts {
        language(&mut text, texts, preview.now, colors);
    }
    text
}

/// A rule's name and version.
pub(super) fn rule(rule: &TriedRule, colors: Colors) -> String {
    let name = colors.paint(Style::Name, &rule.name);
    match rule.version {
        Some(version) => format!("{name} (version {version})"),
        None => name,
    }
}

/// An event in a few words.
pub(super) fn event(event: &TriedEvent) -> String {
    let which = match event.id {
        Some(id) => format!("event {id}"),
        None => "an event".to_owned(),
    };
    let branch = match &event.branch_id {
        Some(branch) => format!(", branch {branch}"),
        None => String::new(),
    };
    format!(
        "{which} {} of {}{branch}",
        event.event_type, event.source_module
    )
}

fn tree(text: &mut String, part: &Part, depth: usize, colors: Colors) {
    let sign = match (part.is_reached, part.is_true) {
        (false, _) => colors.paint(Style::Quiet, "·"),
        (true, true) => colors.paint(Style::Good, "✓"),
        (true, false) => colors.paint(Style::Bad, "✗"),
    };
    let values: Vec<String> = part
        .values
        .iter()
        .map(|variable| match &variable.value {
            Some(value) => format!("{} is {value}", variable.path),
            None => format!("{} is missing", variable.path),
        })
        .chain(part.error.clone())
        .collect();
    let values = match values.as_slice() {
        [] => String::new(),
        some => colors.paint(Style::Quiet, format!("  ({})", some.join(", "))),
    };
    let _ = writeln!(text, "{}{sign} {}{values}", "  ".repeat(depth), part.part);
    for part in &part.parts {
        tree(text, part, depth + 1, colors);
    }
}

fn said<'a>(text: &mut String, all: impl Iterator<Item = &'a Said>, colors: Colors) {
    for one in all {
        let word = colors.paint(Style::Odd, one.kind);
        let _ = writeln!(text, "  {word}: {}", one.detail);
    }
}

fn recipient(text: &mut String, person: &Recipient, colors: Colors) {
    let name = colors.paint(Style::Head, &person.user_id);
    let _ = writeln!(text, "\n{name} ({}): {}", person.locale, person.why);
    if let Some(reason) = person.reason.as_deref().filter(|_| !person.is_told) {
        let until = match person.until {
            Some(until) => format!(" until {until}"),
            None => String::new(),
        };
        let word = colors.paint(Style::Odd, "not told now");
        let _ = writeln!(text, "  {word}: {reason}{until}");
    }
    for way in &person.deliveries {
        let to = way.address.as_deref().unwrap_or_default();
        let _ = match way.reason {
            Some(reason) => writeln!(text, "  {}: {} ({reason})", way.channel, way.status),
            None if to.is_empty() => writeln!(text, "  {}", way.channel),
            None => writeln!(text, "  {} to {to}", way.channel),
        };
    }
    if let Some(title) = &person.title {
        let _ = writeln!(text, "    {title}");
    }
}

/// A step of the escalation and whom it tells.
fn further(text: &mut String, step: &Further, colors: Colors) {
    let head = colors.paint(Style::Head, format!("Step {} of the escalation", step.step));
    let done = match step.unless {
        "read" => "opened",
        done => done,
    };
    let (after, total) = (&step.after, step.recipients.total);
    let at = match step.at {
        Some(at) => format!(", on {}", moment(at, None)),
        None => String::new(),
    };
    let _ = writeln!(text, "\n{head}: after {after}{at}, unless somebody has {done} it, recipients: {total}");
    for person in &step.recipients.items {
        let name = colors.paint(Style::Name, &person.user_id);
        let _ = writeln!(text, "  {name} ({}): {}", person.locale, person.why);
    }
    let more = total - step.recipients.items.len();
    if more > 0 {
        let _ = writeln!(text, "  and {more} more");
    }
}

fn language(text: &mut String, texts: &Texts, now: Timestamp, colors: Colors) {
    let whom = match &texts.user_id {
        Some(user) => format!("as {user} reads it"),
        None => "nobody who is told reads it".to_owned(),
    };
    let of = match texts.step {
        0 => "Text".to_owned(),
        step => format!("Text of the escalation's step {step}"),
    };
    let name = colors.paint(Style::Head, format!("{of} in {}", texts.locale));
    // What is told at once is of now.
    let at = if texts.at == now {
        String::new()
    } else {
        format!(", on {}", moment(texts.at, Some(&texts.timezone)))
    };
    let _ = writeln!(text, "\n{name} ({whom}{at})");
    said(text, texts.warnings.iter(), colors);
    for channel in &texts.channels {
        let _ = writeln!(text, "  {}", colors.paint(Style::Quiet, channel.channel));
        shown(text, channel);
    }
}

fn shown(text: &mut String, channel: &ChannelText) {
    let parts = [channel.title.as_deref(), Some(channel.text.as_str())];
    for line in parts.into_iter().flatten().flat_map(str::lines) {
        let _ = writeln!(text, "    {line}");
    }
    // A mail's own text has its link already.
    if let Some(url) = channel.action_url.as_ref().filter(|_| channel.html.is_none()) {
        let label = channel.action_label.as_deref().unwrap_or("link");
        let _ = writeln!(text, "    [{label}] {url}");
    }
}
