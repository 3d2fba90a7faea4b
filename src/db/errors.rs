//! The one place where PostgreSQL's errors, by SQLSTATE and constraint name, become ours.

use std::time::Duration;

use tokio_postgres::error::SqlState;

use crate::kernel::Error;

/// The pointer into a request that a constraint of `neurolink_events` speaks of.
fn place_of(constraint: &str) -> Option<&'static str> {
    Some(match constraint {
        "neurolink_events_source_module_ck" => "/source_module",
        "neurolink_events_event_type_ck" => "/event_type",
        "neurolink_events_severity_ck" => "/severity",
        "neurolink_events_occurred_at_ck" => "/occurred_at",
        "neurolink_events_payload_ck" => "/payload",
        "neurolink_events_key_ck" => "/idempotency_key",
        "neurolink_events_correlation_id_ck" => "/correlation_id",
        "neurolink_events_branch_id_ck" => "/branch_id",
        "neurolink_events_actor_id_ck" => "/actor_id",
        "neurolink_events_entity_type_ck" => "/entity_type",
        "neurolink_events_entity_id_ck" => "/entity_id",
        "neurolink_events_traceparent_ck" => "/traceparent",
        _ => return None,
    })
}

/// By meaning: connection lost or server not ready = `Unavailable`; data the caller sent = `Invalid`; the rest is ours.
#[must_use]
pub fn from_pg(error: tokio_postgres::Error) -> Error {
    let Some(db) = error.as_db_error() else {
        // No answer from the server at all: closed, refused, timed out. Type errors are ours.
        let ours = matches!(error_kind(&error), ErrorKind::Ours);
        return if ours {
            Error::internal("a statement and its parameters don't fit", error)
        } else {
            Error::away("the database is out of reach", error)
        };
    };
    let code = db.code();
    match code.code() {
        "55P03" | "40P01" | "40001" => Error::Unavailable {
            detail: "another transaction holds what this one needs".to_owned(),
            retry_after: Duration::from_secs(1),
            source: None,
        },
        // Statement timeout and cancelled by an operator.
        "57014" => Error::unavailable("the database took too long"),
        c if c.starts_with("08") || c.starts_with("57P") || c.starts_with("53") => {
            Error::away("the database is not ready", error)
        }
        // A standby, mostly the primary of before a failover.
        "25006" => Error::away("the database is read-only at present", error),
        // Wrong password, no such user or database: until somebody mends the address or the server, nothing goes.
        "28000" | "28P01" | "3D000" => {
            Error::internal("the database refuses the login of DATABASE_URL", error)
        }
        "23505" => match db.constraint() {
            Some("neurolink_event_outcomes_pk" | "neurolink_notifications_once_uq") => {
                Error::Conflict {
                    code: "already_evaluated",
                    detail: "the event was evaluated before".to_owned(),
                    place: None,
                }
            }
            _ => Error::internal("a unique constraint of the database was violated", error),
        },
        "23514" => match db.constraint().and_then(place_of) {
            Some(place) => Error::invalid_at(
                "invalid_field",
                place,
                "the value is outside of what is allowed",
            ),
            None => Error::internal("a check of the database was violated", error),
        },
        // Data exceptions: a number or text that PostgreSQL can't hold.
        c if c.starts_with("22") => Error::Invalid {
            code: "invalid_value",
            detail: format!("the database can't hold a value: {}", db.message()),
            place: None,
        },
        _ => Error::internal("the database refused a statement", error),
    }
}

/// A pool's errors: mostly the database's.
#[must_use]
pub fn from_pool(error: deadpool_postgres::PoolError) -> Error {
    match error {
        deadpool_postgres::PoolError::Backend(e) => from_pg(e),
        deadpool_postgres::PoolError::Timeout(_) => {
            Error::unavailable("all database connections are busy")
        }
        deadpool_postgres::PoolError::Closed => Error::unavailable("shutting down"),
        deadpool_postgres::PoolError::PostCreateHook(deadpool_postgres::HookError::Backend(e)) => {
            from_pg(e)
        }
        other => Error::internal("the connection pool failed", other),
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        from_pg(error)
    }
}

/// Whether a statement failed for a unique or exclusion constraint, and which.
#[must_use]
pub fn unique_violation(error: &tokio_postgres::Error) -> Option<&str> {
    let db = error.as_db_error()?;
    (*db.code() == SqlState::UNIQUE_VIOLATION).then(|| db.constraint().unwrap_or_default())
}

enum ErrorKind {
    Ours,
    Theirs,
}

// tokio-postgres hides its kinds; the text of the outermost error is stable and says which it is.
fn error_kind(error: &tokio_postgres::Error) -> ErrorKind {
    let text = error.to_string();
    let ours = [
        "error serializing",
        "error deserializing",
        "error encoding",
        "error parsing",
        "unexpected number",
        "invalid parameter",
        "query returned",
    ];
    if ours.iter().any(|prefix| text.starts_with(prefix)) {
        ErrorKind::Ours
    } else {
        ErrorKind::Theirs
    }
}
