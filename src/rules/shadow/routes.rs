//! `GET /v1/rules/{id}/shadow`: what a shadow rule would have told, for admins and auditors.

use http::{Method, StatusCode};

use crate::db::Db;
use crate::http::paging::{Listing, Page};
use crate::http::{Access, Call, Response, Route, json};
use crate::kernel::{Error, Result};
use crate::rules::saved;
use crate::rules::shadow::store;

const RULE: &str = "rule";

/// Its part of the API's description.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// The room's table, as far as it is about this.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    const PATH: &str = "/v1/rules/{id}/shadow";
    vec![Route::new(Method::GET, PATH, Access::Auditor, db, list)]
}

async fn list(db: Db, call: Call) -> Result<Response> {
    call.only_query(&["limit", "cursor"])?;
    let id = call.id("id", RULE)?;
    let page = Page::<i64>::of(&call)?;
    let caller = call.principal()?;
    let all = caller.branch_ids.iter().any(|own| own == "*");
    let branches = (!all).then_some(caller.branch_ids.as_slice());
    let client = db.client().await?;
    let known = saved::store::get(&client, id).await?;
    known.ok_or(Error::NotFound(RULE))?;
    let below = page.after.unwrap_or(i64::MAX);
    let (items, next) = store::list(&client, id, below, branches, page.limit).await?;
    json(StatusCode::OK, &Listing::until(items, next.as_ref())?)
}
