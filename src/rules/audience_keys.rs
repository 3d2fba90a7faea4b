//! The template's keys that say whom a rule is for, read and checked. Comes from `definition`, goes to `audience`.

use serde_json::Value as Json;

use crate::rules::audience::{AudienceRule, BranchRule, Path};
use crate::rules::keys::Keys;
use crate::rules::limits;
use crate::rules::model::Fault;

const BRANCHES: &str = "recipient_branches";
const FIELDS: &str = "recipient_fields";
const MANAGERS: &str = "recipient_managers";

/// All of them.
pub(crate) const KEYS: [&str; 9] = [
    "recipient_roles",
    "recipient_users",
    BRANCHES,
    FIELDS,
    "recipient_groups",
    MANAGERS,
    "recipient_followers",
    "exclude_actor",
    "exclude_users",
];

impl AudienceRule {
    /// All of them.
    pub(crate) fn read(keys: &Keys<'_>) -> Result<Self, Fault> {
        let (mut of_actor, mut of_recipients, mut of_fields) = (false, false, Vec::new());
        for (index, word) in keys.ids(MANAGERS, limits::FIELDS)?.iter().enumerate() {
            match word.as_str() {
                "actor" => of_actor = true,
                "recipients" => of_recipients = true,
                word => of_fields.push(path(keys, MANAGERS, index, word)?),
            }
        }
        let fields = keys.ids(FIELDS, limits::FIELDS)?;
        let fields = fields.iter().enumerate();
        Ok(Self {
            roles: keys.ids("recipient_roles", limits::ROLES)?,
            users: keys.ids("recipient_users", limits::USERS)?,
            branches: branches(keys)?,
            fields: fields
                .map(|(index, word)| path(keys, FIELDS, index, word))
                .collect::<Result<_, Fault>>()?,
            groups: keys.ids("recipient_groups", limits::ROLES)?,
            groups_by_branch: keys.get(BRANCHES).is_some(),
            managers_of_actor: of_actor,
            managers_of_recipients: of_recipients,
            managers_of_fields: of_fields,
            followers: keys.flag("recipient_followers")?,
            exclude_actor: keys.flag("exclude_actor")?,
            excluded: keys.ids("exclude_users", limits::USERS)?,
        })
    }
}

fn branches(keys: &Keys<'_>) -> Result<BranchRule, Fault> {
    match keys.get(BRANCHES) {
        None => Ok(BranchRule::Event),
        Some(Json::String(word)) if word == "event" => Ok(BranchRule::Event),
        Some(Json::String(word)) if word == "any" => Ok(BranchRule::Any),
        Some(Json::Array(items)) if !items.is_empty() => {
            let ids = keys.ids(BRANCHES, limits::BRANCHES)?;
            // `*` is how a person says "all branches"; for a rule that is "any".
            Ok(if ids.iter().any(|id| id == "*") {
                BranchRule::Any
            } else {
                BranchRule::Of(ids)
            })
        }
        Some(_) => keys.fault(BRANCHES, "it is \"event\", \"any\", or a list of branches"),
    }
}

/// A path into the payload, by key; `payload.` before it may be left out.
fn path(keys: &Keys<'_>, key: &str, index: usize, word: &str) -> Result<Path, Fault> {
    let word = word.strip_prefix("payload.").unwrap_or(word);
    let path: Path = word.split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return keys.fault(
            &format!("{key}/{index}"),
            &format!("`{word}` is no path: it is written like `assigned_to` or `lines.owner_id`"),
        );
    }
    Ok(path)
}
