//! `GET /metrics`: for auditors and admins, or for everybody where `NEUROLINK_METRICS_PUBLIC` says so.

use http::{HeaderValue, Method, header};

use crate::http::{Access, Call, Response, Route};
use crate::kernel::Result;
use crate::ops::prometheus::{NodeFacts, Prometheus};

/// The description of the endpoint.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// The text format's own media type.
const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The room's table, as far as it is about this.
#[must_use]
pub fn routes(prometheus: &Prometheus, facts: &NodeFacts, is_public: bool) -> Vec<Route> {
    let access = if is_public {
        Access::Public
    } else {
        Access::Auditor
    };
    let state = (prometheus.clone(), facts.clone());
    vec![Route::new(Method::GET, "/metrics", access, &state, answer)]
}

async fn answer((prometheus, facts): (Prometheus, NodeFacts), call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let text = prometheus.render(&facts()).await;
    let mut response = Response::new(text.into());
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    Ok(response)
}
