//! What changes in inboxes by time alone: what was put aside comes back, what has expired leaves. Every node with workers looks, by
//! the database's clock; the inboxes' locks see to it that each change happens once. Goes out: hints to whoever has the inbox open.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::kernel::{Result, random};
use crate::notifications::inbox::Inboxes;

/// Between two looks of a node, and up to half as long again, so that nodes don't look together. A look that finds nothing is one
/// read of each index's first entry.
const EVERY: Duration = Duration::from_secs(2);

/// Does what is due until shutdown.
pub async fn run(inboxes: Inboxes, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY + EVERY.mul_f64(random::unit() / 2.0)) => {}
            () = shutdown.cancelled() => return,
        }
        tokio::select! {
            () = look(&inboxes) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

async fn look(inboxes: &Inboxes) {
    said("snoozed notifications are back", inboxes.wake_due().await);
    said(
        "expired notifications are put away",
        inboxes.expire_due().await,
    );
}

fn said(what: &'static str, done: Result<usize>) {
    match done {
        Ok(0) => {}
        Ok(count) => tracing::debug!(notifications.count = count, "{what}"),
        Err(error) if error.is_transient() => {
            tracing::debug!(error = %error.chain(), "what is due in inboxes has to wait; again in a moment");
        }
        Err(error) => {
            tracing::warn!(error = %error.chain(), "what is due in inboxes could not be done; again in a moment");
        }
    }
}
