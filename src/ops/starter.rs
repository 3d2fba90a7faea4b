//! The starter rules that ship with the product (`sql/starter/rules.json`, described in `sql/starter/README.md`): one for
//! each of the seventeen standard event types, put into `neurolink_notification_rules` where their names aren't taken yet.

use serde::Deserialize;

use crate::db::Db;
use crate::kernel::{Error, Result};
use crate::ops::store;

/// The rules, as a JSON array of rows.
pub const RULES: &str = include_str!("../../sql/starter/rules.json");

/// The standard event types, in the order of `sql/starter/README.md`.
pub const STANDARD_TYPES: [&str; 17] = [
    "invoice.created",
    "invoice.overdue",
    "invoice.paid",
    "invoice.partially_paid",
    "stock.low",
    "stock.out",
    "stock.adjusted",
    "stock.transferred",
    "order.created",
    "order.approved",
    "order.shipped",
    "order.delivered",
    "order.cancelled",
    "po.created",
    "po.approved",
    "po.received",
    "po.rejected",
];

/// Inserts the starter rules whose names aren't there yet and says how many that were. Rules that are there stay as they
/// are, changed or not. When all are there nothing is written, and no node has to look at its rules again.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn load(db: &Db) -> Result<usize> {
    let client = db.client().await?;
    if store::missing(&client, RULES).await?.is_empty() {
        return Ok(0);
    }
    let inserted = store::load(&client, RULES).await?;
    tracing::info!(rules = inserted, "starter rules were loaded");
    usize::try_from(inserted).map_err(|e| Error::internal("an impossible count of rules", e))
}

/// The names of the starter rules, in the order of `rules.json`.
///
/// # Errors
/// `Internal` when the file that was built in isn't what it should be.
pub fn names() -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    let rules: Vec<Named> = serde_json::from_str(RULES)
        .map_err(|e| Error::internal("the built-in starter rules can't be read", e))?;
    Ok(rules.into_iter().map(|r| r.name).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;
    use crate::ops::catalog;

    fn array(text: &str) -> Vec<Value> {
        serde_json::from_str(text).unwrap()
    }

    fn text<'a>(value: &'a Value, key: &str) -> &'a str {
        value[key].as_str().unwrap_or_default()
    }

    #[test]
    fn there_is_one_starter_rule_for_each_standard_type() {
        let rules = array(RULES);
        let types: Vec<&str> = rules
            .iter()
            .map(|r| text(r, "event_type_pattern"))
            .collect();
        assert_eq!(types, STANDARD_TYPES);
    }

    #[test]
    fn every_rule_is_named_for_its_type_and_listens_to_the_module_of_its_example() {
        let modules: BTreeMap<String, String> = catalog::examples()
            .unwrap()
            .iter()
            .map(|e| {
                (
                    text(e, "event_type").into(),
                    text(e, "source_module").into(),
                )
            })
            .collect();
        for (rule, name) in array(RULES).iter().zip(names().unwrap()) {
            let pattern = text(rule, "event_type_pattern");
            assert_eq!(name, format!("starter.{pattern}"));
            assert_eq!(text(rule, "source_module"), modules[pattern], "{name}");
        }
    }

    #[test]
    fn every_text_of_a_starter_rule_is_there_in_english_and_arabic() {
        for rule in array(RULES) {
            for key in ["title", "body", "action_label"] {
                let texts = &rule["notification_template"][key];
                let name = text(&rule, "name");
                assert!(!text(texts, "en").is_empty(), "{name} {key} en");
                assert!(
                    text(texts, "ar")
                        .chars()
                        .any(|c| ('\u{0600}'..='\u{06ff}').contains(&c)),
                    "{name} {key} ar"
                );
            }
        }
    }

    #[test]
    fn every_starter_rule_has_recipients_and_reaches_at_least_the_inbox() {
        for rule in array(RULES) {
            let template = &rule["notification_template"];
            let some = |key: &str| template[key].as_array().is_some_and(|a| !a.is_empty());
            assert!(
                some("recipient_roles") || some("recipient_fields"),
                "{rule}"
            );
            assert_eq!(template["channels"][0], "in_app", "{rule}");
        }
    }

    #[test]
    fn the_page_of_the_starter_rules_documents_every_key_that_their_texts_use() {
        let page = include_str!("../../sql/starter/README.md");
        let examples = catalog::examples().unwrap();
        for rule in array(RULES) {
            let pattern = text(&rule, "event_type_pattern");
            let template = rule["notification_template"].to_string();
            let example = examples
                .iter()
                .find(|e| text(e, "event_type") == pattern)
                .unwrap();
            assert!(page.contains(&format!("| `{pattern}` |")), "{pattern}");
            for key in example["payload"].as_object().unwrap().keys() {
                let used = template
                    .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                    .any(|word| word == key);
                assert!(
                    !used || page.contains(&format!("`{key}`")),
                    "{pattern} {key}"
                );
            }
        }
    }
}
