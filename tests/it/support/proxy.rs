//! A door between the product and its database that a test can close: what stands in for a server that is away.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_postgres::Config;
use tokio_postgres::config::Host;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Forwards connections to a server while it is open.
pub struct Proxy {
    address: SocketAddr,
    target: Config,
    open: std::sync::Mutex<Option<(CancellationToken, TaskTracker)>>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

async fn dial(target: &Config) -> std::io::Result<Box<dyn Stream>> {
    let port = target.get_ports().first().copied().unwrap_or(5432);
    Ok(match &target.get_hosts()[0] {
        Host::Tcp(host) => Box::new(TcpStream::connect((host.as_str(), port)).await?),
        Host::Unix(folder) => {
            Box::new(UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await?)
        }
    })
}

impl Proxy {
    /// An open door to `target`.
    pub async fn open(target: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            target,
            open: std::sync::Mutex::new(None),
        };
        proxy.run(listener);
        proxy
    }

    fn run(&self, listener: TcpListener) {
        let cut = CancellationToken::new();
        let tracker = TaskTracker::new();
        let target = Arc::new(self.target.clone());
        let (stop, tasks) = (cut.clone(), tracker.clone());
        tracker.spawn(async move {
            loop {
                let mut near = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = listener.accept() => accepted.unwrap().0,
                };
                let (stop, target) = (stop.clone(), target.clone());
                tasks.spawn(async move {
                    let Ok(mut far) = dial(&target).await else {
                        return;
                    };
                    tokio::select! {
                        () = stop.cancelled() => {}
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                    }
                });
            }
        });
        *self.open.lock().unwrap() = Some((cut, tracker));
    }

    /// Where to connect instead.
    pub fn config(&self) -> Config {
        let mut config = Config::new();
        config.host("127.0.0.1").port(self.address.port());
        config.user(self.target.get_user().unwrap());
        if let Some(password) = self.target.get_password() {
            config.password(password);
        }
        config.dbname(self.target.get_dbname().unwrap());
        config
    }

    /// Ends every connection; new ones are refused. Returns when that is so.
    pub async fn cut(&self) {
        let (cut, tracker) = self.open.lock().unwrap().take().unwrap();
        cut.cancel();
        tracker.close();
        tracker.wait().await;
    }

    /// Opens the door again.
    pub async fn restore(&self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.run(listener);
    }
}
