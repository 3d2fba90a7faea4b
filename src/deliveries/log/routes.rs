//! `/v1/deliveries`: admins and auditors read them, admins retry and cancel. Both see those of their branches only; addresses
//! are whole for admins alone.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::db::Db;
use crate::deliveries::log::steer::{self, Asker};
use crate::deliveries::log::{Attempt, Delivery, Filter, Outcome, Status, mask, store};
use crate::http::paging::{Listing, Page};
use crate::http::{Access, Call, Principal, Response, Route, json};
use crate::kernel::decode::Id;
use crate::kernel::{ChannelKind, Error, Result};

/// What is said of these in `/openapi.json`.
pub const OPENAPI: &str = include_str!("openapi.yaml");

const ONE: &str = "/v1/deliveries/{id}";
const DELIVERY: &str = "delivery";
/// Rows looked at for a page: some ten milliseconds. The branch of each is looked up, so fewer where branches count.
pub const LOOK: i32 = 20_000;
/// The same for callers of some branches.
pub const LOOK_BY_BRANCH: i32 = 2_000;

/// The room's table, as far as it is about the log.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    use Access::{Admin, Auditor};
    vec![
        Route::new(Method::GET, "/v1/deliveries", Auditor, db, list),
        Route::new(Method::POST, "/v1/deliveries/retry", Admin, db, retry_all),
        Route::new(Method::GET, ONE, Auditor, db, get),
        Route::new(Method::POST, "/v1/deliveries/{id}/retry", Admin, db, retry),
        Route::new(
            Method::POST,
            "/v1/deliveries/{id}/cancel",
            Admin,
            db,
            cancel,
        ),
    ]
}

/// The branches a caller is kept to; `None` = all.
fn branches(caller: &Principal) -> Option<&[String]> {
    let all = caller.branch_ids.iter().any(|own| own == "*");
    (!all).then_some(caller.branch_ids.as_slice())
}

fn asker(caller: &Principal) -> Asker<'_> {
    Asker {
        actor: Some(&caller.subject),
        branches: branches(caller),
    }
}

async fn list(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[
        "limit", "cursor", "status", "channel", "user_id", "event_id", "from", "to",
    ])?;
    let page = Page::<i64>::of(&call)?;
    let filter = filter(&call)?;
    let caller = call.principal()?;
    let branches = branches(caller);
    let look = branches.map_or(LOOK, |_| LOOK_BY_BRANCH);
    let client = db.client().await?;
    let most = i32::try_from(page.fetch()).unwrap_or(i32::MAX);
    let (mut ids, mut next) =
        store::find(&client, &filter, page.after, branches, (most, look)).await?;
    if ids.len() > page.limit {
        ids.truncate(page.limit);
        next = ids.last().copied();
    }
    let deliveries = store::read(&client, &ids, branches).await?;
    let items: Vec<Delivery> = deliveries
        .into_iter()
        .map(|delivery| shown(delivery, caller))
        .collect();
    json(StatusCode::OK, &Listing::up_to(items, next.as_ref())?)
}

fn filter(call: &Call) -> Result<Filter> {
    let word = |name: &'static str, words: &[&str]| -> Result<Option<String>> {
        match call.query(name)? {
            None => Ok(None),
            Some(word) if words.contains(&word) => Ok(Some(word.to_owned())),
            Some(_) => Err(Error::invalid_at(
                "invalid_parameter",
                name,
                format!("`{name}` is one of {}", words.join(", ")),
            )),
        }
    };
    let status = word("status", &Status::ALL.map(Status::as_str))?;
    let channel = word("channel", &ChannelKind::ALL.map(ChannelKind::as_str))?;
    let event_id = call
        .query("event_id")?
        .map(|text| {
            text.parse::<i64>()
                .ok()
                .filter(|id| (1..1 << 53).contains(id))
                .ok_or_else(|| {
                    Error::invalid_at("invalid_parameter", "event_id", "`event_id` is a number")
                })
        })
        .transpose()?;
    Ok(Filter {
        status: status.as_deref().and_then(Status::parse),
        channel: channel.as_deref().and_then(ChannelKind::parse),
        user_id: call.query("user_id")?.map(str::to_owned),
        event_id,
        from: call.moment("from")?,
        to: call.moment("to")?,
    })
}

fn shown(delivery: Delivery, caller: &Principal) -> Delivery {
    if caller.is_admin {
        delivery
    } else {
        mask::delivery(delivery)
    }
}

/// A delivery with its tries.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    delivery: Delivery,
    attempt_log: Vec<Attempt>,
}

async fn get(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let id = call.id("id", DELIVERY)?;
    let caller = call.principal()?;
    let client = db.client().await?;
    let delivery = store::read(&client, &[id], branches(caller))
        .await?
        .pop()
        .ok_or(Error::NotFound(DELIVERY))?;
    let mut attempts = store::attempts(&client, id).await?;
    if !caller.is_admin {
        let own = delivery.address.as_deref();
        attempts = attempts
            .into_iter()
            .map(|attempt| mask::attempt(attempt, own))
            .collect();
    }
    let whole = Whole {
        delivery: shown(delivery, caller),
        attempt_log: attempts,
    };
    json(StatusCode::OK, &whole)
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `force`, or nothing")]
struct Retry {
    #[serde(default)]
    force: bool,
}

/// What came of one.
#[derive(Serialize)]
struct Told {
    id: i64,
    outcome: Outcome,
}

async fn retry(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let id = call.id("id", DELIVERY)?;
    let wanted: Retry = call.parse_optional()?;
    let outcome = steer::retry_one(&db, asker(call.principal()?), id, wanted.force).await?;
    json(StatusCode::OK, &Told { id, outcome })
}

async fn cancel(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let id = call.id("id", DELIVERY)?;
    let outcome = steer::cancel_one(&db, asker(call.principal()?), id).await?;
    json(StatusCode::OK, &Told { id, outcome })
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with `expected_count` and a filter"
)]
struct RetryAll {
    expected_count: u32,
    status: Option<Status>,
    channel: Option<ChannelKind>,
    user_id: Option<Id>,
    event_id: Option<i64>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

async fn retry_all(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let wanted: RetryAll = call.parse()?;
    let filter = steer::retriable(Filter {
        status: wanted.status,
        channel: wanted.channel,
        user_id: wanted.user_id.map(|id| id.0),
        event_id: wanted.event_id,
        from: wanted.from,
        to: wanted.to,
    })?;
    let expected = usize::try_from(wanted.expected_count).unwrap_or(usize::MAX);
    let asker = asker(call.principal()?);
    let retried = steer::retry_all(&db, asker, &filter, expected, |_| ()).await?;
    json(StatusCode::OK, &retried)
}
