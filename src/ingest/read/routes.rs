//! `GET /v1/events` and `GET /v1/events/{id}`. Comes from `store`, goes to admins and auditors, as far as their branches go.

use http::{Method, StatusCode};

use super::filter::Filter;
use super::model::Whole;
use super::store;
use crate::db::Db;
use crate::http::paging::{Listing, Page};
use crate::http::{Access, Call, Principal, Response, Route, json};
use crate::kernel::{Error, Result};

/// What `/openapi.json` says of these.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// Parameters that aren't times.
const WORDS: [&str; 8] = [
    "source_module",
    "event_type",
    "severity",
    "branch_id",
    "entity_type",
    "entity_id",
    "correlation_id",
    "outcome",
];

/// The room's table, as far as it is about reading.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/v1/events", Access::Auditor, db, list),
        Route::new(Method::GET, "/v1/events/{id}", Access::Auditor, db, one),
    ]
}

async fn list(db: Db, call: Call) -> Result<Response> {
    let known: Vec<&str> = ["limit", "cursor", "from", "to"]
        .into_iter()
        .chain(WORDS)
        .collect();
    call.only_query(&known)?;
    let page = Page::<i64>::of(&call)?;
    let mut filter = Filter {
        from: call.moment("from")?,
        to: call.moment("to")?,
        branches: branches(call.principal()?),
        ..Filter::default()
    };
    for name in WORDS {
        if let Some(value) = call.query(name)? {
            filter.set(name, value)?;
        }
    }
    let filter = filter.checked()?;
    let found = store::list(&db.client().await?, page.after, &filter, page.limit).await?;
    json(
        StatusCode::OK,
        &Listing::until(found.items, found.next.as_ref())?,
    )
}

async fn one(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let id = call.id("id", "event")?;
    let caller = call.principal()?;
    let sees = |event: &Whole| caller.sees_branch(event.item.branch_id.as_deref());
    let event = store::get(&db.client().await?, id)
        .await?
        .filter(sees)
        .ok_or(Error::NotFound("event"))?;
    json(StatusCode::OK, &event)
}

/// The branches that limit what a caller sees; `None` = nothing does.
fn branches(caller: &Principal) -> Option<Vec<String>> {
    let all = caller.branch_ids.iter().any(|own| own == "*");
    (!all).then(|| caller.branch_ids.clone())
}
