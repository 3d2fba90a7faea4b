//! The database as a process opens it: the server of `DATABASE_URL`, or the embedded one — owned by a service, joined (or
//! started for as long as it takes) by a command.

use crate::config::Config;
use crate::db::{Db, Embedded};
use crate::kernel::{Error, Result, Secret};

/// A command does one thing after the other, and a piece of it beside.
const COMMAND_CONNECTIONS: usize = 4;

/// What the database is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A process that stays: owns the embedded database.
    Service,
    /// A process that ends by itself: joins it.
    Command,
}

/// An open database.
pub struct Opened {
    /// Access to it.
    pub db: Db,
    /// The embedded one, where it is that.
    pub embedded: Option<Embedded>,
}

/// Opens the database.
///
/// # Errors
/// As [`Embedded::start`] and [`Embedded::attach_or_start`]; a server that is away is an error of the first call, not of
/// this one.
pub async fn open(config: &Config, purpose: Purpose) -> Result<Opened> {
    let database = &config.database;
    let (pooled, direct, embedded) = match &database.url {
        Some(url) => {
            let pooled = driver(url)?;
            let direct = match &database.listen_url {
                Some(direct) => driver(direct)?,
                None => pooled.clone(),
            };
            (pooled, direct, None)
        }
        None => {
            let embedded = match purpose {
                Purpose::Service => {
                    let embedded = Embedded::start(&config.data_dir).await?;
                    let psql = embedded.psql();
                    tracing::info!(
                        psql,
                        "the embedded database is up; this is how to look at it"
                    );
                    embedded
                }
                Purpose::Command => Embedded::attach_or_start(&config.data_dir).await?,
            };
            (embedded.config(), embedded.config(), Some(embedded))
        }
    };
    let size = match purpose {
        Purpose::Service => database.pool_size,
        Purpose::Command => database.pool_size.min(COMMAND_CONNECTIONS),
    };
    let db = Db::open(pooled, direct, size, database.statement_timeout)?;
    Ok(Opened { db, embedded })
}

impl Opened {
    /// Lets it go; an embedded one that this process started stops in good order.
    ///
    /// # Errors
    /// When the embedded one can't be stopped.
    pub async fn close(self) -> Result<()> {
        self.db.close();
        match self.embedded {
            Some(embedded) => embedded.stop().await,
            None => Ok(()),
        }
    }
}

/// The settings have checked the address already.
fn driver(url: &Secret) -> Result<tokio_postgres::Config> {
    url.expose()
        .parse()
        .map_err(|error| Error::internal("the database's address can't be understood", error))
}
