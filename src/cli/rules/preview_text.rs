//! A preview as people read it. Pure.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::cli::output::{Colors, Output, Style};
use crate::cli::rules::moments::moment;
use crate::cli::rules::reasons::{undelivered, untold};
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
    let word = |style, word: &str| colors.paint(style, word);
    let _ = match (preview.matched, nobody(preview)) {
        (true, _) if !silent.is_empty() => {
            let word = word(Style::Odd, "match, but");
            writeln!(text, "{word} {}", silent.join("; "))
        }
        (true, Some(reason)) => {
            let word = word(Style::Odd, "match, but nobody is told");
            writeln!(text, "{word}: {reason}")
        }
        (true, None) => {
            let word = word(Style::Good, "match");
            writeln!(text, "{word}, recipients: {people}")
        }
        (false, _) => writeln!(text, "{}: {}", word(Style::Odd, "no match"), preview.why),
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
            Some(at) => format!(": {}", moment(at, remembered.timezone.as_deref())),
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

/// Why nobody whom it is for is ever told, where that is so of all of them.
fn nobody(preview: &Preview) -> Option<&str> {
    let all = &preview.recipients.items;
    let never = |person: &Recipient| {
        let fails = person.reason.as_deref() == Some("render_failed");
        !person.is_told && person.until.is_none() && !fails
    };
    let first = all.first().filter(|_| all.iter().all(never))?;
    first.reason.as_deref().map(untold)
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
    let there = Some(person.timezone.as_str());
    if let Some(reason) = person.reason.as_deref().filter(|_| !person.is_told) {
        let why = untold(reason);
        let _ = match person.until {
            Some(until) => {
                let word = colors.paint(Style::Odd, "told later");
                writeln!(text, "  {word}, on {}: {why}", moment(until, there))
            }
            None => writeln!(text, "  {}: {why}", colors.paint(Style::Odd, "not told")),
        };
    }
    for way in &person.deliveries {
        let to = match &way.address {
            Some(address) if way.status != "suppressed" => format!(" to {address}"),
            _ => String::new(),
        };
        let _ = match (way.reason.map(undelivered), way.until) {
            (None, _) => writeln!(text, "  {}{to}", way.channel),
            (Some(why), None) => writeln!(text, "  {}: withheld: {why}", way.channel),
            (Some(why), Some(until)) => {
                let until = moment(until, there);
                writeln!(text, "  {}{to}: waits until {until}: {why}", way.channel)
            }
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
        None => ", but not as things are".to_owned(),
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
    let of = match (texts.step, texts.gathered) {
        (0, 0) => "Text".to_owned(),
        (0, gathered) => format!("Text of a digest of {gathered} like this"),
        (step, _) => format!("Text of the escalation's step {step}"),
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
    // A mail's subject mostly stands in its text again.
    let is_mail = channel.html.is_some();
    let title = channel.title.as_ref();
    let title = title.map(|title| if is_mail { format!("subject: {title}") } else { title.clone() });
    let parts = [title.as_deref(), Some(channel.text.as_str())];
    for line in parts.into_iter().flatten().flat_map(str::lines) {
        let _ = writeln!(text, "    {line}");
    }
    // A mail's own text has its link already.
    if let Some(url) = channel.action_url.as_ref().filter(|_| channel.html.is_none()) {
        let label = channel.action_label.as_deref().unwrap_or("link");
        let _ = writeln!(text, "    [{label}] {url}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::trial::preview::Way;

    #[test]
    fn a_delivery_that_waits_says_until_when_where_its_reader_is() {
        let until = "2026-11-24T04:00:00.5Z".parse().ok();
        let way = Way {
            channel: "email",
            status: "pending",
            reason: Some("quiet_hours"),
            until,
            address: Some("ali@tsh.example".to_owned()),
        };
        let ali = Recipient {
            user_id: "ali".to_owned(),
            display_name: "Ali".to_owned(),
            code: "named",
            why: "the rule names them".to_owned(),
            locale: "en".to_owned(),
            timezone: "Asia/Baghdad".to_owned(),
            is_told: true,
            reason: None,
            until: None,
            in_app: false,
            title: None,
            deliveries: vec![way],
        };
        let mut text = String::new();
        recipient(&mut text, &ali, Colors(false));
        assert_eq!(
            text,
            "\nali (en): the rule names them\n  email to ali@tsh.example: waits until 2026-11-24 04:00 UTC (07:00 Asia/Baghdad): they have quiet hours\n"
        );
    }
}
