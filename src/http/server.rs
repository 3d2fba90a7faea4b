//! The accept loop. Comes in: a listening socket and everybody's routes. Goes out: answered connections, until told to
//! stop. `warp::serve` isn't enough: it lets half a header hold a connection for ever, leaves Nagle's algorithm on, and
//! waits for open streams at shutdown without end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceBuilder;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate as _, SizeAbove};

use super::auth::Authenticator;
use super::dispatch::{Dispatch, filter};
use super::edge::Edge;
use super::meters::HttpMeters;
use super::route::Route;
use super::table::Table;
use crate::config;
use crate::kernel::backoff::Backoff;
use crate::kernel::meters::Meters;
use crate::kernel::{Error, Result, random};

/// The most a connection buffers, and so the longest head. Small, since thousands of streams stand idle.
const BUFFER: usize = 16 * 1024;
/// A peer that vanished without a word is given up when what we wrote stays unacknowledged for so long.
const PEER_TIMEOUT: Duration = Duration::from_secs(60);
/// Connections that may wait to be accepted: many clients come back at once after a restart.
const BACKLOG: u32 = 4096;

/// How long a client may take to say what it wants.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a request's head; also how long an idle connection is kept.
    pub head: Duration,
    /// For a request's whole body.
    pub body: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(60),
            body: Duration::from_secs(30),
        }
    }
}

/// Listens on `address`.
///
/// # Errors
/// `Internal` with a sentence for the operator: the port is taken, or may not be used.
pub async fn bind(address: SocketAddr) -> Result<TcpListener> {
    let open = || {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program listens there already; stop it or set NEUROLINK_LISTEN"
            }
            std::io::ErrorKind::PermissionDenied => {
                "this user may not use that port; take one above 1023 or set NEUROLINK_LISTEN"
            }
            std::io::ErrorKind::AddrNotAvailable => {
                "this machine has no such address; set NEUROLINK_LISTEN"
            }
            _ => "the system refuses",
        };
        Error::internal(format!("can't listen on {address}: {why}"), error)
    })
}

/// Serves `routes` until `shutdown`, then lets what is open finish within the settings' time, streams excepted: those
/// end at once.
///
/// # Errors
/// `Internal` when the routes contradict each other. Faults of single connections are no errors of the server.
pub async fn serve(
    listener: TcpListener,
    routes: Vec<Route>,
    auth: Authenticator,
    settings: &config::Http,
    patience: Patience,
    shutdown: CancellationToken,
) -> Result<()> {
    let unmetered = Meters::default();
    serve_metered(
        listener, routes, auth, settings, patience, &unmetered, shutdown,
    )
    .await
}

/// As [`serve`], counting what is answered.
///
/// # Errors
/// As [`serve`].
pub async fn serve_metered(
    listener: TcpListener,
    routes: Vec<Route>,
    auth: Authenticator,
    settings: &config::Http,
    patience: Patience,
    meters: &Meters,
    shutdown: CancellationToken,
) -> Result<()> {
    let tracker = TaskTracker::new();
    let dispatch = Arc::new(Dispatch {
        table: Table::new(routes)?,
        auth,
        max_body: settings.max_body_bytes,
        body_timeout: patience.body,
        tracker: tracker.clone(),
    });
    let worth_it = SizeAbove::new(1024)
        .and(NotForContentType::SSE)
        // Its lines are wanted as they come, too.
        .and(NotForContentType::const_new("application/x-ndjson"))
        .and(NotForContentType::IMAGES);
    let stack = ServiceBuilder::new()
        .layer(CompressionLayer::new().compress_when(worth_it))
        .service(warp::service(filter(dispatch)));
    let edge = Arc::new(Edge::new(
        &settings.cors_origins,
        shutdown.clone(),
        HttpMeters::new(meters.clone()),
    ));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(BUFFER);
    let overdue = CancellationToken::new();

    let mut failures = 0;
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, mostly. Those who are here go on; who comes waits in the backlog.
                failures += 1;
                if failures == 1 {
                    tracing::error!(%error, "a connection couldn't be accepted; trying on");
                }
                let wait = Backoff::RECONNECT.after(failures, random::unit());
                tokio::select! {
                    () = shutdown.cancelled() => break,
                    () = tokio::time::sleep(wait) => continue,
                }
            }
        };
        failures = 0;
        tune(&stream);

        let (stack, edge) = (stack.clone(), edge.clone());
        let service = service_fn(move |request| edge.clone().answer(stack.clone(), request));
        let mut connection = Box::pin(builder.serve_connection(TokioIo::new(stream), service));
        let (stop, overdue) = (shutdown.clone(), overdue.clone());
        tracker.spawn(async move {
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    tokio::select! {
                        ended = connection => ended,
                        () = overdue.cancelled() => Ok(()),
                    }
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended badly");
            }
        });
    }

    // Nobody is told to come in any more while the rest finishes.
    drop(listener);
    tracker.close();
    if tokio::time::timeout(settings.shutdown_timeout, tracker.wait())
        .await
        .is_err()
    {
        tracing::warn!(
            open = tracker.len(),
            "some requests were cut off at shutdown"
        );
        overdue.cancel();
    }
    Ok(())
}

/// Small answers go out at once; a peer that vanished is noticed. A socket that refuses works without.
fn tune(stream: &TcpStream) {
    let socket = socket2::SockRef::from(stream);
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_keepalive(true);
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(PEER_TIMEOUT));
}
