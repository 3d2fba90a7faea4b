//! A PostgreSQL of one test's own, which it may let fall over.

use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::process::Command;

/// The account that `initdb` and `postgres`, which refuse root, run as.
const ACCOUNT: &str = "postgres";
const USER: &str = "neurolink_test";

/// A running server on a Unix socket; stopped, and its files removed, when dropped.
pub struct OwnCluster {
    programs: PathBuf,
    home: tempfile::TempDir,
    is_durable: bool,
}

impl OwnCluster {
    /// A fresh one.
    pub fn start() -> Self {
        Self::start_as(false)
    }

    /// A fresh one that loses nothing, as a server for serious use.
    pub fn start_durable() -> Self {
        Self::start_as(true)
    }

    fn start_as(is_durable: bool) -> Self {
        let home = tempfile::Builder::new()
            .prefix("nl-own-")
            .tempdir_in("/tmp")
            .unwrap();
        if is_root() {
            let id = Command::new("id").args(["-u", ACCOUNT]).output().unwrap();
            let uid = String::from_utf8(id.stdout)
                .unwrap()
                .trim()
                .parse()
                .unwrap();
            chown(home.path(), Some(uid), None).unwrap();
        }
        let cluster = Self {
            programs: programs(),
            home,
            is_durable,
        };
        let data = cluster.data();
        cluster.run(
            "initdb",
            &[
                "-D",
                &data,
                "-U",
                USER,
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
        );
        cluster.again();
        cluster
    }

    /// Starts it (again).
    pub fn again(&self) {
        let home = self.home.path().display();
        let fsync = if self.is_durable { "on" } else { "off" };
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{home}' -c fsync={fsync} -c shared_buffers=32MB"
        );
        let (data, log) = (self.data(), format!("{home}/log"));
        self.run(
            "pg_ctl",
            &[
                "-D", &data, "-w", "-t", "60", "-l", &log, "-o", &options, "start",
            ],
        );
    }

    /// Falls over: no farewell, no checkpoint.
    pub fn crash(&self) {
        let data = self.data();
        self.run("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "stop"]);
    }

    /// For `DATABASE_URL`.
    pub fn url(&self) -> String {
        let socket = self.home.path().display().to_string().replace('/', "%2F");
        format!("postgresql://{USER}@/postgres?host={socket}")
    }

    fn data(&self) -> String {
        self.home.path().join("data").display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", ACCOUNT, "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // The server must not inherit a pipe of ours: who reads it would wait for its end.
        let status = command
            .args(arguments)
            .current_dir("/")
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{command:?}: {status}");
    }
}

impl Drop for OwnCluster {
    fn drop(&mut self) {
        if self.home.path().join("data/postmaster.pid").exists() {
            self.crash();
        }
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The newest server programs.
fn programs() -> PathBuf {
    let version = |path: &PathBuf| -> u32 {
        let name = path.parent().and_then(|p| p.file_name());
        name.and_then(|n| n.to_str()?.parse().ok()).unwrap_or(0)
    };
    let mut all: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .expect("Debian's postgresql is installed")
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|bin| bin.join("postgres").exists())
        .collect();
    all.sort_by_key(version);
    all.pop().expect("PostgreSQL's server programs")
}
