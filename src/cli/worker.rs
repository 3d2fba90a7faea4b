//! `neurolink worker`: the workers without the API, until it is told to stop.

use crate::app::{self, Parts};
use crate::cli::{Context, Exit, Outcome};
use crate::config::Needs;

const EXAMPLES: &str = "\
Examples:
  neurolink worker                 one more node that works, beside `neurolink serve`

Stops in good order on SIGTERM or Ctrl-C: what is open is finished within NEUROLINK_SHUTDOWN_TIMEOUT, the rest given back.";

/// Arguments of `neurolink worker`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {}

/// Works until told to stop.
///
/// # Errors
/// When it can't start (settings, database), or stops because something broke.
pub async fn run(_args: Args, context: &Context) -> Outcome {
    let config = context.start(Needs::Nothing, |_| ())?;
    let parts = Parts {
        api: false,
        worker: true,
    };
    app::run(config, parts).await?;
    Ok(Exit::Done)
}
