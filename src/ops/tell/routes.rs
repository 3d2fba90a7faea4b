//! `POST /v1/notifications`. Comes in: whom an admin tells what. Goes out: what became of it for each.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use serde::Serialize;

use crate::db::{Db, Tx};
use crate::http::{Access, Call, Response, Route, json};
use crate::kernel::Result;
use crate::notifications::Inboxes;
use crate::ops::tell::{Body, Told, store};

/// What `/openapi.json` says of it.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// The room's table, as far as it is about this.
#[must_use]
pub fn routes(db: &Db, inboxes: &Inboxes) -> Vec<Route> {
    vec![Route::new(
        Method::POST,
        "/v1/notifications",
        Access::Admin,
        &(db.clone(), inboxes.clone()),
        answer,
    )]
}

#[derive(Serialize)]
struct Answer {
    told: Vec<Told>,
    /// Named, and not in the directory or not active.
    unknown: Vec<String>,
}

async fn answer((db, inboxes): (Db, Inboxes), call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let (people, message) = call.parse::<Body>()?.checked()?;
    let tx = Tx::begin_as(&db, &call.principal()?.subject).await?;
    let told = store::tell(&tx, &people, &message).await?;
    tx.commit().await?;
    let known: BTreeSet<&String> = told.iter().map(|told| &told.user_id).collect();
    let unknown = people.iter().filter(|id| !known.contains(id));
    let unknown: BTreeSet<String> = unknown.cloned().collect();
    inboxes.tell(known.into_iter().cloned().collect());
    json(
        StatusCode::CREATED,
        &Answer {
            told,
            unknown: unknown.into_iter().collect(),
        },
    )
}
