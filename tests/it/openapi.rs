//! The API's description: true to the routes in both directions, whole, its examples valid; and `/docs`, which shows it.

mod answers;
mod page;

use std::collections::{BTreeMap, BTreeSet};

use neurolink::http::{Access, codes};
use serde_json::Value;

use crate::support::TestDb;
use crate::support::app::App;
use crate::support::contract::{Contract, contract};

pub const API: neurolink::app::Parts = neurolink::app::Parts {
    api: true,
    worker: false,
};

/// The word of `x-access`.
pub fn word(access: Access) -> &'static str {
    match access {
        Access::Public => "public",
        Access::Anyone => "authenticated",
        Access::Producer => "producer",
        Access::Auditor => "auditor",
        Access::Admin => "admin",
    }
}

fn none(what: &str, faults: Vec<String>) {
    assert!(faults.is_empty(), "{what}:\n  {}", faults.join("\n  "));
}

#[tokio::test]
async fn every_route_is_documented_with_who_may_call_it_and_every_documented_operation_is_there() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, API, &[]).await;
    let served: BTreeMap<String, &str> = app
        .node
        .served()
        .iter()
        .map(|(method, path, access)| (format!("{method} {path}"), word(*access)))
        .collect();
    let documented: BTreeMap<String, &str> = contract()
        .operations()
        .map(|(method, path, operation)| {
            (
                format!("{method} {path}"),
                operation["x-access"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(documented, served, "documented and served");
    app.stop().await;
}

#[test]
fn every_operation_is_whole() {
    let contract = contract();
    let (mut faults, mut names) = (Vec::new(), BTreeSet::new());
    let tags: BTreeSet<&str> = contract.document()["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    for (method, path, operation) in contract.operations() {
        let mut wrong = |what: &str| faults.push(format!("{method} {path}: {what}"));
        let name = operation["operationId"].as_str().unwrap_or_default();
        if name.is_empty() || !names.insert(name.to_owned()) {
            wrong("its operationId is missing or another's");
        }
        if !operation["summary"]
            .as_str()
            .is_some_and(|s| s.ends_with('.'))
        {
            wrong("its summary is no sentence");
        }
        match operation["tags"].as_array().map(Vec::as_slice) {
            Some([tag]) if tags.contains(tag.as_str().unwrap()) => {}
            _ => wrong("it has not one tag that the document describes"),
        }
        let responses = operation["responses"].as_object().unwrap();
        if !responses.keys().any(|status| status.starts_with('2')) {
            wrong("nothing says how it succeeds");
        }
        let mut variables = BTreeSet::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let parameter = contract.resolve(parameter);
            let name = parameter["name"].as_str().unwrap_or_default();
            if !parameter["description"].is_string() || !parameter["schema"].is_object() {
                wrong(&format!(
                    "the parameter `{name}` lacks a description or a schema"
                ));
            }
            if parameter["in"] == "path" {
                variables.insert(format!("{{{name}}}"));
            }
        }
        let own: BTreeSet<String> = path
            .split('/')
            .filter(|segment| segment.starts_with('{'))
            .map(str::to_owned)
            .collect();
        if own != variables {
            wrong("its path's variables and its parameters differ");
        }
    }
    none("operations that aren't whole", faults);
}

/// Every place that describes a value, with its schema and its examples: requests, answers, parameters, and schemas' own.
fn described(contract: &Contract) -> Vec<(String, Value, Vec<Value>)> {
    let mut found = Vec::new();
    let mut media = |at: String, content: &Value| {
        for (name, media) in content.as_object().into_iter().flatten() {
            let named = media["examples"].as_object().into_iter().flatten();
            let mut examples: Vec<Value> = named
                .map(|(_, example)| contract.resolve(example)["value"].clone())
                .collect();
            examples.extend(media.get("example").cloned());
            found.push((format!("{at} {name}"), media["schema"].clone(), examples));
        }
    };
    for (method, path, operation) in contract.operations() {
        media(
            format!("{method} {path} request"),
            &operation["requestBody"]["content"],
        );
        for (status, response) in operation["responses"].as_object().unwrap() {
            let response = contract.resolve(response);
            media(format!("{method} {path} {status}"), &response["content"]);
        }
    }
    let own = |schema: &Value| schema["examples"].as_array().cloned().unwrap_or_default();
    for (method, path, operation) in contract.operations() {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let parameter = contract.resolve(parameter);
            let schema = parameter["schema"].clone();
            let examples = own(&schema);
            found.push((
                format!("{method} {path} {}", parameter["name"]),
                schema,
                examples,
            ));
        }
    }
    let schemas = contract.document()["components"]["schemas"].as_object();
    for (name, schema) in schemas.unwrap() {
        let properties = schema["properties"].as_object();
        for (property, schema) in properties.into_iter().flatten() {
            found.push((format!("{name}.{property}"), schema.clone(), own(schema)));
        }
        found.push((name.clone(), schema.clone(), own(schema)));
    }
    found
}

#[test]
fn every_example_is_what_its_schema_says_and_every_json_body_has_one() {
    let contract = contract();
    let mut faults = Vec::new();
    let all = described(contract);
    assert!(all.len() > 200, "{}", all.len());
    for (at, schema, examples) in all {
        if at.ends_with("json") && examples.is_empty() {
            faults.push(format!("{at}: without an example"));
        }
        // Compiled in any case: a reference that leads nowhere is found.
        let key = format!("example {at}");
        contract.faults(&key, &schema, &Value::Null);
        for example in examples {
            let wrong = contract.faults(&key, &schema, &example);
            faults.extend(wrong.into_iter().map(|fault| format!("{at}: {fault}")));
        }
    }
    none("examples", faults);
}

/// Every `$ref` below.
fn references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            into.extend(
                object
                    .get("$ref")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            object.values().for_each(|v| references(v, into));
        }
        Value::Array(items) => items.iter().for_each(|v| references(v, into)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_nothing_is_kept_that_nobody_uses() {
    let document = contract().document();
    let mut used = BTreeSet::new();
    references(document, &mut used);
    for place in &used {
        let pointer = place.strip_prefix('#').expect("references stay within");
        assert!(document.pointer(pointer).is_some(), "{place}");
    }
    // What the rooms to come will use.
    let for_all = [
        "#/components/schemas/Channel",
        "#/components/schemas/GivenId",
        "#/components/headers/Retry-After",
    ];
    let mut unused = Vec::new();
    for kind in ["schemas", "parameters", "headers"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let place = format!("#/components/{kind}/{name}");
            if !used.contains(&place) && !for_all.contains(&place.as_str()) {
                unused.push(place);
            }
        }
    }
    none("nobody uses", unused);
}

#[test]
fn every_object_is_closed_or_says_that_it_is_open() {
    fn look(at: &str, schema: &Value, faults: &mut Vec<String>) {
        if let Some(properties) = schema["properties"].as_object() {
            if schema.get("additionalProperties").is_none() {
                faults.push(at.to_owned());
            }
            for (name, property) in properties {
                look(&format!("{at}.{name}"), property, faults);
            }
        }
        if schema["items"].is_object() {
            look(&format!("{at}[]"), &schema["items"], faults);
        }
    }
    let contract = contract();
    let mut faults = Vec::new();
    for (at, schema, _) in described(contract) {
        look(&at, &schema, &mut faults);
    }
    none("neither closed nor said to be open", faults);
}

#[test]
fn every_code_is_told_to_programs_and_to_people() {
    let document = contract().document();
    let description = document["info"]["description"].as_str().unwrap();
    for (code, known) in codes::codes().unwrap() {
        let told = &document["x-problem-codes"][code];
        assert_eq!(told["status"], known.status, "{code}");
        assert_eq!(told["means"], known.means, "{code}");
        let row = format!("| `{code}` | {} | {} |", known.status, known.means);
        assert!(description.contains(&row), "{code}");
    }
    let mut answered = BTreeSet::from(["method_not_allowed", "rate_limited"]);
    for (_, _, operation) in contract().operations() {
        let listed = operation["x-problems"].as_array().unwrap();
        answered.extend(listed.iter().map(|code| code.as_str().unwrap()));
    }
    let known = document["x-problem-codes"].as_object().unwrap();
    let never: Vec<String> = known
        .keys()
        .filter(|code| !answered.contains(code.as_str()))
        .cloned()
        .collect();
    none("codes that no operation answers with", never);
}
