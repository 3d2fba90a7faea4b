//! From a request's JSON to checked events. Comes in: a body. Goes out: [`NewEvent`]s that the table's own checks will
//! take, or the first fault with its place. Pure.

use http::HeaderMap;
use jiff::Timestamp;
use serde::Deserialize;

use super::model::NewEvent;
use crate::http::body::NESTING;
use crate::http::decode::{Id, Raw, decode};
use crate::http::json::{self, Depth, Value};
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
mod tests {
    use super::*;

    const LEAST: &str = r#"{"source_module": "invoicing", "event_type": "invoice.overdue", "payload": {"n": 1.10}}"#;

    fn with(field: &str, value: &str) -> String {
        format!(
            r#"{{"source_module": "invoicing", "event_type": "invoice.overdue", "payload": {{}}, "{field}": {value}}}"#
        )
    }

    fn fault<T: std::fmt::Debug>(result: Result<T>) -> (&'static str, String) {
        match result {
            Err(Error::Invalid { code, place, .. }) => (code, place.unwrap_or_default()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn three_fields_are_enough_and_the_payload_keeps_its_text() {
        let event = one(LEAST, &HeaderMap::new()).unwrap();
        assert_eq!(event.payload, r#"{"n": 1.10}"#);
        assert_eq!(
            (event.severity, event.occurred_at, event.idempotency_key),
            (None, None, None)
        );
    }

    #[test]
    fn ids_are_texts_or_integers_and_null_is_not_given() {
        let event = one(
            &with("branch_id", "12345678901234567890"),
            &HeaderMap::new(),
        )
        .unwrap();
        assert_eq!(event.branch_id.unwrap(), "12345678901234567890");
        let event = one(&with("entity_id", "null"), &HeaderMap::new()).unwrap();
        assert_eq!(event.entity_id, None);
    }

    #[test]
    fn times_need_an_offset_and_a_sane_year() {
        let micros = |text: &str| time(text).map(Timestamp::as_microsecond);
        assert_eq!(
            micros("2026-03-01T14:30:00+03:00"),
            Ok(1_772_364_600_000_000)
        );
        assert_eq!(
            micros("2026-03-01t11:30:00.123456789z"),
            Ok(1_772_364_600_123_456)
        );
        assert_eq!(micros("1970-01-01T00:00:00Z"), Ok(0));
        assert!(micros("2199-12-31T23:59:59.999999Z").is_ok());
        for bad in [
            "",
            "yesterday",
            "2026-03-01",
            "2026-03-01T14:30:00",
            "2026-03-01 14:30:00Z",
            "2026-03-01T14:30Z",
            "2026-02-30T00:00:00Z",
            "2026-03-01T25:00:00Z",
            "2026-03-01T14:30:00+3",
            "2026-03-01T14:30:00.Z",
            "2026-03-01T14:30:00+03:00[Asia/Baghdad]",
            "2026-03-01T14:30:00.1234567890Z",
            "1969-12-31T23:59:59.9Z",
            "2200-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "-002026-03-01T14:30:00Z",
            "2026-03-01T14:30:00+99:99",
        ] {
            assert!(micros(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_field_does_not_allow_is_refused_at_that_field() {
        let long = |n: usize| format!("\"{}\"", "x".repeat(n));
        for (field, value) in [
            ("severity", "\"fatal\"".to_owned()),
            ("occurred_at", "\"yesterday\"".to_owned()),
            ("idempotency_key", long(256)),
            ("idempotency_key", long(0)),
            ("correlation_id", long(256)),
            ("branch_id", long(129)),
            ("actor_id", long(0)),
            ("entity_type", long(65)),
            ("entity_id", "1".repeat(129)),
            ("traceparent", "\"00-x\"".to_owned()),
        ] {
            let got = fault(one(&with(field, &value), &HeaderMap::new()));
            assert_eq!(
                got,
                ("invalid_field", format!("/{field}")),
                "{field} {value}"
            );
        }
        for (from, to, place) in [
            ("\"invoicing\"", "\"In voicing\"", "/source_module"),
            ("\"invoicing\"", "\"\"", "/source_module"),
            ("invoice.overdue", "invoice", "/event_type"),
            ("invoice.overdue", "invoice..x", "/event_type"),
            ("invoice.overdue", "Invoice.x", "/event_type"),
            ("invoice.overdue", "invoice.x.", "/event_type"),
        ] {
            let got = fault(one(&LEAST.replace(from, to), &HeaderMap::new()));
            assert_eq!(got, ("invalid_field", place.to_owned()), "{to}");
        }
        for payload in ["[]", "1", "\"{}\"", "null"] {
            let got = fault(one(
                &LEAST.replace("{\"n\": 1.10}", payload),
                &HeaderMap::new(),
            ));
            assert_eq!(got, ("invalid_type", "/payload".to_owned()), "{payload}");
        }
        let trace = "\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\"";
        assert!(one(&with("traceparent", trace), &HeaderMap::new()).is_ok());
    }

    #[test]
    fn a_payload_nests_sixty_four_deep_and_no_deeper() {
        let nested = |levels: usize| {
            let inner = format!("{}{}", "[".repeat(levels - 1), "]".repeat(levels - 1));
            LEAST.replace("1.10", &inner)
        };
        let none = HeaderMap::new();
        assert!(one(&nested(64), &none).is_ok());
        assert_eq!(fault(one(&nested(65), &none)).0, "nested_too_deep");
        assert!(many(&format!("[{}]", nested(64)), &none).is_ok());
        let (code, place) = fault(many(&format!("[{LEAST},{}]", nested(65)), &none));
        assert_eq!(code, "nested_too_deep");
        assert!(place.starts_with("/1/payload/n/0"), "{place}");
    }

    #[test]
    fn the_key_may_come_by_header_but_not_two_of_them() {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, "k-1".parse().unwrap());
        assert_eq!(
            one(LEAST, &headers).unwrap().idempotency_key.unwrap(),
            "k-1"
        );
        assert!(one(&with("idempotency_key", "\"k-1\""), &headers).is_ok());
        let both = one(&with("idempotency_key", "\"k-2\""), &headers);
        assert_eq!(fault(both), ("invalid_header", HEADER.to_owned()));
        assert_eq!(fault(many("[]", &headers)).0, "invalid_header");
        headers.append(HEADER, "k-1".parse().unwrap());
        assert_eq!(fault(one(LEAST, &headers)).0, "invalid_header");
    }

    #[test]
    fn a_batch_names_the_item_that_is_bad() {
        let none = HeaderMap::new();
        assert_eq!(many("[]", &none).unwrap(), []);
        assert_eq!(many(&format!("[{LEAST},{LEAST}]"), &none).unwrap().len(), 2);
        let bad = LEAST.replace("overdue", "OVERDUE");
        assert_eq!(
            fault(many(&format!("[{LEAST},{bad}]"), &none)).1,
            "/1/event_type"
        );
        let unknown = with("sevrity", "\"info\"");
        assert_eq!(
            fault(many(&format!("[{LEAST},{unknown}]"), &none)),
            ("unknown_field", "/1/sevrity".to_owned())
        );
        assert_eq!(fault(many(LEAST, &none)).0, "invalid_type");
        assert_eq!(fault(many("[1]", &none)), ("invalid_type", "/0".to_owned()));
        let thousand_and_one = format!("[{}]", vec!["1"; 1001].join(","));
        assert_eq!(fault(many(&thousand_and_one, &none)).0, "too_many_items");
    }
}
