//! Helpers at work inside a walk: finds their values, treats the missing ones, counts the cost. The other half of
//! `render`'s walk; what a helper does with a value it was given is in `helpers`.

use std::borrow::Cow;

use crate::rules::helpers::{self, Helper};
use crate::rules::language::Joint;
use crate::rules::limits;
use crate::rules::payload::Value;
use crate::rules::render::{Found, Stop, Walk, label};
use crate::rules::template::Call;

impl<'v> Walk<'v, '_, '_> {
    /// The value of a helper's call.
    pub(crate) fn call(&mut self, call: &'v Call) -> Result<Found<'v>, Stop> {
        let flag = |b| Ok(Found::Made(Value::Bool(b)));
        match call.helper {
            Helper::Compare(comparison) => {
                let (a, b) = (self.argument(call, 0)?, self.argument(call, 1)?);
                let size = |f: &Found<'_>| f.value().and_then(Value::scalar).map_or(0, str::len);
                self.spend(size(&a).min(size(&b)) / 64)?;
                return flag(helpers::compare(comparison, a.value(), b.value()));
            }
            Helper::Not => return flag(!self.argument(call, 0)?.is_truthy()),
            Helper::And | Helper::Or => {
                let ends = call.helper == Helper::Or;
                for argument in &call.arguments {
                    if self.find(argument)?.is_truthy() == ends {
                        return flag(ends);
                    }
                }
                return flag(!ends);
            }
            Helper::Default => {
                for argument in &call.arguments {
                    let found = self.find(argument)?;
                    if found
                        .value()
                        .is_some_and(|v| !matches!(v, Value::Text(t) if t.is_empty()))
                    {
                        return Ok(found);
                    }
                }
                return Ok(Found::Missing);
            }
            Helper::Len => {
                let count = helpers::len(self.argument(call, 0)?.value());
                self.spend(count / 64)?;
                return Ok(Found::Made(Value::Number(Cow::Owned(count.to_string()))));
            }
            _ => {}
        }
        let mut arguments = Vec::with_capacity(2);
        for argument in &call.arguments {
            let found = self.find(argument)?;
            match found {
                Found::Dash => return Ok(Found::Dash),
                _ if found.value().is_none() => {
                    self.missing(argument)?;
                    return Ok(Found::Dash);
                }
                _ => arguments.push(found),
            }
        }
        let first = arguments.first().and_then(Found::value);
        let second = arguments.get(1).and_then(Found::value);
        let Some(value) = first else {
            return Ok(Found::Dash);
        };
        self.spend(
            value
                .scalar()
                .map_or_else(|| helpers::len(first), |t| t.len() / 64),
        )?;
        let written = match call.helper {
            Helper::Number | Helper::Percent => self.setting.figure(call, value, None),
            Helper::Money => self
                .setting
                .figure(call, value, second.and_then(Value::scalar)),
            Helper::Date(part) => self.setting.moment(part, second, value),
            Helper::Relative => self.setting.relative(value),
            Helper::Plural => match self.setting.plural(call, value) {
                Some((form, count)) => match call.named(form) {
                    Some(form) => {
                        let found = self.find(form)?;
                        let Some(text) = found.value().and_then(Value::scalar) else {
                            self.missing(form)?;
                            return Ok(Found::Dash);
                        };
                        self.spend(text.len() / 64)?;
                        Some(text.replace('#', &count))
                    }
                    None => None,
                },
                None => None,
            },
            Helper::Join => {
                let key = match call.named("key") {
                    Some(key) => self
                        .find(key)?
                        .value()
                        .and_then(Value::scalar)
                        .map(str::to_owned),
                    None => None,
                };
                let joint = match call.named("style") {
                    Some(style) => self
                        .find(style)?
                        .value()
                        .and_then(Value::scalar)
                        .and_then(Joint::parse),
                    None => None,
                };
                let separator = second.and_then(Value::scalar);
                self.setting
                    .joined(value, key.as_deref(), separator, joint, limits::HTML_BYTES)
            }
            Helper::Case { upper } => value.scalar().map(|t| {
                if upper {
                    t.to_uppercase()
                } else {
                    t.to_lowercase()
                }
            }),
            Helper::Compare(_)
            | Helper::Not
            | Helper::And
            | Helper::Or
            | Helper::Default
            | Helper::Len => None,
        };
        Ok(match written {
            Some(text) => {
                self.spend(text.len() / 64)?;
                let text = Value::Text(Cow::Owned(text));
                match call.helper {
                    Helper::Case { .. } => Found::Made(text),
                    _ => Found::Written(text),
                }
            }
            None => {
                let label = call.arguments.first().map(label).unwrap_or_default();
                let wanted = match call.helper {
                    Helper::Date(_) | Helper::Relative => "no date or time",
                    Helper::Join | Helper::Case { .. } => "no text",
                    _ => "no number",
                };
                self.notes.add("type_error", format!("{label} is {wanted}"));
                match value.scalar() {
                    Some(text) => Found::Made(Value::Text(Cow::Owned(text.to_owned()))),
                    None => Found::Dash,
                }
            }
        })
    }

    fn argument(&mut self, call: &'v Call, i: usize) -> Result<Found<'v>, Stop> {
        call.arguments
            .get(i)
            .map_or(Ok(Found::Missing), |argument| self.find(argument))
    }
}
