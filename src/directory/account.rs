//! A person as an admin or the ERP keeps them: read from a request, checked, shown. Pure.

use serde::{Deserialize, Serialize};

use crate::kernel::decode::{Id, decode};
use crate::kernel::json::NESTING;
use crate::kernel::json::{self, Depth, Value};
use crate::kernel::words::is_text_id;
use crate::kernel::{Error, ItemFault, Result};

/// People in one bulk.
pub const MOST: usize = 10_000;
/// Faults of a bulk that are told.
const FAULTS: usize = 100;
const NAME_CHARS: usize = 200;
const ADDRESS_CHARS: usize = 254;
const ROLES: usize = 100;
const GROUPS: usize = 100;
const BRANCHES: usize = 1_000;

/// A person's row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The ERP's user id.
    pub id: String,
    /// As they are addressed.
    pub display_name: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// Telegram chat.
    pub telegram_chat_id: Option<String>,
    /// Slack user.
    pub slack_user_id: Option<String>,
    /// Roles held.
    pub roles: Vec<String>,
    /// Groups they are in.
    pub groups: Vec<String>,
    /// Branches belonged to; `*` = all.
    pub branch_ids: Vec<String>,
    /// Their manager's id.
    pub manager_id: Option<String>,
    /// BCP 47.
    pub locale: String,
    /// IANA.
    pub timezone: String,
    /// Whether they are told anything.
    pub is_active: bool,
}

/// A person in a request. What isn't there has its default.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a person (an object)")]
struct Body {
    id: Option<Id>,
    display_name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    telegram_chat_id: Option<Id>,
    slack_user_id: Option<String>,
    #[serde(default)]
    roles: Vec<Id>,
    #[serde(default)]
    groups: Vec<Id>,
    #[serde(default)]
    branch_ids: Vec<Id>,
    manager_id: Option<Id>,
    locale: Option<String>,
    timezone: Option<String>,
    is_active: Option<bool>,
}

/// The person `id` as the body of a `PUT` describes them.
///
/// # Errors
/// `Invalid` with the place of the fault.
pub fn one(text: &str, id: &str) -> Result<Account> {
    let node = json::parse(text, depth())?;
    let body: Body = decode(&node, "")?;
    if body.id.as_ref().is_some_and(|own| own.0 != id) {
        return Err(Error::invalid_at(
            "invalid_field",
            "/id",
            "the path names somebody else",
        ));
    }
    check(body, id.to_owned(), "")
}

/// The people of a bulk, at most [`MOST`].
///
/// # Errors
/// `InvalidItems` with all that is wrong, by index; `Invalid` when the body is no list of at most so many.
pub fn many(text: &str) -> Result<Vec<Account>> {
    let node = json::parse(text, depth())?;
    let Value::Array(items) = &node.value else {
        return Err(Error::invalid_at(
            "invalid_type",
            "",
            "an array of people was expected",
        ));
    };
    if items.len() > MOST {
        return Err(Error::invalid_at(
            "too_many_items",
            format!("/{MOST}"),
            format!(
                "a bulk has at most {MOST} people, not {}; send them in several",
                items.len()
            ),
        ));
    }
    let (mut people, mut faults) = (Vec::with_capacity(items.len()), Vec::new());
    let mut seen = std::collections::HashMap::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let at = format!("/{index}");
        let read = decode::<Body>(item, &at).and_then(|mut body| {
            let id = body.id.take().ok_or_else(|| {
                Error::invalid_at("missing_field", format!("{at}/id"), "`id` is missing")
            })?;
            let person = check(body, id.0, &at)?;
            match seen.insert(person.id.clone(), index) {
                Some(before) => Err(Error::invalid_at(
                    "invalid_field",
                    format!("{at}/id"),
                    format!("item {before} is the same person"),
                )),
                None => Ok(person),
            }
        });
        match read {
            Ok(person) => people.push(person),
            Err(Error::Invalid {
                code,
                detail,
                place,
            }) => faults.push(ItemFault {
                code,
                place: place.unwrap_or(at),
                detail,
            }),
            Err(other) => return Err(other),
        }
    }
    if faults.is_empty() {
        return Ok(people);
    }
    let detail = format!(
        "{} of {} people can't be taken; nobody was stored",
        faults.len(),
        items.len()
    );
    faults.truncate(FAULTS);
    Err(Error::InvalidItems { detail, faults })
}

const fn depth() -> Depth {
    Depth {
        allowed: NESTING,
        kept: NESTING,
    }
}

fn check(body: Body, id: String, at: &str) -> Result<Account> {
    let fields = Fields(at);
    if !is_text_id(&id) {
        return fields.wrong(
            "id",
            "an id has 1 to 128 characters, none of them a control character",
        );
    }
    let manager_id = fields.id("manager_id", body.manager_id.map(|m| m.0))?;
    if manager_id.as_ref() == Some(&id) {
        return fields.wrong("manager_id", "nobody is their own manager");
    }
    let locale = body.locale.unwrap_or_else(|| "en".to_owned());
    if !is_locale(&locale) {
        return fields.wrong("locale", "a locale is written like `ar-IQ` or `en`");
    }
    let timezone = body.timezone.unwrap_or_else(|| "Asia/Baghdad".to_owned());
    if jiff::tz::TimeZone::get(&timezone).is_err() {
        return fields.wrong(
            "timezone",
            "there is no such time zone; one is written like `Asia/Baghdad`",
        );
    }
    Ok(Account {
        display_name: fields
            .text("display_name", body.display_name, NAME_CHARS)?
            .unwrap_or_default(),
        email: fields.email(body.email)?,
        phone: fields.text("phone", body.phone, 64)?,
        telegram_chat_id: fields.id("telegram_chat_id", body.telegram_chat_id.map(|t| t.0))?,
        slack_user_id: fields.id("slack_user_id", body.slack_user_id)?,
        roles: fields.ids("roles", body.roles, ROLES)?,
        groups: fields.ids("groups", body.groups, GROUPS)?,
        branch_ids: fields.ids("branch_ids", body.branch_ids, BRANCHES)?,
        is_active: body.is_active.unwrap_or(true),
        id,
        manager_id,
        locale,
        timezone,
    })
}

/// As the table's own check has it.
fn is_locale(text: &str) -> bool {
    let mut parts = text.split(['-', '_']);
    let language = parts.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| {
            (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        })
}

/// The fields of the person at this place of the body. White space around a text means nothing, and an empty one is none.
struct Fields<'a>(&'a str);

impl Fields<'_> {
    fn wrong<T>(&self, field: &str, detail: impl Into<String>) -> Result<T> {
        let place = format!("{}/{field}", self.0);
        Err(Error::invalid_at("invalid_field", place, detail))
    }

    fn text(&self, field: &str, given: Option<String>, most: usize) -> Result<Option<String>> {
        let Some(text) = given.map(|text| text.trim().to_owned()) else {
            return Ok(None);
        };
        if text.chars().count() > most || text.chars().any(char::is_control) {
            return self.wrong(
                field,
                format!("it has at most {most} characters, none of them a control character"),
            );
        }
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn id(&self, field: &str, given: Option<String>) -> Result<Option<String>> {
        self.text(field, given, 128)
    }

    fn email(&self, given: Option<String>) -> Result<Option<String>> {
        let email = self.text("email", given, ADDRESS_CHARS)?;
        let holds = |address: &String| {
            address
                .rsplit_once('@')
                .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
                && !address.chars().any(char::is_whitespace)
        };
        if email.as_ref().is_some_and(|address| !holds(address)) {
            return self.wrong("email", "this is no e-mail address");
        }
        Ok(email)
    }

    fn ids(&self, field: &str, given: Vec<Id>, most: usize) -> Result<Vec<String>> {
        if given.len() > most {
            return self.wrong(field, format!("at most {most}"));
        }
        let mut ids = Vec::with_capacity(given.len());
        for (index, Id(id)) in given.into_iter().enumerate() {
            if !is_text_id(&id) {
                return self.wrong(
                    &format!("{field}/{index}"),
                    "it has 1 to 128 characters, none of them a control character",
                );
            }
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_needs_nothing_but_an_id_and_numbers_are_ids() {
        let person = one("{}", "17").unwrap();
        assert_eq!(
            (
                person.id.as_str(),
                person.locale.as_str(),
                person.timezone.as_str()
            ),
            ("17", "en", "Asia/Baghdad")
        );
        assert!(person.is_active);
        let text = r#"[{"id": 17, "telegram_chat_id": 123456789012, "roles": ["a", "a", 5], "email": " "}]"#;
        let people = many(text).unwrap();
        assert_eq!(people[0].id, "17");
        assert_eq!(people[0].telegram_chat_id.as_deref(), Some("123456789012"));
        assert_eq!(people[0].roles, ["a", "5"]);
        assert_eq!(people[0].email, None, "an empty address is none");
    }

    #[test]
    fn every_fault_of_a_bulk_is_told_by_its_index() {
        let text = r#"[{"id": "a"}, {"name": "x"}, {}, {"id": "b", "email": "x"}, {"id": "a"},
            {"id": "c", "locale": "english!"}, {"id": "d", "timezone": "Baghdad"}, {"id": "e", "manager_id": "e"},
            {"id": "f", "roles": ["ok", ""]}, 5]"#;
        let Err(Error::InvalidItems { faults, detail }) = many(text) else {
            panic!("taken");
        };
        let found: Vec<(&str, &str)> = faults.iter().map(|f| (f.code, f.place.as_str())).collect();
        assert_eq!(
            found,
            [
                ("unknown_field", "/1/name"),
                ("missing_field", "/2/id"),
                ("invalid_field", "/3/email"),
                ("invalid_field", "/4/id"),
                ("invalid_field", "/5/locale"),
                ("invalid_field", "/6/timezone"),
                ("invalid_field", "/7/manager_id"),
                ("invalid_field", "/8/roles/1"),
                ("invalid_type", "/9"),
            ]
        );
        assert!(detail.starts_with("9 of 10 people"), "{detail}");
    }

    #[test]
    fn the_path_and_the_body_name_the_same_person() {
        assert!(one(r#"{"id": 17}"#, "17").is_ok());
        assert!(one(r#"{"id": "18"}"#, "17").is_err());
    }
}
