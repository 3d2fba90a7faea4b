//! The inbox's promises, and each step shown to be needed.

use crate::inbox::world::State;
use crate::inbox::{BACK, COUNTS, EQUAL, Fault, Inbox, RESET, SKIPPED};
use crate::support::{breaks, holds};

const ONE_NODE: Inbox = Inbox {
    fault: Fault::None,
    transactions: [2, 1],
    losses: 1,
    nodes: 1,
};

/// Readers are alike.
fn representative(state: &State) -> State {
    let mut other = *state;
    other.readers.swap(0, 1);
    other.min(*state)
}

fn without_a_step(name: &str, fault: Fault, promise: &'static str) {
    breaks(name, promise, Inbox { fault, ..ONE_NODE });
}

#[test]
fn two_readers_of_one_node_skip_nothing_and_end_equal_to_the_table() {
    holds(
        "inbox, three changes",
        Inbox {
            losses: 0,
            ..ONE_NODE
        },
        representative,
    );
    let lossy = Inbox {
        transactions: [1, 1],
        ..ONE_NODE
    };
    holds("inbox, a connection is lost", lossy, representative);
}

#[test]
fn readers_who_move_between_nodes_skip_nothing() {
    let two = Inbox {
        transactions: [1, 1],
        nodes: 2,
        ..ONE_NODE
    };
    holds("inbox, two nodes", two, representative);
}

#[test]
fn revisions_from_a_sequence_are_skipped() {
    without_a_step(
        "a sequence instead of the row lock",
        Fault::Sequence,
        SKIPPED,
    );
}

#[test]
fn a_count_made_before_the_lock_drifts() {
    without_a_step("counted before the lock", Fault::CountedBeforeLock, COUNTS);
}

#[test]
fn what_was_seen_by_one_s_own_read_is_not_sent_again() {
    without_a_step("no burst filter", Fault::NoBurstFilter, BACK);
}

#[test]
fn a_slow_reader_that_is_kept_misses_what_it_was_not_handed() {
    without_a_step("a slow reader is kept", Fault::SlowReaderKept, EQUAL);
}

#[test]
fn two_who_join_at_once_may_have_read_different_revisions() {
    without_a_step("a join keeps the higher", Fault::JoinKeepsTheHigher, EQUAL);
    without_a_step("a burst with a gap is taken", Fault::GapTaken, SKIPPED);
    without_a_step(
        "a stale read is handed out",
        Fault::StaleReadHandedOut,
        EQUAL,
    );
}

#[test]
fn an_older_read_is_no_restored_database() {
    without_a_step("reset behind the hub", Fault::ResetBehindHub, RESET);
}
