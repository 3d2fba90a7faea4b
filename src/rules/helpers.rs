//! The helpers of templates: their names, what they take (checked when a rule is compiled), and what those do that know no
//! language. Comes from `lower`, goes to `calls`, which finds the values and treats the missing ones; what is written in
//! somebody's language is in `setting`.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::rules::dates::{Part, Style};
use crate::rules::decimal::Decimal;
use crate::rules::language::Joint;
use crate::rules::limits;
use crate::rules::payload::Value;
use crate::rules::suggest::did_you_mean;
use crate::rules::template::{Call, Expression};

/// A helper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Helper {
    /// Thousands grouped.
    Number,
    /// An amount with its currency.
    Money,
    /// A ratio as per cent.
    Percent,
    /// A day, a time of day, or both.
    Date(Part),
    /// How far away a moment is.
    Relative,
    /// The form a count needs.
    Plural,
    /// A list's items.
    Join,
    /// Capitals, or none.
    Case {
        /// Capitals.
        upper: bool,
    },
    /// The first value there is.
    Default,
    /// How many.
    Len,
    /// `eq`, `ne`, `gt` …: which orderings are true.
    Compare(Comparison),
    /// All.
    And,
    /// Any.
    Or,
    /// Not.
    Not,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// `eq`
    Eq,
    /// `ne`
    Ne,
    /// `gt`
    Gt,
    /// `gte`
    Gte,
    /// `lt`
    Lt,
    /// `lte`
    Lte,
}

/// All names, for suggestions and the reference.
pub(crate) const NAMES: [&str; 22] = [
    "number", "money", "percent", "date", "time", "datetime", "relative", "plural", "join",
    "upper", "lower", "default", "len", "eq", "ne", "gt", "gte", "lt", "lte", "and", "or", "not",
];

/// The six plural forms of CLDR.
const FORMS: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

impl Helper {
    /// From its name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "number" => Self::Number,
            "money" => Self::Money,
            "percent" => Self::Percent,
            "date" => Self::Date(Part::Date),
            "time" => Self::Date(Part::Time),
            "datetime" => Self::Date(Part::Both),
            "relative" => Self::Relative,
            "plural" => Self::Plural,
            "join" => Self::Join,
            "upper" => Self::Case { upper: true },
            "lower" => Self::Case { upper: false },
            "default" => Self::Default,
            "len" => Self::Len,
            "eq" => Self::Compare(Comparison::Eq),
            "ne" => Self::Compare(Comparison::Ne),
            "gt" => Self::Compare(Comparison::Gt),
            "gte" => Self::Compare(Comparison::Gte),
            "lt" => Self::Compare(Comparison::Lt),
            "lte" => Self::Compare(Comparison::Lte),
            "and" => Self::And,
            "or" => Self::Or,
            "not" => Self::Not,
            _ => return None,
        })
    }

    /// Whether it answers yes or no, and so can be a block.
    pub(crate) fn is_test(self) -> bool {
        matches!(self, Self::Compare(_) | Self::And | Self::Or | Self::Not)
    }

    /// Fewest and most values, and the named ones it takes.
    fn signature(self) -> (&'static str, usize, usize, &'static [&'static str]) {
        match self {
            Self::Number => ("number", 1, 1, &["decimals"]),
            Self::Money => ("money", 2, 2, &["decimals"]),
            Self::Percent => ("percent", 1, 1, &["decimals"]),
            Self::Date(Part::Date) => ("date", 1, 2, &[]),
            Self::Date(Part::Time) => ("time", 1, 2, &[]),
            Self::Date(Part::Both) => ("datetime", 1, 2, &[]),
            Self::Relative => ("relative", 1, 1, &[]),
            Self::Plural => ("plural", 1, 1, &FORMS),
            Self::Join => ("join", 1, 2, &["key", "style"]),
            Self::Case { upper: true } => ("upper", 1, 1, &[]),
            Self::Case { upper: false } => ("lower", 1, 1, &[]),
            Self::Default => ("default", 2, 8, &[]),
            Self::Len => ("len", 1, 1, &[]),
            Self::Compare(Comparison::Eq) => ("eq", 2, 2, &[]),
            Self::Compare(Comparison::Ne) => ("ne", 2, 2, &[]),
            Self::Compare(Comparison::Gt) => ("gt", 2, 2, &[]),
            Self::Compare(Comparison::Gte) => ("gte", 2, 2, &[]),
            Self::Compare(Comparison::Lt) => ("lt", 2, 2, &[]),
            Self::Compare(Comparison::Lte) => ("lte", 2, 2, &[]),
            Self::And => ("and", 2, 8, &[]),
            Self::Or => ("or", 2, 8, &[]),
            Self::Not => ("not", 1, 1, &[]),
        }
    }
}

/// Whether a helper is called with what it takes.
pub(crate) fn check(call: &Call) -> Result<(), String> {
    let (name, least, most, named) = call.helper.signature();
    let given = call.arguments.len();
    if given < least || given > most {
        let takes = match (least, most) {
            (1, 1) => "one value".to_owned(),
            _ if least == most => format!("{least} values"),
            _ => format!("{least} to {most} values"),
        };
        return Err(format!("`{name}` takes {takes}, not {given}"));
    }
    for (key, value) in &call.named {
        if !named.contains(&&**key) {
            return Err(format!(
                "`{name}` takes no `{key}=`{}",
                did_you_mean(key, named)
            ));
        }
        match (&**key, value) {
            ("decimals", Expression::Literal(Value::Number(n)))
                if n.parse::<usize>().is_ok_and(|n| n <= limits::DECIMALS) => {}
            ("decimals", _) => {
                return Err(format!(
                    "`decimals=` of `{name}` is a number from 0 to {}",
                    limits::DECIMALS
                ));
            }
            ("style", Expression::Literal(Value::Text(word))) if Joint::parse(word).is_some() => {}
            ("style", _) => {
                return Err(format!(
                    "`style=` of `{name}` is one of {}",
                    Joint::NAMES.join(", ")
                ));
            }
            _ => {}
        }
    }
    if call.helper == Helper::Plural && call.named("other").is_none() {
        return Err("`plural` needs at least `other=\"…\"`".to_owned());
    }
    if call.helper == Helper::Join && given == 2 && call.named("style").is_some() {
        return Err("`join` takes a separator or `style=`, not both".to_owned());
    }
    if let (Helper::Date(_), Some(style)) = (call.helper, call.arguments.get(1)) {
        let Expression::Literal(Value::Text(word)) = style else {
            return Err(format!(
                "the format of `{name}` is one of {}",
                Style::NAMES.join(", ")
            ));
        };
        if Style::parse(word).is_none() {
            return Err(format!(
                "`{name}` knows no format `{word}`{}; there are {}",
                did_you_mean(word, &Style::NAMES),
                Style::NAMES.join(", ")
            ));
        }
    }
    Ok(())
}

/// Whether a comparison holds. Numbers are compared by value, also when one of them is written as text; what can't be
/// ordered is only ever `ne`.
pub(crate) fn compare(
    comparison: Comparison,
    a: Option<&Value<'_>>,
    b: Option<&Value<'_>>,
) -> bool {
    let ordering = order(a.unwrap_or(&Value::Null), b.unwrap_or(&Value::Null));
    match comparison {
        Comparison::Eq => ordering == Some(Ordering::Equal),
        Comparison::Ne => ordering != Some(Ordering::Equal),
        Comparison::Gt => ordering == Some(Ordering::Greater),
        Comparison::Gte => ordering.is_some_and(Ordering::is_ge),
        Comparison::Lt => ordering == Some(Ordering::Less),
        Comparison::Lte => ordering.is_some_and(Ordering::is_le),
    }
}

fn order(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Number(_), Value::Number(_) | Value::Text(_))
        | (Value::Text(_), Value::Number(_)) => {
            Some(Decimal::parse(a.scalar()?)?.cmp(&Decimal::parse(b.scalar()?)?))
        }
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        _ => None,
    }
}

/// How many items, fields or characters; nothing has none.
pub(crate) fn len(value: Option<&Value<'_>>) -> usize {
    match value {
        None | Some(Value::Null) => 0,
        Some(Value::List(items)) => items.len(),
        Some(Value::Map(fields)) => fields.len(),
        Some(other) => other.scalar().map_or(0, |t| t.chars().count()),
    }
}

/// A list's items as texts, or their field `key`; `write` is done to each. Items behind the first `most` bytes are left
/// out, and what is null or isn't there. `None` for what holds objects or lists.
pub(crate) fn items<'v>(
    items: &'v [Value<'v>],
    key: Option<&str>,
    most: usize,
    write: impl Fn(&'v str) -> Cow<'v, str>,
) -> Option<Vec<String>> {
    let mut texts = Vec::with_capacity(items.len());
    let mut size = 0;
    for item in items {
        if size > most {
            break;
        }
        let item = key.map_or(Some(item), |key| item.get(key));
        let Some(item) = item.filter(|item| **item != Value::Null) else {
            continue;
        };
        let text = write(item.scalar()?).into_owned();
        // An empty item is work, too.
        size += text.len() + 1;
        texts.push(text);
    }
    Some(texts)
}
