//! `GET /v1/event-types`. Comes from `store`, goes to admins and auditors.

use http::{Method, StatusCode};

use super::store;
use crate::db::Db;
use crate::http::paging::{Listing, Page};
use crate::http::{Access, Call, Response, Route, json};
use crate::kernel::Result;

/// What `/openapi.json` says of it.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// The room's table, as far as it is about this.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    vec![Route::new(
        Method::GET,
        "/v1/event-types",
        Access::Auditor,
        db,
        answer,
    )]
}

async fn answer(db: Db, call: Call) -> Result<Response> {
    call.only_query(&["limit", "cursor"])?;
    let page = Page::<(String, String)>::of(&call)?;
    let fetch = page.fetch();
    let types = store::list(&db.client().await?, page.after, fetch).await?;
    let place = |t: &super::EventType| (t.event_type.clone(), t.source_module.clone());
    json(StatusCode::OK, &Listing::new(types, page.limit, place)?)
}
