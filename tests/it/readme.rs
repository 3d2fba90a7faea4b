//! The README and the maps are promises: their SQL and HTTP examples run here, and their links and lists are true.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::TestDb;
use crate::support::app::{App, drained};
use crate::support::http::{token, token_of};

const README: &str = include_str!("../../README.md");
const MAP: &str = include_str!("../../src/README.md");

/// The blocks between ```` ```language ```` and ```` ``` ````.
fn fenced<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let open = format!("```{language}\n");
    page.split(&open)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect()
}

/// A database and a node as somebody has them who has followed the README so far: every SQL block, in order.
async fn followed() -> (TestDb, App) {
    let db = TestDb::new().await;
    let app = App::start(&db).await;
    let sql = db.client().await;
    let blocks = fenced(README, "sql");
    assert!(blocks.len() >= 7, "the README's SQL is found");
    for block in blocks {
        let ran = sql.batch_execute(block).await;
        ran.unwrap_or_else(|error| panic!("{error:?} in:\n{block}"));
    }
    drained(&sql).await;
    (db, app)
}

#[tokio::test]
async fn the_readmes_sql_runs_in_order_and_gives_the_notifications_it_promises() {
    let (db, app) = followed().await;
    let sql = db.client().await;
    let inbox = app.get("/v1/notifications", "zainab").await;
    let titles: Vec<&str> = inbox["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|told| told["title"].as_str().unwrap())
        .collect();
    assert_eq!(titles.len(), 2, "the newest first: {titles:?}");
    // Names and numbers stand in direction isolates, which nobody sees.
    let seen = |text: &str| text.replace(|c| ('\u{2066}'..='\u{2069}').contains(&c), "");
    assert_eq!(
        seen(titles[0]),
        "الفاتورة INV-88102 متأخرة عن السداد منذ 3 أيام"
    );
    assert_eq!(
        seen(titles[1]),
        "الفاتورة INV-88101 متأخرة عن السداد منذ 12 يوماً"
    );
    let english = app.get("/v1/notifications", "nadia").await;
    let first = &english["items"][1];
    assert_eq!(first["title"], "Invoice INV-88101 is 12 days overdue");
    assert_eq!(
        seen(first["body"].as_str().unwrap()),
        "شركة النهرين للتجارة owes 6,250,000 IQD."
    );
    assert_eq!(first["severity"], "warning");
    assert_eq!(first["action_url"], "/invoices/88101");

    // The query that the README gives to ask what came of it.
    let ask = fenced(README, "sql")
        .into_iter()
        .flat_map(|block| block.split(';'))
        .find(|statement| statement.contains("producer_idempotency_key = 'invoice-88101-overdue'"))
        .expect("the README asks what came of its event");
    let rows = sql.query(ask, &[]).await.unwrap();
    let told: BTreeSet<(String, String, String)> = rows
        .iter()
        .map(|row| (row.get("user_id"), row.get("channel"), row.get("status")))
        .collect();
    let expected = [
        ("nadia", "email", "suppressed"),
        ("nadia", "in_app", "delivered"),
        ("zainab", "email", "suppressed"),
        ("zainab", "in_app", "delivered"),
    ]
    .map(|(who, channel, status)| (who.to_owned(), channel.to_owned(), status.to_owned()));
    assert_eq!(told, BTreeSet::from(expected));
    // What is paused there is resumed there.
    let paused: i64 = sql
        .query_one("select count(*) from neurolink_pauses", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(paused, 0);
    app.stop().await;
}

/// A `curl` of the README.
#[derive(Debug)]
struct Curl {
    method: String,
    path: String,
    body: Option<String>,
    /// The keys that it says the answer has.
    keys: Vec<String>,
    /// Whether it is an admin's.
    is_admins: bool,
}

/// The commands of the README's indented blocks that call `curl`, lines joined as a shell would.
fn curls() -> Vec<Curl> {
    let mut commands: Vec<String> = Vec::new();
    let mut open = false;
    for line in README.lines() {
        let Some(code) = line.strip_prefix("    ") else {
            open = false;
            continue;
        };
        if open && let Some(last) = commands.last_mut() {
            last.push('\n');
            last.push_str(code);
        } else if code.starts_with("curl ") {
            commands.push(code.to_owned());
        } else {
            continue;
        }
        // It goes on after a backslash, and inside of quotes.
        let last = commands.last().map_or("", String::as_str);
        open = code.ends_with('\\') || last.matches('\'').count() % 2 == 1;
    }
    commands.iter().map(|command| curl(command)).collect()
}

fn curl(command: &str) -> Curl {
    let after = |flag: &str| command.split_once(flag).map(|(_, rest)| rest.trim_start());
    let body = after(" -d ").map(|rest| rest.split('\'').nth(1).unwrap_or_default().to_owned());
    let url = after("http://127.0.0.1:8002").expect("a URL of the default address");
    let path = url.split([' ', '\'', '\n']).next().unwrap_or_default();
    let method = after("-X ").and_then(|rest| rest.split(' ').next());
    let default = if body.is_some() { "POST" } else { "GET" };
    // `{"unread", "unseen"}` at the end says what comes back.
    let tail = command.rsplit_once("  {\"").filter(|_| body.is_none());
    let keys = tail.map_or_else(Vec::new, |(_, list)| {
        let words = list
            .split('"')
            .filter(|word| word.chars().all(|c| c.is_alphanumeric() || c == '_'));
        words
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    });
    Curl {
        method: method.unwrap_or(default).to_owned(),
        path: path.to_owned(),
        body,
        keys,
        is_admins: command.contains("$ADMIN"),
    }
}

#[tokio::test]
async fn the_readmes_curl_commands_are_answered_as_it_says() {
    let (db, app) = followed().await;
    let sql = db.client().await;
    let commands = curls();
    assert!(
        commands.len() >= 18,
        "the README's curl is found: {commands:?}"
    );
    for command in commands {
        // The README's 17 stands for some notification of theirs.
        let one = app
            .get("/v1/notifications?status=all&limit=1", "zainab")
            .await;
        let id = one["items"][0]["id"].to_string();
        let path = command.path.replace("/17", &format!("/{id}"));
        // Its 42 for the event before the last.
        let event = "select max(id) from neurolink_events where id < (select max(id) from neurolink_events)";
        let event: Option<i64> = sql.query_one(event, &[]).await.unwrap().get(0);
        let path = path.replace("/42", &format!("/{}", event.unwrap()));
        let mut request = app
            .client
            .request(
                command.method.parse().unwrap(),
                format!("{}{path}", app.base),
            )
            .bearer_auth(if command.is_admins {
                token_of("ops", &["admin"], &["*"])
            } else {
                token("zainab", &["producer"])
            });
        if let Some(body) = &command.body {
            request = request
                .header("content-type", "application/json")
                .body(body.clone());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        assert!(status.is_success(), "{command:?}: {status}");
        if command.path.ends_with("/stream") {
            continue;
        }
        if command.path.ends_with("/replay") {
            drained(&sql).await;
        }
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default();
        if command.body.is_some() && command.path.ends_with("/events") {
            assert_eq!(status, 201, "an event of its own");
            drained(&sql).await;
        }
        if !command.keys.is_empty() {
            let keys: BTreeSet<&str> = body
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            let said: BTreeSet<&str> = command.keys.iter().map(String::as_str).collect();
            assert_eq!(keys, said, "{command:?}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn every_endpoint_that_the_readme_names_is_there() {
    let (_db, app) = followed().await;
    let mut named = BTreeSet::new();
    for method in ["GET", "POST", "PATCH", "DELETE"] {
        for (at, _) in README.match_indices(&format!("{method} /")) {
            let path = &README[at + method.len() + 1..];
            let end = path.find(['`', ' ', ',', '\n']).unwrap_or(path.len());
            named.insert((method, path[..end].to_owned()));
        }
    }
    // `also unread, seen, archive, unarchive`, and what its own words list.
    for change in ["read", "unread", "seen", "archive", "unarchive"] {
        named.insert(("PATCH", format!("/v1/notifications/1/{change}")));
    }
    assert!(named.len() > 8, "{named:?}");
    for (method, path) in named {
        let path = path.replace("REV", "0").replace("wait=30", "wait=0");
        let request = app
            .client
            .request(method.parse().unwrap(), format!("{}{path}", app.base))
            .bearer_auth(token("nadia", &["producer"]));
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        assert_ne!(status, 405, "{method} {path}");
        if status == 404 {
            // Known, but there is no notification 1 of theirs.
            let problem: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            assert!(
                problem["detail"].to_string().contains("notification"),
                "{method} {path}: {problem}"
            );
        }
    }
    app.stop().await;
}

/// Every page of the checkout but what is built or installed.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut pages, mut open) = (Vec::new(), vec![root.to_path_buf()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules"
            {
                open.push(path);
            } else if name.ends_with(".md") {
                pages.push(path);
            }
        }
    }
    pages
}

#[test]
fn every_relative_link_of_every_page_leads_somewhere() {
    let mut broken = Vec::new();
    let pages = pages();
    assert!(pages.len() > 8, "{pages:?}");
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for rest in text.split("](").skip(1) {
            let link = rest.split([')', ' ']).next().unwrap_or_default();
            let file = link.split('#').next().unwrap_or_default();
            if link.contains("://") || link.starts_with("mailto:") || file.is_empty() {
                continue;
            }
            if !page.with_file_name("").join(file).exists() {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_command_and_file_that_the_readme_tells_to_run_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut named = BTreeSet::new();
    for word in README.split(|c: char| c.is_whitespace() || "`()".contains(c)) {
        if word.starts_with("deploy/") {
            named.insert(word);
        }
    }
    assert!(named.len() >= 3, "{named:?}");
    for file in named {
        assert!(root.join(file).exists(), "{file}");
    }
}

#[test]
fn the_map_lists_exactly_the_rooms_there_are() {
    let table = MAP
        .split("## The rooms")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .expect("the map has its table of rooms");
    let listed: BTreeSet<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(|name| name.trim_end_matches('/'))
        .collect();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folders: BTreeSet<String> = std::fs::read_dir(source)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        // The two whose file of that name is the room.
        .filter(|name| name != "app" && name != "pipeline")
        .collect();
    let listed: BTreeSet<String> = listed
        .into_iter()
        .filter(|name| *name != "app.rs")
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, folders);
}
