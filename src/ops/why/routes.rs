//! `GET /v1/events/{id}/why?user=`. Comes from stored facts and today's rules, goes to admins and auditors.

use http::{Method, StatusCode};

use crate::db::Db;
use crate::http::{Access, Call, Response, Route, json};
use crate::kernel::words::is_text_id;
use crate::kernel::{Error, Result};
use crate::ops::why;

/// What `/openapi.json` says of it.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// The room's table, as far as it is about this.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    vec![Route::new(
        Method::GET,
        "/v1/events/{id}/why",
        Access::Auditor,
        db,
        answer,
    )]
}

async fn answer(db: Db, call: Call) -> Result<Response> {
    call.only_query(&["user"])?;
    let id = call.id("id", "event")?;
    let user = call
        .query("user")?
        .filter(|user| is_text_id(user))
        .ok_or_else(|| {
            Error::invalid_at(
                "invalid_parameter",
                "user",
                "`user` says about whom, by id: 1 to 128 characters",
            )
        })?;
    let caller = call.principal()?;
    let sees = |branch: Option<&str>| caller.sees_branch(branch);
    let explanation = why::explain(&db, id, user, caller.is_admin, sees)
        .await?
        .ok_or(Error::NotFound("event"))?;
    json(StatusCode::OK, &explanation)
}
