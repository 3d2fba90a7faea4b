//! The real binary as a process of its own, which a test can kill, freeze and stop. What it logs is what tests wait for;
//! killed when dropped.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::TestDb;
use super::http::SECRET;

/// Nothing takes so long; reached only when a test is about to fail.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `neurolink`.
pub struct Process {
    child: Child,
    pid: Pid,
    logged: watch::Receiver<Vec<Value>>,
    _home: tempfile::TempDir,
}

impl Process {
    /// `neurolink worker` on a test's database, with these settings; returns when its listener is connected.
    pub async fn worker(db: &TestDb, settings: &[(&str, &str)]) -> Self {
        Self::worker_at(db.url(), settings).await
    }

    /// The same on any database.
    pub async fn worker_at(url: &str, settings: &[(&str, &str)]) -> Self {
        let mut process = Self::spawn(url, settings);
        process.logs("the listener is connected").await;
        process
    }

    /// The same, without waiting for anything: in mode `poll` there is no listener.
    pub fn spawn(url: &str, settings: &[(&str, &str)]) -> Self {
        // Without a `.env` of the checkout's.
        let home = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_neurolink"))
            .arg("worker")
            .current_dir(home.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("DATABASE_URL", url)
            .env("JWT_SECRET_KEY", SECRET)
            .env("NEUROLINK_DATA_DIR", "/nonexistent")
            .env("NEUROLINK_LOG", "info,neurolink=debug")
            .env("NEUROLINK_LOG_FORMAT", "json")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tell, logged) = watch::channel(Vec::new());
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let entry = serde_json::from_str(&line).unwrap_or(Value::String(line));
                tell.send_modify(|log| log.push(entry));
            }
        });
        Self {
            child,
            pid,
            logged,
            _home: home,
        }
    }

    /// Resolves when it has logged a message that contains `text`; gives the entry.
    pub async fn logs(&mut self, text: &str) -> Value {
        let says = |entry: &Value| entry.to_string().contains(text);
        let waiting = self.logged.wait_for(|log| log.iter().any(says));
        let seen = match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(Ok(log)) => log.iter().find(|entry| says(entry)).cloned(),
            _ => None,
        };
        seen.unwrap_or_else(|| panic!("never logged {text:?}: {:#?}", self.logged.borrow()))
    }

    /// Dies as by a power cut: no code of its own runs any more. Returns when the system has buried it.
    pub async fn kill(mut self) {
        kill_process(self.pid, Signal::KILL).unwrap();
        self.child.wait().await.unwrap();
    }

    /// Stands still, its connections open.
    pub fn freeze(&self) {
        kill_process(self.pid, Signal::STOP).unwrap();
    }

    /// Goes on as if nothing had been.
    pub fn thaw(&self) {
        kill_process(self.pid, Signal::CONT).unwrap();
    }

    /// Is told to stop (SIGTERM), and does.
    pub async fn stop(mut self) -> ExitStatus {
        kill_process(self.pid, Signal::TERM).unwrap();
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = ended.expect("it stops when it is told to").unwrap();
        assert_eq!(status.signal(), None, "{:#?}", self.logged.borrow());
        status
    }
}
