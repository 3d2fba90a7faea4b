//! `/v1/follows`: what one follows oneself. `/v1/entities/{entity_type}/{entity_id}/followers`: auditors look, admins say it for others.

use http::{Method, StatusCode};

use super::store;
use crate::db::{Db, Tx};
use crate::http::paging::{Listing, Page};
use crate::http::{Access, Call, Response, Route, json, no_content};
use crate::kernel::{Error, Result};
use crate::rules::Entity;

const ENTITY: &str = "entity";
const PERSON: &str = "person";
/// As the events' own column has it.
const TYPE_CHARS: usize = 64;

/// Its part of the API's description.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// The room's table, as far as it is about this.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    use Access::{Admin, Anyone, Auditor};
    const OWN: &str = "/v1/follows/{entity_type}/{entity_id}";
    const THEIRS: &str = "/v1/entities/{entity_type}/{entity_id}/followers";
    const ONE: &str = "/v1/entities/{entity_type}/{entity_id}/followers/{id}";
    vec![
        Route::new(Method::GET, "/v1/follows", Anyone, db, mine),
        Route::new(Method::PUT, OWN, Anyone, db, |db, call| {
            set(db, call, true, false)
        }),
        Route::new(Method::DELETE, OWN, Anyone, db, |db, call| {
            set(db, call, false, false)
        }),
        Route::new(Method::GET, THEIRS, Auditor, db, followers),
        Route::new(Method::PUT, ONE, Admin, db, |db, call| {
            set(db, call, true, true)
        }),
        Route::new(Method::DELETE, ONE, Admin, db, |db, call| {
            set(db, call, false, true)
        }),
    ]
}

async fn mine(db: Db, call: Call) -> Result<Response> {
    call.only_query(&["limit", "cursor", "entity_type", "entity_id"])?;
    let page = Page::<(String, String)>::of(&call)?;
    let behind = page.after.clone().unwrap_or_default();
    let only = (call.query("entity_type")?, call.query("entity_id")?);
    let user = &call.principal()?.subject;
    let follows = store::follows(&db.client().await?, user, &behind, only, page.fetch()).await?;
    let place = |follow: &super::Follow| (follow.entity_type.clone(), follow.entity_id.clone());
    json(StatusCode::OK, &Listing::new(follows, page.limit, place)?)
}

async fn followers(db: Db, call: Call) -> Result<Response> {
    call.only_query(&["limit", "cursor"])?;
    let page = Page::<String>::of(&call)?;
    let behind = page.after.clone().unwrap_or_default();
    let entity = entity(&call)?;
    let followers = store::of_entity(&db.client().await?, &entity, &behind, page.fetch()).await?;
    let place = |follower: &super::Follower| follower.user_id.clone();
    json(StatusCode::OK, &Listing::new(followers, page.limit, place)?)
}

/// Says whether somebody follows something: the caller, or whom the path names. Said twice is said once.
async fn set(db: Db, call: Call, follows: bool, of_others: bool) -> Result<Response> {
    call.only_query(&[])?;
    let entity = entity(&call)?;
    let caller = call.principal()?.subject.as_str();
    let user = if of_others {
        call.text_id("id", PERSON)?
    } else {
        caller
    };
    let tx = Tx::begin_as(&db, caller).await?;
    // Somebody who is gone can stop following, and not begin. The caller's own token says who they are.
    if of_others && follows && crate::directory::store::get(&tx, user).await?.is_none() {
        tx.rollback().await?;
        return Err(Error::NotFound(PERSON));
    }
    if follows {
        store::follow(&tx, user, &entity).await?;
    } else {
        store::unfollow(&tx, user, &entity).await?;
    }
    tx.commit().await?;
    Ok(no_content())
}

fn entity(call: &Call) -> Result<Entity> {
    let entity_type = call.text_id("entity_type", ENTITY)?;
    if entity_type.chars().count() > TYPE_CHARS {
        return Err(Error::NotFound(ENTITY));
    }
    Ok(Entity {
        entity_type: entity_type.to_owned(),
        entity_id: call.text_id("entity_id", ENTITY)?.to_owned(),
    })
}
