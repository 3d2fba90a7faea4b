//! The one statement of event types.

use super::{EventType, standard};
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
            let known = standard.remove(&key);
            let is_standard = known.is_some();
            let (description, example) = known.unzip();
            Ok(EventType {
                event_type: key.0,
                source_module: key.1,
                is_standard,
                description,
                example,
                first_seen_at: row.try_get("first_seen_at")?,
                last_seen_at: row.try_get("last_seen_at")?,
            })
        })
        .collect()
}
