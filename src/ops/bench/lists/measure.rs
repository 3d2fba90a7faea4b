//! One statement measured: some runs as the product asks it, whose slowest counts, and one explained. From a text and literals to
//! milliseconds, rows read and the plan's shape.

use serde_json::Value;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::Part;
use crate::kernel::{Error, Result, clock};

/// Runs before those that count: a plan that is kept settles with the sixth.
const WARMING: u32 = 6;

/// What takes so long in its second run isn't asked again: it has missed by far.
const HOPELESS_MS: f64 = 1_000.0;

/// What was seen.
pub(super) struct Seen {
    /// Of the very first run.
    pub(super) first_ms: f64,
    /// Of those that count.
    pub(super) warm_ms: Vec<f64>,
    /// Rows that scans looked at (not what functions look at inside).
    pub(super) rows_read: u64,
    /// Blocks touched, whoever touched them.
    pub(super) blocks: u64,
    /// The top node, and the first scan under it.
    pub(super) plan: String,
}

pub(super) async fn measure(sql: &Client, part: &Part, rounds: u32) -> Result<Seen> {
    let mode = if part.fresh {
        "force_custom_plan"
    } else {
        "auto"
    };
    sql.batch_execute(&format!(
        "set plan_cache_mode = {mode}; prepare lists as {}",
        part.text
    ))
    .await
    .map_err(|error| Error::internal(format!("{} can't be prepared", part.file), error))?;
    let execute = if part.args.is_empty() {
        "execute lists".to_owned()
    } else {
        format!("execute lists ({})", part.args)
    };
    let mut took: Vec<f64> = Vec::new();
    for _ in 0..WARMING + rounds {
        if took.len() > 1 && took.iter().all(|ms| *ms > HOPELESS_MS) {
            break;
        }
        let begun = clock::instant();
        sql.simple_query(&execute).await.map_err(|error| {
            let said = format!("{} can't be asked: {execute}", part.file);
            Error::internal(said, error)
        })?;
        took.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    let explained = explain(sql, &execute).await?;
    sql.batch_execute("deallocate lists").await?;
    let top = &explained[0]["Plan"];
    let blocks = |name: &str| top[name].as_u64().unwrap_or_default();
    Ok(Seen {
        first_ms: took.first().copied().unwrap_or_default(),
        warm_ms: took.split_off((took.len() - 1).min(WARMING as usize)),
        rows_read: rows_read(top),
        blocks: blocks("Shared Hit Blocks") + blocks("Shared Read Blocks"),
        plan: shape(top),
    })
}

async fn explain(sql: &Client, execute: &str) -> Result<Value> {
    let statement = format!("explain (analyze, buffers, format json) {execute}");
    let mut text = String::new();
    for message in sql.simple_query(&statement).await? {
        if let SimpleQueryMessage::Row(row) = message {
            text.push_str(row.get(0).unwrap_or_default());
            text.push('\n');
        }
    }
    serde_json::from_str(&text).map_err(|error| Error::internal("a plan is no JSON", error))
}

fn below(node: &Value) -> impl Iterator<Item = &Value> {
    node["Plans"].as_array().into_iter().flatten()
}

/// Rows that scans gave, and those that they threw away.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts, which EXPLAIN writes as whole numbers or means of loops"
)]
fn rows_read(node: &Value) -> u64 {
    let of = |name: &str| node[name].as_f64().unwrap_or_default();
    let is_scan = node["Node Type"]
        .as_str()
        .is_some_and(|kind| kind.contains("Scan") && !kind.starts_with("Bitmap Index"));
    let own = if is_scan
        && (node.get("Relation Name").is_some() || node.get("Index Name").is_some())
    {
        let rows =
            of("Actual Rows") + of("Rows Removed by Filter") + of("Rows Removed by Index Recheck");
        (rows * of("Actual Loops")).round() as u64
    } else {
        0
    };
    own + below(node).map(rows_read).sum::<u64>()
}

/// `Limit over Index Scan (neurolink_events_pk)`.
fn shape(top: &Value) -> String {
    let name = |node: &Value| node["Node Type"].as_str().unwrap_or("?").to_owned();
    let mut scan = top;
    while let Some(next) = below(scan).next() {
        scan = next;
    }
    let place = ["Index Name", "Relation Name", "Function Name", "CTE Name"]
        .iter()
        .find_map(|key| scan[key].as_str())
        .map(|place| format!(" ({place})"))
        .unwrap_or_default();
    if std::ptr::eq(scan, top) {
        return format!("{}{place}", name(top));
    }
    format!("{} over {}{place}", name(top), name(scan))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_counted_where_they_are_scanned_with_those_thrown_away_and_every_loop() {
        let plan = json!({"Node Type": "Limit", "Actual Rows": 3, "Actual Loops": 1, "Plans": [
            {"Node Type": "Nested Loop", "Actual Rows": 3, "Actual Loops": 1, "Plans": [
                {"Node Type": "Index Scan", "Index Name": "a_pk", "Relation Name": "a", "Actual Rows": 5, "Rows Removed by Filter": 10,
                 "Actual Loops": 1},
                {"Node Type": "Index Scan", "Index Name": "b_pk", "Relation Name": "b", "Actual Rows": 1, "Actual Loops": 5}]}]});
        assert_eq!(rows_read(&plan), 20);
        assert_eq!(shape(&plan), "Limit over Index Scan (a_pk)");
        assert_eq!(shape(&json!({"Node Type": "Result"})), "Result");
    }
}
