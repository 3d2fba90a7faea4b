//! `neurolink serve`: the API, and unless told otherwise the workers too, until it is told to stop.

use crate::app::{self, Parts};
use crate::cli::{Context, Exit, Outcome};
use crate::config::Needs;

const EXAMPLES: &str = "\
Examples:
  neurolink serve                          API and workers; without DATABASE_URL, all of it embedded
  neurolink serve --no-worker --listen 0.0.0.0:8002
  neurolink --env-file /etc/neurolink/neurolink.env serve

Stops in good order on SIGTERM or Ctrl-C, within NEUROLINK_SHUTDOWN_TIMEOUT.";

/// Arguments of `neurolink serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The API only: the work is left to `neurolink worker`
    #[arg(long)]
    no_worker: bool,
    /// Where to listen, instead of NEUROLINK_LISTEN
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
}

/// Serves until told to stop.
///
/// # Errors
/// When it can't start (settings, database, address in use), or stops because something broke.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let config = context.start(Needs::TokenSecret, |sources| {
        if let Some(listen) = &args.listen {
            sources.set("NEUROLINK_LISTEN", listen);
        }
    })?;
    let parts = Parts {
        api: true,
        worker: !args.no_worker,
    };
    app::run(config, parts).await?;
    Ok(Exit::Done)
}
