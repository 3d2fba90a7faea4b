//! The one table of settings: name, what a value looks like, default, what it is for, whether it may be shown.
//! `load` takes defaults from here, `neurolink config` and the documents are printed from here.

/// How a value is shown by `neurolink config`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// As it is.
    Plain,
    /// `***`.
    Masked,
    /// A database's or Redis's address, its password masked.
    Address,
}

/// What holds when a setting isn't given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// This value, written as one would write it.
    Value(&'static str),
    /// Something that depends on the machine or on other settings, in words.
    Told(&'static str),
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The variable's name.
    pub name: &'static str,
    /// What a value looks like, in a word or two.
    pub kind: &'static str,
    /// What holds when it isn't given.
    pub fallback: Fallback,
    /// A value to copy, where the default isn't one.
    pub example: &'static str,
    /// What it is for, in a sentence.
    pub about: &'static str,
    /// How its value is shown.
    pub shown: Shown,
}

/// Settings that belong together.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// Heading.
    pub title: &'static str,
    /// Its settings, in the order they are read about.
    pub settings: &'static [Setting],
}

const fn value(
    name: &'static str,
    kind: &'static str,
    default: &'static str,
    about: &'static str,
) -> Setting {
    Setting {
        name,
        kind,
        fallback: Fallback::Value(default),
        example: default,
        about,
        shown: Shown::Plain,
    }
}

const fn told(
    name: &'static str,
    kind: &'static str,
    default: &'static str,
    example: &'static str,
    about: &'static str,
) -> Setting {
    Setting {
        name,
        kind,
        fallback: Fallback::Told(default),
        example,
        about,
        shown: Shown::Plain,
    }
}

impl Setting {
    const fn shown(mut self, shown: Shown) -> Self {
        self.shown = shown;
        self
    }

    /// The default as one would write it; `None` when it depends on something.
    #[must_use]
    pub const fn default(&self) -> Option<&'static str> {
        match self.fallback {
            Fallback::Value(text) => Some(text),
            Fallback::Told(_) => None,
        }
    }
}

/// Every setting there is.
#[rustfmt::skip] // a table: one entry, two or three lines
pub const GROUPS: &[Group] = &[
    Group { title: "Database", settings: &[
        told("DATABASE_URL", "address", "the embedded PostgreSQL in the data folder", "postgresql://neurolink:password@127.0.0.1:5432/erp",
            "The ERP's PostgreSQL, 14 or newer. `postgresql+asyncpg://` is understood too.").shown(Shown::Address),
        told("NEUROLINK_LISTEN_DATABASE_URL", "address", "`DATABASE_URL`", "postgresql://neurolink:password@127.0.0.1:5432/erp",
            "Beside a PgBouncer (in transaction mode 1.22.1 or newer: older ones lose track of COPY): the same database without it, for the listener and `migrate`.").shown(Shown::Address),
        value("NEUROLINK_AUTO_MIGRATE", "true or false", "false",
            "Lets `serve` and `worker` migrate a server database at start. The embedded one always is."),
        value("NEUROLINK_DB_POOL_SIZE", "5 to 500", "10",
            "Most pooled connections of one process."),
        value("NEUROLINK_DB_STATEMENT_TIMEOUT", "duration", "30s",
            "Longest a single statement may run."),
        told("NEUROLINK_DATA_DIR", "folder", "`/var/lib/neurolink` for root, else `neurolink` in the XDG data folder", "/var/lib/neurolink",
            "Where the embedded database and other files of ours live."),
    ]},
    Group { title: "HTTP", settings: &[
        value("NEUROLINK_LISTEN", "address:port", "127.0.0.1:8002",
            "Where the API listens. Put a TLS proxy in front before it leaves the machine."),
        value("NEUROLINK_MAX_BODY_BYTES", "size", "1MiB",
            "Largest request body; more is answered with 413."),
        told("NEUROLINK_CORS_ORIGINS", "origins, commas between", "none but our own", "https://erp.tsh.example",
            "Origins whose pages may call the API from a browser."),
        value("NEUROLINK_SSE_HEARTBEAT", "duration", "15s",
            "How often a quiet stream shows that it is alive."),
        value("NEUROLINK_SHUTDOWN_TIMEOUT", "duration", "20s",
            "On shutdown, how long open work may take to finish before it is given back."),
        value("NEUROLINK_METRICS_PUBLIC", "true or false", "false",
            "Lets anybody read `/metrics`; else it takes an auditor's or admin's token."),
    ]},
    Group { title: "Who is who", settings: &[
        told("JWT_SECRET_KEY", "secret, 32 bytes or more", "none; `serve` and `token` need it", "",
            "The secret the ERP signs its HS256 tokens with. `openssl rand -base64 48` makes one.").shown(Shown::Masked),
        told("NEUROLINK_JWT_ISSUER", "text", "not asked for", "tsh-erp",
            "The `iss` a token must have."),
        told("NEUROLINK_JWT_AUDIENCE", "text", "not asked for", "neurolink",
            "The `aud` a token must have."),
        value("NEUROLINK_JWT_SUBJECT_CLAIM", "claim", "sub",
            "The claim that holds the user's id."),
        value("NEUROLINK_JWT_ROLES_CLAIM", "claim", "roles",
            "The claim that holds the user's roles; a single `role` is read too."),
        value("NEUROLINK_JWT_BRANCHES_CLAIM", "claim", "branch_ids",
            "The claim that holds the user's branches; a single `branch_id` is read too."),
        value("NEUROLINK_ROLE_ADMIN", "role", "admin",
            "The role that may do everything."),
        value("NEUROLINK_ROLE_PRODUCER", "role", "producer",
            "The role that may bring events in."),
        value("NEUROLINK_ROLE_AUDITOR", "role", "auditor",
            "The role that may read everything."),
    ]},
    Group { title: "Worker", settings: &[
        value("NEUROLINK_WAKE_MODE", "gated, always or poll", "gated",
            "How new events wake a sleeping worker: `gated` notifies only when somebody sleeps, `always` with every insert, `poll` never (behind poolers that can't LISTEN)."),
        value("NEUROLINK_BATCH_SIZE", "1 to 5000", "1000",
            "Events taken from the queue at once."),
        value("NEUROLINK_DELIVERY_LEASE", "duration", "2m",
            "How long one attempt of a delivery may take before another worker takes it over."),
        value("NEUROLINK_DELIVERY_MAX_ATTEMPTS", "1 to 100", "8",
            "Attempts of a delivery before it is dead."),
        value("NEUROLINK_RULE_WATCHDOG", "duration", "5s",
            "An event evaluated for longer makes its rule faulty."),
        value("NEUROLINK_STORM_LIMIT", "0 to 100000000", "60000",
            "Notifications a minute that a rule may tell on one node; one that wants to tell more is held until somebody releases it, and its owner is told. 0 = no limit. A rule's own `storm_limit` goes first."),
    ]},
    Group { title: "E-mail", settings: &[
        value("SMTP_ENABLED", "true or false", "false",
            "Sends e-mail by `SMTP_HOST`. Without it and without a folder for mails, e-mail is not configured and its deliveries are suppressed."),
        told("SMTP_HOST", "host", "none; needed with `SMTP_ENABLED=true`", "mail.tsh.example",
            "The mail server."),
        told("SMTP_PORT", "1 to 65535", "587 for starttls, 465 for tls, 25 for none", "587",
            "The mail server's port."),
        told("SMTP_USER", "text", "no login", "neurolink",
            "Who logs in at the mail server; comes with `SMTP_PASSWORD`."),
        told("SMTP_PASSWORD", "secret", "no login", "",
            "The mail server's password.").shown(Shown::Masked),
        value("NEUROLINK_SMTP_SECURITY", "starttls, tls or none", "starttls",
            "How the way to the mail server is encrypted. `starttls` refuses a server that can't."),
        told("NEUROLINK_SMTP_CA_FILE", "file", "the system's authorities", "/etc/neurolink/mail-ca.pem",
            "A PEM file of authorities to trust too, for a private one."),
        value("NEUROLINK_SMTP_TIMEOUT", "duration", "30s",
            "Longest one mail may take; less than the lease."),
        told("NEUROLINK_EMAIL_FROM", "mailbox", "none; needed with e-mail", "TSH ERP <erp@tsh.example>",
            "Who mails come from."),
        told("NEUROLINK_EMAIL_DIR", "folder", "none", "/var/lib/neurolink/mail",
            "Writes mails to files (`.eml`) here instead of sending them: for demos and tests."),
        value("NEUROLINK_EMAIL_CONCURRENCY", "1 to 200", "16",
            "Mails under way at once."),
        told("NEUROLINK_ERP_URL", "http(s) address", "none; relative links are left out of mails", "https://erp.tsh.example",
            "What relative links are made absolute with in mails."),
    ]},
    Group { title: "Between nodes", settings: &[
        told("REDIS_URL", "address", "none; PostgreSQL carries the hints", "redis://127.0.0.1:6379/0",
            "Carries the hints that an inbox changed from node to node.").shown(Shown::Address),
    ]},
    Group { title: "Logs", settings: &[
        value("NEUROLINK_LOG", "filter", "info",
            "What is logged: a level (error, warn, info, debug, trace), or levels by part: `info,neurolink::queue=debug`. Commands that end by themselves log warnings only, unless it is set."),
        value("NEUROLINK_LOG_FORMAT", "json, text or auto", "auto",
            "`auto` is text on a terminal, JSON elsewhere. Logs go to standard error."),
        told("NO_COLOR", "anything", "colours on a terminal", "1",
            "Switches colours off (no-color.org)."),
    ]},
];

/// All settings, in the table's order.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    GROUPS.iter().flat_map(|group| group.settings.iter())
}

/// The setting of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.name == name)
}
