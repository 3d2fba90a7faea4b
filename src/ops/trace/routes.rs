//! `GET /v1/events/{id}/trace`. Comes from the store and the rules, goes to admins and auditors as one tree.

use http::{Method, StatusCode};

use super::model::{Asked, Head, Trace};
use super::{judge, store, tree};
use crate::db::Db;
use crate::directory::{People, Wanted};
use crate::http::{Access, Call, Response, Route, json};
use crate::ingest::Event;
use crate::kernel::{Error, Result};
use crate::rules::Finding;

/// What `/openapi.json` says of it.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// Rules shown.
const RULES: i64 = 100;

/// The room's table, as far as it is about this.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    vec![Route::new(
        Method::GET,
        "/v1/events/{id}/trace",
        Access::Auditor,
        db,
        answer,
    )]
}

async fn answer(db: Db, call: Call) -> Result<Response> {
    call.only_query(&["recipients"])?;
    let shown = tree::shown(call.query("recipients")?)?;
    let id = call.id("id", "event")?;
    let caller = call.principal()?;
    let client = db.client().await?;
    let found = Event::find(&client, id).await?;
    let (event, outcome) = found
        .filter(|(event, _)| caller.sees_branch(event.branch_id.as_deref()))
        .ok_or(Error::NotFound("event"))?;

    let most = i64::try_from(shown).unwrap_or(i64::MAX);
    let mut told = store::told(&client, id, RULES, most).await?;
    if !caller.is_admin {
        tree::mask(&mut told);
    }
    let stored: Vec<i64> = told.keys().copied().collect();
    let found = store::rules(&client, &event, &stored, RULES).await?;
    let (not_shown, elsewhere) = (found.not_shown, found.elsewhere);
    let names = store::names(&client, &stored).await?;
    // Others may need the connection while rules are asked.
    drop(client);
    let asked = judge::ask(found.rules, &event).await?;
    let chooses = |asked: &&Asked| matches!(asked.finding, Finding::True { .. });
    let true_ones = asked.iter().filter(chooses);
    let audiences = true_ones.filter_map(|asked| asked.finding.audience());
    let wanted = Wanted::of(audiences);
    let client = db.client().await?;
    let people = People::of(&client, &wanted).await?;
    let job = store::job(&client, id).await?;
    drop(client);

    let trace = Trace {
        event: Head {
            id,
            source_module: event.source_module,
            event_type: event.event_type,
            severity: event.severity,
            occurred_at: event.occurred_at,
            received_at: event.received_at,
            correlation_id: event.correlation_id,
            branch_id: event.branch_id,
            actor_id: event.actor_id,
            entity_type: event.entity_type,
            entity_id: event.entity_id,
        },
        outcome,
        job,
        judged_by: "today's rules",
        rules: tree::rules(asked, told, &names, &people, shown),
        rules_not_shown: not_shown,
        rules_elsewhere: elsewhere,
    };
    json(StatusCode::OK, &trace)
}
