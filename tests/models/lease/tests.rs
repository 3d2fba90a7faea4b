//! The lease's promises, each trouble by itself and where they work together; and each step shown to be needed.

use crate::lease::world::Budget;
use crate::lease::{FENCE, Fault, Lease, NOT_LOST, ONCE};
use crate::support::{self, breaks};

const NO_TROUBLE: Budget = Budget {
    crashes: 0,
    freezes: 0,
    outages: 0,
    cuts: 0,
    stalls: 0,
};
const CRASH: Budget = Budget {
    crashes: 1,
    ..NO_TROUBLE
};
const FREEZE: Budget = Budget {
    freezes: 1,
    ..NO_TROUBLE
};
const OUTAGE: Budget = Budget {
    outages: 1,
    ..NO_TROUBLE
};
const CUT: Budget = Budget {
    cuts: 1,
    ..NO_TROUBLE
};
const STALL: Budget = Budget {
    stalls: 1,
    ..NO_TROUBLE
};

fn with(budget: Budget) -> Lease {
    Lease {
        fault: Fault::None,
        budget,
        poll: false,
    }
}

fn holds(name: &str, model: Lease) {
    support::holds(name, model, |state| (*state).min(state.mirrored()));
}

fn without_a_step(name: &str, fault: Fault, promise: &'static str, budget: Budget) {
    breaks(
        name,
        promise,
        Lease {
            fault,
            ..with(budget)
        },
    );
}

#[test]
fn a_delivery_survives_the_death_of_its_worker() {
    holds("lease, a process dies", with(CRASH));
}

#[test]
fn a_frozen_worker_s_delivery_is_taken_over_and_its_late_outcome_fenced() {
    holds("lease, a process freezes", with(FREEZE));
}

#[test]
fn after_a_restart_of_the_server_nobody_is_robbed() {
    holds("lease, the server goes down", with(OUTAGE));
}

#[test]
fn a_cut_listener_or_a_late_heartbeat_costs_nobody_their_lease() {
    holds("lease, a listener is cut", with(CUT));
    holds("lease, a heartbeat stalls", with(STALL));
}

#[test]
fn the_promises_hold_in_mode_poll_too() {
    holds(
        "lease in mode poll, a process freezes",
        Lease {
            poll: true,
            ..with(FREEZE)
        },
    );
}

#[test]
fn a_freeze_and_a_restart_of_the_server_together_break_nothing_either() {
    let both = Budget {
        freezes: 1,
        ..OUTAGE
    };
    holds(
        "lease, a process freezes and the server goes down",
        with(both),
    );
}

#[test]
fn a_freeze_and_a_death_together_break_nothing_either() {
    let both = Budget {
        freezes: 1,
        ..CRASH
    };
    holds("lease, one process freezes and one dies", with(both));
}

#[test]
fn a_cut_listener_and_a_late_heartbeat_together_break_nothing_either() {
    let both = Budget { stalls: 1, ..CUT };
    holds(
        "lease, a listener is cut and a heartbeat stalls",
        with(both),
    );
}

#[test]
fn without_the_attempt_or_the_worker_in_the_fence_a_late_outcome_gets_through() {
    without_a_step(
        "no attempt in the fence",
        Fault::NoAttemptInFence,
        FENCE,
        FREEZE,
    );
    let frozen_and_restarted = Budget {
        freezes: 1,
        ..OUTAGE
    };
    without_a_step(
        "no worker in the fence",
        Fault::NoWorkerInFence,
        FENCE,
        frozen_and_restarted,
    );
}

#[test]
fn without_a_lease_or_a_row_that_is_kept_work_is_lost() {
    without_a_step("no lease", Fault::NoLease, NOT_LOST, OUTAGE);
    without_a_step(
        "the job is deleted by its claim",
        Fault::DeletedByClaim,
        NOT_LOST,
        CRASH,
    );
}

#[test]
fn a_try_that_begins_however_late_sends_twice() {
    without_a_step("begun too late", Fault::BegunTooLate, ONCE, FREEZE);
}

#[test]
fn a_rescue_needs_the_lock_and_the_heartbeat_and_the_server_s_and_its_own_start() {
    without_a_step(
        "rescue without the lock",
        Fault::RescueWithoutLock,
        ONCE,
        STALL,
    );
    without_a_step(
        "rescue without the heartbeat",
        Fault::RescueWithoutHeartbeat,
        ONCE,
        CUT,
    );
    without_a_step(
        "stale since the heartbeat",
        Fault::StaleSinceHeartbeat,
        ONCE,
        OUTAGE,
    );
}

#[test]
fn a_rescue_that_does_not_ask_again_robs_who_has_just_come_back() {
    let poll = Lease {
        fault: Fault::RescueOnHearsay,
        poll: true,
        ..with(FREEZE)
    };
    breaks("rescue on hearsay", ONCE, poll);
}
