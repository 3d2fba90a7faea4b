//! Lease, fence, rescue of DESIGN §6: one delivery, two processes, crashes, freezes, cut listeners, stalled heartbeats and
//! restarts of the server. The product's half is sql/queries/queue/{claim_deliveries,rescue,stale_workers}.sql,
//! sql/queries/deliveries/record.sql, src/pipeline/deliver.rs, src/deliveries/completer.rs and src/queue/presence.rs.

mod steps;
mod tests;
mod world;

use stateright::{Model, Property};
use world::{Budget, Delivery, State};

/// A step left out, to see that it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// The fence checks the worker only.
    NoAttemptInFence,
    /// The fence checks the attempt only.
    NoWorkerInFence,
    /// A claimed job has no end of lease.
    NoLease,
    /// The job is deleted by its claim, as event jobs are.
    DeletedByClaim,
    /// A try begins however little is left of its lease.
    BegunTooLate,
    /// Rescues whose heartbeat is stale, whatever its lock says.
    RescueWithoutLock,
    /// Rescues whose lock is free, whatever its heartbeat says.
    RescueWithoutHeartbeat,
    /// Stale counts from the heartbeat alone.
    StaleSinceHeartbeat,
    /// Doesn't ask again, in the rescue's transaction, whether the heartbeat is stale.
    RescueOnHearsay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Tick,
    /// claim_deliveries.sql, committed and answered.
    Claim(usize),
    /// The same, and the server goes down before it answers.
    ClaimUnanswered(usize),
    /// `attempt` up to the provider's call: begun, or given back.
    Begin(usize, usize),
    /// The provider accepts.
    Arrive(usize, usize),
    /// The call ends: with the provider's answer, or without one that says which.
    End(usize, usize, Answer),
    /// record.sql.
    Record(usize, usize),
    /// The same, and the server goes down before it answers.
    RecordUnanswered(usize, usize),
    /// register.sql.
    Beat(usize),
    /// stale_workers.sql finds this worker stale.
    See(usize, usize),
    /// The rescue's transaction.
    Rescue(usize),
    Crash(usize),
    Start(usize),
    Freeze(usize),
    Thaw(usize),
    Stall(usize),
    Recover(usize),
    /// The listener's session ends on the server's side.
    Cut(usize),
    /// The process notices.
    Notice(usize),
    /// It has a new session, the lock and a fresh heartbeat.
    Connect(usize),
    ServerDown,
    ServerUp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// Accepted, with a receipt.
    Accepted,
    /// Not accepted.
    Transient,
    /// Accepted, but no answer came.
    Ambiguous,
}

#[derive(Clone, Copy)]
struct Lease {
    fault: Fault,
    budget: Budget,
    /// NEUROLINK_WAKE_MODE=poll: no listener, no lock, the heartbeat alone decides.
    poll: bool,
}

const FENCE: &str = "no finish by a fenced worker";
const NOT_LOST: &str = "no work both lost and unowned";
const ONCE: &str = "sent twice only once per crash, freeze or ambiguous answer that hits it";

impl Model for Lease {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut state = State::begin(self.budget);
        if self.poll {
            state
                .workers
                .iter_mut()
                .for_each(|worker| worker.locked = false);
        }
        vec![state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.is_over() {
            return;
        }
        actions.extend([Action::Tick, Action::ServerDown, Action::ServerUp]);
        for p in 0..2 {
            actions.extend([
                Action::Claim(p),
                Action::ClaimUnanswered(p),
                Action::Beat(p),
                Action::Rescue(p),
            ]);
            actions.extend([
                Action::Crash(p),
                Action::Start(p),
                Action::Freeze(p),
                Action::Thaw(p),
                Action::Stall(p),
            ]);
            actions.extend([
                Action::Recover(p),
                Action::Cut(p),
                Action::Notice(p),
                Action::Connect(p),
            ]);
            actions.extend((0..state.workers.len()).map(|worker| Action::See(p, worker)));
            for t in (0..2).filter(|t| state.processes[p].tries[*t].is_some()) {
                actions.extend([Action::Begin(p, t), Action::Arrive(p, t)]);
                actions.extend([Action::Record(p, t), Action::RecordUnanswered(p, t)]);
                let answers = [Answer::Accepted, Answer::Transient, Answer::Ambiguous];
                actions.extend(answers.map(|answer| Action::End(p, t, answer)));
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = *last;
        self.step(&mut state, action)?;
        for p in &mut state.processes {
            p.tries.sort_unstable();
        }
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(FENCE, |_, s: &State| !s.fence_broken),
            Property::always(NOT_LOST, |_, s: &State| !s.is_lost()),
            Property::always(ONCE, |_, s: &State| s.may_arrive >= 0),
            Property::sometimes("it is sent", |_, s: &State| s.delivery == Delivery::Sent),
            Property::sometimes("it dies of its attempts", |_, s: &State| {
                s.delivery == Delivery::Dead
            }),
            Property::sometimes(
                "it is sent twice after a crash, freeze or ambiguous answer",
                |_, s: &State| s.arrived == 2 && s.may_arrive == 0,
            ),
            Property::sometimes(
                "a late outcome is fenced, where a claim can end early",
                |m, s: &State| s.fenced || m.budget.freezes + m.budget.outages == 0,
            ),
        ]
    }
}
