//! The world of the inbox's model: one inbox of two notifications, two writers, two nodes' hubs, two readers.

/// What a notification is: its last revision stands for all of its state.
pub(crate) type Revs = [u8; 2];

/// One snapshot of an inbox: its revision and its notifications (changes.sql reads both in one statement).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Snapshot {
    pub(crate) rev: u8,
    pub(crate) rows: Revs,
}

/// The tables, as far as committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Table {
    pub(crate) inbox: Snapshot,
    pub(crate) read: [bool; 2],
    pub(crate) unread_count: i8,
    /// Only in the fault that takes revisions from a sequence.
    pub(crate) sequence: u8,
}

/// A transaction that marks one notification (un)read: lock_inboxes.sql, change.sql, commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Tx {
    Idle,
    /// Holds the inbox's row lock.
    Locked,
    /// Has read what it will change, before its lock. Only in the fault that leaves the lock statement out.
    Unlocked(Change),
    /// Has taken its revision and changed its rows, for itself.
    Changed(Change, u8),
}

/// One change, with what it will do to the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Change {
    pub(crate) row: usize,
    pub(crate) read: bool,
    pub(crate) unread: i8,
}

/// A writer, with the transactions it still has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Writer {
    pub(crate) tx: Tx,
    pub(crate) left: u8,
}

/// A node's place for this inbox (`stream::hub::Watched`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Hub {
    /// How far readers were handed.
    pub(crate) rev: Option<u8>,
    /// A read under way: from where it began, and what it has read.
    pub(crate) reading: Option<(u8, Snapshot)>,
}

/// What readers are handed: notifications changed (0 = not this one), after which revision, and the revision after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Burst {
    pub(crate) frames: Revs,
    pub(crate) since: u8,
    pub(crate) rev: u8,
}

/// Where a reader's connection is (`stream::routes::stream`, then `stream::feed::Feed`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Link {
    Off,
    Subscribed,
    Read(Snapshot),
    /// Its feed has handed it everything up to `seen`.
    Live {
        seen: u8,
    },
}

/// A reader: a browser's tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Reader {
    pub(crate) link: Link,
    pub(crate) node: usize,
    /// Handed out by the hub, not yet sent. As many as may wait here.
    pub(crate) queue: Option<Burst>,
    /// The hub has cut it off: what waits is still sent, then the stream ends.
    pub(crate) cut_off: bool,
    /// What it shows.
    pub(crate) shows: Revs,
    /// The last `id:` it got; `None` = it never connected.
    pub(crate) cursor: Option<u8>,
}

/// Everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct State {
    pub(crate) table: Table,
    pub(crate) writers: [Writer; 2],
    pub(crate) hubs: [Hub; 2],
    pub(crate) readers: [Reader; 2],
    /// How often a connection may still be lost.
    pub(crate) losses: u8,
    /// A reader's cursor went back.
    pub(crate) went_back: bool,
    /// A reader was told to reload, and nothing had been restored.
    pub(crate) false_reset: bool,
}

impl Snapshot {
    /// The frames after a revision: `frames::burst`, then `Burst::after`.
    pub(crate) fn since(&self, rev: u8) -> Burst {
        Burst {
            frames: self.rows.map(|row| if row > rev { row } else { 0 }),
            since: rev,
            rev: self.rev,
        }
    }
}

impl State {
    /// Two unread notifications; nobody is connected.
    pub(crate) fn begin(transactions: [u8; 2], losses: u8) -> Self {
        let inbox = Snapshot {
            rev: 2,
            rows: [1, 2],
        };
        let reader = Reader {
            link: Link::Off,
            node: 0,
            queue: None,
            cut_off: false,
            shows: [0; 2],
            cursor: None,
        };
        Self {
            table: Table {
                inbox,
                read: [false; 2],
                unread_count: 2,
                sequence: 2,
            },
            writers: transactions.map(|left| Writer { tx: Tx::Idle, left }),
            hubs: [Hub {
                rev: None,
                reading: None,
            }; 2],
            readers: [reader; 2],
            losses,
            went_back: false,
            false_reset: false,
        }
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.writers
            .iter()
            .any(|w| matches!(w.tx, Tx::Locked | Tx::Changed(..)))
    }

    /// A reader's place at its hub is gone; the last one's takes the hub's place for the inbox with it.
    pub(crate) fn leave(&mut self, r: usize) {
        let reader = &mut self.readers[r];
        (reader.link, reader.queue, reader.cut_off) = (Link::Off, None, false);
        let node = reader.node;
        if !self.readers.iter().any(|r| r.node == node && r.has_place()) {
            self.hubs[node].rev = None;
        }
        self.readers[r].node = 0;
    }

    /// Everything at or below a reader's cursor is as the table has it: nothing was skipped.
    pub(crate) fn is_complete(&self, reader: &Reader) -> bool {
        reader.cursor.is_none_or(|cursor| {
            let rows = self.table.inbox.rows.iter().zip(reader.shows);
            rows.into_iter()
                .all(|(row, shown)| *row > cursor || *row == shown)
        })
    }

    /// Nothing is under way to this reader, and its hub has nothing to look for.
    pub(crate) fn is_settled(&self, reader: &Reader) -> bool {
        let hub = self.hubs[reader.node];
        matches!(reader.link, Link::Live { .. })
            && !reader.cut_off
            && reader.queue.is_none()
            && hub.reading.is_none()
            && hub.rev == Some(self.table.inbox.rev)
    }
}

impl Reader {
    /// Whether a hub's hand reaches it.
    pub(crate) fn has_place(&self) -> bool {
        !matches!(self.link, Link::Off)
    }

    /// It gets these frames, in order of revision, and with `rest` also what ends the burst. True: its cursor went back.
    pub(crate) fn get(&mut self, burst: Burst, rest: bool) -> bool {
        let mut frames: Vec<(u8, usize)> = (0..2)
            .map(|row| (burst.frames[row], row))
            .filter(|f| f.0 > 0)
            .collect();
        frames.sort_unstable();
        if !rest {
            frames.truncate(1);
        }
        let before = self.cursor;
        for (rev, row) in frames {
            self.shows[row] = rev;
            self.cursor = Some(rev);
        }
        if rest {
            self.cursor = Some(burst.rev);
        }
        self.cursor < before
    }
}
