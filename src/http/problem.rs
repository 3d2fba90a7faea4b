//! Errors by meaning become RFC 9457 problems. Comes in: a [`kernel::Error`](crate::kernel::Error). Goes out: an
//! `application/problem+json` reply with a stable `code`. Internals are logged here, once, with the request's id;
//! the caller gets the id, never the cause.

use std::time::Duration;

use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde::Serialize;

use super::route::Response;
use crate::kernel::Error;

/// A problem on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The status.
    pub status: StatusCode,
    /// Stable, for programs.
    pub code: &'static str,
    /// One sentence for people.
    pub detail: String,
    /// A JSON pointer, `line … column …`, or the name of a parameter or header.
    pub place: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            place: None,
            headers: Vec::new(),
        }
    }

    fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        self.with(RETRY_AFTER, &seconds.to_string())
    }

    /// 404 for a path that no route has.
    #[must_use]
    pub fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here")
    }

    /// 405 for a path that has other methods.
    #[must_use]
    pub fn method_not_allowed(allowed: &[Method]) -> Self {
        let allowed: Vec<&str> = allowed.iter().map(Method::as_str).collect();
        let allowed = allowed.join(", ");
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            format!("this takes {allowed}"),
        )
        .with(ALLOW, &allowed)
    }

    /// 408 for a body that doesn't come.
    #[must_use]
    pub fn body_timeout() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_timeout",
            "the body didn't arrive in time",
        )
    }

    /// 500, with nothing said.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "something went wrong on our side; the request id finds it in our logs",
        )
    }

    /// Of an error; what must not be told is logged under `request_id` and left out.
    #[must_use]
    pub fn of(error: &Error, request_id: &str) -> Self {
        let said = error.to_string();
        match error {
            Error::Invalid { code, place, .. } => {
                let mut problem = Self::new(StatusCode::BAD_REQUEST, code, said);
                problem.place.clone_from(place);
                problem
            }
            Error::UnsupportedMedia(_) => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                said,
            ),
            Error::Unauthenticated { code, .. } => {
                // RFC 6750 §3: no error word when no token was given.
                let challenge = if *code == "token_missing" {
                    "Bearer".to_owned()
                } else {
                    format!("Bearer error=\"invalid_token\", error_description=\"{code}\"")
                };
                Self::new(StatusCode::UNAUTHORIZED, code, said).with(WWW_AUTHENTICATE, &challenge)
            }
            Error::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, "forbidden", said),
            Error::NotFound(_) => Self::new(StatusCode::NOT_FOUND, "not_found", said),
            Error::Conflict { code, place, .. } => {
                let mut problem = Self::new(StatusCode::CONFLICT, code, said);
                problem.place.clone_from(place);
                problem
            }
            Error::TooLarge { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", said),
            Error::RateLimited { retry_after, .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", said)
                    .retry_after(*retry_after)
            }
            Error::Unavailable { retry_after, .. } => {
                tracing::debug!(request.id = request_id, detail = said, "answered with 503");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", said)
                    .retry_after(*retry_after)
            }
            Error::Internal { .. } => {
                tracing::error!(
                    request.id = request_id,
                    error = error.chain(),
                    "a request failed on our side"
                );
                Self::internal()
            }
        }
    }

    /// The reply. 5xx carry the request's id, which is what finds them in the logs.
    #[must_use]
    pub fn reply(&self, request_id: &str) -> Response {
        let body = Body {
            r#type: format!("urn:tsh:neurolink:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Problem"),
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
            place: self.place.as_deref(),
            request_id: self.status.is_server_error().then_some(request_id),
        };
        let mut response = Response::new(serde_json::to_vec(&body).unwrap_or_default().into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    async fn reply(error: &Error) -> (http::response::Parts, serde_json::Value) {
        let (parts, body) = Problem::of(error, "r-1").reply("r-1").into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn an_invalid_request_is_told_what_and_where() {
        let error = Error::invalid_at("unknown_field", "/x", "`x` is not a field here");
        let (parts, body) = reply(&error).await;
        assert_eq!(parts.status, 400);
        assert_eq!(parts.headers["content-type"], "application/problem+json");
        assert_eq!(
            body,
            serde_json::json!({"type": "urn:tsh:neurolink:problem:unknown_field", "title": "Bad Request", "status": 400,
                "code": "unknown_field", "detail": "`x` is not a field here", "place": "/x"})
        );
    }

    #[tokio::test]
    async fn a_fault_of_ours_says_nothing_but_the_request_id() {
        let cause = std::io::Error::other("password=hunter2");
        let (parts, body) = reply(&Error::internal("reading the secret", cause)).await;
        assert_eq!(parts.status, 500);
        assert_eq!(body["request_id"], "r-1");
        let text = body.to_string();
        assert!(
            !text.contains("hunter2") && !text.contains("secret"),
            "{text}"
        );
        let cause = std::io::Error::other("10.0.0.7 refused");
        let (parts, body) = reply(&Error::away("the database is out of reach", cause)).await;
        assert_eq!(parts.status, 503);
        assert_eq!(body["detail"], "the database is out of reach");
    }

    #[tokio::test]
    async fn who_should_come_again_is_told_when_and_who_needs_a_token_is_told_so() {
        let (parts, _) = reply(&Error::unavailable("away")).await;
        assert_eq!(
            (
                parts.status.as_u16(),
                parts.headers["retry-after"].to_str().unwrap()
            ),
            (503, "1")
        );
        let limited = Error::RateLimited {
            detail: String::new(),
            retry_after: Duration::from_millis(2100),
        };
        let (parts, _) = reply(&limited).await;
        assert_eq!(
            (
                parts.status.as_u16(),
                parts.headers["retry-after"].to_str().unwrap()
            ),
            (429, "3")
        );
        let expired = Error::Unauthenticated {
            code: "token_expired",
            detail: "the token has expired".to_owned(),
        };
        let (parts, body) = reply(&expired).await;
        assert!(
            parts.headers["www-authenticate"]
                .to_str()
                .unwrap()
                .starts_with("Bearer error=\"invalid_token\"")
        );
        assert_eq!(body["code"], "token_expired");
        let allowed = Problem::method_not_allowed(&[Method::GET, Method::HEAD]).reply("r");
        assert_eq!(allowed.headers()["allow"], "GET, HEAD");
    }

    /// Codes written in the sources: the first text after the words that make an error.
    fn codes_in(source: &str) -> Vec<String> {
        let source: String = source.split_whitespace().collect();
        let mut found = Vec::new();
        for mark in [
            "Error::invalid(",
            "Error::invalid_at(",
            "self.content(",
            "Problem::new(",
            "Self::new(StatusCode",
            "Fault::at(",
            "Self::at(",
            "code:\"",
        ] {
            for (at, _) in source.match_indices(mark) {
                let rest = &source[at + mark.len() - usize::from(mark.ends_with('"'))..];
                let Some(open) = rest.find('"').filter(|open| *open < 60) else {
                    continue;
                };
                let Some(word) = rest[open + 1..].split('"').next() else {
                    continue;
                };
                if !word.is_empty()
                    && word
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
                {
                    found.push(word.to_owned());
                }
            }
        }
        found
    }

    fn sources(folder: &std::path::Path, into: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, into);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                into.extend(codes_in(code));
            }
        }
    }

    #[test]
    fn every_code_of_an_error_stands_in_the_readme_and_none_too_many() {
        let mut used = Vec::new();
        sources(std::path::Path::new("src"), &mut used);
        used.push("token_missing".to_owned());
        let readme = std::fs::read_to_string("src/http/README.md").unwrap();
        let listed: Vec<&str> = readme
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect();
        for code in &used {
            assert!(
                listed.contains(&code.as_str()),
                "src/http/README.md lacks `{code}`"
            );
        }
        let also: Vec<String> = [
            "forbidden",
            "not_found",
            "unsupported_media_type",
            "too_large",
            "rate_limited",
            "unavailable",
        ]
        .map(str::to_owned)
        .into();
        for code in listed {
            assert!(
                used.iter().chain(&also).any(|c| c == code),
                "src/http/README.md lists `{code}`, which nothing gives"
            );
        }
    }
}
