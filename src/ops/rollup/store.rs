//! The roll-ups' own statements.

use jiff::Timestamp;

use crate::db::Client;
use crate::kernel::Result;

/// Rolls up a stretch. Gives how many minutes are left.
///
/// # Errors
/// The database's.
pub async fn roll_up(client: &Client) -> Result<i32> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ops/roll_up.sql"))
        .await?;
    Ok(client
        .query_one(&statement, &[])
        .await?
        .try_get("left_over")?)
}

/// Up to when there are roll-ups; `None` = there are none yet.
///
/// # Errors
/// The database's.
pub async fn rolled_to(client: &Client) -> Result<Option<Timestamp>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ops/rolled_to.sql"))
        .await?;
    Ok(client
        .query_one(&statement, &[])
        .await?
        .try_get("rolled_to")?)
}
