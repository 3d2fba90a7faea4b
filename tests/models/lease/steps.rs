//! What each of the lease's actions does, in the words of the statement or function it stands for.

use crate::lease::world::{Delivery, FRESH, Job, LEASE, NEVER, Next, Stage, State, TIMEOUT, Try};
use crate::lease::{Action, Answer, Fault, Lease};

impl Lease {
    /// `None` = not possible now.
    pub(super) fn step(&self, s: &mut State, action: Action) -> Option<()> {
        match action {
            Action::Tick => (!s.is_urgent(self.poll)).then(|| s.tick()),
            Action::Claim(p) => self.claim(s, p, true),
            Action::ClaimUnanswered(p) => {
                (s.left.outages > 0).then_some(())?;
                self.claim(s, p, false)?;
                s.outage();
                Some(())
            }
            Action::Begin(p, t) => self.begin(s, p, t),
            Action::Arrive(p, t) => match &mut s.processes[p].tries[t].as_mut()?.stage {
                Stage::Sending { arrived, .. } if !*arrived => {
                    *arrived = true;
                    (s.may_arrive, s.arrived) = (s.may_arrive - 1, (s.arrived + 1).min(2));
                    Some(())
                }
                _ => None,
            },
            Action::End(p, t, answer) => Self::end(s, p, t, answer),
            Action::Record(p, t) => self
                .record(s, p, t)
                .map(|()| s.processes[p].tries[t] = None),
            Action::RecordUnanswered(p, t) => {
                (s.left.outages > 0).then_some(())?;
                self.record(s, p, t)?;
                s.outage();
                Some(())
            }
            Action::Beat(p) => {
                let process = &mut s.processes[p];
                let worker = process
                    .worker
                    .filter(|_| process.works() && !process.stalled && s.server_up)?;
                process.unsteady &= !process.connected || !(self.poll || s.workers[worker].locked);
                s.workers[worker].heartbeat = Some(0);
                Some(())
            }
            Action::See(p, worker) => self.see(s, p, worker),
            Action::Rescue(p) => self.rescue(s, p),
            Action::ServerDown => (s.left.outages > 0 && s.server_up).then(|| s.outage()),
            Action::ServerUp => (!s.server_up).then(|| (s.server_up, s.server_age) = (true, 0)),
            _ => self.trouble(s, action),
        }
    }

    /// claim_deliveries.sql, by `Dispatcher::claim`.
    fn claim(&self, s: &mut State, p: usize, answered: bool) -> Option<()> {
        let process = &mut s.processes[p];
        let worker = process
            .worker
            .filter(|_| process.works() && process.connected && s.server_up)?;
        let slot = process.tries.iter().position(Option::is_none)?;
        let job = s.job.as_mut().filter(|job| job.due_in == 0)?;
        job.attempt += 1;
        job.claimed_by = Some(worker);
        job.due_in = if self.fault == Fault::NoLease {
            NEVER
        } else {
            LEASE
        };
        let attempt = job.attempt;
        s.holder = Some((worker, attempt));
        if answered {
            let stage = Stage::Claimed;
            process.tries[slot] = Some(Try {
                attempt,
                worker,
                lease_left: LEASE,
                stage,
                hit: false,
            });
        }
        if self.fault == Fault::DeletedByClaim {
            s.job = None;
        }
        Some(())
    }

    /// `attempt`: not begun when its attempts are used up, too little is left of the lease, or the listener is down.
    fn begin(&self, s: &mut State, p: usize, t: usize) -> Option<()> {
        let process = &mut s.processes[p];
        let (works, connected) = (process.works(), process.connected);
        let it = process.tries[t]
            .as_mut()
            .filter(|it| works && it.stage == Stage::Claimed)?;
        // `max_attempts` comes with the claimed row; forgiven ones raise it.
        let used_up = s.job.is_some_and(|job| it.attempt > job.max_attempts);
        let too_late = it.lease_left <= TIMEOUT && self.fault != Fault::BegunTooLate;
        it.stage = if used_up {
            Stage::Ended(Next::Dead)
        } else if too_late || !connected {
            Stage::Ended(Next::Retry { forgiven: true })
        } else {
            Stage::Sending {
                left: TIMEOUT,
                arrived: false,
            }
        };
        Some(())
    }

    /// The call's end, and `decide`.
    fn end(s: &mut State, p: usize, t: usize, answer: Answer) -> Option<()> {
        let works = s.processes[p].works();
        let it = s.processes[p].tries[t].as_mut().filter(|_| works)?;
        let Stage::Sending { arrived, .. } = it.stage else {
            return None;
        };
        (arrived == (answer != Answer::Transient)).then_some(())?;
        s.may_arrive += i8::from(answer == Answer::Ambiguous);
        let max = s.job.map_or(it.attempt, |job| job.max_attempts);
        it.stage = Stage::Ended(match answer {
            Answer::Accepted => Next::Done,
            _ if it.attempt >= max => Next::Dead,
            _ => Next::Retry { forgiven: false },
        });
        Some(())
    }

    /// record.sql: nothing is written unless id, attempt and worker are those of the claim.
    fn record(&self, s: &mut State, p: usize, t: usize) -> Option<()> {
        let process = &s.processes[p];
        let it = process.tries[t].filter(|_| process.works() && s.server_up)?;
        let Stage::Ended(next) = it.stage else {
            return None;
        };
        let is_ours = s.holder == Some((it.worker, it.attempt));
        let held = s.job.filter(|job| {
            (job.attempt == it.attempt || self.fault == Fault::NoAttemptInFence)
                && (job.claimed_by == Some(it.worker) || self.fault == Fault::NoWorkerInFence)
        });
        let Some(job) = held else {
            s.fenced = true;
            return Some(());
        };
        s.fence_broken |= !is_ours;
        s.holder = None;
        (s.job, s.delivery) = match next {
            Next::Done => (None, Delivery::Sent),
            Next::Dead => (None, Delivery::Dead),
            Next::Retry { forgiven } => {
                let max_attempts = job.max_attempts + u8::from(forgiven);
                (
                    Some(Job {
                        due_in: u8::from(!forgiven),
                        max_attempts,
                        claimed_by: None,
                        ..job
                    }),
                    s.delivery,
                )
            }
        };
        Some(())
    }

    fn is_stale(&self, s: &State, p: usize, worker: usize) -> Option<bool> {
        let heartbeat = s.workers[worker].heartbeat?;
        Some(match self.fault {
            Fault::RescueWithoutHeartbeat => true,
            Fault::StaleSinceHeartbeat => heartbeat > FRESH,
            _ => {
                heartbeat
                    .min(s.server_age)
                    .min(s.processes[p].connected_for)
                    > FRESH
            }
        })
    }

    /// stale_workers.sql, by `Presence::beat`.
    fn see(&self, s: &mut State, p: usize, worker: usize) -> Option<()> {
        let process = &s.processes[p];
        let can =
            process.works() && process.connected && s.server_up && process.worker != Some(worker);
        (can && self.is_stale(s, p, worker)?).then(|| s.processes[p].sees = Some(worker))
    }

    /// `Presence::rescue`: the dead one's lock, then rescue.sql, in one transaction.
    fn rescue(&self, s: &mut State, p: usize) -> Option<()> {
        let dead = s.processes[p]
            .sees
            .filter(|_| s.processes[p].works() && s.server_up)?;
        s.processes[p].sees = None;
        let free = !s.workers[dead].locked || self.fault == Fault::RescueWithoutLock;
        let stale = self.is_stale(s, p, dead);
        if !free
            || stale.is_none()
            || (stale == Some(false) && self.fault != Fault::RescueOnHearsay)
        {
            return Some(());
        }
        s.workers[dead].heartbeat = None;
        let Some(job) = s.job.as_mut().filter(|job| job.claimed_by == Some(dead)) else {
            return Some(());
        };
        (job.claimed_by, job.due_in, s.holder) = (None, 0, None);
        let robbed = s.processes.iter().find(|other| other.worker == Some(dead));
        if let Some(other) = robbed {
            let attempt = job.attempt;
            let open = other.tries.iter().flatten().any(|t| t.attempt == attempt);
            // Neither its listener nor its heartbeat gets through: for the server it is gone, as if it were frozen.
            let cut_off = other.stalled && !s.workers[dead].locked;
            s.may_arrive += i8::from(open && (other.frozen || other.unsteady || cut_off));
        }
        Some(())
    }

    /// What goes wrong, and how processes come back from it.
    fn trouble(&self, s: &mut State, action: Action) -> Option<()> {
        let (up, left) = (s.server_up, s.left);
        match action {
            Action::Crash(p) if left.crashes > 0 && s.processes[p].worker.is_some() => {
                s.left.crashes -= 1;
                let process = &mut s.processes[p];
                let worker = process.worker.take()?;
                let begun =
                    |t: &&Try| t.stage != Stage::Claimed && s.holder == Some((t.worker, t.attempt));
                s.may_arrive += i8::from(process.tries.iter().flatten().any(|t| begun(&t)));
                s.workers[worker].locked = false;
                (
                    process.tries,
                    process.frozen,
                    process.connected,
                    process.sees,
                ) = ([None; 2], false, false, None);
            }
            Action::Start(p) if s.processes[p].worker.is_none() => {
                s.processes[p].worker = Some(2);
                s.processes[p].connected = false;
                s.workers[2].heartbeat = Some(0);
            }
            Action::Freeze(p) if left.freezes > 0 && s.processes[p].works() => {
                s.left.freezes -= 1;
                s.processes[p].frozen = true;
                for t in s.processes[p].tries.iter_mut().flatten() {
                    t.hit |= t.stage != Stage::Claimed;
                }
            }
            Action::Thaw(p) if s.processes[p].frozen => {
                (s.processes[p].frozen, s.processes[p].unsteady) = (false, true);
            }
            Action::Stall(p) if left.stalls > 0 && s.processes[p].works() => {
                s.left.stalls -= 1;
                s.processes[p].stalled = true;
            }
            Action::Recover(p) if s.processes[p].stalled => {
                (s.processes[p].stalled, s.processes[p].unsteady) = (false, true);
            }
            Action::Cut(p) if left.cuts > 0 && up && !self.poll => {
                s.left.cuts -= 1;
                s.workers[s.processes[p].worker?].locked = false;
            }
            Action::Notice(p) if s.processes[p].works() && s.processes[p].connected => {
                let worker = s.processes[p].worker?;
                (!self.poll && !s.workers[worker].locked).then_some(())?;
                s.processes[p].connected = false;
            }
            Action::Connect(p) if s.processes[p].works() && !s.processes[p].connected && up => {
                let worker = s.processes[p].worker?;
                s.workers[worker].locked = !self.poll;
                s.workers[worker].heartbeat = Some(0);
                (
                    s.processes[p].connected,
                    s.processes[p].connected_for,
                    s.processes[p].unsteady,
                ) = (true, 0, false);
            }
            _ => return None,
        }
        Some(())
    }
}
