//! The statements of event types.

use super::{EventType, Field, Known, Meaning, Module, standard};
use crate::db::Client;
use crate::kernel::Result;

/// A page, by type and module, behind a place.
///
/// # Errors
/// The database's.
pub async fn list(
    client: &Client,
    behind: Option<(String, String)>,
    limit: i64,
) -> Result<Vec<EventType>> {
    let mut standard = standard()?;
    let (types, modules): (Vec<&str>, Vec<&str>) = standard
        .keys()
        .map(|(event_type, module)| (event_type.as_str(), module.as_str()))
        .unzip();
    let (behind_type, behind_module) = behind.unzip();
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ops/event_types.sql"))
        .await?;
    let rows = client
        .query(
            &statement,
            &[&types, &modules, &behind_type, &behind_module, &limit],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let key: (String, String) = (row.try_get("event_type")?, row.try_get("source_module")?);
            let meaning = standard.remove(&key).unwrap_or_default();
            Ok(EventType {
                event_type: key.0,
                source_module: key.1,
                meaning,
                first_seen_at: row.try_get("first_seen_at")?,
                last_seen_at: row.try_get("last_seen_at")?,
            })
        })
        .collect()
}

/// What is known of a type; `None` = it is neither standard nor was ever seen.
///
/// # Errors
/// The database's.
pub async fn get(client: &Client, event_type: &str) -> Result<Option<Known>> {
    let found = standard()?
        .into_iter()
        .find(|((standard, _), _)| standard == event_type);
    let statement = client
        .prepare_cached(include_str!(
            "../../../sql/queries/ops/event_type_modules.sql"
        ))
        .await?;
    let own = found.as_ref().map(|((_, module), _)| module.as_str());
    let rows = client.query(&statement, &[&event_type, &own]).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let modules = rows
        .iter()
        .map(|row| {
            Ok(Module {
                source_module: row.try_get("source_module")?,
                first_seen_at: row.try_get("first_seen_at")?,
                last_seen_at: row.try_get("last_seen_at")?,
            })
        })
        .collect::<Result<_>>()?;
    Ok(Some(Known {
        event_type: event_type.to_owned(),
        meaning: found.map_or_else(Meaning::default, |(_, meaning)| meaning),
        modules,
        fields: fields(client, event_type).await?,
    }))
}

async fn fields(client: &Client, event_type: &str) -> Result<Vec<Field>> {
    let statement = client
        .prepare_cached(include_str!(
            "../../../sql/queries/ops/event_type_fields.sql"
        ))
        .await?;
    let rows = client.query(&statement, &[&event_type]).await?;
    rows.iter()
        .map(|row| {
            Ok(Field {
                path: row.try_get("path")?,
                kinds: row.try_get("kinds")?,
                first_seen_at: row.try_get("first_seen_at")?,
                last_seen_at: row.try_get("last_seen_at")?,
            })
        })
        .collect()
}
