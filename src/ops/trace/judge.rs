//! Today's rules, asked about an event. Neither engine can be interrupted, so they are asked on a thread of their own, and waited
//! for only so long. Comes from the store, goes to the tree and to explanations.

use std::time::Duration;

use super::model::{Asked, Today};
use crate::ingest::Event;
use crate::kernel::{Error, Result, clock};

/// All rules of one event together; a healthy one takes microseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// What each rule says.
///
/// # Errors
/// `Unavailable` when a rule doesn't come to an end.
pub async fn ask(rules: Vec<Today>, event: &Event) -> Result<Vec<Asked>> {
    let (event, now) = (event.clone(), clock::now());
    let asking = tokio::task::spawn_blocking(move || {
        rules
            .into_iter()
            .map(|rule| {
                let finding = rule.row.asked(&event, now);
                Asked { rule, finding }
            })
            .collect()
    });
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(asked) => asked.map_err(|e| Error::internal("asking the rules broke", e)),
        Err(_) => Err(Error::unavailable(
            "a rule takes too long on this event; the worker's watchdog stops such rules",
        )),
    }
}
