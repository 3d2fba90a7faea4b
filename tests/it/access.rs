//! Who may what: every documented operation, called by everybody, of every branch. The rows are the API's description itself
//! (`x-access`, `x-owner`, `x-branch`), so that a new endpoint is walked as soon as it is described.

mod branches;
mod owners;

use std::collections::BTreeMap;
use std::path::Path;

use http::Method;
use serde_json::Value;

use crate::openapi::API;
use crate::support::TestDb;
use crate::support::app::App;
use crate::support::contract::contract;
use crate::support::http::token;

/// The page that tells people.
const PAGE: &str = "src/http/ACCESS.md";

/// Who calls, and the words of `x-access` that let them in.
const CALLERS: [(&str, &[&str]); 6] = [
    ("nobody", &["public"]),
    ("a bad token", &["public"]),
    ("a user", &["public", "authenticated"]),
    ("producer", &["public", "authenticated", "producer"]),
    ("auditor", &["public", "authenticated", "auditor"]),
    (
        "admin",
        &["public", "authenticated", "producer", "auditor", "admin"],
    ),
];

/// An operation as it is described.
#[derive(Clone)]
pub struct Operation {
    pub method: Method,
    pub path: String,
    pub access: String,
    /// Its things are the caller's own.
    pub is_own: bool,
    /// Its things belong to branches.
    pub is_of_branch: bool,
    description: Value,
}

impl Operation {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let operations = contract().operations();
        operations
            .map(|(method, path, it)| Self {
                method,
                path: path.to_owned(),
                access: it["x-access"].as_str().unwrap().to_owned(),
                is_own: it["x-owner"] == true,
                is_of_branch: it["x-branch"] == true,
                description: it.clone(),
            })
            .collect()
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether it is about one thing that its path names.
    pub fn is_of_one(&self) -> bool {
        self.path.contains("{id}")
    }

    /// A call of it as it is documented: the path's variables are `id` (all else is 1), what is required has its example.
    pub async fn call(&self, app: &App, token: Option<&str>, id: &str) -> (u16, Value) {
        let segments = self.path.split('/').map(|segment| match segment {
            "{id}" => id,
            "{file}" => "swagger-ui.css",
            variable if variable.starts_with('{') => "1",
            literal => literal,
        });
        let mut path = segments.collect::<Vec<_>>().join("/");
        let mut headers = Vec::new();
        for parameter in self.description["parameters"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let parameter = contract().resolve(parameter);
            let name = parameter["name"].as_str().unwrap();
            let value = value_of(contract().resolve(&parameter["schema"]));
            match parameter["in"].as_str().unwrap() {
                "query" if name == "limit" => path += &format!("{}limit=200", mark(&path)),
                "query" if parameter["required"] == true => {
                    path += &format!("{}{name}={value}", mark(&path));
                }
                "header" if parameter["required"] == true => headers.push((name.to_owned(), value)),
                _ => {}
            }
        }
        let url = format!("{}{path}", app.base);
        let mut request = app.client.request(self.method.clone(), url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let body = &self.description["requestBody"]["content"]["application/json"]["example"];
        if !body.is_null() {
            let mut body = body.clone();
            if body["until"].is_string() {
                // No moment of an example stays ahead for ever.
                let tomorrow = jiff::Timestamp::now().as_second() + 24 * 3600;
                body["until"] = jiff::Timestamp::from_second(tomorrow)
                    .unwrap()
                    .to_string()
                    .into();
            }
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let media = response.headers().get("content-type").cloned();
        let is_json = |media: &str| media.contains("json") && media != "application/x-ndjson";
        if media.is_none_or(|media| !is_json(media.to_str().unwrap())) {
            return (status, Value::Null);
        }
        (status, response.json().await.unwrap())
    }
}

/// A value that fits: the last of the schema's examples, else the first of its words, else somebody's id.
fn value_of(schema: &Value) -> String {
    let examples = schema["examples"].as_array().and_then(|all| all.last());
    let words = schema["enum"].as_array().and_then(|all| all.first());
    match examples.or(words).or(schema.get("default")) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "nadia".to_owned(),
    }
}

fn mark(path: &str) -> char {
    if path.contains('?') { '&' } else { '?' }
}

/// A caller's token.
fn credential(caller: &str) -> Option<String> {
    match caller {
        "nobody" => None,
        "a bad token" => Some("not.a.token".to_owned()),
        "a user" => Some(token("somebody", &[])),
        role => Some(token("somebody", &[role])),
    }
}

#[tokio::test]
async fn every_operation_lets_in_whom_it_says_and_nobody_else() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, API, &[]).await;
    let mut wrong = Vec::new();
    for operation in Operation::all() {
        for (caller, words) in CALLERS {
            let credential = credential(caller);
            let (status, body) = operation.call(&app, credential.as_deref(), "1").await;
            let code = body["code"].as_str().unwrap_or_default();
            let admitted = words.contains(&operation.access.as_str());
            let expected = match caller {
                _ if admitted => (status, code, status != 401 && status != 403),
                "nobody" => (401, "token_missing", true),
                "a bad token" => (401, "token_invalid", true),
                _ => (403, "forbidden", true),
            };
            if (status, code, true) != expected {
                wrong.push(format!("{caller}: {} → {status} {body}", operation.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    app.stop().await;
}

/// The page's table.
fn table() -> String {
    let mut rows = vec![
        "| endpoint | without a token | any token | `producer` | `auditor` | `admin` | of which things |"
            .to_owned(),
        "|---|---|---|---|---|---|---|".to_owned(),
    ];
    let mut sorted = BTreeMap::new();
    for operation in Operation::all() {
        let method = operation.method.to_string();
        sorted.insert((operation.path.clone(), method), operation);
    }
    for operation in sorted.into_values() {
        let things = match (operation.is_own, operation.is_of_branch) {
            (true, false) => "one's own",
            (false, true) => "of the token's branches, and of none",
            (false, false) => "",
            (true, true) => panic!("{}: one's own or a branch's?", operation.name()),
        };
        let mut cells = vec![format!("`{}`", operation.name())];
        for (caller, words) in CALLERS {
            if caller != "a bad token" {
                let may = words.contains(&operation.access.as_str());
                cells.push(if may { "yes" } else { "" }.to_owned());
            }
        }
        cells.push(things.to_owned());
        rows.push(format!("| {} |", cells.join(" | ")).replace("|  |", "| |"));
    }
    rows.join("\n").replace("|  |", "| |")
}

#[test]
fn the_page_tells_people_what_the_walk_finds() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let begin = page.find("| endpoint |").expect("the page has its table");
    let end = page[begin..]
        .find("\n\n")
        .map_or(page.trim_end().len(), |at| begin + at);
    let table = table();
    if page[begin..end] == table {
        return;
    }
    // Written anew on demand, so that nobody keeps it by hand.
    if std::env::var_os("NEUROLINK_TEST_WRITE").is_some() {
        std::fs::write(&path, format!("{}{table}{}", &page[..begin], &page[end..])).unwrap();
        return;
    }
    panic!("{PAGE} is out of date; NEUROLINK_TEST_WRITE=1 writes it:\n{table}");
}
