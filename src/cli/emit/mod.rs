//! `neurolink emit`: an event from a shell, a script or a cron job, checked as over HTTP and stored as by SQL (`neurolink_emit`).
//! From flags and a payload to the event's id on standard output.

mod store;

use std::io::Read as _;

use http::HeaderMap;
use serde_json::json;

use crate::cli::database::with_database;
use crate::cli::{Context, Exit, Failure, Outcome};
use crate::ingest::{NewEvent, parse};
use crate::kernel::json::{self as strict, Depth, NESTING};
use crate::kernel::{Error, Severity};

const EXAMPLES: &str = "\
Examples:
  neurolink emit invoicing invoice.overdue --payload '{\"invoice_id\": 88101}' --branch BGD
  neurolink emit inventory stock.low --payload @low.json --key stock-low-BGD-117 --severity warning
  pg_dump erp > erp.sql || neurolink emit ops backup.failed --severity critical
  jq -n '{host: \"erp-1\"}' | neurolink emit ops disk.full --payload -

Prints the event's id. The same --key in the same module is the same event: a second call prints
the id of the first, and one with another body fails with 1.";

/// Arguments of `neurolink emit`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The module that speaks: invoicing, inventory …
    #[arg(value_name = "MODULE")]
    source_module: String,
    /// What happened: invoice.overdue
    #[arg(value_name = "TYPE")]
    event_type: String,
    /// A JSON object: itself, @FILE, or - for standard input; {} without
    #[arg(long, value_name = "JSON")]
    payload: Option<String>,
    /// How bad: info (without), warning, error, critical
    #[arg(long, value_parser = Severity::ALL.map(Severity::as_str))]
    severity: Option<String>,
    /// The idempotency key
    #[arg(long)]
    key: Option<String>,
    /// The branch it happened in; concerns all without
    #[arg(long)]
    branch: Option<String>,
    /// Who did it
    #[arg(long, value_name = "USER")]
    actor: Option<String>,
    /// What it is about: invoice, order …
    #[arg(long, value_name = "TYPE")]
    entity_type: Option<String>,
    /// Which
    #[arg(long, value_name = "ID")]
    entity_id: Option<String>,
    /// Ties events of one business act together
    #[arg(long, value_name = "ID")]
    correlation: Option<String>,
    /// When it happened, as 2026-12-15T08:00:00Z; now without
    #[arg(long, value_name = "TIME")]
    occurred_at: Option<String>,
    /// W3C trace context
    #[arg(long, value_name = "CONTEXT")]
    traceparent: Option<String>,
    /// Print JSON: {"id": …}
    #[arg(long)]
    json: bool,
}

/// Stores the event, and prints its id.
///
/// # Errors
/// When the event can't be, its key is taken, or the database is away.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let payload = payload(args.payload.as_deref())?;
    let event = checked(&args, &payload)?;
    let output = context.output();
    with_database(context, async |_, db| {
        let id = store::emit(db, &event).await?;
        if args.json {
            output.json(&json!({"id": id}))?;
        } else {
            output.line(id)?;
        }
        Ok(Exit::Done)
    })
    .await
}

/// The payload's text, found to be JSON; where it isn't, the place is in the payload itself.
fn payload(given: Option<&str>) -> Result<String, Failure> {
    let text = match given {
        None => return Ok("{}".to_owned()),
        Some("-") => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|e| Failure::io("standard input can't be read", e))?;
            text
        }
        Some(given) => match given.strip_prefix('@') {
            Some(file) => std::fs::read_to_string(file)
                .map_err(|e| Failure::io(format!("{file} can't be read"), e))?,
            None => given.to_owned(),
        },
    };
    let depth = Depth {
        allowed: NESTING,
        kept: 0,
    };
    match strict::parse(&text, depth) {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::Usage(format!(
            "the payload can't be used{}",
            told(&error)
        ))),
    }
}

fn told(error: &Error) -> String {
    match error {
        Error::Invalid {
            detail,
            place: Some(place),
            ..
        } => format!(": {place}: {detail}"),
        other => format!(": {other}"),
    }
}

/// As a request would be, so that a shell is told the same as a program.
fn checked(args: &Args, payload: &str) -> Result<NewEvent, Failure> {
    let mut body = serde_json::Map::new();
    let fields = [
        ("source_module", Some(&args.source_module)),
        ("event_type", Some(&args.event_type)),
        ("severity", args.severity.as_ref()),
        ("idempotency_key", args.key.as_ref()),
        ("branch_id", args.branch.as_ref()),
        ("actor_id", args.actor.as_ref()),
        ("entity_type", args.entity_type.as_ref()),
        ("entity_id", args.entity_id.as_ref()),
        ("correlation_id", args.correlation.as_ref()),
        ("occurred_at", args.occurred_at.as_ref()),
        ("traceparent", args.traceparent.as_ref()),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            body.insert(name.to_owned(), json!(value));
        }
    }
    let fields = serde_json::Value::Object(body).to_string();
    // The payload's own text, with all its digits.
    let text = format!("{{\"payload\": {payload}, {}", &fields[1..]);
    parse::one(&text, &HeaderMap::new())
        .map_err(|error| Failure::Usage(format!("the event can't be used{}", told(&error))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn event(args: &[&str]) -> Result<NewEvent, String> {
        let line = Line::try_parse_from([&["emit"], args].concat()).map_err(|e| e.to_string())?;
        let payload = payload(line.args.payload.as_deref()).map_err(|f| f.message())?;
        checked(&line.args, &payload).map_err(|f| f.message())
    }

    #[test]
    fn flags_become_an_event_with_the_payloads_own_digits() {
        let event = event(&[
            "invoicing",
            "invoice.overdue",
            "--payload",
            r#" {"amount": 1.10, "big": 12345678901234567890.5} "#,
            "--key",
            "k \"1\"",
            "--severity",
            "warning",
            "--branch",
            "BGD",
            "--occurred-at",
            "2026-12-15T11:00:00+03:00",
        ])
        .unwrap();
        assert_eq!(
            event.payload,
            r#"{"amount": 1.10, "big": 12345678901234567890.5}"#
        );
        assert_eq!(event.idempotency_key.as_deref(), Some("k \"1\""));
        assert_eq!(event.severity, Some(Severity::Warning));
        assert_eq!(
            event.occurred_at.unwrap().to_string(),
            "2026-12-15T08:00:00Z"
        );
        assert_eq!(event.actor_id, None);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let broken = event(&["m", "a.b", "--payload", "{\"a\": 1,\n \"b\": }"]).unwrap_err();
        assert!(
            broken.starts_with("the payload can't be used: line 2 column "),
            "{broken}"
        );
        let array = event(&["m", "a.b", "--payload", "[1]"]).unwrap_err();
        assert!(array.contains("/payload"), "{array}");
        let kind = event(&["m", "nodots"]).unwrap_err();
        assert!(kind.contains("/event_type"), "{kind}");
        // What would end the payload early doesn't slip fields in.
        let sly = event(&["m", "a.b", "--payload", "{}, \"actor_id\": \"x\""]).unwrap_err();
        assert!(sly.contains("follows"), "{sly}");
        assert!(event(&["m", "a.b", "--severity", "bad"]).is_err());
    }
}
