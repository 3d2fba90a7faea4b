//! What is asked about events: pages by every filter, one event, its trace, why, the summary, series, types.

use super::{Answer, PAGE, World, list_of, quoted, read};
use crate::ingest::read::store::{RARE, WALKED};

/// Filters of `read_list`, by parameter.
const SLOTS: [&str; 16] = [
    "below",
    "low",
    "walked",
    "limit",
    "module",
    "type",
    "prefix",
    "severity",
    "branch",
    "entity_type",
    "entity_id",
    "from",
    "to",
    "outcome",
    "branches",
    "among",
];

/// A page below an id, with these filters.
fn page(below: i64, low: i64, filters: &[(&str, String)]) -> Vec<String> {
    SLOTS
        .iter()
        .map(|slot| match *slot {
            "below" => below.to_string(),
            "low" => low.to_string(),
            "walked" => WALKED.to_string(),
            "limit" => PAGE.to_string(),
            _ => filters
                .iter()
                .find(|(name, _)| name == slot)
                .map_or_else(|| "null".to_owned(), |(_, value)| value.clone()),
        })
        .collect()
}

fn refs(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

/// First, middle and deep.
fn places(world: &World) -> [(&'static str, i64); 3] {
    [
        ("first page", i64::MAX),
        ("middle", world.events / 2),
        ("deep", world.events / 50),
    ]
}

pub(super) fn answers(world: &World) -> Vec<Answer> {
    let mut answers = lists(world);
    answers.extend(rare(world));
    answers.extend(one(world));
    answers.extend(numbers(world));
    answers
}

fn lists(world: &World) -> Vec<Answer> {
    let filters: [(&str, Vec<(&str, String)>); 13] = [
        ("all", vec![]),
        ("source_module", vec![("module", quoted("hr"))]),
        ("a rare event_type", vec![("type", quoted("vault.opened"))]),
        ("a rare prefix", vec![("prefix", quoted("vault."))]),
        ("severity", vec![("severity", quoted("critical"))]),
        ("branch_id", vec![("branch", quoted("B7"))]),
        ("a branch without events", vec![("branch", quoted("B77"))]),
        (
            "an entity",
            vec![
                ("entity_type", quoted("invoice")),
                ("entity_id", quoted("4711")),
            ],
        ),
        ("outcome=waiting", vec![("outcome", quoted("waiting"))]),
        ("outcome=matched", vec![("outcome", quoted("matched"))]),
        ("outcome=unmatched", vec![("outcome", quoted("unmatched"))]),
        (
            "an auditor of one branch",
            vec![("branches", quoted("{B1}"))],
        ),
        (
            "an auditor of a branch without events",
            vec![
                ("branches", quoted("{B77}")),
                ("severity", quoted("critical")),
            ],
        ),
    ];
    let mut answers = Vec::new();
    for (name, filters) in &filters {
        for (place, below) in places(world) {
            let stretch = [below.to_string(), "0".to_owned(), WALKED.to_string()];
            answers.push(
                Answer::new(format!("events, {name}, {place}"))
                    .then_fresh(read!("ingest/read_list"), &refs(&page(below, 0, filters)))
                    .then(read!("ingest/read_stretch"), &refs(&stretch)),
            );
        }
    }
    // A month in the middle; its ids are where the search finds them.
    let time = [
        ("from", "now() - interval '90 days'".to_owned()),
        ("to", "now() - interval '60 days'".to_owned()),
    ];
    let (low, high) = (world.events * 89 / 180, world.events * 121 / 180);
    for (name, filters) in [
        ("a month", time.to_vec()),
        (
            "a rare type of a month",
            [&time[..], &[("type", quoted("vault.opened"))]].concat(),
        ),
    ] {
        answers.push(
            Answer::new(format!("events, {name}"))
                .then(read!("ingest/read_bounds"), &[&time[0].1, &time[1].1])
                .then_fresh(read!("ingest/read_list"), &refs(&page(high, low, &filters)))
                .then(
                    read!("ingest/read_stretch"),
                    &[&high.to_string(), &low.to_string(), &WALKED.to_string()],
                ),
        );
    }
    answers
}

/// Numbers below `below` that leave `rest` when divided by `by`, newest first: where the load has put what is rare.
fn every(by: i64, rest: i64, below: i64) -> Vec<i64> {
    let last = (below - 1 - rest).div_euclid(by);
    (0..=last)
        .rev()
        .map(|n| n * by + rest)
        .filter(|id| *id > 0)
        .take(usize::try_from(RARE).unwrap_or(usize::MAX))
        .collect()
}

fn rare(world: &World) -> Vec<Answer> {
    let mut answers = Vec::new();
    for (name, correlation, outcome, (by, rest), most) in [
        (
            "a correlation_id of very many",
            Some("batch"),
            None,
            (100, 1),
            world.events,
        ),
        (
            "outcome=failed",
            None,
            Some("failed"),
            (2_000, 9),
            world.evaluated,
        ),
        (
            "outcome=warned",
            None,
            Some("warned"),
            (500, 3),
            world.evaluated,
        ),
    ] {
        for (place, below) in places(world) {
            let among = every(by, rest, below.min(most + 1));
            let word = |word: Option<&str>| word.map_or_else(|| "null".to_owned(), quoted);
            let mut filters = vec![("among", list_of(&among))];
            if outcome.is_some() {
                filters.push(("outcome", word(outcome)));
            }
            answers.push(
                Answer::new(format!("events, {name}, {place}"))
                    .then_fresh(
                        read!("ingest/read_rare"),
                        &[
                            &below.to_string(),
                            "0",
                            &RARE.to_string(),
                            &word(correlation),
                            &word(outcome),
                        ],
                    )
                    .then_fresh(read!("ingest/read_list"), &refs(&page(below, 0, &filters))),
            );
        }
    }
    answers
}

fn one(world: &World) -> Vec<Answer> {
    // The last that was evaluated told everybody; the one in the middle told three.
    let (wide, plain) = (world.evaluated, world.events / 20 * 10 + 4);
    let mut answers = Vec::new();
    for (name, event) in [("told everybody", wide), ("told three", plain)] {
        let id = event.to_string();
        // What the notifications' ids are: of the wide one the first of its rule's, of the plain one its own.
        let first = if event == wide {
            2 * world.evaluated + 1
        } else {
            (event - 4) / 10 * 20 + 1
        };
        let told: Vec<i64> = (first..first + 200).collect();
        answers
            .push(Answer::new(format!("event that {name}")).then(read!("ingest/read_get"), &[&id]));
        answers.push(
            Answer::new(format!("trace of an event that {name}"))
                .then(read!("ingest/read_get"), &[&id])
                .then(read!("ops/trace_told"), &[&id, "100", "200", "1000"])
                .then(read!("ops/trace_deliveries"), &[&list_of(&told), "20"])
                .then(
                    read!("ops/trace_rules"),
                    &["'invoicing'", "'invoice.overdue'", "'{1,2,3}'", "100"],
                )
                .then(read!("ops/trace_names"), &["'{1,2,3}'"])
                .then(read!("directory/find"), &["'{role_1}'", "'{}'", "'{}'"])
                .then(read!("ops/trace_job"), &[&id]),
        );
        for person in ["u1", "u250", "nobody"] {
            answers.push(
                Answer::new(format!("why an event that {name}: {person}"))
                    .then(read!("ingest/read_get"), &[&id])
                    .then(read!("ops/why_stored"), &[&id, &quoted(person)])
                    .then(read!("ops/why_escalations"), &[&id])
                    .then(
                        read!("ops/trace_rules"),
                        &["'invoicing'", "'invoice.overdue'", "'{}'", "1000"],
                    )
                    .then(
                        read!("directory/find"),
                        &["'{}'", &quoted(&format!("{{{person}}}")), "'{}'"],
                    ),
            );
        }
        answers.push(Answer::new(format!("neurolink_event_trace, {name}")).then(
            ("-", "select * from neurolink_event_trace($1::bigint)"),
            &[&id],
        ));
    }
    answers.push(Answer::new("why an event that waits").then(
        read!("ops/why_stored"),
        &[&world.events.to_string(), "'u1'"],
    ));
    answers.push(
        Answer::new("event for the command `why`").then(read!("cli/event"), &[&plain.to_string()]),
    );
    answers
}

fn numbers(world: &World) -> Vec<Answer> {
    let ago = |hours: u32| format!("date_trunc('hour', now()) - interval '{hours} hours'");
    let to = "date_trunc('hour', now())";
    let mut answers = vec![
        Answer::new("stats summary")
            .then(read!("ops/rolled_to"), &[])
            .then_fresh(read!("ops/summary"), &[&quoted(&world.rolled_to)])
            .then(read!("ops/queue_depth"), &[]),
    ];
    for (name, hours, label) in [
        ("every type for 3 hours", 3, "null"),
        ("one type for 25 hours", 25, "'module.type_12'"),
    ] {
        answers.push(
            Answer::new(format!("series by minutes, {name}")).then_fresh(
                read!("ops/series_minutes"),
                &["'events.type'", label, &ago(hours), to, "300", "false"],
            ),
        );
    }
    for (name, days, label) in [
        ("every type for a week", 7, "null"),
        ("one type for 400 days", 400, "'module.type_12'"),
    ] {
        answers.push(Answer::new(format!("series by hours, {name}")).then_fresh(
            read!("ops/series_hours"),
            &[
                "'events.type'",
                label,
                &ago(days * 24),
                to,
                "86400",
                "false",
                to,
            ],
        ));
    }
    for (name, type_, module) in [
        ("first page", "null", "null"),
        ("deep", "'module.type_90'", "'module_1'"),
    ] {
        answers.push(Answer::new(format!("event types, {name}")).then(
            read!("ops/event_types"),
            &["'{invoice.overdue}'", "'{invoicing}'", type_, module, "201"],
        ));
    }
    answers.push(
        Answer::new("event type with its fields")
            .then(
                read!("ops/event_type_modules"),
                &["'module.type_7'", "null"],
            )
            .then(read!("ops/event_type_fields"), &["'module.type_7'"]),
    );
    answers
}
