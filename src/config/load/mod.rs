//! Texts to settings: group by group, then what must hold between them. From a lookup by name (`Sources::lookup`, or any
//! closure) to a `Config`, or to every fault there is.

mod auth;
mod email;
#[cfg(test)]
mod tests;

use std::io::IsTerminal as _;

use crate::config::reader::{Findings, Lookup, Reader, Reported};
use crate::config::{
    Config, Database, EmailTransport, Http, Log, SettingFault, WakeMode, Worker, addresses,
    database_url, values,
};

/// What a command needs of its settings beyond that they are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: the database's default is the embedded one (`worker`, `migrate`).
    Nothing,
    /// It makes or checks tokens (`serve`, `token`).
    TokenSecret,
}

impl Config {
    /// Reads and checks every setting. `env` gives a variable's text; [`Sources::lookup`](super::Sources::lookup) is the
    /// process's own.
    ///
    /// # Errors
    /// All faults at once, in the table's order of groups; none of them shows a secret.
    pub fn load(
        needs: Needs,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Vec<SettingFault>> {
        let (config, findings) = read(needs, &env);
        config.ok_or(findings.faults)
    }
}

/// The settings unless there is a fault, and what the reading brought to light.
pub(super) fn read(needs: Needs, env: Lookup<'_>) -> (Option<Config>, Findings) {
    let mut reader = Reader::new(env);
    let config = assemble(&mut reader, needs, env);
    let findings = reader.finish();
    let config = config.ok().filter(|_| findings.faults.is_empty());
    (config, findings)
}

fn assemble(r: &mut Reader<'_>, needs: Needs, env: Lookup<'_>) -> Result<Config, Reported> {
    // All groups are read before the first fault ends it.
    let database = database(r);
    let data_dir = data_dir(r, env);
    let http = http(r);
    let auth = auth::auth(r, needs);
    let metrics_public = r.value("NEUROLINK_METRICS_PUBLIC", values::boolean);
    let worker = worker(r);
    let email = email::email(r);
    let erp_url = r.optional("NEUROLINK_ERP_URL", addresses::web);
    let redis_url = r.optional("REDIS_URL", addresses::redis);
    let log = log(r);
    let config = Config {
        database: database?,
        http: http?,
        auth: auth?,
        metrics_public: metrics_public?,
        worker: worker?,
        email: email?,
        data_dir: data_dir?,
        redis_url: redis_url?,
        erp_url: erp_url?,
        log: log?,
    };
    between(r, &config);
    Ok(config)
}

fn database(r: &mut Reader<'_>) -> Result<Database, Reported> {
    let url = r.optional("DATABASE_URL", database_url::normalize);
    let listen_url = r.optional("NEUROLINK_LISTEN_DATABASE_URL", database_url::normalize);
    if let (Ok(None), Ok(Some(_))) = (&url, &listen_url) {
        r.fault(
            "DATABASE_URL",
            "is not set",
            "NEUROLINK_LISTEN_DATABASE_URL is the direct way to the same database, so this one is needed too",
        );
    }
    let auto_migrate = r.value("NEUROLINK_AUTO_MIGRATE", values::boolean);
    let pool_size = r.value("NEUROLINK_DB_POOL_SIZE", |t| values::count(t, 5, 500));
    let statement_timeout = r.value("NEUROLINK_DB_STATEMENT_TIMEOUT", |t| {
        values::duration_within(t, "100ms", "1h")
    });
    Ok(Database {
        url: url?,
        listen_url: listen_url?,
        pool_size: pool_size?,
        auto_migrate: auto_migrate?,
        statement_timeout: statement_timeout?,
    })
}

fn data_dir(r: &mut Reader<'_>, env: Lookup<'_>) -> Result<std::path::PathBuf, Reported> {
    const NAME: &str = "NEUROLINK_DATA_DIR";
    if let Some(folder) = r.optional(NAME, addresses::path)? {
        return Ok(folder);
    }
    let folder = addresses::default_data_dir(rustix::process::geteuid().is_root(), env);
    r.computed(NAME, folder.display().to_string());
    Ok(folder)
}

fn http(r: &mut Reader<'_>) -> Result<Http, Reported> {
    let listen = r.value("NEUROLINK_LISTEN", addresses::listen);
    let max_body_bytes = r.value("NEUROLINK_MAX_BODY_BYTES", |t| {
        values::size_within(t, "1KiB", "64MiB")
    });
    let cors_origins = r.optional("NEUROLINK_CORS_ORIGINS", addresses::origins);
    let sse_heartbeat = r.value("NEUROLINK_SSE_HEARTBEAT", |t| {
        values::duration_within(t, "1s", "5m")
    });
    let shutdown_timeout = r.value("NEUROLINK_SHUTDOWN_TIMEOUT", |t| {
        values::duration_within(t, "1s", "10m")
    });
    Ok(Http {
        listen: listen?,
        max_body_bytes: max_body_bytes?,
        cors_origins: cors_origins?.unwrap_or_default(),
        sse_heartbeat: sse_heartbeat?,
        shutdown_timeout: shutdown_timeout?,
    })
}

fn worker(r: &mut Reader<'_>) -> Result<Worker, Reported> {
    let wake_mode = r.value("NEUROLINK_WAKE_MODE", |t| {
        let modes = [
            ("gated", WakeMode::Gated),
            ("always", WakeMode::Always),
            ("poll", WakeMode::Poll),
        ];
        values::word(t, &modes)
    });
    let batch_size = r.value("NEUROLINK_BATCH_SIZE", |t| values::count(t, 1, 5000));
    let delivery_lease = r.value("NEUROLINK_DELIVERY_LEASE", |t| {
        values::duration_within(t, "5s", "1h")
    });
    let delivery_max_attempts = r.value("NEUROLINK_DELIVERY_MAX_ATTEMPTS", |t| {
        values::count(t, 1, 100)
    });
    let rule_watchdog = r.value("NEUROLINK_RULE_WATCHDOG", |t| {
        values::duration_within(t, "100ms", "1m")
    });
    let storm_limit = r.value("NEUROLINK_STORM_LIMIT", |t| {
        values::count(t, 0, 100_000_000)
    });
    Ok(Worker {
        wake_mode: wake_mode?,
        batch_size: batch_size?,
        delivery_lease: delivery_lease?,
        delivery_max_attempts: delivery_max_attempts?,
        rule_watchdog: rule_watchdog?,
        storm_limit: storm_limit?,
    })
}

fn log(r: &mut Reader<'_>) -> Result<Log, Reported> {
    let terminal = std::io::stderr().is_terminal();
    let filter = r.value("NEUROLINK_LOG", |t| {
        tracing_subscriber::EnvFilter::try_new(t)
            .map(|_| t.to_owned())
            .map_err(|_| {
                "expected a level (error, warn, info, debug, trace) or levels by part, such as info,neurolink::queue=debug".to_owned()
            })
    });
    let json = r.value("NEUROLINK_LOG_FORMAT", |t| {
        let words = [("json", true), ("text", false), ("auto", !terminal)];
        values::word(t, &words)
    });
    let no_color = r.text("NO_COLOR").is_some();
    Ok(Log {
        filter: filter?,
        json: json?,
        color: terminal && !no_color,
    })
}

/// What must hold between groups.
fn between(r: &mut Reader<'_>, config: &Config) {
    if let Some(EmailTransport::Smtp { timeout, .. }) = &config.email.transport
        && *timeout >= config.worker.delivery_lease
    {
        // A mail still under way when its lease ends is sent a second time by somebody else.
        r.fault(
            "NEUROLINK_DELIVERY_LEASE",
            "is not longer than NEUROLINK_SMTP_TIMEOUT",
            "a mail must be through before its lease ends",
        );
    }
}
