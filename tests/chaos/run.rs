//! Everything one run consists of, and its voice: what happens is printed as it happens, with the time since the start.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::cluster::Cluster;
use crate::ledger::Ledger;
use crate::machine::free_port;
use crate::nodes::{Node, SECRET};
use crate::plan::Kind;
use crate::sinks::{Folder, MailServer, Mails};
use crate::world;

/// The nodes' lease for deliveries, and the longest a mail may take.
pub const LEASE: Duration = Duration::from_secs(6);
const SMTP_TIMEOUT: Duration = Duration::from_secs(2);
/// The lease of the node that writes files: twice that channel's time-out.
pub const LONG_LEASE: Duration = Duration::from_secs(60);
/// Pooled connections of a node, and those beside the pool: the listener and the ingest's writer, each of which may be
/// leaving and coming at once.
const POOL: usize = 10;
pub const CONNECTIONS: usize = POOL + 4;

/// A fault that struck.
#[derive(Debug, Clone)]
pub struct Blow {
    pub kind: Kind,
    pub target: String,
    /// The node's process that it hit.
    pub pid: Option<u32>,
    pub began: Duration,
    pub ended: Option<Duration>,
}

/// One run.
pub struct Run {
    pub seed: u64,
    pub start: Instant,
    /// Two that send by SMTP, and one that writes files.
    pub nodes: Vec<Node>,
    pub http: reqwest::Client,
    pub ledger: Ledger,
    pub blows: Mutex<Vec<Blow>>,
    /// Which process each incarnation was.
    pub workers: Mutex<HashMap<Uuid, u32>>,
    pub mails: Mails,
    pub smtp: MailServer,
    pub mailbox: Folder,
    /// Last, so that it goes last.
    pub cluster: Cluster,
}

impl Run {
    /// A migrated database with people and rules, and everything running.
    pub async fn begin(seed: u64, folder: &Path) -> Result<Self> {
        let start = Instant::now();
        let cluster = Cluster::start(folder).await?;
        let mails = Mails::default();
        let smtp = MailServer::start(mails.clone(), start).await?;
        let mailbox = Folder::new(folder)?;
        migrate(&cluster.url()).await?;
        furnish(&cluster.connect().await?).await?;

        let mut nodes = Vec::new();
        for name in ["a", "b", "files"] {
            let port = free_port()?;
            let mut settings = settings(&cluster, port);
            let mut set = |name: &str, value: String| settings.push((name.to_owned(), value));
            if name == "files" {
                set("NEUROLINK_EMAIL_DIR", mailbox.path.display().to_string());
                set("NEUROLINK_EMAIL_CONCURRENCY", "3".to_owned());
                set(
                    "NEUROLINK_DELIVERY_LEASE",
                    format!("{}s", LONG_LEASE.as_secs()),
                );
            } else {
                set("SMTP_ENABLED", "true".to_owned());
                set("SMTP_HOST", "127.0.0.1".to_owned());
                set("SMTP_PORT", smtp.port.to_string());
                set("NEUROLINK_SMTP_SECURITY", "none".to_owned());
                set(
                    "NEUROLINK_SMTP_TIMEOUT",
                    format!("{}s", SMTP_TIMEOUT.as_secs()),
                );
                set("NEUROLINK_DELIVERY_LEASE", format!("{}s", LEASE.as_secs()));
            }
            nodes.push(Node::new(name, folder, port, settings));
        }
        let http = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(Duration::from_secs(2))
            .build()?;
        let run = Self {
            seed,
            start,
            nodes,
            http,
            ledger: Ledger::new(start),
            blows: Mutex::default(),
            workers: Mutex::default(),
            mails,
            smtp,
            mailbox,
            cluster,
        };
        for node in &run.nodes {
            node.spawn(&mut *node.take().await)?;
        }
        for node in &run.nodes {
            node.until_ready(&mut *node.take().await, &run.http).await?;
        }
        Ok(run)
    }

    pub fn say(&self, what: &str) {
        println!("[{:7.1} s] {what}", self.start.elapsed().as_secs_f64());
    }

    /// A fault begins; the number it is ended by.
    pub fn blow(&self, kind: Kind, target: &str, pid: Option<u32>) -> usize {
        self.say(&format!("{:<12} {target}", kind.word()));
        let mut blows = self.blows.lock().unwrap();
        blows.push(Blow {
            kind,
            target: target.to_owned(),
            pid,
            began: self.start.elapsed(),
            ended: None,
        });
        blows.len() - 1
    }

    pub fn blow_over(&self, number: usize) {
        self.blows.lock().unwrap()[number].ended = Some(self.start.elapsed());
    }
}

fn settings(cluster: &Cluster, port: u16) -> Vec<(String, String)> {
    let all = [
        ("DATABASE_URL", cluster.url()),
        ("JWT_SECRET_KEY", SECRET.to_owned()),
        ("NEUROLINK_LISTEN", format!("127.0.0.1:{port}")),
        ("NEUROLINK_DATA_DIR", "/nonexistent".to_owned()),
        ("NEUROLINK_DB_POOL_SIZE", POOL.to_string()),
        ("NEUROLINK_SSE_HEARTBEAT", "2s".to_owned()),
        ("NEUROLINK_SHUTDOWN_TIMEOUT", "5s".to_owned()),
        // Nothing may die of bad luck: what is not refused for good must arrive in the end.
        ("NEUROLINK_DELIVERY_MAX_ATTEMPTS", "100".to_owned()),
        ("NEUROLINK_STORM_LIMIT", "0".to_owned()),
        (
            "NEUROLINK_EMAIL_FROM",
            "TSH ERP <erp@tsh.example>".to_owned(),
        ),
        ("NEUROLINK_LOG", "info".to_owned()),
        ("NEUROLINK_LOG_FORMAT", "text".to_owned()),
        ("NO_COLOR", "1".to_owned()),
    ];
    all.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

async fn migrate(url: &str) -> Result<()> {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_neurolink"));
    command
        .arg("migrate")
        .current_dir("/")
        .env_clear()
        .env("DATABASE_URL", url);
    let done = command.output().await?;
    anyhow::ensure!(
        done.status.success(),
        "neurolink migrate: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(())
}

/// People, rules, and the table's own refusal of poison.
async fn furnish(sql: &Client) -> Result<()> {
    for (id, email, roles, branches) in world::PEOPLE {
        sql.execute(
            "insert into neurolink_users (id, display_name, email, roles, branch_ids)
             values ($1, $1, $2, $3::text::text[], $4::text::text[])",
            &[id, email, roles, branches],
        )
        .await?;
    }
    for (name, pattern, conditions, template, priority) in world::rules() {
        let (conditions, template) = (conditions.unwrap_or(json!(null)), template.to_string());
        let conditions = (!conditions.is_null()).then(|| conditions.to_string());
        sql.execute(
            "insert into neurolink_notification_rules (name, event_type_pattern, conditions, notification_template, priority)
             values ($1, $2, $3::text::jsonb, $4::text::jsonb, $5)",
            &[&name, &pattern, &conditions, &template, &priority],
        )
        .await?;
    }
    sql.batch_execute(world::REFUSE_POISON).await?;
    Ok(())
}

/// Shared by every task of the run.
pub type Shared = Arc<Run>;
