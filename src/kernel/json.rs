//! A strict JSON reader for what strangers send and keep. Comes in: the text of a request's body, a file or a row. Goes out: a
//! tree of [`Node`]s, each with its own text (so no digit of a number is lost), or a fault with its place, for `decode`.
//!
//! Why not serde_json alone: it gives no JSON pointers, turns long numbers into floats, and lets through what
//! PostgreSQL's `jsonb` can't hold (`\u0000`) or would refuse in the middle of everybody's group commit.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::kernel::{Error, Result};

pub mod nul;
mod scalars;

/// Levels of arrays and objects that may stand in each other in what is sent and kept.
pub const NESTING: usize = 64;

/// A JSON value and its text.
#[derive(Debug)]
pub struct Node<'a> {
    /// The value's own text, without the white space around it.
    pub raw: &'a str,
    /// What it is.
    pub value: Value<'a>,
}

/// What a [`Node`] is. Numbers stay in `raw`.
#[derive(Debug)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// Any number.
    Number,
    /// Without quotes and escapes.
    String(Cow<'a, str>),
    /// Its items.
    Array(Vec<Node<'a>>),
    /// Its members in order; names may repeat.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
    /// An array deeper than was asked for: checked, not kept.
    DeepArray,
    /// An object deeper than was asked for: checked, not kept.
    DeepObject,
}

/// How deep to read.
#[derive(Debug, Clone, Copy)]
pub struct Depth {
    /// Levels of arrays and objects that may stand in each other.
    pub allowed: usize,
    /// Levels whose members are kept; deeper ones are only checked.
    pub kept: usize,
}

/// Reads one JSON text whole.
///
/// # Errors
/// `Invalid`: `invalid_json` at a line and column; `nul_character`, `lone_surrogate`, `nested_too_deep`,
/// `number_too_long`, `number_out_of_range` at a JSON pointer.
pub fn parse(text: &str, depth: Depth) -> Result<Node<'_>> {
    let mut reader = Reader {
        text,
        at: 0,
        depth,
        path: Vec::new(),
    };
    reader.space();
    if reader.peek().is_none() {
        return Err(reader.syntax("the body is empty"));
    }
    let node = reader.value()?;
    reader.space();
    if reader.peek().is_some() {
        return Err(reader.syntax("something follows the JSON value"));
    }
    Ok(node)
}

/// The line and column (both from 1, in characters) of a byte of `text`.
#[must_use]
pub fn line_and_column(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    format!("line {line} column {column}")
}

/// Adds a step to a JSON pointer.
pub fn push_step(pointer: &mut String, step: &str) {
    pointer.push('/');
    for c in step.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

enum Step<'a> {
    /// A member's name as written, with its escapes.
    Name(&'a str),
    Index(usize),
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: Depth,
    path: Vec<Step<'a>>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn syntax(&self, detail: &str) -> Error {
        Error::invalid_at("invalid_json", line_and_column(self.text, self.at), detail)
    }

    /// A fault of content rather than of syntax: its place is a pointer, its line and column stand in the sentence.
    fn content(&self, code: &'static str, at: usize, detail: &str) -> Error {
        let mut pointer = String::new();
        for step in &self.path {
            match step {
                Step::Name(raw) => push_step(&mut pointer, &unescape(raw)),
                Step::Index(i) => {
                    let _ = write!(pointer, "/{i}");
                }
            }
        }
        Error::invalid_at(
            code,
            pointer,
            format!("{detail} ({})", line_and_column(self.text, at)),
        )
    }

    fn value(&mut self) -> Result<Node<'a>> {
        let start = self.at;
        let value = match self.peek() {
            Some(b'{') => self.object()?,
            Some(b'[') => self.array()?,
            Some(b'"') => {
                let raw = self.string()?;
                if self.path.len() <= self.depth.kept {
                    Value::String(unescape(raw))
                } else {
                    Value::Null
                }
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                Value::Number
            }
            Some(b't') => self.word("true", Value::Bool(true))?,
            Some(b'f') => self.word("false", Value::Bool(false))?,
            Some(b'n') => self.word("null", Value::Null)?,
            Some(_) => return Err(self.syntax("a JSON value was expected here")),
            None => return Err(self.syntax("the text ends where a JSON value was expected")),
        };
        Ok(Node {
            raw: &self.text[start..self.at],
            value,
        })
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.syntax("a JSON value was expected here"))
        }
    }

    /// Whether the members of the container that begins here are kept.
    fn enter(&mut self) -> Result<bool> {
        if self.path.len() >= self.depth.allowed {
            return Err(self.content(
                "nested_too_deep",
                self.at,
                "arrays and objects stand too deep in each other",
            ));
        }
        self.at += 1;
        self.space();
        Ok(self.path.len() < self.depth.kept)
    }

    fn object(&mut self) -> Result<Value<'a>> {
        let keep = self.enter()?;
        let mut members = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
        } else {
            loop {
                if self.peek() != Some(b'"') {
                    return Err(self.syntax("a name in double quotes was expected here"));
                }
                let name = self.string()?;
                self.space();
                if self.peek() != Some(b':') {
                    return Err(self.syntax("`:` was expected here"));
                }
                self.at += 1;
                self.space();
                self.path.push(Step::Name(name));
                let node = self.value()?;
                self.path.pop();
                if keep {
                    members.push((unescape(name), node));
                }
                if self.ends(b'}', "`,` or `}` was expected here")? {
                    break;
                }
            }
        }
        Ok(if keep {
            Value::Object(members)
        } else {
            Value::DeepObject
        })
    }

    fn array(&mut self) -> Result<Value<'a>> {
        let keep = self.enter()?;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
        } else {
            for index in 0.. {
                self.path.push(Step::Index(index));
                let node = self.value()?;
                self.path.pop();
                if keep {
                    items.push(node);
                }
                if self.ends(b']', "`,` or `]` was expected here")? {
                    break;
                }
            }
        }
        Ok(if keep {
            Value::Array(items)
        } else {
            Value::DeepArray
        })
    }

    fn ends(&mut self, close: u8, expected: &str) -> Result<bool> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                Ok(false)
            }
            Some(c) if c == close => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(self.syntax(expected)),
        }
    }
}

/// A checked string's text without its escapes.
fn unescape(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    // Every escape was checked by `Reader::escape`, so this can't fail; the text as written would be the fallback.
    serde_json::from_str::<String>(&format!("\"{raw}\"")).map_or(Cow::Borrowed(raw), Cow::Owned)
}
