//! `GET /v1/event-types` and `/v1/event-types/{type}`. Comes from `store`, goes to admins and auditors.

use http::{Method, StatusCode};

use super::store;
use crate::db::Db;
use crate::http::paging::{Listing, Page};
use crate::http::{Access, Call, Response, Route, json};
use crate::kernel::{Error, Result};

/// What `/openapi.json` says of it.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// The room's table, as far as it is about this.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    let of = Access::Auditor;
    vec![
        Route::new(Method::GET, "/v1/event-types", of, db, answer),
        Route::new(Method::GET, "/v1/event-types/{type}", of, db, one),
    ]
}

async fn one(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let event_type = call.text_id("type", "event type")?;
    let known = store::get(&db.client().await?, event_type).await?;
    json(StatusCode::OK, &known.ok_or(Error::NotFound("event type"))?)
}

async fn answer(db: Db, call: Call) -> Result<Response> {
    call.only_query(&["limit", "cursor"])?;
    let page = Page::<(String, String)>::of(&call)?;
    let fetch = page.fetch();
    let types = store::list(&db.client().await?, page.after, fetch).await?;
    let place = |t: &super::EventType| (t.event_type.clone(), t.source_module.clone());
    json(StatusCode::OK, &Listing::new(types, page.limit, place)?)
}
