//! Today's rules, asked about an event. Neither engine can be interrupted, so they are asked on a thread of their own, and waited
//! for only so long; what a watchdog has stopped isn't asked again. Comes from the store, goes to the tree and to explanations.

use std::time::Duration;

use tokio::sync::Semaphore;

use super::model::{Asked, Today};
use crate::ingest::Event;
use crate::kernel::{Error, Result, clock};

/// All rules of one event together; a healthy one takes microseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Threads that ask at a time. One on which a rule hangs keeps its place until it ends, so that asking again can't take all processors.
static THREADS: Semaphore = Semaphore::const_new(2);

/// What each rule says. Hold no connection meanwhile.
///
/// # Errors
/// `Unavailable` when a rule doesn't come to an end.
pub async fn ask(rules: Vec<Today>, event: &Event) -> Result<Vec<Asked>> {
    let (event, now) = (event.clone(), clock::now());
    let until = clock::instant() + PATIENCE;
    let asking = async {
        let place = THREADS.acquire().await;
        let asked = tokio::task::spawn_blocking(move || {
            let _place = place;
            // After a rule that took too long the others would be asked for nobody.
            let asks = |rule| (clock::instant() < until).then(|| asked(rule, &event, now));
            rules.into_iter().map(asks).collect::<Option<Vec<Asked>>>()
        });
        asked.await
    };
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(Ok(Some(asked))) => Ok(asked),
        Ok(Err(error)) => Err(Error::internal("asking the rules broke", error)),
        Ok(Ok(None)) | Err(_) => Err(Error::unavailable(
            "a rule takes too long on this event; the worker's watchdog stops such rules",
        )),
    }
}

fn asked(rule: Today, event: &Event, now: jiff::Timestamp) -> Asked {
    let finding = match rule.stopped() {
        Some(detail) => rule.row.unasked(event, detail),
        None => rule.row.asked(event, now),
    };
    Asked { rule, finding }
}
