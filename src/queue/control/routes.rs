//! `/v1/queue`: admins and auditors look at the queue and its dead jobs; admins pause, resume, retry and discard. The queue is
//! everybody's; of dead jobs, those of one's own branches' events are shown and settled.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json as object;

use crate::db::Db;
use crate::http::paging::{Listing, Page};
use crate::http::{Access, Call, Principal, Response, Route, json};
use crate::kernel::{ChannelKind, Error, Result};
use crate::queue::control::steer::{self, Asker};
use crate::queue::control::{Deed, Filter, Kind, Pause, Target, store};

/// What is said of these in `/openapi.json`.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// A reason longer than this is a report.
const REASON_CHARACTERS: usize = 500;

/// The room's table.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    use Access::{Admin, Auditor};
    vec![
        Route::new(Method::GET, "/v1/queue", Auditor, db, state),
        Route::new(Method::GET, "/v1/queue/dead", Auditor, db, dead),
        Route::new(Method::POST, "/v1/queue/pause", Admin, db, pause),
        Route::new(Method::POST, "/v1/queue/resume", Admin, db, resume),
        Route::new(Method::POST, "/v1/queue/retry", Admin, db, |db, call| {
            settle(db, call, Deed::Retry)
        }),
        Route::new(Method::POST, "/v1/queue/discard", Admin, db, |db, call| {
            settle(db, call, Deed::Discard)
        }),
    ]
}

async fn state(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    json(StatusCode::OK, &store::state(&db.client().await?).await?)
}

/// The branches a caller is kept to; `None` = all.
fn branches(caller: &Principal) -> Option<&[String]> {
    let all = caller.branch_ids.iter().any(|own| own == "*");
    (!all).then_some(caller.branch_ids.as_slice())
}

async fn dead(db: Db, call: Call) -> Result<Response> {
    call.only_query(&["limit", "cursor", "kind", "from", "to"])?;
    let page = Page::<i64>::of(&call)?;
    let filter = Filter {
        kind: call.query("kind")?.map(str::to_owned),
        from: call.moment("from")?,
        to: call.moment("to")?,
    };
    let branches = branches(call.principal()?);
    let client = db.client().await?;
    let most = i32::try_from(page.fetch()).unwrap_or(i32::MAX);
    let ids = store::find_dead(&client, &filter, page.after, branches, most).await?;
    let jobs = store::read_dead(&client, &ids).await?;
    json(
        StatusCode::OK,
        &Listing::new(jobs, page.limit, |job| job.id)?,
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `kind`")]
struct Paused {
    kind: Kind,
    channel: Option<ChannelKind>,
    reason: Option<String>,
}

#[derive(Serialize)]
struct Pauses {
    pauses: Vec<Pause>,
}

async fn pause(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let wanted: Paused = call.parse()?;
    let target = Target::new(wanted.kind, wanted.channel)?;
    let reason = wanted.reason.as_deref();
    if reason.is_some_and(|reason| reason.chars().count() > REASON_CHARACTERS) {
        return Err(Error::invalid_at(
            "invalid_value",
            "/reason",
            format!("a reason has at most {REASON_CHARACTERS} characters"),
        ));
    }
    steer::pause(&db, Some(&call.principal()?.subject), target, reason).await?;
    let pauses = store::pauses(&db.client().await?).await?;
    json(StatusCode::OK, &Pauses { pauses })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `kind`")]
struct Resumed {
    kind: Kind,
    channel: Option<ChannelKind>,
}

async fn resume(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let wanted: Resumed = call.parse()?;
    let target = Target::new(wanted.kind, wanted.channel)?;
    let resumed = steer::resume(&db, Some(&call.principal()?.subject), target).await?;
    let pauses = store::pauses(&db.client().await?).await?;
    json(
        StatusCode::OK,
        &object!({"resumed": resumed, "pauses": pauses}),
    )
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with `id`, or with `expected_count` and a filter"
)]
struct Settle {
    id: Option<i64>,
    expected_count: Option<u32>,
    kind: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

async fn settle(db: Db, call: Call, deed: Deed) -> Result<Response> {
    call.only_query(&[])?;
    let wanted: Settle = call.parse()?;
    let caller = call.principal()?;
    let asker = Asker {
        actor: Some(&caller.subject),
        branches: branches(caller),
    };
    let filter = Filter {
        kind: wanted.kind,
        from: wanted.from,
        to: wanted.to,
    };
    match (wanted.id, wanted.expected_count) {
        (Some(id), None) if filter == Filter::default() => {
            steer::settle_one(&db, asker, deed, id).await?;
            json(StatusCode::OK, &object!({"matched": 1, "done": 1}))
        }
        (None, Some(expected)) => {
            let expected = usize::try_from(expected).unwrap_or(usize::MAX);
            let settled = steer::settle_all(&db, asker, deed, &filter, expected, |_| ()).await?;
            json(StatusCode::OK, &settled)
        }
        (None, None) => Err(Error::invalid_at(
            "missing_field",
            "/expected_count",
            "give the `id` of one job, or a filter and the `expected_count` of jobs that match it",
        )),
        (Some(_), _) => Err(Error::invalid_at(
            "invalid_value",
            "/id",
            "`id` stands alone: it is one job, or a filter",
        )),
    }
}
