//! `DELETE /v1/events/{id}`. Comes in: an admin's call. Goes out: what went with the event; 202 when there is more to do.

use http::{Method, StatusCode};

use crate::db::Db;
use crate::http::{Access, Call, Response, Route, json};
use crate::kernel::Result;
use crate::notifications::Inboxes;
use crate::ops::removal;

/// What `/openapi.json` says of it.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// The room's table, as far as it is about this.
#[must_use]
pub fn routes(db: &Db, inboxes: &Inboxes) -> Vec<Route> {
    vec![Route::new(
        Method::DELETE,
        "/v1/events/{id}",
        Access::Admin,
        &(db.clone(), inboxes.clone()),
        answer,
    )]
}

async fn answer((db, inboxes): (Db, Inboxes), call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let caller = call.principal()?;
    let id = call.id("id", "event")?;
    let sees = |branch: Option<&str>| caller.sees_branch(branch);
    let removal = removal::remove(&db, &inboxes, id, &caller.subject, sees).await?;
    let status = if removal.is_complete {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    json(status, &removal)
}
