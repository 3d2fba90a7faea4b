//! Group commit. Comes in: events from many requests, through one bounded queue. Goes out: one statement, and so one
//! commit, for all that wait at that moment; each request is answered after the commit that holds its event.
//!
//! One task and one connection: measured, more writers are slower, since they split the groups (22 700 events/s with
//! one, 20 200 with two), and so is waiting for a group to grow (−35 % for 500 µs). What could make the one wait for
//! somebody else's transaction leaves it for `lanes.rs` after 100 ms.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_postgres::Error as PgError;
use tokio_util::sync::CancellationToken;

use super::handle::{OnCommit, Pending, WriterHandle};
use super::ids::Ids;
use super::lanes::{Lanes, conflict, locking_key, unknown};
use super::model::{NewEvent, Stored};
use super::store::{Failure, Statements};
use crate::db::errors::from_pg;
use crate::db::{Db, Session};
use crate::kernel::backoff::Backoff;
use crate::kernel::{Error, Result, clock, random};

/// Events, and bytes of payload, in one statement.
const GROUP: usize = 256;
const GROUP_BYTES: usize = 4 << 20;
/// A statement that takes longer has lost its server (whose own limit is below this).
const STATEMENT_LIMIT: Duration = Duration::from_secs(12);
const CONNECT_LIMIT: Duration = Duration::from_secs(6);
const SETUP: &str = "set lock_timeout = '100ms'; set statement_timeout = '10s'; \
                     set default_transaction_isolation = 'read committed'";

/// The group-committing writer; a task that lives until it is told to stop.
pub struct Writer {
    db: Db,
    on_commit: OnCommit,
    lanes: Arc<Lanes>,
    connected: Option<Connected>,
    failures: u32,
    not_before: Option<Instant>,
}

struct Connected {
    session: Session,
    statements: Statements,
    ids: Ids,
}

impl Writer {
    /// Starts the writer. At `shutdown` it takes no more and stores what is queued; [`WriterHandle::finished`] waits
    /// for that. The database may be away: requests are then answered with 503 until it is back.
    #[must_use]
    pub fn start(db: Db, on_commit: OnCommit, shutdown: CancellationToken) -> WriterHandle {
        let lanes = Lanes::new(db.clone(), on_commit.clone());
        let done = CancellationToken::new();
        let (handle, requests) = WriterHandle::new(lanes.clone(), shutdown.clone(), done.clone());
        let writer = Self {
            db,
            on_commit,
            lanes,
            connected: None,
            failures: 0,
            not_before: None,
        };
        let ended = done.drop_guard();
        tokio::spawn(async move {
            let _ended = ended;
            writer.run(requests, shutdown).await;
        });
        handle
    }

    async fn run(mut self, mut requests: mpsc::Receiver<Pending>, shutdown: CancellationToken) {
        // So that the first request doesn't pay for it; a database that is away is the first request's news.
        let _ = self.connect().await;
        let mut waiting = Vec::with_capacity(GROUP);
        loop {
            let taken = tokio::select! {
                biased;
                () = shutdown.cancelled(), if !requests.is_closed() => {
                    requests.close();
                    continue;
                }
                taken = requests.recv_many(&mut waiting, GROUP) => taken,
            };
            if taken == 0 {
                return;
            }
            while !waiting.is_empty() {
                let group = take_group(&mut waiting);
                self.write(group).await;
            }
        }
    }

    async fn connect(&mut self) -> Result<()> {
        if let Some(connected) = &self.connected
            && !connected.session.client.is_closed()
        {
            return Ok(());
        }
        self.connected = None;
        if self.not_before.is_some_and(|at| clock::instant() < at) {
            return Err(Error::unavailable("the database is out of reach"));
        }
        let attempt = async {
            let session = self.db.session().await?;
            session.client.batch_execute(SETUP).await?;
            let statements = Statements::prepare(&session.client).await?;
            Ok(Connected {
                session,
                statements,
                ids: Ids::default(),
            })
        };
        let late = || Error::unavailable("the database is out of reach");
        match timeout(CONNECT_LIMIT, attempt)
            .await
            .unwrap_or_else(|_| Err(late()))
        {
            Ok(connected) => {
                if self.failures > 0 {
                    tracing::info!(
                        attempts = self.failures + 1,
                        "the ingest writer has its database back"
                    );
                }
                self.failures = 0;
                self.not_before = None;
                self.connected = Some(connected);
                Ok(())
            }
            Err(error) => {
                self.failures += 1;
                if self.failures == 1 {
                    tracing::warn!(
                        error = error.chain(),
                        "the ingest writer has no database; trying on"
                    );
                }
                let wait = Backoff::RECONNECT.after(self.failures, random::unit());
                self.not_before = Some(clock::instant() + wait);
                Err(error)
            }
        }
    }

    async fn write(&mut self, mut group: Vec<Pending>) {
        if let Err(error) = self.connect().await {
            return refuse(group, &error);
        }
        // Keys in one order, everywhere; the sort is stable, so of two with one key the first to come is stored.
        group.sort_by(|a, b| locking_key(&a.event).cmp(&locking_key(&b.event)));
        let Some(connected) = &mut self.connected else {
            return refuse(group, &unknown());
        };
        let events: Vec<&NewEvent> = group.iter().map(|p| &p.event).collect();
        let stored = match timeout(STATEMENT_LIMIT, connected.store(&events)).await {
            Ok(stored) => stored,
            Err(_) => {
                self.connected = None;
                return refuse(group, &unknown());
            }
        };
        match stored {
            Ok((ids, stored)) => {
                if !stored.is_empty() {
                    (self.on_commit)(stored.len());
                }
                let mut rest = Vec::new();
                for (pending, id) in group.into_iter().zip(ids) {
                    if stored.contains(&id) {
                        let existing = false;
                        pending.answer(Ok(Stored { id, existing }));
                    } else {
                        rest.push(pending);
                    }
                }
                self.compare(rest).await;
            }
            Err(error) => self.failed(group, error).await,
        }
    }

    /// Answers those whose key was there already, in a second statement: its snapshot sees what the first ran into.
    async fn compare(&mut self, rest: Vec<Pending>) {
        if rest.is_empty() {
            return;
        }
        let Some(connected) = &self.connected else {
            return refuse(rest, &unknown());
        };
        let events: Vec<&NewEvent> = rest.iter().map(|p| &p.event).collect();
        let Connected {
            session,
            statements,
            ..
        } = connected;
        let compared = timeout(
            STATEMENT_LIMIT,
            statements.compare(&session.client, &events),
        )
        .await;
        let mut holders = match compared {
            Ok(Ok(holders)) => holders,
            Ok(Err(error)) => return refuse(rest, &from_pg(error)),
            Err(_) => {
                self.connected = None;
                return refuse(rest, &unknown());
            }
        };
        for (position, pending) in rest.into_iter().enumerate() {
            match holders.remove(&position) {
                Some(holder) if holder.differs.is_none() => {
                    let (id, existing) = (holder.id, true);
                    pending.answer(Ok(Stored { id, existing }));
                }
                Some(holder) => {
                    let error = conflict(&pending.event, "", &holder, None);
                    pending.answer(Err(error));
                }
                // Deleted in between: once more, by itself.
                None => self.lanes.suspect(pending),
            }
        }
    }

    async fn failed(&mut self, group: Vec<Pending>, error: PgError) {
        match Failure::of(&error) {
            Failure::Contended => {
                let (keyed, unkeyed): (Vec<_>, Vec<_>) = group
                    .into_iter()
                    .partition(|p| p.event.idempotency_key.is_some());
                if keyed.is_empty() {
                    // Not a key then, but the whole table is locked.
                    return refuse(unkeyed, &from_pg(error));
                }
                for pending in keyed {
                    self.lanes.suspect(pending);
                }
                if !unkeyed.is_empty() {
                    Box::pin(self.write(unkeyed)).await;
                }
            }
            // One event spoils it for all: each by itself, and only the bad one hears of it.
            Failure::Data => {
                for pending in group {
                    self.lanes.suspect(pending);
                }
            }
            Failure::Other => {
                let error = from_pg(error);
                if error.is_transient() {
                    return refuse(group, &unknown());
                }
                refuse(group, &error);
            }
        }
    }
}

impl Connected {
    /// One statement, one commit. Gives each event's id, in order, and which of those ids were stored.
    async fn store(&mut self, events: &[&NewEvent]) -> Result<(Vec<i64>, HashSet<i64>), PgError> {
        let client = &self.session.client;
        let missing = self.ids.missing(clock::instant(), events.len());
        if missing > 0 {
            let more = self.statements.take_ids(client, missing).await?;
            self.ids.put(clock::instant(), more);
        }
        let ids = self.ids.take(events.len());
        let ahead = self.ids.ahead(GROUP);
        let insert = self.statements.insert(client, &ids, events);
        let stored = if ahead > 0 {
            // The next ids in the same flight.
            let (stored, more) = tokio::join!(insert, self.statements.take_ids(client, ahead));
            self.ids.put(clock::instant(), more.unwrap_or_default());
            stored?
        } else {
            insert.await?
        };
        Ok((ids, stored.into_iter().collect()))
    }
}

/// The first of those waiting whose payloads fit into one statement; at least one.
fn take_group(waiting: &mut Vec<Pending>) -> Vec<Pending> {
    let mut bytes = 0;
    let fits = |p: &&Pending| {
        bytes += p.event.payload.len();
        bytes <= GROUP_BYTES
    };
    let count = waiting.iter().take_while(fits).count().max(1);
    waiting.drain(..count).collect()
}

fn refuse(group: Vec<Pending>, error: &Error) {
    for pending in group {
        pending.answer(Err(same(error)));
    }
}

/// The same error again, for another request of the group.
fn same(error: &Error) -> Error {
    match error {
        Error::Unavailable {
            detail,
            retry_after,
            ..
        } => Error::Unavailable {
            detail: detail.clone(),
            retry_after: *retry_after,
            source: None,
        },
        other => Error::broken(other.chain()),
    }
}
