//! `neurolink demo` as a command: an embedded database of its own, a node on it, and the company playing on that.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::{Args, Stage, perform};
use crate::app::{self, Node, Parts, database};
use crate::cli::token::{self, Holder};
use crate::cli::{Context, Exit, Outcome};
use crate::config::{Config, EmailTransport, Needs};
use crate::ingest::NewEvent;
use crate::kernel::{Result, clock, random};

/// How long the printed tokens hold.
const TOKENS: Duration = Duration::from_secs(24 * 3600);

/// Plays the demo.
///
/// # Errors
/// When it can't start (no PostgreSQL programs, address in use), or the node breaks.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let secret = random::secret(32)?;
    let mut config = context.start(Needs::TokenSecret, |sources| {
        // Its own world: no settings of a real installation reach it.
        for name in ["DATABASE_URL", "NEUROLINK_LISTEN_DATABASE_URL", "REDIS_URL", "SMTP_ENABLED", "NEUROLINK_EMAIL_DIR"] {
            sources.set(name, "");
        }
        sources.set("JWT_SECRET_KEY", secret);
        sources.set("NEUROLINK_EMAIL_FROM", "TSH ERP <erp@tsh.example>");
        sources.set("NEUROLINK_ERP_URL", "https://erp.tsh.example");
        if sources.get("NEUROLINK_LOG").is_none() {
            sources.set("NEUROLINK_LOG", "warn");
        }
        if args.once && sources.get("NEUROLINK_LISTEN").is_none() {
            // Nobody looks around in one round, so no port needs to be free.
            sources.set("NEUROLINK_LISTEN", "127.0.0.1:0");
        }
    })?;
    config.data_dir = config.data_dir.join("demo");
    let email_dir = config.data_dir.join("mail");
    config.email.transport = Some(EmailTransport::Files(email_dir.clone()));

    let opened = database::open(&config, database::Purpose::Service).await?;
    let played = on_stage(&args, context, &config, &opened, email_dir).await;
    let closed = opened.close().await;
    let good = played?;
    closed?;
    Ok(if good { Exit::Done } else { Exit::Failed })
}

async fn on_stage(
    args: &Args,
    context: &Context,
    config: &Config,
    opened: &database::Opened,
    email_dir: PathBuf,
) -> Result<bool> {
    app::prepare(config, opened).await?;
    let node = Node::start(config, opened.db.clone(), Parts { api: true, worker: true }).await?;
    let stop = CancellationToken::new();
    let asked = stop.clone();
    let watcher = tokio::spawn(async move {
        if app::told_to_stop().await.is_ok() {
            asked.cancel();
        }
    });
    let writer = node.writer().clone();
    let entrance = move |events: Vec<NewEvent>| -> BoxFuture<'static, Result<()>> {
        let writer = writer.clone();
        Box::pin(async move { writer.submit_all(events).await.map(|_| ()) })
    };
    let auth = config.auth()?.clone();
    let tokens = move |sub: &str, roles: &[&str], branches: &[&str]| {
        let owned = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (roles, branches) = (owned(roles), owned(branches));
        let holder = Holder { sub, roles: &roles, branches: &branches };
        Ok(token::issue(&auth, holder, clock::now(), TOKENS)?.token)
    };
    let base_url = node.address().map(|address| format!("http://{address}")).unwrap_or_default();
    let psql = opened.embedded.as_ref().map(|embedded| embedded.psql());
    let stage = Stage {
        db: node.db(),
        entrance: &entrance,
        tokens: &tokens,
        email_dir: &email_dir,
        base_url: &base_url,
        psql: psql.as_deref().unwrap_or_default(),
        stop,
    };
    let played = perform(args, &stage, &mut std::io::stdout(), context.output().colors.0).await;
    watcher.abort();
    drop(stage);
    node.stop().await;
    played
}
