//! `GET /v1/audit`: who changed what. Comes from `neurolink_audit_log`, which triggers and `neurolink_audit()` write in the
//! transaction of the deed itself; goes to admins and auditors.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::db::{Client, Db};
use crate::http::paging::{Listing, Page};
use crate::http::{Access, Call, Response, Route, json};
use crate::kernel::{Error, Result};

/// One deed.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// Its number; later deeds have higher ones.
    pub id: i64,
    /// When its transaction began.
    pub at: Timestamp,
    /// The token's subject, or the database role.
    pub actor: String,
    /// The database role in any case.
    pub db_user: String,
    /// `rule.updated`, `person.created` …
    pub action: String,
    /// `rule`, `person`, `preferences` …
    pub subject_kind: String,
    /// Which.
    pub subject_id: String,
    /// As it was; `null` for what wasn't there.
    pub before: Option<Box<RawValue>>,
    /// As it is since; `null` for what is gone.
    pub after: Option<Box<RawValue>>,
}

/// An entry's place in the log: its time, and among those of one transaction its number.
pub type Place = (Timestamp, i64);

/// What a page is made of.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only this actor's.
    pub actor: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only this kind of thing.
    pub subject_kind: Option<String>,
    /// Only this thing.
    pub subject_id: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Of events and deliveries, only those of these branches; `None` = all.
    pub branches: Option<Vec<String>>,
}

/// The room's table, as far as it is about this.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    vec![Route::new(
        Method::GET,
        "/v1/audit",
        Access::Auditor,
        db,
        answer,
    )]
}

async fn answer(db: Db, call: Call) -> Result<Response> {
    call.only_query(&[
        "limit",
        "cursor",
        "actor",
        "action",
        "subject_kind",
        "subject_id",
        "from",
        "to",
    ])?;
    let page = Page::<Place>::of(&call)?;
    let text = |name| Ok::<_, Error>(call.query(name)?.map(str::to_owned));
    let caller = call.principal()?;
    let filter = Filter {
        actor: text("actor")?,
        action: text("action")?,
        subject_kind: text("subject_kind")?,
        subject_id: text("subject_id")?,
        from: call.moment("from")?,
        to: call.moment("to")?,
        branches: (!caller.branch_ids.iter().any(|own| own == "*"))
            .then(|| caller.branch_ids.clone()),
    };
    let entries = list(&db.client().await?, page.after, &filter, page.fetch()).await?;
    json(
        StatusCode::OK,
        &Listing::new(entries, page.limit, |entry| (entry.at, entry.id))?,
    )
}

/// A page, newest first, below an entry.
///
/// # Errors
/// The database's.
pub async fn list(
    client: &Client,
    below: Option<Place>,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Entry>> {
    // Planned anew each time: a plan for any filter is a bad one for most.
    let statement = include_str!("../../sql/queries/ops/audit.sql");
    let rows = client
        .query(
            statement,
            &[
                &below.map(|(at, _)| at),
                &filter.actor,
                &filter.action,
                &filter.subject_kind,
                &filter.subject_id,
                &filter.from,
                &filter.to,
                &filter.branches,
                &limit,
                &below.map(|(_, id)| id),
            ],
        )
        .await?;
    let raw = |text: Option<String>| {
        text.map(RawValue::from_string)
            .transpose()
            .map_err(|e| Error::internal("an audit entry is no JSON", e))
    };
    rows.iter()
        .map(|row| {
            Ok(Entry {
                id: row.try_get("id")?,
                at: row.try_get("at")?,
                actor: row.try_get("actor")?,
                db_user: row.try_get("db_user")?,
                action: row.try_get("action")?,
                subject_kind: row.try_get("subject_kind")?,
                subject_id: row.try_get("subject_id")?,
                before: raw(row.try_get("before")?)?,
                after: raw(row.try_get("after")?)?,
            })
        })
        .collect()
}
