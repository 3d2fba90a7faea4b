//! `neurolink queue status`.

use crate::cli::database::with_database;
use crate::cli::output::{Output, Style};
use crate::cli::{Context, Exit, Outcome};
use crate::queue::control::{COUNTED, Place, State, store};

/// A due job that nobody took for so long is late.
const LATE_SECONDS: f64 = 60.0;
/// A heartbeat comes every two seconds.
const SILENT_SECONDS: f64 = 15.0;

/// Arguments of `neurolink queue status`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  neurolink queue status\n  neurolink queue status --json | jq .depth\n  neurolink queue status --check || page-somebody\n\nAt most 5 000 jobs are counted per kind, channel and lane."
)]
pub(super) struct Args {
    /// Exit with 3 if something is dead or paused, late by more than a minute, or nobody works
    #[arg(long)]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let output = context.output();
    with_database(context, async |_, db| {
        let state = store::state(&db.client().await?).await?;
        if args.json {
            output.json(&state)?;
        } else {
            output.text(&page(&state, output))?;
        }
        Ok(if args.check && is_wrong(&state) {
            Exit::Wrong
        } else {
            Exit::Done
        })
    })
    .await
}

fn is_wrong(state: &State) -> bool {
    let works = |w: &crate::queue::control::Worker| w.works && w.heartbeat_age_seconds < SILENT_SECONDS;
    state.dead.jobs > 0
        || state.dead.deliveries > 0
        || !state.pauses.is_empty()
        || state.oldest_waiting_seconds > LATE_SECONDS
        || !state.workers.iter().any(works)
}

fn page(state: &State, output: Output) -> String {
    let colors = output.colors;
    let head = |text: &str| colors.paint(Style::Head, text);
    let or_more = |more: bool| if more { "+" } else { "" };
    let mut text = format!(
        "{}  {}{} jobs",
        head("depth"),
        state.depth,
        or_more(state.at_least)
    );
    if state.oldest_waiting_seconds > 0.0 {
        let age = format!("the oldest due for {}", age(state.oldest_waiting_seconds));
        let style = if state.oldest_waiting_seconds > LATE_SECONDS {
            Style::Odd
        } else {
            Style::Quiet
        };
        text.push_str(&format!(", {}", colors.paint(style, age)));
    }
    text.push('\n');
    let widest = state.lanes.iter().map(|l| name(l).len()).max();
    let widest = widest.unwrap_or_default();
    for lane in &state.lanes {
        let padding = widest - name(lane).len();
        let more = or_more(lane.at_least);
        text.push_str(&format!(
            "  {}{:padding$}  {:8}  {:>6}{more} waiting  {:>6} scheduled  {:>4} running",
            colors.paint(Style::Name, name(lane)),
            "",
            lane.lane,
            lane.waiting,
            lane.scheduled,
            lane.running
        ));
        if lane.paused {
            text.push_str(&format!("  {}", colors.paint(Style::Odd, "paused")));
        }
        text.push('\n');
    }

    text.push_str(&format!("{}  {}\n", head("workers"), state.workers.len()));
    for worker in &state.workers {
        let works = match (&worker.channels, worker.works) {
            (_, false) => "takes no jobs".to_owned(),
            (Some(channels), true) if !channels.is_empty() => {
                format!("works, sends by {}", channels.join(", "))
            }
            (_, true) => "works".to_owned(),
        };
        let silent = worker.heartbeat_age_seconds >= SILENT_SECONDS;
        let heard = format!("heard {} ago", age(worker.heartbeat_age_seconds));
        let style = if silent { Style::Bad } else { Style::Quiet };
        text.push_str(&format!(
            "  {} pid {}  {}  {works}  {}\n",
            colors.paint(Style::Name, &worker.host),
            worker.pid,
            worker.version,
            colors.paint(style, heard)
        ));
    }

    let dead = |count: i64| format!("{count}{}", or_more(count >= i64::from(COUNTED)));
    let line = format!(
        "{} jobs, {} deliveries",
        dead(state.dead.jobs),
        dead(state.dead.deliveries)
    );
    let style = if state.dead.jobs + state.dead.deliveries > 0 {
        Style::Bad
    } else {
        Style::Quiet
    };
    text.push_str(&format!("{}  {}\n", head("dead"), colors.paint(style, line)));

    for pause in &state.pauses {
        let channel = pause.channel.as_deref().map(|c| format!("/{c}"));
        let what = format!("{}{}", pause.kind, channel.unwrap_or_default());
        let reason = pause.reason.as_deref().map(|r| format!(": {r}"));
        text.push_str(&format!(
            "{}  {}  since {} by {}{}\n",
            head("paused"),
            colors.paint(Style::Odd, what),
            pause.paused_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
            pause.paused_by,
            reason.unwrap_or_default()
        ));
    }
    text
}

fn name(place: &Place) -> String {
    match &place.channel {
        Some(channel) => format!("{}/{channel}", place.kind),
        None => place.kind.clone(),
    }
}

fn age(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.0} h", s / 3600.0),
        s => format!("{:.0} days", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Colors;
    use crate::queue::control::{Dead, Pause};

    #[test]
    fn the_page_is_plain_without_a_terminal_and_says_what_is_paused_and_why() {
        let at = "2026-12-15T08:00:00Z".parse().unwrap();
        let state = State {
            depth: 5_001,
            at_least: true,
            oldest_waiting_seconds: 90.0,
            lanes: vec![Place {
                kind: "delivery".into(),
                channel: Some("email".into()),
                lane: "normal",
                waiting: 5_000,
                scheduled: 0,
                running: 1,
                at_least: true,
                oldest_waiting_seconds: 90.0,
                paused: true,
            }],
            workers: Vec::new(),
            dead: Dead {
                jobs: 0,
                deliveries: 5_000,
            },
            pauses: vec![Pause {
                kind: "delivery".into(),
                channel: Some("email".into()),
                reason: Some("the server moves".into()),
                paused_by: "chief".into(),
                paused_at: at,
            }],
        };
        let plain = Output {
            colors: Colors(false),
        };
        assert_eq!(
            page(&state, plain),
            "depth  5001+ jobs, the oldest due for 90 s\n\
             \x20 delivery/email  normal      5000+ waiting       0 scheduled     1 running  paused\n\
             workers  0\n\
             dead  0 jobs, 5000+ deliveries\n\
             paused  delivery/email  since 2026-12-15 08:00:00 UTC by chief: the server moves\n"
        );
        assert!(is_wrong(&state));
    }

    #[test]
    fn ages_are_told_as_people_do() {
        let told = [0.04, 59.6, 150.0, 9000.0, 400_000.0].map(age);
        assert_eq!(told, ["0.0 s", "60 s", "2 min", "2 h", "5 days"]);
    }
}
