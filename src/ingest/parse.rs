//! From a request's JSON to checked events. Comes in: a body. Goes out: [`NewEvent`]s that the table's own checks will
//! take, or the first fault with its place. Pure.

use http::HeaderMap;
use jiff::Timestamp;
use serde::Deserialize;

use super::model::NewEvent;
use crate::kernel::decode::{Id, Raw, decode};
use crate::kernel::json::NESTING;
use crate::kernel::json::{self, Depth, Value};
use crate::kernel::{Error, Result, Severity};

/// Events in one batch.
pub const MAX_ITEMS: usize = 1000;
const HEADER: &str = "Idempotency-Key";

/// An event as it stands in a body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an event (an object)")]
struct Body {
    source_module: String,
    event_type: String,
    payload: Raw,
    severity: Option<String>,
    occurred_at: Option<String>,
    idempotency_key: Option<String>,
    correlation_id: Option<Id>,
    branch_id: Option<Id>,
    actor_id: Option<Id>,
    entity_type: Option<String>,
    entity_id: Option<Id>,
    traceparent: Option<String>,
}

/// The event of a `POST /v1/events`. Its key may stand in the `Idempotency-Key` header instead.
///
/// # Errors
/// `Invalid` with the place of the fault.
pub fn one(text: &str, headers: &HeaderMap) -> Result<NewEvent> {
    let node = json::parse(
        text,
        Depth {
            allowed: NESTING + 1,
            kept: 1,
        },
    )?;
    let mut event = check(decode(&node, "")?, "")?;
    if let Some(key) = header_key(headers)? {
        match &event.idempotency_key {
            Some(own) if *own != key => {
                return Err(Error::invalid_at(
                    "invalid_header",
                    HEADER,
                    "the header and the field `idempotency_key` give different keys",
                ));
            }
            _ => event.idempotency_key = Some(key),
        }
    }
    Ok(event)
}

impl NewEvent {
    /// An event that stands at a place of some other request's body, as a `POST /v1/events` has it.
    ///
    /// # Errors
    /// `Invalid` with the place of the fault in that body.
    pub fn within(text: &str, place: &str) -> Result<Self> {
        let depth = Depth {
            allowed: NESTING + 1,
            kept: 1,
        };
        check(decode(&json::parse(text, depth)?, place)?, place)
    }
}

/// The events of a `POST /v1/events/batch`, at most [`MAX_ITEMS`].
///
/// # Errors
/// `Invalid` with the place of the first fault, which begins with the item's index (`/3/payload`).
pub fn many(text: &str, headers: &HeaderMap) -> Result<Vec<NewEvent>> {
    if headers.contains_key(HEADER) {
        return Err(Error::invalid_at(
            "invalid_header",
            HEADER,
            "a batch's keys stand in its items, as `idempotency_key`",
        ));
    }
    let node = json::parse(
        text,
        Depth {
            allowed: NESTING + 2,
            kept: 2,
        },
    )?;
    let Value::Array(items) = &node.value else {
        return Err(Error::invalid_at(
            "invalid_type",
            "",
            "an array of events was expected",
        ));
    };
    if items.len() > MAX_ITEMS {
        return Err(Error::invalid_at(
            "too_many_items",
            format!("/{MAX_ITEMS}"),
            format!(
                "a batch has at most {MAX_ITEMS} events, not {}",
                items.len()
            ),
        ));
    }
    let item = |(index, node)| {
        let at = format!("/{index}");
        check(decode(node, &at)?, &at)
    };
    items.iter().enumerate().map(item).collect()
}

fn header_key(headers: &HeaderMap) -> Result<Option<String>> {
    let bad = |detail: &str| Error::invalid_at("invalid_header", HEADER, detail);
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(bad("the header is given twice"));
    }
    let key = std::str::from_utf8(value.as_bytes()).map_err(|_| bad("the header is not UTF-8"))?;
    if !(1..=255).contains(&key.chars().count()) {
        return Err(bad("a key has 1 to 255 characters"));
    }
    Ok(Some(key.to_owned()))
}

fn check(body: Body, at: &str) -> Result<NewEvent> {
    let fault = |field: &str, detail: &str| {
        Error::invalid_at("invalid_field", format!("{at}/{field}"), detail)
    };
    let id = |field: &str, value: Option<String>, most: usize| match value {
        Some(text) if !(1..=most).contains(&text.chars().count()) => {
            Err(fault(field, &format!("1 to {most} characters are allowed")))
        }
        other => Ok(other),
    };
    if !is_module(&body.source_module) {
        return Err(fault(
            "source_module",
            "a module is named in a-z, 0-9 and _, with . or - between words, in at most 64 characters",
        ));
    }
    if !is_event_type(&body.event_type) {
        return Err(fault(
            "event_type",
            "an event type is two or more words of a-z, 0-9 and _ with dots between, in at most 128 characters",
        ));
    }
    if !body.payload.0.starts_with('{') {
        return Err(Error::invalid_at(
            "invalid_type",
            format!("{at}/payload"),
            "an object was expected",
        ));
    }
    let severity = match body.severity.as_deref() {
        None => None,
        Some(word) => Some(Severity::parse(word).ok_or_else(|| {
            fault(
                "severity",
                "one of info, warning, error, critical was expected",
            )
        })?),
    };
    let occurred_at = match body.occurred_at.as_deref() {
        None => None,
        Some(text) => Some(time(text).map_err(|detail| fault("occurred_at", detail))?),
    };
    let correlation_id = body.correlation_id.map(|id| id.0);
    if correlation_id
        .as_ref()
        .is_some_and(|c| c.chars().count() > 255)
    {
        return Err(fault(
            "correlation_id",
            "at most 255 characters are allowed",
        ));
    }
    if body
        .traceparent
        .as_deref()
        .is_some_and(|t| !is_traceparent(t))
    {
        return Err(fault("traceparent", "a W3C traceparent was expected"));
    }
    Ok(NewEvent {
        source_module: body.source_module,
        event_type: body.event_type,
        payload: body.payload.0,
        severity,
        occurred_at,
        idempotency_key: id("idempotency_key", body.idempotency_key, 255)?,
        correlation_id,
        branch_id: id("branch_id", body.branch_id.map(|id| id.0), 128)?,
        actor_id: id("actor_id", body.actor_id.map(|id| id.0), 128)?,
        entity_type: id("entity_type", body.entity_type, 64)?,
        entity_id: id("entity_id", body.entity_id.map(|id| id.0), 128)?,
        traceparent: body.traceparent,
    })
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn is_module(text: &str) -> bool {
    text.len() <= 64 && text.split(['.', '-']).all(is_word)
}

fn is_event_type(text: &str) -> bool {
    text.len() <= 128 && text.contains('.') && text.split('.').all(is_word)
}

/// `00-<32 hex>-<16 hex>-<2 hex>`.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    parts.iter().map(|p| p.len()).eq([2, 32, 16, 2]) && parts.iter().all(|p| p.bytes().all(hex))
}

/// An RFC 3339 time with its offset, from 1970 to 2199, to the microsecond (which is what the table holds, so that the
/// same text sent again compares as equal).
fn time(text: &str) -> std::result::Result<Timestamp, &'static str> {
    const WANTED: &str = "a time was expected as in 2026-03-01T14:30:00+03:00, with its offset";
    let digit = |range: std::ops::Range<usize>| {
        text.get(range)
            .is_some_and(|part| part.bytes().all(|b| b.is_ascii_digit()))
    };
    let mark = |at: usize, marks: &[u8]| text.as_bytes().get(at).is_some_and(|b| marks.contains(b));
    let shape = digit(0..4)
        && mark(4, b"-")
        && digit(5..7)
        && mark(7, b"-")
        && digit(8..10)
        && mark(10, b"Tt")
        && digit(11..13)
        && mark(13, b":")
        && digit(14..16)
        && mark(16, b":")
        && digit(17..19);
    let rest = text.get(19..).unwrap_or_default();
    let offset = match rest.strip_prefix('.') {
        Some(fraction) => {
            let end = fraction.find(|c: char| !c.is_ascii_digit());
            match end {
                Some(end @ 1..=9) => &fraction[end..],
                _ => return Err(WANTED),
            }
        }
        None => rest,
    };
    let offset_fits = matches!(offset, "Z" | "z")
        || (offset.len() == 6
            && offset.starts_with(['+', '-'])
            && offset.as_bytes()[3] == b':'
            && [1, 2, 4, 5]
                .iter()
                .all(|i| offset.as_bytes()[*i].is_ascii_digit()));
    if !shape || !offset_fits {
        return Err(WANTED);
    }
    let time: Timestamp = text.parse().map_err(|_| "there is no such time")?;
    let seconds = time.as_second();
    // 1970-01-01 and 2200-01-01, both UTC.
    if time.as_nanosecond() < 0 || seconds >= 7_258_118_400 {
        return Err("times from 1970 to 2199 are allowed");
    }
    Timestamp::from_microsecond(time.as_microsecond()).map_err(|_| "there is no such time")
}

#[cfg(test)]
mod tests;
