//! The OpenAPI document, merged. Comes in: `openapi.yaml` of this folder (what all share, and our own endpoints) and one part
//! a room. Goes out: one document, in which every operation says who may call it and with which problems it can answer.
//! Pure; a contradiction among the parts is a fault of ours, and a test finds it before anybody else.
//!
//! A part says of an operation what only its room knows. From `x-access`, the parameters, the body and `x-problems` the rest
//! follows: `security`, and an error response for every status.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::codes::{Code, codes};
use crate::kernel::{Error, Result};

const BASE: &str = include_str!("openapi.yaml");

/// What every call can meet.
const ALWAYS: [&str; 6] = [
    "body_incomplete",
    "body_timeout",
    "internal",
    "invalid_parameter",
    "too_large",
    "unavailable",
];
/// What every call that needs a token can meet.
const WITH_TOKEN: [&str; 4] = [
    "token_expired",
    "token_invalid",
    "token_missing",
    "unknown_parameter",
];
/// What reading a JSON body can find.
const BODY: [&str; 13] = [
    "duplicate_field",
    "invalid_json",
    "invalid_type",
    "invalid_utf8",
    "invalid_value",
    "lone_surrogate",
    "missing_field",
    "nested_too_deep",
    "nul_character",
    "number_out_of_range",
    "number_too_long",
    "unknown_field",
    "unsupported_media_type",
];

/// The whole document.
///
/// # Errors
/// When a part is no YAML, two parts define the same thing, or one uses a word that isn't known.
pub fn merge(parts: &[&str]) -> Result<Value> {
    let codes = codes()?;
    let mut document = read(BASE)?;
    for part in parts {
        let Value::Object(part) = read(part)? else {
            return Err(Error::broken(
                "a part of the API's description is no object",
            ));
        };
        for (name, things) in part {
            match name.as_str() {
                "paths" => insert(&mut document, &["paths"], things)?,
                "components" => {
                    for (kind, things) in entries(things)? {
                        insert(&mut document, &["components", &kind], things)?;
                    }
                }
                other => {
                    return Err(Error::broken(format!(
                        "a part of the API's description has `{other}`; it has `paths` and `components`"
                    )));
                }
            }
        }
    }
    let shared = document["components"]["parameters"].clone();
    let paths = document["paths"].as_object_mut();
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete(operation, path, &shared, &codes)
                .map_err(|error| Error::internal(format!("{method} {path}"), error))?;
        }
    }
    // An area is shown once it has something.
    let used: BTreeSet<String> = tags(&document).map(str::to_owned).collect();
    if let Some(areas) = document["tags"].as_array_mut() {
        areas.retain(|area| {
            area["name"]
                .as_str()
                .is_some_and(|name| used.contains(name))
        });
    }
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    describe(&mut document, &codes);
    Ok(document)
}

/// The areas of all operations.
fn tags(document: &Value) -> impl Iterator<Item = &str> {
    let items = document["paths"].as_object().into_iter().flatten();
    let operations = items.filter_map(|(_, item)| item.as_object()).flatten();
    operations.filter_map(|(_, operation)| operation["tags"][0].as_str())
}

fn read(yaml: &str) -> Result<Value> {
    serde_saphyr::from_str(yaml)
        .map_err(|e| Error::internal("a part of the API's description is no YAML", e))
}

fn entries(value: Value) -> Result<Map<String, Value>> {
    match value {
        Value::Object(entries) => Ok(entries),
        _ => Err(Error::broken("an object was expected")),
    }
}

/// Puts named things where such are. Two parts may give different methods of one path, and nothing else twice.
fn insert(document: &mut Value, place: &[&str], things: Value) -> Result<()> {
    let mut here = document;
    for step in place {
        here = &mut here[*step];
    }
    if here.is_null() {
        *here = json!({});
    }
    for (name, thing) in entries(things)? {
        match here.get_mut(&name) {
            None => here[name] = thing,
            Some(_) if place == ["paths"] => insert(here, &[&name], thing)?,
            Some(_) => {
                return Err(Error::broken(format!(
                    "the API's description has `{name}` of {} twice",
                    place.join(" ")
                )));
            }
        }
    }
    Ok(())
}

/// Everything about an operation that follows from what its part says.
fn complete(
    operation: &mut Value,
    path: &str,
    shared: &Value,
    codes: &BTreeMap<&str, Code>,
) -> Result<()> {
    let access = operation["x-access"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let who = match access.as_str() {
        "public" => "Anybody may call this.",
        "authenticated" => "Anybody with a token may call this.",
        "producer" => "Producers and admins may call this.",
        "auditor" => "Auditors and admins may call this.",
        "admin" => "Admins may call this.",
        other => return Err(Error::broken(format!("`x-access: {other}` is unknown"))),
    };
    let mut description = vec![operation["description"].as_str().unwrap_or_default(), who];
    if operation["x-branch"] == json!(true) {
        description
            .push("What belongs to branches that the token doesn't name isn't there for it (404).");
    }
    description.retain(|text| !text.is_empty());
    operation["description"] = description.join("\n\n").into();
    if operation.get("security").is_none() {
        operation["security"] = if access == "public" {
            json!([])
        } else {
            json!([{"token": []}])
        };
    }

    let mut problems = follow(operation, path, &access, shared);
    for code in operation["x-problems"].as_array().into_iter().flatten() {
        problems.insert(code.as_str().unwrap_or_default().to_owned());
    }
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for code in &problems {
        let known = codes.get(code.as_str()).ok_or_else(|| {
            Error::broken(format!("the code `{code}` isn't in src/http/README.md"))
        })?;
        by_status.entry(known.status).or_default().push(code);
    }
    for (status, codes) in by_status {
        let said = &mut operation["responses"][status.to_string()];
        let problem = response(status, &codes);
        if said.is_null() {
            *said = problem;
        } else {
            // The operation has an answer of its own for this status: both may come.
            said["content"]["application/problem+json"] =
                problem["content"]["application/problem+json"].clone();
        }
    }
    operation["x-problems"] = json!(problems);
    Ok(())
}

/// The problems that follow from what an operation takes.
fn follow(operation: &Value, path: &str, access: &str, shared: &Value) -> BTreeSet<String> {
    let mut problems: BTreeSet<&str> = ALWAYS.into();
    if access != "public" {
        problems.extend(WITH_TOKEN);
    }
    if !matches!(access, "public" | "authenticated") {
        problems.insert("forbidden");
    }
    if path.contains('{') {
        problems.insert("not_found");
    }
    if operation["requestBody"]["content"]
        .get("application/json")
        .is_some()
    {
        problems.extend(BODY);
    }
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let parameter = match parameter["$ref"].as_str() {
            Some(name) => &shared[name.rsplit('/').next().unwrap_or_default()],
            None => parameter,
        };
        let name = parameter["name"].as_str().unwrap_or_default();
        match (parameter["in"].as_str().unwrap_or_default(), name) {
            ("query", "limit") => _ = problems.insert("invalid_limit"),
            ("query", "cursor") => _ = problems.insert("invalid_cursor"),
            // A text that the database can't hold: one with U+0000.
            ("query", _) if parameter["schema"]["type"] == json!("string") => {
                problems.insert("invalid_value");
            }
            ("header", "If-Match") => {
                problems.extend(["invalid_header", "precondition_failed"]);
                if parameter["required"] == json!(true) {
                    problems.insert("precondition_required");
                }
            }
            _ => {}
        }
    }
    problems.into_iter().map(str::to_owned).collect()
}

/// An error response: which codes it may have, with an example of each.
fn response(status: u16, codes: &[&str]) -> Value {
    let title = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default();
    let examples: Map<String, Value> = codes
        .iter()
        .map(|code| {
            let place = format!("#/components/examples/{code}");
            ((*code).to_owned(), json!({"$ref": place}))
        })
        .collect();
    let named: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    let mut response = json!({
        "description": format!("{title}: {}", named.join(", ")),
        "content": {"application/problem+json": {
            "schema": {"$ref": "#/components/schemas/Problem"},
            "examples": examples,
        }},
    });
    let header = match status {
        401 => Some("WWW-Authenticate"),
        429 | 503 => Some("Retry-After"),
        _ => None,
    };
    if let Some(name) = header {
        let place = format!("#/components/headers/{name}");
        response["headers"] = json!({name: {"$ref": place}});
    }
    response
}

/// The codes, for programs (`x-problem-codes`, and an example of each) and for people (a table at the end of the introduction).
fn describe(document: &mut Value, codes: &BTreeMap<&str, Code>) {
    // Folded away, so that the endpoints stand near the top of the page.
    let mut table =
        "\n<details><summary>All codes</summary>\n\n| code | status | means |\n|---|---|---|\n"
            .to_owned();
    for (code, Code { status, means }) in codes {
        table.push_str(&format!("| `{code}` | {status} | {means} |\n"));
        document["x-problem-codes"][*code] = json!({"status": status, "means": means});
        let title = http::StatusCode::from_u16(*status)
            .ok()
            .and_then(|status| status.canonical_reason());
        let mut value = json!({
            "type": format!("urn:tsh:neurolink:problem:{code}"),
            "title": title,
            "status": status,
            "code": code,
            "detail": means,
        });
        if *status >= 500 {
            value["request_id"] = "6f1c0f5e-6a5b-4a44-8d0b-2f6d3a1f9f10".into();
        }
        document["components"]["examples"][*code] = json!({"summary": means, "value": value});
    }
    let introduction = document["info"]["description"].as_str().unwrap_or_default();
    document["info"]["description"] = format!("{introduction}{table}\n</details>\n").into();
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: &str = "
paths:
  /v1/things/{id}:
    get:
      operationId: getThing
      x-access: auditor
      x-branch: true
      x-problems: [rule_fault]
      responses: {'200': {description: It}}
";

    fn told(parts: &[&str]) -> String {
        merge(parts).unwrap_err().chain()
    }

    #[test]
    fn a_part_becomes_an_operation_with_its_errors_and_its_security() {
        let document = merge(&[PART]).unwrap();
        let operation = &document["paths"]["/v1/things/{id}"]["get"];
        assert_eq!(operation["security"], json!([{"token": []}]));
        let of = |status: &str| {
            let media = &operation["responses"][status]["content"]["application/problem+json"];
            let examples = media["examples"].as_object().unwrap();
            examples.keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(of("403"), ["forbidden"]);
        assert_eq!(of("404"), ["not_found"]);
        assert!(of("400").contains(&"rule_fault".to_owned()));
        assert_eq!(
            document["components"]["examples"]["rule_fault"]["value"]["status"],
            400
        );
        let text = operation["description"].as_str().unwrap();
        assert!(
            text.contains("Auditors and admins") && text.contains("404"),
            "{text}"
        );
    }

    #[test]
    fn what_contradicts_itself_is_named() {
        assert!(told(&[PART, PART]).contains("`get` of /v1/things/{id} twice"));
        let unknown = PART.replace("rule_fault", "no_such_code");
        assert!(told(&[&unknown]).contains("`no_such_code`"));
        let nobody = PART.replace("auditor", "everybody");
        assert!(told(&[&nobody]).contains("get /v1/things/{id}"));
        assert!(told(&["info: {}"]).contains("`info`"));
        assert!(told(&["{"]).contains("no YAML"));
    }
}
