//! `/v1/notifications`: everybody's own inbox, and nobody else's.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::http::paging::{Listing, Page};
use crate::http::{Access, Call, Response, Route, json, no_content};
use crate::kernel::{Error, Result, Severity, clock};
use crate::notifications::inbox::Inboxes;
use crate::notifications::model::{Change, Counts};
use crate::notifications::store::Filter;

/// Nobody puts something aside for longer: a year, with its leap day.
const LONGEST_SNOOZE: i64 = 366 * 24 * 3600;

/// Its part of the API's description.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// The room's table.
#[must_use]
pub fn routes(inboxes: &Inboxes) -> Vec<Route> {
    let mut routes = vec![
        Route::new(
            Method::GET,
            "/v1/notifications",
            Access::Anyone,
            inboxes,
            list,
        ),
        Route::new(
            Method::GET,
            "/v1/notifications/count",
            Access::Anyone,
            inboxes,
            count,
        ),
        Route::new(
            Method::POST,
            "/v1/notifications/mark-all-read",
            Access::Anyone,
            inboxes,
            mark_all_read,
        ),
        Route::new(
            Method::GET,
            "/v1/notifications/{id}",
            Access::Anyone,
            inboxes,
            get,
        ),
        Route::new(
            Method::DELETE,
            "/v1/notifications/{id}",
            Access::Anyone,
            inboxes,
            |i, c| change(i, c, Change::Delete),
        ),
        Route::new(
            Method::PATCH,
            "/v1/notifications/{id}/snooze",
            Access::Anyone,
            inboxes,
            snooze,
        ),
    ];
    let changes = [
        ("/v1/notifications/{id}/read", Change::Read),
        ("/v1/notifications/{id}/unread", Change::Unread),
        ("/v1/notifications/{id}/seen", Change::Seen),
        ("/v1/notifications/{id}/acknowledge", Change::Acknowledge),
        ("/v1/notifications/{id}/archive", Change::Archive),
        ("/v1/notifications/{id}/unarchive", Change::Unarchive),
        ("/v1/notifications/{id}/unsnooze", Change::Unsnooze),
    ];
    routes.extend(changes.map(|(path, kind)| {
        Route::new(
            Method::PATCH,
            path,
            Access::Anyone,
            inboxes,
            move |inboxes, call| change(inboxes, call, kind),
        )
    }));
    routes
}

async fn list(inboxes: Inboxes, call: Call) -> Result<Response> {
    call.only_query(&[
        "limit",
        "cursor",
        "status",
        "archived",
        "snoozed",
        "resolved",
        "severity",
        "category",
        "source_module",
    ])?;
    let page = Page::<i64>::of(&call)?;
    let filter = Filter {
        read: choice(
            &call,
            "status",
            &[("all", None), ("unread", Some(false)), ("read", Some(true))],
        )?,
        archived: choice(
            &call,
            "archived",
            &[
                ("exclude", Some(false)),
                ("include", None),
                ("only", Some(true)),
            ],
        )?,
        snoozed: call.flag("snoozed")?.unwrap_or(false),
        resolved: call.flag("resolved")?,
        severity: choice(&call, "severity", &severities())?,
        category: call.query("category")?.map(str::to_owned),
        source_module: call.query("source_module")?.map(str::to_owned),
    };
    let user = &call.principal()?.subject;
    let found = inboxes
        .list(user, page.after.unwrap_or(i64::MAX), &filter, page.limit)
        .await?;
    json(
        StatusCode::OK,
        &Listing::until(found.items, found.next.as_ref())?,
    )
}

fn severities() -> Vec<(&'static str, Option<String>)> {
    Severity::ALL
        .into_iter()
        .map(|s| (s.as_str(), Some(s.as_str().to_owned())))
        .collect()
}

/// A parameter that takes one of a few words; the first is the default where it means "no filter" or is said to be.
fn choice<T: Clone>(
    call: &Call,
    name: &'static str,
    words: &[(&'static str, Option<T>)],
) -> Result<Option<T>> {
    let Some(given) = call.query(name)? else {
        return Ok(if name == "severity" {
            None
        } else {
            words.first().and_then(|(_, value)| value.clone())
        });
    };
    words
        .iter()
        .find(|(word, _)| *word == given)
        .map(|(_, value)| value.clone())
        .ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Error::invalid_at(
                "invalid_parameter",
                name,
                format!("`{name}` is one of {}", known.join(", ")),
            )
        })
}

async fn count(inboxes: Inboxes, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    json(
        StatusCode::OK,
        &inboxes.count(&call.principal()?.subject).await?,
    )
}

async fn get(inboxes: Inboxes, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let id = call.id("id", "notification")?;
    json(
        StatusCode::OK,
        &inboxes.get(&call.principal()?.subject, id).await?,
    )
}

async fn change(inboxes: Inboxes, call: Call, change: Change) -> Result<Response> {
    call.only_query(&[])?;
    let id = call.id("id", "notification")?;
    match inboxes
        .change(&call.principal()?.subject, id, change)
        .await?
    {
        Some(notification) => json(StatusCode::OK, &notification),
        None => Ok(no_content()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with the moment `until`")]
struct Snooze {
    until: String,
}

async fn snooze(inboxes: Inboxes, call: Call) -> Result<Response> {
    let until = moment_ahead(&call.parse::<Snooze>()?.until)?;
    change(inboxes, call, Change::Snooze(until)).await
}

/// A moment to come, to the microsecond, as the table has it: the same text sent again is then no change.
fn moment_ahead(text: &str) -> Result<Timestamp> {
    let now = clock::now();
    text.parse::<Timestamp>()
        .ok()
        .and_then(|until| Timestamp::from_microsecond(until.as_microsecond()).ok())
        .filter(|until| *until > now && until.as_second() - now.as_second() <= LONGEST_SNOOZE)
        .ok_or_else(|| {
            Error::invalid_at(
                "invalid_field",
                "/until",
                "`until` is a time of RFC 3339, like `2026-12-15T08:00:00Z`, that is to come within a year",
            )
        })
}

#[derive(Serialize)]
struct Marked {
    changed: usize,
    unread: i32,
    unseen: i32,
    rev: i64,
}

async fn mark_all_read(inboxes: Inboxes, call: Call) -> Result<Response> {
    call.only_query(&[])?;
    let (
        changed,
        Counts {
            unread,
            unseen,
            rev,
        },
    ) = inboxes.mark_all_read(&call.principal()?.subject).await?;
    json(
        StatusCode::OK,
        &Marked {
            changed,
            unread,
            unseen,
            rev,
        },
    )
}
