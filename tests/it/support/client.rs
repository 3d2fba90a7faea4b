//! The tests' HTTP client: reqwest, and every answer of a documented route is held against the API's description before the
//! test sees it.

use http::{HeaderName, HeaderValue, Method};
use reqwest::{Body, RequestBuilder, Response};
use serde::Serialize;

use super::contract::{Answer, contract};

/// A client of a server whose routes are (strictly: all) the product's.
#[derive(Clone)]
pub struct Client {
    inner: reqwest::Client,
    strict: bool,
}

/// A request that is being made.
pub struct Request {
    client: Client,
    inner: RequestBuilder,
}

impl Client {
    /// Of a whole node: what isn't documented must not be answered.
    pub fn strict() -> Self {
        Self::new(true)
    }

    /// Of a server that has routes of a test's own beside.
    pub fn lenient() -> Self {
        Self::new(false)
    }

    fn new(strict: bool) -> Self {
        let inner = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { inner, strict }
    }

    pub fn request(&self, method: Method, url: impl AsRef<str>) -> Request {
        Request {
            client: self.clone(),
            inner: self.inner.request(method, url.as_ref()),
        }
    }

    pub fn get(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::GET, url)
    }

    pub fn post(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::POST, url)
    }

    pub fn delete(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::DELETE, url)
    }
}

impl Request {
    fn with(self, change: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Self {
        Self {
            inner: change(self.inner),
            client: self.client,
        }
    }

    pub fn bearer_auth(self, token: impl std::fmt::Display) -> Self {
        self.with(|r| r.bearer_auth(token))
    }

    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        HeaderName: TryFrom<N>,
        <HeaderName as TryFrom<N>>::Error: Into<http::Error>,
        HeaderValue: TryFrom<V>,
        <HeaderValue as TryFrom<V>>::Error: Into<http::Error>,
    {
        self.with(|r| r.header(name, value))
    }

    pub fn json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        self.with(|r| r.json(body))
    }

    pub fn body(self, body: impl Into<Body>) -> Self {
        self.with(|r| r.body(body))
    }

    /// The answer. One that ends has been read and held against the contract; a stream's head has.
    pub async fn send(self) -> reqwest::Result<Response> {
        let request = self.inner.build()?;
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = self.client.inner.execute(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let streams = headers
            .get("content-type")
            .is_some_and(|media| media.as_bytes().starts_with(b"text/event-stream"));
        let mut answer = Answer {
            method: &method,
            path: &path,
            status: status.as_u16(),
            headers: &headers,
            body: None,
        };
        let strange = !self.client.strict && contract().template(&path).is_none();
        if streams || strange {
            contract().hold(&answer, self.client.strict);
            return Ok(response);
        }
        let body = response.bytes().await?;
        if !headers.contains_key("content-encoding") {
            answer.body = Some(&body);
        }
        contract().hold(&answer, self.client.strict);
        let mut again = http::Response::new(body);
        *again.status_mut() = status;
        *again.headers_mut() = headers;
        Ok(again.into())
    }
}
