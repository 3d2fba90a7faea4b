//! `/v1/rules`: admins change rules, auditors read them. A change names the version it is of (`If-Match`); a rule that can't
//! be compiled is never saved.

use http::header::LOCATION;
use http::{HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};

use crate::db::{Db, Tx};
use crate::http::paging::{Listing, Page};
use crate::http::version::{Expected, tagged};
use crate::http::{Access, Call, Response, Route, json, no_content};
use crate::kernel::{Error, Result};
use crate::rules::draft::{Draft, Part};
use crate::rules::held;
use crate::rules::model::Warning;
use crate::rules::saved::{Filter, Saved, store};

const ALL: &str = "/v1/rules";
const ONE: &str = "/v1/rules/{id}";
const RULE: &str = "rule";

/// Its part of the API's description.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// The room's table.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    use Access::{Admin, Auditor};
    vec![
        Route::new(Method::GET, ALL, Auditor, db, list),
        Route::new(Method::POST, ALL, Admin, db, create),
        Route::new(Method::GET, ONE, Auditor, db, get),
        Route::new(Method::PUT, ONE, Admin, db, replace),
        Route::new(Method::PATCH, ONE, Admin, db, change),
        Route::new(Method::DELETE, ONE, Admin, db, delete),
        Route::new(
            Method::GET,
            "/v1/rules/{id}/versions",
            Auditor,
            db,
            versions,
        ),
        Route::new(
            Method::GET,
            "/v1/rules/{id}/versions/{version}",
            Auditor,
            db,
            version,
        ),
        Route::new(
            Method::POST,
            "/v1/rules/{id}/rollback",
            Admin,
            db,
            roll_back,
        ),
        Route::new(Method::POST, "/v1/rules/{id}/release", Admin, db, release),
    ]
}

/// A rule just saved, with what is allowed in it but probably not meant.
#[derive(Serialize)]
struct Kept {
    #[serde(flatten)]
    rule: Saved,
    warnings: Vec<Warning>,
}

async fn list(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[
        "limit",
        "cursor",
        "enabled",
        "event_type",
        "source_module",
        "faulty",
    ])?;
    let page = Page::<i64>::of(&call)?;
    let filter = Filter {
        enabled: call.flag("enabled")?,
        event_type: call.query("event_type")?.map(str::to_owned),
        source_module: call.query("source_module")?.map(str::to_owned),
        faulty: call.flag("faulty")?,
    };
    let below = page.after.unwrap_or(i64::MAX);
    let rules = store::list(&db.client().await?, below, &filter, page.fetch()).await?;
    json(
        StatusCode::OK,
        &Listing::new(rules, page.limit, |rule| rule.id)?,
    )
}

async fn get(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let id = call.id("id", RULE)?;
    let rule = store::get(&db.client().await?, id)
        .await?
        .ok_or(Error::NotFound(RULE))?;
    Ok(tagged(json(StatusCode::OK, &rule)?, rule.version))
}

async fn create(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let draft: Draft = call.parse()?;
    let (draft, warnings) = checked(draft).await?;
    let tx = Tx::begin_as(&db, &call.principal()?.subject).await?;
    let id = store::insert(&tx, &draft).await?;
    let mut response = finish(tx, id, warnings, StatusCode::CREATED).await?;
    if let Ok(place) = HeaderValue::from_str(&format!("{ALL}/{id}")) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

async fn replace(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let id = call.id("id", RULE)?;
    let expected = Expected::required(&call.headers)?;
    let draft: Draft = call.parse()?;
    let (draft, warnings) = checked(draft).await?;
    let (tx, _) = hold(&db, &call, id, Some(&expected)).await?;
    store::update(&tx, id, &draft).await?;
    finish(tx, id, warnings, StatusCode::OK).await
}

async fn change(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let id = call.id("id", RULE)?;
    let expected = Expected::required(&call.headers)?;
    let part: Part = call.parse()?;
    let (tx, rule) = hold(&db, &call, id, Some(&expected)).await?;
    let (draft, warnings) = checked(rule.draft.with(part)).await?;
    store::update(&tx, id, &draft).await?;
    finish(tx, id, warnings, StatusCode::OK).await
}

async fn delete(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let id = call.id("id", RULE)?;
    let expected = Expected::required(&call.headers)?;
    let (tx, _) = hold(&db, &call, id, Some(&expected)).await?;
    store::delete(&tx, &[id]).await?;
    tx.commit().await?;
    Ok(no_content())
}

async fn versions(db: Db, call: Call) -> Result<Response> {
    call.only_query(&["limit", "cursor"])?;
    let id = call.id("id", RULE)?;
    let page = Page::<i32>::of(&call)?;
    let below = page.after.unwrap_or(i32::MAX);
    let versions = store::versions(&db.client().await?, id, below, page.fetch()).await?;
    if versions.is_empty() && page.after.is_none() {
        return Err(Error::NotFound(RULE));
    }
    json(
        StatusCode::OK,
        &Listing::new(versions, page.limit, |version| version.version)?,
    )
}

async fn version(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let id = call.id("id", RULE)?;
    let number = i32::try_from(call.id("version", VERSION)?).map_err(|_| missing())?;
    let version = store::version(&db.client().await?, id, number)
        .await?
        .ok_or_else(missing)?;
    json(StatusCode::OK, &version)
}

const VERSION: &str = "version of this rule";

fn missing() -> Error {
    Error::NotFound(VERSION)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `version`")]
struct RollBack {
    version: i32,
}

/// What a version said becomes the newest version. `If-Match` is honoured, and not asked for: who rolls back is in a hurry.
async fn roll_back(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let id = call.id("id", RULE)?;
    let expected = Expected::of(&call.headers)?;
    let wanted: RollBack = call.parse()?;
    let (tx, _) = hold(&db, &call, id, expected.as_ref()).await?;
    let version = store::version(&tx, id, wanted.version)
        .await?
        .ok_or_else(missing)?;
    let (draft, mut warnings) = checked(version.draft).await?;
    if let Some(fault) = version.fault {
        warnings.push(Warning {
            rule: draft.name.clone(),
            kind: "hint",
            detail: format!(
                "version {} was found faulty: {}",
                wanted.version, fault.detail
            ),
        });
    }
    store::update(&tx, id, &draft).await?;
    finish(tx, id, warnings, StatusCode::OK).await
}

/// A rule that told too much goes on; one that isn't held goes on anyway.
async fn release(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let id = call.id("id", RULE)?;
    let tx = Tx::begin_as(&db, &call.principal()?.subject).await?;
    held::store::release(&tx, id).await?;
    let Some(rule) = store::get(&tx, id).await? else {
        tx.rollback().await?;
        return Err(Error::NotFound(RULE));
    };
    tx.commit().await?;
    Ok(tagged(json(StatusCode::OK, &rule)?, rule.version))
}

/// A transaction of the caller's that holds the rule, once it is known to be of the version that is expected.
async fn hold(db: &Db, call: &Call, id: i64, expected: Option<&Expected>) -> Result<(Tx, Saved)> {
    let tx = Tx::begin_as(db, &call.principal()?.subject).await?;
    let refused = match store::lock(&tx, id).await? {
        None => Error::NotFound(RULE),
        Some(rule) => match expected.and_then(Expected::versions) {
            Some(versions) if !versions.contains(&rule.version) => {
                Error::PreconditionFailed(format!("the rule is of version {} by now", rule.version))
            }
            _ => return Ok((tx, rule)),
        },
    };
    tx.rollback().await?;
    Err(refused)
}

/// Compiling and rendering a sample take a while for a rule at its limits: not on the threads that answer.
async fn checked(draft: Draft) -> Result<(Draft, Vec<Warning>)> {
    tokio::task::spawn_blocking(move || draft.check().map(|warnings| (draft, warnings)))
        .await
        .map_err(|e| Error::internal("checking a rule broke", e))?
}

async fn finish(tx: Tx, id: i64, warnings: Vec<Warning>, status: StatusCode) -> Result<Response> {
    let rule = store::get(&tx, id)
        .await?
        .ok_or_else(|| Error::broken("a rule that was just written is gone"))?;
    tx.commit().await?;
    let version = rule.version;
    Ok(tagged(json(status, &Kept { rule, warnings })?, version))
}
