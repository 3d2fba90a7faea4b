//! People's statements: the recipients of a batch, and whom admins look at and change. Reading goes by the directory, so that an
//! admin sees whom the rules see; writing goes to our own table, where the directory reads that.

use std::collections::{BTreeSet, HashMap, HashSet};

use tokio_postgres::Row;

use crate::db::{Client, Tx};
use crate::directory::account::Account;
use crate::directory::following;
use crate::directory::model::{Links, People, Person};
use crate::directory::wanted::Wanted;
use crate::kernel::{Error, Result};
use crate::preferences::Wishes;

/// People that one page walks over at most: some 20 ms where a text is looked for.
pub const WALKED: i64 = 10_000;

/// What a page of people is made of.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only holders of this role.
    pub role: Option<String>,
    /// Only members of this group.
    pub group: Option<String>,
    /// Only people of this branch, or of all.
    pub branch: Option<String>,
    /// Only (in)active ones.
    pub active: Option<bool>,
    /// Only those with this in their id, name or address.
    pub text: Option<String>,
}

/// What a write has come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Written {
    /// Who wasn't there.
    pub created: usize,
    /// Who was, and otherwise.
    pub updated: usize,
    /// Who was there just so.
    pub unchanged: usize,
}

/// The active people who may be chosen, and what must be known to choose them. Read anew for every batch, because nothing tells us
/// when a DBA's own view shows something else. Rules that name roles, groups and people cost one flight; followers and managers one
/// more each.
///
/// # Errors
/// The database's.
pub async fn find(client: &Client, wanted: &Wanted) -> Result<People> {
    if wanted.is_empty() {
        return Ok(People::default());
    }
    let (followers, managers) = tokio::try_join!(
        following::store::followers(client, &wanted.entities),
        managers(client, &wanted.managers_of)
    )?;
    let links = Links {
        followers,
        managers,
    };
    let by_link = links.followers.values().flatten();
    let by_link = by_link.chain(links.managers.values());
    let ids: BTreeSet<&str> = wanted
        .ids
        .iter()
        .chain(by_link)
        .map(String::as_str)
        .collect();
    let mut people = persons(client, wanted, ids.into_iter().collect()).await?;
    if wanted.managers_of_all {
        let known: HashSet<&str> = people.iter().map(|person| person.id.as_str()).collect();
        let missing = people
            .iter()
            .filter_map(|person| person.manager_id.as_deref());
        let missing: BTreeSet<&str> = missing.filter(|id| !known.contains(id)).collect();
        if !missing.is_empty() {
            let nobody = Wanted::default();
            let more = persons(client, &nobody, missing.into_iter().collect()).await?;
            people.extend(more);
        }
    }
    Ok(People::new(people).with(links))
}

async fn persons(client: &Client, wanted: &Wanted, ids: Vec<&str>) -> Result<Vec<Person>> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/directory/find.sql"))
        .await?;
    let roles: Vec<&String> = wanted.roles.iter().collect();
    let groups: Vec<&String> = wanted.groups.iter().collect();
    let rows = client.query(&statement, &[&roles, &ids, &groups]).await?;
    rows.iter().map(person).collect()
}

/// The managers of these people, by their people's ids.
async fn managers(client: &Client, of: &BTreeSet<String>) -> Result<HashMap<String, String>> {
    if of.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/directory/managers.sql"))
        .await?;
    let of: Vec<&String> = of.iter().collect();
    let rows = client.query(&statement, &[&of]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("id")?, row.try_get("manager_id")?)))
        .collect()
}

/// A list of names; what is null in it is none (`array_agg` over an outer join).
fn names(row: &Row, column: &str) -> Result<Vec<String>> {
    let names: Vec<Option<String>> = row.try_get(column)?;
    Ok(names.into_iter().flatten().collect())
}

fn person(row: &Row) -> Result<Person> {
    Ok(Person {
        id: row.try_get("id")?,
        display_name: row.try_get("display_name")?,
        email: row.try_get("email")?,
        phone: row.try_get("phone")?,
        telegram_chat_id: row.try_get("telegram_chat_id")?,
        slack_user_id: row.try_get("slack_user_id")?,
        roles: names(row, "roles")?,
        groups: names(row, "groups")?,
        branch_ids: names(row, "branch_ids")?,
        manager_id: row.try_get("manager_id")?,
        locale: row.try_get("locale")?,
        timezone: row.try_get("timezone")?,
        wishes: match row
            .try_get::<_, Option<Vec<Option<&str>>>>("wishes")?
            .as_deref()
        {
            Some(&[channels, quiet, digests]) => Wishes::stored(channels, quiet, digests),
            _ => Wishes::default(),
        },
    })
}

impl People {
    /// As [`find`], for rooms further down the line.
    ///
    /// # Errors
    /// The database's.
    pub async fn of(client: &Client, wanted: &Wanted) -> Result<Self> {
        find(client, wanted).await
    }

    /// Who would be told if they were active: at most so many by id and name, and how many there are.
    ///
    /// # Errors
    /// The database's.
    pub async fn inactive(
        client: &Client,
        wanted: &Wanted,
        most: i64,
    ) -> Result<(Vec<(String, String)>, i64)> {
        let statement = client
            .prepare_cached(include_str!("../../sql/queries/directory/inactive.sql"))
            .await?;
        let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<String>>();
        let (roles, ids, groups) = (list(&wanted.roles), list(&wanted.ids), list(&wanted.groups));
        let rows = client
            .query(&statement, &[&roles, &ids, &groups, &most])
            .await?;
        let every = rows.first().map_or(Ok(0), |row| row.try_get("every"))?;
        let people = rows
            .iter()
            .map(|row| Ok((row.try_get("id")?, row.try_get("display_name")?)))
            .collect::<Result<_>>()?;
        Ok((people, every))
    }
}

/// A page by id, of at most `limit` after one, and after whom to go on. It may hold fewer, even none, while there are more to look at.
///
/// # Errors
/// The database's.
pub async fn list(
    client: &Client,
    after: &str,
    filter: &Filter,
    limit: usize,
) -> Result<(Vec<Account>, Option<String>)> {
    // Planned anew each time: a plan for any filter is a bad one for most.
    let statement = include_str!("../../sql/queries/directory/list.sql");
    let pattern = filter.text.as_deref().map(containing);
    let fetch = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
    let rows = client
        .query(
            statement,
            &[
                &after,
                &filter.role,
                &filter.branch,
                &filter.active,
                &pattern,
                &fetch,
                &WALKED,
                &filter.group,
            ],
        )
        .await?;
    let mut people = rows.iter().map(account).collect::<Result<Vec<_>>>()?;
    let next = if people.len() > limit {
        people.truncate(limit);
        people.last().map(|person| person.id.clone())
    } else {
        walked_to(client, after).await?
    };
    Ok((people, next))
}

/// The id after which a walk that didn't find enough has to go on.
async fn walked_to(client: &Client, after: &str) -> Result<Option<String>> {
    let statement = include_str!("../../sql/queries/directory/stretch.sql");
    let row = client.query_one(statement, &[&after, &WALKED]).await?;
    let walked: i64 = row.try_get("walked")?;
    Ok(if walked < WALKED {
        None
    } else {
        row.try_get("last")?
    })
}

/// One, active or not.
///
/// # Errors
/// The database's.
pub async fn get(client: &Client, id: &str) -> Result<Option<Account>> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/directory/get.sql"))
        .await?;
    let row = client.query_opt(&statement, &[&id]).await?;
    row.as_ref().map(account).transpose()
}

/// Makes sure that what is written to our table is what the directory reads.
///
/// # Errors
/// `Conflict` (`directory_is_yours`) when it isn't, or the database's.
pub async fn ours(client: &Client) -> Result<()> {
    let statement = client
        .prepare_cached(include_str!("../../sql/queries/directory/is_ours.sql"))
        .await?;
    if client.query_one(&statement, &[]).await?.try_get("ours")? {
        return Ok(());
    }
    Err(Error::Conflict {
        code: "directory_is_yours",
        detail: "people come from your own view neurolink_directory, not from neurolink_users: change them where it reads them"
            .to_owned(),
        place: None,
    })
}

/// Puts people in, in one statement.
///
/// # Errors
/// The database's.
pub async fn upsert(tx: &Tx, people: &[Account]) -> Result<Written> {
    let statement = tx
        .prepare_cached(include_str!("../../sql/queries/directory/upsert.sql"))
        .await?;
    let texts = |of: fn(&Account) -> &str| people.iter().map(of).collect::<Vec<&str>>();
    let maybe =
        |of: fn(&Account) -> Option<&str>| people.iter().map(of).collect::<Vec<Option<&str>>>();
    let lists = |of: fn(&Account) -> &[String]| {
        people
            .iter()
            .map(|person| serde_json::to_string(of(person)))
            .collect::<Result<Vec<String>, _>>()
            .map_err(|e| Error::internal("a list can't be written as JSON", e))
    };
    let active: Vec<bool> = people.iter().map(|p| p.is_active).collect();
    let rows = tx
        .query(
            &statement,
            &[
                &texts(|p| &p.id),
                &texts(|p| &p.display_name),
                &maybe(|p| p.email.as_deref()),
                &maybe(|p| p.phone.as_deref()),
                &maybe(|p| p.telegram_chat_id.as_deref()),
                &maybe(|p| p.slack_user_id.as_deref()),
                &lists(|p| &p.roles)?,
                &lists(|p| &p.branch_ids)?,
                &maybe(|p| p.manager_id.as_deref()),
                &texts(|p| &p.locale),
                &texts(|p| &p.timezone),
                &active,
                &lists(|p| &p.groups)?,
            ],
        )
        .await?;
    let mut written = Written::default();
    for row in &rows {
        if row.try_get("created")? {
            written.created += 1;
        } else {
            written.updated += 1;
        }
    }
    written.unchanged = people.len() - rows.len();
    Ok(written)
}

/// Takes one away; whether they were there.
///
/// # Errors
/// The database's.
pub async fn delete(tx: &Tx, id: &str) -> Result<bool> {
    let statement = tx
        .prepare_cached(include_str!("../../sql/queries/directory/delete.sql"))
        .await?;
    Ok(tx.execute(&statement, &[&id]).await? > 0)
}

/// A pattern for `ilike` that finds the text as it is.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn account(row: &Row) -> Result<Account> {
    Ok(Account {
        id: row.try_get("id")?,
        display_name: row.try_get("display_name")?,
        email: row.try_get("email")?,
        phone: row.try_get("phone")?,
        telegram_chat_id: row.try_get("telegram_chat_id")?,
        slack_user_id: row.try_get("slack_user_id")?,
        roles: names(row, "roles")?,
        groups: names(row, "groups")?,
        branch_ids: names(row, "branch_ids")?,
        manager_id: row.try_get("manager_id")?,
        locale: row.try_get("locale")?,
        timezone: row.try_get("timezone")?,
        is_active: row.try_get("is_active")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_is_no_pattern() {
        assert_eq!(containing("50%_a\\b"), r"%50\%\_a\\b%");
    }
}
