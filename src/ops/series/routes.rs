//! `GET /v1/metrics/series`: one metric over time, for auditors and admins of all branches.

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};

use crate::db::Db;
use crate::http::{Access, Call, Response, Route, json};
use crate::kernel::{Error, Result, clock};
use crate::ops::rollup::{model, store as rolled};
use crate::ops::series::plan::Labels;
use crate::ops::series::{Answer, largest, plan, store};

/// The description of the endpoint.
pub const OPENAPI: &str = include_str!("openapi.yaml");

/// The room's table, as far as it is about this.
#[must_use]
pub fn routes(db: &Db) -> Vec<Route> {
    let path = "/v1/metrics/series";
    vec![Route::new(Method::GET, path, Access::Auditor, db, answer)]
}

async fn answer(db: Db, call: Call) -> Result<Response> {
    call.only_query(&["metric", "label", "from", "to", "step"])?;
    sees_all(&call)?;
    let name = call.query("metric")?.ok_or_else(|| {
        Error::invalid_at("missing_parameter", "metric", "`metric` says which numbers")
    })?;
    let metric = model::find(name).ok_or_else(|| {
        let known: Vec<&str> = model::METRICS.iter().map(|metric| metric.name).collect();
        let known = known.join(", ");
        Error::invalid_at(
            "invalid_parameter",
            "metric",
            format!("there is no metric `{name}`; there are {known}"),
        )
    })?;
    let label = call.query("label")?;
    let now = clock::now();
    let to = call.moment("to")?.unwrap_or(now);
    let from = call.moment("from")?.map_or_else(|| hour_before(to), Ok)?;
    let step = call.query("step")?.map(plan::step).transpose()?;
    let labels = match label {
        None if metric.has_many_labels() => Labels::Many,
        None if !metric.label.is_empty() => Labels::Few,
        _ => Labels::One,
    };
    let plan = plan::plan(from, to, step, labels)?;

    let client = db.client().await?;
    let as_of = rolled::rolled_to(&client).await?;
    let series = store::read(&client, metric, label, &plan, as_of).await?;
    let (series, more_labels) = largest(series);
    json(
        StatusCode::OK,
        &Answer {
            metric: metric.name,
            fold: metric.fold,
            from: plan.from,
            to: plan.to,
            step_seconds: plan.step,
            as_of,
            series,
            more_labels,
        },
    )
}

fn hour_before(to: Timestamp) -> Result<Timestamp> {
    to.checked_sub(SignedDuration::from_hours(1)).map_err(|_| {
        Error::invalid_at("invalid_parameter", "to", "`to` is out of range".to_owned())
    })
}

/// Roll-ups know no branches: who sees only some would learn of the others.
fn sees_all(call: &Call) -> Result<()> {
    if call.principal()?.branch_ids.iter().any(|own| own == "*") {
        return Ok(());
    }
    Err(Error::Forbidden(
        "these numbers are of all branches together: they need a token of all branches (`*`)"
            .to_owned(),
    ))
}
