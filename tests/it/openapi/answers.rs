//! The tests' client really fails on what isn't described: one answer after the other with something wrong.

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::support::contract::{Answer, contract};

/// Whether an answer is refused, as JSON of this media type.
fn refused(method: Method, path: &str, status: u16, media: &str, body: &Value) -> bool {
    let headers: HeaderMap = [
        ("content-type", media),
        ("retry-after", "1"),
        ("www-authenticate", "Bearer"),
    ]
    .into_iter()
    .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
    .collect();
    let body = body.to_string();
    let answer = Answer {
        method: &method,
        path,
        status,
        headers: &headers,
        body: Some(body.as_bytes()),
    };
    std::panic::catch_unwind(|| contract().hold(&answer, true)).is_err()
}

fn problem(code: &str, status: u16) -> Value {
    json!({"type": "urn:x", "title": "T", "status": status, "code": code, "detail": "d"})
}

#[test]
fn an_answer_that_isnt_described_fails_whoever_gets_it() {
    const JSON: &str = "application/json";
    const PROBLEM: &str = "application/problem+json";
    let count = json!({"unread": 1, "unseen": 0, "rev": 7});
    let more = json!({"unread": 1, "unseen": 0, "rev": 7, "new": true});
    let path = "/v1/notifications/count";
    for (path, status, media, body, expected, why) in [
        (path, 200, JSON, count.clone(), false, "as described"),
        (path, 201, JSON, count.clone(), true, "another status"),
        (
            path,
            200,
            "text/plain",
            count.clone(),
            true,
            "another media type",
        ),
        (path, 200, JSON, more, true, "a field that isn't described"),
        (
            path,
            200,
            JSON,
            json!({"unread": 1}),
            true,
            "a missing field",
        ),
        (
            path,
            401,
            PROBLEM,
            problem("token_missing", 401),
            false,
            "as described",
        ),
        (
            path,
            401,
            PROBLEM,
            problem("forbidden", 401),
            true,
            "another's code",
        ),
        (
            path,
            400,
            PROBLEM,
            problem("rule_fault", 400),
            true,
            "another's code",
        ),
        (
            path,
            403,
            PROBLEM,
            problem("forbidden", 403),
            true,
            "another status",
        ),
        (
            "/v1/nowhere",
            200,
            JSON,
            count.clone(),
            true,
            "an endpoint that isn't described",
        ),
        (
            "/v1/nowhere",
            404,
            PROBLEM,
            problem("not_found", 404),
            false,
            "nothing there",
        ),
    ] {
        let found = refused(Method::GET, path, status, media, &body);
        assert_eq!(found, expected, "{why}: {status} {body}");
    }
    assert!(
        refused(Method::PUT, path, 200, JSON, &count),
        "a method that isn't described"
    );
    let event = json!({"id": 1, "status": "created"});
    assert!(!refused(Method::POST, "/v1/events", 201, JSON, &event));
    assert!(
        refused(Method::DELETE, "/v1/notifications/1", 204, JSON, &event),
        "a body where none is"
    );
}
