//! A client of Server-Sent Events as the standard has it (WHATWG HTML, section 9.2), over a real connection, and a copy of
//! an inbox kept by nothing but its frames.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use serde_json::{Value, json};

use super::app::App;
use super::contract::contract;
use super::http::{SECRET, token};

/// No frame needs so long; reached only when a test is about to fail.
const PATIENCE: Duration = Duration::from_secs(30);

/// One event of the stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Its `id:`, if it has one.
    pub id: Option<String>,
    /// Its `event:`.
    pub event: String,
    /// Its `data:`.
    pub data: Value,
}

/// What comes on the wire.
#[derive(Debug, Clone, PartialEq)]
pub enum Unit {
    Frame(Frame),
    Comment(String),
    Ended,
}

/// One open stream.
pub struct Tab {
    bytes: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    buffer: Vec<u8>,
    /// What a browser would come back with.
    pub last_id: Option<String>,
    /// The last `retry:`.
    pub retry: Option<String>,
}

impl Tab {
    /// A fresh reader.
    pub async fn open(app: &App, who: &str) -> Self {
        Self::open_as(app, &token(who, &[]), None).await
    }

    /// A reader who comes back from a position.
    pub async fn resume(app: &App, who: &str, last_id: &str) -> Self {
        Self::open_as(app, &token(who, &[]), Some(last_id)).await
    }

    /// By a token of the test's own.
    pub async fn open_as(app: &App, token: &str, last_id: Option<&str>) -> Self {
        let mut request = app
            .client
            .get(format!("{}/v1/notifications/stream", app.base))
            .bearer_auth(token);
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        Self::of(request.send().await.unwrap(), last_id)
    }

    /// By a ticket, without a token.
    pub async fn open_by(app: &App, ticket: &str) -> Self {
        let url = format!("{}/v1/notifications/stream?ticket={ticket}", app.base);
        Self::of(app.client.get(url).send().await.unwrap(), None)
    }

    fn of(response: reqwest::Response, last_id: Option<&str>) -> Self {
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Self {
            bytes: Box::pin(response.bytes_stream()),
            buffer: Vec::new(),
            last_id: last_id.map(str::to_owned),
            retry: None,
        }
    }

    /// The next thing on the wire. Fails when nothing comes.
    pub async fn unit(&mut self) -> Unit {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let unit = self.parse(std::str::from_utf8(&block).unwrap());
                return unit;
            }
            let more = tokio::time::timeout(PATIENCE, self.bytes.next()).await;
            match more.expect("nothing came on the stream") {
                Some(Ok(bytes)) => self.buffer.extend_from_slice(&bytes),
                _ => {
                    assert!(self.buffer.is_empty(), "the stream broke off in a frame");
                    return Unit::Ended;
                }
            }
        }
    }

    fn parse(&mut self, block: &str) -> Unit {
        let (mut id, mut event, mut data) = (None, "message".to_owned(), None);
        for line in block.lines().filter(|line| !line.is_empty()) {
            if let Some(comment) = line.strip_prefix(':') {
                return Unit::Comment(comment.trim().to_owned());
            }
            let (field, value) = line.split_once(": ").unwrap();
            match field {
                "id" => id = Some(value.to_owned()),
                "event" => value.clone_into(&mut event),
                "data" => data = Some(serde_json::from_str(value).unwrap()),
                "retry" => self.retry = Some(value.to_owned()),
                other => panic!("an unknown field: {other}"),
            }
        }
        if id.is_some() {
            self.last_id.clone_from(&id);
        }
        let data = data.expect("a frame has data");
        let stream = &contract().document()["paths"]["/v1/notifications/stream"]["get"];
        let faults = contract().faults(&event, &stream["x-frames"][&event], &data);
        assert!(faults.is_empty(), "{event}: {faults:?}");
        Unit::Frame(Frame { id, event, data })
    }

    /// The next frame; comments are passed over.
    pub async fn frame(&mut self) -> Frame {
        loop {
            match self.unit().await {
                Unit::Frame(frame) => return frame,
                Unit::Comment(_) => {}
                Unit::Ended => panic!("the stream ended"),
            }
        }
    }

    /// The next frame, which must be of this kind; its data.
    pub async fn next(&mut self, event: &str) -> Value {
        let frame = self.frame().await;
        assert_eq!(frame.event, event, "{frame:?}");
        frame.data
    }

    /// Reads to the end.
    pub async fn ended(&mut self) {
        while self.unit().await != Unit::Ended {}
    }
}

/// An inbox as somebody knows it who only follows the stream from its beginning.
#[derive(Debug, Default)]
pub struct Mirror {
    /// Revision by id.
    pub revs: BTreeMap<i64, i64>,
    /// Everything up to here is known.
    pub rev: i64,
    /// Unread, unseen by the last counts.
    pub counts: (i64, i64),
    /// `reset` frames so far.
    pub resets: usize,
}

impl Mirror {
    /// Takes a frame in; fails when revisions go back or come twice.
    pub fn take(&mut self, frame: &Frame) {
        let rev = frame.data["rev"].as_i64().unwrap();
        let (id, stands) = (frame.data["id"].as_i64(), frame.id.as_deref().map(rev_of));
        match frame.event.as_str() {
            "hello" => {}
            "notification" | "deleted" => {
                assert!(rev > self.rev, "{frame:?} after {}", self.rev);
                assert_eq!(stands, Some(rev));
                self.rev = rev;
                if frame.event == "deleted" {
                    self.revs.remove(&id.unwrap());
                } else {
                    self.revs.insert(id.unwrap(), rev);
                }
            }
            "counts" => {
                assert!(stands >= Some(self.rev) && stands <= Some(rev), "{frame:?}");
                self.rev = stands.unwrap();
                let count = |name: &str| frame.data[name].as_i64().unwrap();
                self.counts = (count("unread"), count("unseen"));
            }
            "reset" => self.resets += 1,
            other => panic!("an unknown frame: {other}"),
        }
    }

    /// Follows a stream until everything up to `rev` is known.
    pub async fn follow(&mut self, tab: &mut Tab, rev: i64) {
        while self.rev < rev {
            let frame = tab.frame().await;
            self.take(&frame);
        }
    }
}

/// The revision in a cursor.
pub fn rev_of(cursor: &str) -> i64 {
    cursor.split_once('.').unwrap().1.parse().unwrap()
}

/// A token that ends in so many seconds.
pub fn token_for(subject: &str, seconds: i64) -> String {
    let exp = jiff::Timestamp::now().as_second() + seconds;
    let claims = json!({"sub": subject, "roles": [], "exp": exp});
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}
