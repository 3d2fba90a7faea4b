//! Lists: a company's worth of years loaded into the measurement's own schema, and then every list, count, trace and summary of the
//! product asked as the product asks it, at first, middle and deep pages. From the statements' own files to figures: what the slowest
//! warm answer took, what it read, and how PostgreSQL planned it. Law: asks the very texts that the rooms embed, never a copy.

mod events;
mod inbox;
mod load;
mod measure;
mod rest;

use std::collections::BTreeSet;

use tokio_postgres::Client;

use super::figures::Figure;
use super::{Lab, Progress, Report, Size};
use crate::kernel::Result;

pub use load::World;

/// What every answer must keep to, in milliseconds.
pub const LIMIT_MS: f64 = 50.0;

/// Items on a page, and the one that says whether there are more: the most that a caller may ask for.
const PAGE: i64 = 201;

/// One statement of an answer, with what stands for its parameters.
#[derive(Debug, Clone)]
struct Part {
    /// `ingest/read_list`, or `-` for what a DBA writes.
    file: &'static str,
    text: &'static str,
    /// Whether the product has it planned anew each time.
    fresh: bool,
    /// SQL literals, with commas between.
    args: String,
}

/// Everything that one call asks of the database.
#[derive(Debug, Clone)]
pub struct Answer {
    name: String,
    parts: Vec<Part>,
}

impl Answer {
    fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            parts: Vec::new(),
        }
    }

    /// A statement whose plan is kept.
    fn then(mut self, (file, text): (&'static str, &'static str), args: &[&str]) -> Self {
        self.parts.push(Part {
            file,
            text,
            fresh: false,
            args: args.join(", "),
        });
        self
    }

    /// A statement that is planned anew each time.
    fn then_fresh(mut self, text: (&'static str, &'static str), args: &[&str]) -> Self {
        self = self.then(text, args);
        if let Some(part) = self.parts.last_mut() {
            part.fresh = true;
        }
        self
    }
}

/// A statement's name and its text, as the room that asks it embeds it.
macro_rules! read {
    ($file:literal) => {
        (
            $file,
            include_str!(concat!("../../../../sql/queries/", $file, ".sql")),
        )
    };
}
use read;

/// A text as SQL writes it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Ids as SQL writes a list of them.
fn list_of(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    format!("'{{{}}}'", ids.join(","))
}

/// The statement files that are measured: `ingest/read_list` …
#[must_use]
pub fn measured() -> BTreeSet<&'static str> {
    // What an answer is made of doesn't depend on what is there.
    let world = World::of(1_000);
    answers(&world)
        .iter()
        .flat_map(|answer| answer.parts.iter().map(|part| part.file))
        .collect()
}

fn answers(world: &World) -> Vec<Answer> {
    let mut answers = events::answers(world);
    answers.extend(inbox::answers(world));
    answers.extend(rest::answers(world));
    answers
}

pub(super) async fn run(
    size: Size,
    lab: &Lab,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<()> {
    let mut world = match lab.loaded().await? {
        0 => {
            let world = World::of(i64::from(size.events));
            load::load(lab, &world, progress).await?;
            world
        }
        events => World::of(events),
    };
    let sql = lab.sql().await?;
    let rolled_to = read!("ops/rolled_to").1;
    let rolled_to: Option<jiff::Timestamp> =
        sql.query_one(rolled_to, &[]).await?.try_get("rolled_to")?;
    world.rolled_to = rolled_to.map_or(world.rolled_to, |at| at.to_string());
    let answers = answers(&world);
    let steps = answers.len() as u64;
    for (step, answer) in answers.iter().enumerate() {
        lab.going()?;
        progress.at(step as u64, steps, &answer.name);
        ask(&sql, answer, size.rounds, report).await?;
    }
    progress.at(steps, steps, "asked");
    Ok(())
}

async fn ask(sql: &Client, answer: &Answer, rounds: u32, report: &mut Report) -> Result<()> {
    let mut rounds_ms = vec![0.0; rounds as usize];
    let (mut first, mut read, mut blocks) = (0.0, 0, 0);
    let (mut slowest, mut plan) = (-1.0, String::new());
    for part in &answer.parts {
        let seen = measure::measure(sql, part, rounds).await?;
        for (total, ms) in rounds_ms.iter_mut().zip(seen.warm_ms.iter().cycle()) {
            *total += ms;
        }
        first += seen.first_ms;
        read += seen.rows_read;
        blocks += seen.blocks;
        let part_ms = seen.warm_ms.iter().copied().fold(0.0, f64::max);
        if part_ms > slowest {
            slowest = part_ms;
            plan = seen.plan;
        }
    }
    let worst = rounds_ms.iter().copied().fold(0.0, f64::max);
    let verdict = if worst > LIMIT_MS {
        report.missed.push(answer.name.clone());
        "; TOO LONG"
    } else {
        ""
    };
    report.figures.push(Figure {
        name: answer.name.clone(),
        value: worst,
        unit: "ms",
        samples: rounds_ms,
        note: Some(format!(
            "{read} rows read, {blocks} blocks, {plan}; first {first:.1} ms{verdict}"
        )),
    });
    Ok(())
}
