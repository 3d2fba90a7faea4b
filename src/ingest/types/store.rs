//! The statements of what was learnt.

use jiff::Timestamp;

use super::{Seen, SeenField};
use crate::db::Client;
use crate::kernel::Result;

/// Remembers types.
///
/// # Errors
/// The database's.
pub(super) async fn saw(client: &Client, seen: &[Seen]) -> Result<()> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ingest/types_saw.sql"))
        .await?;
    let types: Vec<&str> = seen.iter().map(|s| s.0.as_str()).collect();
    let modules: Vec<&str> = seen.iter().map(|s| s.1.as_str()).collect();
    let first: Vec<Timestamp> = seen.iter().map(|s| s.2).collect();
    let last: Vec<Timestamp> = seen.iter().map(|s| s.3).collect();
    client
        .execute(&statement, &[&types, &modules, &first, &last])
        .await?;
    Ok(())
}

/// Remembers payload fields, each of a type once.
///
/// # Errors
/// The database's.
pub(super) async fn saw_fields(client: &Client, seen: &[SeenField]) -> Result<()> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/ingest/types_fields.sql"))
        .await?;
    let types: Vec<&str> = seen.iter().map(|s| s.0.as_str()).collect();
    let paths: Vec<&str> = seen.iter().map(|s| s.1.as_str()).collect();
    let kinds: Vec<String> = seen.iter().map(|s| s.2.words()).collect();
    let at: Vec<Timestamp> = seen.iter().map(|s| s.3).collect();
    client
        .execute(&statement, &[&types, &paths, &kinds, &at])
        .await?;
    Ok(())
}
