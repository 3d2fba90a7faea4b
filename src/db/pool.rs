//! The pool and the dedicated connections. A pool drops notifications and may recycle a session, so listeners and
//! holders of advisory locks use [`Db::session`].

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio_postgres::AsyncMessage;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::db::errors::{from_pg, from_pool};
use crate::db::tls;
use crate::kernel::{Error, Result};

/// A pooled connection with a statement cache (`prepare_cached`).
pub type Client = deadpool_postgres::Object;

/// Access to one database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
    direct: Arc<tokio_postgres::Config>,
    tls: MakeRustlsConnect,
    setup: Arc<str>,
}

/// A dedicated connection: its client half, and what the server tells it unasked. Dropping the client ends it.
pub struct Session {
    /// For statements.
    pub client: tokio_postgres::Client,
    /// Notifications; ends when the connection is lost.
    pub notifications: tokio::sync::mpsc::UnboundedReceiver<tokio_postgres::Notification>,
}

impl Db {
    /// Opens a pool of at most `pool_size` connections; `direct` is for sessions (the same as `pooled` unless a pooler
    /// stands between). Connects lazily: a database that is away is an error of the first call, not of this one.
    ///
    /// # Errors
    /// When the pool can't be built.
    pub fn open(
        pooled: tokio_postgres::Config,
        mut direct: tokio_postgres::Config,
        pool_size: usize,
        statement_timeout: Duration,
    ) -> Result<Self> {
        // A half-dead session may hold the sleepers' lock: both ends must notice within seconds. And a pool full of
        // connections to a host that vanished would be waited for until the system gives up, a quarter of an hour.
        let mut pooled = pooled;
        for config in [&mut pooled, &mut direct] {
            config
                .keepalives(true)
                .keepalives_idle(Duration::from_secs(5))
                .keepalives_interval(Duration::from_secs(2))
                .keepalives_retries(3)
                .tcp_user_timeout(Duration::from_secs(10))
                .connect_timeout(Duration::from_secs(5));
        }
        // A server process whose client died notices while it waits for a lock, not after: what it has claimed comes free.
        // (Other systems than Linux refuse the setting.)
        // jit costs more than any of our statements; parallel plans start processes.
        let setup: Arc<str> = format!(
            "set statement_timeout = {}; set jit = off; set max_parallel_workers_per_gather = 0; set timezone = 'UTC'; \
             set idle_in_transaction_session_timeout = 60000; set application_name = 'neurolink'; \
             select set_config('client_connection_check_interval', '2s', false) where version() ilike '%linux%'",
            statement_timeout.as_millis()
        )
        .into();
        let tls = tls::of(&direct);
        let of_pool = tls::of(&pooled);
        let manager = Manager::from_config(
            pooled,
            of_pool,
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let on_create = setup.clone();
        let pool = Pool::builder(manager)
            .max_size(pool_size)
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .wait_timeout(Some(Duration::from_secs(5)))
            .post_create(Hook::async_fn(move |client, _| {
                let setup = on_create.clone();
                Box::pin(async move {
                    client
                        .batch_execute(&setup)
                        .await
                        .map_err(HookError::Backend)
                })
            }))
            .build()
            .map_err(|e| Error::internal("the connection pool can't be built", e))?;
        Ok(Self {
            pool,
            direct: Arc::new(direct),
            tls,
            setup,
        })
    }

    /// A pooled connection.
    ///
    /// # Errors
    /// `Unavailable` when the database is away or no connection comes free in 5 s.
    pub async fn client(&self) -> Result<Client> {
        self.pool.get().await.map_err(from_pool)
    }

    /// A dedicated connection, direct even beside a pooler.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn session(&self) -> Result<Session> {
        let (client, mut connection) = self
            .direct
            .connect(self.tls.clone())
            .await
            .map_err(from_pg)?;
        let (tx, notifications) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(message) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
                match message {
                    Ok(AsyncMessage::Notification(n)) => {
                        // The receiver may be gone while the client is still in use.
                        let _ = tx.send(n);
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!(%error, "a dedicated database connection ended");
                        break;
                    }
                }
            }
        });
        client.batch_execute(&self.setup).await.map_err(from_pg)?;
        // On the server's end too (ours are in the configuration); refused on a Unix socket, where it doesn't matter.
        let _ = client
            .batch_execute("set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 2; set tcp_keepalives_count = 3; set tcp_user_timeout = 10000")
            .await;
        Ok(Session {
            client,
            notifications,
        })
    }

    /// Connections open, idle and waited for.
    #[must_use]
    pub fn pool_status(&self) -> deadpool_postgres::Status {
        self.pool.status()
    }

    /// Closes the pool; calls from now on fail.
    pub fn close(&self) {
        self.pool.close();
    }
}
