//! The nodes: the real binary in processes of their own, killed, frozen and misled about the time. From settings to a process
//! that a keeper starts again when it ends, as systemd would.

use std::path::{Path, PathBuf};
use std::sync::Mutex as Plain;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, MutexGuard};

use crate::machine;

/// What tokens are signed with.
pub const SECRET: &str = "chaos-only-chaos-only-chaos-only!";

/// One node. Its port stays, its processes come and go.
pub struct Node {
    pub name: &'static str,
    pub base: String,
    settings: Vec<(String, String)>,
    log: PathBuf,
    /// Locked for as long as a fault has the node.
    process: Mutex<Process>,
    /// Every process it was: (pid, since, until).
    lives: Plain<Vec<(u32, Instant, Option<Instant>)>>,
}

/// The process a node is at the moment.
pub struct Process {
    child: Option<Child>,
    /// Its wall clock's error in seconds.
    clock: i64,
    /// How long the log was when it began.
    log_before: usize,
}

impl Node {
    pub fn new(
        name: &'static str,
        folder: &Path,
        port: u16,
        settings: Vec<(String, String)>,
    ) -> Self {
        Self {
            name,
            base: format!("http://127.0.0.1:{port}"),
            settings,
            log: folder.join(format!("node-{name}.log")),
            process: Mutex::new(Process {
                child: None,
                clock: 0,
                log_before: 0,
            }),
            lives: Plain::default(),
        }
    }

    /// The node for as long as a fault needs it.
    pub async fn take(&self) -> MutexGuard<'_, Process> {
        self.process.lock().await
    }

    /// The node, unless a fault has it at the moment.
    pub fn try_take(&self) -> Option<MutexGuard<'_, Process>> {
        self.process.try_lock().ok()
    }

    pub fn spawn(&self, process: &mut Process) -> Result<()> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&self.log)?;
        process.log_before = usize::try_from(log.metadata()?.len())?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_neurolink"));
        command
            .arg("serve")
            .current_dir("/")
            .env_clear()
            .kill_on_drop(true);
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        if process.clock != 0 {
            let library = machine::faketime().context("libfaketime is missing")?;
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME", format!("{:+}s", process.clock));
            // Leases and timers run on the monotonic clock, and nobody sets that one.
            command
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .env("DONT_FAKE_MONOTONIC", "1")
                .env("FAKETIME_NO_CACHE", "1");
        }
        let child = command
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(log)
            .spawn()?;
        let pid = child.id().context("a process without an id")?;
        self.lives.lock().unwrap().push((pid, Instant::now(), None));
        process.child = Some(child);
        Ok(())
    }

    /// Waits until it answers; one that gives up at its start (no database) is started again.
    pub async fn until_ready(&self, process: &mut Process, http: &reqwest::Client) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            self.revive(process)?;
            let answer = http
                .get(format!("{}/health", self.base))
                .timeout(Duration::from_secs(2))
                .send()
                .await;
            if answer.is_ok_and(|a| a.status().is_success()) {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "node {} isn't ready after 30 s; see {}",
                self.name,
                self.log.display()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn signal(&self, process: &Process, signal: Signal) -> Result<()> {
        let pid = process
            .child
            .as_ref()
            .and_then(Child::id)
            .context("the node isn't running")?;
        let pid = i32::try_from(pid)
            .ok()
            .and_then(Pid::from_raw)
            .context("no process id")?;
        Ok(kill_process(pid, signal)?)
    }

    /// `kill -9`, if it runs.
    pub async fn kill(&self, process: &mut Process) -> Result<()> {
        if let Some(mut child) = process.child.take() {
            let pid = child.id();
            child.kill().await?;
            self.ended(pid);
        }
        Ok(())
    }

    /// SIGTERM, and everything it should do about it.
    pub async fn stop(&self, process: &mut Process, patience: Duration) -> Result<()> {
        // It may have just given up at its start; that is for the keeper to tell.
        self.revive(process)?;
        let Some(pid) = process.child.as_ref().and_then(Child::id) else {
            return Ok(());
        };
        self.signal(process, Signal::TERM)?;
        if let Some(mut child) = process.child.take() {
            match tokio::time::timeout(patience, child.wait()).await {
                Ok(status) => ensure!(
                    status?.success(),
                    "node {} didn't stop in good order",
                    self.name
                ),
                Err(_) => anyhow::bail!(
                    "node {} didn't stop within {} s",
                    self.name,
                    patience.as_secs()
                ),
            }
        }
        self.ended(Some(pid));
        Ok(())
    }

    /// The keeper's look: a process that ended by itself is started again. Gives how it ended, and whether it had served.
    pub fn revive(&self, process: &mut Process) -> Result<Option<(String, bool)>> {
        let Some(child) = process.child.as_mut() else {
            // A fault that could not be done to its end has left it so.
            self.spawn(process)?;
            return Ok(None);
        };
        let pid = child.id();
        let Some(status) = child.try_wait()? else {
            return Ok(None);
        };
        self.ended(pid);
        // One that finds no database at its start may give up; one that has served may not.
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let served = log
            .get(process.log_before..)
            .is_some_and(|log| log.contains("serving"));
        self.spawn(process)?;
        Ok(Some((status.to_string(), served)))
    }

    /// Its process's id.
    pub fn pid(&self, process: &Process) -> Option<u32> {
        process.child.as_ref().and_then(Child::id)
    }

    fn ended(&self, pid: Option<u32>) {
        let mut lives = self.lives.lock().unwrap();
        if let Some(life) = lives.iter_mut().rev().find(|life| Some(life.0) == pid) {
            life.2 = Some(Instant::now());
        }
        if let Some(pid) = pid {
            // What libfaketime of a killed process leaves behind.
            for name in [
                format!("faketime_shm_{pid}"),
                format!("sem.faketime_sem_{pid}"),
            ] {
                let _ = std::fs::remove_file(Path::new("/dev/shm").join(name));
            }
        }
    }

    /// Whether a process of that id was this node.
    pub fn was(&self, pid: u32) -> bool {
        self.lives.lock().unwrap().iter().any(|life| life.0 == pid)
    }

    /// The log's lines that hold one of these texts.
    pub fn told(&self, texts: &[String]) -> Vec<String> {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines = log
            .lines()
            .filter(|line| texts.iter().any(|text| line.contains(text)));
        lines.map(|line| format!("{}: {line}", self.name)).collect()
    }
}

impl Process {
    pub fn set_clock(&mut self, seconds: i64) {
        self.clock = seconds;
    }
}

/// A token for the whole run, whatever the clocks say.
pub fn token(subject: &str, roles: &[&str]) -> String {
    let exp = jiff::Timestamp::now().as_second() + 7 * 86_400;
    let claims =
        serde_json::json!({"sub": subject, "roles": roles, "branch_ids": ["*"], "exp": exp});
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}
