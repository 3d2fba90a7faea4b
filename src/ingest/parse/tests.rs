//! Bodies of events: what is taken, and where a fault is said to be.

use super::*;

const LEAST: &str =
    r#"{"source_module": "invoicing", "event_type": "invoice.overdue", "payload": {"n": 1.10}}"#;

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
