//! What a command that does many things at once owes whoever called it: a question first, and a bar meanwhile; both only on a
//! terminal.

use std::io::{IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::Failure;

/// The count to go on with: what was expected, or what a person at a terminal has confirmed. `doing` is `retry`, `discard`.
/// Compared with what is there once more when it is done.
pub(super) fn confirmed(
    expected: Option<u32>,
    count: usize,
    doing: &str,
    what: &str,
) -> Result<usize, Failure> {
    if let Some(expected) = expected {
        return Ok(usize::try_from(expected).unwrap_or(usize::MAX));
    }
    if count == 0 {
        // Nothing to ask about.
        return Ok(0);
    }
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Err(Failure::Usage(format!(
            "{count} {what} match, and there is no terminal to ask on: say --expect {count} to {doing} them"
        )));
    }
    let mut stderr = std::io::stderr();
    write!(stderr, "{count} {what} match. Type {count} to {doing} them: ")
        .and_then(|()| stderr.flush())
        .map_err(|e| Failure::io("the terminal can't be written", e))?;
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(|e| Failure::io("the terminal can't be read", e))?;
    if answer.trim() == count.to_string() {
        Ok(count)
    } else {
        Err(Failure::Usage("nothing was done".to_owned()))
    }
}

/// A bar on a terminal, nothing elsewhere.
pub(super) fn bar(count: usize, doing: &str) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let length = u64::try_from(count).ok();
    let bar = ProgressBar::with_draw_target(length, target).with_prefix(doing.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    bar
}
