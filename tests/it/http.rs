//! The HTTP side over real sockets: what every answer has, what ends when, and health.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use neurolink::http::{Access, Call, Patience, Route, bind, json, no_content};
use neurolink::kernel::Error;
use serde_json::{Value, json as value};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use warp::Reply as _;

use crate::support::http::{Server, token};

fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/things/{id}",
            Access::Public,
            &(),
            |(), call: Call| async move {
                json(
                    StatusCode::OK,
                    &value!({"id": call.id("id", "thing")?, "query": call.query}),
                )
            },
        ),
        Route::new(
            Method::POST,
            "/things",
            Access::Public,
            &(),
            |(), call: Call| async move { json(StatusCode::OK, &value!({"bytes": call.body.len()})) },
        ),
        Route::new(
            Method::DELETE,
            "/things/{id}",
            Access::Admin,
            &(),
            |(), _| async { Ok(no_content()) },
        ),
        Route::new(
            Method::GET,
            "/panic",
            Access::Public,
            &(),
            |(), call: Call| async move {
                assert!(call.params.len() > 9, "the secret is hunter2");
                Ok(no_content())
            },
        ),
        Route::new(
            Method::POST,
            "/panic",
            Access::Public,
            &(),
            |(), call: Call| async move {
                assert!(call.params.len() > 9, "the secret is hunter2");
                Ok(no_content())
            },
        ),
        Route::new(Method::GET, "/broken", Access::Public, &(), |(), _| async {
            Err(Error::internal("reading", std::io::Error::other("hunter2")))
        }),
        Route::new(Method::GET, "/large", Access::Public, &(), |(), _| async {
            json(StatusCode::OK, &"x".repeat(10_000))
        }),
        Route::new(Method::GET, "/stream", Access::Public, &(), |(), _| async {
            let first = futures_util::stream::iter([Ok::<_, Infallible>(
                warp::sse::Event::default().data("x".repeat(5000)),
            )]);
            let rest = futures_util::StreamExt::chain(first, futures_util::stream::pending());
            Ok(warp::sse::reply(rest).into_response())
        }),
    ]
}

async fn impatient() -> Server {
    let patience = Patience {
        head: Duration::from_millis(200),
        body: Duration::from_millis(200),
    };
    Server::start_with(routes(), patience, CancellationToken::new()).await
}

async fn server() -> Server {
    Server::start(routes(), CancellationToken::new()).await
}

#[tokio::test]
async fn every_answer_has_its_id_and_may_be_neither_sniffed_nor_kept() {
    let server = server().await;
    for (path, status) in [
        ("/things/7?a=b+c", 200),
        ("/things/x", 404),
        ("/nothing", 404),
        ("/broken", 500),
        ("/panic", 500),
    ] {
        let answer = server
            .client
            .get(server.url(path))
            .header("x-request-id", "abc-1")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.headers()["x-request-id"], "abc-1");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let text = answer.text().await.unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        assert_eq!(text.contains("abc-1"), status == 500, "{text}");
    }
    let odd = server
        .client
        .get(server.url("/things/7"))
        .header("x-request-id", "a b")
        .send()
        .await
        .unwrap();
    assert_eq!(odd.headers()["x-request-id"].len(), 36);
    let panicked = server
        .client
        .post(server.url("/panic"))
        .send()
        .await
        .unwrap();
    assert_eq!(panicked.status(), 500);
    server.stop().await;
}

#[tokio::test]
async fn methods_are_told_apart() {
    let server = server().await;
    let ask = |method: Method, path: &str| server.client.request(method, server.url(path)).send();
    let wrong = ask(Method::PUT, "/things/7").await.unwrap();
    assert_eq!(wrong.status(), 405);
    assert_eq!(wrong.headers()["allow"], "GET, HEAD, DELETE, OPTIONS");
    let options = ask(Method::OPTIONS, "/things").await.unwrap();
    assert_eq!(
        (options.status(), &options.headers()["allow"]),
        (StatusCode::NO_CONTENT, &"POST, OPTIONS".parse().unwrap())
    );
    let head = ask(Method::HEAD, "/things/7").await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(head.text().await.unwrap(), "");
    let anonymous = ask(Method::DELETE, "/things/7").await.unwrap();
    assert_eq!(
        (anonymous.status(), &anonymous.headers()["www-authenticate"]),
        (StatusCode::UNAUTHORIZED, &"Bearer".parse().unwrap())
    );
    for (role, status) in [("producer", 403), ("admin", 204)] {
        let answer = server
            .client
            .delete(server.url("/things/7"))
            .bearer_auth(token("u", &[role]))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status);
    }
    server.stop().await;
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused_whether_announced_or_chunked() {
    let server = server().await;
    let post = || server.client.post(server.url("/things"));
    let fits = post().body(vec![b'x'; 64 * 1024]).send().await.unwrap();
    assert_eq!(
        fits.json::<Value>().await.unwrap(),
        value!({"bytes": 65536})
    );
    let announced = post().body(vec![b'x'; 3 << 20]).send().await.unwrap();
    assert_eq!(announced.status(), 413);
    let chunks =
        futures_util::stream::iter((0..100).map(|_| Ok::<_, Infallible>(vec![b'x'; 10_000])));
    let chunked = post()
        .body(reqwest::Body::wrap_stream(chunks))
        .send()
        .await
        .unwrap();
    assert_eq!(chunked.status(), 413);
    assert_eq!(chunked.json::<Value>().await.unwrap()["code"], "too_large");
    server.stop().await;
}

#[tokio::test]
async fn only_configured_origins_may_call_from_a_browser() {
    let server = server().await;
    let preflight = |origin: &'static str| {
        server
            .client
            .request(Method::OPTIONS, server.url("/things"))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .send()
    };
    let ours = preflight("https://erp.example").await.unwrap();
    assert_eq!(ours.status(), 204);
    assert_eq!(
        ours.headers()["access-control-allow-origin"],
        "https://erp.example"
    );
    assert!(
        ours.headers()["access-control-allow-headers"]
            .to_str()
            .unwrap()
            .contains("Authorization")
    );
    let other = preflight("https://evil.example").await.unwrap();
    assert!(!other.headers().contains_key("access-control-allow-origin"));
    let get = server
        .client
        .get(server.url("/things/7"))
        .header("origin", "https://erp.example")
        .send()
        .await
        .unwrap();
    assert_eq!(
        get.headers()["access-control-allow-origin"],
        "https://erp.example"
    );
    assert_eq!(get.headers()["vary"], "Origin");
    server.stop().await;
}

#[tokio::test]
async fn what_is_long_is_compressed_if_asked_for_and_a_stream_never_is() {
    let server = server().await;
    let ask = |path: &str| {
        server
            .client
            .get(server.url(path))
            .header("accept-encoding", "gzip")
            .send()
    };
    assert_eq!(
        ask("/large").await.unwrap().headers()["content-encoding"],
        "gzip"
    );
    assert!(
        !ask("/things/7")
            .await
            .unwrap()
            .headers()
            .contains_key("content-encoding")
    );
    let mut stream = ask("/stream").await.unwrap();
    assert!(!stream.headers().contains_key("content-encoding"));
    assert!(
        stream
            .chunk()
            .await
            .unwrap()
            .unwrap()
            .starts_with(b"data:xxx")
    );
    server.stop().await;
}

#[tokio::test]
async fn an_open_stream_ends_with_the_service_and_does_not_hold_it_up() {
    let server = server().await;
    let mut stream = server
        .client
        .get(server.url("/stream"))
        .send()
        .await
        .unwrap();
    assert!(stream.chunk().await.unwrap().is_some());
    let address = server.address;
    server.stop().await;
    assert_eq!(stream.chunk().await.unwrap(), None);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn work_that_has_begun_is_finished_without_its_client_and_before_the_end() {
    let (begun, go_on, done) = (
        Arc::new(Notify::new()),
        Arc::new(Notify::new()),
        CancellationToken::new(),
    );
    let state = (begun.clone(), go_on.clone(), done.clone());
    let route = Route::new(
        Method::POST,
        "/work",
        Access::Public,
        &state,
        |(begun, go_on, done), _| async move {
            begun.notify_one();
            go_on.notified().await;
            done.cancel();
            Ok(no_content())
        },
    );
    let server = Server::start(vec![route], CancellationToken::new()).await;
    let mut client = TcpStream::connect(server.address).await.unwrap();
    client
        .write_all(b"POST /work HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        .await
        .unwrap();
    begun.notified().await;
    drop(client);
    let stopping = tokio::spawn(server.stop());
    go_on.notify_one();
    stopping.await.unwrap();
    assert!(done.is_cancelled());
}

#[tokio::test]
async fn half_a_head_does_not_hold_a_connection() {
    let server = impatient().await;
    let mut client = TcpStream::connect(server.address).await.unwrap();
    client
        .write_all(b"GET /things/7 HTTP/1.1\r\nHost:")
        .await
        .unwrap();
    let mut rest = Vec::new();
    let _ = client.read_to_end(&mut rest).await;
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let server = impatient().await;
    let mut client = TcpStream::connect(server.address).await.unwrap();
    client
        .write_all(b"POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
        .await
        .unwrap();
    let mut answer = vec![0; 12];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 408");
    server.stop().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_so() {
    let first = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let error = bind(first.local_addr().unwrap()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("another program listens there already"),
        "{error}"
    );
}
