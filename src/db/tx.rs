//! A transaction on a pooled connection that can't leak: dropped unfinished (an error's `?`, a cancelled future), its
//! connection leaves the pool and is closed, and the server rolls back.

use std::ops::Deref;

use crate::db::{Client, Db};
use crate::kernel::Result;

/// An open transaction. Statements go to the connection it derefs to.
pub struct Tx {
    client: Option<Client>,
}

impl Tx {
    /// Begins.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin(db: &Db) -> Result<Self> {
        let tx = Self::unbegun(db.client().await?);
        tx.batch_execute("begin").await?;
        Ok(tx)
    }

    /// Begins in somebody's name, as the audit log is to have it.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin_as(db: &Db, actor: &str) -> Result<Self> {
        let tx = Self::unbegun(db.client().await?);
        let act = tx
            .prepare_cached(include_str!("../../sql/queries/db/act_as.sql"))
            .await?;
        // One flight: what is sent first is run first.
        let who: [&(dyn tokio_postgres::types::ToSql + Sync); 1] = [&actor];
        let (begun, named) = futures_util::join!(tx.batch_execute("begin"), tx.execute(&act, &who));
        begun?;
        named?;
        Ok(tx)
    }

    /// Begins in the name of whoever asks; `None` = of the database's role, as a command does.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin_for(db: &Db, actor: Option<&str>) -> Result<Self> {
        match actor {
            Some(actor) => Self::begin_as(db, actor).await,
            None => Self::begin(db).await,
        }
    }

    /// Holds a connection on which the caller sends `begin` itself, in one flight with its first statement.
    #[must_use]
    pub fn unbegun(client: Client) -> Self {
        Self {
            client: Some(client),
        }
    }

    /// Commits, and gives the connection back.
    ///
    /// # Errors
    /// The database's. The outcome is then unknown.
    pub async fn commit(mut self) -> Result<()> {
        self.batch_execute("commit").await?;
        self.client.take();
        Ok(())
    }

    /// The caller has sent `commit` in one flight with the last statements, and every one of them has succeeded.
    pub fn committed(mut self) {
        self.client.take();
    }

    /// Rolls back, and gives the connection back.
    ///
    /// # Errors
    /// The database's; the server has then rolled back by itself.
    pub async fn rollback(mut self) -> Result<()> {
        self.batch_execute("rollback").await?;
        self.client.take();
        Ok(())
    }
}

impl Deref for Tx {
    type Target = Client;

    fn deref(&self) -> &Client {
        match &self.client {
            Some(client) => client,
            // Only the consuming methods and drop take it.
            None => unreachable!("a finished transaction is gone"),
        }
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            drop(deadpool_postgres::Object::take(client));
        }
    }
}
