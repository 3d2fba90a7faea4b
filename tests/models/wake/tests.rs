//! The wake's promise, with and without deaths; and each step shown to be needed.

use crate::support::{breaks, holds};
use crate::wake::{Budget, Fault, Job, NO_LOCK_KEPT, NO_LOST_WAKE, State, Wake};

const NO_TROUBLE: Budget = Budget {
    crashes: 0,
    cuts: 0,
    restarts: 0,
    failed_batches: 0,
};

/// Two inserters, nothing scheduled, nothing dies.
const INSERTERS: Wake = Wake {
    fault: Fault::None,
    inserters: 2,
    scheduled: false,
    savepoints: false,
    always: false,
    budget: NO_TROUBLE,
};

/// One inserter, with a savepoint, and a scheduled job; a batch may fail.
const SCHEDULE: Wake = Wake {
    inserters: 1,
    scheduled: true,
    savepoints: true,
    budget: Budget {
        failed_batches: 1,
        ..NO_TROUBLE
    },
    ..INSERTERS
};

/// Nodes are alike, and inserters (with their jobs) are: the least of the four namings stands for all.
fn representative(state: &State) -> State {
    let mut best = *state;
    for (swap_nodes, swap_inserters) in [(true, false), (false, true), (true, true)] {
        let mut other = *state;
        if swap_nodes {
            other.nodes.swap(0, 1);
            for job in &mut other.jobs {
                if let Job::Claimed(node) = job {
                    *node = 1 - *node;
                }
            }
        }
        if swap_inserters {
            other.inserters.swap(0, 1);
            other.jobs.swap(0, 1);
            other.orphans.swap(0, 1);
        }
        best = best.min(other);
    }
    best
}

fn no_wake_is_lost(name: &str, model: Wake) {
    holds(name, model, representative);
}

fn no_wake_is_lost_by(name: &str, budget: Budget) {
    no_wake_is_lost(
        name,
        Wake {
            budget,
            ..INSERTERS
        },
    );
}

fn a_wake_is_lost(name: &str, fault: Fault, model: Wake) {
    breaks(name, NO_LOST_WAKE, Wake { fault, ..model });
}

#[test]
fn no_wake_is_lost_however_inserters_and_two_nodes_interleave() {
    no_wake_is_lost("wake, two inserters", INSERTERS);
    no_wake_is_lost("wake, one inserter and a scheduled job", SCHEDULE);
}

#[test]
fn no_wake_is_lost_by_the_death_of_a_node_but_the_parked_ones_second() {
    let budget = Budget {
        crashes: 1,
        ..NO_TROUBLE
    };
    no_wake_is_lost_by("wake, a node dies", budget);
}

#[test]
fn no_wake_is_lost_with_a_listener_s_connection() {
    let budget = Budget {
        cuts: 1,
        ..NO_TROUBLE
    };
    no_wake_is_lost_by("wake, a listener is cut", budget);
}

#[test]
fn no_wake_is_lost_by_a_restart_of_the_server() {
    let budget = Budget {
        restarts: 1,
        ..NO_TROUBLE
    };
    no_wake_is_lost_by("wake, the server restarts", budget);
}

#[test]
fn no_wake_is_lost_in_mode_always() {
    let always = Wake {
        always: true,
        ..INSERTERS
    };
    no_wake_is_lost("always", always);
    a_wake_is_lost("always, no second look", Fault::NoSecondLook, always);
}

#[test]
fn without_the_look_under_k_a_wake_is_lost() {
    a_wake_is_lost("no second look", Fault::NoSecondLook, INSERTERS);
    a_wake_is_lost("looked before K was granted", Fault::LookBeforeK, INSERTERS);
}

#[test]
fn an_inserter_that_lets_k_go_before_its_rows_are_visible_loses_its_wake() {
    let early = "K let go with the statement";
    a_wake_is_lost(early, Fault::KReleasedEarly, INSERTERS);
    let late = "K let go before the rows are visible";
    a_wake_is_lost(late, Fault::KReleasedBeforeVisible, INSERTERS);
}

#[test]
fn two_nodes_that_keep_s_while_they_try_it_both_park() {
    a_wake_is_lost("S is not let go", Fault::SNotLetGo, INSERTERS);
}

#[test]
fn a_job_that_falls_due_between_the_look_and_the_question_for_the_next_one_is_overslept() {
    let late = "due asked after the look";
    a_wake_is_lost(late, Fault::DueAskedAfterLook, SCHEDULE);
}

#[test]
fn a_k_that_is_not_given_back_is_seen() {
    let kept = Wake {
        fault: Fault::KKept,
        ..INSERTERS
    };
    breaks("K is kept", NO_LOCK_KEPT, kept);
}
