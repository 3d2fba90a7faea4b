//! `POST /v1/rules/preview` and `/v1/rules/backtest`, for admins and auditors: they change nothing. A backtest answers line by line while
//! it works, and stops when nobody listens any more.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use warp::Reply as _;

use super::request::{BacktestBody, PreviewBody};
use super::{Backtest, Far, Plan, Progress, Trials};
use crate::db::Db;
use crate::http::problem::Problem;
use crate::http::{Access, Call, Response, Route, json};
use crate::kernel::{Error, Result, random};

/// What `/openapi.json` says of it.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// Between two lines of progress.
const TOLD_EVERY: Duration = Duration::from_millis(500);
/// Somebody who doesn't take the last line in this time doesn't want it.
const LAST_WORD: Duration = Duration::from_secs(30);

/// What the routes need.
#[derive(Clone)]
pub struct Desk {
    db: Db,
    trials: Arc<dyn Trials>,
    /// One backtest at a time on a node.
    place: Arc<Semaphore>,
    closing: CancellationToken,
}

impl Desk {
    /// For a node; `closing` ends a backtest under way.
    #[must_use]
    pub fn new(db: Db, trials: Arc<dyn Trials>, closing: CancellationToken) -> Self {
        Self {
            db,
            trials,
            place: Arc::new(Semaphore::new(1)),
            closing,
        }
    }
}

/// The room's table, as far as it is about this.
#[must_use]
pub fn routes(desk: &Desk) -> Vec<Route> {
    vec![
        Route::new(
            Method::POST,
            "/v1/rules/preview",
            Access::Auditor,
            desk,
            preview,
        ),
        Route::new(
            Method::POST,
            "/v1/rules/backtest",
            Access::Auditor,
            desk,
            backtest,
        ),
    ]
}

async fn preview(desk: Desk, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let caller = call.principal()?;
    let body: PreviewBody = call.parse()?;
    let client = desk.db.client().await?;
    let sees = |branch: Option<&str>| caller.sees_branch(branch);
    let question = body.read(&client, caller.is_admin, sees).await?;
    // Others may need the connection while the rule is tried.
    drop(client);
    let preview = desk.trials.preview(question).await?;
    json(StatusCode::OK, &preview)
}

/// One line of the answer.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    Progress(Progress),
    Result(&'a Backtest),
    Problem(Trouble<'a>),
}

/// What went wrong after the answer had begun.
#[derive(Serialize)]
struct Trouble<'a> {
    status: u16,
    code: &'a str,
    detail: &'a str,
    place: Option<&'a str>,
    request_id: &'a str,
}

async fn backtest(desk: Desk, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let caller = call.principal()?;
    let body: BacktestBody = call.parse()?;
    let branches =
        (!caller.branch_ids.iter().any(|own| own == "*")).then(|| caller.branch_ids.clone());
    let plan = body.read(&desk.db.client().await?, branches).await?;
    if desk.closing.is_cancelled() {
        return Err(Error::unavailable("shutting down"));
    }
    let busy = |_| {
        Error::Conflict {
        code: "backtest_running",
        detail: "a backtest runs on this node already: wait for its end, or end it by closing its connection".to_owned(),
        place: None,
    }
    };
    let place = desk.place.clone().try_acquire_owned().map_err(busy)?;
    // What can't be compiled is said before the answer begins.
    let row = plan.rule.clone();
    let compiled = tokio::task::spawn_blocking(move || row.compiles()).await;
    compiled
        .map_err(|e| Error::internal("checking a rule broke", e))?
        .map_err(|fault| Error::invalid_at("rule_fault", fault.place, fault.detail))?;
    let (lines, body) = mpsc::channel::<Bytes>(4);
    tokio::spawn(work(desk.clone(), plan, place, lines));
    let stream = futures_util::stream::unfold(body, |mut body| async move {
        let line = body.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(line), body))
    });
    // Who compresses a body asks once more behind its end.
    let stream = stream.fuse();
    let mut response = warp::reply::stream(stream).into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-ndjson"),
    );
    // nginx buffers otherwise, and progress arrives with the result.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// Works until there is a result, nobody listens any more, or the node stops.
async fn work(desk: Desk, plan: Plan, place: OwnedSemaphorePermit, lines: mpsc::Sender<Bytes>) {
    let far = Far::default();
    let mut working = desk.trials.backtest(plan, &far);
    let mut ticks = tokio::time::interval(TOLD_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let done = loop {
        tokio::select! {
            done = &mut working => break done,
            () = lines.closed() => {
                tracing::debug!(looked = far.now().looked, "a backtest was ended by who asked for it");
                return;
            }
            () = desk.closing.cancelled() => break Err(Error::unavailable("shutting down")),
            // Who doesn't read gets fewer lines; the work goes on.
            _ = ticks.tick() => drop(line(&Line::Progress(far.now())).map(|line| lines.try_send(line))),
        }
    };
    drop(working);
    drop(place);
    let last = match &done {
        Ok(result) => line(&Line::Result(result)),
        Err(error) => line_of(error),
    };
    if let Some(last) = last {
        let _ = lines.send_timeout(last, LAST_WORD).await;
    }
}

fn line_of(error: &Error) -> Option<Bytes> {
    let request_id = random::uuid().to_string();
    let problem = Problem::of(error, &request_id);
    line(&Line::Problem(Trouble {
        status: problem.status.as_u16(),
        code: problem.code,
        detail: &problem.detail,
        place: problem.place.as_deref(),
        request_id: &request_id,
    }))
}

fn line(line: &Line<'_>) -> Option<Bytes> {
    let mut text = serde_json::to_vec(line)
        .map_err(|error| tracing::error!(%error, "a backtest's line can't be written as JSON"))
        .ok()?;
    text.push(b'\n');
    Some(text.into())
}
