//! `/v1/preferences`: everybody's own. (An admin's way to somebody else's is with the people, in the directory room.)

use http::{Method, StatusCode};

use crate::db::{Db, Tx};
use crate::http::{Access, Call, Response, Route, json};
use crate::kernel::Result;
use crate::preferences::model::Body;
use crate::preferences::store;

/// The room's table.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    const OWN: &str = "/v1/preferences";
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
    ]
}

/// The answer with somebody's preferences.
///
/// # Errors
/// As of a query that knows no parameters, and the database's.
pub async fn show(db: &Db, call: &Call, user: &str) -> Result<Response> {
    call.only_query(&[])?;
    json(
        StatusCode::OK,
        &store::get(&db.client().await?, user).await?,
    )
}

/// Sets somebody's preferences in the caller's name, and answers with them.
///
/// # Errors
/// As of the body, and the database's.
pub async fn set(db: &Db, call: &Call, user: &str) -> Result<Response> {
    call.only_query(&[])?;
    let channels = call.parse::<Body>()?.check()?;
    let tx = Tx::begin_as(db, &call.principal()?.subject).await?;
    store::set(&tx, user, &channels).await?;
    let preferences = store::get(&tx, user).await?;
    tx.commit().await?;
    json(StatusCode::OK, &preferences)
}
