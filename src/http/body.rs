//! A request's body: media type, UTF-8, JSON. Comes in: a [`Call`]. Goes out: its text, or a request's type, with
//! every fault named and placed. Numbers keep their digits, ids come as text, nothing is guessed.

use serde::de::DeserializeOwned;

use super::route::Call;
use crate::kernel::decode::decode;
use crate::kernel::json::{self, Depth, NESTING, line_and_column};
use crate::kernel::{Error, Result};

impl Call {
    /// The body as text, after its media type was found to be JSON.
    ///
    /// # Errors
    /// `UnsupportedMedia` for another type, another charset than UTF-8 or a compressed body; `Invalid`
    /// (`invalid_utf8`) with line and column.
    pub fn json_text(&self) -> Result<&str> {
        let media = self
            .headers
            .get(http::header::CONTENT_TYPE)
            .map(|v| v.to_str().unwrap_or_default());
        if !media.is_some_and(is_json) {
            return Err(Error::UnsupportedMedia(
                "the body must be sent as `Content-Type: application/json`, in UTF-8".to_owned(),
            ));
        }
        let encoding = self.headers.get(http::header::CONTENT_ENCODING);
        if encoding.is_some_and(|e| !e.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(Error::UnsupportedMedia(
                "bodies must be sent without `Content-Encoding`".to_owned(),
            ));
        }
        std::str::from_utf8(&self.body).map_err(|fault| {
            let good = String::from_utf8_lossy(&self.body[..fault.valid_up_to()]);
            Error::invalid_at(
                "invalid_utf8",
                line_and_column(&good, good.len()),
                "the body is not UTF-8",
            )
        })
    }

    /// The body as a `T`. Give `T` `#[serde(deny_unknown_fields)]` and an `expecting` text.
    ///
    /// # Errors
    /// As [`Call::json_text`], [`json::parse`] and [`decode`].
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        let depth = Depth {
            allowed: NESTING,
            kept: NESTING,
        };
        decode(&json::parse(self.json_text()?, depth)?, "")
    }

    /// As [`Call::parse`]; an empty body is the default.
    ///
    /// # Errors
    /// As [`Call::parse`].
    pub fn parse_optional<T: DeserializeOwned + Default>(&self) -> Result<T> {
        if self.body.is_empty() {
            return Ok(T::default());
        }
        self.parse()
    }
}

fn is_json(media: &str) -> bool {
    let mut parts = media.split(';').map(str::trim);
    let json = parts
        .next()
        .is_some_and(|t| t.eq_ignore_ascii_case("application/json"));
    json && parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            let value = value.trim().trim_matches('"');
            value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8")
        }
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::decode::{Id, Raw};

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields, expecting = "an object")]
    struct Sample {
        name: String,
        #[serde(default)]
        id: Option<Id>,
        #[serde(default)]
        more: Option<Raw>,
        #[serde(default)]
        lines: Vec<Line>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields, expecting = "an object")]
    struct Line {
        quantity: u32,
    }

    fn call(media: &str, body: &[u8]) -> Call {
        let mut headers = http::HeaderMap::new();
        if !media.is_empty() {
            headers.insert("content-type", media.parse().unwrap());
        }
        Call {
            params: Vec::new(),
            query: Vec::new(),
            headers,
            body: bytes::Bytes::copy_from_slice(body),
            principal: None,
        }
    }

    fn sample(body: &str) -> Result<Sample> {
        call("application/json", body.as_bytes()).parse()
    }

    /// The code and place of the fault.
    fn fault(body: &str) -> (&'static str, String) {
        match sample(body) {
            Err(Error::Invalid { code, place, .. }) => (code, place.unwrap_or_default()),
            other => panic!("{body} gave {other:?}"),
        }
    }

    #[test]
    fn numbers_keep_their_digits_and_ids_are_text() {
        let body = r#"{"name": "a\u00e9\ud83d\ude00", "id": 12345678901234567890123, "more": {"n": 1.10, "big": 12345678901234567890.123456789}}"#;
        let sample = sample(body).unwrap();
        assert_eq!(sample.name, "aé😀");
        assert!(sample.lines.is_empty());
        assert_eq!(sample.id.unwrap().0, "12345678901234567890123");
        assert_eq!(
            sample.more.unwrap().0,
            r#"{"n": 1.10, "big": 12345678901234567890.123456789}"#
        );
    }

    #[test]
    fn broken_syntax_is_placed_by_line_and_column() {
        for (body, place) in [
            ("", "line 1 column 1"),
            ("{\"name\": \"x\",\n  nope}", "line 2 column 3"),
            ("{\"name\": \"é\" \"b\"}", "line 1 column 14"),
            ("{\"name\": 01}", "line 1 column 12"),
            ("{\"name\": 1.}", "line 1 column 12"),
            ("{\"name\": tru}", "line 1 column 10"),
            ("{\"name\": \"a\tb\"}", "line 1 column 12"),
            ("{\"name\": \"\\x\"}", "line 1 column 11"),
            ("{\"name\": \"x\"} {}", "line 1 column 15"),
            ("{\"name\": \"x\",}", "line 1 column 14"),
            ("[1 2]", "line 1 column 4"),
            ("{\"name\": \"x", "line 1 column 12"),
            ("NaN", "line 1 column 1"),
        ] {
            assert_eq!(fault(body), ("invalid_json", place.to_owned()), "{body}");
        }
    }

    #[test]
    fn fields_are_named_with_their_pointer() {
        for (body, code, place) in [
            (r#"{"nam": "x"}"#, "unknown_field", "/nam"),
            (r#"{"a/b~": "x"}"#, "unknown_field", "/a~1b~0"),
            ("{}", "missing_field", "/name"),
            (r#"{"name": "x", "name": "y"}"#, "duplicate_field", "/name"),
            (r#"{"name": 5}"#, "invalid_type", "/name"),
            (r#"{"name": null}"#, "invalid_type", "/name"),
            (r#"{"name": "x", "id": 1.5}"#, "invalid_type", "/id"),
            (r#"{"name": "x", "id": []}"#, "invalid_type", "/id"),
            (
                r#"{"name": "x", "lines": [{"quantity": 1}, {"quantity": -1}]}"#,
                "invalid_value",
                "/lines/1/quantity",
            ),
            (
                r#"{"name": "x", "lines": [{"quantity": 1, "x": 2}]}"#,
                "unknown_field",
                "/lines/0/x",
            ),
            ("[]", "invalid_type", ""),
        ] {
            assert_eq!(fault(body), (code, place.to_owned()), "{body}");
        }
    }

    #[test]
    fn what_postgres_cannot_hold_is_refused_with_its_place() {
        for (body, code, place) in [
            (
                r#"{"name": "x", "more": {"a": ["b", "c\u0000"]}}"#,
                "nul_character",
                "/more/a/1",
            ),
            (r#"{"name": "\ud800 alone"}"#, "lone_surrogate", "/name"),
            (r#"{"name": "\udc00"}"#, "lone_surrogate", "/name"),
            (r#"{"name": "\ud800\u0041"}"#, "lone_surrogate", "/name"),
            (
                r#"{"name": "x", "more": {"n": 1e400}}"#,
                "number_out_of_range",
                "/more/n",
            ),
            (
                r#"{"name": "x", "more": {"n": -1e-400}}"#,
                "number_out_of_range",
                "/more/n",
            ),
        ] {
            assert_eq!(fault(body), (code, place.to_owned()), "{body}");
        }
        let long = format!(r#"{{"name": "x", "more": {}}}"#, "1".repeat(1001));
        assert_eq!(fault(&long), ("number_too_long", "/more".to_owned()));
        let deep = format!(
            r#"{{"name": "x", "more": {}1{}}}"#,
            "[".repeat(64),
            "]".repeat(64)
        );
        assert_eq!(fault(&deep).0, "nested_too_deep");
        let read = sample(r#"{"name": "x", "lines": [{"quantity": 3}]}"#).unwrap();
        assert_eq!(read.lines[0].quantity, 3);
        let fits = format!(
            r#"{{"name": "x", "more": {}0e0{}}}"#,
            "[".repeat(63),
            "]".repeat(63)
        );
        assert!(sample(&fits).is_ok());
    }

    #[test]
    fn only_json_in_utf_8_is_taken() {
        let body = br#"{"name": "x"}"#;
        for media in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
        ] {
            assert!(call(media, body).parse::<Sample>().is_ok(), "{media}");
        }
        for media in ["", "text/plain", "application/json; charset=latin1"] {
            let answer = call(media, body).parse::<Sample>();
            assert!(matches!(answer, Err(Error::UnsupportedMedia(_))), "{media}");
        }
        let bad = call("application/json", b"{\"name\":\n\"\xff\"}").parse::<Sample>();
        assert!(matches!(
            bad,
            Err(Error::Invalid { code: "invalid_utf8", place: Some(p), .. }) if p == "line 2 column 2"
        ));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_sent_never_panics_and_agrees_with_serde_json(body in r#"[\[\]{}:,"\\ua-f0-9eE+. tn-]{0,40}"#) {
            let depth = Depth { allowed: 64, kept: 64 };
            let ours = json::parse(&body, depth);
            let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&body);
            match ours {
                Ok(_) => proptest::prop_assert!(theirs.is_ok()),
                Err(Error::Invalid { code: "invalid_json", .. }) => proptest::prop_assert!(theirs.is_err()),
                Err(_) => {}
            }
        }
    }
}
