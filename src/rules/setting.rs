//! What a helper writes depends on: the text's language, the reader's zone, now, and the direction of the text around. Made
//! by `render` for each text, used by `calls`.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::rules::bidi::{self, Direction};
use crate::rules::currency;
use crate::rules::dates::{Moment, Part, Style};
use crate::rules::decimal::Decimal;
use crate::rules::helpers::{self, Helper};
use crate::rules::language::{Joint, Language};
use crate::rules::payload::Value;
use crate::rules::relative::{self, Unit};
use crate::rules::template::{Call, Expression};

/// What a value stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Around {
    /// A text that runs this way.
    Text(Direction),
    /// Nothing: it is all of the text.
    Bare,
    /// What isolates would harm: a URL, an SMS, one of HTML's tags.
    Fragile,
}

/// For whom a helper works.
pub(crate) struct Setting<'s> {
    tag: &'s str,
    zone: &'s TimeZone,
    now: Timestamp,
    /// Looked up for the first helper that needs it: most texts have none.
    language: OnceCell<Arc<Language>>,
    /// What is around.
    pub(crate) around: Around,
}

impl<'s> Setting<'s> {
    /// For the helpers of a text.
    pub(crate) fn new(tag: &'s str, zone: &'s TimeZone, now: Timestamp) -> Self {
        Self {
            tag,
            zone,
            now,
            language: OnceCell::new(),
            around: Around::Bare,
        }
    }

    /// The language.
    pub(crate) fn language(&self) -> &Language {
        self.language.get_or_init(|| Language::of(self.tag))
    }

    /// A value of the payload as it can stand in this text.
    pub(crate) fn value<'v>(&self, text: &'v str) -> Cow<'v, str> {
        // Most values, in most texts: nothing in them runs another way.
        if text.is_ascii() && self.around != Around::Text(Direction::RightToLeft) {
            return Cow::Borrowed(text);
        }
        match self.around {
            Around::Text(direction) => bidi::isolated(bidi::disarmed(text), direction),
            Around::Bare => bidi::disarmed(text),
            Around::Fragile => bidi::stripped(text),
        }
    }

    fn figured(&self, figure: String) -> String {
        match self.around {
            Around::Text(direction) => bidi::figure(figure, direction),
            Around::Bare | Around::Fragile => figure,
        }
    }

    fn worded(&self, words: String) -> String {
        match self.around {
            Around::Text(direction) => bidi::isolated(Cow::Owned(words), direction).into_owned(),
            Around::Bare | Around::Fragile => words,
        }
    }

    /// `number`, `percent`, `money`. `None` when the value is no number.
    pub(crate) fn figure(
        &self,
        call: &Call,
        value: &Value<'_>,
        currency: Option<&str>,
    ) -> Option<String> {
        let mut number = Decimal::parse(value.scalar()?)?;
        let decimals = call.named("decimals").and_then(|e| match e {
            Expression::Literal(Value::Number(n)) => n.parse::<usize>().ok(),
            _ => None,
        });
        let language = self.language();
        let text = match (call.helper, currency) {
            (Helper::Money, Some(currency)) => {
                let code = bidi::stripped(currency.trim()).to_uppercase();
                number.round(decimals.unwrap_or_else(|| currency::decimals(&code)));
                language.money(&number, &code)
            }
            (Helper::Percent, _) => {
                number.shift(2);
                number.round(decimals.unwrap_or(1));
                if decimals.is_none() {
                    number.trim();
                }
                language.percent(&number)
            }
            _ => {
                if let Some(places) = decimals {
                    number.round(places);
                }
                language.number(&number)
            }
        };
        Some(self.figured(text))
    }

    /// `date`, `time`, `datetime`. `None` when the value is none.
    pub(crate) fn moment(
        &self,
        part: Part,
        style: Option<&Value<'_>>,
        value: &Value<'_>,
    ) -> Option<String> {
        let style = style
            .and_then(Value::scalar)
            .and_then(Style::parse)
            .unwrap_or_default();
        self.written(Moment::parse(value.scalar()?)?, part, style)
    }

    fn written(&self, moment: Moment, part: Part, style: Style) -> Option<String> {
        let text = moment.write(part, style, self.language(), self.zone)?;
        Some(self.worded(text))
    }

    /// `relative`. `None` when the value is no moment.
    pub(crate) fn relative(&self, value: &Value<'_>) -> Option<String> {
        let moment = Moment::parse(value.scalar()?)?;
        let (unit, count) = relative::distance(moment, self.now, self.zone)?;
        let Some(text) = self.language().calendar().relative(unit, count) else {
            let part = match unit {
                Unit::Now | Unit::Minutes | Unit::Hours => Part::Both,
                Unit::Days | Unit::Months | Unit::Years => Part::Date,
            };
            return self.written(moment, part, Style::Medium);
        };
        Some(self.worded(text))
    }

    /// Which of the forms a count needs, and the count as it replaces `#`. `None` when the value is no number.
    pub(crate) fn plural(&self, call: &Call, value: &Value<'_>) -> Option<(&'static str, String)> {
        let number = Decimal::parse(value.scalar()?)?;
        let form = self.language().plural(&number);
        let form = if call.named(form).is_some() {
            form
        } else {
            "other"
        };
        Some((form, self.figured(self.language().number(&number))))
    }

    /// A list's items by a separator, or as the language joins them. `None` when there is an object among them; what is no
    /// list is one item.
    pub(crate) fn joined(
        &self,
        value: &Value<'_>,
        key: Option<&str>,
        separator: Option<&str>,
        joint: Option<Joint>,
        most: usize,
    ) -> Option<String> {
        let Value::List(list) = value else {
            return value.scalar().map(|text| self.value(text).into_owned());
        };
        let items = helpers::items(list, key, most, |text| self.value(text))?;
        Some(match (joint, separator) {
            (Some(joint), _) => self.language().list(joint, &items),
            (None, Some(separator)) => items.join(separator),
            (None, None) => items.join(self.language().comma()),
        })
    }
}
