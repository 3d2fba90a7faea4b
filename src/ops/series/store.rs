//! Series, read from the roll-ups.

use jiff::Timestamp;

use crate::db::Client;
use crate::kernel::Result;
use crate::ops::rollup::model::{Fold, Metric};
use crate::ops::series::plan::Plan;
use crate::ops::series::{Point, Series};

/// What a metric was, step by step: one series a label, in order of labels. `rolled_to`: where the roll-ups end.
///
/// # Errors
/// The database's.
pub async fn read(
    client: &Client,
    metric: &Metric,
    label: Option<&str>,
    plan: &Plan,
    rolled_to: Option<Timestamp>,
) -> Result<Vec<Series>> {
    let worst = metric.fold == Fold::Worst;
    // Planned anew each time: a minute of all labels and a year of one want different indexes.
    let rows = if plan.hours {
        let open = rolled_to.unwrap_or(Timestamp::UNIX_EPOCH).as_second();
        let open = Timestamp::from_second(open - open.rem_euclid(3600)).unwrap_or_default();
        let statement = include_str!("../../../sql/queries/ops/series_hours.sql");
        client
            .query(
                statement,
                &[
                    &metric.name,
                    &label,
                    &plan.from,
                    &plan.to,
                    &plan.step,
                    &worst,
                    &open,
                ],
            )
            .await?
    } else {
        let statement = include_str!("../../../sql/queries/ops/series_minutes.sql");
        client
            .query(
                statement,
                &[
                    &metric.name,
                    &label,
                    &plan.from,
                    &plan.to,
                    &plan.step,
                    &worst,
                ],
            )
            .await?
    };
    let mut series: Vec<Series> = Vec::new();
    for row in rows {
        let label: String = row.try_get("label")?;
        let point = Point {
            at: row.try_get("at")?,
            value: row.try_get("value")?,
        };
        match series.last_mut() {
            Some(last) if last.label == label => last.points.push(point),
            _ => series.push(Series {
                label,
                points: vec![point],
            }),
        }
    }
    Ok(series)
}
