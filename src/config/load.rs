//! Texts to settings: group by group, then what must hold between them. From a lookup by name (`Sources::lookup`, or any
//! closure) to a `Config`, or to every fault there is.

use std::io::IsTerminal as _;

use crate::config::reader::{Findings, Lookup, Reader, Reported};
use crate::config::{
    Auth, Config, Database, Email, EmailTransport, Http, Log, SettingFault, SmtpSecurity, WakeMode,
    Worker, addresses, database_url, values,
};
use crate::kernel::Secret;

/// Shorter secrets can be guessed from a single token (RFC 7518 §3.2 asks as many bytes as the hash has).
const SECRET_BYTES: usize = 32;

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
    let auth = auth(r, needs);
    let worker = worker(r);
    let email = email(r);
    let erp_url = r.optional("NEUROLINK_ERP_URL", addresses::web);
    let redis_url = r.optional("REDIS_URL", addresses::redis);
    let log = log(r);
    let config = Config {
        database: database?,
        http: http?,
        auth: auth?,
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
    let pool_size = r.value("NEUROLINK_DB_POOL_SIZE", |t| values::count(t, 2, 500));
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

fn auth(r: &mut Reader<'_>, needs: Needs) -> Result<Option<Auth>, Reported> {
    let secret = r.optional("JWT_SECRET_KEY", secret);
    let secret = match (secret, needs) {
        (Ok(None), Needs::TokenSecret) => Err(r.fault(
            "JWT_SECRET_KEY",
            "is not set",
            "tokens are signed with it; give the secret the ERP signs with, or make one with `openssl rand -base64 48`",
        )),
        (secret, _) => secret,
    };
    let issuer = r.optional("NEUROLINK_JWT_ISSUER", |t| Ok(t.to_owned()));
    let audience = r.optional("NEUROLINK_JWT_AUDIENCE", |t| Ok(t.to_owned()));
    let subject = distinct(r, CLAIMS, RESERVED);
    let roles = distinct(r, ROLES, &[]);
    let (secret, issuer, audience) = (secret?, issuer?, audience?);
    let [subject_claim, roles_claim, branches_claim] = subject?;
    let [admin_role, producer_role, auditor_role] = roles?;
    Ok(secret.map(|secret| Auth {
        secret,
        issuer,
        audience,
        subject_claim,
        roles_claim,
        branches_claim,
        admin_role,
        producer_role,
        auditor_role,
    }))
}

const CLAIMS: [&str; 3] = [
    "NEUROLINK_JWT_SUBJECT_CLAIM",
    "NEUROLINK_JWT_ROLES_CLAIM",
    "NEUROLINK_JWT_BRANCHES_CLAIM",
];
const ROLES: [&str; 3] = [
    "NEUROLINK_ROLE_ADMIN",
    "NEUROLINK_ROLE_PRODUCER",
    "NEUROLINK_ROLE_AUDITOR",
];
/// Claims whose meaning RFC 7519 fixes.
const RESERVED: &[&str] = &["exp", "nbf", "iat", "iss", "aud", "jti"];

/// Three names that must differ: the same claim or role for two things would give rights by accident.
fn distinct(
    r: &mut Reader<'_>,
    settings: [&'static str; 3],
    reserved: &[&str],
) -> Result<[String; 3], Reported> {
    let [a, b, c] = settings.map(|setting| r.value(setting, values::name));
    let names = [a?, b?, c?];
    let mut result = Ok(());
    for (index, name) in names.iter().enumerate() {
        if reserved.contains(&name.as_str()) {
            let right = "this claim has a fixed meaning of its own; expected another name";
            result = Err(r.fault(settings[index], format!("is `{name}`"), right));
        }
        if let Some(earlier) = names[..index].iter().position(|other| other == name) {
            let right = format!(
                "{} is that already; expected another name",
                settings[earlier]
            );
            result = Err(r.fault(settings[index], format!("is `{name}`"), right));
        }
    }
    result.map(|()| names)
}

fn secret(text: &str) -> Result<Secret, String> {
    if text.len() < SECRET_BYTES {
        return Err(format!(
            "it has {} bytes, at least {SECRET_BYTES} are needed; `openssl rand -base64 48` makes one",
            text.len()
        ));
    }
    Ok(Secret::new(text))
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
    Ok(Worker {
        wake_mode: wake_mode?,
        batch_size: batch_size?,
        delivery_lease: delivery_lease?,
        delivery_max_attempts: delivery_max_attempts?,
        rule_watchdog: rule_watchdog?,
    })
}

fn email(r: &mut Reader<'_>) -> Result<Email, Reported> {
    let from = r.optional("NEUROLINK_EMAIL_FROM", addresses::mailbox);
    let concurrency = r.value("NEUROLINK_EMAIL_CONCURRENCY", |t| values::count(t, 1, 200));
    let folder = r.optional("NEUROLINK_EMAIL_DIR", addresses::path);
    let enabled = r.value("SMTP_ENABLED", values::boolean);
    let smtp = smtp(r, matches!(enabled, Ok(true)));
    let from = match (from, &folder, &enabled) {
        (Ok(None), Ok(Some(_)), _) | (Ok(None), _, Ok(true)) => Err(r.fault(
            "NEUROLINK_EMAIL_FROM",
            "is not set",
            "mails need a sender, such as TSH ERP <erp@tsh.example>",
        )),
        (from, _, _) => from,
    };
    let transport = match (folder?, enabled?) {
        (Some(_), true) => {
            return Err(r.fault(
                "NEUROLINK_EMAIL_DIR",
                "is set beside SMTP_ENABLED=true",
                "mails go to files or to a server: take one of the two away",
            ));
        }
        (Some(folder), false) => Some(EmailTransport::Files(folder)),
        (None, true) => smtp?,
        (None, false) => {
            smtp?;
            None
        }
    };
    Ok(Email {
        from: from?.unwrap_or_default(),
        transport,
        concurrency: concurrency?,
    })
}

/// The mail server; its settings are checked even while it is switched off, so that switching it on holds no surprise.
fn smtp(r: &mut Reader<'_>, enabled: bool) -> Result<Option<EmailTransport>, Reported> {
    let host = r.optional("SMTP_HOST", addresses::host);
    let security = r.value("NEUROLINK_SMTP_SECURITY", |t| {
        let words = [
            ("starttls", SmtpSecurity::StartTls),
            ("tls", SmtpSecurity::Tls),
            ("none", SmtpSecurity::None),
        ];
        values::word(t, &words)
    });
    let port = r.optional("SMTP_PORT", |t| values::count(t, 1, u16::MAX));
    let user = r.optional("SMTP_USER", |t| Ok(t.to_owned()));
    let password = r.optional("SMTP_PASSWORD", |t| Ok(Secret::new(t)));
    let ca_file = r.optional("NEUROLINK_SMTP_CA_FILE", addresses::path);
    let timeout = r.value("NEUROLINK_SMTP_TIMEOUT", |t| {
        values::duration_within(t, "1s", "10m")
    });
    let (user, password) = (user?, password?);
    let alone = match (&user, &password) {
        (Some(_), None) => Some(("SMTP_PASSWORD", "SMTP_USER")),
        (None, Some(_)) => Some(("SMTP_USER", "SMTP_PASSWORD")),
        _ => None,
    };
    if let (Some((missing, given)), true) = (alone, enabled) {
        r.fault(
            missing,
            "is not set",
            format!("{given} is, and a login needs both"),
        );
    }
    let host = match host {
        Ok(None) if enabled => Err(r.fault(
            "SMTP_HOST",
            "is not set",
            "SMTP_ENABLED=true needs the mail server's name",
        )),
        host => host,
    };
    let security = security?;
    let given_port = port?;
    let port = given_port.unwrap_or(match security {
        SmtpSecurity::StartTls => 587,
        SmtpSecurity::Tls => 465,
        SmtpSecurity::None => 25,
    });
    if given_port.is_none() {
        r.computed("SMTP_PORT", port.to_string());
    }
    let (ca_file, timeout) = (ca_file?, timeout?);
    Ok(host?.filter(|_| enabled).map(|host| EmailTransport::Smtp {
        host,
        port,
        user,
        password,
        security,
        ca_file,
        timeout,
    }))
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
