//! Plays acts: half by SQL, where one transaction brings all of an act's events as the ERP's own would, half by the
//! entrance that HTTP's batch uses. Reads back what came of them. The only SQL of the demo but the company's.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::cli::demo::story::{Act, Story, StoryEvent, Way};
use crate::db::Db;
use crate::ingest::NewEvent;
use crate::kernel::{ChannelKind, Error, Result, clock};
use crate::ops::starter;

const EMIT: &str = include_str!("../../../sql/queries/demo/emit.sql");
const LAST_ROUND: &str = include_str!("../../../sql/queries/demo/last_round.sql");
const TOLD: &str = include_str!("../../../sql/queries/demo/told.sql");

/// Takes events in as `POST /v1/events/batch` does: all or none, answered after the commit.
pub type Entrance = dyn Fn(Vec<NewEvent>) -> BoxFuture<'static, Result<()>> + Send + Sync;

/// What came of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Its id; `None` = it isn't stored.
    pub event_id: Option<i64>,
    /// Whether it has been evaluated.
    pub evaluated: bool,
    /// Whether its job has used up its attempts.
    pub given_up: bool,
    /// Why its evaluation failed.
    pub error: Option<String>,
    /// What the rules complained of, as JSON.
    pub warnings: Option<String>,
    /// Who was told.
    pub told: Vec<Told>,
}

/// A notification and how it went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its id.
    pub notification_id: i64,
    /// The recipient.
    pub user_id: String,
    /// The language it is written in.
    pub locale: String,
    /// What it says.
    pub title: String,
    /// By which channels.
    pub deliveries: Vec<Delivered>,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Its id.
    pub id: i64,
    /// The channel.
    pub channel: ChannelKind,
    /// As in `neurolink_delivery_log`.
    pub status: String,
    /// E-mail address.
    pub address: Option<String>,
    /// Why not, or not yet.
    pub error: Option<String>,
}

impl Outcome {
    /// Whether nothing more will come of it by itself.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let waits = |d: &Delivered| d.status == "pending";
        self.given_up || self.evaluated && !self.told.iter().flat_map(|t| &t.deliveries).any(waits)
    }
}

/// The number of the round that comes next in this database.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn next_round(db: &Db, seed: u64) -> Result<u32> {
    let client = db.client().await?;
    let row = client
        .query_one(LAST_ROUND, &[&Story::key_prefix(seed)])
        .await?;
    let last: Option<i32> = row.try_get("round")?;
    Ok(u32::try_from(last.unwrap_or(0)).unwrap_or(0) + 1)
}

/// Plays an act; its events are stored when this returns.
///
/// # Errors
/// Whatever the way in says.
pub async fn play(db: &Db, entrance: &Entrance, act: &Act) -> Result<()> {
    match act.way {
        Way::Http => entrance(act.events.iter().map(|t| t.event.clone()).collect()).await,
        Way::Sql => by_sql(db, act).await,
    }
}

async fn by_sql(db: &Db, act: &Act) -> Result<()> {
    let mut client = db.client().await?;
    let transaction = client.transaction().await?;
    let emit = transaction.prepare_cached(EMIT).await?;
    for told in &act.events {
        let event = &told.event;
        let severity = event.severity.map(|s| s.as_str());
        transaction
            .query_one(
                &emit,
                &[
                    &event.source_module,
                    &event.event_type,
                    &event.payload,
                    &severity,
                    &event.idempotency_key,
                    &event.correlation_id,
                    &event.branch_id,
                    &event.actor_id,
                    &event.entity_type,
                    &event.entity_id,
                ],
            )
            .await?;
    }
    Ok(transaction.commit().await?)
}

/// What has come of events so far, one for each of them, in their order.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn outcomes<'a>(
    db: &Db,
    events: impl Iterator<Item = &'a StoryEvent>,
) -> Result<Vec<Outcome>> {
    let (modules, keys): (Vec<&str>, Vec<&str>) = events
        .map(|t| {
            let key = t.event.idempotency_key.as_deref().unwrap_or_default();
            (t.event.source_module.as_str(), key)
        })
        .unzip();
    let mut all = vec![Outcome::default(); keys.len()];
    let client = db.client().await?;
    for row in client
        .query(TOLD, &[&modules, &keys, &starter::names()?])
        .await?
    {
        let ord: i32 = row.try_get("ord")?;
        let outcome = usize::try_from(ord - 1)
            .ok()
            .and_then(|at| all.get_mut(at))
            .ok_or_else(|| Error::broken("an outcome of an event that wasn't asked for"))?;
        outcome.event_id = row.try_get("event_id")?;
        outcome.evaluated = row.try_get("evaluated")?;
        outcome.given_up = row.try_get("given_up")?;
        outcome.error = row.try_get("error")?;
        outcome.warnings = row.try_get("warnings")?;
        let Some(notification_id) = row.try_get::<_, Option<i64>>("notification_id")? else {
            continue;
        };
        // Rows of one notification stand together.
        if outcome.told.last().map(|t| t.notification_id) != Some(notification_id) {
            outcome.told.push(Told {
                notification_id,
                user_id: row.try_get("user_id")?,
                locale: row.try_get("locale")?,
                title: row.try_get("title")?,
                deliveries: Vec::new(),
            });
        }
        let channel: Option<String> = row.try_get("channel")?;
        if let (Some(told), Some(channel)) = (
            outcome.told.last_mut(),
            channel.as_deref().and_then(ChannelKind::parse),
        ) {
            told.deliveries.push(Delivered {
                id: row.try_get("delivery_id")?,
                channel,
                status: row.try_get("status")?,
                address: row.try_get("address")?,
                error: row.try_get("last_error")?,
            });
        }
    }
    Ok(all)
}

/// Waits until nothing more will come of the events by itself, or for `patience` at most, and gives what has come of them.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn settled(db: &Db, events: &[StoryEvent], patience: Duration) -> Result<Vec<Outcome>> {
    let begun = clock::instant();
    loop {
        let all = outcomes(db, events.iter()).await?;
        if all.iter().all(Outcome::is_settled) || begun.elapsed() >= patience {
            return Ok(all);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
