//! `/v1/users`: admins keep people, auditors look at them. (Their preferences are in the room of that name.)

use http::{Method, StatusCode};

use crate::db::{Db, Tx};
use crate::directory::account::{self, Account};
use crate::directory::store::{self, Filter, Written};
use crate::http::paging::{Listing, Page};
use crate::http::{Access, Call, Response, Route, json, no_content};
use crate::kernel::{Error, Result};

const PERSON: &str = "person";
/// Ten thousand people with everything that can be said of them in a usual length.
const BULK_BYTES: usize = 16 << 20;

/// Its part of the API's description.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// The room's table.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    use Access::{Admin, Auditor};
    const ONE: &str = "/v1/users/{id}";
    vec![
        Route::new(Method::GET, "/v1/users", Auditor, db, list),
        Route::new(Method::POST, "/v1/users/bulk", Admin, db, bulk).with_max_body(BULK_BYTES),
        Route::new(Method::GET, ONE, Auditor, db, get),
        Route::new(Method::PUT, ONE, Admin, db, put),
        Route::new(Method::DELETE, ONE, Admin, db, delete),
    ]
}

async fn list(db: Db, call: Call) -> Result<Response> {
    call.only_query(&["limit", "cursor", "role", "group", "branch", "active", "q"])?;
    let page = Page::<String>::of(&call)?;
    let text = |name| Ok::<_, Error>(call.query(name)?.map(str::to_owned));
    let filter = Filter {
        role: text("role")?,
        group: text("group")?,
        branch: text("branch")?,
        active: call.flag("active")?,
        text: text("q")?,
    };
    let after = page.after.clone().unwrap_or_default();
    let (people, next) = store::list(&db.client().await?, &after, &filter, page.limit).await?;
    json(StatusCode::OK, &Listing::until(people, next.as_ref())?)
}

async fn get(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let id = call.text_id("id", PERSON)?;
    let person = store::get(&db.client().await?, id).await?;
    json(StatusCode::OK, &person.ok_or(Error::NotFound(PERSON))?)
}

/// 201 for somebody new, 200 for somebody who was there.
async fn put(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let id = call.text_id("id", PERSON)?;
    let person = account::one(call.json_text()?, id)?;
    let written = write(&db, &call, std::slice::from_ref(&person)).await?;
    let status = if written.created > 0 {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    json(status, &person)
}

/// All or nobody.
async fn bulk(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let people = account::many(call.json_text()?)?;
    json(StatusCode::OK, &write(&db, &call, &people).await?)
}

async fn delete(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let id = call.text_id("id", PERSON)?;
    let tx = Tx::begin_as(&db, &call.principal()?.subject).await?;
    store::ours(&tx).await?;
    let was_there = store::delete(&tx, id).await?;
    tx.commit().await?;
    if was_there {
        Ok(no_content())
    } else {
        Err(Error::NotFound(PERSON))
    }
}

async fn write(db: &Db, call: &Call, people: &[Account]) -> Result<Written> {
    let tx = Tx::begin_as(db, &call.principal()?.subject).await?;
    store::ours(&tx).await?;
    let written = store::upsert(&tx, people).await?;
    tx.commit().await?;
    Ok(written)
}
