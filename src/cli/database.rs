//! How a command that does one thing opens the database: by the settings, and lets it go whatever comes of the work.

use crate::app::database::{self, Purpose};
use crate::cli::{Context, Exit, Failure, Outcome};
use crate::config::{Config, Needs};
use crate::db::Db;

/// Ends with the work's outcome, and lets the database go whatever it was: what went wrong first is what is told.
pub(super) async fn with_database<F>(context: &Context, work: F) -> Outcome
where
    F: AsyncFnOnce(&Config, &Db) -> Outcome,
{
    let config = context.config(Needs::Nothing)?;
    let opened = database::open(&config, Purpose::Command).await?;
    let outcome: Result<Exit, Failure> = work(&config, &opened.db).await;
    let closed = opened.close().await;
    let exit = outcome?;
    closed?;
    Ok(exit)
}
