//! Variables of texts that no known event carries. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::DEPTH;
use crate::rules::definition::Definition;
use crate::rules::reads::Read;

/// Of so many unknown variables of a rule the nearest known one is looked for.
const LOOKED_AT: usize = 200;
/// And so many are told.
pub(super) const SAID: usize = 20;

/// Variables of its texts and keys that no known event of its types carries. One that may be missing is only told where another
/// was meant.
pub(super) fn unknown(
    definition: &Definition,
    carried: &BTreeSet<&str>,
    types: &str,
    found: &mut Vec<(&'static str, String)>,
) {
    let texts = definition.all_texts();
    let texts = texts.flat_map(|(place, text)| {
        let templates = text.templates();
        templates.map(move |template| (place.clone(), template))
    });
    let keys = definition.memory.keys();
    let keys = keys.map(|(place, template)| (place.to_owned(), template));
    // By name, and whether it may be missing everywhere it stands.
    let mut unknown: BTreeMap<(String, &str), (bool, Read<'_>)> = BTreeMap::new();
    for (place, template) in texts.chain(keys) {
        for read in template.reads() {
            let is_known = read.is_of_event || read.depth() > DEPTH;
            if is_known || read.is_among(carried) {
                continue;
            }
            let may_be_missing = read.may_be_missing(carried);
            let one = unknown.entry((place.clone(), read.raw));
            one.or_insert((true, read)).0 &= may_be_missing;
        }
    }
    // The nearest is dear to find.
    let looked_at = unknown.into_iter().take(LOOKED_AT);
    let said = looked_at.filter_map(|((place, name), (may_be_missing, read))| {
        let near = read.near(carried, may_be_missing);
        (!may_be_missing || !near.is_empty()).then(|| {
            format!(
                "{place} says `{name}`, and no known event of type `{types}` carries that{near}"
            )
        })
    });
    found.extend(said.take(SAID).map(|detail| ("unknown_field", detail)));
}
