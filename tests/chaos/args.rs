//! The command line, and the faults it asks for on this machine.

use anyhow::{Context as _, Result};

use crate::machine;
use crate::plan::Kind;
use crate::run::Run;

/// Kills everything there is, and checks that nothing was lost, doubled or left over.
#[derive(Debug, clap::Parser)]
#[command(name = "deploy/chaos.sh", no_binary_name = false)]
pub struct Args {
    /// How long the load lasts
    #[arg(long, default_value_t = 1.0)]
    pub minutes: f64,
    /// Decides every fault; without it, one is drawn and printed
    #[arg(long)]
    pub seed: Option<u64>,
    /// Which faults, commas between; all without it, `none` for the load alone: kill-node, kill-backend, restart-db,
    /// cut-listener, freeze-node, smtp-refuse, smtp-stall, smtp-drop, full-disk, clock-off
    #[arg(long, value_delimiter = ',')]
    pub faults: Vec<String>,
    /// Keep the run's folder (logs, data) even if all is well
    #[arg(long)]
    pub keep: bool,
}

/// The faults asked for, without those this machine can't do.
pub fn kinds(run: &Run, words: &[String]) -> Result<Vec<Kind>> {
    if words.iter().any(|word| word == "none") {
        return Ok(Vec::new());
    }
    let mut kinds = Kind::ALL.to_vec();
    if !words.is_empty() {
        let find = |word: &String| Kind::ALL.into_iter().find(|kind| kind.word() == word);
        let found = words.iter().map(|word| {
            find(word).with_context(|| format!("there is no fault {word}; see --help"))
        });
        kinds = found.collect::<Result<_>>()?;
    }
    let mut leave_out = |kind: Kind, why: &str| {
        if kinds.contains(&kind) {
            kinds.retain(|one| *one != kind);
            run.say(&format!("SKIPPED: {} is left out: {why}", kind.word()));
        }
    };
    if !run.mailbox.can_be_full() {
        leave_out(
            Kind::FullDisk,
            "a disk of its own needs root and the right to mount",
        );
    }
    if machine::faketime().is_none() {
        leave_out(
            Kind::ClockOff,
            "libfaketime is missing (deploy/setup.sh --for test installs it)",
        );
    }
    Ok(kinds)
}
