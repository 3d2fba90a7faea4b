//! Files that the binary carries, compressed: Swagger UI and the OpenAPI document. Kept as gzip and sent so; who doesn't take
//! that gets it unpacked. An `ETag` saves the second journey.

use std::io::{Read as _, Write as _};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};

use super::route::{Call, Response};
use crate::kernel::{Error, Result};

/// One file.
#[derive(Debug, Clone)]
pub(crate) struct Asset {
    gzip: Bytes,
    media: HeaderValue,
    tag: HeaderValue,
}

impl Asset {
    /// A file that was compressed before.
    ///
    /// # Errors
    /// Never in practice: a hash is a header.
    pub(crate) fn packed(gzip: Bytes, media: &'static str) -> Result<Self> {
        let hash = Sha256::digest(&gzip);
        let hex: String = hash.iter().take(8).map(|b| format!("{b:02x}")).collect();
        // Weak: the same tag whether it goes out packed or not.
        let tag = HeaderValue::from_str(&format!("W/\"{hex}\""))
            .map_err(|e| Error::internal("an entity tag is no header", e))?;
        Ok(Self {
            gzip,
            media: HeaderValue::from_static(media),
            tag,
        })
    }

    /// A file that is compressed here.
    ///
    /// # Errors
    /// When it can't be compressed.
    pub(crate) fn pack(plain: &[u8], media: &'static str) -> Result<Self> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let packed = encoder.write_all(plain).and_then(|()| encoder.finish());
        let packed = packed.map_err(|e| Error::internal("a file can't be compressed", e))?;
        Self::packed(packed.into(), media)
    }

    /// The reply to a call: 200, or 304 to who has it already.
    ///
    /// # Errors
    /// When it can't be unpacked.
    pub(crate) fn answer(&self, call: &Call) -> Result<Response> {
        let mut response = Response::default();
        if self.is_known(&call.headers) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else if takes_gzip(&call.headers) {
            response = Response::new(self.gzip.clone().into());
            let headers = response.headers_mut();
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        } else {
            let mut plain = Vec::new();
            GzDecoder::new(&*self.gzip)
                .read_to_end(&mut plain)
                .map_err(|e| Error::internal("a file can't be unpacked", e))?;
            response = Response::new(plain.into());
        }
        let has_body = response.status() == StatusCode::OK;
        let headers = response.headers_mut();
        if has_body {
            headers.insert(CONTENT_TYPE, self.media.clone());
        }
        headers.insert(ETAG, self.tag.clone());
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        // Kept, and asked for again each time: a new version of the binary is seen at once.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        Ok(response)
    }

    fn is_known(&self, headers: &HeaderMap) -> bool {
        let own = self.tag.as_bytes();
        let same = |tag: &str| {
            let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
            tag.trim() == "*" || bare(tag) == bare(&String::from_utf8_lossy(own))
        };
        headers
            .get_all(IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split(',').any(same))
    }
}

/// Whether the caller says that gzip is welcome. Who says nothing may be a shell that prints what comes.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let names_gzip = |word: &str| {
        let (name, weight) = word.split_once(';').unwrap_or((word, "q=1"));
        let refused = weight
            .trim()
            .strip_prefix("q=")
            .and_then(|q| q.parse::<f32>().ok())
            .is_some_and(|q| q <= 0.0);
        matches!(name.trim(), "gzip" | "*") && !refused
    };
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(names_gzip))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    fn call(headers: &[(&'static str, &str)]) -> Call {
        Call {
            params: Vec::new(),
            query: Vec::new(),
            headers: headers
                .iter()
                .map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap()))
                .collect(),
            body: Bytes::new(),
            principal: None,
        }
    }

    async fn answer(asset: &Asset, headers: &[(&'static str, &str)]) -> (u16, HeaderMap, Bytes) {
        let (head, body) = asset.answer(&call(headers)).unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status.as_u16(), head.headers, body)
    }

    #[tokio::test]
    async fn it_goes_out_packed_to_who_takes_that_and_unpacked_to_others() {
        let asset = Asset::pack(b"hello, hello, hello", "text/plain").unwrap();
        for (says, packed) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, gzip;q=0.5", true),
            ("*", true),
            ("gzip;q=0", false),
            ("identity", false),
        ] {
            let (status, headers, body) = answer(&asset, &[("accept-encoding", says)]).await;
            assert_eq!(status, 200);
            assert_eq!(headers.contains_key("content-encoding"), packed, "{says}");
            assert_eq!(&body[..] == b"hello, hello, hello", !packed, "{says}");
        }
    }

    #[tokio::test]
    async fn who_has_it_is_told_so() {
        let asset = Asset::pack(b"hello", "text/plain").unwrap();
        let (_, headers, _) = answer(&asset, &[]).await;
        let tag = headers["etag"].to_str().unwrap().to_owned();
        let strong = tag.trim_start_matches("W/").to_owned();
        for known in [&*tag, &*strong, "*", &format!("\"other\", {tag}")] {
            let (status, headers, body) = answer(&asset, &[("if-none-match", known)]).await;
            assert_eq!((status, body.len()), (304, 0), "{known}");
            assert_eq!(headers["etag"], *tag);
        }
        assert_eq!(
            answer(&asset, &[("if-none-match", "\"other\"")]).await.0,
            200
        );
    }
}
