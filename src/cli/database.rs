//! The database as a command opens it: the server of `DATABASE_URL`, or the embedded one, joined where a service runs it
//! and else started for as long as the command takes.

use crate::config::Config;
use crate::db::{Db, Embedded};
use crate::kernel::{Error, Result, Secret};

/// A command does one thing after the other, and a piece of it beside.
const CONNECTIONS: usize = 4;

/// An open database.
pub(super) struct Opened {
    /// Access to it.
    pub(super) db: Db,
    embedded: Option<Embedded>,
}

/// Opens the database for a command.
///
/// # Errors
/// As [`Embedded::attach_or_start`]; a server that is away is an error of the first call, not of this one.
pub(super) async fn open(config: &Config) -> Result<Opened> {
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
            let embedded = Embedded::attach_or_start(&config.data_dir).await?;
            (embedded.config(), embedded.config(), Some(embedded))
        }
    };
    let size = database.pool_size.min(CONNECTIONS);
    let db = Db::open(pooled, direct, size, database.statement_timeout)?;
    Ok(Opened { db, embedded })
}

impl Opened {
    /// Lets it go; an embedded one that this command started stops in good order.
    ///
    /// # Errors
    /// When the embedded one can't be stopped.
    pub(super) async fn close(self) -> Result<()> {
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
