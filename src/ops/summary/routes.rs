//! `GET /v1/events/stats/summary`, for auditors and admins of all branches.

use http::{Method, StatusCode};

use crate::db::Db;
use crate::http::{Access, Call, Response, Route, json};
use crate::kernel::{Error, Result};
use crate::ops::rollup::store::rolled_to;
use crate::ops::summary::{Summary, store};

/// The description of the endpoint.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// The room's table, as far as it is about this.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    let path = "/v1/events/stats/summary";
    vec![Route::new(Method::GET, path, Access::Auditor, db, answer)]
}

async fn answer(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    // Roll-ups know no branches: who sees only some would learn of the others.
    if !call.principal()?.branch_ids.iter().any(|own| own == "*") {
        return Err(Error::Forbidden(
            "these numbers are of all branches together: they need a token of all branches (`*`)"
                .to_owned(),
        ));
    }
    let client = db.client().await?;
    let as_of = rolled_to(&client).await?;
    let rolled = match as_of {
        Some(until) => store::rolled(&client, until).await?,
        None => Vec::new(),
    };
    let standing = store::standing(&client).await?;
    json(StatusCode::OK, &Summary::of(as_of, &rolled, standing))
}
