//! `neurolink bench lists`: it covers every statement that reads, and answers at a small size as it does at five million events.

#![allow(clippy::unwrap_used)] // clippy knows tests by their attribute, not their helpers

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use neurolink::ops::bench::lists;
use serde_json::Value;
use tokio::process::Command;

use crate::support::TestDb;

/// Statements that begin as reads do and are no list, count, trace or summary, each with what it is. A new one is either measured
/// (`src/ops/bench/lists/`) or stands here.
const NO_LISTS: [(&str, &str); 68] = [
    ("cli/emit", "writes, by a function"),
    ("cli/emitted", "one event by its id, after a write"),
    ("cli/may_compare", "a right"),
    ("db/act_as", "a transaction's setting"),
    ("db/history", "a start's look at migrations"),
    ("db/history_exists", "the same"),
    ("db/meta", "the same"),
    ("db/roles", "the same"),
    ("db/where", "the same"),
    ("deliveries/cancel", "writes, by a function"),
    ("deliveries/retry", "writes, by a function"),
    ("demo/emit", "writes, by a function"),
    ("demo/last_round", "the demo's own"),
    ("demo/told", "the demo's own"),
    (
        "directory/inactive",
        "a preview's look at those whom a batch never sees, as find is a batch's",
    ),
    ("ingest/compare", "by the unique key, after a write"),
    ("ingest/read_many", "a batch's events, by id"),
    ("ingest/take_ids", "takes ids"),
    (
        "notifications/due",
        "a patrol's, by an index of the snoozed ones alone",
    ),
    (
        "notifications/expired",
        "a patrol's, by an index of the expiring ones alone",
    ),
    ("notifications/lock_free_inboxes", "locks"),
    ("notifications/lock_inboxes", "locks"),
    ("notifications/next_ids", "takes ids"),
    (
        "notifications/resolve_find",
        "a settled event's notifications, by the unique key",
    ),
    ("notifications/withdraw", "writes, by a function"),
    ("ops/removal_chunk", "a deletion's"),
    ("ops/removal_event", "locks"),
    ("ops/removal_left", "a deletion's"),
    ("ops/removal_lock", "locks"),
    ("ops/removal_note", "writes, by a function"),
    ("ops/replay_event", "locks"),
    (
        "ops/why_addresses",
        "a person's deliveries of one event, by primary key",
    ),
    ("ops/why_withheld", "one event's outcome, by a function"),
    ("ops/roll_up", "writes, by a function"),
    ("ops/starter_missing", "a look at a few rules by name"),
    ("ops/tell", "writes, by a function"),
    (
        "ops/trial_bounds",
        "a backtest's start: four looks by primary key",
    ),
    ("ops/trial_payload", "reads no table"),
    (
        "ops/trial_stretch",
        "a backtest's bounded stretch, measured by `bench backtest`",
    ),
    ("queue/discard_dead", "writes, by a function"),
    ("queue/first_below", "a sweep's, measured by `bench growth`"),
    ("queue/pause", "writes, by a function"),
    ("queue/resume", "writes, by a function"),
    ("queue/retry_dead", "writes, by a function"),
    ("queue/somebody_died", "a patrol's look at the workers"),
    ("queue/stale_workers", "the same"),
    ("rules/lock", "locks"),
    ("rules/named", "one rule, by its unique name"),
    ("rules/replay_lock", "locks"),
    (
        "rules/replay_told",
        "a replay's: all that an event ever told",
    ),
    ("stream/notify", "tells other nodes"),
    ("stream/place", "a start's look"),
    ("rules/hold_all", "locks"),
    ("rules/hold", "writes, by a function"),
    ("rules/release", "writes, by a function"),
    (
        "rules/digest_waiting",
        "a hundred of each digest, by an index of the waiting ones alone",
    ),
    (
        "rules/shadow_list",
        "at most 2 000 of a rule's matches, by the primary key",
    ),
    ("rules/later_lock", "locks"),
    (
        "rules/later_told",
        "a batch's events and rules, by the unique key",
    ),
    ("rules/states_of_alarms", "a batch's alarms, by their index"),
    ("directory/follow", "writes, by a function"),
    ("directory/unfollow", "writes, by a function"),
    ("rules/reach_types", "a look at the few types, for hints"),
    (
        "rules/reach_payloads",
        "the newest 2 000 events by primary key, for hints",
    ),
    ("rules/reach_fields", "what was learnt, for hints"),
    ("rules/reach_channels", "a look at the workers"),
    (
        "rules/reach_people",
        "a look at what one rule names, for hints",
    ),
    ("rules/reach_names", "5 000 people at most, for hints"),
];

/// Statements, by room and name, that change nothing by their own words.
fn reads() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/queries");
    let mut reads = BTreeSet::new();
    for room in std::fs::read_dir(&root).unwrap() {
        let room = room.unwrap().path();
        if room.ends_with("bench") {
            continue;
        }
        for file in std::fs::read_dir(&room).unwrap() {
            let file = file.unwrap().path();
            let text = std::fs::read_to_string(&file).unwrap();
            let said: Vec<&str> = text.lines().filter(|l| !l.starts_with("--")).collect();
            let said = said.join("\n");
            let writes = ["insert into ", "update neurolink", "delete from ", "copy "]
                .iter()
                .any(|word| said.contains(word));
            if !writes {
                let name = file.strip_prefix(&root).unwrap().with_extension("");
                reads.insert(name.to_str().unwrap().to_owned());
            }
        }
    }
    reads
}

#[test]
fn every_statement_that_reads_is_measured_or_is_said_to_be_no_list() {
    let measured = lists::measured();
    let excused: BTreeSet<&str> = NO_LISTS.iter().map(|(name, _)| *name).collect();
    let reads = reads();
    let missing: Vec<&String> = reads
        .iter()
        .filter(|name| !measured.contains(name.as_str()) && !excused.contains(name.as_str()))
        // Each of the doctor's is read-only and ends by itself after 4 s.
        .filter(|name| !name.starts_with("ops/doctor_"))
        .collect();
    assert!(
        missing.is_empty(),
        "not measured by `bench lists`: {missing:?}"
    );
    let stale: Vec<&&str> = excused
        .iter()
        .filter(|name| !reads.contains(**name) || measured.contains(**name))
        .collect();
    assert!(stale.is_empty(), "excused for nothing: {stale:?}");
}

#[tokio::test]
async fn every_list_is_asked_over_what_was_loaded_and_says_what_it_read() {
    let db = TestDb::empty().await;
    let out = Command::new(env!("CARGO_BIN_EXE_neurolink"))
        .env_clear()
        .env("DATABASE_URL", db.url())
        .current_dir(std::env::temp_dir())
        .args(["--env-file", "/dev/null", "bench", "lists"])
        .args(["--events", "600", "--rounds", "1", "--json"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    // How long they take isn't a test's business: 3 says that one took too long.
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(matches!(out.status.code(), Some(0 | 3)), "{said}");
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    let figures = report["figures"].as_array().unwrap();
    assert!(figures.len() > 200, "{}", figures.len());
    let note = |name: &str| {
        let found = figures.iter().find(|figure| figure["name"] == name);
        found.unwrap_or_else(|| panic!("{name}"))["note"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    // 201 events of the page with their outcomes, and where the walk ends.
    let first = note("events, all, first page");
    assert!(
        first.contains("rows read") && !first.starts_with("0 rows"),
        "{first}"
    );
    assert!(!note("notifications, a very large inbox, unread, first page").starts_with("0 rows"));
}
