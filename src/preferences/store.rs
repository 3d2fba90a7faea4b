//! Preferences' statements. (The pipeline reads them with the people, in the directory's statement: one flight, one row.)

use crate::db::{Client, Tx};
use crate::kernel::Result;
use crate::preferences::body::Checked;
use crate::preferences::model::Preferences;

/// Whether there is such a person.
///
/// # Errors
/// The database's.
pub async fn is_known(client: &Client, user: &str) -> Result<bool> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/preferences/is_known.sql"))
        .await?;
    let row = client.query_one(&statement, &[&user]).await?;
    Ok(row.try_get("known")?)
}

/// Somebody's; who has never set any has none, which is also an answer.
///
/// # Errors
/// The database's.
pub async fn get(client: &Client, user: &str) -> Result<Preferences> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/preferences/get.sql"))
        .await?;
    let row = client.query_opt(&statement, &[&user]).await?;
    Ok(Preferences {
        user_id: user.to_owned(),
        channels: match &row {
            Some(row) => row.try_get("channels")?,
            None => serde_json::json!({}),
        },
        quiet_hours: match &row {
            Some(row) => row.try_get("quiet_hours")?,
            None => None,
        },
        digest: match &row {
            Some(row) => row.try_get("digest")?,
            None => serde_json::json!({}),
        },
        updated_at: row.map(|row| row.try_get("updated_at")).transpose()?,
    })
}

/// Sets somebody's wishes, all of them.
///
/// # Errors
/// The database's.
pub async fn set(tx: &Tx, user: &str, wanted: &Checked) -> Result<()> {
    let statement = tx
        .prepare_cached(include_str!("../../sql/queries/preferences/set.sql"))
        .await?;
    let Checked {
        channels,
        quiet_hours,
        digest,
    } = wanted;
    tx.execute(&statement, &[&user, channels, quiet_hours, digest])
        .await?;
    Ok(())
}
