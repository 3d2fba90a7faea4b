//! The run's own PostgreSQL: made in the run's folder, on a Unix socket nobody else can enter, stopped and started as roughly
//! as the plan wants. Data lives as long as the machine does, so `fsync` is off; commits still reach the system's memory
//! before they are answered, which is what outlives a killed server.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};

use crate::machine;

const USER: &str = "chaos";

/// A private server.
pub struct Cluster {
    programs: PathBuf,
    data: PathBuf,
    socket: tempfile::TempDir,
    log: PathBuf,
    /// `initdb` and `postgres` refuse root.
    account: Option<(u32, u32)>,
    server: Mutex<Option<Child>>,
    /// Held by the fault it suffers from.
    pub fault: Mutex<()>,
}

impl Cluster {
    /// Makes and starts one below `folder`.
    pub async fn start(folder: &Path) -> Result<Self> {
        let account = if rustix::process::geteuid().is_root() {
            Some(machine::account("postgres")?)
        } else {
            None
        };
        // A socket's path may have 107 bytes: not below a deep checkout.
        let socket = tempfile::Builder::new()
            .prefix("nl-chaos-")
            .tempdir_in("/tmp")?;
        // Nor can its account enter a checkout below /root.
        let data = if account.is_some() {
            socket.path().join("data")
        } else {
            folder.join("data")
        };
        std::fs::create_dir(&data)?;
        for path in [socket.path(), &data] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
            if let Some((uid, gid)) = account {
                chown(path, Some(uid), Some(gid))?;
            }
        }
        let cluster = Self {
            programs: machine::programs()?,
            data,
            socket,
            log: folder.join("postgres.log"),
            account,
            server: Mutex::new(None),
            fault: Mutex::new(()),
        };
        let made = cluster
            .program("initdb")
            .args([
                "-U",
                USER,
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                "-D",
            ])
            .arg(&cluster.data)
            .output()
            .await?;
        ensure!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        cluster.up().await?;
        let admin = cluster.connect_to("postgres").await?;
        admin.batch_execute("create database chaos").await?;
        Ok(cluster)
    }

    /// For `DATABASE_URL`.
    pub fn url(&self) -> String {
        let socket = self.socket.path().display().to_string().replace('/', "%2F");
        format!("postgresql://{USER}@/chaos?host={socket}")
    }

    /// A connection for the harness, told apart from the nodes' by its name.
    pub async fn connect(&self) -> Result<Client> {
        self.connect_to("chaos").await
    }

    async fn connect_to(&self, database: &str) -> Result<Client> {
        let mut config = tokio_postgres::Config::new();
        config
            .host_path(self.socket.path())
            .user(USER)
            .dbname(database)
            .application_name("chaos");
        let (client, connection) =
            tokio::time::timeout(Duration::from_secs(5), config.connect(NoTls)).await??;
        tokio::spawn(connection);
        Ok(client)
    }

    /// A connection, however long the server takes to be back.
    pub async fn connect_patiently(&self) -> Result<Client> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            match self.connect().await {
                Ok(client) => return Ok(client),
                Err(error) if Instant::now() > deadline => {
                    return Err(error.context("PostgreSQL isn't back after 30 s"));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn up(&self) -> Result<()> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&self.log)?;
        let mut server = self.server.lock().await;
        let child = self
            .program("postgres")
            .arg("-D")
            .arg(&self.data)
            .args([
                "-c",
                "listen_addresses=",
                "-c",
                "max_connections=150",
                "-c",
                "fsync=off",
                "-c",
                "shared_buffers=128MB",
            ])
            .args([
                "-c",
                "jit=off",
                "-c",
                "timezone=UTC",
                "-c",
                "log_line_prefix=%m [%p] %a ",
            ])
            .arg("-c")
            .arg(format!(
                "unix_socket_directories={}",
                self.socket.path().display()
            ))
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        *server = Some(child);
        drop(server);
        let deadline = Instant::now() + Duration::from_secs(30);
        while let Err(error) = self.connect_to("postgres").await {
            ensure!(
                Instant::now() < deadline,
                "PostgreSQL doesn't start: {error:#}; see {}",
                self.log.display()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// `pg_ctl stop -m immediate`: no farewell to anybody, recovery at the next start.
    pub async fn stop_immediately(&self) -> Result<()> {
        let mut server = self.server.lock().await;
        let stopped = self
            .program("pg_ctl")
            .args(["stop", "-m", "immediate", "-w", "-D"])
            .arg(&self.data)
            .output()
            .await?;
        ensure!(
            stopped.status.success(),
            "pg_ctl: {}",
            String::from_utf8_lossy(&stopped.stderr)
        );
        if let Some(mut child) = server.take() {
            child.wait().await?;
        }
        Ok(())
    }

    /// A start after [`Self::stop_immediately`]; returns when it takes connections.
    pub async fn start_again(&self) -> Result<()> {
        self.up().await
    }

    /// Copies the data to where it can be looked at later.
    pub async fn keep(&self, folder: &Path) -> Result<()> {
        if !self.data.starts_with(folder) {
            Command::new("cp")
                .arg("-a")
                .arg(&self.data)
                .arg(folder)
                .status()
                .await?;
        }
        Ok(())
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command
            .current_dir("/")
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null());
        command.env_remove("PGDATA").env("LC_ALL", "C.UTF-8");
        if let Some((uid, gid)) = self.account {
            command.uid(uid).gid(gid);
        }
        command
    }
}
