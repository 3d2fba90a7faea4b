//! Where mails end: a mail server (tests/smtp/server.py) and a folder that can be full. What they have taken goes to the
//! verdict: they know nothing of what was meant to come.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::machine;

/// A mail that somebody outside of us has.
#[derive(Debug, Clone)]
pub struct Taken {
    pub at: Duration,
    pub by: &'static str,
    pub delivery: i64,
    pub message_id: String,
    pub to: String,
    pub subject: String,
}

/// Everything taken, in order.
pub type Mails = Arc<Mutex<Vec<Taken>>>;

/// The mail server.
pub struct MailServer {
    pub port: u16,
    /// Held by the fault it suffers from.
    pub fault: tokio::sync::Mutex<()>,
    stdin: tokio::sync::Mutex<ChildStdin>,
    _process: Child,
}

impl MailServer {
    pub async fn start(mails: Mails, start: Instant) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(machine::python(root));
        command
            .arg(root.join("tests/smtp/server.py"))
            .arg("--brief");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut process = command
            .spawn()
            .context("no Python: deploy/setup.sh --for test installs it")?;
        let stdin = process.stdin.take().context("no stdin")?;
        let mut lines = BufReader::new(process.stdout.take().context("no stdout")?).lines();
        let first = lines
            .next_line()
            .await?
            .context("the mail server ended: is aiosmtpd installed?")?;
        let port = serde_json::from_str::<Value>(&first)?["port"]
            .as_u64()
            .context("no port")?;
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let told: Value = serde_json::from_str(&line).unwrap_or_default();
                if told["event"] == "message" {
                    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                    let headers = &told["headers"];
                    mails.lock().unwrap().push(Taken {
                        at: start.elapsed(),
                        by: "smtp",
                        delivery: text(&headers["X-NeuroLink-Delivery"]).parse().unwrap_or(-1),
                        message_id: text(&headers["Message-ID"]),
                        to: text(&told["rcpt_tos"][0]),
                        subject: text(&headers["Subject"]),
                    });
                }
            }
        });
        Ok(Self {
            port: u16::try_from(port)?,
            fault: tokio::sync::Mutex::new(()),
            stdin: tokio::sync::Mutex::new(stdin),
            _process: process,
        })
    }

    /// What becomes of every mail from now on: take, refuse, stall or drop. `take` frees who hangs, too.
    pub async fn mode(&self, mode: &str) -> Result<()> {
        let mut stdin = self.stdin.lock().await;
        stdin.write_all(format!("mode {mode}\n").as_bytes()).await?;
        Ok(())
    }
}

/// A folder for mails: small, and where we may mount, on a disk of its own.
pub struct Folder {
    pub path: PathBuf,
    mounted: bool,
    /// Held while the disk is full, so that nobody makes room.
    full: tokio::sync::Mutex<()>,
}

impl Folder {
    /// Not root, or not allowed to mount: says so, and there is no full disk in this run.
    pub fn new(folder: &Path) -> Result<Self> {
        let path = folder.join("mails");
        std::fs::create_dir(&path)?;
        let mounted = rustix::process::geteuid().is_root()
            && std::process::Command::new("mount")
                .args(["-t", "tmpfs", "-o", "size=8m,mode=0700", "chaos"])
                .arg(&path)
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success());
        Ok(Self {
            path,
            mounted,
            full: tokio::sync::Mutex::new(()),
        })
    }

    pub fn can_be_full(&self) -> bool {
        self.mounted
    }

    /// Full for that long.
    pub async fn fill(&self, lasts: Duration) -> Result<()> {
        ensure!(self.mounted, "only a disk of its own can be full");
        let _full = self.full.lock().await;
        let filler = self.path.join(".filler");
        let until = Instant::now() + lasts;
        let mut file = std::fs::File::create(&filler)?;
        while Instant::now() < until {
            // Again and again: whoever failed halfway gives back what they had.
            use std::io::Write as _;
            while file.write_all(&[0; 4096]).is_ok() {}
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        drop(file);
        Ok(std::fs::remove_file(&filler)?)
    }

    /// Takes mails out as a reader would: a file that comes again is a second mail.
    pub async fn collect(&self, mails: &Mails, start: Instant) -> Result<()> {
        let Ok(_not_full) = self.full.try_lock() else {
            return Ok(());
        };
        for entry in std::fs::read_dir(&self.path)?.flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|e| e != "eml")
                || entry.file_name().to_string_lossy().starts_with('.')
            {
                continue;
            }
            let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
            std::fs::remove_file(&path)?;
            let header = |name: &str| {
                let line = text
                    .lines()
                    .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                line.unwrap_or_default().trim().to_owned()
            };
            let to = header("To");
            let to = to
                .rsplit_once('<')
                .map_or(to.as_str(), |(_, rest)| rest.trim_end_matches('>'));
            mails.lock().unwrap().push(Taken {
                at: start.elapsed(),
                by: "folder",
                delivery: header("X-NeuroLink-Delivery").parse().unwrap_or(-1),
                message_id: header("Message-ID"),
                to: to.to_owned(),
                subject: header("Subject"),
            });
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.mounted {
            // Lazily: whoever still looks into it keeps it for as long.
            let _ = std::process::Command::new("umount")
                .arg("-l")
                .arg(&self.path)
                .status();
        }
    }
}
