//! What is wrong, and what to do about it. Facts come from the settings, the machine and the database (`store.rs`, reading alone);
//! each check is a file that judges them, pure; findings go to `neurolink doctor` (`model.rs`).
//! Law: nothing is written and nothing is sent, no check waits longer than [`PATIENCE`], and one that fails stops no other.

mod clock;
mod dead;
mod directory;
mod events;
mod hints;
mod inboxes;
mod listener;
mod mail;
mod mails;
mod migrations;
mod model;
mod objects;
mod pauses;
mod pins;
mod queue;
mod rights;
mod rules;
mod server;
mod settings;
mod store;
mod tables;
mod watches;
mod workers;

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

pub use model::{Check, Finding, Made, Report, Severity};

use crate::config::{Config, EmailTransport, SettingFault, WakeMode};
use crate::db::{Db, migrate};
use crate::deliveries::EmailChannel;
use crate::kernel::{Error, Result};
use crate::stream::Redis;

/// No check takes longer.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Where it begins to matter.
#[derive(Debug, Clone)]
pub struct Limits {
    /// A snapshot held for longer is told.
    pub pin: Duration,
    /// So is one that so many transactions have gone past.
    pub pin_age: i64,
    /// Work that has been due for longer is told.
    pub late: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pin: Duration::from_secs(300),
            pin_age: 2_000_000,
            late: Duration::from_secs(60),
        }
    }
}

/// Checks of the database server that need no schema of ours.
const OF_SERVER: [&str; 4] = ["server", "clock", "migrations", "listener"];
/// Those that ask our own tables.
const OF_SCHEMA: [&str; 13] = [
    "rights",
    "objects",
    "directory",
    "tables",
    "vacuum",
    "events",
    "watches",
    "rules",
    "dead work",
    "queue",
    "workers",
    "pauses",
    "inboxes",
];

impl Report {
    /// Judges the settings as their inspection shows them.
    pub fn look_at_settings(
        &mut self,
        faults: &[SettingFault],
        warnings: &[String],
        has_secret: bool,
    ) {
        self.done("settings", settings::judge(faults, warnings, has_secret));
    }

    /// The settings can't be used, so there is nothing else to ask.
    pub fn stop_at_settings(&mut self) {
        let why = "the settings can't be used";
        self.skipped(&["mail server", "redis"], why);
        self.skipped(&OF_SERVER, why);
        self.skipped(&OF_SCHEMA, why);
    }

    /// Knocks at the mail server and at Redis, where they are set.
    pub async fn look_around(&mut self, config: &Config) {
        match &config.email.transport {
            Some(EmailTransport::Smtp { .. }) => {
                let greeted = greet(config).await;
                self.done("mail server", mail::judge(&config.email, &greeted));
            }
            Some(EmailTransport::Files(_)) => self.skipped(&["mail server"], "mails go to files"),
            None => self.skipped(&["mail server"], "e-mail is not configured"),
        }
        match &config.redis_url {
            Some(url) => {
                let answered = timeout(PATIENCE, Redis::answers(url)).await;
                let answered = answered.unwrap_or_else(|_| Err("no answer in time".to_owned()));
                self.done("redis", hints::judge(&answered));
            }
            None => self.skipped(&["redis"], "REDIS_URL is not set"),
        }
    }

    /// The database can't be asked. `address` is fit to be shown.
    pub fn without_database(&mut self, config: &Config, error: &Error, address: &str) {
        self.database_away = true;
        let is_embedded = config.database.url.is_none();
        self.done("server", vec![server::away(error, address, is_embedded)]);
        let why = "the database is away";
        self.skipped(&OF_SERVER[1..], why);
        self.skipped(&OF_SCHEMA, why);
    }

    /// Asks the database everything.
    pub async fn look_at_database(
        &mut self,
        config: &Config,
        db: &Db,
        limits: &Limits,
        address: &str,
    ) {
        let server = match timeout(PATIENCE, store::server(db)).await {
            Ok(Ok(server)) => server,
            Ok(Err(error)) => return self.without_database(config, &error, address),
            Err(_) => {
                let error = Error::unavailable("no answer within 5 s");
                return self.without_database(config, &error, address);
            }
        };
        self.done("server", server::judge(&server, config.database.pool_size));
        self.check("clock", store::clock(db), clock::judge).await;
        let is_usable = self.look_at_migrations(db).await;
        self.look_at_listener(config, db).await;
        if is_usable {
            self.look_at_schema(config, db, limits, &server.role).await;
        } else {
            self.skipped(&OF_SCHEMA, "the schema isn't this version's");
        }
    }

    async fn look_at_migrations(&mut self, db: &Db) -> bool {
        match timeout(PATIENCE, migrate::check(db)).await {
            // The listener's check says that the direct address is out of reach.
            Ok(Err(error @ Error::Unavailable { .. })) => {
                self.failed("migrations", error.chain());
                true
            }
            Ok(state) => {
                let (is_usable, findings) = migrations::judge(&state);
                self.done("migrations", findings);
                is_usable
            }
            Err(_) => {
                self.failed("migrations", too_long());
                true
            }
        }
    }

    async fn look_at_listener(&mut self, config: &Config, db: &Db) {
        if config.worker.wake_mode == WakeMode::Poll {
            return self.skipped(&["listener"], "NEUROLINK_WAKE_MODE is poll");
        }
        match timeout(PATIENCE, store::hears(db)).await {
            Ok(heard) => self.done("listener", listener::judge(&heard, config)),
            Err(_) => self.failed("listener", too_long()),
        }
    }

    async fn look_at_schema(&mut self, config: &Config, db: &Db, limits: &Limits, role: &str) {
        let names = migrate::names();
        self.check("rights", store::rights(db), |rights| {
            rights::judge(role, &rights)
        })
        .await;
        self.check("objects", store::objects(db, &names), |objects| {
            objects::judge(&objects)
        })
        .await;
        self.check("directory", people(db), |findings| findings)
            .await;
        self.check("tables", store::tables(db), |tables| tables::judge(&tables))
            .await;
        self.check("vacuum", store::pins(db), |pins| pins::judge(&pins, limits))
            .await;
        self.check("events", store::events(db), events::judge).await;
        self.check("watches", store::watches(db), |watches| {
            watches::judge(&watches)
        })
        .await;
        self.check("rules", store::rules(db), |rules| rules::judge(&rules))
            .await;
        self.check("dead work", store::dead(db), |dead| dead::judge(&dead))
            .await;
        let has_email = config.email.transport.is_some();
        let waiting = async { Ok((store::queue(db).await?, store::withheld(db).await?)) };
        self.check("queue", waiting, |(places, withheld)| {
            let mut findings = queue::judge(&places, limits);
            findings.extend(mails::judge(&places, &withheld, has_email));
            findings
        })
        .await;
        self.check("workers", store::workers(db), |workers| {
            workers::judge(&workers)
        })
        .await;
        self.check("pauses", store::pauses(db), |pauses| pauses::judge(&pauses))
            .await;
        self.check("inboxes", store::drifted(db), |drifted| {
            inboxes::judge(&drifted)
        })
        .await;
    }

    /// Reads facts and judges them; what can't be read is said, and stops nothing else.
    async fn check<T>(
        &mut self,
        name: &'static str,
        facts: impl Future<Output = Result<T>>,
        judge: impl FnOnce(T) -> Vec<Finding>,
    ) {
        match timeout(PATIENCE, facts).await {
            Ok(Ok(facts)) => self.done(name, judge(facts)),
            Ok(Err(error)) => self.failed(name, error.chain()),
            Err(_) => self.failed(name, too_long()),
        }
    }
}

fn too_long() -> String {
    format!("no answer within {} s", PATIENCE.as_secs())
}

/// The directory's columns; its people only where those will do.
async fn people(db: &Db) -> Result<Vec<Finding>> {
    let columns = store::directory_columns(db).await?;
    let mut findings = directory::judge_columns(&columns);
    if findings
        .iter()
        .all(|finding| finding.severity == Severity::Note)
    {
        let read = match store::directory_people(db).await {
            // Away, or too slow: nothing is known of the view itself.
            Err(error @ Error::Unavailable { .. }) => return Err(error),
            read => read,
        };
        findings.extend(directory::judge_people(&read));
    }
    Ok(findings)
}

/// The outer error is of the settings, the inner one of the server.
async fn greet(config: &Config) -> Result<Result<(), crate::deliveries::SendError>> {
    match EmailChannel::from_config(&config.email, config.erp_url.as_deref())? {
        Some(channel) => Ok(channel.greet(PATIENCE).await),
        None => Ok(Ok(())),
    }
}
