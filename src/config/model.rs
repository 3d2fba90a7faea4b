//! What the settings are once checked: the types every other room is handed. Built by `load`, from the table in
//! `settings`; a value that stands here can be used as it is.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::kernel::Secret;

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where PostgreSQL is.
    pub database: Database,
    /// The HTTP side.
    pub http: Http,
    /// Who is who. `None` only where the command doesn't need it and no secret is set; see [`Config::auth`].
    pub auth: Option<Auth>,
    /// `NEUROLINK_METRICS_PUBLIC`, default false: `/metrics` needs no token.
    pub metrics_public: bool,
    /// The worker side.
    pub worker: Worker,
    /// E-mail.
    pub email: Email,
    /// Where the embedded database and other files of ours live.
    pub data_dir: PathBuf,
    /// Optional fan-out of inbox hints.
    pub redis_url: Option<Secret>,
    /// What relative action links are made absolute with in mails. No trailing slash.
    pub erp_url: Option<String>,
    /// Logging.
    pub log: Log,
}

impl Config {
    /// The authentication settings of a configuration loaded with [`Needs::TokenSecret`](super::Needs).
    ///
    /// # Errors
    /// `Invalid` when no secret is set: without one, no token can be made or checked.
    pub fn auth(&self) -> crate::kernel::Result<&Auth> {
        self.auth.as_ref().ok_or_else(|| {
            crate::kernel::Error::invalid_at(
                "setting_missing",
                "JWT_SECRET_KEY",
                "JWT_SECRET_KEY is not set: tokens are signed with it",
            )
        })
    }
}

/// Where PostgreSQL is. `NEUROLINK_AUTO_MIGRATE` and pool sizes belong here too.
#[derive(Debug, Clone)]
pub struct Database {
    /// `DATABASE_URL`, already without `+asyncpg`; `None` = the embedded default.
    pub url: Option<Secret>,
    /// `NEUROLINK_LISTEN_DATABASE_URL`: direct, beside a PgBouncer, for the listener and `migrate`.
    pub listen_url: Option<Secret>,
    /// `NEUROLINK_DB_POOL_SIZE`: most pooled connections, default 10.
    pub pool_size: usize,
    /// `NEUROLINK_AUTO_MIGRATE`: let `serve` migrate a server database.
    pub auto_migrate: bool,
    /// `NEUROLINK_DB_STATEMENT_TIMEOUT`, default 30 s.
    pub statement_timeout: Duration,
}

/// The HTTP side.
#[derive(Debug, Clone)]
pub struct Http {
    /// `NEUROLINK_LISTEN`, default 127.0.0.1:8002.
    pub listen: SocketAddr,
    /// `NEUROLINK_MAX_BODY_BYTES`, default 1 MiB.
    pub max_body_bytes: usize,
    /// `NEUROLINK_CORS_ORIGINS`: origins allowed to call from a browser; empty = none but our own.
    pub cors_origins: Vec<String>,
    /// `NEUROLINK_SSE_HEARTBEAT`, default 15 s.
    pub sse_heartbeat: Duration,
    /// `NEUROLINK_SHUTDOWN_TIMEOUT`, default 20 s: what is open may finish within it.
    pub shutdown_timeout: Duration,
}

/// Who is who: HS256 tokens made by the ERP.
#[derive(Debug, Clone)]
pub struct Auth {
    /// `JWT_SECRET_KEY`, at least 32 bytes.
    pub secret: Secret,
    /// `NEUROLINK_JWT_ISSUER`: required `iss`.
    pub issuer: Option<String>,
    /// `NEUROLINK_JWT_AUDIENCE`: required `aud`.
    pub audience: Option<String>,
    /// `NEUROLINK_JWT_SUBJECT_CLAIM`, default `sub`.
    pub subject_claim: String,
    /// `NEUROLINK_JWT_ROLES_CLAIM`, default `roles` (a single `role` too).
    pub roles_claim: String,
    /// `NEUROLINK_JWT_BRANCHES_CLAIM`, default `branch_ids` (a single `branch_id` too).
    pub branches_claim: String,
    /// `NEUROLINK_ROLE_ADMIN`, default `admin`.
    pub admin_role: String,
    /// `NEUROLINK_ROLE_PRODUCER`, default `producer`.
    pub producer_role: String,
    /// `NEUROLINK_ROLE_AUDITOR`, default `auditor`.
    pub auditor_role: String,
}

/// How nodes are woken (`NEUROLINK_WAKE_MODE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WakeMode {
    /// NOTIFY only when somebody sleeps.
    Gated,
    /// NOTIFY with every insert.
    Always,
    /// No NOTIFY: behind poolers that can't LISTEN.
    Poll,
}

/// The worker side.
#[derive(Debug, Clone)]
pub struct Worker {
    /// `NEUROLINK_WAKE_MODE`, default gated.
    pub wake_mode: WakeMode,
    /// `NEUROLINK_BATCH_SIZE`: events per claim, default 1000.
    pub batch_size: usize,
    /// `NEUROLINK_DELIVERY_LEASE`, default 2 min.
    pub delivery_lease: Duration,
    /// `NEUROLINK_DELIVERY_MAX_ATTEMPTS`, default 8.
    pub delivery_max_attempts: u32,
    /// `NEUROLINK_RULE_WATCHDOG`, default 5 s: an event evaluated for longer makes its rule faulty.
    pub rule_watchdog: Duration,
    /// `NEUROLINK_STORM_LIMIT`: notifications a minute of one rule, default 60 000; 0 = no limit.
    pub storm_limit: u32,
}

/// How mail is encrypted on its way to the server (`NEUROLINK_SMTP_SECURITY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// Upgrade a plain connection; refuse a server that can't.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// In the clear.
    None,
}

/// E-mail: not configured, files, or a server.
#[derive(Debug, Clone)]
pub struct Email {
    /// `NEUROLINK_EMAIL_FROM`: `TSH ERP <erp@tsh.example>`.
    pub from: String,
    /// Where mails go; `None` = not configured.
    pub transport: Option<EmailTransport>,
    /// `NEUROLINK_EMAIL_CONCURRENCY`: mails under way at once, default 16.
    pub concurrency: usize,
}

/// Where mails go.
#[derive(Debug, Clone)]
pub enum EmailTransport {
    /// `NEUROLINK_EMAIL_DIR`: `.eml` files, for demos and tests.
    Files(PathBuf),
    /// `SMTP_ENABLED=true` and `SMTP_*`.
    Smtp {
        /// `SMTP_HOST`.
        host: String,
        /// `SMTP_PORT`: default 587, 465 for tls, 25 for none.
        port: u16,
        /// `SMTP_USER`.
        user: Option<String>,
        /// `SMTP_PASSWORD`.
        password: Option<Secret>,
        /// `NEUROLINK_SMTP_SECURITY`, default starttls.
        security: SmtpSecurity,
        /// `NEUROLINK_SMTP_CA_FILE`: trust this PEM file too (a private CA).
        ca_file: Option<PathBuf>,
        /// `NEUROLINK_SMTP_TIMEOUT`, default 30 s, for one mail.
        timeout: Duration,
    },
}

/// Logging.
#[derive(Debug, Clone)]
pub struct Log {
    /// `NEUROLINK_LOG`: a tracing filter, default `info`.
    pub filter: String,
    /// `NEUROLINK_LOG_FORMAT`: `json`, `text`, default json unless on a terminal.
    pub json: bool,
    /// Colours in text logs: on a terminal, unless `NO_COLOR` or `--color` say otherwise.
    pub color: bool,
}
