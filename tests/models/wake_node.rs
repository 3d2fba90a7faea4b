//! A node in the wake's model: its bell (src/queue/bell.rs), one worker (src/queue/worker.rs), and what its sessions hold.

/// Where a bell is; each is a statement or an await of `Bell::connected`, `sleep_gated` or `sleep_for_all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Bell {
    /// The process is dead.
    Dead,
    /// The listener connection is down: its locks are free, notifications pass it by.
    Reconnecting,
    /// Takes S shared.
    Top,
    /// Waits for its worker, and hears notifications without more ado.
    UntilIdle,
    /// Lets S shared go.
    LetGo,
    /// Tries S exclusive.
    TryS,
    /// Has S, tries K.
    TryK,
    /// Has S, K wasn't granted: waits a few milliseconds.
    InserterOpen,
    /// Has S, looks although K wasn't granted.
    LookOpen,
    /// Has S and K, asks when the next scheduled job falls due.
    AskDue,
    /// Has S and K, looks.
    Look,
    /// Works on what it has just claimed while holding S, and K if `under_k`.
    Working { under_k: bool },
    /// Has S and K; only a notification, its worker or a timer ends it.
    Asleep,
    /// Holds nothing; only a notification, its worker or a timer ends it.
    Parked,
    /// Gives K back.
    UnlockK,
    /// Gives S back, and wakes its worker.
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
    /// Its worker is about to look: its wake generation has moved, or it isn't through.
    pub(crate) nudged: bool,
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
            heard: false,
            k: false,
            s: S::None,
            knows_due: false,
            bereft: false,
        }
    }

    /// The listener's session is gone, and with it its locks and what it was notified of.
    pub(crate) fn cut(&mut self) {
        *self = Self {
            bell: Bell::Reconnecting,
            k: false,
            s: S::None,
            heard: false,
            knows_due: false,
            bereft: false,
            ..*self
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

    /// The end of a rest: the worker is to look.
    pub(crate) fn wake(&mut self) {
        (self.bell, self.nudged, self.knows_due, self.bereft) = (Bell::Top, true, false, false);
    }

    /// Nothing but a notification or a timer will move it; `is_due` = the scheduled job's time has come.
    pub(crate) fn rests(&self, is_due: bool) -> bool {
        matches!(self.bell, Bell::Asleep | Bell::Parked)
            && !self.works
            && !self.nudged
            && !self.heard
            && !self.bereft
            && !(self.knows_due && is_due)
    }
}
