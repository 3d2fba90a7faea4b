//! What a trial of a rule has come to, for people and for programs.

use std::fmt::Write as _;

use serde::Serialize;

use crate::cli::output::{Output, Style};
use crate::deliveries::model::Content;
use crate::ingest::Event;
use crate::kernel::Severity;
use crate::pipeline::compose::Composed;
use crate::rules::{Fault, RuleRow, Warning};

/// A trial's outcome.
#[derive(Debug, Serialize)]
pub(super) struct Trial {
    rule: String,
    /// 0 = of a file.
    version: i32,
    event: Named,
    #[serde(serialize_with = "fault")]
    pub(super) fault: Option<Fault>,
    pub(super) matched: bool,
    /// Why it doesn't match.
    pub(super) why_not: Option<String>,
    pub(super) warnings: Vec<Warning>,
    recipients: Vec<Told>,
}

#[derive(Debug, Serialize)]
struct Named {
    /// 0 = of a file.
    id: i64,
    source_module: String,
    event_type: String,
    branch_id: Option<String>,
}

/// What one person would be told.
#[derive(Debug, Serialize)]
struct Told {
    user_id: String,
    locale: String,
    in_app: bool,
    category: String,
    severity: Severity,
    title: String,
    body: String,
    action_url: Option<String>,
    action_label: Option<String>,
    deliveries: Vec<Way>,
}

#[derive(Debug, Serialize)]
struct Way {
    channel: &'static str,
    status: &'static str,
    reason: Option<&'static str>,
    address: Option<String>,
    content: Option<Content>,
}

fn fault<S: serde::Serializer>(fault: &Option<Fault>, serializer: S) -> Result<S::Ok, S::Error> {
    fault
        .as_ref()
        .map(|f| serde_json::json!({"place": f.place, "detail": f.detail}))
        .serialize(serializer)
}

impl Trial {
    /// Before anything was tried.
    pub(super) fn of(row: &RuleRow, event: &Event) -> Self {
        Self {
            rule: row.name.clone(),
            version: row.version,
            event: Named {
                id: event.id,
                source_module: event.source_module.clone(),
                event_type: event.event_type.clone(),
                branch_id: event.branch_id.clone(),
            },
            fault: None,
            matched: false,
            why_not: None,
            warnings: Vec::new(),
            recipients: Vec::new(),
        }
    }

    /// With the rows that would be written.
    pub(super) fn fill(&mut self, composed: Composed) {
        self.warnings = composed
            .outcomes
            .into_iter()
            .flat_map(|outcome| outcome.warnings)
            .collect();
        let mut deliveries = composed.deliveries;
        for told in composed.notifications {
            let (own, others) = deliveries
                .into_iter()
                .partition::<Vec<_>, _>(|way| way.notification_id == told.id);
            deliveries = others;
            let ways = own.into_iter().map(|way| Way {
                channel: way.channel.as_str(),
                status: way.status,
                reason: way.reason,
                address: way.address,
                content: way.content,
            });
            self.recipients.push(Told {
                user_id: told.user_id,
                locale: told.texts.locale.clone(),
                in_app: told.in_app,
                category: told.category,
                severity: told.severity,
                title: told.texts.title.clone(),
                body: told.texts.body.clone(),
                action_url: told.texts.action_url.clone(),
                action_label: told.texts.action_label.clone(),
                deliveries: ways.collect(),
            });
        }
    }
}

/// As people read it.
pub(super) fn told(trial: &Trial, output: Output) -> String {
    let colors = output.colors;
    let mut text = String::new();
    // Writing to a String can't fail.
    let name = colors.paint(Style::Name, &trial.rule);
    let _ = match trial.version {
        0 => write!(text, "{name} on "),
        version => write!(text, "{name} (version {version}) on "),
    };
    let event = &trial.event;
    let _ = match event.id {
        0 => write!(text, "an event"),
        id => write!(text, "event {id}"),
    };
    let branch = match &event.branch_id {
        Some(branch) => format!(", branch {branch}"),
        None => String::new(),
    };
    let _ = writeln!(text, " {} of {}{branch}", event.event_type, event.source_module);
    if let Some(fault) = &trial.fault {
        let between = if fault.place.is_empty() { "" } else { ": " };
        let word = colors.paint(Style::Bad, "faulty:");
        let _ = writeln!(text, "{word} {}{between}{}", fault.place, fault.detail);
        return text;
    }
    let _ = match &trial.why_not {
        Some(why) => writeln!(text, "{}: {why}", colors.paint(Style::Odd, "no match")),
        None => writeln!(
            text,
            "{}, recipients: {}",
            colors.paint(Style::Good, "match"),
            trial.recipients.len()
        ),
    };
    for warning in &trial.warnings {
        let word = colors.paint(Style::Odd, warning.kind);
        let _ = writeln!(text, "  {word}: {}", warning.detail);
    }
    for person in &trial.recipients {
        let _ = writeln!(
            text,
            "\n{} ({}, {}, {})",
            colors.paint(Style::Head, &person.user_id),
            person.locale,
            person.severity.as_str(),
            person.category
        );
        for way in &person.deliveries {
            let to = way.address.as_deref().unwrap_or_default();
            let _ = match way.reason {
                Some(reason) => writeln!(text, "  {}: {} ({reason})", way.channel, way.status),
                None if to.is_empty() => writeln!(text, "  {}", way.channel),
                None => writeln!(text, "  {} to {to}", way.channel),
            };
        }
        lines(&mut text, &person.title);
        lines(&mut text, &person.body);
        if let Some(url) = &person.action_url {
            let label = person.action_label.as_deref().unwrap_or("link");
            lines(&mut text, &format!("[{label}] {url}"));
        }
        for content in person.deliveries.iter().filter_map(|way| way.content.as_ref()) {
            for (what, own) in [
                ("subject", &content.subject),
                ("html", &content.html),
                ("text", &content.text),
            ] {
                if let Some(own) = own {
                    lines(&mut text, &format!("{what}: {own}"));
                }
            }
        }
    }
    text
}

fn lines(text: &mut String, of: &str) {
    for line in of.lines() {
        let _ = writeln!(text, "    {line}");
    }
}
