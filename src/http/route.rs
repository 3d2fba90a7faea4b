//! What a room gives to be served: a small table of [`Route`]s, each with who may call it and a handler from a [`Call`]
//! to a reply or an error. Dispatch by table instead of a chain of warp filters: chains of `or` cost minutes of compile
//! time and let one route's rejection hide another's.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};

use crate::kernel::words::is_text_id;
use crate::kernel::{Error, Result};

/// A reply on its way out.
pub type Response = warp::reply::Response;

/// The query parameter of routes that take tickets.
pub const TICKET: &str = "ticket";

/// Who is calling, from a verified token. A ticket keeps it as JSON until it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The token's subject: a user's id.
    pub subject: String,
    /// May do everything.
    pub is_admin: bool,
    /// May put events in.
    pub is_producer: bool,
    /// May read everything.
    pub is_auditor: bool,
    /// Branches of the token; `*` = all.
    pub branch_ids: Vec<String>,
    /// When the token expires; streams end then.
    pub expires_at: Option<jiff::Timestamp>,
}

impl Principal {
    /// Whether this person may see things of `branch` (`None` = of no branch, seen by all).
    #[must_use]
    pub fn sees_branch(&self, branch: Option<&str>) -> bool {
        branch.is_none_or(|b| self.branch_ids.iter().any(|own| own == "*" || own == b))
    }
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody; a token is looked at when there is one.
    Public,
    /// Anybody with a token.
    Anyone,
    /// Producers and admins.
    Producer,
    /// Auditors and admins.
    Auditor,
    /// Admins.
    Admin,
}

/// A request that has been matched, authenticated and read.
#[derive(Debug, Clone)]
pub struct Call {
    /// The variables of the path, in order: `{id}` of `/v1/notifications/{id}`.
    pub params: Vec<(&'static str, String)>,
    /// The query's pairs, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body, within the size limit.
    pub body: Bytes,
    /// Who calls; present on every route but public ones.
    pub principal: Option<Principal>,
}

/// A handler: a call in, a reply or an error out.
pub type Handler = Arc<dyn Fn(Call) -> BoxFuture<'static, Result<Response>> + Send + Sync>;

/// Gives the caller whom a ticket was made for, once.
pub type Redeem = Arc<dyn Fn(String) -> BoxFuture<'static, Result<Principal>> + Send + Sync>;

/// One line of a room's table.
#[derive(Clone)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// `/v1/notifications/{id}/read`; a segment in braces is a variable.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it does.
    pub handler: Handler,
    /// Bytes that a body may have where that is more than the setting's.
    pub max_body: Option<usize>,
    /// Who calls without an `Authorization` header, but with a [`TICKET`].
    pub ticket: Option<Redeem>,
}

impl Route {
    /// A route whose handler shares `state`.
    pub fn new<S, F, Fut>(
        method: Method,
        path: &'static str,
        access: Access,
        state: &S,
        handler: F,
    ) -> Self
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(S, Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response>> + Send + 'static,
    {
        let state = state.clone();
        Self {
            method,
            path,
            access,
            handler: Arc::new(move |call| Box::pin(handler(state.clone(), call))),
            max_body: None,
            ticket: None,
        }
    }

    /// Takes bodies of so many bytes, whatever the setting, unless that is more.
    #[must_use]
    pub fn with_max_body(mut self, bytes: usize) -> Self {
        self.max_body = Some(bytes);
        self
    }

    /// Takes a ticket in the query in the place of a token. For routes of [`Access::Anyone`]: roles aren't looked at again.
    #[must_use]
    pub fn with_ticket<S, F, Fut>(mut self, state: &S, redeem: F) -> Self
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(S, String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Principal>> + Send + 'static,
    {
        let state = state.clone();
        let redeem: Redeem = Arc::new(move |ticket| Box::pin(redeem(state.clone(), ticket)));
        self.ticket = Some(redeem);
        self
    }
}

impl Call {
    /// The caller.
    ///
    /// # Errors
    /// `Unauthenticated` on a public route called without a token.
    pub fn principal(&self) -> Result<&Principal> {
        self.principal
            .as_ref()
            .ok_or_else(|| Error::Unauthenticated {
                code: "token_missing",
                detail: "a bearer token is needed".to_owned(),
            })
    }

    /// A path variable as an id. What can't be an id doesn't exist.
    ///
    /// # Errors
    /// `NotFound` of `what`.
    pub fn id(&self, name: &str, what: &'static str) -> Result<i64> {
        let text = self
            .params
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v.as_str())
            .unwrap_or_default();
        match text.parse::<i64>() {
            Ok(id) if id > 0 && text.bytes().all(|b| b.is_ascii_digit()) => Ok(id),
            _ => Err(Error::NotFound(what)),
        }
    }

    /// A path variable as an id of text: 1 to 128 characters. What can't be an id doesn't exist.
    ///
    /// # Errors
    /// `NotFound` of `what`.
    pub fn text_id(&self, name: &str, what: &'static str) -> Result<&str> {
        self.params
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v.as_str())
            .filter(|id| is_text_id(id))
            .ok_or(Error::NotFound(what))
    }

    /// The value of a query parameter; given twice is an error.
    ///
    /// # Errors
    /// `Invalid` when it is given twice.
    pub fn query(&self, name: &str) -> Result<Option<&str>> {
        let mut values = self.query.iter().filter(|(n, _)| n == name);
        let first = values.next().map(|(_, v)| v.as_str());
        if values.next().is_some() {
            return Err(Error::invalid_at(
                "invalid_parameter",
                name,
                format!("`{name}` is given twice"),
            ));
        }
        Ok(first)
    }

    /// A query parameter that is `true` or `false`.
    ///
    /// # Errors
    /// `Invalid` for anything else.
    pub fn flag(&self, name: &str) -> Result<Option<bool>> {
        match self.query(name)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Error::invalid_at(
                "invalid_parameter",
                name,
                format!("`{name}` is true or false"),
            )),
        }
    }

    /// A query parameter that is a moment: RFC 3339, like `2026-12-15T08:00:00Z`.
    ///
    /// # Errors
    /// `Invalid` for anything else.
    pub fn moment(&self, name: &str) -> Result<Option<jiff::Timestamp>> {
        // The year 1: PostgreSQL begins at 4713 BC, and nobody means less.
        const EARLIEST: i64 = -62_135_596_800;
        self.query(name)?
            .map(|text| {
                text.parse::<jiff::Timestamp>()
                    .ok()
                    .filter(|moment| moment.as_second() >= EARLIEST)
                    .ok_or_else(|| {
                        Error::invalid_at(
                            "invalid_parameter",
                            name,
                            format!("`{name}` is a time of RFC 3339, like `2026-12-15T08:00:00Z`"),
                        )
                    })
            })
            .transpose()
    }

    /// Refuses query parameters that the endpoint doesn't know, by name.
    ///
    /// # Errors
    /// `Invalid` naming the first unknown one.
    pub fn only_query(&self, known: &[&str]) -> Result<()> {
        match self
            .query
            .iter()
            .find(|(n, _)| !known.contains(&n.as_str()))
        {
            Some((name, _)) => Err(Error::invalid_at(
                "unknown_parameter",
                name.clone(),
                format!(
                    "`{name}` is not a parameter of this endpoint; it takes {}",
                    known.join(", ")
                ),
            )),
            None => Ok(()),
        }
    }
}

/// A JSON reply.
///
/// # Errors
/// `Internal` when the value can't be written as JSON.
pub fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Result<Response> {
    let body = serde_json::to_vec(value)
        .map_err(|e| Error::internal("a reply can't be written as JSON", e))?;
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    Ok(response)
}

/// 204.
#[must_use]
pub fn no_content() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
