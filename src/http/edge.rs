//! Around every request: its id, CORS, the headers every answer carries, the access log, and the end of streams at
//! shutdown. Comes in: hyper's request. Goes out: the reply of what stands behind, dressed.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Buf;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, ORIGIN, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tower::Service;

use super::dispatch::{Pattern, RequestId};
use super::meters::HttpMeters;
use crate::kernel::{clock, random};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Slower answers are worth a line in the log of a quiet day.
const SLOW: Duration = Duration::from_secs(2);

/// What surrounds the service.
pub(crate) struct Edge {
    origins: Vec<HeaderValue>,
    stop: CancellationToken,
    meters: HttpMeters,
}

impl Edge {
    pub(crate) fn new(origins: &[String], stop: CancellationToken, meters: HttpMeters) -> Self {
        let origins = origins
            .iter()
            .filter_map(|o| HeaderValue::from_str(o.trim_end_matches('/')).ok())
            .collect();
        Self {
            origins,
            stop,
            meters,
        }
    }

    /// The origin to allow, if this request has one that may call.
    fn allowed_origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        self.origins
            .iter()
            .any(|o| o == "*" || o == origin)
            .then(|| origin.clone())
    }

    /// Answers one request through `inner`.
    pub(crate) async fn answer<S, B, R>(
        self: Arc<Self>,
        mut inner: S,
        mut request: Request<R>,
    ) -> Result<Response<Outgoing<B>>, Infallible>
    where
        S: Service<Request<R>, Response = Response<B>, Error = Infallible>,
        B: Body,
    {
        let started = clock::instant();
        let id = request_id(request.headers());
        let method = request.method().clone();
        let origin = self.allowed_origin(request.headers());
        let preflight = method == Method::OPTIONS
            && request
                .headers()
                .contains_key(ACCESS_CONTROL_REQUEST_METHOD);

        let mut response = match &origin {
            Some(_) if preflight => preflight_reply(),
            _ => {
                request.extensions_mut().insert(RequestId(id.clone()));
                let Ok(response) = inner.call(request).await;
                let streams = is_stream(response.headers());
                let stop = streams.then(|| Box::pin(self.stop.clone().cancelled_owned()));
                response.map(|body| Outgoing {
                    body: Some(Box::pin(body)),
                    stop,
                })
            }
        };
        self.dress(&mut response, &id, origin);
        let (route, took) = (pattern(&response), started.elapsed());
        self.meters
            .answered(route, &method, response.status(), took);
        log(&method, route, response.status(), &id, took);
        Ok(response)
    }

    fn dress<B>(&self, response: &mut Response<B>, id: &str, origin: Option<HeaderValue>) {
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // Answers are somebody's own. What may be kept (the UI's files) says so itself.
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
        if let Ok(value) = HeaderValue::from_str(id) {
            headers.insert(X_REQUEST_ID, value);
        }
        if !self.origins.is_empty() {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(origin) = origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(
                    "X-Request-Id, Retry-After, ETag, Location, WWW-Authenticate",
                ),
            );
        }
    }
}

/// The caller's id if it is a harmless one (it goes to our logs), else a new one.
fn request_id(headers: &HeaderMap) -> Arc<str> {
    let given = headers.get(X_REQUEST_ID).and_then(|v| v.to_str().ok());
    match given {
        Some(id)
            if (1..=128).contains(&id.len())
                && id
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b)) =>
        {
            id.into()
        }
        _ => random::uuid().to_string().into(),
    }
}

fn preflight_reply<B>() -> Response<Outgoing<B>> {
    let mut response = Response::new(Outgoing {
        body: None,
        stop: None,
    });
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE"),
    );
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, X-Request-Id",
        ),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

fn is_stream(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|t| t.as_bytes().starts_with(b"text/event-stream"))
}

/// The route that answered; empty for a path that has none, and for preflights.
fn pattern<B>(response: &Response<B>) -> &'static str {
    response.extensions().get::<Pattern>().map_or("", |p| p.0)
}

/// One line a request. Paths hold ids and queries may hold tokens, so only the route's pattern is written.
fn log(method: &Method, route: &str, status: StatusCode, id: &str, took: Duration) {
    let is_bad = status.is_server_error();
    let status = status.as_u16();
    let duration_ms = took.as_micros() as f64 / 1000.0;
    let method = method.as_str();
    if is_bad || took > SLOW {
        tracing::info!(
            request.id = id,
            http.method = method,
            http.route = route,
            http.status = status,
            duration_ms,
            "a request was answered"
        );
    } else {
        tracing::debug!(
            request.id = id,
            http.method = method,
            http.route = route,
            http.status = status,
            duration_ms,
            "a request was answered"
        );
    }
}

/// A reply's body; a stream of server-sent events ends when the service stops, since nothing else would end it.
pub(crate) struct Outgoing<B> {
    body: Option<Pin<Box<B>>>,
    stop: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl<B> Body for Outgoing<B>
where
    B: Body,
    B::Data: Buf,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        if let Some(stop) = &mut self.stop
            && stop.as_mut().poll(cx).is_ready()
        {
            self.body = None;
            self.stop = None;
        }
        match &mut self.body {
            Some(body) => body.as_mut().poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(|b| b.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), |b| b.size_hint())
    }
}
