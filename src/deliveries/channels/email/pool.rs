//! Connections to the mail server that wait for the next mail. From a finished conversation in `smtp`, back to the
//! next one, or to their end: a connection is handed out to one conversation at a time, and whoever drops it closes it.
//! No NOOP before reuse: it would cost every mail a round trip, and `smtp` starts over on a fresh connection anyway
//! when the server has hung up on a waiting one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use lettre::transport::smtp::client::AsyncSmtpConnection;

use crate::kernel::clock;

/// A connection that nobody used for so long is closed: below what servers and firewalls allow.
const MAX_IDLE: Duration = Duration::from_secs(30);
/// Servers limit the mails of one connection, often to 100.
const MAX_MAILS: u32 = 100;
/// How long a server may take over QUIT before it is cut off.
const QUIT_WAIT: Duration = Duration::from_secs(5);

/// A connection past EHLO, STARTTLS and AUTH.
pub(super) struct Connection {
    /// The conversation.
    pub(super) smtp: AsyncSmtpConnection,
    /// The last mail was refused halfway: RSET before the next.
    pub(super) needs_reset: bool,
    mails: u32,
}

impl Connection {
    pub(super) fn new(smtp: AsyncSmtpConnection) -> Self {
        Self {
            smtp,
            needs_reset: false,
            mails: 0,
        }
    }
}

/// The waiting connections.
pub(super) struct Pool {
    state: Mutex<State>,
    limit: usize,
    max_idle: Duration,
}

#[derive(Default)]
struct State {
    /// Longest waiting first.
    idle: Vec<(Instant, Connection)>,
    /// A task is there to close what waits too long.
    swept: bool,
}

impl Pool {
    /// Keeps at most `limit` connections.
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Self::with_max_idle(limit, MAX_IDLE)
    }

    fn with_max_idle(limit: usize, max_idle: Duration) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::default()),
            limit,
            max_idle,
        })
    }

    /// The connection used last, if it hasn't waited too long.
    pub(super) fn take(&self) -> Option<Connection> {
        let (since, connection) = self.state().idle.pop()?;
        if since.elapsed() < self.max_idle {
            return Some(connection);
        }
        // The others have waited even longer; the sweep closes them.
        retire(connection);
        None
    }

    /// Keeps a connection for the next mail. Call it inside of the runtime.
    pub(super) fn put(self: &Arc<Self>, mut connection: Connection) {
        connection.mails += 1;
        let mut state = self.state();
        if connection.mails >= MAX_MAILS || state.idle.len() >= self.limit {
            drop(state);
            retire(connection);
            return;
        }
        state.idle.push((clock::instant(), connection));
        if !std::mem::replace(&mut state.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self), self.max_idle));
        }
    }

    /// Closes what waits too long; false when nothing is left to watch.
    fn close_idle(&self) -> bool {
        let mut state = self.state();
        let waited_too_long = state
            .idle
            .iter()
            .take_while(|(since, _)| since.elapsed() >= self.max_idle)
            .count();
        let old: Vec<_> = state.idle.drain(..waited_too_long).collect();
        state.swept = !state.idle.is_empty();
        let more = state.swept;
        drop(state);
        old.into_iter()
            .for_each(|(_, connection)| retire(connection));
        more
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs only while connections wait, so that an idle node has no timer of ours.
async fn sweep(pool: Weak<Pool>, max_idle: Duration) {
    loop {
        tokio::time::sleep(max_idle).await;
        match pool.upgrade() {
            Some(pool) if pool.close_idle() => {}
            _ => return,
        }
    }
}

/// Says goodbye in the background: no mail waits for it.
fn retire(mut connection: Connection) {
    tokio::spawn(async move {
        // The connection ends here, whatever the server says to it.
        let _ = tokio::time::timeout(QUIT_WAIT, connection.smtp.quit()).await;
    });
}

#[cfg(test)]
mod tests {
    use lettre::transport::smtp::extension::ClientId;
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::task::JoinHandle;

    use super::*;

    /// A connection with the least of servers, and the last line that server gets.
    async fn connection() -> (Connection, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            stream.write_all(b"220 here\r\n").await.unwrap();
            let mut last = String::new();
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return last;
                }
                last = line;
                // The client may be gone already.
                let _ = stream.write_all(b"250 fine\r\n").await;
            }
        });
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let hello = ClientId::default();
        let smtp = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello)
            .await
            .unwrap();
        (Connection::new(smtp), server)
    }

    #[tokio::test]
    async fn a_connection_that_waits_too_long_says_goodbye_by_itself() {
        let pool = Pool::with_max_idle(2, Duration::from_millis(1));
        let (waiting, server) = connection().await;
        pool.put(waiting);
        assert_eq!(server.await.unwrap(), "QUIT\r\n");
        assert!(pool.take().is_none());
        let state = pool.state();
        assert!(state.idle.is_empty() && !state.swept);
    }

    #[tokio::test]
    async fn no_more_connections_wait_than_allowed_and_the_last_used_goes_first() {
        let pool = Pool::new(1);
        let (mut first, _first_server) = connection().await;
        first.needs_reset = true;
        let (second, second_server) = connection().await;
        pool.put(first);
        pool.put(second);
        assert_eq!(second_server.await.unwrap(), "QUIT\r\n");
        assert!(pool.take().is_some_and(|kept| kept.needs_reset));
        assert!(pool.take().is_none());
    }
}
