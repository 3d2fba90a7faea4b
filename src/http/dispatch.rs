//! One request, from its head to its reply: path → route → caller → body → handler. Comes in: what warp has taken
//! apart. Goes out: a reply; every error and every panic has become a problem here.
//!
//! A client that hangs up takes hyper's future with it. So handlers that change things run as tasks of their own: what
//! they have begun they finish, and the shutdown waits for them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BufMut as _, Bytes, BytesMut};
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use http::header::{ALLOW, AUTHORIZATION, CONTENT_LENGTH, EXPECT};
use http::{HeaderMap, HeaderValue, Method};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use warp::Filter as _;
use warp::filters::BoxedFilter;

use super::auth::Authenticator;
use super::problem::Problem;
use super::route::{Call, Principal, Response, Route, TICKET, no_content};
use super::table::{Table, query_pairs};
use crate::kernel::{Error, Result};

/// Of a body that is refused, so much is still read, so long: a client that is cut off while it writes often doesn't
/// see the answer.
const DRAIN_BYTES: usize = 8 << 20;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// The request's id, accepted or made by `edge.rs`.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

/// The route's path, on the reply, for the access log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern(pub(crate) &'static str);

/// What dispatching needs.
pub(crate) struct Dispatch {
    pub(crate) table: Table,
    pub(crate) auth: Authenticator,
    pub(crate) max_body: usize,
    pub(crate) body_timeout: Duration,
    pub(crate) tracker: TaskTracker,
}

/// A request that isn't answered by a handler.
enum Refusal {
    Error(Error),
    Problem(Problem),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

struct Head {
    method: Method,
    query: String,
    headers: HeaderMap,
}

/// The one filter that warp serves.
pub(crate) fn filter(dispatch: Arc<Dispatch>) -> BoxedFilter<(Response,)> {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<RequestId>())
        .and(warp::body::stream())
        .then(
            move |method, path: warp::path::FullPath, query, headers, id: RequestId, body| {
                let dispatch = dispatch.clone();
                let head = Head {
                    method,
                    query,
                    headers,
                };
                async move {
                    let answer = dispatch.answer(path.as_str(), head, &id.0, body);
                    match AssertUnwindSafe(answer).catch_unwind().await {
                        Ok(response) => response,
                        Err(panic) => {
                            tracing::error!(
                                request.id = &*id.0,
                                panic = words_of(&*panic),
                                "a handler panicked"
                            );
                            Problem::internal().reply(&id.0)
                        }
                    }
                }
            },
        )
        .boxed()
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without words")
}

impl Dispatch {
    async fn answer<S, B>(&self, path: &str, head: Head, id: &str, body: S) -> Response
    where
        S: Stream<Item = std::result::Result<B, warp::Error>> + Send,
        B: Buf + Send,
    {
        let Some(found) = self.table.find(path) else {
            drain(&head.headers, body).await;
            return Problem::no_such_path().reply(id);
        };
        let pattern = Pattern(found.pattern());
        let mut response = if head.method == Method::OPTIONS {
            let allowed: Vec<String> = found.allowed().iter().map(Method::to_string).collect();
            let mut response = no_content();
            if let Ok(value) = HeaderValue::from_str(&allowed.join(", ")) {
                response.headers_mut().insert(ALLOW, value);
            }
            response
        } else {
            let allowed = found.allowed();
            let answer = match found.route(&head.method) {
                Some((route, params)) => self.call(route, params, head, body).await,
                None => Err(Problem::method_not_allowed(&allowed).into()),
            };
            match answer {
                Ok(response) => response,
                Err(Refusal::Problem(problem)) => problem.reply(id),
                Err(Refusal::Error(error)) => Problem::of(&error, id).reply(id),
            }
        };
        response.extensions_mut().insert(pattern);
        response
    }

    async fn call<S, B>(
        &self,
        route: Route,
        params: Vec<(&'static str, String)>,
        head: Head,
        body: S,
    ) -> Result<Response, Refusal>
    where
        S: Stream<Item = std::result::Result<B, warp::Error>> + Send,
        B: Buf + Send,
    {
        let mut body = Box::pin(body);
        let checked = async {
            let query = query_pairs(&head.query)
                .ok_or_else(|| Error::invalid("invalid_parameter", "the query is not UTF-8"))?;
            let principal = self.caller(&route, &head.headers, &query).await?;
            Ok::<_, Error>((query, principal))
        };
        let (query, principal) = match checked.await {
            Ok(checked) => checked,
            Err(error) => {
                drain(&head.headers, body).await;
                return Err(error.into());
            }
        };
        let limit = self.max_body.max(route.max_body.unwrap_or_default());
        let reading = read(limit, &head.headers, &mut body);
        let body = match timeout(self.body_timeout, reading).await {
            Ok(Ok(read)) => read,
            Ok(Err(error)) => {
                drain(&head.headers, body).await;
                return Err(error.into());
            }
            Err(_) => return Err(Problem::body_timeout().into()),
        };
        let call = Call {
            params,
            query,
            headers: head.headers,
            body,
            principal,
        };
        let work = (route.handler)(call);
        if head.method.is_safe() {
            return Ok(work.await?);
        }
        match self.tracker.spawn(work).await {
            Ok(done) => Ok(done?),
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Error::unavailable("shutting down").into()),
            },
        }
    }

    /// Who calls: by their token, or where the route takes tickets and no token is there, by the ticket.
    async fn caller(
        &self,
        route: &Route,
        headers: &HeaderMap,
        query: &[(String, String)],
    ) -> Result<Option<Principal>> {
        let redeem = match &route.ticket {
            Some(redeem) if !headers.contains_key(AUTHORIZATION) => redeem,
            _ => return self.auth.admit(headers, route.access),
        };
        let given: Vec<&str> = query
            .iter()
            .filter(|(name, _)| name == TICKET)
            .map(|(_, value)| value.as_str())
            .collect();
        match given.as_slice() {
            [] => self.auth.admit(headers, route.access),
            [ticket] => Ok(Some(redeem((*ticket).to_owned()).await?)),
            _ => Err(Error::invalid_at(
                "invalid_parameter",
                TICKET,
                format!("`{TICKET}` is given twice"),
            )),
        }
    }
}

/// The whole body, within the limit, however it is framed.
async fn read<S, B>(limit: usize, headers: &HeaderMap, body: &mut S) -> Result<Bytes>
where
    S: Stream<Item = std::result::Result<B, warp::Error>> + Send + Unpin,
    B: Buf + Send,
{
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|n| n > limit as u64) {
        return Err(Error::TooLarge { limit });
    }
    let mut whole = Bytes::new();
    let mut gathered = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let mut chunk = chunk.map_err(|fault| {
            tracing::debug!(error = %fault, "a body broke off");
            Error::invalid("body_incomplete", "the body broke off")
        })?;
        let size = chunk.remaining();
        if whole.len() + gathered.len() + size > limit {
            return Err(Error::TooLarge { limit });
        }
        // Most bodies are one chunk, which is kept as it came.
        if whole.is_empty() && gathered.is_empty() {
            whole = chunk.copy_to_bytes(size);
        } else {
            gathered.extend_from_slice(&std::mem::take(&mut whole));
            gathered.put(chunk);
        }
    }
    Ok(if gathered.is_empty() {
        whole
    } else {
        gathered.freeze()
    })
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Reads and forgets a refused body. One that waits for `100 Continue` was never sent.
async fn drain<S, B>(headers: &HeaderMap, body: S)
where
    S: Stream<Item = std::result::Result<B, warp::Error>> + Send,
    B: Buf + Send,
{
    if headers.contains_key(EXPECT) {
        return;
    }
    let mut body = Box::pin(body);
    let mut left = DRAIN_BYTES;
    let all = async {
        while let Some(Ok(chunk)) = body.next().await {
            left = left.saturating_sub(chunk.remaining());
            if left == 0 {
                break;
            }
        }
    };
    // Out of time: the connection is closed on a body that is still coming, which hyper does by itself.
    let _ = timeout(DRAIN_TIMEOUT, all).await;
}
