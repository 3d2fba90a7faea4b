//! `GET /v1/rules/{id}/diff`: what differs between two versions, for admins and auditors.

use http::{Method, StatusCode};
use serde::Serialize;

use super::{Change, diff};
use crate::db::Db;
use crate::http::{Access, Call, Response, Route, json};
use crate::kernel::{Error, Result};
use crate::rules::saved::{Version, store};

const RULE: &str = "rule";
const VERSION: &str = "version of this rule";

/// Its part of the API's description.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// The room's table, as far as it is about this.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    const PATH: &str = "/v1/rules/{id}/diff";
    vec![Route::new(Method::GET, PATH, Access::Auditor, db, answer)]
}

/// The answer.
#[derive(Serialize)]
struct Difference {
    rule_id: i64,
    from: Side,
    to: Side,
    changes: Vec<Change>,
}

/// One of the two versions.
#[derive(Serialize)]
struct Side {
    version: i32,
    changed_by: String,
    changed_at: jiff::Timestamp,
}

impl Side {
    fn of(version: Version) -> Self {
        Self {
            version: version.version,
            changed_by: version.changed_by,
            changed_at: version.changed_at,
        }
    }
}

async fn answer(db: Db, call: Call) -> Result<Response> {
    call.only_query(&["from", "to"])?;
    let id = call.id("id", RULE)?;
    let (from, to) = (number(&call, "from")?, number(&call, "to")?);
    let client = db.client().await?;
    let newest = store::versions(&client, id, i32::MAX, 1).await?;
    let newest = newest.into_iter().next().ok_or(Error::NotFound(RULE))?;
    let missing = || Error::NotFound(VERSION);
    let to = match to {
        None => newest,
        Some(to) => store::version(&client, id, to).await?.ok_or_else(missing)?,
    };
    let from = match from {
        Some(from) => store::version(&client, id, from)
            .await?
            .ok_or_else(missing)?,
        // The first version differs from itself in nothing.
        None => store::versions(&client, id, to.version, 1)
            .await?
            .into_iter()
            .next()
            .unwrap_or_else(|| to.clone()),
    };
    drop(client);
    let changes = diff(&from.draft, &to.draft)?;
    let difference = Difference {
        rule_id: id,
        from: Side::of(from),
        to: Side::of(to),
        changes,
    };
    json(StatusCode::OK, &difference)
}

/// A version in the query.
fn number(call: &Call, name: &'static str) -> Result<Option<i32>> {
    let Some(word) = call.query(name)? else {
        return Ok(None);
    };
    let number = word.parse::<i32>().ok();
    let number = number.filter(|n| *n > 0 && word.bytes().all(|b| b.is_ascii_digit()));
    number.map(Some).ok_or_else(|| {
        Error::invalid_at(
            "invalid_parameter",
            name,
            format!("`{name}` is the number of a version"),
        )
    })
}
