//! The world of the lease's model: one delivery and its job, two processes, the server, and time in ticks. A tick is
//! about a heartbeat; ages stop counting where nothing asks further.

/// Ticks of a lease; at least twice a channel's time-out (`start_works` refuses less).
pub(crate) const LEASE: u8 = 3;
/// Ticks of a channel's time-out.
pub(crate) const TIMEOUT: u8 = 1;
/// A heartbeat older than this is stale.
pub(crate) const FRESH: u8 = 1;
/// No lease: only in the fault that leaves it out.
pub(crate) const NEVER: u8 = u8::MAX;
/// Attempts that a delivery gets.
pub(crate) const MAX_ATTEMPTS: u8 = 2;

/// The row of neurolink_jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Job {
    /// `run_at`, in ticks from now.
    pub(crate) due_in: u8,
    pub(crate) attempt: u8,
    pub(crate) max_attempts: u8,
    pub(crate) claimed_by: Option<usize>,
}

/// `status` of neurolink_delivery_log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Delivery {
    Pending,
    Sent,
    Dead,
}

/// What an attempt asks to become of its delivery (`deliveries::model::Next`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Next {
    Done,
    Dead,
    Retry { forgiven: bool },
}

/// Where a try is (`pipeline::deliver::attempt`, then the completer).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Stage {
    /// The claim has been answered.
    Claimed,
    /// The provider is called; `arrived` = it has accepted, whatever it answers.
    Sending { left: u8, arrived: bool },
    /// The completer holds its outcome.
    Ended(Next),
}

/// A process's try of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Try {
    pub(crate) attempt: u8,
    pub(crate) worker: usize,
    /// By the process's own clock.
    pub(crate) lease_left: u8,
    pub(crate) stage: Stage,
    /// A freeze of its process or an outage of the server fell into it after it was begun.
    pub(crate) hit: bool,
}

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Process {
    /// Its incarnation; `None` = not running.
    pub(crate) worker: Option<usize>,
    pub(crate) frozen: bool,
    /// Thawed, and not yet sure that its peers know: what is taken from it now, its freeze has taken.
    pub(crate) unsteady: bool,
    /// Its heartbeat doesn't get through (a pool without connections), all else does.
    pub(crate) stalled: bool,
    /// What it believes of its listener connection (`Presence::is_connected`).
    pub(crate) connected: bool,
    /// Ticks since its listener connected.
    pub(crate) connected_for: u8,
    /// A worker that its last look found stale, not yet rescued.
    pub(crate) sees: Option<usize>,
    /// It has as many slots.
    pub(crate) tries: [Option<Try>; 2],
}

/// A row of neurolink_workers, and the lock its listener's session holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Worker {
    /// Ticks since its heartbeat; `None` = no row.
    pub(crate) heartbeat: Option<u8>,
    pub(crate) locked: bool,
}

/// Everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct State {
    pub(crate) job: Option<Job>,
    pub(crate) delivery: Delivery,
    pub(crate) processes: [Process; 2],
    pub(crate) workers: [Worker; 3],
    pub(crate) server_up: bool,
    /// Ticks since the postmaster's start.
    pub(crate) server_age: u8,
    /// How often the provider may still accept the delivery: once, and once more for each crash, freeze, outage and
    /// ambiguous answer that has hit it. Below zero, the promise is broken.
    pub(crate) may_arrive: i8,
    /// The provider has accepted it so often (no further than twice).
    pub(crate) arrived: u8,
    /// A finish was written by somebody whose claim had ended.
    pub(crate) fence_broken: bool,
    /// A late outcome found the fence closed.
    pub(crate) fenced: bool,
    /// The claim that holds: worker and attempt. Known to the model, not to the product.
    pub(crate) holder: Option<(usize, u8)>,
    pub(crate) left: Budget,
}

/// How much may still go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Budget {
    pub(crate) crashes: u8,
    pub(crate) freezes: u8,
    pub(crate) outages: u8,
    pub(crate) cuts: u8,
    pub(crate) stalls: u8,
}

impl Process {
    pub(crate) fn works(&self) -> bool {
        self.worker.is_some() && !self.frozen
    }
}

impl State {
    /// Two processes at work, one job due.
    pub(crate) fn begin(left: Budget) -> Self {
        let process = |worker| Process {
            worker: Some(worker),
            frozen: false,
            unsteady: false,
            stalled: false,
            connected: true,
            connected_for: FRESH + 1,
            sees: None,
            tries: [None; 2],
        };
        let alive = Worker {
            heartbeat: Some(0),
            locked: true,
        };
        Self {
            job: Some(Job {
                due_in: 0,
                attempt: 0,
                max_attempts: MAX_ATTEMPTS,
                claimed_by: None,
            }),
            delivery: Delivery::Pending,
            processes: [process(0), process(1)],
            workers: [
                alive,
                alive,
                Worker {
                    heartbeat: None,
                    locked: false,
                },
            ],
            server_up: true,
            server_age: FRESH + 1,
            may_arrive: 1,
            arrived: 0,
            fence_broken: false,
            fenced: false,
            holder: None,
            left,
        }
    }

    /// Whether anybody still works on it.
    pub(crate) fn is_tried(&self) -> bool {
        self.processes
            .iter()
            .any(|p| p.tries.iter().any(Option::is_some))
    }

    /// Pending, and nobody will ever take it up: no job, or one that nobody works on and that never falls due.
    pub(crate) fn is_lost(&self) -> bool {
        self.delivery == Delivery::Pending
            && !self.is_tried()
            && self.job.is_none_or(|job| job.due_in == NEVER)
    }

    /// Something is due at once by somebody who can: no time passes before.
    /// In mode poll no listener is kept.
    pub(crate) fn is_urgent(&self, poll: bool) -> bool {
        self.processes.iter().any(|p| {
            let Some(worker) = p.worker.filter(|_| !p.frozen) else {
                return false;
            };
            let beats = p.stalled || self.workers[worker].heartbeat == Some(0);
            let hears = poll
                || (p.connected == self.workers[worker].locked && (p.connected || !self.server_up));
            let tries = p.tries.iter().flatten().any(|t| match t.stage {
                Stage::Claimed => true,
                Stage::Sending { left, .. } => left == 0,
                Stage::Ended(_) => self.server_up,
            });
            !hears || tries || p.sees.is_some() || (self.server_up && !beats)
        })
    }

    /// Over: whatever happens now, happens to others.
    pub(crate) fn is_over(&self) -> bool {
        self.job.is_none() && self.delivery != Delivery::Pending && !self.is_tried()
    }

    /// The same with the two processes' names exchanged.
    pub(crate) fn mirrored(&self) -> Self {
        let name = |worker: &mut usize| *worker = [1, 0, 2][*worker];
        let mut other = *self;
        other.processes.swap(0, 1);
        other.workers.swap(0, 1);
        for p in &mut other.processes {
            p.worker.iter_mut().for_each(name);
            p.sees.iter_mut().for_each(name);
            p.tries
                .iter_mut()
                .flatten()
                .for_each(|t| name(&mut t.worker));
            p.tries.sort_unstable();
        }
        other
            .job
            .iter_mut()
            .filter_map(|job| job.claimed_by.as_mut())
            .for_each(name);
        other.holder.iter_mut().for_each(|(worker, _)| name(worker));
        other
    }

    /// A tick passes.
    pub(crate) fn tick(&mut self) {
        let older = |age: &mut u8| *age = (*age + 1).min(FRESH + 1);
        older(&mut self.server_age);
        for worker in &mut self.workers {
            worker.heartbeat.iter_mut().for_each(older);
        }
        let mut ran_out = false;
        if let Some(job) = &mut self.job
            && job.due_in != NEVER
        {
            ran_out = job.due_in == 1 && job.claimed_by.is_some();
            job.due_in = job.due_in.saturating_sub(1);
        }
        for p in &mut self.processes {
            older(&mut p.connected_for);
            for t in p.tries.iter_mut().flatten() {
                t.lease_left = t.lease_left.saturating_sub(1);
                if let Stage::Sending { left, .. } = &mut t.stage {
                    *left = left.saturating_sub(1);
                }
                let begun = t.stage != Stage::Claimed;
                if ran_out
                    && begun
                    && (t.hit || !self.server_up)
                    && self.holder == Some((t.worker, t.attempt))
                {
                    self.may_arrive += 1;
                }
            }
        }
    }

    /// Every session ends, and with them the locks; the tries under way have met an outage.
    pub(crate) fn outage(&mut self) {
        self.left.outages -= 1;
        self.server_up = false;
        for worker in &mut self.workers {
            worker.locked = false;
        }
        for p in &mut self.processes {
            p.sees = None;
            for t in p.tries.iter_mut().flatten() {
                t.hit |= t.stage != Stage::Claimed;
            }
        }
    }
}
