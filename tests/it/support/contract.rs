//! The API's description as a contract: every answer that a test's client gets is held against it. Its status must be
//! documented for that route, its body valid against the schema, its headers there, a problem's code listed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use http::{HeaderMap, Method};
use jsonschema::Validator;
use serde_json::{Value, json};

/// The document, read once a process.
pub struct Contract {
    document: Value,
    templates: Vec<(String, Vec<String>)>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// An answer as it came.
pub struct Answer<'a> {
    pub method: &'a Method,
    /// As it was asked for, without the query.
    pub path: &'a str,
    pub status: u16,
    pub headers: &'a HeaderMap,
    /// `None` for what doesn't end, and for what was packed on the way.
    pub body: Option<&'a [u8]>,
}

/// The product's own.
pub fn contract() -> &'static Contract {
    static CONTRACT: OnceLock<Contract> = OnceLock::new();
    CONTRACT.get_or_init(|| {
        let document =
            neurolink::app::openapi::document().unwrap_or_else(|e| panic!("{}", e.chain()));
        let paths = document["paths"].as_object().unwrap();
        let templates = paths
            .keys()
            .map(|path| (path.clone(), path.split('/').map(str::to_owned).collect()))
            .collect();
        Contract {
            document,
            templates,
            validators: Mutex::default(),
        }
    })
}

fn is_variable(segment: &str) -> bool {
    segment.starts_with('{')
}

impl Contract {
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Every operation: method, path, itself.
    pub fn operations(&self) -> impl Iterator<Item = (Method, &str, &Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        paths.iter().flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(|(method, operation)| {
                let method = method.to_uppercase().parse().unwrap();
                (method, path.as_str(), operation)
            })
        })
    }

    /// The documented path that answers this one; a literal segment wins over a variable.
    pub fn template(&self, path: &str) -> Option<&str> {
        let segments: Vec<&str> = path.split('/').collect();
        let fits = |own: &[String]| {
            own.len() == segments.len()
                && own
                    .iter()
                    .zip(&segments)
                    .all(|(own, given)| own == given || (is_variable(own) && !given.is_empty()))
        };
        self.templates
            .iter()
            .filter(|(_, own)| fits(own))
            .min_by_key(|(_, own)| {
                let variables: Vec<bool> = own.iter().map(|s| is_variable(s)).collect();
                variables
            })
            .map(|(path, _)| path.as_str())
    }

    /// Something of the document, behind its reference if it is one.
    pub fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str().and_then(|r| r.strip_prefix('#')) {
            Some(pointer) => self
                .document
                .pointer(pointer)
                .unwrap_or_else(|| panic!("{pointer} leads nowhere")),
            None => value,
        }
    }

    /// What a value breaks of a schema of the document; `key` names the schema.
    pub fn faults(&self, key: &str, schema: &Value, value: &Value) -> Vec<String> {
        let mut known = self.validators.lock().unwrap();
        let validator = known.entry(key.to_owned()).or_insert_with(|| {
            let mut root = schema.clone();
            root["components"] = json!({"schemas": self.document["components"]["schemas"]});
            let validator = jsonschema::draft202012::options()
                .should_validate_formats(true)
                .should_ignore_unknown_formats(true)
                .build(&root)
                .unwrap_or_else(|e| panic!("the schema of {key}: {e}"));
            Arc::new(validator)
        });
        let validator = validator.clone();
        drop(known);
        validator
            .iter_errors(value)
            .map(|e| format!("{} at {:?}", e, e.instance_path().to_string()))
            .collect()
    }

    /// Fails when the answer isn't documented. `strict`: whatever isn't documented must not be there at all.
    pub fn hold(&self, answer: &Answer<'_>, strict: bool) {
        let Answer {
            method,
            path,
            status,
            ..
        } = answer;
        let said = || {
            let body = answer.body.map(String::from_utf8_lossy).unwrap_or_default();
            format!("{method} {path} → {status} {body}")
        };
        let Some(template) = self.template(path) else {
            assert!(!strict || *status == 404, "not documented: {}", said());
            return;
        };
        if *method == Method::OPTIONS {
            return;
        }
        let word = if *method == Method::HEAD {
            "get"
        } else {
            &method.as_str().to_lowercase()
        };
        let Some(operation) = self.document["paths"][template].get(word) else {
            assert_eq!(*status, 405, "not documented: {}", said());
            assert!(answer.headers.contains_key("allow"), "{}", said());
            return;
        };
        let Some(response) = operation["responses"].get(status.to_string()) else {
            panic!("a status that isn't documented: {}", said());
        };
        let response = self.resolve(response);
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let required = self.resolve(header)["required"] == json!(true);
            // The status may be shared with another answer, which has them.
            let shared = response["content"].as_object().is_some_and(|c| c.len() > 1);
            let there = answer.headers.contains_key(name);
            assert!(!required || there || shared, "without {name}: {}", said());
        }
        if *method == Method::HEAD {
            return;
        }
        let Some(content) = response["content"].as_object() else {
            let empty = answer.body.is_none_or(<[u8]>::is_empty);
            assert!(empty, "a body that isn't documented: {}", said());
            return;
        };
        let media = answer
            .headers
            .get("content-type")
            .map(|m| m.to_str().unwrap());
        let media = media.unwrap_or_else(|| panic!("without a media type: {}", said()));
        let Some(documented) = content.get(media) else {
            panic!("{media} isn't documented: {}", said());
        };
        let (true, Some(body)) = (media.contains("json"), answer.body) else {
            return;
        };
        let key = format!("{method} {template} {status} {media}");
        // Of lines, each is a value.
        let lines: Vec<&[u8]> = if media == "application/x-ndjson" {
            let lines = body.split(|byte| *byte == b'\n');
            lines.filter(|line| !line.is_empty()).collect()
        } else {
            vec![body]
        };
        let mut body = Value::Null;
        for line in lines {
            body = serde_json::from_slice(line).unwrap_or_else(|e| panic!("{e}: {}", said()));
            let faults = self.faults(&key, &documented["schema"], &body);
            assert!(faults.is_empty(), "{}\n{}", faults.join("\n"), said());
        }
        if media == "application/problem+json" {
            let listed = operation["x-problems"].as_array().unwrap();
            assert!(
                listed.contains(&body["code"]),
                "a code that isn't documented: {}",
                said()
            );
            assert_eq!(body["status"], *status, "{}", said());
        }
    }
}
