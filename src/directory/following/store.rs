//! The statements of who follows what.

use std::collections::{BTreeSet, HashMap};

use super::{Follow, Follower};
use crate::db::{Client, Tx};
use crate::kernel::{Error, Result};
use crate::rules::Entity;

/// Who follows these, by their ids.
///
/// # Errors
/// The database's.
pub async fn followers(
    client: &Client,
    entities: &BTreeSet<Entity>,
) -> Result<HashMap<Entity, Vec<String>>> {
    let mut followers: HashMap<Entity, Vec<String>> = HashMap::new();
    if entities.is_empty() {
        return Ok(followers);
    }
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/directory/followers.sql"))
        .await?;
    let (types, ids): (Vec<&str>, Vec<&str>) = entities
        .iter()
        .map(|entity| (entity.entity_type.as_str(), entity.entity_id.as_str()))
        .unzip();
    for row in client.query(&statement, &[&types, &ids]).await? {
        let entity = Entity {
            entity_type: row.try_get("entity_type")?,
            entity_id: row.try_get("entity_id")?,
        };
        let own = followers.entry(entity).or_default();
        own.push(row.try_get("user_id")?);
    }
    Ok(followers)
}

/// Makes somebody follow something; whether that is new.
///
/// # Errors
/// `Conflict` (`too_many_follows`), or the database's.
pub async fn follow(tx: &Tx, user: &str, entity: &Entity) -> Result<bool> {
    let statement = tx
        .prepare_cached(include_str!("../../../sql/queries/directory/follow.sql"))
        .await?;
    let (kind, id) = (&entity.entity_type, &entity.entity_id);
    let row = tx.query_one(&statement, &[&user, kind, id]).await?;
    let followed: Option<bool> = row.try_get("followed")?;
    followed.ok_or_else(|| Error::Conflict {
        code: "too_many_follows",
        detail: "nobody follows more than 10 000 things; end some first".to_owned(),
        place: None,
    })
}

/// Ends it; whether there was something to end.
///
/// # Errors
/// The database's.
pub async fn unfollow(tx: &Tx, user: &str, entity: &Entity) -> Result<bool> {
    let statement = tx
        .prepare_cached(include_str!("../../../sql/queries/directory/unfollow.sql"))
        .await?;
    let (kind, id) = (&entity.entity_type, &entity.entity_id);
    let row = tx.query_one(&statement, &[&user, kind, id]).await?;
    Ok(row.try_get("followed")?)
}

/// A page of what somebody follows, behind a place, by type and id; of one type or of one thing where that is asked.
///
/// # Errors
/// The database's.
pub async fn follows(
    client: &Client,
    user: &str,
    behind: &(String, String),
    only: (Option<&str>, Option<&str>),
    limit: i64,
) -> Result<Vec<Follow>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/directory/follows.sql"))
        .await?;
    let rows = client
        .query(
            &statement,
            &[&user, &behind.0, &behind.1, &only.0, &only.1, &limit],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Follow {
                entity_type: row.try_get("entity_type")?,
                entity_id: row.try_get("entity_id")?,
                since: row.try_get("since")?,
            })
        })
        .collect()
}

/// A page of who follows something, behind somebody.
///
/// # Errors
/// The database's.
pub async fn of_entity(
    client: &Client,
    entity: &Entity,
    behind: &str,
    limit: i64,
) -> Result<Vec<Follower>> {
    let statement = client
        .prepare_cached(include_str!(
            "../../../sql/queries/directory/entity_followers.sql"
        ))
        .await?;
    let (kind, id) = (&entity.entity_type, &entity.entity_id);
    let rows = client
        .query(&statement, &[kind, id, &behind, &limit])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Follower {
                user_id: row.try_get("user_id")?,
                since: row.try_get("since")?,
            })
        })
        .collect()
}
