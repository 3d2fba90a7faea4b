//! One reader's stream: what it missed, then what the hub hands out, and a heartbeat in between.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::stream::frames;
use crate::stream::hub::{Handed, Subscription};

/// A stream of SSE bytes. Ends when the hub cuts it off or its token expires.
pub struct Feed {
    head: Option<Bytes>,
    seen: i64,
    subscription: Subscription,
    heartbeat: Interval,
    until: Option<Instant>,
}

impl Feed {
    /// `head` is sent first; the reader has then seen everything up to `seen`. `until`: no frame is sent after it.
    #[must_use]
    pub fn new(
        head: Bytes,
        seen: i64,
        subscription: Subscription,
        heartbeat: Duration,
        until: Option<Instant>,
    ) -> Self {
        let mut heartbeat = tokio::time::interval_at(Instant::now() + heartbeat, heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            head: Some(head),
            seen,
            subscription,
            heartbeat,
            until,
        }
    }
}

impl Stream for Feed {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(head) = self.head.take() {
            return Poll::Ready(Some(Ok(head)));
        }
        // Looked at with every frame and heartbeat: a stream outlives its token by one heartbeat at most.
        if self.until.is_some_and(|until| Instant::now() >= until) {
            return Poll::Ready(None);
        }
        loop {
            match self.subscription.receiver.poll_recv(cx) {
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Handed::Reset(frame))) => {
                    self.seen = 0;
                    return Poll::Ready(Some(Ok(frame)));
                }
                Poll::Ready(Some(Handed::Burst(burst))) => {
                    // Handed out before this reader's own read: seen already.
                    if burst.rev <= self.seen {
                        continue;
                    }
                    let bytes = burst.after(self.seen);
                    self.seen = burst.rev;
                    self.heartbeat.reset();
                    return Poll::Ready(Some(Ok(bytes)));
                }
                Poll::Pending => break,
            }
        }
        match self.heartbeat.poll_tick(cx) {
            Poll::Ready(_) if self.until.is_some_and(|until| Instant::now() >= until) => {
                Poll::Ready(None)
            }
            Poll::Ready(_) => Poll::Ready(Some(Ok(frames::heartbeat()))),
            Poll::Pending => Poll::Pending,
        }
    }
}
