//! One reader's stream: what it missed, then what the hub hands out, and a heartbeat in between. No task of its own:
//! hyper polls it when the connection can take more, so that a slow reader fills its place at the hub, not our memory.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep};

use crate::kernel::clock;
use crate::stream::frames;
use crate::stream::hub::{Handed, Subscription};

/// Where a reader stands once it has read `head`.
#[derive(Debug)]
pub struct CaughtUp {
    /// The first frames.
    pub head: Bytes,
    /// The epoch they are of.
    pub epoch: String,
    /// Everything up to here was seen.
    pub seen: i64,
}

/// A stream of SSE bytes. Ends when the hub cuts it off or its token expires.
pub struct Feed {
    head: Option<Bytes>,
    epoch: String,
    seen: i64,
    subscription: Subscription,
    heartbeat: Duration,
    until: Option<Instant>,
    /// The next heartbeat, or the end if that comes first.
    timer: Pin<Box<Sleep>>,
}

impl Feed {
    /// `start.head` is sent first. `until`: nothing is sent after it.
    #[must_use]
    pub fn new(
        start: CaughtUp,
        subscription: Subscription,
        heartbeat: Duration,
        until: Option<Instant>,
    ) -> Self {
        Self {
            head: Some(start.head),
            epoch: start.epoch,
            seen: start.seen,
            subscription,
            heartbeat,
            until,
            timer: Box::pin(tokio::time::sleep_until(next(heartbeat, until))),
        }
    }

    /// The bytes of what was handed out; `None` when this reader has them already.
    fn take(&mut self, handed: &Handed) -> Option<Bytes> {
        match handed {
            Handed::Burst { burst, .. } if burst.rev <= self.seen => None,
            // Handed to those who were here before, while this reader's own, earlier read was under way: what lies between
            // is not in it. Joining has taken the hub's place back, so that it comes, with this, in a burst from there.
            Handed::Burst { since, .. } if *since > self.seen => None,
            Handed::Burst { burst, .. } => {
                let bytes = burst.after(self.seen);
                self.seen = burst.rev;
                Some(bytes)
            }
            // They came after the restore and have read exactly this state by themselves.
            Handed::Reset(reset) if reset.epoch == self.epoch && reset.rev == self.seen => None,
            Handed::Reset(reset) => {
                self.seen = reset.rev;
                self.epoch.clone_from(&reset.epoch);
                Some(reset.frame.clone())
            }
        }
    }

    fn rewind(&mut self) {
        let next = next(self.heartbeat, self.until);
        self.timer.as_mut().reset(next);
    }
}

fn next(heartbeat: Duration, until: Option<Instant>) -> Instant {
    let beat = clock::timer() + heartbeat;
    until.map_or(beat, |until| until.min(beat))
}

impl Stream for Feed {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(head) = self.head.take() {
            return Poll::Ready(Some(Ok(head)));
        }
        if self.until.is_some_and(|until| clock::timer() >= until) {
            return Poll::Ready(None);
        }
        loop {
            match self.subscription.receiver.poll_recv(cx) {
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(handed)) => {
                    if let Some(bytes) = self.take(&handed) {
                        self.rewind();
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
                Poll::Pending => break,
            }
        }
        match self.timer.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) if self.until.is_some_and(|until| clock::timer() >= until) => {
                Poll::Ready(None)
            }
            Poll::Ready(()) => {
                self.rewind();
                Poll::Ready(Some(Ok(frames::heartbeat())))
            }
        }
    }
}
