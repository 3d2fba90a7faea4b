//! Retry and discard of dead jobs as the API and the command ask for them: one, or all that match a filter, in small
//! transactions. And pauses, in the name of who asks.

use serde::Serialize;

use crate::db::{Db, Tx};
use crate::kernel::{Error, Result};
use crate::queue::control::{Deed, Filter, Target, store};

/// Jobs that one call settles at most.
pub const MOST: usize = 100_000;
/// In one transaction.
const AT_ONCE: usize = 500;
/// Ids that one statement gives, for counting.
const COUNTED_AT_ONCE: i32 = 20_000;

/// Who asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asker<'a> {
    /// A token's subject; `None` = whoever the database's role is.
    pub actor: Option<&'a str>,
    /// Only jobs of these branches' events, and of those of none; `None` = all.
    pub branches: Option<&'a [String]>,
}

/// What came of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Settled {
    /// How many the filter let through.
    pub matched: usize,
    /// How many were still there.
    pub done: usize,
}

/// Pauses.
///
/// # Errors
/// The database's.
pub async fn pause(
    db: &Db,
    actor: Option<&str>,
    target: Target,
    reason: Option<&str>,
) -> Result<()> {
    let tx = Tx::begin_for(db, actor).await?;
    store::pause(&tx, target, reason).await?;
    tx.commit().await
}

/// Resumes; whether it was paused.
///
/// # Errors
/// The database's.
pub async fn resume(db: &Db, actor: Option<&str>, target: Target) -> Result<bool> {
    let tx = Tx::begin_for(db, actor).await?;
    let resumed = store::resume(&tx, target).await?;
    tx.commit().await?;
    Ok(resumed)
}

/// Settles one.
///
/// # Errors
/// `NotFound`.
pub async fn settle_one(db: &Db, asker: Asker<'_>, deed: Deed, id: i64) -> Result<()> {
    let tx = Tx::begin_for(db, asker.actor).await?;
    let done = store::settle(&tx, deed, &[id], asker.branches).await?;
    tx.commit().await?;
    if done == 0 {
        return Err(Error::NotFound("dead job"));
    }
    Ok(())
}

/// How many a filter lets through.
///
/// # Errors
/// `Invalid` when they are more than one call settles.
pub async fn count(db: &Db, filter: &Filter, branches: Option<&[String]>) -> Result<usize> {
    Ok(find(db, filter, branches).await?.len())
}

/// Those that a filter lets through: what is counted is what is settled, whatever dies meanwhile.
async fn find(db: &Db, filter: &Filter, branches: Option<&[String]>) -> Result<Vec<i64>> {
    let client = db.client().await?;
    let (mut all, mut below) = (Vec::new(), None);
    loop {
        let ids = store::find_dead(&client, filter, below, branches, COUNTED_AT_ONCE).await?;
        all.extend_from_slice(&ids);
        if all.len() > MOST {
            return Err(Error::invalid(
                "too_many_items",
                format!("more than {MOST} match: narrow the filter by `from` and `to`"),
            ));
        }
        below = ids.last().copied();
        if below.is_none() {
            return Ok(all);
        }
    }
}

/// Settles all that a filter lets through, if they are as many as is expected. `progress` hears how many are through.
///
/// # Errors
/// `Conflict` with the actual count when it differs: nothing was done.
pub async fn settle_all(
    db: &Db,
    asker: Asker<'_>,
    deed: Deed,
    filter: &Filter,
    expected: usize,
    progress: impl Fn(usize) + Send,
) -> Result<Settled> {
    let ids = find(db, filter, asker.branches).await?;
    if ids.len() != expected {
        return Err(Error::Conflict {
            code: "count_differs",
            detail: format!("{} match, not {expected}; nothing was done", ids.len()),
            place: Some("/expected_count".to_owned()),
        });
    }
    let mut all = Settled {
        matched: 0,
        done: 0,
    };
    for some in ids.chunks(AT_ONCE) {
        let tx = Tx::begin_for(db, asker.actor).await?;
        all.done += store::settle(&tx, deed, some, asker.branches).await?;
        tx.commit().await?;
        all.matched += some.len();
        progress(all.matched);
    }
    Ok(all)
}
