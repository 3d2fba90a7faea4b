//! Inbox revisions and resume of DESIGN §7. The product's half is sql/queries/notifications/{lock_inboxes,change,changes}.sql,
//! src/stream/hub.rs, src/stream/feed.rs and src/stream/routes.rs.

mod steps;
mod tests;
mod world;

use stateright::{Model, Property};
use world::{Link, State, Tx};

/// A step left out, to see that it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// Revisions come from a sequence: no row lock until the commit.
    Sequence,
    /// The changed rows are read before the inbox is locked.
    CountedBeforeLock,
    /// Sends on what the hub hands out, whatever the reader has seen by its own read.
    NoBurstFilter,
    /// A slow reader loses the burst instead of its connection.
    SlowReaderKept,
    /// Who joins a hub that others have joined doesn't take it back to where they have read.
    JoinKeepsTheHigher,
    /// Takes a burst that was handed out before it joined for all there is up to the burst's revision.
    GapTaken,
    /// Hands out a read although somebody has joined below where it began.
    StaleReadHandedOut,
    /// Takes an inbox that stands behind the hub for a restored one, though it may be an older read.
    ResetBehindHub,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// lock_inboxes.sql is answered.
    Lock(usize),
    /// change.sql: this notification, to this state.
    Change(usize, usize, bool),
    /// The rest of it, after waiting for the row lock. Only where it was not locked first.
    Take(usize),
    Commit(usize),
    RollBack(usize),
    /// To this node: `Hub::subscribe`.
    Connect(usize, usize),
    /// changes.sql for itself.
    Read(usize),
    /// The head is sent, `Hub::joined`.
    Join(usize),
    /// One burst is sent.
    Receive(usize),
    /// The connection is lost after a burst's (or head's) first frame.
    LoseMidway(usize),
    /// The connection is lost.
    Lose(usize),
    /// The stream ends because the hub has cut it off.
    End(usize),
    /// changes.sql for all of a hub's readers, by a hint or a sweep.
    Look(usize),
    /// `Hub::hand`.
    Hand(usize),
}

#[derive(Clone, Copy)]
struct Inbox {
    fault: Fault,
    transactions: [u8; 2],
    losses: u8,
    nodes: usize,
}

const SKIPPED: &str = "no revision at or below a reader's cursor is skipped";
const EQUAL: &str = "a reader who is through shows what the table holds";
const COUNTS: &str = "the unread count is the number of unread rows";
const BACK: &str = "no reader's cursor goes back";
const RESET: &str = "nobody is told to reload for nothing";

impl Model for Inbox {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::begin(self.transactions, self.losses)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (w, writer) in state.writers.iter().enumerate() {
            match writer.tx {
                Tx::Idle if writer.left > 0 => {
                    actions.push(Action::Lock(w));
                    actions
                        .extend((0..2).flat_map(|row| {
                            [true, false].map(|read| Action::Change(w, row, read))
                        }));
                }
                Tx::Idle => {}
                Tx::Locked => actions.extend(
                    (0..2).flat_map(|row| [true, false].map(|read| Action::Change(w, row, read))),
                ),
                Tx::Unlocked(_) => actions.push(Action::Take(w)),
                Tx::Changed(..) => actions.extend([Action::Commit(w), Action::RollBack(w)]),
            }
        }
        for (r, reader) in state.readers.iter().enumerate() {
            match reader.link {
                Link::Off => actions.extend((0..self.nodes).map(|node| Action::Connect(r, node))),
                Link::Subscribed => actions.push(Action::Read(r)),
                Link::Read(_) => actions.push(Action::Join(r)),
                Link::Live { .. } => actions.extend([Action::Receive(r), Action::End(r)]),
            }
            actions.extend([Action::LoseMidway(r), Action::Lose(r)]);
        }
        actions.extend((0..self.nodes).flat_map(|node| [Action::Look(node), Action::Hand(node)]));
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = *last;
        self.step(&mut state, action)?;
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(SKIPPED, |_, s: &State| {
                s.readers.iter().all(|r| s.is_complete(r))
            }),
            Property::always(EQUAL, |_, s: &State| {
                s.readers
                    .iter()
                    .all(|r| !s.is_settled(r) || r.shows == s.table.inbox.rows)
            }),
            Property::always(COUNTS, |_, s: &State| {
                usize::try_from(s.table.unread_count)
                    == Ok(s.table.read.iter().filter(|read| !**read).count())
            }),
            Property::always(BACK, |_, s: &State| !s.went_back),
            Property::always(RESET, |_, s: &State| !s.false_reset),
            Property::sometimes(
                "both readers are through after the last change",
                |m, s: &State| {
                    let last = 2 + m.transactions.iter().sum::<u8>();
                    s.table.inbox.rev == last && s.readers.iter().all(|r| s.is_settled(r))
                },
            ),
            Property::sometimes("a slow reader is cut off", |_, s: &State| {
                s.readers.iter().any(|r| r.cut_off)
            }),
            Property::sometimes("somebody comes back to where they stood", |m, s: &State| {
                m.losses == 0
                    || s.readers
                        .iter()
                        .any(|r| r.cursor.is_some() && r.link == Link::Subscribed)
            }),
        ]
    }
}
