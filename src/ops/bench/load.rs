//! A small load generator: keep-alive connections that each send a request, read the answer, and send the next. The same one
//! for us and for everybody we are compared with, on a thread of its own. From an address and a body to a rate and quantiles.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::figures::quantile_ms;
use crate::kernel::{Error, Result, clock};

/// Before anything counts: connections are made, caches filled.
const WARM_UP: Duration = Duration::from_millis(500);
/// Where a number that no other request has goes in a body.
const NUMBER: &str = "@n@";
/// The longest answer we read.
const ANSWER: usize = 1 << 20;

/// What is sent, and where.
#[derive(Debug, Clone)]
pub struct Target {
    /// Who listens.
    pub address: SocketAddr,
    /// Path and query.
    pub path: String,
    /// Headers beside `Host`, `Content-Type` and `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// The body; `@n@` becomes another number in every request.
    pub body: String,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Loaded {
    /// Answers per second of status 200 to 299.
    pub per_second: f64,
    /// Half of them took at most so long.
    pub p50_ms: f64,
    /// 99 of 100 took at most so long.
    pub p99_ms: f64,
    /// Answers of status 200 to 299.
    pub answered: u64,
    /// Answers of any other status.
    pub refused: u64,
    /// The first of those, as it was read.
    pub first_refusal: Option<String>,
}

#[derive(Default)]
struct Tally {
    took: Vec<Duration>,
    refused: u64,
    first_refusal: Option<String>,
}

/// Sends for `length` over so many connections.
///
/// # Errors
/// When a connection can't be made or breaks, or an answer can't be understood.
pub async fn run(target: Target, connections: u32, length: Duration) -> Result<Loaded> {
    // Its own thread and runtime: what is measured keeps its own.
    let thread = tokio::task::spawn_blocking(move || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::internal("the load generator's thread can't be started", e))?
            .block_on(all(target, connections, length))
    });
    thread
        .await
        .map_err(|e| Error::internal("the load generator broke", e))?
}

async fn all(target: Target, connections: u32, length: Duration) -> Result<Loaded> {
    let target = Arc::new(target);
    let numbers = Arc::new(AtomicU64::new(0));
    let from = clock::instant() + WARM_UP;
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            let (target, numbers) = (target.clone(), numbers.clone());
            tokio::spawn(async move { one(&target, &numbers, from, from + length).await })
        })
        .collect();
    let mut whole = Tally::default();
    for task in tasks {
        let tally = task
            .await
            .map_err(|e| Error::internal("a connection of the load generator broke", e))??;
        whole.took.extend(tally.took);
        whole.refused += tally.refused;
        whole.first_refusal = whole.first_refusal.or(tally.first_refusal);
    }
    let answered = whole.took.len() as u64;
    Ok(Loaded {
        per_second: answered as f64 / length.as_secs_f64(),
        p50_ms: quantile_ms(&mut whole.took, 0.5),
        p99_ms: quantile_ms(&mut whole.took, 0.99),
        answered,
        refused: whole.refused,
        first_refusal: whole.first_refusal,
    })
}

async fn one(target: &Target, numbers: &AtomicU64, from: Instant, until: Instant) -> Result<Tally> {
    let broke = |error| Error::internal(format!("the connection to {}", target.address), error);
    let mut stream = TcpStream::connect(target.address).await.map_err(broke)?;
    stream.set_nodelay(true).map_err(broke)?;
    let mut head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n",
        target.path, target.address
    );
    for (name, value) in &target.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut tally = Tally::default();
    let mut answer = Vec::with_capacity(4096);
    loop {
        let began = clock::instant();
        if began >= until {
            return Ok(tally);
        }
        let number = numbers.fetch_add(1, Ordering::Relaxed).to_string();
        let body = target.body.replace(NUMBER, &number);
        let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await.map_err(broke)?;
        let status = read(&mut stream, &mut answer).await?;
        let ended = clock::instant();
        // Only what began and ended inside the window counts.
        if began >= from && ended <= until {
            if (200..300).contains(&status) {
                tally.took.push(ended - began);
            } else {
                tally.refused += 1;
                tally
                    .first_refusal
                    .get_or_insert_with(|| String::from_utf8_lossy(&answer).into_owned());
            }
        }
    }
}

/// Reads one answer, whole, and gives its status.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<u16> {
    buffer.clear();
    loop {
        let read = stream
            .read_buf(buffer)
            .await
            .map_err(|error| Error::internal("an answer can't be read", error))?;
        if read == 0 || buffer.len() > ANSWER {
            return Err(Error::broken("an answer ended early, or didn't end"));
        }
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let (status, length) = head(&buffer[..end])?;
        if buffer.len() >= end + 4 + length {
            return Ok(status);
        }
    }
}

/// Status and length of the body, of an answer's head.
fn head(bytes: &[u8]) -> Result<(u16, usize)> {
    let strange = || Error::broken("an answer isn't HTTP/1.1 with a content-length");
    let text = std::str::from_utf8(bytes).map_err(|_| strange())?;
    let mut lines = text.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|word| word.parse().ok())
        .ok_or_else(strange)?;
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok());
    match (status, length) {
        (_, Some(length)) => Ok((status, length)),
        (204, None) => Ok((status, 0)),
        _ => Err(strange()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answers_head_gives_status_and_length() {
        let text = b"HTTP/1.1 201 Created\r\nContent-Type: a\r\ncontent-length: 12";
        assert_eq!(head(text).unwrap(), (201, 12));
        assert_eq!(head(b"HTTP/1.1 204 No Content").unwrap(), (204, 0));
        assert!(head(b"HTTP/1.1 200 OK").is_err());
        assert!(head(b"nonsense").is_err());
    }

    #[tokio::test]
    async fn answers_in_pieces_are_read_whole_and_refusals_are_counted() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut request = vec![0; 4096];
            let mut turn = 0;
            while stream.read(&mut request).await.unwrap() > 0 {
                let status = if turn % 2 == 0 {
                    "201 Created"
                } else {
                    "503 No"
                };
                turn += 1;
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: 4\r\n");
                for piece in [head.as_bytes(), b"\r\nbo", b"dy"] {
                    if stream.write_all(piece).await.is_err() {
                        return;
                    }
                }
            }
        });
        let target = Target {
            address,
            path: "/".to_owned(),
            headers: Vec::new(),
            body: "{\"n\": @n@}".to_owned(),
        };
        let loaded = run(target, 1, Duration::from_millis(100)).await.unwrap();
        assert!(loaded.answered > 0 && loaded.refused > 0, "{loaded:?}");
        assert!(loaded.p50_ms <= loaded.p99_ms);
    }
}
