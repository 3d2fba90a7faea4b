//! `/v1/preferences`: everybody's own. `/v1/users/{id}/preferences`: admins set other people's, auditors look at them.

use http::{Method, StatusCode};

use crate::db::{Db, Tx};
use crate::http::{Access, Call, Response, Route, json};
use crate::kernel::{Error, Result};
use crate::preferences::body::Body;
use crate::preferences::store;

/// Its part of the API's description.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// The room's table.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    const OWN: &str = "/v1/preferences";
    const THEIRS: &str = "/v1/users/{id}/preferences";
    vec![
        Route::new(
            Method::GET,
            OWN,
            Access::Anyone,
            db,
            |db, call: Call| async move {
                let user = call.principal()?.subject.clone();
                show(&db, &call, &user).await
            },
        ),
        Route::new(
            Method::PUT,
            OWN,
            Access::Anyone,
            db,
            |db, call: Call| async move {
                let user = call.principal()?.subject.clone();
                set(&db, &call, &user).await
            },
        ),
        Route::new(
            Method::GET,
            THEIRS,
            Access::Auditor,
            db,
            |db, call: Call| async move {
                let user = known(&db, &call).await?;
                show(&db, &call, user).await
            },
        ),
        Route::new(
            Method::PUT,
            THEIRS,
            Access::Admin,
            db,
            |db, call: Call| async move {
                let user = known(&db, &call).await?;
                set(&db, &call, user).await
            },
        ),
    ]
}

/// The person of the path, if the directory shows them.
async fn known<'c>(db: &Db, call: &'c Call) -> Result<&'c str> {
    let id = call.text_id("id", "person")?;
    if store::is_known(&db.client().await?, id).await? {
        Ok(id)
    } else {
        Err(Error::NotFound("person"))
    }
}

/// The answer with somebody's preferences.
async fn show(db: &Db, call: &Call, user: &str) -> Result<Response> {
    call.only_query(&[])?;
    json(
        StatusCode::OK,
        &store::get(&db.client().await?, user).await?,
    )
}

/// Sets somebody's preferences in the caller's name, and answers with them.
async fn set(db: &Db, call: &Call, user: &str) -> Result<Response> {
    call.only_query(&[])?;
    let wanted = call.parse::<Body>()?.check()?;
    let tx = Tx::begin_as(db, &call.principal()?.subject).await?;
    store::set(&tx, user, &wanted).await?;
    let preferences = store::get(&tx, user).await?;
    tx.commit().await?;
    json(StatusCode::OK, &preferences)
}
