//! Errors by meaning, not by library. `db::errors` maps PostgreSQL's to these, `http::problem` maps these to RFC 9457.

use std::time::Duration;

/// What every fallible call of the product returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in the terms of whoever asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller sent something that can't be accepted. Nothing was stored.
    #[error("{detail}")]
    Invalid {
        /// Stable, for programs: `unknown_field`, `invalid_json` …
        code: &'static str,
        /// One sentence for people.
        detail: String,
        /// The place of the fault: a JSON pointer (`/payload/lines/3`), or `line 3 column 7` for broken syntax, or
        /// the name of a query parameter or header.
        place: Option<String>,
    },
    /// Several items of what the caller sent can't be accepted, each with its own fault. Nothing was stored.
    #[error("{detail}")]
    InvalidItems {
        /// One sentence for people.
        detail: String,
        /// What is wrong where, in order; not all of them when they are many.
        faults: Vec<ItemFault>,
    },
    /// A change must say which version it is of (`If-Match`), and doesn't.
    #[error("{0}")]
    PreconditionRequired(String),
    /// It was changed by somebody else since the caller looked at it.
    #[error("{0}")]
    PreconditionFailed(String),
    /// The body is of a media type the endpoint doesn't take.
    #[error("{0}")]
    UnsupportedMedia(String),
    /// No credentials, or none that hold.
    #[error("{detail}")]
    Unauthenticated {
        /// `token_missing`, `token_expired`, `token_invalid`, `ticket_invalid`.
        code: &'static str,
        /// One sentence, without the token.
        detail: String,
    },
    /// Credentials that hold, for somebody who may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// It doesn't exist, or doesn't exist for the caller.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// It contradicts what is stored.
    #[error("{detail}")]
    Conflict {
        /// `idempotency_conflict`, `version_conflict` …
        code: &'static str,
        /// One sentence for people.
        detail: String,
        /// Where in the request, as for `Invalid`.
        place: Option<String>,
    },
    /// The body is larger than the limit, in bytes.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// Too much at once; ask again after the wait.
    #[error("{detail}")]
    RateLimited {
        /// One sentence for people.
        detail: String,
        /// How long to wait.
        retry_after: Duration,
    },
    /// Something we need is away; nothing was acknowledged that isn't stored.
    #[error("{detail}")]
    Unavailable {
        /// One sentence for people, without internals.
        detail: String,
        /// How long to wait.
        retry_after: Duration,
        /// Why, for logs and operators; never answered.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// Our fault. Logged with its sources where it is answered, never returned.
    #[error("{context}")]
    Internal {
        /// What we were doing.
        context: String,
        /// Why it failed.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

/// What is wrong with one item of several.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ItemFault {
    /// As of [`Error::Invalid`].
    pub code: &'static str,
    /// The place in the body, a JSON pointer that begins with the item's index.
    pub place: String,
    /// One sentence for people.
    pub detail: String,
}

impl Error {
    /// A fault of the request, without a place.
    pub fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid {
            code,
            detail: detail.into(),
            place: None,
        }
    }

    /// A fault of the request at a place (JSON pointer, parameter or header name).
    pub fn invalid_at(
        code: &'static str,
        place: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self::Invalid {
            code,
            detail: detail.into(),
            place: Some(place.into()),
        }
    }

    /// A part of the service is away for now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::Unavailable {
            detail: detail.into(),
            retry_after: Duration::from_secs(1),
            source: None,
        }
    }

    /// A part of the service is away for now, and why: the cause is told to operators, not to callers.
    pub fn away(
        detail: impl Into<String>,
        cause: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Unavailable {
            detail: detail.into(),
            retry_after: Duration::from_secs(1),
            source: Some(Box::new(cause)),
        }
    }

    /// A fault of ours, with its cause.
    pub fn internal(
        context: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Internal {
            context: context.into(),
            source: Some(Box::new(source)),
        }
    }

    /// A fault of ours that has no cause but itself (a broken invariant).
    pub fn broken(context: impl Into<String>) -> Self {
        Self::Internal {
            context: context.into(),
            source: None,
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::RateLimited { .. })
    }

    /// The error and its sources in one line, for logs and `last_error` columns.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
