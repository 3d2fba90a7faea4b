//! Strings and numbers of the JSON reader. Comes in: the reader, standing at a quote or a digit. Goes out: the reader
//! behind it, or why PostgreSQL couldn't hold it.

use super::Reader;
use crate::kernel::{Error, Result};

/// Numbers written with more characters are refused.
const LONGEST_NUMBER: usize = 1000;

impl<'a> Reader<'a> {
    /// The text between the quotes, checked.
    pub(super) fn string(&mut self) -> Result<&'a str> {
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

    pub(super) fn number(&mut self) -> Result<()> {
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
        Ok(0.0) => !mantissa.contains(|c: char| ('1'..='9').contains(&c)),
        Ok(number) => number.is_finite(),
        Err(_) => false,
    }
}
