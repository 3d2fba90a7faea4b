//! Which event types a rule is about, and the index that finds a type's rules without looking at the others. Comes from
//! `event_type_pattern`, goes to `set`.

use std::collections::HashMap;

use crate::ingest::Event;
use crate::rules::model::Fault;

/// A checked `event_type_pattern`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// `invoice.overdue`
    Exact(String),
    /// `invoice.*`, without its `.*`
    Prefix(String),
    /// `*`
    Any,
}

impl Pattern {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let is_dotted = |name: &str| {
            name.split('.').all(|word| {
                !word.is_empty()
                    && word
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            })
        };
        match text.strip_suffix(".*") {
            _ if text == "*" => Ok(Self::Any),
            Some(prefix) if is_dotted(prefix) => Ok(Self::Prefix(prefix.to_owned())),
            None if is_dotted(text) => Ok(Self::Exact(text.to_owned())),
            _ => Err(Fault {
                place: "/event_type_pattern".to_owned(),
                detail: format!(
                    "`{text}` is no pattern: it is an event type (`invoice.overdue`), a prefix (`invoice.*`) or `*`"
                ),
            }),
        }
    }

    /// Whether an event type is meant. `invoice.*` means `invoice.paid` and `invoice.line.added`, not `invoice`.
    pub(crate) fn matches(&self, event_type: &str) -> bool {
        match self {
            Self::Exact(name) => name == event_type,
            Self::Prefix(prefix) => event_type
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| rest.starts_with('.')),
            Self::Any => true,
        }
    }
}

/// Whether a rule of this pattern and module (`None` = any) is about an event, before any condition.
///
/// # Errors
/// Why not, in a sentence.
pub fn concerns(pattern: &str, module: Option<&str>, event: &Event) -> Result<(), String> {
    if let Some(module) = module.filter(|module| *module != event.source_module) {
        return Err(format!(
            "it is about events of module {module}, and this one is of {}",
            event.source_module
        ));
    }
    match Pattern::parse(pattern) {
        Ok(read) if read.matches(&event.event_type) => Ok(()),
        _ => Err(format!(
            "it is about events of type {pattern}, and this one is {}",
            event.event_type
        )),
    }
}

/// Positions of rules by what they are about. Positions are in the order of evaluation.
#[derive(Debug, Default)]
pub(crate) struct Index {
    exact: HashMap<String, Vec<u32>>,
    prefix: HashMap<String, Vec<u32>>,
    any: Vec<u32>,
}

impl Index {
    /// Adds the rule at `position`; positions come in ascending order.
    pub(crate) fn add(&mut self, pattern: &Pattern, position: u32) {
        match pattern {
            Pattern::Exact(name) => self.exact.entry(name.clone()).or_default().push(position),
            Pattern::Prefix(prefix) => self
                .prefix
                .entry(prefix.clone())
                .or_default()
                .push(position),
            Pattern::Any => self.any.push(position),
        }
    }

    /// The positions of the rules about an event type, ascending.
    pub(crate) fn find(&self, event_type: &str) -> Vec<u32> {
        let mut found: Vec<u32> = self.any.clone();
        if let Some(positions) = self.exact.get(event_type) {
            found.extend_from_slice(positions);
        }
        if !self.prefix.is_empty() {
            for (dot, _) in event_type.match_indices('.') {
                if let Some(positions) = self.prefix.get(&event_type[..dot]) {
                    found.extend_from_slice(positions);
                }
            }
        }
        found.sort_unstable();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_prefix_means_everything_below_it_and_nothing_else() {
        let pattern = Pattern::parse("invoice.*").unwrap();
        assert!(pattern.matches("invoice.paid"));
        assert!(pattern.matches("invoice.line.added"));
        assert!(!pattern.matches("invoice"));
        assert!(!pattern.matches("invoices.paid"));
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_its_place() {
        for text in [
            "", ".", "a.", ".*", "**", "a*", "A.b", "a.*.b", "a b", "*.a",
        ] {
            let fault = Pattern::parse(text).unwrap_err();
            assert_eq!(fault.place, "/event_type_pattern", "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_index_finds_exactly_what_the_patterns_mean(
            patterns in prop::collection::vec(
                prop_oneof![Just("*".to_owned()), "[ab](\\.[ab]){0,2}(\\.\\*)?"], 0..20),
            event_type in "[ab](\\.[ab]){1,3}",
        ) {
            let patterns: Vec<Pattern> = patterns.iter().map(|p| Pattern::parse(p).unwrap()).collect();
            let mut index = Index::default();
            for (i, pattern) in patterns.iter().enumerate() {
                index.add(pattern, i as u32);
            }
            let meant: Vec<u32> = (0..patterns.len() as u32)
                .filter(|i| patterns[*i as usize].matches(&event_type)).collect();
            prop_assert_eq!(index.find(&event_type), meant);
        }
    }
}
