//! Retry and cancel as the API and the command ask for them: one delivery, or all that match a filter, in small transactions.
//! Comes in: an id or a filter, with who asks. Goes out: what came of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::db::{Db, Tx};
use crate::deliveries::log::{Filter, Outcome, Status, store};
use crate::kernel::{Error, Result};

/// Deliveries that one call retries at most.
pub const MOST: usize = 100_000;
/// In one transaction: its locks are held for some tens of milliseconds.
const AT_ONCE: usize = 500;
/// Rows that one statement looks at.
const LOOK: i32 = 20_000;

/// Who asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asker<'a> {
    /// A token's subject; `None` = whoever the database's role is.
    pub actor: Option<&'a str>,
    /// Only these branches' deliveries, and those of none; `None` = all.
    pub branches: Option<&'a [String]>,
}

/// What came of a retry by filter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Retried {
    /// How many the filter let through.
    pub matched: usize,
    /// How many are pending again.
    pub retried: usize,
    /// Of the others, how many why.
    pub left: BTreeMap<Outcome, usize>,
}

/// Retries one. `force`: also when it is sent, or its recipient has switched the channel off.
///
/// # Errors
/// `NotFound`, or `Conflict` where nothing will be sent.
pub async fn retry_one(db: &Db, asker: Asker<'_>, id: i64, force: bool) -> Result<Outcome> {
    let tx = Tx::begin_for(db, asker.actor).await?;
    let outcomes = store::retry(&tx, &[id], force, asker.branches).await?;
    tx.commit().await?;
    outcomes
        .first()
        .copied()
        .unwrap_or(Outcome::Missing)
        .retried()
}

/// Cancels one.
///
/// # Errors
/// `NotFound`, or `Conflict` where it is too late.
pub async fn cancel_one(db: &Db, asker: Asker<'_>, id: i64) -> Result<Outcome> {
    let tx = Tx::begin_for(db, asker.actor).await?;
    let outcome = store::cancel(&tx, id, asker.branches).await?;
    tx.commit().await?;
    outcome.cancelled()
}

/// What may be retried by filter: dead ones unless it says otherwise.
///
/// # Errors
/// `Invalid` for a status that has nothing to retry, or a filter that would read the whole log.
pub fn retriable(mut filter: Filter) -> Result<Filter> {
    match *filter.status.get_or_insert(Status::Dead) {
        Status::Dead => Ok(filter),
        Status::Suppressed | Status::Cancelled
            if filter.from.is_some() || filter.user_id.is_some() || filter.event_id.is_some() =>
        {
            Ok(filter)
        }
        Status::Suppressed | Status::Cancelled => Err(Error::invalid_at(
            "missing_field",
            "/from",
            "`from` is missing: of the suppressed and the cancelled, say since when (or of whom, or of which event)",
        )),
        Status::Pending | Status::Sent | Status::Delivered => Err(Error::invalid_at(
            "invalid_value",
            "/status",
            "by filter, what is dead, suppressed or cancelled is retried",
        )),
    }
}

/// How many a filter lets through.
///
/// # Errors
/// `Invalid` when they are more than one call retries.
pub async fn count(db: &Db, filter: &Filter, branches: Option<&[String]>) -> Result<usize> {
    Ok(find(db, filter, branches).await?.len())
}

/// Those that a filter lets through: what is counted is what is retried, whatever dies meanwhile.
async fn find(db: &Db, filter: &Filter, branches: Option<&[String]>) -> Result<Vec<i64>> {
    let client = db.client().await?;
    let (mut all, mut below) = (Vec::new(), None);
    loop {
        let (ids, reached) = store::find(&client, filter, below, branches, (LOOK, LOOK)).await?;
        all.extend(ids);
        if all.len() > MOST {
            return Err(Error::invalid(
                "too_many_items",
                format!("more than {MOST} match: narrow the filter by `from` and `to`"),
            ));
        }
        below = reached;
        if below.is_none() {
            return Ok(all);
        }
    }
}

/// Retries all that a filter lets through, if they are as many as is expected. Each transaction is small, so what was
/// retried stays so when a later one fails. `progress` hears how many are through.
///
/// # Errors
/// `Conflict` with the actual count when it differs: nothing was done.
pub async fn retry_all(
    db: &Db,
    asker: Asker<'_>,
    filter: &Filter,
    expected: usize,
    progress: impl Fn(usize) + Send,
) -> Result<Retried> {
    let ids = find(db, filter, asker.branches).await?;
    if ids.len() != expected {
        return Err(differs(ids.len(), expected));
    }
    let mut all = Retried::default();
    for some in ids.chunks(AT_ONCE) {
        let tx = Tx::begin_for(db, asker.actor).await?;
        let outcomes = store::retry(&tx, some, false, asker.branches).await?;
        tx.commit().await?;
        all.matched += outcomes.len();
        for outcome in outcomes {
            match outcome {
                Outcome::Queued | Outcome::Hastened => all.retried += 1,
                other => *all.left.entry(other).or_default() += 1,
            }
        }
        progress(all.matched);
    }
    Ok(all)
}

fn differs(count: usize, expected: usize) -> Error {
    Error::Conflict {
        code: "count_differs",
        detail: format!("{count} match, not {expected}; nothing was done"),
        place: Some("/expected_count".to_owned()),
    }
}
