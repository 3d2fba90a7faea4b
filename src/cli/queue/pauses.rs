//! `neurolink queue pause|resume`.

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use serde_json::json;

use crate::cli::database::with_database;
use crate::cli::output::Style;
use crate::cli::{Context, Exit, Failure, Outcome};
use crate::kernel::ChannelKind;
use crate::queue::control::{Kind, Target, steer, store};

/// What to pause or resume.
#[derive(Debug, clap::Args)]
struct What {
    /// The kind of job
    #[arg(value_parser = PossibleValuesParser::new(["event", "delivery"]).map(|word| if word == "event" { Kind::Event } else { Kind::Delivery }))]
    kind: Kind,
    /// One channel of deliveries; all without
    #[arg(value_parser = PossibleValuesParser::new(ChannelKind::ALL[1..].iter().map(|c| c.as_str())).try_map(|word| ChannelKind::parse(&word).ok_or("no such channel")))]
    channel: Option<ChannelKind>,
}

impl What {
    fn target(&self) -> Result<Target, Failure> {
        Target::new(self.kind, self.channel)
            .map_err(|error| Failure::Usage(error.to_string()))
    }
}

/// Arguments of `neurolink queue pause`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  neurolink queue pause delivery email --reason \"the mail server moves\"\n  neurolink queue pause delivery\n  neurolink queue pause event\n\nEvents go on coming in, and nothing is lost: what is paused waits. What is being done is finished."
)]
pub(super) struct PauseArgs {
    #[command(flatten)]
    what: What,
    /// Why, for whoever looks at the queue
    #[arg(long)]
    reason: Option<String>,
    /// Print JSON: what is paused now
    #[arg(long)]
    json: bool,
}

/// Arguments of `neurolink queue resume`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  neurolink queue resume delivery email\n  neurolink queue resume event"
)]
pub(super) struct ResumeArgs {
    #[command(flatten)]
    what: What,
    /// Print JSON: whether it was paused, and what still is
    #[arg(long)]
    json: bool,
}

fn name(target: Target) -> String {
    match target.channel() {
        "" => target.kind().to_owned(),
        channel => format!("{}/{channel}", target.kind()),
    }
}

pub(super) async fn pause(args: PauseArgs, context: &Context) -> Outcome {
    let (output, target) = (context.output(), args.what.target()?);
    with_database(context, async |_, db| {
        steer::pause(db, None, target, args.reason.as_deref()).await?;
        if args.json {
            let pauses = store::pauses(&db.client().await?).await?;
            output.json(&json!({"pauses": pauses}))?;
        } else {
            let name = output.colors.paint(Style::Name, name(target));
            output.line(format!("{name} is paused"))?;
        }
        Ok(Exit::Done)
    })
    .await
}

pub(super) async fn resume(args: ResumeArgs, context: &Context) -> Outcome {
    let (output, target) = (context.output(), args.what.target()?);
    with_database(context, async |_, db| {
        let resumed = steer::resume(db, None, target).await?;
        let pauses = store::pauses(&db.client().await?).await?;
        if args.json {
            output.json(&json!({"resumed": resumed, "pauses": pauses}))?;
            return Ok(Exit::Done);
        }
        let name = output.colors.paint(Style::Name, name(target));
        let words = if resumed { "runs again" } else { "was not paused" };
        output.line(format!("{name} {words}"))?;
        // A channel runs only where its kind does too.
        let still = pauses
            .iter()
            .find(|p| p.kind == target.kind() && p.channel.is_none());
        if still.is_some() && !target.channel().is_empty() {
            output.line(format!("but {} is paused as a whole", target.kind()))?;
        }
        Ok(Exit::Done)
    })
    .await
}
