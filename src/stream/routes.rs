//! `GET /v1/notifications/stream` (SSE) and `GET /v1/notifications/changes` (long poll). The room's table has its tickets too.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use tokio::time::Instant;
use warp::Reply as _;

use crate::db::Db;
use crate::http::{Access, Call, Principal, Response, Route, TICKET, json};
use crate::kernel::{Error, Result, clock};
use crate::notifications::Cursor;
use crate::notifications::model::{Changed, InboxState, Notification};
use crate::stream::feed::{CaughtUp, Feed};
use crate::stream::frames::{self, Start};
use crate::stream::hub::{Hub, PAGE, Subscription};
use crate::stream::ticket::routes as tickets;

/// Somebody this many pages behind reloads faster than they catch up.
const PAGES: usize = 4;
/// A long poll waits no longer, whatever is asked: proxies cut silent requests after a minute.
const LONGEST_WAIT: u64 = 60;

/// What the handlers share.
#[derive(Clone)]
pub struct Streams {
    /// The database.
    pub db: Db,
    /// Who is connected.
    pub hub: Arc<Hub>,
    /// Between two heartbeats.
    pub heartbeat: Duration,
}

/// Its part of the API's description.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// The room's table.
#[must_use]
pub fn routes(streams: &Streams) -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/v1/notifications/stream",
            Access::Anyone,
            streams,
            stream,
        )
        .with_ticket(&streams.db, tickets::redeem),
        Route::new(
            Method::GET,
            "/v1/notifications/changes",
            Access::Anyone,
            streams,
            changes,
        ),
        Route::new(
            Method::POST,
            "/v1/stream/ticket",
            Access::Anyone,
            &streams.db,
            tickets::make,
        ),
    ]
}

async fn stream(streams: Streams, call: Call) -> Result<Response> {
    call.only_query(&["last_event_id", TICKET])?;
    // The header is what a browser sends by itself when it comes back; the parameter, what it can set the first time.
    let from_header =
        match call.headers.get("last-event-id") {
            Some(value) => Some(value.to_str().map_err(|_| {
                Error::invalid_at("invalid_cursor", "Last-Event-ID", "not a cursor")
            })?),
            None => None,
        };
    let given = match from_header {
        Some(text) if !text.is_empty() => Some((text, "Last-Event-ID")),
        _ => call
            .query("last_event_id")?
            .map(|text| (text, "last_event_id")),
    };
    let cursor = match given {
        Some((text, place)) if !text.is_empty() => Some(Cursor::parse(text, place)?),
        _ => None,
    };
    let principal = call.principal()?;
    let user = principal.subject.as_str();
    let subscription = streams.hub.subscribe(user);
    let start = catch_up(&streams, user, cursor.as_ref()).await?;
    streams.hub.joined(user, &start.epoch, start.seen);
    let feed = Feed::new(start, subscription, streams.heartbeat, expiry(principal));
    let mut response = warp::reply::stream(feed).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx buffers otherwise, and frames arrive in lumps.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// When the caller's token expires: nothing is told after it.
fn expiry(principal: &Principal) -> Option<Instant> {
    principal.expires_at.map(|at| {
        let left = at.duration_since(clock::now());
        clock::timer() + Duration::try_from(left).unwrap_or_default()
    })
}

/// What a reader who comes from `cursor` is sent first, and how far they have then seen.
async fn catch_up(streams: &Streams, user: &str, cursor: Option<&Cursor>) -> Result<CaughtUp> {
    let state = read(streams, user, cursor.map_or(i64::MAX, |cursor| cursor.rev)).await?;
    let Some(cursor) = cursor else {
        return Ok(CaughtUp {
            head: frames::hello(&state, Start::Fresh),
            seen: state.rev,
            epoch: state.epoch,
        });
    };
    if cursor.resumes(&state.epoch, state.rev, state.floor_rev) {
        return replay(streams, user, cursor.rev, state).await;
    }
    let mut text = frames::hello(&state, Start::Reset).to_vec();
    let reason = "the position is not of this inbox's present history";
    text.extend_from_slice(&frames::reset(&state.epoch, state.rev, reason).frame);
    Ok(CaughtUp {
        head: text.into(),
        seen: state.rev,
        epoch: state.epoch,
    })
}

/// Everything since a revision, page by page; a reload for somebody too far behind, and for somebody whose history
/// changed between two pages.
async fn replay(
    streams: &Streams,
    user: &str,
    since: i64,
    mut state: InboxState,
) -> Result<CaughtUp> {
    let mut text = frames::hello(&state, Start::Resumed).to_vec();
    let mut place = Cursor {
        epoch: Some(state.epoch.clone()),
        rev: since,
    };
    let mut pages = 0;
    let reason = loop {
        if !place.resumes(&state.epoch, state.rev, state.floor_rev) {
            break "the position is not of this inbox's present history any more";
        }
        let complete = is_complete(&state);
        if pages == PAGES && !state.changes.is_empty() {
            break "too far behind";
        }
        let burst = frames::burst(&state, complete);
        text.extend_from_slice(&burst.after(place.rev));
        place.rev = burst.rev;
        if complete {
            return Ok(CaughtUp {
                head: text.into(),
                seen: place.rev,
                epoch: state.epoch,
            });
        }
        pages += 1;
        state = read(streams, user, place.rev).await?;
    };
    text.extend_from_slice(&frames::reset(&state.epoch, state.rev, reason).frame);
    Ok(CaughtUp {
        head: text.into(),
        seen: state.rev,
        epoch: state.epoch,
    })
}

fn is_complete(state: &InboxState) -> bool {
    i64::try_from(state.changes.len()).unwrap_or(i64::MAX) < PAGE
}

async fn read(streams: &Streams, user: &str, since: i64) -> Result<InboxState> {
    let states = InboxState::since(&streams.db, &[(user, since)], PAGE).await?;
    states
        .into_iter()
        .next()
        .ok_or_else(|| Error::broken("an inbox's state was not answered"))
}

#[derive(Serialize)]
struct Changes<'a> {
    items: Vec<&'a Notification>,
    deleted: Vec<i64>,
    /// `since` of the next call.
    cursor: String,
    rev: i64,
    unread: i32,
    unseen: i32,
    /// There is more at once.
    more: bool,
    /// The position can't be continued from: reload the list, then go on from `cursor`.
    reset: bool,
}

async fn changes(streams: Streams, call: Call) -> Result<Response> {
    call.only_query(&["since", "wait"])?;
    let since = call.query("since")?.ok_or_else(|| {
        Error::invalid_at(
            "missing_parameter",
            "since",
            "`since` is needed: the cursor of the last answer, or 0",
        )
    })?;
    let cursor = Cursor::parse(since, "since")?;
    let wait = match call.query("wait")? {
        None => 0,
        Some(text) => text
            .parse::<u64>()
            .ok()
            .filter(|wait| *wait <= LONGEST_WAIT && text.bytes().all(|b| b.is_ascii_digit()))
            .ok_or_else(|| {
                Error::invalid_at(
                    "invalid_parameter",
                    "wait",
                    format!("`wait` is a number of seconds up to {LONGEST_WAIT}"),
                )
            })?,
    };
    let principal = call.principal()?;
    let user = principal.subject.as_str();
    let deadline = clock::timer() + Duration::from_secs(wait);
    let deadline = expiry(principal).map_or(deadline, |expiry| expiry.min(deadline));
    // Who doesn't wait needs no place at the hub.
    let mut subscription = (wait > 0).then(|| streams.hub.subscribe(user));
    loop {
        let state = read(&streams, user, cursor.rev).await?;
        let resumes = cursor.resumes(&state.epoch, state.rev, state.floor_rev);
        let waits = match &mut subscription {
            Some(subscription) if resumes && state.changes.is_empty() => {
                streams.hub.joined(user, &state.epoch, state.rev);
                changed_before(deadline, subscription).await
            }
            _ => false,
        };
        if !waits {
            return answer(&state, resumes, &cursor);
        }
    }
}

/// Waits until the hub hands something out. False: the deadline came first.
async fn changed_before(deadline: Instant, subscription: &mut Subscription) -> bool {
    matches!(
        tokio::time::timeout_at(deadline, subscription.receiver.recv()).await,
        Ok(Some(_))
    )
}

fn answer(state: &InboxState, resumes: bool, cursor: &Cursor) -> Result<Response> {
    let more = resumes && !is_complete(state);
    let changes: &[Changed] = if resumes { &state.changes } else { &[] };
    let last = if more {
        changes.last().map_or(cursor.rev, Changed::rev)
    } else {
        state.rev
    };
    json(
        StatusCode::OK,
        &Changes {
            items: changes
                .iter()
                .filter_map(|c| match c {
                    Changed::Is(n) => Some(&**n),
                    Changed::Gone { .. } => None,
                })
                .collect(),
            deleted: changes
                .iter()
                .filter_map(|c| match c {
                    Changed::Gone { id, .. } => Some(*id),
                    Changed::Is(_) => None,
                })
                .collect(),
            cursor: Cursor {
                epoch: Some(state.epoch.clone()),
                rev: last,
            }
            .to_string(),
            rev: state.rev,
            unread: state.unread,
            unseen: state.unseen,
            more,
            reset: !resumes,
        },
    )
}
