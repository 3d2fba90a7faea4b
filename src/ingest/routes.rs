//! `POST /v1/events` and `POST /v1/events/batch`. Comes in: a call. Goes out: ids, after the commit.

use http::{Method, StatusCode};
use serde::Serialize;

use super::handle::WriterHandle;
use super::model::Stored;
use super::parse;
use crate::http::{Access, Call, Response, Route, json};
use crate::kernel::Result;

#[derive(Serialize)]
struct Answer {
    id: i64,
    status: &'static str,
}

#[derive(Serialize)]
struct Answers {
    items: Vec<Answer>,
}

impl From<Stored> for Answer {
    fn from(stored: Stored) -> Self {
        Self {
            id: stored.id,
            status: if stored.existing {
                "existing"
            } else {
                "created"
            },
        }
    }
}

/// Its part of the API's description.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// This room's routes.
#[must_use]
pub fn routes(writer: &WriterHandle) -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/v1/events", Access::Producer, writer, one),
        Route::new(
            Method::POST,
            "/v1/events/batch",
            Access::Producer,
            writer,
            batch,
        ),
    ]
}

/// 201 for a new event, 200 for one that was there under its key.
async fn one(writer: WriterHandle, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let event = parse::one(call.json_text()?, &call.headers)?;
    let stored = writer.submit(event).await?;
    json(status(stored.existing), &Answer::from(stored))
}

/// All or nothing; 200 when every one of them was there already.
async fn batch(writer: WriterHandle, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let events = parse::many(call.json_text()?, &call.headers)?;
    let stored = writer.submit_all(events).await?;
    let items: Vec<Answer> = stored.iter().copied().map(Answer::from).collect();
    let all_existed = stored.iter().all(|s| s.existing);
    json(status(all_existed), &Answers { items })
}

fn status(existing: bool) -> StatusCode {
    if existing {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    }
}
