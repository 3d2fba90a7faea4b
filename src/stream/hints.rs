//! "Look": nodes tell each other whose inbox has changed. Gathered for at most 10 ms, leading edge first, and sent outside
//! of the writing transactions, so that writers never pay for NOTIFY. A hint carries no content and may be lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::db::Db;
use crate::stream::hub::Hub;

const GATHER: Duration = Duration::from_millis(10);
/// NOTIFY's payload is limited to 8 000 bytes.
const PAYLOAD: usize = 7_500;

/// Where changes are told; every node's hub, this one first.
#[derive(Clone)]
pub struct Hints {
    hub: Arc<Hub>,
    node: Uuid,
    sender: mpsc::UnboundedSender<Vec<String>>,
}

#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
struct Payload {
    node: Uuid,
    /// `None` = too many to name.
    users: Option<BTreeSet<String>>,
}

impl Hints {
    /// Starts the task that tells other nodes.
    #[must_use]
    pub fn start(db: Db, hub: Arc<Hub>, node: Uuid, shutdown: CancellationToken) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(tell(db, node, receiver, shutdown));
        Self { hub, node, sender }
    }

    /// These inboxes have changed by a commit of ours.
    pub fn changed(&self, users: Vec<String>) {
        self.hub.look(users.iter().map(String::as_str));
        // Closed only while shutting down; the sweeps of other nodes then find the change.
        let _ = self.sender.send(users);
    }

    /// Another node's hint.
    pub fn heard(&self, payload: &str) {
        match serde_json::from_str::<Payload>(payload) {
            Ok(Payload { node, .. }) if node == self.node => {}
            Ok(Payload {
                users: Some(users), ..
            }) => self.hub.look(users.iter().map(String::as_str)),
            // Too many to name, or by somebody's own NOTIFY: look at everything.
            _ => self.hub.look_at_all(),
        }
    }
}

async fn tell(
    db: Db,
    node: Uuid,
    mut receiver: mpsc::UnboundedReceiver<Vec<String>>,
    shutdown: CancellationToken,
) {
    loop {
        let first = tokio::select! {
            first = receiver.recv() => first,
            () = shutdown.cancelled() => return,
        };
        let Some(first) = first else { return };
        let mut users: BTreeSet<String> = first.into_iter().collect();
        while let Ok(more) = receiver.try_recv() {
            users.extend(more);
        }
        let payload = payload(node, users);
        let told = async {
            let client = db.client().await?;
            let statement = client
                .prepare_cached("select pg_notify('neurolink_inbox', $1)")
                .await?;
            client.execute(&statement, &[&payload]).await?;
            Ok::<_, crate::kernel::Error>(())
        };
        if let Err(error) = told.await {
            tracing::debug!(error = %error.chain(), "other nodes could not be told of changes; their sweeps find them");
        }
        tokio::time::sleep(GATHER).await;
    }
}

fn payload(node: Uuid, users: BTreeSet<String>) -> String {
    let small = users.iter().map(|user| user.len() + 8).sum::<usize>() < PAYLOAD;
    let named = Payload {
        node,
        users: small.then_some(users),
    };
    match serde_json::to_string(&named) {
        // Escapes can make it longer than its parts.
        Ok(text) if text.len() <= PAYLOAD => text,
        _ => format!("{{\"node\":\"{node}\",\"users\":null}}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_people_are_named_and_many_are_not() {
        let node = Uuid::nil();
        let few: BTreeSet<String> = ["ali".to_owned(), "زينب".to_owned()].into();
        let heard: Payload = serde_json::from_str(&payload(node, few.clone())).unwrap();
        assert_eq!(heard.users, Some(few));
        let many: BTreeSet<String> = (0..2000).map(|n| format!("user-{n}")).collect();
        let text = payload(node, many);
        assert!(text.len() < 8000);
        assert_eq!(serde_json::from_str::<Payload>(&text).unwrap().users, None);
        let nasty: BTreeSet<String> = (0..60)
            .map(|n| format!("{n}{}", "\u{1}".repeat(90)))
            .collect();
        assert!(payload(node, nasty).len() < 8000, "escapes count");
    }
}
