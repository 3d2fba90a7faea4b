//! One metric over time, from the roll-ups: `GET /v1/metrics/series`. `plan` decides steps and limits (pure).

pub mod plan;
pub mod routes;
pub mod store;

use jiff::Timestamp;
use serde::Serialize;

use crate::ops::rollup::model::Fold;

/// Series that an answer holds at most, those with the largest values first.
pub const MOST_SERIES: usize = 50;

/// The answer.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// The metric asked for.
    pub metric: &'static str,
    /// What a step is of its minutes.
    pub fold: Fold,
    /// Begin of the first step.
    pub from: Timestamp,
    /// End of the last.
    pub to: Timestamp,
    /// A step's length.
    pub step_seconds: i64,
    /// Up to when there are numbers; `null` = there are none yet.
    pub as_of: Option<Timestamp>,
    /// One per label.
    pub series: Vec<Series>,
    /// Whether there are more labels than an answer holds.
    pub more_labels: bool,
}

/// One label's numbers.
#[derive(Debug, Serialize)]
pub struct Series {
    /// The label.
    pub label: String,
    /// Steps that have a number, in order; a step without one had nothing.
    pub points: Vec<Point>,
}

/// A step.
#[derive(Debug, Serialize)]
pub struct Point {
    /// Its begin.
    pub at: Timestamp,
    /// Its number.
    pub value: f64,
}

/// Those with the largest sums, at most [`MOST_SERIES`], and whether that left any out.
#[must_use]
pub fn largest(mut series: Vec<Series>) -> (Vec<Series>, bool) {
    let weight = |series: &Series| series.points.iter().map(|p| p.value).sum::<f64>();
    series.sort_by(|a, b| weight(b).total_cmp(&weight(a)).then(a.label.cmp(&b.label)));
    let more = series.len() > MOST_SERIES;
    series.truncate(MOST_SERIES);
    (series, more)
}
