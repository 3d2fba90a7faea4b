//! `/openapi.json` and `/docs`: the API, described for machines and for people. Comes from the rooms' parts, merged at the
//! first call, and from Swagger UI, which `build.rs` took out of its crate; goes to anybody, since it says nothing that the
//! source doesn't.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderValue, Method};

use super::asset::Asset;
use super::openapi;
use super::route::{Access, Call, Response, Route};
use crate::kernel::{Error, Result};

/// The page and what starts it.
const PAGE: &str = include_str!("docs.html");
const START: &str = include_str!("docs.js");

/// Swagger UI's own files: name, media type, gzip.
const FILES: [(&str, &str, &[u8]); 4] = [
    (
        "swagger-ui-bundle.js",
        "text/javascript; charset=utf-8",
        include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui-bundle.js.gz")),
    ),
    (
        "swagger-ui.css",
        "text/css; charset=utf-8",
        include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui.css.gz")),
    ),
    (
        "LICENSE",
        "text/plain; charset=utf-8",
        include_bytes!(concat!(env!("OUT_DIR"), "/LICENSE.gz")),
    ),
    (
        "NOTICE",
        "text/plain; charset=utf-8",
        include_bytes!(concat!(env!("OUT_DIR"), "/NOTICE.gz")),
    ),
];

/// Nothing but what this server gives; no script in the page, no frame around it. Pictures are in the style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What is described. Cheap to clone.
#[derive(Clone)]
pub struct Docs(Arc<Inner>);

struct Inner {
    parts: &'static [&'static str],
    document: OnceLock<Asset>,
}

impl Docs {
    /// Of the rooms with these parts.
    #[must_use]
    pub fn new(parts: &'static [&'static str]) -> Self {
        Self(Arc::new(Inner {
            parts,
            document: OnceLock::new(),
        }))
    }

    /// Its endpoints.
    #[must_use]
    pub fn routes(&self) -> Vec<Route> {
        let public = |path, handler: fn(&Self, &Call) -> Result<Response>| {
            Route::new(
                Method::GET,
                path,
                Access::Public,
                self,
                move |docs, call| std::future::ready(handler(&docs, &call)),
            )
        };
        vec![
            public("/openapi.json", Self::document),
            public("/docs", Self::page),
            public("/docs/{file}", Self::file),
        ]
    }

    fn document(&self, call: &Call) -> Result<Response> {
        let asset = match self.0.document.get() {
            Some(asset) => asset,
            None => {
                let merged = openapi::merge(self.0.parts)?;
                let text = serde_json::to_vec(&merged)
                    .map_err(|e| Error::internal("the document can't be written", e))?;
                let asset = Asset::pack(&text, "application/json")?;
                self.0.document.get_or_init(|| asset)
            }
        };
        asset.answer(call)
    }

    fn page(&self, call: &Call) -> Result<Response> {
        let mut response =
            Asset::pack(PAGE.as_bytes(), "text/html; charset=utf-8")?.answer(call)?;
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        Ok(response)
    }

    fn file(&self, call: &Call) -> Result<Response> {
        let wanted = call.params.first().map_or("", |(_, name)| name.as_str());
        if wanted == "docs.js" {
            return Asset::pack(START.as_bytes(), "text/javascript; charset=utf-8")?.answer(call);
        }
        let (_, media, gzip) = FILES
            .iter()
            .find(|(name, ..)| *name == wanted)
            .ok_or(Error::NotFound("file"))?;
        Asset::packed(Bytes::from_static(gzip), media)?.answer(call)
    }
}
