//! What is asked about deliveries, the queue, the audit log and rules, and what a DBA asks by views and functions.

use super::{Answer, PAGE, World, list_of, quoted, read};
use crate::deliveries::log::routes::{LOOK, LOOK_BY_BRANCH};
use crate::ops::audit::store::LOOKED;
use crate::queue::control::COUNTED;

pub(super) fn answers(world: &World) -> Vec<Answer> {
    let mut answers = deliveries(world);
    answers.extend(queue(world));
    answers.extend(audit());
    answers.extend(rules());
    answers.extend(by_hand());
    answers
}

fn deliveries(world: &World) -> Vec<Answer> {
    let mut answers = Vec::new();
    let month = r#"{"from": "2000-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}"#;
    let event = format!(r#"{{"event_id": {}}}"#, world.evaluated);
    let plain = format!(r#"{{"event_id": {}}}"#, world.events / 20 * 10 + 4);
    let wide_sms = format!(r#"{{"event_id": {}, "channel": "sms"}}"#, world.evaluated);
    let filters = [
        ("all", "{}", LOOK),
        ("status=pending", r#"{"status": "pending"}"#, LOOK),
        ("status=dead", r#"{"status": "dead"}"#, LOOK),
        ("status=sent", r#"{"status": "sent"}"#, LOOK),
        ("status=suppressed", r#"{"status": "suppressed"}"#, LOOK),
        ("status=cancelled", r#"{"status": "cancelled"}"#, LOOK),
        ("channel", r#"{"channel": "email"}"#, LOOK),
        ("a channel that nobody has", r#"{"channel": "sms"}"#, LOOK),
        ("a person with very many", r#"{"user_id": "u1"}"#, LOOK),
        (
            "a person's dead ones",
            r#"{"user_id": "u1", "status": "dead"}"#,
            LOOK,
        ),
        ("an ordinary person", r#"{"user_id": "u250"}"#, LOOK),
        ("an event that told everybody", &event, LOOK),
        ("the same, on a channel that nobody has", &wide_sms, LOOK),
        ("an event that told three", &plain, LOOK),
        ("a time", month, LOOK),
    ];
    let last = world.notifications * 32 + 31;
    for (name, filter, look) in filters {
        for (place, below) in places(last) {
            answers.push(page(name, place, filter, below, "null", look));
        }
    }
    for branch in ["B1", "B77"] {
        for (place, below) in places(last) {
            let name = format!("an auditor of {branch}");
            let branches = quoted(&format!("{{{branch}}}"));
            answers.push(page(&name, place, "{}", below, &branches, LOOK_BY_BRANCH));
        }
    }
    let dead = (world.notifications / 5_000 * 5_000 * 32 + 1).to_string();
    answers.push(
        Answer::new("delivery with its attempts")
            .then(
                read!("deliveries/read"),
                &[&quoted(&format!("{{{dead}}}")), "null"],
            )
            .then(read!("deliveries/attempts"), &[&dead]),
    );
    answers
}

fn places(last: i64) -> [(&'static str, i64); 3] {
    [
        ("first page", i64::MAX),
        ("middle", last / 2),
        ("deep", last / 50),
    ]
}

fn page(name: &str, place: &str, filter: &str, below: i64, branches: &str, look: i32) -> Answer {
    // Whatever was found: as many as a page holds, each of them there.
    let newest = below.min(1_000_000_000_000);
    let ids: Vec<i64> = (1..PAGE).map(|n| (newest / 32 - n) * 32).collect();
    let (most, look, below) = (PAGE.to_string(), look.to_string(), below.to_string());
    Answer::new(format!("deliveries, {name}, {place}"))
        .then(
            read!("deliveries/find"),
            &[&quoted(filter), &below, branches, &most, &look],
        )
        .then(read!("deliveries/read"), &[&list_of(&ids), branches])
}

fn queue(world: &World) -> Vec<Answer> {
    let counted = COUNTED.to_string();
    let dead: Vec<i64> = (0..200).map(|n| -(n * 2_000 + 9)).collect();
    let mut answers = vec![
        Answer::new("queue state")
            .then(read!("queue/depth"), &[&counted])
            .then(read!("queue/workers"), &[])
            .then(read!("queue/dead_counts"), &[&counted])
            .then(read!("queue/pauses"), &[]),
        Answer::new("health, the oldest job").then(read!("http/queue_age"), &[]),
        Answer::new("metrics for Prometheus").then(read!("ops/prometheus_sample"), &[]),
        Answer::new("when the next job is due").then(read!("queue/next_run_at"), &[]),
    ];
    for (name, filter, branches) in [
        ("all", "{}", "null"),
        ("kind", r#"{"kind": "event"}"#, "null"),
        ("a kind that nobody has", r#"{"kind": "digest"}"#, "null"),
        ("an auditor of a branch without events", "{}", "'{B77}'"),
    ] {
        for (place, below) in [("first page", 0), ("deep", -world.events / 2)] {
            answers.push(
                Answer::new(format!("dead jobs, {name}, {place}"))
                    .then(
                        read!("queue/find_dead"),
                        &[&quoted(filter), &below.to_string(), branches, "201"],
                    )
                    .then(read!("queue/read_dead"), &[&list_of(&dead)]),
            );
        }
    }
    answers
}

fn audit() -> Vec<Answer> {
    let mut answers = Vec::new();
    // Parameters 2 to 8: actor, action, subject kind and id, from, to, branches.
    let time = ["now() - interval '90 days'", "now() - interval '60 days'"];
    for (filter, given) in [
        (
            "all",
            ["null", "null", "null", "null", "null", "null", "null"],
        ),
        (
            "actor",
            ["'u3'", "null", "null", "null", "null", "null", "null"],
        ),
        (
            "action",
            [
                "null",
                "'rule.updated'",
                "null",
                "null",
                "null",
                "null",
                "null",
            ],
        ),
        (
            "an action that nobody did",
            [
                "null",
                "'rule.eaten'",
                "null",
                "null",
                "null",
                "null",
                "null",
            ],
        ),
        (
            "subject_kind",
            ["null", "null", "'person'", "null", "null", "null", "null"],
        ),
        (
            "a subject_kind that isn't there",
            ["null", "null", "'ghost'", "null", "null", "null", "null"],
        ),
        (
            "a subject",
            ["null", "null", "'person'", "'1'", "null", "null", "null"],
        ),
        (
            "actor and action that never met",
            [
                "'u2'",
                "'rule.updated'",
                "null",
                "null",
                "null",
                "null",
                "null",
            ],
        ),
        (
            "a time",
            ["null", "null", "null", "null", time[0], time[1], "null"],
        ),
        (
            "an auditor of one branch",
            ["null", "null", "'event'", "null", "null", "null", "'{B7}'"],
        ),
        (
            "an auditor of a branch without deeds",
            ["null", "null", "'event'", "null", "null", "null", "'{B77}'"],
        ),
    ] {
        for (place, at) in [
            ("first page", "null"),
            ("middle", "now() - interval '90 days'"),
            ("deep", "now() - interval '176 days'"),
        ] {
            let mut args = vec![at];
            args.extend(given);
            let lead = match (given[3], given[0], given[1]) {
                ("null", "null", "null") => "'time'",
                ("null", "null", _) => "'action'",
                ("null", ..) => "'actor'",
                _ => "'subject'",
            };
            let looked = LOOKED.to_string();
            args.extend(["201", "9223372036854775807", lead, &looked]);
            let end = [&[at, "9223372036854775807"], &given[..6], &[lead, &looked]].concat();
            answers.push(
                Answer::new(format!("audit log, {filter}, {place}"))
                    .then_fresh(read!("ops/audit"), &args)
                    .then_fresh(read!("ops/audit_stretch"), &end),
            );
        }
    }
    answers
}

fn rules() -> Vec<Answer> {
    vec![
        Answer::new("rules, first page").then(
            read!("rules/list"),
            &["9223372036854775807", "null", "null", "null", "null", "201"],
        ),
        Answer::new("rules, of an event type, faulty").then(
            read!("rules/list"),
            &[
                "9223372036854775807",
                "true",
                "'invoice.overdue'",
                "'invoicing'",
                "true",
                "201",
            ],
        ),
        Answer::new("rules, every one").then(read!("rules/all"), &[]),
        Answer::new("rules, as nodes load them").then(read!("rules/load"), &[]),
        Answer::new("rule with its versions")
            .then(read!("rules/get"), &["7"])
            .then(read!("rules/versions"), &["7", "2147483647", "201"])
            .then(read!("rules/version"), &["7", "1"]),
    ]
}

/// The examples of sql/README.md.
fn by_hand() -> Vec<Answer> {
    let views = [
        (
            "neurolink_queue_depth",
            "select * from neurolink_queue_depth()",
        ),
        (
            "neurolink_queue_health",
            "select * from neurolink_queue_health",
        ),
        (
            "neurolink_worker_health",
            "select * from neurolink_worker_health order by silent_seconds desc",
        ),
        (
            "neurolink_stuck_jobs",
            "select * from neurolink_stuck_jobs order by late_by desc limit 20",
        ),
        (
            "neurolink_dead_work",
            "select * from neurolink_dead_work order by died_at desc limit 20",
        ),
        (
            "neurolink_rule_statistics",
            "select * from neurolink_rule_statistics order by notifications_7d desc",
        ),
        (
            "neurolink_delivery_success",
            "select * from neurolink_delivery_success where day > current_date - 30 order by day desc, channel",
        ),
        (
            "neurolink_vacuum_pins",
            "select * from neurolink_vacuum_pins order by age desc limit 10",
        ),
        (
            "neurolink_metrics, an hour of one",
            "select label, max(value) from neurolink_metrics where metric = 'notified_seconds' and minute > now() - interval '1 hour' group by label",
        ),
    ];
    // (neurolink_inbox_drift isn't among them: it counts every notification there is, and says so.)
    views
        .into_iter()
        .map(|(name, text)| Answer::new(name).then(("-", text), &[]))
        .collect()
}
