//! The wake of DESIGN §5: two nodes, two inserters, one scheduled job. The nodes' half is src/queue/bell.rs, the inserters'
//! sql/functions/wake.sql. The promise: never does a committed job wait while every living node rests, no notification is
//! under way, and only a fallback timer could save it.

use stateright::{Model, Property};

use crate::support::{breaks, holds_for_all_alike};
use crate::wake_node::{Bell, Node, S};

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
    /// Tries S exclusive while still holding it shared.
    SNotLetGo,
    /// Asks for the next scheduled job after the look instead of before it.
    DueAskedAfterLook,
    /// In `always` mode, sleeps when its worker is through, without a look.
    AlwaysWithoutLook,
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
    /// Claimed in an open transaction of this node's bell or worker.
    Claimed(usize, By),
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum By {
    Bell,
    Worker,
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
    crashes: u8,
    cuts: u8,
    restarts: u8,
    rollbacks: u8,
}

const SCHEDULED: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Action {
    /// The bell does what it is at.
    Bell(usize, Bell),
    /// A few milliseconds have passed while an inserter was open.
    LookAgain(usize),
    /// A resting bell takes in a notification, or sees its worker busy.
    Stir(usize),
    /// The fallback, the parked second, or the scheduled job's time.
    Timer(usize),
    /// The worker looks.
    Look(usize),
    /// The worker commits.
    Done(usize),
    /// What was claimed can't be done: rolled back.
    BatchFails(usize, By),
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
    crashes: u8,
    cuts: u8,
    restarts: u8,
    rollbacks: u8,
    savepoints: bool,
    /// NEUROLINK_WAKE_MODE=always: K is kept, S isn't used.
    always: bool,
}

impl Wake {
    /// Two inserters, nothing scheduled, nothing dies.
    const INSERTERS: Self = Self {
        fault: Fault::None,
        inserters: 2,
        scheduled: false,
        crashes: 0,
        cuts: 0,
        restarts: 0,
        rollbacks: 0,
        savepoints: false,
        always: false,
    };
    /// One inserter, with a savepoint, and a scheduled job; a batch may fail.
    const SCHEDULE: Self = Self {
        inserters: 1,
        scheduled: true,
        rollbacks: 1,
        savepoints: true,
        ..Self::INSERTERS
    };

    /// `round(from_zero)`: claims what is visible, due and not locked. True: something.
    fn claim(state: &mut State, node: usize, by: By) -> bool {
        let mut found = false;
        for (job, orphan) in state.jobs.iter_mut().zip(&mut state.orphans) {
            if *job == Job::Waiting {
                (*job, *orphan, found) = (Job::Claimed(node, by), false, true);
            }
        }
        found
    }

    fn settle(state: &mut State, node: usize, by: By, to: Job) {
        for job in &mut state.jobs {
            if *job == Job::Claimed(node, by) {
                *job = to;
            }
        }
    }

    fn orphan(state: &mut State, node: usize) {
        for (job, orphan) in state.jobs.iter_mut().zip(&mut state.orphans) {
            if matches!(*job, Job::Claimed(by, _) if by == node) {
                (*job, *orphan) = (Job::Waiting, true);
            }
        }
    }

    fn bell(&self, state: &mut State, n: usize) -> Option<()> {
        let other = state.nodes[1 - n];
        let is_scheduled = state.jobs[SCHEDULED] == Job::Scheduled;
        let mut node = state.nodes[n];
        node.bell = match node.bell {
            // `connected`: LISTEN is committed; wake_all, then the loop.
            Bell::Reconnecting => {
                node.nudged = true;
                Bell::Top
            }
            Bell::Top if self.always => Bell::UntilIdle,
            // pg_try_advisory_lock_shared(S): refused only by a peer that sleeps for all.
            Bell::Top => {
                if other.s != S::Exclusive {
                    node.s = S::Shared;
                }
                Bell::UntilIdle
            }
            // `until_idle`: a notification heard here is dropped.
            Bell::UntilIdle if node.heard && node.works => {
                node.heard = false;
                Bell::UntilIdle
            }
            Bell::UntilIdle if !node.works && self.always => Bell::TryK,
            Bell::UntilIdle if !node.works => match node.s {
                S::Shared if self.fault != Fault::SNotLetGo => Bell::LetGo,
                _ => Bell::TryS,
            },
            Bell::LetGo => {
                node.s = S::None;
                Bell::TryS
            }
            // pg_try_advisory_lock(S); one's own shared hold doesn't stand in the way.
            Bell::TryS if other.s == S::None => {
                node.s = S::Exclusive;
                Bell::TryK
            }
            Bell::TryS => {
                node.knows_due = is_scheduled;
                Bell::Parked
            }
            // Tried until it is granted, then kept: somebody has it, whoever.
            Bell::TryK if self.always => {
                node.k |= !other.k && !state.inserters.iter().any(|i| i.k);
                if self.fault == Fault::AlwaysWithoutLook {
                    Bell::Asleep
                } else {
                    Bell::AskDue
                }
            }
            // pg_try_advisory_lock(K).
            Bell::TryK if other.k || state.inserters.iter().any(|i| i.k) => Bell::InserterOpen,
            Bell::TryK => {
                node.k = true;
                match self.fault {
                    Fault::NoSecondLook | Fault::LookBeforeK => {
                        node.knows_due = is_scheduled;
                        Bell::Asleep
                    }
                    Fault::DueAskedAfterLook => Bell::Look,
                    _ => Bell::AskDue,
                }
            }
            Bell::LookOpen => {
                if Self::claim(state, n, By::Bell) {
                    Bell::Working { under_k: false }
                } else {
                    Bell::TryK
                }
            }
            Bell::AskDue => {
                node.knows_due = is_scheduled;
                if self.fault == Fault::DueAskedAfterLook {
                    Bell::Asleep
                } else {
                    Bell::Look
                }
            }
            Bell::Look => {
                if Self::claim(state, n, By::Bell) {
                    Bell::Working { under_k: true }
                } else if self.fault == Fault::DueAskedAfterLook {
                    Bell::AskDue
                } else {
                    Bell::Asleep
                }
            }
            Bell::Working { under_k } => {
                Self::settle(state, n, By::Bell, Job::Done);
                if self.always {
                    node.wake();
                    Bell::Top
                } else if under_k && self.fault != Fault::KKept {
                    Bell::UnlockK
                } else {
                    Bell::UnlockS
                }
            }
            Bell::UnlockK => {
                node.k = false;
                Bell::UnlockS
            }
            Bell::UnlockS => {
                node.s = S::None;
                node.wake();
                Bell::Top
            }
            _ => return None,
        };
        if self.fault == Fault::LookBeforeK
            && node.bell == Bell::TryK
            && state.nodes[n].bell == Bell::TryS
        {
            node.bell = Bell::LookOpen;
        }
        state.nodes[n] = node;
        Some(())
    }

    /// What ends a rest.
    fn rouse(&self, node: &mut Node) {
        match node.bell {
            _ if self.always => node.wake(),
            Bell::Asleep => node.bell = Bell::UnlockK,
            Bell::InserterOpen => node.bell = Bell::UnlockS,
            _ => node.wake(),
        }
    }

    /// A worker whose batch is over, or has failed, looks again by itself.
    fn look_again(node: &mut Node) {
        if std::mem::take(&mut node.works) {
            node.nudged = true;
        }
    }

    fn insert(&self, state: &mut State, i: usize) {
        // The trigger: pg_try_advisory_xact_lock_shared(K), or NOTIFY.
        let k_taken = state.nodes.iter().any(|node| node.k);
        let inserter = &mut state.inserters[i];
        inserter.tx = Tx::Open;
        (inserter.k, inserter.notify) = (!k_taken && self.fault != Fault::KReleasedEarly, k_taken);
        state.jobs[i] = Job::Uncommitted;
    }

    fn commit(&self, state: &mut State, i: usize) -> Option<()> {
        let inserter = &mut state.inserters[i];
        match inserter.tx {
            Tx::Open if self.fault == Fault::KReleasedBeforeVisible && inserter.k => {
                inserter.k = false
            }
            Tx::Open => {
                inserter.tx = Tx::Visible;
                state.jobs[i] = Job::Waiting;
            }
            Tx::Visible => {
                (inserter.tx, inserter.k) = (Tx::Ended, false);
                if std::mem::take(&mut inserter.notify) {
                    state.nodes.iter_mut().for_each(Node::notify);
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn roll_back(state: &mut State, i: usize, tx: Tx) {
        state.inserters[i] = Inserter {
            tx,
            k: false,
            notify: false,
            savepoint: false,
        };
        state.jobs[i] = Job::Absent;
    }

    fn crash(state: &mut State, n: usize) {
        // A parked node relied on it, awake or asleep for all.
        let awake = state.nodes[n].bell != Bell::Parked;
        Self::orphan(state, n);
        state.nodes[n].cut();
        (
            state.nodes[n].bell,
            state.nodes[n].works,
            state.nodes[n].nudged,
        ) = (Bell::Dead, false, false);
        let other = &mut state.nodes[1 - n];
        other.bereft |= awake && other.bell == Bell::Parked;
    }

    fn restart_server(state: &mut State) {
        for i in 0..2 {
            match state.inserters[i].tx {
                Tx::Open => Self::roll_back(state, i, Tx::Ended),
                Tx::Visible => {
                    state.inserters[i] = Inserter {
                        tx: Tx::Ended,
                        k: false,
                        notify: false,
                        savepoint: false,
                    };
                }
                _ => {}
            }
        }
        for n in 0..2 {
            if state.nodes[n].is_alive() {
                Self::settle(state, n, By::Bell, Job::Waiting);
                Self::settle(state, n, By::Worker, Job::Waiting);
                state.nodes[n].cut();
                Self::look_again(&mut state.nodes[n]);
            }
        }
    }
}

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
        let job = if self.scheduled {
            Job::Scheduled
        } else {
            Job::Absent
        };
        vec![State {
            nodes: [Node::started(); 2],
            inserters: [inserter(0), inserter(1)],
            jobs: [Job::Absent, Job::Absent, job],
            orphans: [false; 3],
            crashes: self.crashes,
            cuts: self.cuts,
            restarts: self.restarts,
            rollbacks: self.rollbacks,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for n in 0..2 {
            let bell = state.nodes[n].bell;
            match bell {
                Bell::Dead => actions.push(Action::Start(n)),
                Bell::InserterOpen => actions.extend([Action::LookAgain(n), Action::Stir(n)]),
                Bell::Asleep | Bell::Parked => actions.extend([Action::Stir(n), Action::Timer(n)]),
                _ => actions.push(Action::Bell(n, bell)),
            }
            actions.extend([Action::Look(n), Action::Done(n)]);
            actions.extend([
                Action::BatchFails(n, By::Bell),
                Action::BatchFails(n, By::Worker),
            ]);
            actions.extend([Action::Crash(n), Action::CutListener(n)]);
            match state.inserters[n].tx {
                Tx::Idle => actions.push(Action::Insert(n)),
                Tx::Open => actions.extend([
                    Action::RollBackToSavepoint(n),
                    Action::Commit(n),
                    Action::RollBack(n),
                ]),
                Tx::Visible => actions.push(Action::Commit(n)),
                Tx::Ended => {}
            }
        }
        actions.extend([Action::FallsDue, Action::RestartServer]);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = *last;
        match action {
            Action::Bell(n, _) => self.bell(&mut state, n)?,
            Action::LookAgain(n) if last.nodes[n].bell == Bell::InserterOpen => {
                state.nodes[n].bell = Bell::LookOpen
            }
            Action::Stir(n) => {
                let node = &mut state.nodes[n];
                let waits = matches!(node.bell, Bell::Asleep | Bell::Parked | Bell::InserterOpen);
                if !waits || !(node.heard || node.works) {
                    return None;
                }
                // `biased`: a busy worker is seen first, and the notification stays for the next await.
                if !node.works {
                    node.heard = false;
                }
                self.rouse(node);
            }
            Action::Timer(n) if matches!(last.nodes[n].bell, Bell::Asleep | Bell::Parked) => {
                self.rouse(&mut state.nodes[n])
            }
            Action::Look(n) if last.nodes[n].nudged && !last.nodes[n].works => {
                state.nodes[n].nudged = false;
                state.nodes[n].works = Self::claim(&mut state, n, By::Worker);
            }
            Action::Done(n) if last.nodes[n].works => {
                Self::settle(&mut state, n, By::Worker, Job::Done);
                Self::look_again(&mut state.nodes[n]);
            }
            // An error in the bell's look ends its session; in the worker's, the worker looks again by itself.
            Action::BatchFails(n, By::Bell)
                if last.rollbacks > 0 && matches!(last.nodes[n].bell, Bell::Working { .. }) =>
            {
                state.rollbacks -= 1;
                Self::settle(&mut state, n, By::Bell, Job::Waiting);
                state.nodes[n].cut();
            }
            Action::BatchFails(n, By::Worker) if last.rollbacks > 0 && last.nodes[n].works => {
                state.rollbacks -= 1;
                Self::settle(&mut state, n, By::Worker, Job::Waiting);
                Self::look_again(&mut state.nodes[n]);
            }
            Action::Insert(i) if last.inserters[i].tx == Tx::Idle => self.insert(&mut state, i),
            // The subtransaction's locks and notifications go with it.
            Action::RollBackToSavepoint(i)
                if last.inserters[i].tx == Tx::Open && last.inserters[i].savepoint =>
            {
                Self::roll_back(&mut state, i, Tx::Idle);
            }
            Action::Commit(i) => self.commit(&mut state, i)?,
            Action::RollBack(i) if last.inserters[i].tx == Tx::Open => {
                Self::roll_back(&mut state, i, Tx::Ended)
            }
            Action::FallsDue if last.jobs[SCHEDULED] == Job::Scheduled => {
                state.jobs[SCHEDULED] = Job::Waiting
            }
            Action::Crash(n) if last.crashes > 0 && last.nodes[n].is_alive() => {
                state.crashes -= 1;
                Self::crash(&mut state, n);
            }
            Action::Start(n) if !last.nodes[n].is_alive() => state.nodes[n] = Node::started(),
            Action::CutListener(n)
                if last.cuts > 0
                    && !matches!(last.nodes[n].bell, Bell::Dead | Bell::Reconnecting) =>
            {
                state.cuts -= 1;
                if matches!(last.nodes[n].bell, Bell::Working { .. }) {
                    // The look runs on another connection and ends before the bell sees its own is lost.
                    Self::settle(&mut state, n, By::Bell, Job::Done);
                }
                state.nodes[n].cut();
            }
            Action::RestartServer if last.restarts > 0 => {
                state.restarts -= 1;
                Self::restart_server(&mut state);
            }
            _ => return None,
        }
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(NO_LOST_WAKE, |model, state: &State| {
                // While nobody has got K yet, a second's look is the promise.
                !state.is_lost() || (model.always && !state.nodes.iter().any(|n| n.k))
            }),
            Property::always(NO_LOCK_KEPT, |model, state: &State| {
                model.always || state.nodes.iter().all(keeps_no_lock)
            }),
            Property::always("one sleeps for all", |_, state: &State| {
                let [a, b] = state.nodes;
                !(a.k && b.k)
                    && !(a.s == S::Exclusive && b.s != S::None)
                    && !(b.s == S::Exclusive && a.s != S::None)
            }),
            Property::sometimes(
                "a sleeper is notified, or its timer runs out",
                |model, state: &State| {
                    state.nodes.iter().any(|n| {
                        n.bell == Bell::Asleep
                            && if model.scheduled {
                                n.knows_due
                            } else {
                                n.heard
                            }
                    })
                },
            ),
            Property::sometimes(
                "one sleeps for the other, who is parked",
                |model, state: &State| {
                    let bells = state.nodes.map(|n| n.bell);
                    model.always || (bells.contains(&Bell::Asleep) && bells.contains(&Bell::Parked))
                },
            ),
            Property::sometimes(
                "an inserter is open when a node would sleep",
                |model, state: &State| {
                    model.always || state.nodes.iter().any(|n| n.bell == Bell::InserterOpen)
                },
            ),
            Property::sometimes("all is done and all rest", |model, state: &State| {
                state.jobs.iter().filter(|j| **j == Job::Done).count()
                    == model.inserters + usize::from(model.scheduled)
                    && state.nodes.iter().all(|n| n.rests(false))
            }),
        ]
    }
}

const NO_LOST_WAKE: &str = "no lost wake";
const NO_LOCK_KEPT: &str = "no lock is kept by who is awake";

impl State {
    /// A committed job waits, every living node rests, no notification is under way.
    fn is_lost(&self) -> bool {
        let waits = self
            .jobs
            .iter()
            .zip(&self.orphans)
            .any(|(job, orphan)| *job == Job::Waiting && !orphan);
        let is_due = self.jobs[SCHEDULED] == Job::Waiting;
        let coming = self
            .inserters
            .iter()
            .any(|i| i.tx == Tx::Visible && i.notify);
        waits
            && !coming
            && self.nodes.iter().any(Node::is_alive)
            && self
                .nodes
                .iter()
                .filter(|n| n.is_alive())
                .all(|n| n.rests(is_due))
    }
}

fn keeps_no_lock(node: &Node) -> bool {
    match node.bell {
        Bell::Dead | Bell::Reconnecting | Bell::Parked | Bell::Top => !node.k && node.s == S::None,
        Bell::UntilIdle => !node.k && node.s != S::Exclusive,
        _ => true,
    }
}

/// Nodes are alike, and inserters (with their jobs) are: the least of the four namings stands for all.
fn representative(state: &State) -> State {
    let mut best = *state;
    for (swap_nodes, swap_inserters) in [(true, false), (false, true), (true, true)] {
        let mut other = *state;
        if swap_nodes {
            other.nodes.swap(0, 1);
            for job in &mut other.jobs {
                if let Job::Claimed(node, _) = job {
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
    holds_for_all_alike(name, model, representative);
}

fn a_wake_is_lost(name: &str, fault: Fault, model: Wake) {
    breaks(name, NO_LOST_WAKE, Wake { fault, ..model });
}

#[test]
fn no_wake_is_lost_however_inserters_and_two_nodes_interleave() {
    no_wake_is_lost("wake, two inserters", Wake::INSERTERS);
    no_wake_is_lost("wake, one inserter and a scheduled job", Wake::SCHEDULE);
}

#[test]
fn no_wake_is_lost_by_the_death_of_a_node_but_the_parked_ones_second() {
    no_wake_is_lost(
        "wake, a node dies",
        Wake {
            crashes: 1,
            ..Wake::INSERTERS
        },
    );
}

#[test]
fn no_wake_is_lost_with_a_listener_s_connection_or_the_server() {
    no_wake_is_lost(
        "wake, a listener is cut",
        Wake {
            cuts: 1,
            ..Wake::INSERTERS
        },
    );
    no_wake_is_lost(
        "wake, the server restarts",
        Wake {
            restarts: 1,
            ..Wake::INSERTERS
        },
    );
}

#[test]
fn no_wake_is_lost_in_mode_always() {
    let always = Wake {
        always: true,
        ..Wake::INSERTERS
    };
    no_wake_is_lost("always", always);
    a_wake_is_lost(
        "always, without a look before the sleep",
        Fault::AlwaysWithoutLook,
        always,
    );
}

#[test]
fn without_the_look_under_k_a_wake_is_lost() {
    a_wake_is_lost("no second look", Fault::NoSecondLook, Wake::INSERTERS);
    a_wake_is_lost(
        "looked before K was granted",
        Fault::LookBeforeK,
        Wake::INSERTERS,
    );
}

#[test]
fn an_inserter_that_lets_k_go_before_its_rows_are_visible_loses_its_wake() {
    a_wake_is_lost(
        "K let go with the statement",
        Fault::KReleasedEarly,
        Wake::INSERTERS,
    );
    a_wake_is_lost(
        "K let go before the rows are visible",
        Fault::KReleasedBeforeVisible,
        Wake::INSERTERS,
    );
}

#[test]
fn two_nodes_that_keep_s_while_they_try_it_both_park() {
    a_wake_is_lost("S is not let go", Fault::SNotLetGo, Wake::INSERTERS);
}

#[test]
fn a_job_that_falls_due_between_the_look_and_the_question_for_the_next_one_is_overslept() {
    a_wake_is_lost(
        "due asked after the look",
        Fault::DueAskedAfterLook,
        Wake::SCHEDULE,
    );
}

#[test]
fn a_k_that_is_not_given_back_is_seen() {
    breaks(
        "K is kept",
        NO_LOCK_KEPT,
        Wake {
            fault: Fault::KKept,
            ..Wake::INSERTERS
        },
    );
}
