//! From Handlebars' syntax tree to ours, refusing what can't work. Comes from the source of a text, goes to `template`.

use std::panic::catch_unwind;

use handlebars::template::{
    BlockParam, HelperTemplate, Parameter, TemplateElement, TemplateMapping,
};
use handlebars::{PathSeg, Template as Parsed, TemplateErrorReason};

use crate::rules::facts::{EVENT_FIELDS, RECIPIENT_FIELDS};
use crate::rules::helpers::{self, Helper};
use crate::rules::limits;
use crate::rules::payload::Value;
use crate::rules::scan::{Flaw, scan};
use crate::rules::suggest::did_you_mean;
use crate::rules::template::{Call, Expression, Node, Path, Start, Template};

/// Compiles a text. `escapes` = its values are escaped (HTML, URLs), so that `{{{…}}}` can't be offered.
pub(crate) fn compile(source: &str, escapes: bool) -> Result<Template, Flaw> {
    scan(source)?;
    // The parser has `unwrap`s of its own; a template it stumbles over is a faulty template, not a dead node.
    let parsed = catch_unwind(|| Parsed::compile(source))
        .map_err(|_| Flaw {
            line: 1,
            column: 1,
            detail: "the template can't be read".to_owned(),
        })?
        .map_err(|error| {
            let (line, column) = error.pos().unwrap_or((1, 1));
            let detail = match error.reason() {
                TemplateErrorReason::MismatchingClosedHelper(opened, closed) => format!(
                    "`{{{{#{}}}}}` is closed by `{{{{/{}}}}}`",
                    plain(opened),
                    plain(closed)
                ),
                // What the parser had expected is told in the names of its grammar, which help nobody.
                TemplateErrorReason::InvalidSyntax(_) => {
                    "the template can't be read from here: is something unclosed, or misspelt?"
                        .to_owned()
                }
                other => format!("the template can't be read: {other}"),
            };
            Flaw {
                line,
                column,
                detail,
            }
        })?;
    let mut lowering = Lowering {
        escapes,
        scopes: vec![Scope::default()],
        at: (1, 1),
    };
    Ok(Template {
        nodes: lowering.nodes(&parsed, 0)?,
    })
}

/// Names out of the parser's debug forms.
fn plain(name: &str) -> &str {
    name.trim_matches('"')
}

/// Names a block gives to its item and key: `as |line i|`.
#[derive(Default)]
struct Scope {
    item: Option<String>,
    key: Option<String>,
    loops: bool,
}

struct Lowering {
    escapes: bool,
    scopes: Vec<Scope>,
    at: (usize, usize),
}

impl Lowering {
    fn flaw<T>(&self, detail: impl Into<String>) -> Result<T, Flaw> {
        Err(Flaw {
            line: self.at.0,
            column: self.at.1,
            detail: detail.into(),
        })
    }

    fn nodes(&mut self, parsed: &Parsed, chain: usize) -> Result<Vec<Node>, Flaw> {
        let mut nodes = Vec::with_capacity(parsed.elements.len());
        for (i, element) in parsed.elements.iter().enumerate() {
            if let Some(TemplateMapping {
                0: line, 1: column, ..
            }) = parsed.mapping.get(i)
            {
                self.at = (*line, *column);
            }
            match element {
                TemplateElement::RawString(text) if text.is_empty() => {}
                TemplateElement::RawString(text) => match nodes.last_mut() {
                    Some(Node::Text(before)) => *before = format!("{before}{text}").into(),
                    _ => nodes.push(Node::Text(text.as_str().into())),
                },
                TemplateElement::Comment(_) => {}
                TemplateElement::HtmlExpression(_) if self.escapes => {
                    return self.flaw("values are always escaped here: write `{{…}}` instead of `{{{…}}}` or `{{&…}}`");
                }
                TemplateElement::Expression(tag) | TemplateElement::HtmlExpression(tag) => {
                    nodes.push(Node::Print(self.tag(tag)?));
                }
                TemplateElement::HelperBlock(block) => nodes.push(self.block(block, chain)?),
                TemplateElement::PartialExpression(_) | TemplateElement::PartialBlock(_) => {
                    return self.flaw("partials (`{{> …}}`) aren't offered");
                }
                TemplateElement::DecoratorExpression(_) | TemplateElement::DecoratorBlock(_) => {
                    return self.flaw("decorators (`{{* …}}`) aren't offered");
                }
                _ => return self.flaw("this isn't offered"),
            }
        }
        Ok(nodes)
    }

    fn branch(&mut self, parsed: Option<&Parsed>, chain: usize) -> Result<Vec<Node>, Flaw> {
        let at = self.at;
        let nodes = parsed.map_or_else(|| Ok(Vec::new()), |parsed| self.nodes(parsed, chain));
        self.at = at;
        nodes
    }

    fn block(&mut self, block: &HelperTemplate, chain: usize) -> Result<Node, Flaw> {
        if chain > limits::CHAIN {
            return self.flaw(format!(
                "more than {} `else if`s in one chain",
                limits::CHAIN
            ));
        }
        let name = block.name.as_name().unwrap_or_default();
        let loops = name == "each";
        if loops || name == "with" {
            let [value] = &block.params[..] else {
                return self.flaw(format!("`{{{{#{name} …}}}}` takes one value"));
            };
            if !block.hash.is_empty() {
                return self.flaw(format!("`{{{{#{name} …}}}}` takes no named values"));
            }
            let value = self.parameter(value)?;
            let name_of = |p: &Parameter| p.as_name().map(str::to_owned);
            let (item, key) = match &block.block_param {
                Some(BlockParam::Single(item)) => (name_of(item), None),
                Some(BlockParam::Pair((item, key))) => (name_of(item), name_of(key)),
                _ => (None, None),
            };
            self.scopes.push(Scope { item, key, loops });
            let body = self.branch(block.template.as_ref(), 0);
            self.scopes.pop();
            let (body, otherwise) = (body?, self.branch(block.inverse.as_ref(), chain + 1)?);
            return Ok(if loops {
                Node::Each {
                    list: value,
                    body,
                    otherwise,
                }
            } else {
                Node::With {
                    value,
                    body,
                    otherwise,
                }
            });
        }
        let test = match (name, &block.params[..]) {
            ("if" | "unless", [test]) => {
                if let Some(key) = block.hash.keys().next() {
                    return self.flaw(format!("`{{{{#{name} …}}}}` takes no `{key}=`"));
                }
                let test = self.parameter(test)?;
                if name == "if" {
                    test
                } else {
                    call(Helper::Not, vec![test])
                }
            }
            ("if" | "unless", _) => {
                return self.flaw(format!("`{{{{#{name} …}}}}` takes one value"));
            }
            _ => match Helper::parse(name) {
                Some(helper) if helper.is_test() => self.call(name, &block.params, &block.hash)?,
                Some(_) => {
                    return self.flaw(format!("`{name}` is no block: write `{{{{{name} …}}}}`"));
                }
                None if block.params.is_empty() => {
                    return self.flaw(format!(
                        "`{{{{#{name}}}}}` is no block: write `{{{{#if {name}}}}}` or `{{{{#each {name}}}}}`"
                    ));
                }
                None => return self.unknown(name),
            },
        };
        let then = self.branch(block.template.as_ref(), 0)?;
        let otherwise = self.branch(block.inverse.as_ref(), chain + 1)?;
        Ok(Node::If {
            test,
            then,
            otherwise,
        })
    }

    /// `{{path}}` or `{{helper …}}`. A lone name is always a variable, also when a helper has that name.
    fn tag(&mut self, tag: &HelperTemplate) -> Result<Expression, Flaw> {
        if tag.params.is_empty() && tag.hash.is_empty() {
            return self.parameter(&tag.name);
        }
        match &tag.name {
            Parameter::Name(name) => self.call(name, &tag.params, &tag.hash),
            other => self.call(other.as_name().unwrap_or_default(), &tag.params, &tag.hash),
        }
    }

    fn parameter(&mut self, parameter: &Parameter) -> Result<Expression, Flaw> {
        match parameter {
            Parameter::Literal(json) => Ok(Expression::Literal(Value::of_json(json).into_owned())),
            Parameter::Path(path) => self.path(path).map(Expression::Path),
            Parameter::Name(name) => Ok(Expression::Path(Path {
                raw: name.as_str().into(),
                start: Start::Scope(0),
                keys: vec![name.as_str().into()],
            })),
            Parameter::Subexpression(inner) => match inner.as_element() {
                TemplateElement::Expression(tag) => match &tag.name {
                    Parameter::Name(name) => self.call(name, &tag.params, &tag.hash),
                    Parameter::Path(_) if tag.params.is_empty() => {
                        let name = tag.name.as_name().unwrap_or_default().to_owned();
                        self.call(&name, &tag.params, &tag.hash)
                    }
                    _ => self.flaw("a helper's name can't be computed"),
                },
                _ => self.flaw("this isn't offered"),
            },
            _ => self.flaw("this isn't offered"),
        }
    }

    fn call(
        &mut self,
        name: &str,
        params: &[Parameter],
        hash: &std::collections::HashMap<String, Parameter>,
    ) -> Result<Expression, Flaw> {
        let Some(helper) = Helper::parse(name) else {
            return self.unknown(name);
        };
        let arguments = params
            .iter()
            .map(|p| self.parameter(p))
            .collect::<Result<Vec<_>, _>>()?;
        let mut named = Vec::with_capacity(hash.len());
        for (key, value) in hash {
            named.push((key.as_str().into(), self.parameter(value)?));
        }
        named.sort_by(|(a, _): &(Box<str>, _), (b, _)| a.cmp(b));
        let call = Call {
            helper,
            arguments,
            named,
        };
        match helpers::check(&call) {
            Ok(()) => Ok(Expression::Call(Box::new(call))),
            Err(detail) => self.flaw(detail),
        }
    }

    fn unknown<T>(&self, name: &str) -> Result<T, Flaw> {
        match name {
            "lookup" | "log" | "raw" | "inline" => self.flaw(format!("`{name}` isn't offered")),
            "each" | "with" | "if" | "unless" => self.flaw(format!(
                "`{name}` is a block: write `{{{{#{name} …}}}}…{{{{/{name}}}}}`"
            )),
            _ => self.flaw(format!(
                "there is no helper `{name}`{}",
                did_you_mean(name, &helpers::NAMES)
            )),
        }
    }

    fn path(&self, path: &handlebars::Path) -> Result<Path, Flaw> {
        let depth = self.scopes.len() - 1;
        let (segments, raw) = match path {
            handlebars::Path::Local((ups, name, raw)) => {
                let scope = self.scopes.iter().rev().nth(*ups);
                let start = match name.as_str() {
                    _ if !scope.is_some_and(|s| s.loops) => {
                        return self.flaw(format!("`{raw}` isn't inside an `{{{{#each}}}}`"));
                    }
                    "index" => Start::Index(*ups),
                    "key" => Start::Key(*ups),
                    "first" => Start::First(*ups),
                    "last" => Start::Last(*ups),
                    _ => {
                        return self.flaw(format!(
                            "there is no `{raw}`; there are @index, @key, @first, @last and @root"
                        ));
                    }
                };
                return Ok(Path {
                    raw: raw.as_str().into(),
                    start,
                    keys: Vec::new(),
                });
            }
            handlebars::Path::Relative((segments, raw)) => (segments, raw),
        };
        let rooted = raw.contains("@root");
        let ruled = segments
            .iter()
            .filter(|s| matches!(s, PathSeg::Ruled(_)))
            .count();
        let ups = ruled - usize::from(rooted && ruled > 0);
        if ups > depth {
            return self.flaw(format!(
                "`{raw}` goes up further than there are `{{{{#each}}}}`s and `{{{{#with}}}}`s"
            ));
        }
        let mut keys: Vec<Box<str>> = segments
            .iter()
            .filter_map(|s| {
                if let PathSeg::Named(name) = s {
                    Some(name.as_str().into())
                } else {
                    None
                }
            })
            .collect();
        let bare = !rooted
            && ups == 0
            && !raw.starts_with("this.")
            && !raw.starts_with("this/")
            && !raw.starts_with("./");
        let raw: Box<str> = raw.as_str().into();
        if bare && let Some(first) = keys.first() {
            for (up, scope) in self.scopes.iter().rev().enumerate() {
                if scope.item.as_deref() == Some(first) {
                    keys.remove(0);
                    return Ok(Path {
                        raw,
                        start: Start::Scope(up),
                        keys,
                    });
                }
                if scope.key.as_deref() == Some(first) {
                    return Ok(Path {
                        raw,
                        start: Start::Key(up),
                        keys: Vec::new(),
                    });
                }
            }
        }
        let top = rooted || ups == depth;
        let global = match keys.first().map(AsRef::as_ref) {
            _ if !(bare || top) => None,
            Some("payload") => Some(Start::Payload),
            Some("event") => Some(Start::Event),
            Some("recipient") => Some(Start::Recipient),
            _ => None,
        };
        if let Some(start) = global {
            keys.remove(0);
            let known: Option<(&str, &[&str])> = match start {
                Start::Event => Some(("an event", &EVENT_FIELDS)),
                Start::Recipient => Some(("a recipient", &RECIPIENT_FIELDS)),
                _ => None,
            };
            if let (Some((what, known)), Some(field)) = (known, keys.first())
                && !known.contains(&&**field)
            {
                return self.flaw(format!(
                    "{what} has no `{field}`{}",
                    did_you_mean(field, known)
                ));
            }
            return Ok(Path { raw, start, keys });
        }
        Ok(Path {
            raw,
            start: if rooted {
                Start::Payload
            } else {
                Start::Scope(ups)
            },
            keys,
        })
    }
}

fn call(helper: Helper, arguments: Vec<Expression>) -> Expression {
    Expression::Call(Box::new(Call {
        helper,
        arguments,
        named: Vec::new(),
    }))
}
