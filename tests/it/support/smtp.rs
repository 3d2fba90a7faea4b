//! A real mail server for a test: `tests/smtp/server.py` (aiosmtpd) as a process of the test's own, on a port of its
//! own, ended when dropped. What it tells on its stdout is what tests wait for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Clippy sees tests, not their helpers.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;

use super::python::python;

/// No server needs so long for anything; reached only when a test is about to fail.
const PATIENCE: Duration = Duration::from_secs(30);

/// How the server behaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct SmtpOptions {
    /// `Some("starttls")` or `Some("tls")`, with a certificate of a private CA.
    pub(crate) tls: Option<&'static str>,
    /// User and password, then required.
    pub(crate) auth: Option<(&'static str, &'static str)>,
    /// Said instead of `220 …`; `drop` cuts the connection.
    pub(crate) greeting: Option<&'static str>,
    /// Takes no international addresses.
    pub(crate) no_smtputf8: bool,
}

/// A mail as the server took it. Headers and texts are decoded by Python's `email`, not by us.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Message {
    /// The envelope's sender.
    pub(crate) mail_from: String,
    /// The envelope's recipients.
    pub(crate) rcpt_tos: Vec<String>,
    /// The parameters of MAIL FROM.
    pub(crate) options: Vec<String>,
    /// It came over TLS.
    pub(crate) tls: bool,
    /// Who had signed in.
    pub(crate) user: Option<String>,
    /// As it came.
    pub(crate) raw: String,
    /// Decoded, in their order.
    pub(crate) headers: Vec<(String, String)>,
    /// The display name of `To`, decoded.
    pub(crate) to_name: String,
    /// The display name of `From`, decoded.
    pub(crate) from_name: String,
    /// What Python's parser finds wrong with it.
    pub(crate) defects: Vec<String>,
    /// The content type.
    pub(crate) kind: String,
    /// The plain alternative.
    pub(crate) text: String,
    /// The HTML alternative.
    pub(crate) html: String,
}

impl Message {
    /// A header's value; fails the test when there is none or more than one.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut all = self
            .headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let (_, value) = all.next().unwrap_or_else(|| panic!("no header {name}"));
        assert!(all.next().is_none(), "more than one header {name}");
        value
    }
}

/// A running mail server.
pub(crate) struct SmtpServer {
    port: u16,
    ca_file: Option<PathBuf>,
    told: watch::Receiver<Vec<Value>>,
    read: usize,
    stdin: ChildStdin,
    /// Killed on drop.
    _process: Child,
}

impl SmtpServer {
    /// Starts a server; fails the test when there is none.
    pub(crate) async fn start(options: SmtpOptions) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(python());
        command.arg(root.join("tests/smtp/server.py"));
        if let Some(tls) = options.tls {
            command.args(["--tls", tls]);
        }
        if let Some((user, password)) = options.auth {
            command.args(["--auth", &format!("{user}:{password}")]);
        }
        if let Some(greeting) = options.greeting {
            command.args(["--greeting", greeting]);
        }
        if options.no_smtputf8 {
            command.arg("--no-smtputf8");
        }
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("no Python: run deploy/test.sh, or set NEUROLINK_TEST_PYTHON");
        let stdin = process.stdin.take().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (tell, told) = watch::channel(Vec::new());
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let event: Value = serde_json::from_str(&line).expect(&line);
                tell.send_modify(|events| events.push(event));
            }
        });
        let mut server = Self {
            port: 0,
            ca_file: None,
            told,
            read: 0,
            stdin,
            _process: process,
        };
        let listening = server.wait_for("listening", 1).await.remove(0);
        server.port = u16::try_from(listening["port"].as_u64().unwrap()).unwrap();
        server.ca_file = listening["ca"].as_str().map(PathBuf::from);
        server
    }

    /// The port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The private CA's certificate.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.ca_file.clone().expect("the server has no TLS")
    }

    /// The next mail this hasn't returned yet.
    pub(crate) async fn next_message(&mut self) -> Message {
        self.read += 1;
        let mut all = self.wait_for("message", self.read).await;
        serde_json::from_value(all.swap_remove(self.read - 1)).unwrap()
    }

    /// Every mail taken so far, also those whose answer was held back.
    pub(crate) async fn messages(&mut self) -> Vec<Message> {
        self.catch_up().await;
        self.events("message")
            .into_iter()
            .map(|event| serde_json::from_value(event).unwrap())
            .collect()
    }

    /// Connections made so far.
    pub(crate) async fn connections(&mut self) -> usize {
        self.catch_up().await;
        self.events("connected").len()
    }

    /// Most connections open at once so far.
    pub(crate) async fn most_connections(&mut self) -> u64 {
        self.catch_up().await;
        self.events("connected")
            .iter()
            .filter_map(|event| event["open"].as_u64())
            .max()
            .unwrap_or(0)
    }

    /// Cuts every open connection, and returns when that is done.
    pub(crate) async fn drop_connections(&mut self) {
        let before = self.events("dropped").len();
        self.stdin.write_all(b"drop\n").await.unwrap();
        self.wait_for("dropped", before + 1).await;
    }

    /// All events of a kind, once there are `count`.
    pub(crate) async fn wait_for(&mut self, kind: &str, count: usize) -> Vec<Value> {
        let of_kind = |events: &Vec<Value>| events.iter().filter(|e| e["event"] == kind).count();
        let waiting = self.told.wait_for(|events| of_kind(events) >= count);
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => {
                panic!("the mail server ended (is aiosmtpd installed? see deploy/test.sh)")
            }
            Err(_) => panic!("the mail server told of no {kind} number {count}"),
        }
        self.events(kind)
    }

    /// Waits until all the server has told before this call is read, so that what isn't there didn't happen.
    async fn catch_up(&mut self) {
        let before = self.events("mark").len();
        self.stdin.write_all(b"mark\n").await.unwrap();
        self.wait_for("mark", before + 1).await;
    }

    fn events(&self, kind: &str) -> Vec<Value> {
        let events = self.told.borrow();
        events
            .iter()
            .filter(|event| event["event"] == kind)
            .cloned()
            .collect()
    }
}
