//! A real Redis for a test: a process of the test's own on a Unix socket, which can be killed, frozen and started again.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// A Redis, killed on drop.
pub struct RedisServer {
    folder: tempfile::TempDir,
    password: Option<&'static str>,
    process: Option<Child>,
}

impl RedisServer {
    /// A running one.
    pub async fn start(password: Option<&'static str>) -> Self {
        let mut server = Self {
            folder: tempfile::tempdir().unwrap(),
            password,
            process: None,
        };
        server.run().await;
        server
    }

    /// Starts it again after [`Self::kill`], on the same socket.
    pub async fn run(&mut self) {
        let mut command = Command::new("redis-server");
        command
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--dir"])
            .arg(self.folder.path())
            .arg("--unixsocket")
            .arg(self.folder.path().join("s"));
        if let Some(password) = self.password {
            command.args(["--requirepass", password]);
        }
        let mut process = command
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("no redis-server: run deploy/setup.sh test");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (ready, is_ready) = tokio::sync::oneshot::channel();
        let mut ready = Some(ready);
        // Read to its end: a Redis that can't write its log stands still.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if line.contains("eady to accept connections")
                    && let Some(ready) = ready.take()
                {
                    let _ = ready.send(());
                }
            }
        });
        tokio::time::timeout(Duration::from_secs(30), is_ready)
            .await
            .expect("Redis starts in time")
            .expect("Redis starts");
        self.process = Some(process);
    }

    /// Kills it; whoever was connected is cut off.
    pub async fn kill(&mut self) {
        self.process.take().unwrap().kill().await.unwrap();
    }

    /// `STOP`: it answers nobody, and its connections stand. `CONT`: it goes on.
    pub async fn signal(&self, name: &str) {
        let pid = self.process.as_ref().and_then(Child::id).unwrap();
        let status = Command::new("kill")
            .args([format!("-{name}"), pid.to_string()])
            .status()
            .await
            .unwrap();
        assert!(status.success());
    }

    /// For `REDIS_URL`, with this password.
    pub fn url_with(&self, password: Option<&str>) -> String {
        let path = self.folder.path().join("s");
        let login = password.map(|p| format!("?pass={p}")).unwrap_or_default();
        format!("redis+unix://{}{login}", path.display())
    }

    /// For `REDIS_URL`.
    pub fn url(&self) -> String {
        self.url_with(self.password)
    }
}
