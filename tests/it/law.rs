//! The laws of the source (DESIGN §11, `src/README.md`), held by reading it: who may import whom, where statements, time,
//! chance, the environment and the terminal have their homes, how long a file may be. Exceptions stand here, each with its reason.

mod source;

use std::collections::BTreeSet;

use source::{Source, calls, files, imports, queries, sources, types_of};

/// The rooms in the order of the line. A room sees the types of those before it.
const LINE: [&str; 10] = [
    "ingest",
    "queue",
    "rules",
    "preferences",
    "directory",
    "notifications",
    "deliveries",
    "stream",
    "chat",
    "ops",
];

/// What stands under the rooms, and what each of it sees.
const GROUND: [(&str, &[&str]); 5] = [
    ("kernel", &[]),
    ("config", &["kernel"]),
    ("telemetry", &["kernel", "config"]),
    ("db", &["kernel", "config"]),
    ("http", &["kernel", "config", "db"]),
];

/// What composes rooms. `main` and `lib` only name modules.
const TOP: [&str; 5] = ["pipeline", "app", "cli", "main", "lib"];

/// Longer than a file should be, and why.
const LONG: [(&str, &str); 0] = [];

/// Files besides `store.rs` and `db/` that speak to the database, and why.
const SPEAKERS: [(&str, &str); 8] = [
    ("src/pipeline/write.rs", "the commit of its one flight"),
    (
        "src/queue/bell.rs",
        "LISTEN and the locks K and S belong to its own session",
    ),
    (
        "src/queue/presence.rs",
        "the lock of its incarnation belongs to the same session",
    ),
    (
        "src/ingest/writer.rs",
        "time limits of its own session, set once",
    ),
    (
        "src/ingest/lanes.rs",
        "the lock time-out of its own transaction",
    ),
    ("src/http/health.rs", "/health is the server's own"),
    ("src/cli/demo/play.rs", "the demo is an ERP to us"),
    ("src/cli/demo/company.rs", "the demo is an ERP to us"),
];

/// A folder of a room that sees all and speaks to the database where it is, and why.
const OUTSIDER: (&str, &str) = (
    "src/ops/bench/",
    "it measures the whole: it starts nodes, and is an ERP, a reader and a DBA to them",
);

/// Folders of statements that belong to a folder inside a room, and that folder.
const INNER: [(&str, &str); 2] = [("demo", "src/cli/demo/"), ("bench", OUTSIDER.0)];

/// Who reads the environment besides `config`, and why.
const ENVIRONMENT: [(&str, &str); 1] = [(
    "src/db/embedded/programs.rs",
    "PATH is how programs are found, no setting of ours",
)];

fn is_excepted(table: &[(&str, &str)], source: &Source) -> bool {
    table.iter().any(|(path, _)| *path == source.path)
}

/// Fails with everything that breaks a law, a line each.
fn holds(law: &str, broken: impl IntoIterator<Item = String>) {
    let broken: Vec<String> = broken.into_iter().collect();
    assert!(broken.is_empty(), "{law}:\n  {}", broken.join("\n  "));
}

#[test]
fn rooms_import_what_is_under_them_and_types_of_rooms_to_their_left() {
    let place = |room: &str| LINE.iter().position(|other| *other == room);
    let mut broken = Vec::new();
    for source in sources() {
        let own = source.room.as_str();
        for path in imports(&source) {
            let (target, rest) = (path[0].as_str(), &path[1..]);
            let outside = source.path.starts_with(OUTSIDER.0);
            let allowed = if target == own || outside || TOP[2..].contains(&own) {
                true
            } else if own == "app" {
                target != "cli"
            } else if own == "pipeline" {
                target != "cli" && target != "app"
            } else if let Some((_, sees)) = GROUND.iter().find(|(ground, _)| *ground == own) {
                sees.contains(&target)
            } else if target == "http" {
                source.path.ends_with("/routes.rs")
            } else if ["kernel", "config", "db"].contains(&target) {
                true
            } else {
                let is_type = rest
                    .first()
                    .is_some_and(|name| name == "model" || types_of(target).contains(name));
                matches!((place(own), place(target)), (Some(mine), Some(other)) if other < mine)
                    && is_type
            };
            if !allowed {
                broken.push(format!(
                    "{} imports crate::{}",
                    source.path,
                    path.join("::")
                ));
            }
        }
    }
    holds("an import against the law", broken);
}

#[test]
fn every_folder_and_file_at_the_top_of_the_source_has_its_place_in_the_law() {
    let known: BTreeSet<&str> = LINE
        .iter()
        .copied()
        .chain(GROUND.iter().map(|(name, _)| *name))
        .chain(TOP)
        .chain(["build"])
        .collect();
    let unknown: BTreeSet<String> = sources()
        .into_iter()
        .map(|source| source.room)
        .filter(|room| !known.contains(room.as_str()))
        .collect();
    holds("a room that the law doesn't know", unknown);
}

#[test]
fn no_room_reaches_out_of_itself_by_super() {
    holds(
        "`super` names another room unseen",
        sources().into_iter().filter_map(|source| {
            // src/room.rs and src/room/mod.rs are the room itself: one level up is the crate.
            let below = source.path.matches('/').count()
                - 1
                - usize::from(source.path.ends_with("/mod.rs"));
            let chain = "super::".repeat(below + 1);
            source.code.contains(&chain).then_some(source.path)
        }),
    );
}

#[test]
fn statements_are_asked_only_in_stores() {
    let asks = [
        "prepare_cached(",
        "batch_execute(",
        "query_one(",
        "query_opt(",
        "query_raw(",
        "simple_query(",
        "client.query(",
        "client.execute(",
        "tx.query(",
        "tx.execute(",
        "client\n.query(",
        "tx\n.query(",
    ];
    let spoken = |source: &Source| calls(source, &asks);
    let may = |source: &Source| {
        source.path.ends_with("/store.rs")
            || source.room == "db"
            || source.path.starts_with(OUTSIDER.0)
    };
    holds(
        "a statement outside of a store",
        sources()
            .into_iter()
            .filter(|s| !may(s) && spoken(s) && !is_excepted(&SPEAKERS, s))
            .map(|s| s.path),
    );
    let stale = SPEAKERS.iter().filter(|(path, _)| {
        !sources()
            .iter()
            .any(|s| s.path == *path && spoken(s) && !may(s))
    });
    holds(
        "an exception nobody needs",
        stale.map(|(path, _)| (*path).to_owned()),
    );
}

#[test]
fn the_environment_time_chance_and_the_terminal_have_their_homes() {
    let mut broken = Vec::new();
    for source in sources() {
        let path = source.path.as_str();
        let mut forbid = |words: &[&str], home: bool, law: &str| {
            for word in words {
                if !home && source.code.contains(word) {
                    broken.push(format!("{path} has {word}: {law}"));
                }
            }
        };
        let environment = source.room == "config"
            || path == "src/cli/context.rs"
            || path == "src/build.rs"
            || is_excepted(&ENVIRONMENT, &source);
        forbid(
            &["env::var", "env::vars", "env::set_var", "env::remove_var"],
            environment,
            "settings are read in config",
        );
        let clock = path == "src/kernel/clock.rs";
        forbid(
            &["SystemTime::now", "Timestamp::now", "Zoned::now"],
            clock,
            "the time is kernel::clock's",
        );
        forbid(
            &["Instant::now"],
            clock,
            "durations are measured and deadlines set by kernel::clock",
        );
        forbid(
            &["rand::", "Uuid::new_v4", "Uuid::now_v7"],
            path == "src/kernel/random.rs",
            "chance is kernel::random's",
        );
        forbid(
            &[
                "println!",
                "print!(",
                "eprintln!",
                "eprint!(",
                "stdout()",
                "dbg!(",
            ],
            source.room == "cli" || source.room == "build",
            "only the commands print",
        );
    }
    holds("something away from its home", broken);
}

#[test]
fn every_file_says_what_it_is_and_is_short_enough_to_be_read() {
    let mut broken = Vec::new();
    for (path, text) in files(&["src", "tests"], "rs") {
        if !text.starts_with("//!") {
            broken.push(format!("{path} doesn't open with what it is"));
        }
        let lines = text.lines().count();
        let excepted = LONG.iter().any(|(long, _)| *long == path);
        if lines > 400 && !excepted {
            broken.push(format!("{path} has {lines} lines; 400 are the most"));
        }
        if lines <= 400 && excepted {
            broken.push(format!("{path} needs no exception any more"));
        }
    }
    holds("a file against the house's style", broken);
}

#[test]
fn every_query_says_its_purpose_and_is_embedded_by_its_own_room_alone() {
    let mut broken = Vec::new();
    let sources = sources();
    for (path, text) in queries() {
        let room = path.split('/').nth(2).unwrap_or_default().to_owned();
        let inner = INNER.iter().find(|(name, _)| *name == room);
        let home = inner.map_or_else(|| format!("src/{room}/"), |(_, home)| (*home).to_owned());
        let purpose = text.lines().next().unwrap_or_default();
        if !purpose.starts_with("-- ") || purpose.starts_with("-- $") || purpose.len() < 20 {
            broken.push(format!("{path} doesn't say what it is for"));
        }
        let users: Vec<&str> = sources
            .iter()
            .filter(|source| source.code.contains(&path))
            .map(|source| source.path.as_str())
            .collect();
        if users.is_empty() {
            broken.push(format!("{path} is embedded by nobody"));
        }
        let strangers = users.iter().filter(|user| !user.starts_with(&home));
        broken.extend(strangers.map(|user| format!("{user} embeds {path}")));
    }
    holds("a query against the law", broken);
}
