//! One text of a rule, compiled: Handlebars' own parser reads it, what it says is checked and lowered into a small tree
//! that `render` walks. Comes from `text`, goes to `render`.
//!
//! Why not the library's renderer: it has no budget and can't be interrupted, its strict mode stops at the first missing
//! variable where we print a dash and say which, and it copies the payload for every rendering. Here everything that can
//! be wrong with a template is found when the rule is compiled: unknown helpers, wrong arguments, paths that lead nowhere.

use crate::rules::bidi::{self, Direction};
use crate::rules::helpers::Helper;
use crate::rules::payload::Value;

/// A compiled text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Template {
    /// In order.
    pub(crate) nodes: Vec<Node>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// As it stands.
    Text(Box<str>),
    /// `{{…}}`
    Print(Expression),
    /// `{{#if}}`, `{{#unless}}`, `{{#eq}}` …
    If {
        /// What is asked.
        test: Expression,
        /// When it is so.
        then: Vec<Node>,
        /// When not.
        otherwise: Vec<Node>,
    },
    /// `{{#each}}`
    Each {
        /// The list or object.
        list: Expression,
        /// Once for every item.
        body: Vec<Node>,
        /// When there is none.
        otherwise: Vec<Node>,
    },
    /// `{{#with}}`
    With {
        /// What becomes `this`.
        value: Expression,
        /// With it.
        body: Vec<Node>,
        /// When it is nothing.
        otherwise: Vec<Node>,
    },
}

/// What has a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    /// Written in the template.
    Literal(Value<'static>),
    /// A variable.
    Path(Path),
    /// A helper at work.
    Call(Box<Call>),
}

/// A helper and its arguments.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    /// Which.
    pub(crate) helper: Helper,
    /// By position.
    pub(crate) arguments: Vec<Expression>,
    /// By name.
    pub(crate) named: Vec<(Box<str>, Expression)>,
}

impl Call {
    /// A named argument.
    pub(crate) fn named(&self, name: &str) -> Option<&Expression> {
        self.named
            .iter()
            .find(|(n, _)| &**n == name)
            .map(|(_, e)| e)
    }
}

/// A variable: where to start, and which keys to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    /// As written.
    pub(crate) raw: Box<str>,
    /// Where.
    pub(crate) start: Start,
    /// And then.
    pub(crate) keys: Vec<Box<str>>,
}

/// Where a path starts. Scopes are counted from the innermost: the outermost is the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// `this` of the n-th scope.
    Scope(usize),
    /// The payload.
    Payload,
    /// The event.
    Event,
    /// The reader.
    Recipient,
    /// `@index` of the n-th scope.
    Index(usize),
    /// `@key` of the n-th scope.
    Key(usize),
    /// `@first` of the n-th scope.
    First(usize),
    /// `@last` of the n-th scope.
    Last(usize),
}

impl Template {
    /// Calls `see` with every path in it.
    pub(crate) fn paths<'t>(&'t self, see: &mut dyn FnMut(&'t Path)) {
        Node::expressions(&self.nodes, &mut |expression| {
            if let Expression::Path(path) = expression {
                see(path);
            }
        });
    }

    /// Whether any variable is the reader's.
    pub(crate) fn is_personal(&self) -> bool {
        let mut found = false;
        self.paths(&mut |path| found |= path.start == Start::Recipient);
        found
    }

    /// Whether it writes dates or times, and so needs the reader's zone.
    pub(crate) fn has_dates(&self) -> bool {
        let mut found = false;
        Node::expressions(&self.nodes, &mut |expression| {
            found |= matches!(expression, Expression::Call(call) if matches!(call.helper, Helper::Date(_) | Helper::Relative));
        });
        found
    }

    /// The direction of its own words: that of their first letter, in the order they are written. `None` without any.
    /// In HTML (`has_tags`) the letters of tags don't count.
    pub(crate) fn leaning(&self, has_tags: bool) -> Option<Direction> {
        let mut in_tag = false;
        Node::leaning(&self.nodes, &mut |text| {
            if !has_tags {
                return bidi::leaning(text);
            }
            let words = text.chars().filter(|c| {
                let is_sign = matches!(c, '<' | '>');
                in_tag = if is_sign { *c == '<' } else { in_tag };
                !in_tag && !is_sign
            });
            bidi::leaning(&words.collect::<String>())
        })
    }

    /// Whether it is nothing but one variable.
    pub(crate) fn is_bare(&self) -> bool {
        matches!(&self.nodes[..], [Node::Print(Expression::Path(_))])
    }

    /// The text before its first variable or block; `None` when it begins with one.
    pub(crate) fn beginning(&self) -> Option<&str> {
        match self.nodes.first() {
            Some(Node::Text(text)) => Some(text),
            _ => None,
        }
    }
}

impl Node {
    fn leaning(nodes: &[Self], of: &mut dyn FnMut(&str) -> Option<Direction>) -> Option<Direction> {
        nodes.iter().find_map(|node| match node {
            Self::Text(text) => of(text),
            Self::Print(_) => None,
            Self::If {
                then: body,
                otherwise,
                ..
            }
            | Self::Each {
                body, otherwise, ..
            }
            | Self::With {
                body, otherwise, ..
            } => Self::leaning(body, of).or_else(|| Self::leaning(otherwise, of)),
        })
    }

    fn expressions<'t>(nodes: &'t [Self], see: &mut dyn FnMut(&'t Expression)) {
        for node in nodes {
            let (value, inner, otherwise) = match node {
                Self::Text(_) => continue,
                Self::Print(value) => (value, &[][..], &[][..]),
                Self::If {
                    test: value,
                    then: body,
                    otherwise,
                }
                | Self::Each {
                    list: value,
                    body,
                    otherwise,
                }
                | Self::With {
                    value,
                    body,
                    otherwise,
                } => (value, &body[..], &otherwise[..]),
            };
            value.walk(see);
            Self::expressions(inner, see);
            Self::expressions(otherwise, see);
        }
    }
}

impl Expression {
    fn walk<'t>(&'t self, see: &mut dyn FnMut(&'t Self)) {
        see(self);
        if let Self::Call(call) = self {
            call.arguments.iter().for_each(|e| e.walk(see));
            call.named.iter().for_each(|(_, e)| e.walk(see));
        }
    }
}
