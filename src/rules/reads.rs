//! What a text reads of the payload: every variable as a path from the top, its blocks resolved. Comes from `template`, goes to
//! whoever knows what there is to read. Pure.

use std::collections::BTreeSet;

use crate::rules::helpers::Helper;
use crate::rules::suggest::did_you_mean;
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
}

impl Read<'_> {
    /// Whether one of these paths (`lines.item`: of a list's items, too) is it.
    pub(crate) fn is_among(&self, known: &BTreeSet<&str>) -> bool {
        let has_loops = self.path.contains(&ANY);
        if !has_loops {
            return known.contains(self.path.join(".").as_str());
        }
        let steps = |known: &str| fits(&self.path, &known.split('.').collect::<Vec<_>>());
        known.iter().any(|known| steps(known))
    }

    /// The nearest of these that would have been right, as the end of a sentence.
    pub(crate) fn near(&self, known: &BTreeSet<&str>) -> String {
        let path: Vec<&str> = self.path.iter().copied().filter(|s| *s != ANY).collect();
        did_you_mean(&path.join("."), &known.iter().copied().collect::<Vec<_>>())
    }

    /// How deep it goes.
    pub(crate) fn depth(&self) -> usize {
        self.path.len()
    }
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
            found: BTreeSet::new(),
        };
        walk.nodes(&self.nodes);
        walk.found
    }
}

struct Walk<'t> {
    /// The innermost last; `None` = nobody knows.
    scopes: Vec<Option<(Vec<&'t str>, bool)>>,
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
                    self.nodes(then);
                    self.nodes(otherwise);
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
        self.scopes.push(scope);
        self.nodes(body);
        self.scopes.pop();
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
                self.found.insert(Read {
                    raw: &path.raw,
                    path: steps,
                    is_of_event,
                    is_asked,
                });
            }
            Expression::Call(call) => self.call(call, is_asked),
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
