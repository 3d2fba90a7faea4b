//! The demo's company: Trading Services House with its branches in Baghdad (BGD) and Basra (BSR) and a head office. The
//! people come from `company.json` and go into `neurolink_users`.

use serde::Deserialize;

use crate::db::Db;
use crate::kernel::{Error, Result};

const PEOPLE: &str = include_str!("company.json");
const LOAD: &str = include_str!("../../../sql/queries/demo/load_company.sql");

/// The branches, as in `branch_id`.
pub const BRANCHES: [&str; 2] = ["BGD", "BSR"];

/// Somebody of the company.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Person {
    /// The id in the directory.
    pub id: String,
    /// In the script they read.
    pub display_name: String,
    /// `None`: can't be told by e-mail.
    pub email: Option<String>,
    /// What they do.
    pub roles: Vec<String>,
    /// Where; `*` = everywhere.
    pub branch_ids: Vec<String>,
    /// BCP 47.
    pub locale: String,
    /// Whether they still work here.
    #[serde(default = "yes")]
    pub is_active: bool,
}

fn yes() -> bool {
    true
}

impl Person {
    /// The language their notifications are written in by rules that know `en` and `ar`.
    #[must_use]
    pub fn language(&self) -> &str {
        self.locale.split('-').next().unwrap_or("en")
    }
}

/// Everybody, in the order of the file.
///
/// # Errors
/// `Internal` when the file that was built in isn't what it should be.
pub fn people() -> Result<Vec<Person>> {
    serde_json::from_str(PEOPLE).map_err(|e| Error::internal("the demo's people can't be read", e))
}

/// Puts the people into the database where they aren't yet, and says how many that were. Somebody who is there stays as
/// they are: the demo is for playing with.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn load_company(db: &Db) -> Result<u64> {
    let client = db.client().await?;
    Ok(client.execute(LOAD, &[&PEOPLE]).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_company_has_two_branches_two_languages_one_who_left_and_one_without_an_address() {
        let people = people().unwrap();
        for branch in BRANCHES {
            let here: Vec<_> = people
                .iter()
                .filter(|p| p.branch_ids == [branch] && p.is_active)
                .collect();
            assert!(here.iter().any(|p| p.language() == "ar"), "{branch}");
            assert!(here.iter().any(|p| p.language() == "en"), "{branch}");
        }
        assert_eq!(people.iter().filter(|p| !p.is_active).count(), 1);
        assert_eq!(people.iter().filter(|p| p.email.is_none()).count(), 1);
    }

    #[test]
    fn readers_of_arabic_have_their_names_in_arabic_and_all_mail_stays_within_the_example_domain() {
        for person in people().unwrap() {
            let arabic = person
                .display_name
                .chars()
                .any(|c| ('\u{0600}'..='\u{06ff}').contains(&c));
            assert_eq!(arabic, person.language() == "ar", "{}", person.id);
            assert!(
                person.email.is_none_or(|e| e.ends_with("@tsh.example")),
                "{}",
                person.id
            );
        }
    }

    #[test]
    fn every_id_is_given_once_and_every_role_of_a_starter_rule_has_a_holder_in_each_branch() {
        let people = people().unwrap();
        let mut ids: Vec<_> = people.iter().map(|p| &p.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), people.len());
        let rules: Vec<serde_json::Value> =
            serde_json::from_str(crate::ops::starter::RULES).unwrap();
        for rule in rules {
            let roles = rule["notification_template"]["recipient_roles"].clone();
            for role in roles.as_array().into_iter().flatten() {
                for branch in BRANCHES {
                    assert!(
                        people.iter().any(|p| p.is_active
                            && p.roles.iter().any(|r| r == role)
                            && p.branch_ids.iter().any(|b| b == "*" || b == branch)),
                        "{role} in {branch}"
                    );
                }
            }
        }
    }
}
