//! What each of the inbox's actions does, in the words of the statement or function it stands for.

use crate::inbox::world::{Change, Link, State, Tx};
use crate::inbox::{Action, Fault, Inbox};

impl Inbox {
    /// `None` = not possible now.
    pub(super) fn step(&self, s: &mut State, action: Action) -> Option<()> {
        match action {
            Action::Lock(w) => {
                let locks = !matches!(self.fault, Fault::Sequence | Fault::CountedBeforeLock);
                (locks && !s.is_locked()).then(|| s.writers[w].tx = Tx::Locked)
            }
            Action::Change(w, row, read) => self.change(s, w, row, read),
            Action::Take(w) => {
                let Tx::Unlocked(change) = s.writers[w].tx else {
                    return None;
                };
                // `update neurolink_inboxes` waits for the row lock, and then sees the latest revision.
                (!s.is_locked())
                    .then(|| s.writers[w].tx = Tx::Changed(change, s.table.inbox.rev + 1))
            }
            Action::Commit(w) => {
                let Tx::Changed(change, rev) = s.writers[w].tx else {
                    return None;
                };
                s.writers[w].tx = Tx::Idle;
                s.table.inbox.rev = s.table.inbox.rev.max(rev);
                s.table.inbox.rows[change.row] = rev;
                s.table.read[change.row] = change.read;
                s.table.unread_count += change.unread;
                Some(())
            }
            Action::RollBack(w) => {
                s.writers[w].tx = Tx::Idle;
                Some(())
            }
            Action::Connect(r, node) => {
                let reader = &mut s.readers[r];
                reader.node = node;
                reader.link = Link::Subscribed;
                Some(())
            }
            Action::Read(r) => {
                s.readers[r].link = Link::Read(s.table.inbox);
                Some(())
            }
            Action::Join(r) => self.join(s, r),
            Action::Receive(r) => self.receive(s, r, true),
            Action::LoseMidway(r) => {
                s.losses = s.losses.checked_sub(1)?;
                match s.readers[r].link {
                    Link::Live { .. } => self.receive(s, r, false)?,
                    Link::Read(own) => {
                        // A fresh reader's head is one frame.
                        let since = s.readers[r].cursor?;
                        s.went_back |= s.readers[r].get(own.since(since), false);
                    }
                    _ => return None,
                }
                s.leave(r);
                Some(())
            }
            Action::Lose(r) => {
                (s.readers[r].link != Link::Off).then_some(())?;
                s.losses = s.losses.checked_sub(1)?;
                s.leave(r);
                Some(())
            }
            Action::End(r) => {
                (s.readers[r].cut_off && s.readers[r].queue.is_none()).then(|| s.leave(r))
            }
            Action::Look(node) => {
                let hub = &mut s.hubs[node];
                let since = hub.rev.filter(|_| hub.reading.is_none())?;
                // A look at nothing new ends in nothing; left out, it saves most of the states.
                let idle = since == s.table.inbox.rev && self.fault != Fault::ResetBehindHub;
                (!idle).then_some(())?;
                hub.reading = Some((since, s.table.inbox));
                Some(())
            }
            Action::Hand(node) => self.hand(s, node),
        }
    }

    /// change.sql: what is so already takes no revision.
    fn change(&self, s: &mut State, w: usize, row: usize, read: bool) -> Option<()> {
        let locked = s.writers[w].tx == Tx::Locked;
        let locks = !matches!(self.fault, Fault::Sequence | Fault::CountedBeforeLock);
        (locked == locks && s.table.read[row] != read).then_some(())?;
        let change = Change {
            row,
            read,
            unread: if read { -1 } else { 1 },
        };
        let writer = &mut s.writers[w];
        writer.left -= 1;
        writer.tx = match self.fault {
            Fault::Sequence => {
                s.table.sequence += 1;
                // Two transactions that change one row still exclude each other by that row's lock.
                let taken = |tx: &Tx| matches!(tx, Tx::Changed(other, _) if other.row == row);
                if s.writers.iter().any(|other| taken(&other.tx)) {
                    return None;
                }
                s.writers[w].tx = Tx::Changed(change, s.table.sequence);
                return Some(());
            }
            Fault::CountedBeforeLock => Tx::Unlocked(change),
            _ => Tx::Changed(change, s.table.inbox.rev + 1),
        };
        Some(())
    }

    /// `catch_up`: the head is sent; `Hub::joined`.
    fn join(&self, s: &mut State, r: usize) -> Option<()> {
        let reader = &mut s.readers[r];
        let Link::Read(own) = reader.link else {
            return None;
        };
        match reader.cursor {
            // It loads its list after `hello`.
            None => (reader.shows, reader.cursor) = (own.rows, Some(own.rev)),
            Some(since) => s.went_back |= reader.get(own.since(since), true),
        }
        reader.link = Link::Live { seen: own.rev };
        let hub = &mut s.hubs[reader.node];
        hub.rev = Some(match hub.rev {
            Some(rev) if self.fault == Fault::JoinKeepsTheHigher => rev,
            Some(rev) => rev.min(own.rev),
            None => own.rev,
        });
        Some(())
    }

    /// `Feed::poll_next`, and the browser at the other end. Without `rest`, only the first frame gets there.
    fn receive(&self, s: &mut State, r: usize, rest: bool) -> Option<()> {
        let reader = &mut s.readers[r];
        let Link::Live { seen } = reader.link else {
            return None;
        };
        let mut burst = reader.queue.take()?;
        if self.fault != Fault::NoBurstFilter {
            if burst.rev <= seen {
                return Some(());
            }
            // From before it joined, and from above where it reads on: what lies between comes from the hub, which its
            // joining took back.
            if burst.since > seen && self.fault != Fault::GapTaken {
                return Some(());
            }
            burst.frames = burst.frames.map(|rev| if rev > seen { rev } else { 0 });
        }
        reader.link = Link::Live { seen: burst.rev };
        s.went_back |= reader.get(burst, rest);
        Some(())
    }

    /// `Hub::hand`: what was read goes to everybody with a place here.
    fn hand(&self, s: &mut State, node: usize) -> Option<()> {
        let (since, read) = s.hubs[node].reading.take()?;
        let Some(handed) = s.hubs[node].rev else {
            return Some(());
        };
        // Somebody has joined from below where this read began, or it is of another place: read again.
        let checks = !matches!(
            self.fault,
            Fault::StaleReadHandedOut | Fault::ResetBehindHub
        );
        if since != handed && checks {
            return Some(());
        }
        let restored = if self.fault == Fault::ResetBehindHub {
            read.rev < handed
        } else {
            read.rev < since
        };
        if restored {
            s.false_reset = true;
            return Some(());
        }
        // Nothing new (or, where reads of another place are handed out, older than what its readers have).
        if read.rev <= handed {
            return Some(());
        }
        s.hubs[node].rev = Some(read.rev);
        for reader in s
            .readers
            .iter_mut()
            .filter(|r| r.node == node && r.has_place() && !r.cut_off)
        {
            if reader.queue.is_none() {
                reader.queue = Some(read.since(since));
            } else if self.fault != Fault::SlowReaderKept {
                reader.cut_off = true;
            }
        }
        Some(())
    }
}
