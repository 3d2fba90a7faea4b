//! Readers on SSE, as many as asked, in a process of their own: what is measured in the node's memory must not hold its
//! clients too. Comes in, line by line on standard input: `read TOKEN` (one more reader), `ready` (answered once all are
//! connected), `expect FRAMES SECONDS` (answered with what came). Frames carry in their title when they were sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};

use super::figures::quantile_ms;
use crate::kernel::{Error, Result, clock};

/// Readers that connect at once: a crowd, but not all in one moment.
const CONNECTING: usize = 64;
const TITLE: &[u8] = b"\"title\":\"";

/// What came since the last answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Came {
    /// Frames.
    pub frames: u64,
    /// Half were there after so long.
    pub p50_ms: f64,
    /// 99 of 100 were.
    pub p99_ms: f64,
    /// The last one was.
    pub last_ms: f64,
}

/// One reader.
pub(super) struct Reader {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Reader {
    /// Connects, and waits for the first frame: from then on nothing is missed.
    pub(super) async fn connect(address: SocketAddr, token: &str) -> Result<Self> {
        let broke = |error| Error::internal("a reader can't connect", error);
        let mut stream = TcpStream::connect(address).await.map_err(broke)?;
        let request = format!(
            "GET /v1/notifications/stream HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Accept: text/event-stream\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.map_err(broke)?;
        let mut reader = Self {
            stream,
            buffer: Vec::new(),
        };
        while !contains(&reader.buffer, b"event: hello") {
            reader.fill().await?;
            if contains(&reader.buffer, b"\r\n\r\n") && !reader.buffer.starts_with(b"HTTP/1.1 200")
            {
                return Err(Error::broken("a reader was refused"));
            }
        }
        reader.buffer = Vec::new();
        Ok(reader)
    }

    async fn fill(&mut self) -> Result<()> {
        let read = self
            .stream
            .read_buf(&mut self.buffer)
            .await
            .map_err(|error| Error::internal("a stream broke", error))?;
        if read == 0 {
            return Err(Error::broken("a stream ended"));
        }
        Ok(())
    }

    /// The titles of the next frames that have one that is a number.
    pub(super) async fn next(&mut self) -> Result<Vec<i64>> {
        loop {
            self.fill().await?;
            let titles = titles(&mut self.buffer);
            if !titles.is_empty() {
                return Ok(titles);
            }
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Takes numeric titles out of what was received; keeps what may be the beginning of the next.
fn titles(buffer: &mut Vec<u8>) -> Vec<i64> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = position(&buffer[at..], TITLE) {
        let digits = at + start + TITLE.len();
        let Some(end) = position(&buffer[digits..], b"\"") else {
            at += start;
            buffer.drain(..at);
            return found;
        };
        let text = std::str::from_utf8(&buffer[digits..digits + end]).unwrap_or_default();
        found.extend(text.parse::<i64>().ok());
        at = digits + end;
    }
    let kept = buffer.len().saturating_sub(TITLE.len() - 1).max(at);
    buffer.drain(..kept);
    found
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// Serves the lines of standard input until it ends. Answers go to `answer`, one line each.
///
/// # Errors
/// When a reader can't connect, a stream breaks before it is told to, or a line can't be understood.
pub async fn serve(
    address: SocketAddr,
    answer: impl Fn(&str) -> std::io::Result<()>,
) -> Result<()> {
    // As many as the system allows; a connection too many says so itself.
    let _ = super::process::raise_open_files();
    let mut lines = told();
    let wrong = |error| Error::internal("readers are told by pipe", error);
    let (heard, mut frames) = mpsc::unbounded_channel::<i64>();
    let connecting = Arc::new(Semaphore::new(CONNECTING));
    let mut joining = Vec::new();
    while let Some(line) = lines.recv().await {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["read", token] => {
                let (connecting, heard, token) =
                    (connecting.clone(), heard.clone(), token.to_owned());
                joining.push(tokio::spawn(async move {
                    let reader = {
                        let _turn = connecting.acquire().await;
                        Reader::connect(address, &token).await?
                    };
                    tokio::spawn(listen(reader, heard));
                    Ok::<_, Error>(())
                }));
            }
            ["ready"] => {
                for joined in joining.drain(..) {
                    joined
                        .await
                        .map_err(|e| Error::internal("a reader broke", e))??;
                }
                answer("ready").map_err(wrong)?;
            }
            ["expect", count, seconds] => {
                let count = count.parse().unwrap_or(0);
                let limit = Duration::from_secs(seconds.parse().unwrap_or(1));
                let came = expect(&mut frames, count, limit).await;
                let text = serde_json::to_string(&came)
                    .map_err(|e| Error::internal("an answer can't be written", e))?;
                answer(&text).map_err(wrong)?;
            }
            _ => return Err(Error::broken(format!("readers don't understand `{line}`"))),
        }
    }
    Ok(())
}

/// The lines of standard input, read by a thread that ends with it.
fn told() -> mpsc::UnboundedReceiver<String> {
    let (tell, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(std::io::Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

async fn listen(mut reader: Reader, heard: mpsc::UnboundedSender<i64>) {
    while let Ok(sent) = reader.next().await {
        let now = clock::now().as_microsecond();
        for number in sent {
            // Nobody expects anything any more.
            if heard.send(now - number).is_err() {
                return;
            }
        }
    }
}

async fn expect(frames: &mut mpsc::UnboundedReceiver<i64>, count: u64, limit: Duration) -> Came {
    let deadline = clock::timer() + limit;
    let mut took: Vec<Duration> = Vec::new();
    while (took.len() as u64) < count {
        match tokio::time::timeout_at(deadline, frames.recv()).await {
            Ok(Some(micros)) => took.push(Duration::from_micros(micros.unsigned_abs())),
            Ok(None) | Err(_) => break,
        }
    }
    Came {
        frames: took.len() as u64,
        p50_ms: quantile_ms(&mut took, 0.5),
        p99_ms: quantile_ms(&mut took, 0.99),
        last_ms: quantile_ms(&mut took, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_found_whole_however_the_bytes_are_cut() {
        let text = br#"data: {"id":1,"title":"1234","body":""} data: {"title":"56"} {"title":"no number"}"#;
        for cut in 0..text.len() {
            let mut buffer = text[..cut].to_vec();
            let mut found = titles(&mut buffer);
            buffer.extend_from_slice(&text[cut..]);
            found.extend(titles(&mut buffer));
            assert_eq!(found, [1234, 56], "cut at {cut}");
        }
    }
}
