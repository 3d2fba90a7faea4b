//! Start-up, wiring, orderly shutdown. The one place that knows every room by name.

pub mod database;
pub mod node;
pub mod openapi;
mod routes;
mod works;

use crate::config::Config;
use crate::db::{Db, migrate};
use crate::kernel::{Error, Result};

pub use node::Node;

/// What of the product a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// HTTP: ingest, inboxes, streams.
    pub api: bool,
    /// Jobs: events evaluated, deliveries sent.
    pub worker: bool,
}

/// Runs until SIGTERM, SIGINT, or something breaks that can't be mended by waiting; then stops in good order.
///
/// # Errors
/// When it can't start (the database is away or not migrated, the address is taken), or the embedded database died.
pub async fn run(config: Config, parts: Parts) -> Result<()> {
    let opened = database::open(&config, database::Purpose::Service).await?;
    let served = serve(&config, parts, &opened).await;
    // What went wrong first is what is told.
    let closed = opened.close().await;
    served?;
    closed
}

async fn serve(config: &Config, parts: Parts, opened: &database::Opened) -> Result<()> {
    prepare(config, opened).await?;
    let node = Node::start(config, opened.db.clone(), parts).await?;
    let ended = tokio::select! {
        signal = told_to_stop() => signal.map(|name| tracing::info!(signal = name, "stopping")),
        () = died(opened) => Err(Error::broken("the embedded database has stopped by itself; its log says why")),
    };
    node.stop().await;
    ended
}

async fn died(opened: &database::Opened) {
    match &opened.embedded {
        Some(embedded) => embedded.died().await,
        None => std::future::pending().await,
    }
}

/// Brings the schema up, where this process may, and else says what is to be done.
///
/// # Errors
/// When the schema is missing or too new.
pub async fn prepare(config: &Config, opened: &database::Opened) -> Result<()> {
    let may_migrate = opened.embedded.is_some() || config.database.auto_migrate;
    if may_migrate {
        let report = migrate::run(&opened.db).await?;
        if report.changed() {
            tracing::info!(db.schema = report.schema, migrations = ?report.applied, "the schema was brought up to date");
        }
        return Ok(());
    }
    ready(&opened.db).await
}

async fn ready(db: &Db) -> Result<()> {
    let state = migrate::check(db).await?;
    if state.is_ready() {
        return Ok(());
    }
    Err(Error::invalid("not_migrated", state.to_string()))
}

/// Resolves with the name of the signal that asks this process to stop.
///
/// # Errors
/// When the system doesn't let us listen for signals.
pub async fn told_to_stop() -> Result<&'static str> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen =
        |kind| signal(kind).map_err(|e| Error::internal("signals can't be listened for", e));
    let (mut terminate, mut interrupt) = (
        listen(SignalKind::terminate())?,
        listen(SignalKind::interrupt())?,
    );
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}
