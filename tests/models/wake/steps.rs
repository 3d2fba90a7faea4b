//! What each of the wake's actions does, in the words of the statement or function it stands for.

use crate::wake::node::{Bell, Node, S};
use crate::wake::{Action, Fault, Inserter, Job, SCHEDULED, State, Tx, Wake};

impl Wake {
    /// `None` = not possible now.
    pub(super) fn step(&self, s: &mut State, action: Action) -> Option<()> {
        match action {
            Action::Bell(n, _) => self.bell(s, n)?,
            Action::LookAgain(n) if s.nodes[n].bell == Bell::InserterOpen => {
                s.nodes[n].bell = Bell::Look { under_k: false };
            }
            Action::Stir(n) => {
                let node = &mut s.nodes[n];
                // `biased`: a busy worker is seen first, and the notification stays for the next await. A look expects
                // its worker to be busy.
                let busy = node.works && !matches!(node.bell, Bell::Looking { .. });
                (busy || node.heard).then_some(())?;
                node.heard &= busy;
                self.rouse(node);
            }
            Action::Timer(n) => self.rouse(&mut s.nodes[n]),
            Action::Claim(n) if s.nodes[n].nudged && !s.nodes[n].works => {
                s.nodes[n].nudged = false;
                s.nodes[n].works = claim(s, n);
            }
            Action::Done(n) if s.nodes[n].works => {
                settle(s, n, Job::Done);
                s.nodes[n].found |= matches!(s.nodes[n].bell, Bell::Looking { .. });
                s.nodes[n].look_again();
            }
            Action::BatchFails(n) if s.left.failed_batches > 0 && s.nodes[n].works => {
                s.left.failed_batches -= 1;
                settle(s, n, Job::Waiting);
                s.nodes[n].look_again();
            }
            Action::Insert(i) if s.inserters[i].tx == Tx::Idle => self.insert(s, i),
            // The subtransaction's locks and notifications go with it.
            Action::RollBackToSavepoint(i) if s.inserters[i].savepoint => roll_back(s, i, Tx::Idle),
            Action::Commit(i) => self.commit(s, i)?,
            Action::RollBack(i) => roll_back(s, i, Tx::Ended),
            Action::FallsDue if s.jobs[SCHEDULED] == Job::Scheduled => {
                s.jobs[SCHEDULED] = Job::Waiting;
            }
            Action::Crash(n) if s.left.crashes > 0 && s.nodes[n].is_alive() => crash(s, n),
            Action::Start(n) => s.nodes[n] = Node::started(),
            Action::CutListener(n) if s.left.cuts > 0 && s.nodes[n].is_alive() => {
                s.left.cuts -= 1;
                s.nodes[n].cut();
            }
            Action::RestartServer if s.left.restarts > 0 => restart_server(s),
            _ => return None,
        }
        Some(())
    }

    fn bell(&self, s: &mut State, n: usize) -> Option<()> {
        let other = s.nodes[1 - n];
        let inserter_has_k = s.inserters.iter().any(|i| i.k);
        let is_scheduled = s.jobs[SCHEDULED] == Job::Scheduled;
        let node = &mut s.nodes[n];
        node.bell = match node.bell {
            // LISTEN is committed, then `wake_all`.
            Bell::Reconnecting => {
                node.nudged = true;
                Bell::Top
            }
            // pg_try_advisory_lock_shared(S): refused only by a peer that sleeps for all.
            Bell::Top => {
                if other.s != S::Exclusive && !self.always {
                    node.s = S::Shared;
                }
                Bell::UntilIdle
            }
            Bell::UntilIdle if node.is_idle() => match node.s {
                S::Shared if self.fault != Fault::SNotLetGo => Bell::LetGo,
                _ if node.k => self.before_look(),
                _ => Bell::TryS,
            },
            // A notification heard here is dropped.
            Bell::UntilIdle => {
                node.heard = false;
                Bell::UntilIdle
            }
            Bell::LetGo => {
                node.s = S::None;
                Bell::TryS
            }
            // pg_try_advisory_lock(S); one's own shared hold doesn't stand in the way.
            Bell::TryS if other.s == S::None => {
                node.s = S::Exclusive;
                match self.fault {
                    Fault::LookBeforeK => Bell::Look { under_k: false },
                    _ => Bell::TryK,
                }
            }
            Bell::TryS => {
                node.knows_due = is_scheduled;
                Bell::Parked
            }
            // pg_try_advisory_lock(K).
            Bell::TryK if other.k || inserter_has_k => Bell::InserterOpen,
            Bell::TryK => {
                node.k = true;
                self.before_look()
            }
            Bell::Look { under_k } => {
                (node.nudged, node.found) = (true, false);
                Bell::Looking { under_k }
            }
            Bell::Looking { .. } if node.found => {
                self.rouse(node);
                return Some(());
            }
            Bell::Looking { under_k } if node.is_idle() => match self.fault {
                _ if !under_k => Bell::TryK,
                Fault::DueAskedAfterLook => Bell::AskDue,
                _ => Bell::Asleep,
            },
            Bell::AskDue => {
                node.knows_due = is_scheduled;
                match self.fault {
                    Fault::None | Fault::KKept | Fault::SNotLetGo => Bell::Look { under_k: true },
                    Fault::KReleasedEarly | Fault::KReleasedBeforeVisible => {
                        Bell::Look { under_k: true }
                    }
                    Fault::NoSecondLook | Fault::LookBeforeK | Fault::DueAskedAfterLook => {
                        Bell::Asleep
                    }
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
        Some(())
    }

    /// K is ours.
    fn before_look(&self) -> Bell {
        match self.fault {
            Fault::DueAskedAfterLook => Bell::Look { under_k: true },
            _ => Bell::AskDue,
        }
    }

    /// What ends a wait: K is let go first, then S, then the worker is nudged. Mode `always` keeps both.
    fn rouse(&self, node: &mut Node) {
        match node.bell {
            Bell::Asleep | Bell::Looking { under_k: true } if self.always => node.wake(),
            Bell::Asleep => node.bell = Bell::UnlockK,
            Bell::Looking { under_k: true } if self.fault != Fault::KKept => {
                node.bell = Bell::UnlockK;
            }
            Bell::Looking { .. } | Bell::InserterOpen => node.bell = Bell::UnlockS,
            _ => node.wake(),
        }
    }

    /// The trigger: pg_try_advisory_xact_lock_shared(K), or NOTIFY.
    fn insert(&self, s: &mut State, i: usize) {
        let k_taken = s.nodes.iter().any(|node| node.k);
        let inserter = &mut s.inserters[i];
        inserter.tx = Tx::Open;
        inserter.k = !k_taken && self.fault != Fault::KReleasedEarly;
        inserter.notify = k_taken;
        s.jobs[i] = Job::Uncommitted;
    }

    /// PostgreSQL's commit: rows visible, then locks let go, then listeners signalled. An inserter has either a lock or a
    /// notification, so the two are one step.
    fn commit(&self, s: &mut State, i: usize) -> Option<()> {
        let inserter = &mut s.inserters[i];
        match inserter.tx {
            Tx::Open if self.fault == Fault::KReleasedBeforeVisible && inserter.k => {
                inserter.k = false;
            }
            Tx::Open => {
                inserter.tx = Tx::Visible;
                s.jobs[i] = Job::Waiting;
            }
            Tx::Visible => {
                (inserter.tx, inserter.k) = (Tx::Ended, false);
                if std::mem::take(&mut inserter.notify) {
                    s.nodes.iter_mut().for_each(Node::notify);
                }
            }
            _ => return None,
        }
        Some(())
    }
}

/// claim_events.sql: what is visible, due and not locked. True: something.
fn claim(s: &mut State, node: usize) -> bool {
    let mut found = false;
    for (job, orphan) in s.jobs.iter_mut().zip(&mut s.orphans) {
        if *job == Job::Waiting {
            (*job, *orphan, found) = (Job::Claimed(node), false, true);
        }
    }
    found
}

fn settle(s: &mut State, node: usize, to: Job) {
    for job in s.jobs.iter_mut().filter(|job| **job == Job::Claimed(node)) {
        *job = to;
    }
}

fn roll_back(s: &mut State, i: usize, tx: Tx) {
    s.inserters[i] = Inserter {
        tx,
        k: false,
        notify: false,
        savepoint: false,
    };
    s.jobs[i] = Job::Absent;
}

fn crash(s: &mut State, n: usize) {
    s.left.crashes -= 1;
    for (job, orphan) in s.jobs.iter_mut().zip(&mut s.orphans) {
        if *job == Job::Claimed(n) {
            (*job, *orphan) = (Job::Waiting, true);
        }
    }
    // A parked node relied on it, awake or asleep for all.
    let was_parked = s.nodes[n].bell == Bell::Parked;
    s.nodes[n] = Node {
        bell: Bell::Dead,
        nudged: false,
        ..Node::started()
    };
    let other = &mut s.nodes[1 - n];
    other.bereft |= !was_parked && other.bell == Bell::Parked;
}

/// Open transactions are rolled back, sessions end, and every process lives on.
fn restart_server(s: &mut State) {
    s.left.restarts -= 1;
    for i in 0..2 {
        match s.inserters[i].tx {
            Tx::Open => roll_back(s, i, Tx::Ended),
            Tx::Visible => {
                (s.inserters[i].k, s.inserters[i].notify) = (false, false);
                s.inserters[i].tx = Tx::Ended;
            }
            _ => {}
        }
    }
    for n in (0..2)
        .filter(|n| s.nodes[*n].is_alive())
        .collect::<Vec<_>>()
    {
        settle(s, n, Job::Waiting);
        s.nodes[n].look_again();
        s.nodes[n].cut();
    }
}
