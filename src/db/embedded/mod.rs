//! The embedded default: a private PostgreSQL cluster in our data directory, run by the server programs that are
//! installed. Made, started and stopped here; everybody else gets a `tokio_postgres::Config` and can't tell the difference.
//! Law: Unix socket in a folder of our own, passwords for all, one owner of a data directory at a time.

mod account;
mod cluster;
mod guard;
mod orphan;
mod place;
mod process;
mod programs;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::kernel::{Error, Result, Secret, clock};
use guard::{Claim, Role, Users};
use place::Place;
use process::Process;

/// Name of the database, and of its owner.
const NAME: &str = "neurolink";

/// The socket's folder is ours alone, so the number only has to be the same on both ends.
const PORT: u16 = 5432;

/// How long a service waits for a command that has started the database for itself, and a command for a database that
/// is starting or stopping.
const PATIENCE: Duration = Duration::from_secs(45);

/// How long a command that started the database lets others finish that have joined it.
const COMPANY: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(50);

/// A running embedded database: ours, or another process's that we have joined.
#[derive(Debug)]
pub struct Embedded {
    place: Place,
    password: Secret,
    hold: Hold,
}

#[derive(Debug)]
enum Hold {
    /// We run it. Dropping asks it to stop, without waiting.
    Owner {
        process: Process,
        claim: Claim,
        temporary: bool,
    },
    /// Another process runs it, and waits for us if it is only a command itself.
    Guest { _users: Users },
}

impl Embedded {
    /// Makes the cluster if there is none, starts it, and owns it until [`Embedded::stop`]: for the service. A server left
    /// behind by a crash is stopped first; the recovery that follows is PostgreSQL's.
    ///
    /// # Errors
    /// `Internal` with a sentence for the operator: another service owns the directory, no server programs, no right to
    /// the directory, a server that won't start (with its last words).
    pub async fn start(data_dir: &Path) -> Result<Self> {
        let place = prepare(data_dir).await?;
        let begun = clock::instant();
        loop {
            if let Some(claim) = Claim::take(&place, Role::Service)? {
                return Self::own(place, claim, false).await;
            }
            let holder = guard::holder(&place);
            // A command is through in a moment; another service is not.
            if holder.role == Some(Role::Service) || begun.elapsed() > PATIENCE {
                return Err(Error::broken(format!(
                    "another neurolink (process {}) is using the data directory {}; stop it, or give this one a \
                     directory of its own with NEUROLINK_DATA_DIR",
                    holder.pid,
                    place.root.display()
                )));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Joins the database of a running service, or starts it for as long as this command takes.
    ///
    /// # Errors
    /// As [`Embedded::start`], and when the service that owns the directory doesn't come up.
    pub async fn attach_or_start(data_dir: &Path) -> Result<Self> {
        let place = prepare(data_dir).await?;
        let begun = clock::instant();
        loop {
            // While we hold this, a command that runs the database doesn't stop it.
            if let Some(users) = Users::join(&place)? {
                if let Some(claim) = Claim::take(&place, Role::Command)? {
                    drop(users);
                    return Self::own(place, claim, true).await;
                }
                if guard::holder(&place).ready {
                    let password = cluster::read_password(&place)?;
                    let guest = Self {
                        place: place.clone(),
                        password,
                        hold: Hold::Guest { _users: users },
                    };
                    if connect(&guest.config()).await.is_ok() {
                        return Ok(guest);
                    }
                }
            }
            if begun.elapsed() > PATIENCE {
                return Err(Error::broken(format!(
                    "the database in {} belongs to process {}, and doesn't answer",
                    place.root.display(),
                    guard::holder(&place).pid
                )));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn own(place: Place, mut claim: Claim, temporary: bool) -> Result<Self> {
        let made = {
            let place = place.clone();
            blocking(move || cluster::ensure(&place)).await?
        };
        orphan::stop_orphan(&place).await?;
        let process = Process::start(&place, &made.programs).await?;
        let this = Self {
            place,
            password: made.password,
            // From here on dropping `this`, on any error, stops the server.
            hold: Hold::Owner {
                process,
                claim: claim.share()?,
                temporary,
            },
        };
        this.until_ready().await?;
        claim.announce_ready()?;
        Ok(this)
    }

    /// How to connect.
    #[must_use]
    pub fn config(&self) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config
            .host_path(&self.place.socket)
            .port(PORT)
            .user(NAME)
            .password(self.password.expose())
            .dbname(NAME)
            .ssl_mode(tokio_postgres::config::SslMode::Disable)
            .application_name("neurolink");
        config
    }

    /// How `psql` gets there, as a shell takes it.
    #[must_use]
    pub fn psql(&self) -> String {
        let (socket, password) = (self.socket_dir().display(), self.password_file());
        let password = password.display();
        format!("PGPASSFILE={password} psql -h {socket} -U {NAME} {NAME}")
    }

    /// The folder of the socket: `psql -h <folder> -U neurolink`.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.place.socket
    }

    /// The password, in the form of a `PGPASSFILE`.
    #[must_use]
    pub fn password_file(&self) -> PathBuf {
        self.place.password_file()
    }

    /// Whether this process runs the server (and not another one that it has joined).
    #[must_use]
    pub fn is_owner(&self) -> bool {
        matches!(self.hold, Hold::Owner { .. })
    }

    /// Ends when the server has ended without being asked to; never for a server that another process runs.
    pub async fn died(&self) {
        match &self.hold {
            Hold::Owner { process, .. } => process.exited().await,
            Hold::Guest { .. } => std::future::pending().await,
        }
    }

    /// Stops the server if it is ours: connections are ended, everything is written, and it is gone when this returns.
    ///
    /// # Errors
    /// When it had to be killed; the next start recovers.
    pub async fn stop(self) -> Result<()> {
        let Self { place, hold, .. } = self;
        let Hold::Owner {
            process,
            claim,
            temporary,
        } = hold
        else {
            return Ok(());
        };
        // Commands that came while we ran it. Whoever comes from now on waits for us, and then runs it itself.
        let alone = if temporary {
            Users::alone(&place, COMPANY).await?
        } else {
            None
        };
        let stopped = process.stop().await;
        drop(claim);
        drop(alone);
        stopped
    }

    async fn until_ready(&self) -> Result<()> {
        let Hold::Owner { process, .. } = &self.hold else {
            return Ok(());
        };
        let mut config = self.config();
        config.dbname("postgres");
        let begun = clock::instant();
        let mut said = 0;
        let client = loop {
            let error = match connect(&config).await {
                Ok(client) => break client,
                Err(error) => error,
            };
            if process.has_exited() {
                return Err(process.last_words(&self.place));
            }
            if error.code() == Some(&tokio_postgres::error::SqlState::INVALID_PASSWORD) {
                return Err(Error::broken(format!(
                    "the embedded database doesn't take the password in {}; put the right file back",
                    self.place.password_file().display()
                )));
            }
            // Replaying what a crash left behind takes as long as it takes.
            let seconds = begun.elapsed().as_secs();
            if seconds / 10 > said {
                said = seconds / 10;
                tracing::info!(seconds, "the embedded database is still starting");
            }
            tokio::time::sleep(POLL).await;
        };
        let there = client
            .query_opt("select from pg_database where datname = $1", &[&NAME])
            .await?;
        if there.is_none() {
            client
                .batch_execute(&format!("create database {NAME}"))
                .await?;
        }
        Ok(())
    }
}

async fn prepare(data_dir: &Path) -> Result<Place> {
    let data_dir = data_dir.to_owned();
    blocking(move || Place::prepare(&data_dir)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Error::internal("preparing the embedded database was interrupted", e))?
}

async fn connect(
    config: &tokio_postgres::Config,
) -> std::result::Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the embedded database ended");
        }
    });
    Ok(client)
}
