//! What a text is written with: what its variables can mean, how its values are treated, and how it ends. Made by `set` and
//! `write`, used by `render`'s walk.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::rules::bidi::Direction;
use crate::rules::model::Warning;
use crate::rules::payload::Value;

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
    /// The moment of rendering, by the database's clock.
    pub(crate) now: Timestamp,
}

/// How a text is written.
pub(crate) struct Manner<'s> {
    /// The tag its helpers go by.
    pub(crate) tag: &'s str,
    /// Which way it runs, so that values of the other way are isolated; `None` = none are.
    pub(crate) around: Option<Direction>,
    /// What is done to values.
    pub(crate) escape: Escape,
    /// Characters of plain text, bytes of any other.
    pub(crate) most: usize,
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
    /// Made by a helper, and as raw as what it was made of.
    Made(Value<'static>),
    /// Written by a helper for this very text: nothing is left to isolate.
    Written(Value<'static>),
}

impl Found<'_> {
    /// The value; none for null.
    pub(crate) fn value(&self) -> Option<&Value<'_>> {
        match self {
            Self::Missing | Self::Dash | Self::At(Value::Null) | Self::Made(Value::Null) => None,
            Self::At(value) => Some(value),
            Self::Made(value) | Self::Written(value) => Some(value),
        }
    }

    /// As Handlebars has it.
    pub(crate) fn is_truthy(&self) -> bool {
        self.value().is_some_and(Value::is_truthy)
    }
}
