//! Walks a compiled text and writes it for one reader. Comes from `text` (the tree) and `set` (the event, the reader),
//! goes back there as a string. The budget is counted here: steps, rounds of loops, length.

use std::borrow::Cow;

use crate::rules::budget::{Budget, Notes};
use crate::rules::limits;
use crate::rules::model::Warning;
use crate::rules::payload::Value;
use crate::rules::setting::{Around, Setting};
use crate::rules::template::{Expression, Node, Path, Start, Template};
pub(crate) use crate::rules::world::{End, Escape, Found, Manner, Stop, World};

/// What a missing variable is printed as.
pub(crate) const DASH: &str = "—";

/// `this` of a block.
struct Scope<'v> {
    this: &'v Value<'v>,
    key: Option<&'v str>,
    index: usize,
    last: bool,
}

/// Writes a text: the output, and how it ended.
pub(crate) fn render<'v>(
    template: &'v Template,
    world: &World<'v>,
    manner: &Manner<'_>,
    budget: &mut Budget,
    notes: &mut Notes<'_>,
) -> Result<(String, End), Warning> {
    let scopes = vec![Scope {
        this: world.payload,
        key: None,
        index: 0,
        last: true,
    }];
    let mut walk = Walk {
        world,
        setting: Setting::new(manner.tag, world.zone, world.now),
        manner,
        is_bare: template.is_bare(),
        in_tag: false,
        room: manner.most,
        out: String::new(),
        scopes,
        budget,
        notes,
    };
    match walk.nodes(&template.nodes) {
        Ok(()) => Ok((walk.out, End::Whole)),
        Err(Stop::Early(end)) => Ok((walk.out, end)),
        Err(Stop::Failed(warning)) => Err(warning),
    }
}

/// A text being written.
pub(crate) struct Walk<'v, 'w, 'n> {
    world: &'w World<'v>,
    pub(crate) setting: Setting<'w>,
    manner: &'w Manner<'w>,
    /// Whether the text is nothing but one value, so that there is nothing around it.
    is_bare: bool,
    /// Whether we are between HTML's `<` and `>`.
    in_tag: bool,
    room: usize,
    out: String,
    scopes: Vec<Scope<'v>>,
    budget: &'w mut Budget,
    pub(crate) notes: &'w mut Notes<'n>,
}

impl<'v> Walk<'v, '_, '_> {
    fn nodes(&mut self, nodes: &'v [Node]) -> Result<(), Stop> {
        for node in nodes {
            self.spend(1)?;
            match node {
                Node::Text(text) => {
                    self.write(text)?;
                    if let (Escape::Html, Some(at)) = (self.manner.escape, text.rfind(['<', '>'])) {
                        self.in_tag = text.as_bytes()[at] == b'<';
                    }
                }
                Node::Print(expression) => self.print(expression)?,
                Node::If {
                    test,
                    then,
                    otherwise,
                } => {
                    let branch = if self.find(test)?.is_truthy() {
                        then
                    } else {
                        otherwise
                    };
                    self.nodes(branch)?;
                }
                Node::Each {
                    list,
                    body,
                    otherwise,
                } => match self.find(list)? {
                    Found::At(Value::List(items)) if !items.is_empty() => {
                        let last = items.len() - 1;
                        for (index, this) in items.iter().enumerate() {
                            self.round(
                                Scope {
                                    this,
                                    key: None,
                                    index,
                                    last: index == last,
                                },
                                body,
                            )?;
                        }
                    }
                    Found::At(Value::Map(fields)) if !fields.is_empty() => {
                        let last = fields.len() - 1;
                        for (index, (key, this)) in fields.iter().enumerate() {
                            self.round(
                                Scope {
                                    this,
                                    key: Some(key),
                                    index,
                                    last: index == last,
                                },
                                body,
                            )?;
                        }
                    }
                    _ => self.nodes(otherwise)?,
                },
                Node::With {
                    value,
                    body,
                    otherwise,
                } => match self.find(value)? {
                    Found::At(this) if this.is_truthy() => {
                        let (key, index, last) = self
                            .scopes
                            .last()
                            .map_or((None, 0, true), |s| (s.key, s.index, s.last));
                        self.scopes.push(Scope {
                            this,
                            key,
                            index,
                            last,
                        });
                        self.nodes(body)?;
                        self.scopes.pop();
                    }
                    _ => self.nodes(otherwise)?,
                },
            }
        }
        Ok(())
    }

    fn round(&mut self, scope: Scope<'v>, body: &'v [Node]) -> Result<(), Stop> {
        self.budget.iterations = self.budget.iterations.checked_sub(1).ok_or_else(|| {
            Stop::Failed(self.notes.failure(format!(
                "its loops ran more than {} rounds",
                limits::ITERATIONS
            )))
        })?;
        self.scopes.push(scope);
        self.nodes(body)?;
        self.scopes.pop();
        Ok(())
    }

    /// Counts work done.
    pub(crate) fn spend(&mut self, steps: usize) -> Result<(), Stop> {
        self.budget.steps = self.budget.steps.checked_sub(steps).ok_or_else(|| {
            Stop::Failed(
                self.notes
                    .failure(format!("it took more than {} steps", limits::STEPS)),
            )
        })?;
        Ok(())
    }

    /// Appends text that needs no escaping, up to the limit.
    fn write(&mut self, text: &str) -> Result<(), Stop> {
        let size = if self.manner.escape == Escape::Plain {
            text.chars().count()
        } else {
            text.len()
        };
        if size <= self.room {
            self.room -= size;
            self.out.push_str(text);
            return Ok(());
        }
        let mut end = text.len().min(self.room);
        if self.manner.escape == Escape::Plain {
            end = text
                .char_indices()
                .nth(self.room)
                .map_or(text.len(), |(i, _)| i);
        }
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.out.push_str(&text[..end]);
        self.room = 0;
        Err(Stop::Early(End::Cut))
    }

    fn print(&mut self, expression: &'v Expression) -> Result<(), Stop> {
        self.setting.around = match self.manner.around {
            Some(direction) if !self.in_tag && !self.is_bare => Around::Text(direction),
            Some(_) if self.is_bare => Around::Bare,
            _ => Around::Fragile,
        };
        let found = self.find(expression)?;
        if let Some(Value::List(items)) = found.value() {
            self.spend(items.len())?;
        }
        let written = match &found {
            Found::Dash | Found::Missing => None,
            Found::Written(value) => value.scalar().map(Cow::Borrowed),
            other => match other.value() {
                None => None,
                Some(list @ Value::List(_)) => self
                    .setting
                    .joined(list, None, None, None, self.room.saturating_mul(4))
                    .map(Cow::Owned),
                Some(value) => value.scalar().map(|text| self.setting.value(text)),
            },
        };
        let text = match written {
            Some(text) => text,
            None if found.value().is_some() => {
                let is = match found.value() {
                    Some(Value::List(_)) => "holds lists or objects",
                    _ => "is an object",
                };
                self.notes.add(
                    "type_error",
                    format!("{} {is} and can't be printed", label(expression)),
                );
                Cow::Borrowed(DASH)
            }
            None => {
                if !matches!(found, Found::Dash) {
                    self.missing(expression)?;
                }
                if self.manner.escape == Escape::Url {
                    return Err(Stop::Early(End::Broken));
                }
                Cow::Borrowed(DASH)
            }
        };
        self.spend(text.len() / 64)?;
        match self.manner.escape {
            Escape::Plain => self.write(&text),
            Escape::Html => self.write(&crate::rules::html::escape(&text)),
            Escape::Url => self.write(
                &percent_encoding::utf8_percent_encode(&text, crate::rules::url::ENCODED)
                    .to_string(),
            ),
        }
    }

    /// Notes a missing variable, or fails for it.
    pub(crate) fn missing(&mut self, expression: &Expression) -> Result<(), Stop> {
        let label = label(expression);
        if self.notes.strict {
            return Err(Stop::Failed(
                self.notes.failure(format!("{label} is missing")),
            ));
        }
        self.notes
            .add("missing_variable", format!("{label} is missing"));
        Ok(())
    }

    /// The value of an expression.
    pub(crate) fn find(&mut self, expression: &'v Expression) -> Result<Found<'v>, Stop> {
        self.spend(1)?;
        match expression {
            Expression::Literal(value) => Ok(Found::At(value)),
            Expression::Path(path) => Ok(self.follow(path)),
            Expression::Call(call) => self.call(call),
        }
    }

    fn follow(&self, path: &'v Path) -> Found<'v> {
        let scope = |up: usize| self.scopes.iter().rev().nth(up);
        let made = |value| Found::Made(value);
        let mut value = match path.start {
            Start::Payload => self.world.payload,
            Start::Event => self.world.event,
            Start::Recipient => self.world.recipient,
            Start::Scope(up) => match scope(up) {
                Some(scope) => scope.this,
                None => return Found::Missing,
            },
            Start::Index(up) | Start::Key(up) | Start::First(up) | Start::Last(up) => {
                let Some(scope) = scope(up) else {
                    return Found::Missing;
                };
                return match (path.start, scope.key) {
                    (Start::First(_), _) => made(Value::Bool(scope.index == 0)),
                    (Start::Last(_), _) => made(Value::Bool(scope.last)),
                    (Start::Key(_), Some(key)) => made(Value::Text(Cow::Owned(key.to_owned()))),
                    _ => made(Value::Number(Cow::Owned(scope.index.to_string()))),
                };
            }
        };
        for key in &path.keys {
            match value.get(key) {
                Some(inner) => value = inner,
                None => return Found::Missing,
            }
        }
        Found::At(value)
    }
}

/// A variable's name for people.
pub(crate) fn label(expression: &Expression) -> String {
    match expression {
        Expression::Path(path) => format!("`{}`", path.raw),
        Expression::Literal(_) => "a literal".to_owned(),
        Expression::Call(call) => call.arguments.first().map(label).unwrap_or_default(),
    }
}
