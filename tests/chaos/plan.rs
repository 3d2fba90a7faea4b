//! Which fault strikes when, drawn from the seed before the run. Pure: `--seed`, `--minutes` and `--faults` in, a list in
//! order of time out. Kinds are dealt like cards, so that a short run meets every one of them.

use std::time::Duration;

use crate::dice::Dice;

/// A way for something to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `kill -9` of a node; back after a moment.
    KillNode,
    /// `kill -9` of a PostgreSQL backend: the server throws everybody out and recovers.
    KillBackend,
    /// `pg_ctl stop -m immediate`, and a start.
    RestartDb,
    /// `pg_terminate_backend` of a node's listener.
    CutListener,
    /// `SIGSTOP` for longer than a lease, then `SIGCONT`.
    FreezeNode,
    /// The mail server refuses.
    SmtpRefuse,
    /// The mail server gives no answer, before or behind the content.
    SmtpStall,
    /// The mail server takes the mail and hangs up without an answer.
    SmtpDrop,
    /// No space left in the folder of mails.
    FullDisk,
    /// A node's wall clock is ten minutes off.
    ClockOff,
}

impl Kind {
    pub const ALL: [Self; 10] = [
        Self::KillNode,
        Self::KillBackend,
        Self::RestartDb,
        Self::CutListener,
        Self::FreezeNode,
        Self::SmtpRefuse,
        Self::SmtpStall,
        Self::SmtpDrop,
        Self::FullDisk,
        Self::ClockOff,
    ];

    /// Its word in `--faults` and in the story.
    pub fn word(self) -> &'static str {
        match self {
            Self::KillNode => "kill-node",
            Self::KillBackend => "kill-backend",
            Self::RestartDb => "restart-db",
            Self::CutListener => "cut-listener",
            Self::FreezeNode => "freeze-node",
            Self::SmtpRefuse => "smtp-refuse",
            Self::SmtpStall => "smtp-stall",
            Self::SmtpDrop => "smtp-drop",
            Self::FullDisk => "full-disk",
            Self::ClockOff => "clock-off",
        }
    }

    fn lasts(self, dice: &mut Dice, lease: Duration) -> Duration {
        match self {
            // How long it stays down.
            Self::KillNode => dice.seconds(0.1, 4.0),
            Self::RestartDb => dice.seconds(0.1, 2.0),
            Self::FreezeNode => lease + dice.seconds(1.5, 4.0),
            Self::SmtpRefuse | Self::SmtpStall | Self::SmtpDrop => dice.seconds(2.0, 6.0),
            Self::FullDisk => dice.seconds(3.0, 7.0),
            Self::ClockOff => dice.seconds(5.0, 10.0),
            Self::KillBackend | Self::CutListener => Duration::ZERO,
        }
    }
}

/// One fault to come.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub kind: Kind,
    /// From the begin of the load.
    pub at: Duration,
    /// How long it lasts; nothing for a single blow.
    pub lasts: Duration,
    /// Chooses the target where there is a choice.
    pub which: usize,
}

/// The faults of a load of that length: the next one comes whether or not the last one is over.
pub fn draw(seed: u64, kinds: &[Kind], load: Duration, lease: Duration) -> Vec<Fault> {
    let mut dice = Dice::of(seed, "faults");
    let (mut plan, mut cards) = (Vec::new(), Vec::new());
    let mut at = Duration::from_secs(2);
    if kinds.is_empty() {
        return plan;
    }
    // All kinds within a short load, and a pace that leaves some room for work in a long one.
    let pace = (load.as_secs_f64() / (kinds.len() as f64 + 2.0)).clamp(1.5, 4.5);
    loop {
        if cards.is_empty() {
            cards = kinds.to_vec();
            dice.shuffle(&mut cards);
        }
        let Some(kind) = cards.pop() else { return plan };
        let lasts = kind.lasts(&mut dice, lease);
        let which = dice.below(1 << 16);
        if at + lasts + Duration::from_secs(1) <= load {
            plan.push(Fault {
                kind,
                at,
                lasts,
                which,
            });
        }
        at += dice.seconds(0.4 * pace, 1.6 * pace);
        if at >= load {
            return plan;
        }
    }
}
