//! Reads the directory.

use crate::db::Client;
use crate::directory::model::{People, Person};
use crate::kernel::Result;
use crate::preferences::Wishes;

/// Active people who hold one of these roles or are named. Read anew for every batch, because nothing tells us when a
/// DBA's own view shows something else.
///
/// # Errors
/// The database's.
pub async fn find(client: &Client, roles: &[String], ids: &[String]) -> Result<People> {
    if roles.is_empty() && ids.is_empty() {
        return Ok(People::default());
    }
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/directory/find.sql"))
        .await?;
    let rows = client.query(&statement, &[&roles, &ids]).await?;
    let people = rows
        .iter()
        .map(|row| {
            Ok(Person {
                id: row.try_get("id")?,
                display_name: row.try_get("display_name")?,
                email: row.try_get("email")?,
                phone: row.try_get("phone")?,
                telegram_chat_id: row.try_get("telegram_chat_id")?,
                slack_user_id: row.try_get("slack_user_id")?,
                roles: row.try_get("roles")?,
                branch_ids: row.try_get("branch_ids")?,
                manager_id: row.try_get("manager_id")?,
                locale: row.try_get("locale")?,
                timezone: row.try_get("timezone")?,
                wishes: row
                    .try_get::<_, Option<&str>>("wishes")?
                    .map(Wishes::stored)
                    .unwrap_or_default(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(People::new(people))
}
