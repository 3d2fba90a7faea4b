//! Versions of things that several people change: an `ETag` goes out with each, and a change says by `If-Match` which one it
//! is of, so that nobody overwrites what they haven't seen (RFC 9110 §13.1.1, RFC 6585 §3).

use http::header::{ETAG, IF_MATCH};
use http::{HeaderMap, HeaderValue};

use super::route::Response;
use crate::kernel::{Error, Result};

/// Versions that one header names.
const MOST: usize = 100;

/// What a change expects to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Whatever there is (`*`).
    Any,
    /// One of these versions.
    OneOf(Vec<i32>),
}

impl Expected {
    /// From `If-Match`; `None` when there is none.
    ///
    /// # Errors
    /// `invalid_header` for what is no list of entity tags.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>> {
        let bad = || {
            Error::invalid_at(
                "invalid_header",
                "If-Match",
                "`If-Match` is `*` or what an answer's `ETag` said, quotes included: `\"3\"`",
            )
        };
        let mut versions = Vec::new();
        let mut values = headers.get_all(IF_MATCH).iter().peekable();
        if values.peek().is_none() {
            return Ok(None);
        }
        for value in values {
            let text = value.to_str().map_err(|_| bad())?.trim();
            if text == "*" {
                return Ok(Some(Self::Any));
            }
            for tag in text.split(',').map(str::trim) {
                // A proxy that compresses makes a tag weak. The version says the same.
                let tag = tag.strip_prefix("W/").unwrap_or(tag);
                let inner = tag
                    .strip_prefix('"')
                    .and_then(|t| t.strip_suffix('"'))
                    .ok_or_else(bad)?;
                // Another's tag is no fault, and matches nothing.
                versions.extend(inner.parse::<i32>());
            }
            if versions.len() > MOST {
                return Err(bad());
            }
        }
        Ok(Some(Self::OneOf(versions)))
    }

    /// From `If-Match`, which must be there.
    ///
    /// # Errors
    /// `PreconditionRequired` without one.
    pub fn required(headers: &HeaderMap) -> Result<Self> {
        Self::of(headers)?.ok_or_else(|| {
            Error::PreconditionRequired(
                "say with `If-Match` which version this changes: the `ETag` of the answer you looked at, or `*`"
                    .to_owned(),
            )
        })
    }

    /// The versions, for a statement; `None` = any.
    #[must_use]
    pub fn versions(&self) -> Option<&[i32]> {
        match self {
            Self::Any => None,
            Self::OneOf(versions) => Some(versions),
        }
    }
}

/// The reply, with its thing's version as `ETag`.
#[must_use]
pub fn tagged(mut response: Response, version: i32) -> Response {
    if let Ok(value) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(ETAG, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Result<Option<Expected>> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IF_MATCH, value.parse().unwrap());
        }
        Expected::of(&headers)
    }

    #[test]
    fn a_change_may_expect_any_version_or_some() {
        assert_eq!(of(&[]).unwrap(), None);
        assert_eq!(of(&["*"]).unwrap(), Some(Expected::Any));
        let some = |v: &[i32]| Some(Expected::OneOf(v.to_vec()));
        assert_eq!(of(&["\"3\""]).unwrap(), some(&[3]));
        assert_eq!(of(&["W/\"3\", \"4\"", "\"5\""]).unwrap(), some(&[3, 4, 5]));
        assert_eq!(of(&["\"another's\""]).unwrap(), some(&[]));
    }

    #[test]
    fn what_is_no_entity_tag_is_refused_and_a_missing_one_asked_for() {
        for value in ["3", "\"3", "", "\"3\",", "W/3"] {
            assert!(
                matches!(
                    of(&[value]),
                    Err(Error::Invalid {
                        code: "invalid_header",
                        ..
                    })
                ),
                "{value}"
            );
        }
        assert!(matches!(
            Expected::required(&HeaderMap::new()),
            Err(Error::PreconditionRequired(_))
        ));
    }

    #[test]
    fn a_version_goes_out_in_quotes() {
        let reply = tagged(Response::default(), 7);
        assert_eq!(reply.headers()["etag"], "\"7\"");
    }
}
