//! `GET /v1/notifications/stream` (SSE) and `GET /v1/notifications/changes` (long poll).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use warp::Reply as _;

use crate::db::Db;
use crate::http::{Access, Call, Response, Route, json};
use crate::kernel::{Error, Result, clock};
use crate::notifications::Cursor;
use crate::notifications::model::{Changed, InboxState, Notification};
use crate::stream::feed::Feed;
use crate::stream::frames;
use crate::stream::hub::{Hub, PAGE, Subscription};

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
        ),
        Route::new(
            Method::GET,
            "/v1/notifications/changes",
            Access::Anyone,
            streams,
            changes,
        ),
    ]
}

async fn stream(streams: Streams, call: Call) -> Result<Response> {
    call.only_query(&["last_event_id"])?;
    // The header is what a browser sends by itself when it comes back; the parameter, what it can set the first time.
    let from_header = call.headers.get("last-event-id").map(|value| {
        let text = value
            .to_str()
            .map_err(|_| Error::invalid_at("invalid_cursor", "Last-Event-ID", "not a cursor"))?;
        Cursor::parse(text, "Last-Event-ID")
    });
    let cursor = match (from_header, call.query("last_event_id")?) {
        (Some(cursor), _) => Some(cursor?),
        (None, Some(text)) if !text.is_empty() => Some(Cursor::parse(text, "last_event_id")?),
        _ => None,
    };
    let principal = call.principal()?;
    let user = principal.subject.as_str();
    let subscription = streams.hub.subscribe(user);
    let (head, seen) = catch_up(&streams, user, cursor.as_ref()).await?;
    let until = principal.expires_at.map(|at| {
        let left = at.duration_since(clock::now());
        tokio::time::Instant::now() + Duration::try_from(left).unwrap_or_default()
    });
    let feed = Feed::new(head, seen, subscription, streams.heartbeat, until);
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

/// What a reader who comes from `cursor` is sent first, and how far they have then seen.
async fn catch_up(streams: &Streams, user: &str, cursor: Option<&Cursor>) -> Result<(Bytes, i64)> {
    let state = read(streams, user, cursor.map_or(i64::MAX, |cursor| cursor.rev)).await?;
    let epoch = state.epoch.clone();
    let resumes =
        cursor.is_some_and(|cursor| cursor.resumes(&state.epoch, state.rev, state.floor_rev));
    let mut text = frames::hello(&state, resumes).to_vec();
    let seen = match cursor {
        None => state.rev,
        Some(cursor) if resumes => replay(streams, user, cursor.rev, state, &mut text).await?,
        Some(_) => {
            let reason = "the position is not of this inbox's present history";
            text.extend_from_slice(&frames::reset(&state.epoch, state.rev, reason));
            state.rev
        }
    };
    streams.hub.joined(user, &epoch, seen);
    Ok((text.into(), seen))
}

/// Everything since a revision, page by page; a reload for somebody too far behind.
async fn replay(
    streams: &Streams,
    user: &str,
    since: i64,
    mut state: InboxState,
    text: &mut Vec<u8>,
) -> Result<i64> {
    let mut seen = since;
    for _ in 0..PAGES {
        let complete = i64::try_from(state.changes.len()).unwrap_or(i64::MAX) < PAGE;
        let burst = frames::burst(&state, complete);
        text.extend_from_slice(&burst.after(seen));
        seen = burst.rev;
        if complete {
            return Ok(seen);
        }
        state = read(streams, user, seen).await?;
    }
    text.extend_from_slice(&frames::reset(&state.epoch, state.rev, "too far behind"));
    Ok(state.rev)
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
            .filter(|wait| *wait <= LONGEST_WAIT)
            .ok_or_else(|| {
                Error::invalid_at(
                    "invalid_parameter",
                    "wait",
                    format!("`wait` is a number of seconds up to {LONGEST_WAIT}"),
                )
            })?,
    };
    let user = call.principal()?.subject.as_str();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(wait);
    let mut subscription = streams.hub.subscribe(user);
    loop {
        let state = read(&streams, user, cursor.rev).await?;
        streams.hub.joined(user, &state.epoch, state.rev);
        let resumes = cursor.resumes(&state.epoch, state.rev, state.floor_rev);
        if !resumes
            || !state.changes.is_empty()
            || !changed_before(deadline, &mut subscription).await
        {
            return answer(&state, resumes, &cursor);
        }
    }
}

/// Waits until the hub hands something out. False: the deadline came first.
async fn changed_before(deadline: tokio::time::Instant, subscription: &mut Subscription) -> bool {
    if tokio::time::Instant::now() >= deadline {
        return false;
    }
    matches!(
        tokio::time::timeout_at(deadline, subscription.receiver.recv()).await,
        Ok(Some(_))
    )
}

fn answer(state: &InboxState, resumes: bool, cursor: &Cursor) -> Result<Response> {
    let more = resumes && i64::try_from(state.changes.len()).unwrap_or(i64::MAX) >= PAGE;
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
