//! A node in the wake's model: its bell (src/queue/bell.rs), one worker (src/queue/worker.rs), and what its listener's
//! session holds.

/// Where a bell is; each is a statement or an await between `Bell::connected` and `Night::sleep`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Bell {
    /// The process is dead.
    Dead,
    /// The listener connection is down: its locks are free, notifications pass it by.
    Reconnecting,
    /// `pass`: takes S shared.
    Top,
    /// Waits for its worker, and hears notifications without more ado.
    UntilIdle,
    /// Lets S shared go.
    LetGo,
    /// Tries S exclusive.
    TryS,
    /// Has S, tries K (`take_k`).
    TryK,
    /// Has S, K wasn't granted: waits a few milliseconds.
    InserterOpen,
    /// Has S, and K if `under_k`: nudges its worker (`look`).
    Look { under_k: bool },
    /// Waits for what its worker finds.
    Looking { under_k: bool },
    /// Has S and K, asks when the next scheduled job falls due.
    AskDue,
    /// Has S and K; only a notification, its worker or a timer ends it.
    Asleep,
    /// Holds nothing; only a notification, its worker or a timer ends it.
    Parked,
    /// Gives K back.
    UnlockK,
    /// Gives S back, and nudges its worker.
    UnlockS,
}

/// What a session holds of S.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum S {
    None,
    Shared,
    Exclusive,
}

/// One node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Node {
    pub(crate) bell: Bell,
    /// Its worker has claimed and not yet committed.
    pub(crate) works: bool,
    /// Its worker is about to look: it was nudged, or isn't through.
    pub(crate) nudged: bool,
    /// Its worker has found something since the bell's look began.
    pub(crate) found: bool,
    /// A notification has come that the bell hasn't taken in.
    pub(crate) heard: bool,
    pub(crate) k: bool,
    pub(crate) s: S,
    /// It rests with a timer for the scheduled job.
    pub(crate) knows_due: bool,
    /// Parked, and the one it relied on has died: its 1 s timer is the wake that is promised then.
    pub(crate) bereft: bool,
}

impl Node {
    /// A process that has just started.
    pub(crate) fn started() -> Self {
        Self {
            bell: Bell::Reconnecting,
            works: false,
            nudged: true,
            found: false,
            heard: false,
            k: false,
            s: S::None,
            knows_due: false,
            bereft: false,
        }
    }

    /// The listener's session is gone, and with it its locks and what it was notified of. The worker isn't.
    pub(crate) fn cut(&mut self) {
        *self = Self {
            works: self.works,
            nudged: self.nudged,
            ..Self::started()
        };
    }

    /// It is sent a notification.
    pub(crate) fn notify(&mut self) {
        if !matches!(self.bell, Bell::Dead | Bell::Reconnecting) {
            self.heard = true;
        }
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.bell != Bell::Dead
    }

    /// `BellHandle::is_idle`.
    pub(crate) fn is_idle(&self) -> bool {
        !self.works && !self.nudged
    }

    /// The end of a rest: `wake_all`, and the next pass.
    pub(crate) fn wake(&mut self) {
        (self.bell, self.nudged) = (Bell::Top, true);
        (self.found, self.knows_due, self.bereft) = (false, false, false);
    }

    /// A worker whose batch is over, or has failed, looks again by itself.
    pub(crate) fn look_again(&mut self) {
        self.nudged |= std::mem::take(&mut self.works);
    }

    /// Nothing but a notification or a timer will move it; `is_due` = the scheduled job's time has come.
    pub(crate) fn rests(&self, is_due: bool) -> bool {
        matches!(self.bell, Bell::Asleep | Bell::Parked)
            && self.is_idle()
            && !self.heard
            && !self.bereft
            && !(self.knows_due && is_due)
    }

    /// Who is awake, parked or away holds nothing that keeps others from their ways.
    pub(crate) fn keeps_no_lock(&self) -> bool {
        match self.bell {
            Bell::Dead | Bell::Reconnecting | Bell::Parked | Bell::Top => {
                !self.k && self.s == S::None
            }
            Bell::UntilIdle => !self.k && self.s != S::Exclusive,
            _ => true,
        }
    }
}
