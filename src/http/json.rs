//! A strict JSON reader for what strangers send. Comes in: the text of a request's body. Goes out: a tree of [`Node`]s,
//! each with its own text (so no digit of a number is lost), or a fault with its place, for `body.rs`.
//!
//! Why not serde_json alone: it gives no JSON pointers, turns long numbers into floats, and lets through what
//! PostgreSQL's `jsonb` can't hold (`\u0000`) or would refuse in the middle of everybody's group commit.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::kernel::{Error, Result};

/// Numbers written with more characters are refused.
const LONGEST_NUMBER: usize = 1000;

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

    /// The text between the quotes, checked.
    fn string(&mut self) -> Result<&'a str> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let raw = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(raw);
                }
                Some(b'\\') => self.escape()?,
                Some(0..=0x1f) => {
                    return Err(self.syntax("control characters in texts must be escaped"));
                }
                Some(_) => self.at += 1,
                None => return Err(self.syntax("the text ends inside a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<()> {
        let start = self.at;
        match self.text.as_bytes().get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => {
                let first = self.unit()?;
                match first {
                    0 => Err(self.content("nul_character", start, "`\\u0000` can't be stored")),
                    0xd800..=0xdbff => {
                        let low = if self.text.as_bytes()[self.at..].starts_with(b"\\u") {
                            self.unit()?
                        } else {
                            0
                        };
                        if (0xdc00..=0xdfff).contains(&low) {
                            Ok(())
                        } else {
                            Err(self.lone(start))
                        }
                    }
                    0xdc00..=0xdfff => Err(self.lone(start)),
                    _ => Ok(()),
                }
            }
            _ => Err(self.syntax("this is no escape that JSON knows")),
        }
    }

    fn lone(&self, at: usize) -> Error {
        self.content(
            "lone_surrogate",
            at,
            "half of a surrogate pair stands alone",
        )
    }

    fn unit(&mut self) -> Result<u32> {
        let digits = self.text.as_bytes().get(self.at + 2..self.at + 6);
        let unit = digits
            .filter(|d| d.iter().all(u8::is_ascii_hexdigit))
            .and_then(|d| std::str::from_utf8(d).ok())
            .and_then(|d| u32::from_str_radix(d, 16).ok());
        match unit {
            Some(unit) => {
                self.at += 6;
                Ok(unit)
            }
            None => Err(self.syntax("`\\u` needs four hexadecimal digits")),
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<()> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (leading_zero && whole > 1) {
            return Err(self.syntax("this is no number that JSON knows"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.syntax("a digit was expected after the decimal point"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.syntax("a digit was expected in the exponent"));
            }
        }
        let raw = &self.text[start..self.at];
        if raw.len() > LONGEST_NUMBER {
            return Err(self.content(
                "number_too_long",
                start,
                "a number has more than 1000 characters",
            ));
        }
        if !fits_f64(raw) {
            return Err(self.content(
                "number_out_of_range",
                start,
                "a number is beyond what a 64-bit float can hold",
            ));
        }
        Ok(())
    }
}

/// Neither infinite nor, with a digit other than 0, so small that it becomes 0.
fn fits_f64(raw: &str) -> bool {
    if raw.len() <= 300 && !raw.contains(['e', 'E']) {
        return true;
    }
    let mantissa = raw.split(['e', 'E']).next().unwrap_or(raw);
    match raw.parse::<f64>() {
        Ok(number) if number == 0.0 => !mantissa.contains(|c: char| ('1'..='9').contains(&c)),
        Ok(number) => number.is_finite(),
        Err(_) => false,
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
