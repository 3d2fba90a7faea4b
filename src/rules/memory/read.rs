//! The keys of time and memory, read and checked. Comes from `definition`, goes to `model`.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json};

use crate::config::values;
use crate::kernel::schedule::Schedule;
use crate::rules::audience::AudienceRule;
use crate::rules::audience_keys;
use crate::rules::keys::Keys;
use crate::rules::limits;
use crate::rules::lower::compile;
use crate::rules::memory::gathered;
use crate::rules::memory::model::{
    Dedupe, Delay, Digest, Escalation, Memory, Reminder, Resolves, Throttle, Unless,
};
use crate::rules::model::Fault;
use crate::rules::pattern::Pattern;
use crate::rules::render::Escape;
use crate::rules::template::Template;
use crate::rules::text::kind;

/// The keys.
pub(crate) const KEYS: [&str; 10] = [
    "delay",
    "dedupe_key",
    "throttle",
    "digest",
    "escalate",
    "resolves",
    "expires_after",
    "shadow",
    "storm_limit",
    "owner",
];

/// What `dedupe_key` means by "the same" when it doesn't say.
const SAME: Duration = Duration::from_secs(86_400);
/// Where dates of payloads without a zone are, unless a reminder says otherwise.
const ZONE: &str = "Asia/Baghdad";
const MOST: Duration = Duration::from_secs(366 * 86_400);

/// Reads them all.
pub(crate) fn memory(keys: &Keys<'_>) -> Result<Memory, Fault> {
    let memory = Memory {
        owner: owner(keys)?,
        delay: delay(keys)?,
        dedupe: dedupe(keys)?,
        throttle: throttle(keys)?,
        digest: digest(keys)?,
        escalate: escalate(keys)?,
        resolves: resolves(keys)?,
        expires_after: keys
            .get("expires_after")
            .map(|json| period(keys, "expires_after", json))
            .transpose()?,
        shadow: keys.flag("shadow")?,
        storm_limit: keys
            .get("storm_limit")
            .map(|json| whole(keys, "storm_limit", json, 0, 1_000_000))
            .transpose()?,
    };
    if memory.digest.is_some() && !memory.escalate.is_empty() {
        return keys.fault(
            "escalate",
            "what is gathered into a digest can't be escalated: use one or the other",
        );
    }
    Ok(memory)
}

fn delay(keys: &Keys<'_>) -> Result<Option<Delay>, Fault> {
    const KEY: &str = "delay";
    let object = match keys.get(KEY) {
        None => return Ok(None),
        Some(Json::Object(object)) => object,
        Some(json) => return period(keys, KEY, json).map(|by| Some(Delay::For(by))),
    };
    let inner = Keys::new(object, keys.place(KEY));
    inner.known(&["before", "after", "date", "at", "timezone"], &[])?;
    let by = match (inner.get("before"), inner.get("after")) {
        (Some(json), None) => -signed(period_or_none(&inner, "before", json)?),
        (None, Some(json)) => signed(period_or_none(&inner, "after", json)?),
        _ => {
            return keys.fault(
                KEY,
                "it says either how long `before` or how long `after` the date, like {\"before\": \"3d\", \"date\": \"due_date\"}",
            );
        }
    };
    let Some(path) = inner.word("date")? else {
        return inner.fault("date", "it names the payload's key that holds the date");
    };
    let path = path.strip_prefix("payload.").unwrap_or(path);
    let path: Vec<String> = path.split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return inner.fault("date", "it is written like `due_date` or `terms.due_date`");
    }
    let at = match inner.word("at")? {
        None => None,
        Some(word) => match Time::strptime("%H:%M", word) {
            Ok(at) => Some(at),
            Err(_) => return inner.fault("at", "it is a time of day like \"09:00\""),
        },
    };
    let name = inner.word("timezone")?.unwrap_or(ZONE);
    let Ok(zone) = TimeZone::get(name) else {
        return inner.fault("timezone", &format!("there is no time zone `{name}`"));
    };
    Ok(Some(Delay::Date(Reminder { by, path, at, zone })))
}

fn dedupe(keys: &Keys<'_>) -> Result<Option<Dedupe>, Fault> {
    const KEY: &str = "dedupe_key";
    match keys.get(KEY) {
        None => Ok(None),
        Some(Json::Object(object)) => {
            let inner = Keys::new(object, keys.place(KEY));
            inner.known(&["key", "within"], &[])?;
            let Some(key) = template(&inner, "key")? else {
                return inner.fault("key", "it says by what two events are the same");
            };
            let within = inner
                .get("within")
                .map_or(Ok(SAME), |json| period(&inner, "within", json))?;
            Ok(Some(Dedupe { key, within }))
        }
        Some(_) => Ok(template(keys, KEY)?.map(|key| Dedupe { key, within: SAME })),
    }
}

fn throttle(keys: &Keys<'_>) -> Result<Option<Throttle>, Fault> {
    const KEY: &str = "throttle";
    let Some(object) = object(keys, KEY, "{\"limit\": 5, \"per\": \"1h\"}")? else {
        return Ok(None);
    };
    let inner = Keys::new(object, keys.place(KEY));
    inner.known(&["limit", "per", "key"], &[])?;
    let Some(limit) = inner.get("limit") else {
        return inner.fault("limit", "it says how many notifications there may be");
    };
    let Some(per) = inner.get("per") else {
        return inner.fault("per", "it says in how long, like \"1h\"");
    };
    Ok(Some(Throttle {
        limit: whole(&inner, "limit", limit, 1, 10_000)?,
        per: period(&inner, "per", per)?,
        key: template(&inner, "key")?,
    }))
}

fn digest(keys: &Keys<'_>) -> Result<Option<Digest>, Fault> {
    const KEY: &str = "digest";
    let Some(object) = object(keys, KEY, "{\"every\": \"1d\", \"at\": \"08:00\"}")? else {
        return Ok(None);
    };
    let inner = Keys::new(object, keys.place(KEY));
    inner.known(&["every", "at", "on", "key", "title", "body"], &[])?;
    let own: Map<String, Json> = object
        .iter()
        .filter(|(key, _)| matches!(key.as_str(), "every" | "at" | "on"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let schedule =
        Schedule::parse(&Json::Object(own), &keys.place(KEY)).map_err(|wrong| Fault {
            place: wrong.place,
            detail: wrong.detail,
        })?;
    Ok(Some(Digest {
        schedule,
        key: template(&inner, "key")?,
        texts: Box::new(gathered::definition(object, &keys.place(KEY))?),
    }))
}

fn escalate(keys: &Keys<'_>) -> Result<Vec<Escalation>, Fault> {
    const KEY: &str = "escalate";
    let steps = keys.list(KEY)?;
    if steps.len() > limits::ESCALATIONS {
        return keys.fault(
            KEY,
            &format!("it has more than {} steps", limits::ESCALATIONS),
        );
    }
    let mut read = Vec::with_capacity(steps.len());
    for (i, step) in steps.iter().enumerate() {
        let place = format!("{KEY}/{i}");
        let Json::Object(object) = step else {
            return keys.fault(&place, &format!("it must be an object, not {}", kind(step)));
        };
        let inner = Keys::new(object, keys.place(&place));
        let own = ["after", "unless", "channels", "severity", "title", "body"];
        inner.known(&[&own[..], &audience_keys::KEYS].concat(), &[])?;
        let Some(after) = inner.get("after") else {
            return inner.fault("after", "it says how long to wait, like \"2h\"");
        };
        let unless = match inner.word("unless")? {
            None | Some("read") => Unless::Read,
            Some("acknowledged") => Unless::Acknowledged,
            Some(word) => {
                return inner.fault(
                    "unless",
                    &format!("it is \"read\" or \"acknowledged\", not \"{word}\""),
                );
            }
        };
        let channels = inner
            .get("channels")
            .map(|_| inner.channels())
            .transpose()?;
        read.push(Escalation {
            after: period(&inner, "after", after)?,
            unless,
            audience: AudienceRule::read(&inner)?,
            channels,
            severity: inner.severity()?,
            title: inner.text("title", Escape::Plain)?,
            body: inner.text("body", Escape::Plain)?,
        });
    }
    Ok(read)
}

fn resolves(keys: &Keys<'_>) -> Result<Vec<Resolves>, Fault> {
    const KEY: &str = "resolves";
    let words = keys.ids(KEY, limits::RESOLVES)?;
    let mut read = Vec::with_capacity(words.len());
    for (i, word) in words.into_iter().enumerate() {
        match Pattern::parse(&word) {
            Ok(Pattern::Any) => {
                return keys.fault(
                    &format!("{KEY}/{i}"),
                    "`*` would settle everything about the entity; name the event types, like \"invoice.overdue\" or \"invoice.*\"",
                );
            }
            Ok(pattern) => read.push(Resolves {
                text: word,
                pattern,
            }),
            Err(fault) => return keys.fault(&format!("{KEY}/{i}"), &fault.detail),
        }
    }
    Ok(read)
}

/// Who is told when the rule is held: by SQL, which reads it there.
fn owner(keys: &Keys<'_>) -> Result<Option<String>, Fault> {
    let Some(word) = keys.word("owner")? else {
        return Ok(None);
    };
    let word = word.trim();
    if word.is_empty() || word.chars().count() > limits::ID_CHARS {
        return keys.fault("owner", "it is the id of a person");
    }
    Ok(Some(word.to_owned()))
}

fn object<'j>(
    keys: &Keys<'j>,
    key: &str,
    like: &str,
) -> Result<Option<&'j Map<String, Json>>, Fault> {
    match keys.get(key) {
        None => Ok(None),
        Some(Json::Object(object)) => Ok(Some(object)),
        Some(other) => keys.fault(
            key,
            &format!("it is an object like {like}, not {}", kind(other)),
        ),
    }
}

/// From a second to a year.
fn period(keys: &Keys<'_>, key: &str, json: &Json) -> Result<Duration, Fault> {
    let period = period_or_none(keys, key, json)?;
    if period < Duration::from_secs(1) {
        return keys.fault(key, "it is at least a second");
    }
    Ok(period)
}

/// From nothing to a year.
fn period_or_none(keys: &Keys<'_>, key: &str, json: &Json) -> Result<Duration, Fault> {
    let Json::String(text) = json else {
        return keys.fault(
            key,
            &format!(
                "it is a duration like \"30m\", \"2h\", \"3d\" or \"1w\", not {}",
                kind(json)
            ),
        );
    };
    let text = text.trim();
    let weeks = text.strip_suffix('w').and_then(|n| n.parse::<u64>().ok());
    let period = match weeks {
        Some(weeks) => Some(Duration::from_secs(weeks.saturating_mul(7 * 86_400))),
        None if text == "0" => Some(Duration::ZERO),
        None => values::duration(text).ok(),
    };
    match period {
        Some(period) if period <= MOST => Ok(period),
        Some(_) => keys.fault(key, "it is at most 366 days"),
        None => keys.fault(
            key,
            &format!(
                "`{text}` is no duration: it is written like \"30m\", \"2h\", \"3d\" or \"1w\""
            ),
        ),
    }
}

fn signed(period: Duration) -> SignedDuration {
    SignedDuration::try_from(period).unwrap_or(SignedDuration::MAX)
}

fn whole(keys: &Keys<'_>, key: &str, json: &Json, least: u32, most: u32) -> Result<u32, Fault> {
    let number = json.as_u64().and_then(|n| u32::try_from(n).ok());
    match number {
        Some(number) if (least..=most).contains(&number) => Ok(number),
        _ => keys.fault(key, &format!("it is a whole number from {least} to {most}")),
    }
}

/// A text that is no reader's: the same for all.
fn template(keys: &Keys<'_>, key: &str) -> Result<Option<Template>, Fault> {
    let Some(source) = keys.word(key)? else {
        return Ok(None);
    };
    let template = compile(source, false).map_err(|flaw| Fault {
        place: format!(
            "{} line {} column {}",
            keys.place(key),
            flaw.line,
            flaw.column
        ),
        detail: flaw.detail,
    })?;
    if template.is_personal() {
        return keys.fault(
            key,
            "a key is the same for all recipients: it can't use `recipient`",
        );
    }
    Ok(Some(template))
}
