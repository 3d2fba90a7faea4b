//! `POST /v1/stream/ticket`, and what admits somebody who comes to the stream with one. Comes in: a caller by their token, later
//! the ticket. Goes out: the ticket, later the same caller.

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::db::Db;
use crate::http::{Call, Principal, Response, json};
use crate::kernel::{Error, Result, random};
use crate::stream::ticket::store;

/// Of chance in a ticket: nobody guesses it.
const BYTES: usize = 32;

#[derive(Serialize)]
struct Ticket {
    ticket: String,
    expires_at: Timestamp,
}

/// Makes a ticket for the caller.
pub(in crate::stream) async fn make(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let principal = call.principal()?;
    let stored = serde_json::to_value(principal)
        .map_err(|e| Error::internal("a caller can't be written as JSON", e))?;
    let ticket = random::secret(BYTES)?;
    let expires_at = store::keep(&db, &hash(&ticket), &stored, principal.expires_at).await?;
    json(StatusCode::CREATED, &Ticket { ticket, expires_at })
}

/// Whom a ticket admits; it is used up then.
pub(in crate::stream) async fn redeem(db: Db, ticket: String) -> Result<Principal> {
    let Some(stored) = store::take(&db, &hash(&ticket)).await? else {
        return Err(Error::Unauthenticated {
            code: "ticket_invalid",
            detail: "the ticket is used, expired or unknown: ask for a new one".to_owned(),
        });
    };
    serde_json::from_value(stored)
        .map_err(|e| Error::internal("a ticket's caller can't be read", e))
}

/// A ticket is chance enough that it needs no salt.
fn hash(ticket: &str) -> [u8; 32] {
    Sha256::digest(ticket.as_bytes()).into()
}
