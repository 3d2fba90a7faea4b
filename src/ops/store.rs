//! The room's statements: starter rules in.

use crate::db::Client;
use crate::kernel::Result;

/// Which of these rules' names aren't there yet. `rules` is a JSON array.
///
/// # Errors
/// The database's.
pub(super) async fn missing(client: &Client, rules: &str) -> Result<Vec<String>> {
    let statement = include_str!("../../sql/queries/ops/starter_missing.sql");
    let rows = client.query(statement, &[&rules]).await?;
    rows.iter().map(|row| Ok(row.try_get("name")?)).collect()
}

/// Inserts those of these rules whose names aren't there yet. Gives how many.
///
/// # Errors
/// The database's.
pub(super) async fn load(client: &Client, rules: &str) -> Result<u64> {
    let statement = include_str!("../../sql/queries/ops/starter_load.sql");
    Ok(client.execute(statement, &[&rules]).await?)
}
