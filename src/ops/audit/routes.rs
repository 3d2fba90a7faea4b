//! `GET /v1/audit`: pages of the audit log. Comes from `store`, goes to admins and auditors.

use http::{Method, StatusCode};

use crate::db::Db;
use crate::http::paging::{Listing, Page};
use crate::http::{Access, Call, Response, Route, json};
use crate::kernel::{Error, Result};
use crate::ops::audit::{Filter, Place, store};

/// Its part of the API's description.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// The room's table, as far as it is about this.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    vec![Route::new(
        Method::GET,
        "/v1/audit",
        Access::Auditor,
        db,
        answer,
    )]
}

async fn answer(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[
        "limit",
        "cursor",
        "actor",
        "action",
        "subject_kind",
        "subject_id",
        "from",
        "to",
    ])?;
    let page = Page::<Place>::of(&call)?;
    let text = |name| Ok::<_, Error>(call.query(name)?.map(str::to_owned));
    let caller = call.principal()?;
    let filter = Filter {
        actor: text("actor")?,
        action: text("action")?,
        subject_kind: text("subject_kind")?,
        subject_id: text("subject_id")?,
        from: call.moment("from")?,
        to: call.moment("to")?,
        branches: (!caller.branch_ids.iter().any(|own| own == "*"))
            .then(|| caller.branch_ids.clone()),
    };
    let (entries, next) = store::list(&db.client().await?, page.after, &filter, page.limit).await?;
    json(StatusCode::OK, &Listing::until(entries, next.as_ref())?)
}
