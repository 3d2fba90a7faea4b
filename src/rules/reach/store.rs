//! What is known here, read: types and fields of events, roles, groups and people, and what workers can send.

use std::collections::BTreeSet;

use serde_json::Value;

use super::people::Placed;
use super::{Known, Named, fields};
use crate::db::{Client, Db};
use crate::kernel::{Error, Result};
use crate::rules::Draft;
use crate::rules::model::Warning;

impl Known {
    /// As far as these rules ask.
    ///
    /// # Errors
    /// The database's.
    pub async fn of(client: &Client, drafts: &[&Draft]) -> Result<Self> {
        let mut known = Self::standard()?;
        let named = Named::by(drafts);
        tokio::try_join!(
            types(client),
            learnt(client),
            payloads(client),
            channels(client),
            people(client, &named)
        )
        .map(|(types, learnt, payloads, channels, people)| {
            for (event_type, module) in types {
                known.types.entry(event_type).or_default().insert(module);
            }
            for (event_type, path) in learnt {
                let of = known.fields.entry(event_type).or_default();
                of.insert(fields::placeless(&path));
            }
            for (event_type, payload) in payloads {
                fields::collect(&payload, known.fields.entry(event_type).or_default());
            }
            known.channels = channels;
            let asked: Vec<&Placed> = named.placed.iter().collect();
            for (kind, name) in people {
                match kind.as_str() {
                    "placed" => {
                        let nth = name
                            .parse::<usize>()
                            .ok()
                            .and_then(|nth| nth.checked_sub(1));
                        let there = nth.and_then(|nth| asked.get(nth).copied());
                        known.placed.extend(there.cloned());
                    }
                    "role" => drop(known.roles.insert(name)),
                    "group" => drop(known.groups.insert(name)),
                    kind => drop(known.people.insert(name, kind == "active")),
                }
            }
        })?;
        if known.roles.len() < named.roles.len() || known.groups.len() < named.groups.len() {
            known.names = names(client).await?;
        }
        Ok(known)
    }

    /// What is to be said of the rules that are switched on, for whom `rules` is read.
    ///
    /// # Errors
    /// The database's.
    pub async fn of_enabled(client: &Client) -> Result<Vec<Warning>> {
        let mut drafts: Vec<Draft> = crate::rules::saved::store::all(client)
            .await?
            .into_iter()
            .map(|rule| rule.draft)
            .collect();
        drafts.retain(|draft| draft.enabled);
        let known = Self::of(client, &drafts.iter().collect::<Vec<_>>()).await?;
        known.of_all(drafts).await
    }

    /// What is to be said of rules, long as they may be.
    async fn of_all(self, drafts: Vec<Draft>) -> Result<Vec<Warning>> {
        let all = move || {
            drafts
                .iter()
                .flat_map(|draft| self.warnings(draft))
                .collect()
        };
        let broken = |error| Error::internal("looking at what rules can reach broke", error);
        tokio::task::spawn_blocking(all).await.map_err(broken)
    }
}

/// What is to be said of a rule just saved. It is saved whatever comes of this: a directory that can't be read costs hints.
pub(crate) async fn hints(db: &Db, draft: &Draft) -> Vec<Warning> {
    let said = async {
        let known = Known::of(&db.client().await?, &[draft]).await?;
        known.of_all(vec![draft.clone()]).await
    };
    match said.await {
        Ok(said) => said,
        Err(error) => {
            tracing::warn!(error = %error.chain(), "whether a rule can reach anybody can't be told");
            Vec::new()
        }
    }
}

async fn types(client: &Client) -> Result<Vec<(String, String)>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/reach_types.sql"))
        .await?;
    let rows = client.query(&statement, &[]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("event_type")?, row.try_get("source_module")?)))
        .collect()
}

/// Fields that were seen, by type.
async fn learnt(client: &Client) -> Result<Vec<(String, String)>> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/reach_fields.sql"))
        .await?;
    let rows = client.query(&statement, &[]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("event_type")?, row.try_get("path")?)))
        .collect()
}

/// Payloads of the newest events, by type.
async fn payloads(client: &Client) -> Result<Vec<(String, Value)>> {
    let statement = client
        .prepare_cached(include_str!(
            "../../../sql/queries/rules/reach_payloads.sql"
        ))
        .await?;
    let rows = client.query(&statement, &[]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("event_type")?, row.try_get("payload")?)))
        .collect()
}

async fn channels(client: &Client) -> Result<Option<BTreeSet<String>>> {
    let statement = client
        .prepare_cached(include_str!(
            "../../../sql/queries/rules/reach_channels.sql"
        ))
        .await?;
    let row = client.query_one(&statement, &[]).await?;
    let channels: Option<Vec<String>> = row.try_get("channels")?;
    Ok(channels.map(|channels| channels.into_iter().collect()))
}

/// What is there of what is named: role, group, active or inactive, and the name; placed, and which role in branches it is, from 1.
async fn people(client: &Client, named: &Named) -> Result<Vec<(String, String)>> {
    let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<String>>();
    let (roles, groups, people) = (list(&named.roles), list(&named.groups), list(&named.people));
    let placed = serde_json::to_string(&named.placed)
        .map_err(|e| Error::internal("roles in branches are no JSON", e))?;
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/reach_people.sql"))
        .await?;
    let rows = client
        .query(&statement, &[&roles, &groups, &people, &placed])
        .await?;
    rows.iter()
        .map(|row| Ok((row.try_get("kind")?, row.try_get("name")?)))
        .collect()
}

/// Roles and groups that there are.
async fn names(client: &Client) -> Result<(Vec<String>, Vec<String>)> {
    let statement = client
        .prepare_cached(include_str!("../../../sql/queries/rules/reach_names.sql"))
        .await?;
    let row = client.query_one(&statement, &[]).await?;
    Ok((row.try_get("roles")?, row.try_get("groups")?))
}
