//! What a text reads of the payload: every variable as a path from the top, its blocks resolved. Comes from `template`, goes to
//! whoever knows what there is to read. Pure.

use std::collections::BTreeSet;

use crate::rules::helpers::Helper;
use crate::rules::suggest::{did_you_mean, did_you_misspell};
use crate::rules::template::{Call, Expression, Node, Path, Start, Template};

/// A step that may be a place in a list, a key of an object, or nothing.
const ANY: &str = "*";

/// A variable of a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Read<'t> {
    /// As written.
    pub(crate) raw: &'t str,
    /// From the top of the payload, or of the event; what a loop goes over is followed by `*`.
    path: Vec<&'t str>,
    /// Of the event's fields, not of the payload's.
    pub(crate) is_of_event: bool,
    /// Asked for, and so allowed not to be there: `{{#if x}}`, `{{default x "…"}}`.
    pub(crate) is_asked: bool,
    /// What of it the blocks around ask for: `{{#if customer}}{{customer.name}}{{/if}}`. Where that isn't there, it isn't missed.
    under: Vec<Vec<&'t str>>,
}

impl Read<'_> {
    /// Whether one of these paths (`lines.item`: of a list's items, too) is it.
    pub(crate) fn is_among(&self, known: &BTreeSet<&str>) -> bool {
        is_among(&self.path, known)
    }

    /// Whether it may be missing: it is asked for, or what a block around it asks for is none of these.
    pub(crate) fn may_be_missing(&self, known: &BTreeSet<&str>) -> bool {
        self.is_asked || self.under.iter().any(|asked| !is_among(asked, known))
    }

    /// The nearest of these that would have been right, as the end of a sentence; of one that may be missing only where it is misspelt.
    pub(crate) fn near(&self, known: &BTreeSet<&str>, may_be_missing: bool) -> String {
        let path: Vec<&str> = self.path.iter().copied().filter(|s| *s != ANY).collect();
        let (path, known) = (path.join("."), known.iter().copied().collect::<Vec<_>>());
        match may_be_missing {
            true => did_you_misspell(&path, &known),
            false => did_you_mean(&path, &known),
        }
    }

    /// How deep it goes.
    pub(crate) fn depth(&self) -> usize {
        self.path.len()
    }
}

fn is_among(path: &[&str], known: &BTreeSet<&str>) -> bool {
    if !path.contains(&ANY) {
        return known.contains(path.join(".").as_str());
    }
    let steps = |known: &str| fits(path, &known.split('.').collect::<Vec<_>>());
    known.iter().any(|known| steps(known))
}

fn fits(path: &[&str], known: &[&str]) -> bool {
    match (path, known) {
        ([], []) => true,
        ([ANY, rest @ ..], _) => {
            fits(rest, known) || known.split_first().is_some_and(|(_, k)| fits(rest, k))
        }
        ([step, rest @ ..], [key, keys @ ..]) => step == key && fits(rest, keys),
        _ => false,
    }
}

impl Template {
    /// Every variable of the payload and of the event, once. What a helper has made of something is nobody's path.
    pub(crate) fn reads(&self) -> BTreeSet<Read<'_>> {
        let mut walk = Walk {
            scopes: vec![Some((Vec::new(), false))],
            asked: Vec::new(),
            found: BTreeSet::new(),
        };
        walk.nodes(&self.nodes);
        walk.found
    }
}

struct Walk<'t> {
    /// The innermost last; `None` = nobody knows.
    scopes: Vec<Option<(Vec<&'t str>, bool)>>,
    /// What the blocks around ask for, the innermost last.
    asked: Vec<(Vec<&'t str>, bool)>,
    found: BTreeSet<Read<'t>>,
}

impl<'t> Walk<'t> {
    fn nodes(&mut self, nodes: &'t [Node]) {
        for node in nodes {
            match node {
                Node::Text(_) => {}
                Node::Print(value) => self.value(value, false),
                Node::If {
                    test,
                    then,
                    otherwise,
                } => {
                    self.value(test, true);
                    let outside = self.asked.len();
                    self.ask(test);
                    self.nodes(then);
                    self.nodes(otherwise);
                    self.asked.truncate(outside);
                }
                Node::Each {
                    list: value,
                    body,
                    otherwise,
                } => self.block(value, true, body, otherwise),
                Node::With {
                    value,
                    body,
                    otherwise,
                } => self.block(value, false, body, otherwise),
            }
        }
    }

    fn block(
        &mut self,
        value: &'t Expression,
        loops: bool,
        body: &'t [Node],
        otherwise: &'t [Node],
    ) {
        self.value(value, true);
        let scope = match value {
            Expression::Path(path) => self.whole(path).map(|(mut steps, is_of_event)| {
                steps.extend(loops.then_some(ANY));
                (steps, is_of_event)
            }),
            _ => None,
        };
        let outside = self.asked.len();
        self.ask(value);
        self.scopes.push(scope);
        self.nodes(body);
        self.scopes.pop();
        self.asked.truncate(outside);
        self.nodes(otherwise);
    }

    fn value(&mut self, value: &'t Expression, is_asked: bool) {
        match value {
            Expression::Literal(_) => {}
            Expression::Path(path) => {
                let Some((steps, is_of_event)) = self.whole(path) else {
                    return;
                };
                if path.keys.is_empty() {
                    // `this` was seen where its block begins.
                    return;
                }
                let around = self.asked.iter();
                let around =
                    around.filter(|(asked, of)| *of == is_of_event && steps.starts_with(asked));
                self.found.insert(Read {
                    raw: &path.raw,
                    under: around.map(|(asked, _)| asked.clone()).collect(),
                    path: steps,
                    is_of_event,
                    is_asked,
                });
            }
            Expression::Call(call) => self.call(call, is_asked),
        }
    }

    /// All paths of what a block asks.
    fn ask(&mut self, value: &'t Expression) {
        match value {
            Expression::Literal(_) => {}
            Expression::Path(path) => self.asked.extend(self.whole(path)),
            Expression::Call(call) => {
                let named = call.named.iter().map(|(_, value)| value);
                for value in call.arguments.iter().chain(named) {
                    self.ask(value);
                }
            }
        }
    }

    fn call(&mut self, call: &'t Call, is_asked: bool) {
        let asks = matches!(
            call.helper,
            Helper::Default
                | Helper::Len
                | Helper::Compare(_)
                | Helper::And
                | Helper::Or
                | Helper::Not
        );
        let named = call.named.iter().map(|(_, value)| value);
        for value in call.arguments.iter().chain(named) {
            self.value(value, is_asked || asks);
        }
    }

    /// A variable's path from the top, and whether it is the event's. Numbers are places in lists.
    fn whole(&self, path: &'t Path) -> Option<(Vec<&'t str>, bool)> {
        let (mut steps, is_of_event) = match path.start {
            Start::Payload => (Vec::new(), false),
            Start::Event => (Vec::new(), true),
            Start::Scope(up) => {
                let scope = self.scopes.len().checked_sub(up + 1)?;
                self.scopes.get(scope)?.clone()?
            }
            _ => return None,
        };
        let keys = path.keys.iter().map(AsRef::as_ref);
        steps.extend(
            keys.filter(|key: &&str| key.is_empty() || !key.bytes().all(|b| b.is_ascii_digit())),
        );
        Some((steps, is_of_event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::lower::compile;

    fn reads(source: &str) -> Vec<(String, bool)> {
        let template = compile(source, false).unwrap();
        let reads = template.reads();
        let said = |read: &Read<'_>| (read.path.join("."), read.is_asked);
        reads.iter().map(said).collect()
    }

    #[test]
    fn paths_are_whole_whatever_block_they_are_in() {
        let text = "{{number}}{{#each lines as |line i|}}{{item}}{{line.qty}}{{@root.currency}}{{../amount}}{{i}}{{this}}{{/each}}\
                    {{#with customer}}{{name}}{{#each tags}}{{this.word}}{{/each}}{{/with}}{{lines.0.item}}{{payload.event}}";
        let mut paths: Vec<String> = reads(text).into_iter().map(|(path, _)| path).collect();
        paths.sort();
        paths.dedup();
        assert_eq!(
            paths,
            [
                "amount",
                "currency",
                "customer",
                "customer.name",
                "customer.tags",
                "customer.tags.*.word",
                "event",
                "lines",
                "lines.*.item",
                "lines.*.qty",
                "lines.item",
                "number",
            ]
        );
    }

    #[test]
    fn what_is_asked_for_may_be_missing() {
        let text = "{{#if note}}{{note}}{{/if}}{{default name \"x\"}}{{money amount currency}}{{#gt days 3}}{{/gt}}";
        assert_eq!(
            reads(text),
            [
                ("amount".into(), false),
                ("currency".into(), false),
                ("days".into(), true),
                ("name".into(), true),
                ("note".into(), false),
                ("note".into(), true),
            ]
        );
        let known = BTreeSet::from(["customer", "customer.name"]);
        let missed = |text: &str| {
            let template = compile(text, false).unwrap();
            let reads = template.reads();
            let missed = reads.iter().filter(|read| !read.is_among(&known));
            let missed = missed.filter(|read| !read.may_be_missing(&known));
            missed.map(|read| read.raw.to_owned()).collect::<Vec<_>>()
        };
        let nobody: [&str; 0] = [];
        assert_eq!(
            missed("{{#if note}}{{note}}{{else}}{{name}}{{/if}}"),
            ["name"]
        );
        assert_eq!(missed("{{#if (and note 1)}}{{note.text}}{{/if}}"), nobody);
        assert_eq!(missed("{{#each lines}}{{item}}{{/each}}"), nobody);
        assert_eq!(missed("{{#with customer}}{{nmae}}{{/with}}"), ["nmae"]);
        assert_eq!(missed("{{#if note}}{{/if}}{{note}}"), ["note"]);
    }

    #[test]
    fn a_loop_goes_over_lists_and_objects() {
        let known = BTreeSet::from([
            "lines",
            "lines.item",
            "rates",
            "rates.usd",
            "rates.usd.sell",
        ]);
        let is_known = |text: &str| {
            let template = compile(text, false).unwrap();
            template.reads().iter().all(|read| read.is_among(&known))
        };
        assert!(is_known("{{#each lines}}{{item}}{{/each}}"));
        assert!(is_known("{{#each rates}}{{sell}}{{/each}}"));
        assert!(!is_known("{{#each lines}}{{itm}}{{/each}}"));
        assert!(!is_known("{{#each line}}x{{/each}}"));
    }
}
