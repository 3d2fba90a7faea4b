//! The side ways into the table: transactions of their own for what mustn't share a commit with everybody. Comes in:
//! batches (all or nothing), and single events whose key somebody's open transaction may hold, or whose group failed.
//! Goes out: answers. Each way is narrow, so that contention costs waiting requests and never the pool.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio_postgres::{Error as PgError, IsolationLevel};
use tokio_util::task::TaskTracker;

use super::handle::{OnCommit, Pending};
use super::model::{NewEvent, Stored};
use super::store::{COMPARE, Failure, Holder, INSERT, Statements, TAKE_IDS};

use crate::db::errors::from_pg;
use crate::db::{Client, Db};
use crate::kernel::{Error, Result, clock};

/// Longer waits for somebody's lock are given up. As on the writer's connection.
const LOCK_TIMEOUT: &str = "set local lock_timeout = '100ms'";
/// A transaction that takes longer has lost its server.
const LIMIT: Duration = Duration::from_secs(20);
/// So long a key that was held goes straight to its own lane.
const REMEMBERED: Duration = Duration::from_secs(3);
const MOST_REMEMBERED: usize = 10_000;
/// Connections at once: for events of failed groups, for keys known to be held, for batches.
const SUSPECTS: usize = 3;
const CONTENDED: usize = 1;
const BATCHES: usize = 2;
/// Requests that may wait for a known held key, and for a batch's turn; more are told to come again.
const CONTENDED_WAITING: usize = 8;
const BATCHES_WAITING: usize = 32;

type Key = (String, String);

/// The lanes, and the keys known to be held.
pub(super) struct Lanes {
    db: Db,
    on_commit: OnCommit,
    suspects: Semaphore,
    contended: Semaphore,
    contended_waiting: Arc<Semaphore>,
    batches: Semaphore,
    batches_waiting: Arc<Semaphore>,
    held: Mutex<HashMap<Key, Instant>>,
    pub(super) tracker: TaskTracker,
}

/// Why a transaction stored nothing.
enum Trouble {
    Contended,
    Data(PgError),
    /// The key's holder vanished between the two statements: once more.
    Vanished,
    Conflict {
        index: usize,
        /// The item of the same request that holds the key.
        with: Option<usize>,
        holder: Holder,
    },
    Error(Error),
}

impl From<PgError> for Trouble {
    fn from(error: PgError) -> Self {
        match Failure::of(&error) {
            Failure::Contended => Self::Contended,
            Failure::Data => Self::Data(error),
            Failure::Other => Self::Error(from_pg(error)),
        }
    }
}

impl Lanes {
    pub(super) fn new(db: Db, on_commit: OnCommit) -> Arc<Self> {
        Arc::new(Self {
            db,
            on_commit,
            suspects: Semaphore::new(SUSPECTS),
            contended: Semaphore::new(CONTENDED),
            contended_waiting: Arc::new(Semaphore::new(CONTENDED_WAITING)),
            batches: Semaphore::new(BATCHES),
            batches_waiting: Arc::new(Semaphore::new(BATCHES_WAITING)),
            held: Mutex::new(HashMap::new()),
            tracker: TaskTracker::new(),
        })
    }

    /// Whether this event's key was held by somebody a moment ago.
    pub(super) fn is_held(&self, event: &NewEvent) -> bool {
        let Some(key) = key_of(event) else {
            return false;
        };
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(&key).is_some_and(|at| at.elapsed() < REMEMBERED)
    }

    fn remember(&self, event: &NewEvent, is_held: bool) {
        let Some(key) = key_of(event) else { return };
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if is_held {
            if held.len() >= MOST_REMEMBERED {
                held.retain(|_, at| at.elapsed() < REMEMBERED);
            }
            if held.len() < MOST_REMEMBERED {
                held.insert(key, clock::instant());
            }
        } else {
            held.remove(&key);
        }
    }

    /// Stores an event of a failed group by itself.
    pub(super) fn suspect(self: &Arc<Self>, pending: Pending) {
        let lanes = self.clone();
        self.tracker.spawn(async move {
            let Ok(_turn) = lanes.suspects.acquire().await else {
                return;
            };
            // Another of its group may just have found the key held.
            let answer = if lanes.is_held(&pending.event) {
                Err(is_held(&pending.event))
            } else {
                lanes.alone(&pending.event).await
            };
            pending.answer(answer);
        });
    }

    /// Stores an event whose key is known to be held, or gives up at once when others wait for that already.
    pub(super) fn contended(self: &Arc<Self>, pending: Pending) {
        let Ok(place) = self.contended_waiting.clone().try_acquire_owned() else {
            let refusal = is_held(&pending.event);
            pending.answer(Err(refusal));
            return;
        };
        let lanes = self.clone();
        self.tracker.spawn(async move {
            let Ok(_turn) = lanes.contended.acquire().await else {
                return;
            };
            let answer = lanes.alone(&pending.event).await;
            pending.answer(answer);
            drop(place);
        });
    }

    async fn alone(&self, event: &NewEvent) -> Result<Stored> {
        for _ in 0..3 {
            let trouble = match self.transaction(std::slice::from_ref(event)).await {
                Ok(stored) => {
                    self.remember(event, false);
                    let none = || Error::broken("a transaction of one event gave no answer");
                    return stored.first().copied().ok_or_else(none);
                }
                Err(trouble) => trouble,
            };
            self.remember(event, matches!(trouble, Trouble::Contended));
            return Err(match trouble {
                Trouble::Vanished => continue,
                Trouble::Contended => is_held(event),
                Trouble::Data(error) => from_pg(error),
                Trouble::Conflict { holder, .. } => conflict(event, "", &holder, None),
                Trouble::Error(error) => error,
            });
        }
        Err(Error::unavailable(
            "the event under this key comes and goes; nothing was stored",
        ))
    }

    /// Stores all events in one transaction, or none of them.
    ///
    /// # Errors
    /// `Invalid` and `Conflict` with the item's index in the place; `Unavailable`.
    pub(super) async fn batch(&self, events: &[NewEvent]) -> Result<Vec<Stored>> {
        let _place = self
            .batches_waiting
            .try_acquire()
            .map_err(|_| Error::unavailable("too many batches are waiting; nothing was stored"))?;
        let turn = self.batches.acquire().await;
        let _turn = turn.map_err(|_| Error::unavailable("shutting down"))?;
        for _ in 0..3 {
            return match self.transaction(events).await {
                Ok(stored) => Ok(stored),
                Err(Trouble::Contended | Trouble::Vanished) => continue,
                Err(Trouble::Data(error)) => Err(self.name_the_bad(events, error).await),
                Err(Trouble::Conflict {
                    index,
                    with,
                    holder,
                }) => Err(conflict(
                    &events[index],
                    &format!("/{index}"),
                    &holder,
                    with.map(|with| (with, index)),
                )),
                Err(Trouble::Error(error)) => Err(error),
            };
        }
        Err(Error::unavailable(
            "another transaction holds a key of this batch; nothing was stored",
        ))
    }

    async fn transaction(&self, events: &[NewEvent]) -> Result<Vec<Stored>, Trouble> {
        let mut client = self.db.client().await.map_err(Trouble::Error)?;
        match tokio::time::timeout(LIMIT, self.store(&mut client, events)).await {
            Ok(done) => done,
            Err(_) => {
                // Its server is silent: not for the next borrower.
                drop(Client::take(client));
                Err(Trouble::Error(unknown()))
            }
        }
    }

    async fn store(
        &self,
        client: &mut Client,
        events: &[NewEvent],
    ) -> Result<Vec<Stored>, Trouble> {
        let statements = statements(client).await?;
        let transaction = client
            .build_transaction()
            // So that the comparison sees what the insert ran into.
            .isolation_level(IsolationLevel::ReadCommitted)
            .start()
            .await?;
        transaction.batch_execute(LOCK_TIMEOUT).await?;
        let order = locking_order(events);
        let sorted: Vec<&NewEvent> = order.iter().map(|i| &events[*i]).collect();
        let ids = statements.take_ids(&*transaction, events.len()).await?;
        let stored = statements.insert(&*transaction, &ids, &sorted).await?;
        let stored: HashSet<i64> = stored.into_iter().collect();

        let mut answers: HashMap<usize, Stored> = HashMap::with_capacity(events.len());
        let mut made_by: HashMap<i64, usize> = HashMap::new();
        let mut rest = Vec::new();
        for (index, id) in order.into_iter().zip(ids) {
            if stored.contains(&id) {
                made_by.insert(id, index);
                let existing = false;
                answers.insert(index, Stored { id, existing });
            } else {
                rest.push(index);
            }
        }
        // The lowest index first: that is the one a conflict is told of.
        rest.sort_unstable();
        if !rest.is_empty() {
            let given: Vec<&NewEvent> = rest.iter().map(|i| &events[*i]).collect();
            let mut holders = statements.compare(&*transaction, &given).await?;
            for (position, index) in rest.into_iter().enumerate() {
                let Some(holder) = holders.remove(&position) else {
                    return Err(Trouble::Vanished);
                };
                let (id, existing) = (holder.id, true);
                if holder.differs.is_some() {
                    let with = made_by.get(&id).copied();
                    return Err(Trouble::Conflict {
                        index,
                        with,
                        holder,
                    });
                }
                answers.insert(index, Stored { id, existing });
            }
        }
        if let Err(error) = transaction.commit().await {
            tracing::debug!(%error, "a commit of events has an unknown outcome");
            return Err(Trouble::Error(unknown()));
        }
        if !stored.is_empty() {
            (self.on_commit)(stored.len());
        }
        let all = (0..events.len()).map(|index| answers.remove(&index));
        all.collect::<Option<Vec<_>>>()
            .ok_or_else(|| Trouble::Error(Error::broken("an event of a batch has no answer")))
    }

    /// Which item the database can't take: by halves, each tried and rolled back.
    async fn name_the_bad(&self, events: &[NewEvent], error: PgError) -> Error {
        let (mut good, mut bad) = (0, events.len());
        let mut last = error;
        while bad - good > 1 {
            let middle = good.midpoint(bad);
            match self.try_out(&events[good..middle]).await {
                Ok(()) => good = middle,
                Err(Trouble::Data(error)) => (bad, last) = (middle, error),
                Err(_) => {
                    return Error::unavailable(
                        "the database didn't hold still; nothing was stored",
                    );
                }
            }
        }
        match from_pg(last) {
            Error::Invalid {
                code,
                detail,
                place,
            } => {
                let place = format!("/{good}{}", place.unwrap_or_default());
                Error::invalid_at(code, place, detail)
            }
            other => other,
        }
    }

    async fn try_out(&self, events: &[NewEvent]) -> Result<(), Trouble> {
        let mut client = self.db.client().await.map_err(Trouble::Error)?;
        let statements = statements(&client).await?;
        let transaction = client.transaction().await?;
        transaction.batch_execute(LOCK_TIMEOUT).await?;
        let ids = statements.take_ids(&*transaction, events.len()).await?;
        let sorted: Vec<&NewEvent> = locking_order(events).iter().map(|i| &events[*i]).collect();
        statements.insert(&*transaction, &ids, &sorted).await?;
        transaction.rollback().await?;
        Ok(())
    }
}

async fn statements(client: &Client) -> Result<Statements, PgError> {
    let (insert, compare, take_ids) = tokio::try_join!(
        client.prepare_cached(INSERT),
        client.prepare_cached(COMPARE),
        client.prepare_cached(TAKE_IDS)
    )?;
    Ok(Statements::cached(insert, compare, take_ids))
}

fn key_of(event: &NewEvent) -> Option<Key> {
    let key = event.idempotency_key.clone()?;
    Some((event.source_module.clone(), key))
}

/// Positions in the order in which keys are locked, everywhere the same: two groups can wait for each other's keys, but
/// never in a circle.
pub(super) fn locking_order(events: &[NewEvent]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..events.len()).collect();
    order.sort_by_key(|i| locking_key(&events[*i]));
    order
}

/// What events are sorted by. The sort must be stable: of two with one key the first is stored, the second compared.
pub(super) fn locking_key(event: &NewEvent) -> Option<(&str, &str)> {
    let key = event.idempotency_key.as_deref()?;
    Some((&event.source_module, key))
}

/// 409 for `event`, which stands at `at` in the request.
pub(super) fn conflict(
    event: &NewEvent,
    at: &str,
    holder: &Holder,
    items: Option<(usize, usize)>,
) -> Error {
    let field = holder.differs.as_deref().unwrap_or("payload");
    let key = event.idempotency_key.as_deref().unwrap_or_default();
    let module = &event.source_module;
    let detail = match items {
        Some((first, second)) => format!(
            "items {first} and {second} give the key `{key}` of `{module}` to different events: their `{field}` differs"
        ),
        None => format!(
            "the key `{key}` of `{module}` already names event {}, whose `{field}` differs",
            holder.id
        ),
    };
    Error::Conflict {
        code: "idempotency_conflict",
        detail,
        place: Some(format!("{at}/{field}")),
    }
}

fn is_held(event: &NewEvent) -> Error {
    let key = event.idempotency_key.as_deref().unwrap_or_default();
    let module = &event.source_module;
    Error::unavailable(format!(
        "another transaction holds the key `{key}` of `{module}`; nothing was stored"
    ))
}

/// Whether it was stored nobody knows; with a key, asking again is safe.
pub(super) fn unknown() -> Error {
    Error::unavailable(
        "the database was lost on the way: whether the event was stored is unknown; send it again under its key",
    )
}
