//! Backtest: a rule tried on a month of past events, all of them of its type and one in ten true, alone and beside the saved version
//! of it; timed from the plan to the result, as the route and the command have it.

use super::{Lab, Progress, Report, Size};
use crate::config::Config;
use crate::kernel::{Error, Result, clock};
use crate::ops::trial::{Far, Live, Plan, Trials as _};
use crate::pipeline::trial::Trier;
use crate::rules::RuleRow;

/// Rules; the first is tried.
const RULES: i32 = 10;
const PEOPLE: i32 = 100;
/// Events of a statement.
const STRETCH: i64 = 100_000;

pub(super) async fn run(
    size: Size,
    config: &Config,
    lab: &Lab,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<()> {
    let sql = lab.sql().await?;
    let people = include_str!("../../../sql/queries/bench/people.sql");
    sql.execute(people, &[&PEOPLE]).await?;
    let rules = include_str!("../../../sql/queries/bench/rules.sql");
    sql.execute(rules, &[&RULES]).await?;
    let past = include_str!("../../../sql/queries/bench/past_events.sql");
    let events = i64::from(size.events);
    let steps = u64::try_from(events / STRETCH).unwrap_or_default() + u64::from(size.rounds) * 2;
    let mut step = 0;
    // Nobody is to evaluate them.
    sql.batch_execute(
        "alter table neurolink_events disable trigger user; set synchronous_commit = off",
    )
    .await?;
    for from in (1..=events).step_by(usize::try_from(STRETCH).unwrap_or(usize::MAX)) {
        lab.going()?;
        progress.at(step, steps, "loading events");
        step += 1;
        let to = (from + STRETCH - 1).min(events);
        sql.execute(past, &[&from, &to, &events]).await?;
    }
    sql.batch_execute("alter table neurolink_events enable trigger user")
        .await?;
    lab.settle(&sql).await?;

    let db = lab.db(2)?;
    let (_, rows) = crate::rules::store::load(&db.client().await?).await?;
    let saved = rows
        .into_iter()
        .next()
        .ok_or_else(|| Error::broken("the rules are gone"))?;
    let trier = Trier::new(config, db)?;
    for _ in 0..size.rounds {
        for is_beside in [false, true] {
            lab.going()?;
            progress.at(step, steps, "trying the rule");
            step += 1;
            let began = clock::instant();
            let far = Far::default();
            let came = trier.backtest(plan(&saved, is_beside), &far).await?;
            let took = began.elapsed().as_secs_f64();
            let matched = size.events / 10;
            if (came.looked, came.matched) != (size.events.into(), matched.into()) {
                return Err(Error::broken(format!(
                    "of {events} events {} were looked at and {} matched; {events} and {matched} were expected",
                    came.looked, came.matched
                )));
            }
            let name = if is_beside {
                "backtest, beside the saved rule"
            } else {
                "backtest, a rule alone"
            };
            report.add(name, "s", took);
            report.add(
                &format!("{name}, a million events"),
                "s",
                took * 1e6 / events as f64,
            );
        }
    }
    progress.at(steps, steps, "tried");
    Ok(())
}

/// A draft of the saved rule, all but the same.
fn plan(saved: &RuleRow, is_beside: bool) -> Plan {
    Plan {
        rule: RuleRow {
            id: 0,
            version: 0,
            ..saved.clone()
        },
        live: is_beside.then(|| Live {
            row: saved.clone(),
            enabled: true,
        }),
        from: jiff::Timestamp::UNIX_EPOCH,
        to: None,
        samples: 5,
        branches: None,
    }
}
