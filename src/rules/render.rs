//! Walks a compiled text and writes it for one reader. Comes from `text` (the tree) and `set` (the event, the reader),
//! goes back there as a string. The budget is counted here: steps, rounds of loops, length.

use std::borrow::Cow;

use jiff::tz::TimeZone;

use crate::rules::budget::{Budget, Notes};
use crate::rules::helpers::{self, Setting};
use crate::rules::limits;
use crate::rules::locale::Language;
use crate::rules::model::Warning;
use crate::rules::payload::Value;
use crate::rules::template::{Expression, Node, Path, Start, Template};

/// What a missing variable is printed as.
pub(crate) const DASH: &str = "—";

/// What variables can mean.
pub(crate) struct World<'v> {
    /// The payload.
    pub(crate) payload: &'v Value<'v>,
    /// The event.
    pub(crate) event: &'v Value<'v>,
    /// The reader; null where no text speaks of them.
    pub(crate) recipient: &'v Value<'v>,
    /// The reader's zone.
    pub(crate) zone: &'v TimeZone,
}

/// What is done to values on their way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escape {
    /// Nothing.
    Plain,
    /// As HTML.
    Html,
    /// Percent-encoded.
    Url,
}

/// How a text came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Whole.
    Whole,
    /// Cut at its limit.
    Cut,
    /// A URL with a hole in it, which leads nowhere: a variable is missing (noted).
    Broken,
}

/// How a walk ends early.
pub(crate) enum Stop {
    /// With what there is.
    Early(End),
    /// It can't go on.
    Failed(Warning),
}

/// A value on its way.
pub(crate) enum Found<'v> {
    /// There is none, and nobody has been told yet.
    Missing,
    /// There is none, and it is noted: prints as a dash.
    Dash,
    /// In the payload, the event, the reader or the template.
    At(&'v Value<'v>),
    /// Made by a helper.
    Made(Value<'static>),
}

impl Found<'_> {
    /// The value; none for null.
    pub(crate) fn value(&self) -> Option<&Value<'_>> {
        match self {
            Self::Missing | Self::Dash | Self::At(Value::Null) | Self::Made(Value::Null) => None,
            Self::At(value) => Some(value),
            Self::Made(value) => Some(value),
        }
    }

    /// As Handlebars has it.
    pub(crate) fn is_truthy(&self) -> bool {
        self.value().is_some_and(Value::is_truthy)
    }
}

/// `this` of a block.
struct Scope<'v> {
    this: &'v Value<'v>,
    key: Option<&'v str>,
    index: usize,
    last: bool,
}

/// Writes a text: the output, and how it ended. `most` counts characters of plain text, else bytes.
pub(crate) fn render<'v>(
    template: &'v Template,
    world: &World<'v>,
    language: Language,
    escape: Escape,
    most: usize,
    budget: &mut Budget,
    notes: &mut Notes<'_>,
) -> Result<(String, End), Warning> {
    let scopes = vec![Scope {
        this: world.payload,
        key: None,
        index: 0,
        last: true,
    }];
    let setting = Setting {
        language,
        zone: world.zone,
        isolates: escape != Escape::Url,
    };
    let mut walk = Walk {
        world,
        setting,
        escape,
        room: most,
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
    pub(crate) setting: Setting<'v>,
    escape: Escape,
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
                Node::Text(text) => self.write(text)?,
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
        let size = if self.escape == Escape::Plain {
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
        if self.escape == Escape::Plain {
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
        let found = self.find(expression)?;
        let comma = self.setting.language.comma();
        let text = match &found {
            Found::Dash if self.escape == Escape::Url => return Err(Stop::Early(End::Broken)),
            Found::Dash => Some(Cow::Borrowed(DASH)),
            other => match other.value() {
                None => {
                    self.missing(expression)?;
                    if self.escape == Escape::Url {
                        return Err(Stop::Early(End::Broken));
                    }
                    Some(Cow::Borrowed(DASH))
                }
                Some(value) => helpers::text(value, comma, None, self.room * 4),
            },
        };
        let text = match text {
            Some(text) => text,
            None => {
                self.notes.add(
                    "type_error",
                    format!("{} is an object and can't be printed", label(expression)),
                );
                Cow::Borrowed(DASH)
            }
        };
        self.spend(text.len() / 64)?;
        match self.escape {
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
