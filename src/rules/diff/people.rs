//! What differs between two rules' recipients and channels: who comes, who goes. Pure.

use serde_json::Value;

use super::Changes;

/// A list of whom or what, said of each item.
pub(super) struct List {
    /// Of one that came.
    come: &'static str,
    /// Of one that went.
    gone: &'static str,
    /// What an item stands for.
    item: fn(&str) -> String,
    /// What a template without the key has.
    default: &'static [&'static str],
}

/// How a key's list is told.
pub(super) fn list(key: &str) -> Option<List> {
    const TOLD: [&str; 2] = ["now also told: ", "no longer told: "];
    let ([come, gone], item): (_, fn(&str) -> String) = match key {
        "recipient_roles" => (TOLD, |role| format!("role {role}")),
        "recipient_groups" => (TOLD, |group| format!("group {group}")),
        "recipient_users" => (TOLD, str::to_owned),
        "recipient_fields" => (TOLD, |path| format!("whom `{}` names", payload(path))),
        "recipient_managers" => (TOLD, manager),
        "exclude_users" => (["now left out: ", "no longer left out: "], str::to_owned),
        "channels" => (["now also ", "no longer "], channel),
        _ => return None,
    };
    let default: &[&str] = if key == "channels" { &["in_app"] } else { &[] };
    Some(List {
        come,
        gone,
        item,
        default,
    })
}

impl List {
    /// Whether both are lists, as they must be; the differences, whatever the order.
    pub(super) fn compare(
        &self,
        place: &str,
        before: Option<&Value>,
        after: Option<&Value>,
        changes: &mut Changes,
    ) -> bool {
        let (Some(old), Some(new)) = (self.items(before), self.items(after)) else {
            return false;
        };
        for (index, (word, value)) in old.iter().enumerate() {
            if new.iter().all(|(other, _)| other != word) {
                let place = format!("{place}/{index}");
                changes.add(
                    place,
                    Some(value),
                    None,
                    format!("{}{}", self.gone, (self.item)(word)),
                );
            }
        }
        for (index, (word, value)) in new.iter().enumerate() {
            if old.iter().all(|(other, _)| other != word) {
                let place = format!("{place}/{index}");
                changes.add(
                    place,
                    None,
                    Some(value),
                    format!("{}{}", self.come, (self.item)(word)),
                );
            }
        }
        true
    }

    /// What each item stands for.
    pub(super) fn said(&self, items: &[Value]) -> Vec<String> {
        items.iter().map(|item| (self.item)(&word(item))).collect()
    }

    /// The items as words and as they stand there.
    fn items(&self, list: Option<&Value>) -> Option<Vec<(String, Value)>> {
        let Some(list) = list else {
            let defaults = self.default.iter();
            return Some(
                defaults
                    .map(|word| ((*word).to_owned(), Value::from(*word)))
                    .collect(),
            );
        };
        let items = list.as_array()?.iter();
        Some(items.map(|item| (word(item), item.clone())).collect())
    }
}

fn word(item: &Value) -> String {
    match item {
        Value::String(word) => word.trim().to_owned(),
        other => other.to_string(),
    }
}

fn payload(path: &str) -> String {
    let path = path.strip_prefix("payload.").unwrap_or(path);
    format!("payload.{path}")
}

fn manager(word: &str) -> String {
    match word {
        "actor" => "the manager of who did it".to_owned(),
        "recipients" => "the managers of those told".to_owned(),
        path => format!("the managers of whom `{}` names", payload(path)),
    }
}

fn channel(word: &str) -> String {
    match word {
        "in_app" => "in the inbox",
        "email" => "by e-mail",
        "sms" => "by SMS",
        "whatsapp" => "by WhatsApp",
        "telegram" => "by Telegram",
        "slack" => "by Slack",
        "web_push" => "by Web Push",
        "webhook" => "by webhook",
        other => return format!("by {other}"),
    }
    .to_owned()
}

/// `recipient_branches` in words.
pub(super) fn branches(value: Option<&Value>) -> String {
    match value {
        None => "the event's branch".to_owned(),
        Some(Value::String(word)) if word == "event" => "the event's branch".to_owned(),
        Some(Value::String(word)) if word == "any" => "any branch".to_owned(),
        Some(Value::Array(items)) => {
            let words: Vec<String> = items.iter().map(word).collect();
            match words.as_slice() {
                [one] => format!("branch {one}"),
                several => format!("branches {}", several.join(", ")),
            }
        }
        Some(other) => other.to_string(),
    }
}
