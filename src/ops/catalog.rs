//! The seventeen standard event types: what each says, in which shape, and one as an ERP sends it. Comes from
//! `sql/starter/catalog.json`, which is in the binary; goes to `GET /v1/event-types` and to the tests of the starter rules.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::kernel::{Error, Result};

/// The file, a JSON array in the order of [`crate::ops::starter::STANDARD_TYPES`].
pub const CATALOG: &str = include_str!("../../sql/starter/catalog.json");

/// A standard event type.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standard {
    /// `invoice.overdue`.
    pub event_type: String,
    /// `invoicing`.
    pub source_module: String,
    /// Its name for people.
    pub title: Title,
    /// What it says, in a sentence.
    pub description: String,
    /// JSON Schema (2020-12) of its payload.
    pub schema: Box<RawValue>,
    /// One, as an ERP sends it.
    pub example: Example,
}

/// A name in the languages that ship.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Title {
    /// English.
    pub en: String,
    /// Arabic.
    pub ar: String,
}

/// An event, of which only the payload is told here.
#[derive(Debug, Clone, Deserialize)]
pub struct Example {
    /// Its payload.
    pub payload: Box<RawValue>,
}

/// All of them.
///
/// # Errors
/// `Internal` when the file that was built in isn't what it should be.
pub fn standard() -> Result<Vec<Standard>> {
    serde_json::from_str(CATALOG)
        .map_err(|e| Error::internal("the built-in catalogue can't be read", e))
}

/// The examples as whole events, with the fields of `POST /v1/events`.
///
/// # Errors
/// As [`standard`].
pub fn examples() -> Result<Vec<Value>> {
    let types: Vec<Value> = serde_json::from_str(CATALOG)
        .map_err(|e| Error::internal("the built-in catalogue can't be read", e))?;
    Ok(types
        .into_iter()
        .map(|mut standard| standard["example"].take())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::starter::STANDARD_TYPES;

    #[test]
    fn each_standard_type_is_there_in_its_order_with_names_in_both_languages() {
        let all = standard().unwrap();
        let types: Vec<&str> = all.iter().map(|s| s.event_type.as_str()).collect();
        assert_eq!(types, STANDARD_TYPES);
        for Standard {
            event_type,
            title,
            description,
            ..
        } in &all
        {
            assert!(!title.en.is_empty(), "{event_type}");
            let is_arabic = |c: char| ('\u{0600}'..='\u{06ff}').contains(&c);
            assert!(title.ar.chars().any(is_arabic), "{event_type}");
            assert!(description.ends_with('.'), "{event_type}");
        }
    }

    #[test]
    fn every_schema_is_one_of_2020_12_and_takes_its_example_and_no_less() {
        for standard in standard().unwrap() {
            let of = &standard.event_type;
            let schema: Value = serde_json::from_str(standard.schema.get()).unwrap();
            assert!(jsonschema::draft202012::meta::is_valid(&schema), "{of}");
            let validator = jsonschema::draft202012::options()
                .should_validate_formats(true)
                .build(&schema)
                .unwrap();
            let payload: Value = serde_json::from_str(standard.example.payload.get()).unwrap();
            let faults: Vec<String> = validator
                .iter_errors(&payload)
                .map(|e| e.to_string())
                .collect();
            assert!(faults.is_empty(), "{of}: {faults:?}");
            for required in schema["required"].as_array().unwrap() {
                let mut without = payload.clone();
                without
                    .as_object_mut()
                    .unwrap()
                    .remove(required.as_str().unwrap());
                assert!(!validator.is_valid(&without), "{of} without {required}");
            }
            for (name, property) in schema["properties"].as_object().unwrap() {
                assert!(property["description"].is_string(), "{of} {name}");
                assert!(
                    payload.get(name).is_some(),
                    "{of}: the example lacks {name}"
                );
            }
        }
    }

    #[test]
    fn every_example_is_of_its_type_and_module() {
        for (standard, example) in standard().unwrap().iter().zip(examples().unwrap()) {
            assert_eq!(example["event_type"], standard.event_type.as_str());
            assert_eq!(example["source_module"], standard.source_module.as_str());
        }
    }
}
