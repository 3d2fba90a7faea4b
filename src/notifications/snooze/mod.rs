//! What was put aside comes back. Comes in: notifications whose `snoozed_until` has passed, by the database's clock. Goes out: the
//! same, unread and unseen, with a revision of their own, and a hint to whoever has the inbox open. Every node with workers looks;
//! the inboxes' locks see to it that each comes back once.

pub mod store;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::kernel::random;
use crate::notifications::inbox::Inboxes;

/// Between two looks of a node, and up to half as long again, so that nodes don't look together. A look that finds nothing is one
/// read of the index's first entry.
const EVERY: Duration = Duration::from_secs(2);

/// Wakes what is due until shutdown.
pub async fn run(inboxes: Inboxes, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY + EVERY.mul_f64(random::unit() / 2.0)) => {}
            () = shutdown.cancelled() => return,
        }
        let done = tokio::select! {
            done = inboxes.wake_due() => done,
            () = shutdown.cancelled() => return,
        };
        match done {
            Ok(0) => {}
            Ok(woken) => tracing::debug!(
                notifications.woken = woken,
                "snoozed notifications are back"
            ),
            Err(error) if error.is_transient() => {
                tracing::debug!(error = %error.chain(), "snoozed notifications could not be woken; again in a moment");
            }
            Err(error) => {
                tracing::warn!(error = %error.chain(), "snoozed notifications could not be woken; again in a moment");
            }
        }
    }
}
