//! `neurolink completions`: what a shell needs to complete commands and options by Tab, as a script on standard output.

use clap::{CommandFactory as _, ValueEnum};
use clap_complete::Shell;

use crate::cli::{Cli, Context, Exit, Outcome};

const EXAMPLES: &str = "\
Examples:
  neurolink completions bash > /etc/bash_completion.d/neurolink
  neurolink completions zsh  > ~/.zfunc/_neurolink
  neurolink completions fish > ~/.config/fish/completions/neurolink.fish
  source <(neurolink completions bash)        for this shell alone

For zsh, `fpath+=~/.zfunc` must stand before compinit in ~/.zshrc.";

/// Arguments of `neurolink completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The shell
    shell: Kind,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Bash,
    Zsh,
    Fish,
}

/// Prints the script.
///
/// # Errors
/// When standard output can't be written.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let shell = match args.shell {
        Kind::Bash => Shell::Bash,
        Kind::Zsh => Shell::Zsh,
        Kind::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "neurolink", &mut script);
    context.output().text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
