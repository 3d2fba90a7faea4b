//! `POST /v1/events/{id}/replay`. Comes in: an admin's call. Goes out: 202 with the job that waits.

use http::{Method, StatusCode};

use crate::db::Db;
use crate::http::{Access, Call, Response, Route, json};
use crate::kernel::{Error, Result};
use crate::ops::replay;

/// What `/openapi.json` says of it.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// The room's table, as far as it is about this.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    vec![Route::new(
        Method::POST,
        "/v1/events/{id}/replay",
        Access::Admin,
        db,
        answer,
    )]
}

async fn answer(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    if !call.body.is_empty() {
        return Err(Error::invalid(
            "invalid_value",
            "a replay takes no body: it is by today's rules, of the event in the path",
        ));
    }
    let caller = call.principal()?;
    let id = call.id("id", "event")?;
    let queued = replay::queue(&db, id, &caller.subject, |branch| {
        caller.sees_branch(branch)
    })
    .await?;
    json(StatusCode::ACCEPTED, &queued)
}
