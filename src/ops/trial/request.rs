//! What a trial is asked for: a body read strictly, then the rule and the event it names read from the database. Comes from `routes`,
//! goes to whoever tries.

use jiff::Timestamp;
use serde::Deserialize;

use super::backtest::{Live, Plan, SAMPLES};
use super::preview::{PEOPLE, Question};
use super::{silence, store};
use crate::db::Client;
use crate::ingest::{Event, NewEvent};
use crate::kernel::decode::{Id, Raw};
use crate::kernel::words::is_text_id;
use crate::kernel::{Error, Result, clock};
use crate::rules::{Draft, RuleRow, Saved, Version};

const RULE: &str = "rule";
const EVENT: &str = "event";

/// The body of `POST /v1/rules/preview`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with a rule and an event")]
pub struct PreviewBody {
    rule: Option<Draft>,
    rule_id: Option<i64>,
    version: Option<i32>,
    event: Option<Raw>,
    event_id: Option<i64>,
    users: Option<Vec<Id>>,
    now: Option<String>,
}

/// The body of `POST /v1/rules/backtest`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with a rule and a time")]
pub struct BacktestBody {
    rule: Option<Draft>,
    rule_id: Option<i64>,
    version: Option<i32>,
    from: String,
    to: Option<String>,
    compare: Option<String>,
    samples: Option<usize>,
}

fn wrong(place: &str, detail: impl Into<String>) -> Error {
    Error::invalid_at("invalid_field", place, detail)
}

/// RFC 3339, of a time that events can have.
fn moment(place: &str, text: &str) -> Result<Timestamp> {
    // As events are: from 1970 on, before 2200.
    const LATEST: i64 = 7_258_118_400;
    text.parse::<Timestamp>()
        .ok()
        .filter(|moment| (0..LATEST).contains(&moment.as_second()))
        .ok_or_else(|| {
            wrong(
                place,
                "it is a time of RFC 3339, like `2026-12-15T08:00:00Z`",
            )
        })
}

/// A draft whose name, module and pattern could be saved; what can't be compiled is for the trial to say.
fn drafted(draft: &Draft, id: i64, version: i32) -> Result<RuleRow> {
    draft.check_fields().map_err(|error| match error {
        Error::Invalid {
            code,
            detail,
            place,
        } => Error::invalid_at(code, format!("/rule{}", place.unwrap_or_default()), detail),
        other => other,
    })?;
    Ok(draft.row(id, version))
}

/// A saved rule, as it is or as a version of it was.
async fn saved(client: &Client, id: i64, version: Option<i32>) -> Result<RuleRow> {
    if let Some(number) = version {
        let version = Version::find(client, id, number)
            .await?
            .ok_or(Error::NotFound("version of this rule"))?;
        return Ok(version.draft.row(id, number));
    }
    let rule = Saved::find(client, id)
        .await?
        .ok_or(Error::NotFound(RULE))?;
    Ok(rule.draft.row(id, rule.version))
}

fn neither(place: &str, other: &str) -> Error {
    Error::invalid_at(
        "missing_field",
        place,
        format!("`{}` or `{other}` must be given", &place[1..]),
    )
}

impl PreviewBody {
    /// What is asked, with the rule and the event it is about. `sees` says which branches' events are there for the caller.
    ///
    /// # Errors
    /// `Invalid` with the place of the fault, `NotFound`, or the database's.
    pub async fn read(
        self,
        client: &Client,
        shows_addresses: bool,
        sees: impl Fn(Option<&str>) -> bool,
    ) -> Result<Question> {
        let now = match &self.now {
            Some(text) => moment("/now", text)?,
            None => clock::now(),
        };
        let users: Vec<String> = self.users.into_iter().flatten().map(|id| id.0).collect();
        if users.len() > PEOPLE {
            return Err(wrong("/users", format!("at most {PEOPLE} people")));
        }
        if let Some(index) = users.iter().position(|id| !is_text_id(id)) {
            let place = format!("/users/{index}");
            return Err(wrong(&place, "an id has 1 to 128 characters"));
        }
        let mut silence = Vec::new();
        let rule = match (&self.rule, self.rule_id) {
            (Some(draft), None) if self.version.is_none() => drafted(draft, 0, 0)?,
            (Some(_), None) => return Err(wrong("/version", "it is of a saved rule: `rule_id`")),
            (Some(_), Some(_)) => return Err(wrong("/rule_id", "either `rule` or `rule_id`")),
            (None, Some(id)) => {
                let row = saved(client, id, self.version).await?;
                if let Some(kept) = Saved::find(client, id).await? {
                    silence = silence::of(client, &kept).await?;
                }
                row
            }
            (None, None) => return Err(neither("/rule", "rule_id")),
        };
        let event = match (&self.event, self.event_id) {
            (Some(raw), None) => unstored(client, &raw.0, now).await?,
            (Some(_), Some(_)) => return Err(wrong("/event_id", "either `event` or `event_id`")),
            (None, Some(id)) => {
                let found = Event::find(client, id).await?;
                found
                    .map(|(event, _)| event)
                    .ok_or(Error::NotFound(EVENT))?
            }
            (None, None) => return Err(neither("/event", "event_id")),
        };
        if !sees(event.branch_id.as_deref()) {
            return Err(Error::NotFound(if event.id == 0 {
                "branch"
            } else {
                EVENT
            }));
        }
        Ok(Question {
            rule,
            silence,
            event,
            users,
            now,
            shows_addresses,
        })
    }
}

/// An event as the rules would see it, were it stored now.
///
/// # Errors
/// `Invalid` with the place of the fault below `/event`, or the database's.
pub async fn unstored(client: &Client, text: &str, now: Timestamp) -> Result<Event> {
    let mut event = NewEvent::within(text, "/event")?.unstored(now);
    event.payload = store::payload(client, &event.payload).await?;
    Ok(event)
}

impl BacktestBody {
    /// What is asked, with the rules it is about. `branches` are the caller's; `None` = all.
    ///
    /// # Errors
    /// `Invalid` with the place of the fault, `NotFound`, or the database's.
    pub async fn read(self, client: &Client, branches: Option<Vec<String>>) -> Result<Plan> {
        let from = moment("/from", &self.from)?;
        if from > clock::now() {
            let detail = "it is in the future, and a backtest is of events that were received";
            return Err(wrong("/from", detail));
        }
        let to = match &self.to {
            Some(text) => Some(moment("/to", text)?),
            None => None,
        };
        if to.is_some_and(|to| to <= from) {
            return Err(wrong("/to", "it isn't later than `from`"));
        }
        let samples = self.samples.unwrap_or(5);
        if samples > SAMPLES {
            return Err(wrong("/samples", format!("at most {SAMPLES}")));
        }
        let compares = match self.compare.as_deref() {
            None | Some("live") => true,
            Some("none") => false,
            Some(_) => return Err(wrong("/compare", "it is \"live\" or \"none\"")),
        };
        let (rule, kept) = match (&self.rule, self.rule_id) {
            (Some(_), _) if self.version.is_some() => {
                return Err(wrong("/version", "it is of a saved rule, and `rule` isn't"));
            }
            (Some(draft), None) => {
                let row = drafted(draft, 0, 0)?;
                (row, Saved::named(client, &draft.name).await?)
            }
            (Some(draft), Some(id)) => {
                let kept = Saved::find(client, id)
                    .await?
                    .ok_or(Error::NotFound(RULE))?;
                (drafted(draft, 0, 0)?, Some(kept))
            }
            (None, Some(id)) => (
                saved(client, id, self.version).await?,
                Saved::find(client, id).await?,
            ),
            (None, None) => return Err(neither("/rule", "rule_id")),
        };
        // Nothing differs from itself.
        let differs = |kept: &Saved| kept.version != rule.version || !kept.draft.enabled;
        let live = kept.filter(|kept| compares && differs(kept));
        Ok(Plan {
            live: live.map(|kept| Live {
                enabled: kept.draft.enabled,
                row: kept.draft.row(kept.id, kept.version),
            }),
            rule,
            from,
            to,
            samples,
            branches,
        })
    }
}
