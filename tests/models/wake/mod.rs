//! The wake of DESIGN §5: two nodes, inserters, a scheduled job. The nodes' half is src/queue/bell.rs, the inserters'
//! sql/functions/wake.sql. The promise: never does a committed job wait while every living node rests, no notification is
//! under way, and only a fallback timer could save it.

mod node;
mod steps;
mod tests;

use node::{Bell, Node, S};
use stateright::{Model, Property};

/// A step left out or moved, to see that it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// Sleeps as soon as it has K.
    NoSecondLook,
    /// Looks, then takes K.
    LookBeforeK,
    /// The inserter's K is let go at the statement's end instead of the transaction's.
    KReleasedEarly,
    /// The inserter's K is let go by its commit before its rows are visible.
    KReleasedBeforeVisible,
    /// Tries S exclusive, and parks, while still holding it shared.
    SNotLetGo,
    /// Asks for the next scheduled job after the look instead of before it.
    DueAskedAfterLook,
    /// Keeps K when it goes back to work because the look found something.
    KKept,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Job {
    Absent,
    /// Written by a transaction that is open.
    Uncommitted,
    /// Not before its time, which hasn't come.
    Scheduled,
    Waiting,
    /// Claimed in an open transaction of this node's worker.
    Claimed(usize),
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Tx {
    Idle,
    Open,
    /// Its rows are visible, its lock or its notification not yet out.
    Visible,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Inserter {
    tx: Tx,
    /// Holds K shared.
    k: bool,
    /// Has called NOTIFY.
    notify: bool,
    /// Has a savepoint to roll back to, once.
    savepoint: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct State {
    nodes: [Node; 2],
    inserters: [Inserter; 2],
    /// The inserters' jobs, and the scheduled one.
    jobs: [Job; 3],
    /// Jobs whose claimer died: peers find them by the rescue, a timer by promise.
    orphans: [bool; 3],
    left: Budget,
}

/// How much may still go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Budget {
    crashes: u8,
    cuts: u8,
    restarts: u8,
    failed_batches: u8,
}

/// Where the scheduled job is in `State::jobs`.
const SCHEDULED: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// The bell does what it is at.
    Bell(usize, Bell),
    /// A few milliseconds have passed while an inserter was open.
    LookAgain(usize),
    /// A bell that waits takes in a notification, or sees its worker busy.
    Stir(usize),
    /// The fallback, the parked second, the scheduled job's time, the longest look.
    Timer(usize),
    /// The worker looks: `round(from_zero)`.
    Claim(usize),
    /// The worker commits.
    Done(usize),
    /// What was claimed can't be done: rolled back.
    BatchFails(usize),
    Insert(usize),
    RollBackToSavepoint(usize),
    Commit(usize),
    RollBack(usize),
    FallsDue,
    Crash(usize),
    Start(usize),
    CutListener(usize),
    RestartServer,
}

#[derive(Clone, Copy)]
struct Wake {
    fault: Fault,
    inserters: usize,
    scheduled: bool,
    savepoints: bool,
    /// NEUROLINK_WAKE_MODE=always: who has S keeps it and K.
    always: bool,
    budget: Budget,
}

const NO_LOST_WAKE: &str = "no lost wake";
const NO_LOCK_KEPT: &str = "no lock is kept by who is awake";

impl Model for Wake {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let inserter = |i: usize| Inserter {
            tx: if i < self.inserters {
                Tx::Idle
            } else {
                Tx::Ended
            },
            k: false,
            notify: false,
            savepoint: self.savepoints,
        };
        let scheduled = if self.scheduled {
            Job::Scheduled
        } else {
            Job::Absent
        };
        vec![State {
            nodes: [Node::started(); 2],
            inserters: [inserter(0), inserter(1)],
            jobs: [Job::Absent, Job::Absent, scheduled],
            orphans: [false; 3],
            left: self.budget,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for n in 0..2 {
            let bell = state.nodes[n].bell;
            match bell {
                Bell::Dead => actions.push(Action::Start(n)),
                Bell::InserterOpen => actions.extend([Action::LookAgain(n), Action::Stir(n)]),
                Bell::Asleep | Bell::Parked => actions.extend([Action::Stir(n), Action::Timer(n)]),
                Bell::Looking { .. } => {
                    actions.extend([Action::Bell(n, bell), Action::Stir(n), Action::Timer(n)]);
                }
                _ => actions.push(Action::Bell(n, bell)),
            }
            actions.extend([Action::Claim(n), Action::Done(n), Action::BatchFails(n)]);
            actions.extend([Action::Crash(n), Action::CutListener(n)]);
            match state.inserters[n].tx {
                Tx::Idle => actions.push(Action::Insert(n)),
                Tx::Open => {
                    actions.extend([Action::RollBackToSavepoint(n), Action::RollBack(n)]);
                    actions.push(Action::Commit(n));
                }
                Tx::Visible => actions.push(Action::Commit(n)),
                Tx::Ended => {}
            }
        }
        actions.extend([Action::FallsDue, Action::RestartServer]);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = *last;
        self.step(&mut state, action)?;
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(NO_LOST_WAKE, |_, state: &State| !state.is_lost()),
            Property::always(NO_LOCK_KEPT, |model: &Self, state: &State| {
                model.always || state.nodes.iter().all(Node::keeps_no_lock)
            }),
            Property::always("one sleeps for all", |_, state: &State| {
                let [a, b] = state.nodes;
                let alone = |a: &Node, b: &Node| a.s != S::Exclusive || b.s == S::None;
                !(a.k && b.k) && alone(&a, &b) && alone(&b, &a)
            }),
            Property::sometimes(
                "a sleeper is notified, or has a timer for what is scheduled",
                |model, state: &State| {
                    let called = |n: &Node| {
                        if model.scheduled {
                            n.knows_due
                        } else {
                            n.heard
                        }
                    };
                    (state.nodes.iter()).any(|n| n.bell == Bell::Asleep && called(n))
                },
            ),
            Property::sometimes(
                "one sleeps for the other, who is parked",
                |_, state: &State| {
                    let bells = state.nodes.map(|n| n.bell);
                    bells.contains(&Bell::Asleep) && bells.contains(&Bell::Parked)
                },
            ),
            Property::sometimes(
                "an inserter is open when a node would sleep",
                |_, state: &State| state.nodes.iter().any(|n| n.bell == Bell::InserterOpen),
            ),
            Property::sometimes("all is done and all rest", |model, state: &State| {
                let done = state.jobs.iter().filter(|j| **j == Job::Done).count();
                done == model.inserters + usize::from(model.scheduled)
                    && state.nodes.iter().all(|n| n.rests(false))
            }),
        ]
    }
}

impl State {
    /// A committed job waits, every living node rests, no notification is under way.
    fn is_lost(&self) -> bool {
        let mut jobs = self.jobs.iter().zip(&self.orphans);
        let waits = jobs.any(|(job, orphan)| *job == Job::Waiting && !orphan);
        let is_due = self.jobs[SCHEDULED] == Job::Waiting;
        let coming = (self.inserters.iter()).any(|i| i.tx == Tx::Visible && i.notify);
        let mut living = self.nodes.iter().filter(|n| n.is_alive()).peekable();
        waits && !coming && living.peek().is_some() && living.all(|n| n.rests(is_due))
    }
}
