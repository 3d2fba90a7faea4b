//! Frames of Server-Sent Events (WHATWG HTML, section 9.2). Pure: changes in, bytes out.

use bytes::Bytes;
use serde::Serialize;

use crate::notifications::model::{Changed, InboxState};

/// What a reader is sent at once: the frames of one read of their inbox.
#[derive(Debug, Clone)]
pub struct Burst {
    /// Frames with the revision each is of, in order.
    pub frames: Vec<(i64, Bytes)>,
    /// The inbox's revision after them.
    pub rev: i64,
    /// The counts frame that ends the burst.
    pub counts: Bytes,
}

#[derive(Serialize)]
struct Hello {
    rev: i64,
    unread: i32,
    unseen: i32,
    resumed: bool,
}

#[derive(Serialize)]
struct Counts {
    unread: i32,
    unseen: i32,
    rev: i64,
}

#[derive(Serialize)]
struct Deleted {
    id: i64,
    rev: i64,
}

#[derive(Serialize)]
struct ResetData<'a> {
    rev: i64,
    reason: &'a str,
}

/// "Reload", and where its reader stands then.
#[derive(Debug, Clone)]
pub struct Reset {
    /// The epoch of the state to be loaded.
    pub epoch: String,
    /// The revision of it, or of an earlier one.
    pub rev: i64,
    /// The frame.
    pub frame: Bytes,
}

/// A heartbeat: a comment, which clients ignore and proxies don't.
#[must_use]
pub fn heartbeat() -> Bytes {
    Bytes::from_static(b": still here\n\n")
}

/// How a reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Without a position: they stand at the end at once.
    Fresh,
    /// From their position, which moves with the frames that follow.
    Resumed,
    /// A `reset` follows. Until they have that, they stand where they stood: a connection that breaks between the two
    /// frames must not have moved them past what they lack.
    Reset,
}

/// The first frame. `retry` asks browsers to come back within two seconds.
#[must_use]
pub fn hello(state: &InboxState, start: Start) -> Bytes {
    let data = Hello {
        rev: state.rev,
        unread: state.unread,
        unseen: state.unseen,
        resumed: start == Start::Resumed,
    };
    let mut text = b"retry: 2000\n".to_vec();
    write(
        &mut text,
        (start == Start::Fresh).then_some((state.epoch.as_str(), state.rev)),
        "hello",
        &data,
    );
    text.into()
}

/// "Reload": the reader's position can't be continued from.
#[must_use]
pub fn reset(epoch: &str, rev: i64, reason: &str) -> Reset {
    let mut text = Vec::new();
    let data = ResetData { rev, reason };
    write(&mut text, Some((epoch, rev)), "reset", &data);
    Reset {
        epoch: epoch.to_owned(),
        rev,
        frame: text.into(),
    }
}

/// The frames of one read. The counts come last, under the id of the last change that was read: there may be more.
#[must_use]
pub fn burst(state: &InboxState, complete: bool) -> Burst {
    let frames = state
        .changes
        .iter()
        .map(|change| (change.rev(), frame(&state.epoch, change)))
        .collect();
    let rev = if complete {
        state.rev
    } else {
        state.changes.last().map_or(state.rev, Changed::rev)
    };
    let mut counts = Vec::new();
    let data = Counts {
        unread: state.unread,
        unseen: state.unseen,
        rev: state.rev,
    };
    write(&mut counts, Some((&state.epoch, rev)), "counts", &data);
    Burst {
        frames,
        rev,
        counts: counts.into(),
    }
}

fn frame(epoch: &str, change: &Changed) -> Bytes {
    let mut text = Vec::new();
    match change {
        Changed::Is(notification) => write(
            &mut text,
            Some((epoch, notification.rev)),
            "notification",
            notification,
        ),
        Changed::Gone { id, rev } => write(
            &mut text,
            Some((epoch, *rev)),
            "deleted",
            &Deleted { id: *id, rev: *rev },
        ),
    }
    text.into()
}

fn write<T: Serialize>(text: &mut Vec<u8>, id: Option<(&str, i64)>, event: &str, data: &T) {
    if let Some((epoch, rev)) = id {
        text.extend_from_slice(format!("id: {epoch}.{rev}\n").as_bytes());
    }
    text.extend_from_slice(format!("event: {event}\ndata: ").as_bytes());
    // JSON has no raw line breaks, so one data line always holds it.
    if serde_json::to_writer(&mut *text, data).is_err() {
        text.extend_from_slice(b"null");
    }
    text.extend_from_slice(b"\n\n");
}

impl Burst {
    /// The bytes for a reader who has seen everything up to `seen`.
    #[must_use]
    pub fn after(&self, seen: i64) -> Bytes {
        let mut text = Vec::new();
        for (_, frame) in self.frames.iter().filter(|(rev, _)| *rev > seen) {
            text.extend_from_slice(frame);
        }
        text.extend_from_slice(&self.counts);
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(changes: Vec<Changed>) -> InboxState {
        InboxState {
            user_id: "u".into(),
            epoch: "e1".into(),
            rev: 9,
            floor_rev: 0,
            unread: 2,
            unseen: 1,
            changes,
        }
    }

    #[test]
    fn a_burst_leaves_out_what_its_reader_has_seen_and_ends_with_the_counts() {
        let burst = burst(
            &state(vec![
                Changed::Gone { id: 4, rev: 7 },
                Changed::Gone { id: 5, rev: 9 },
            ]),
            true,
        );
        let text = String::from_utf8(burst.after(7).to_vec()).unwrap();
        assert_eq!(
            text,
            "id: e1.9\nevent: deleted\ndata: {\"id\":5,\"rev\":9}\n\nid: e1.9\nevent: counts\ndata: {\"unread\":2,\"unseen\":1,\"rev\":9}\n\n"
        );
    }

    #[test]
    fn the_counts_of_an_incomplete_read_do_not_move_its_reader_past_what_was_read() {
        let burst = burst(&state(vec![Changed::Gone { id: 4, rev: 7 }]), false);
        assert_eq!(burst.rev, 7);
        assert!(burst.counts.starts_with(b"id: e1.7\n"));
    }

    #[test]
    fn hello_says_where_a_fresh_reader_stands_and_leaves_others_where_they_are() {
        let fresh = String::from_utf8(hello(&state(vec![]), Start::Fresh).to_vec()).unwrap();
        assert!(fresh.contains(
            "id: e1.9\nevent: hello\ndata: {\"rev\":9,\"unread\":2,\"unseen\":1,\"resumed\":false}"
        ));
        for moved_later in [Start::Resumed, Start::Reset] {
            let text = String::from_utf8(hello(&state(vec![]), moved_later).to_vec()).unwrap();
            assert!(!text.contains("id:"), "{moved_later:?}");
        }
    }
}
