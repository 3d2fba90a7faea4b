//! All enabled rules, compiled, indexed by event type.

use std::sync::Arc;

use crate::ingest::Event;
use crate::rules::model::{Fault, Match, Reader, Rendered, RuleFacts, RuleRow, Warning};

/// One rule, compiled.
#[derive(Debug)]
pub struct CompiledRule {
    /// What doesn't depend on the event.
    pub facts: RuleFacts,
}

/// All rules a node evaluates. Immutable; a change of rules makes a new one.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Arc<CompiledRule>>,
}

/// Everything rendering and evaluating need of one event, parsed once.
pub struct EventContext<'a> {
    /// The event.
    pub event: &'a Event,
}

impl RuleSet {
    /// Compiles rules; each that can't be compiled is left out and its fault returned with (id, version).
    #[must_use]
    pub fn compile(_rows: &[RuleRow]) -> (Self, Vec<(i64, i32, Fault)>) {
        (Self::default(), Vec::new())
    }

    /// How many rules are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules that are true for an event, highest priority first. `now` is the database's. `progress` is told each
    /// rule's (id, version) before it is evaluated, so that a watchdog can name the one that hangs.
    #[must_use]
    pub fn evaluate(
        &self,
        _context: &EventContext<'_>,
        _now: jiff::Timestamp,
        _progress: &mut dyn FnMut(i64, i32),
    ) -> (Vec<Match>, Vec<Warning>) {
        (Vec::new(), Vec::new())
    }
}

impl<'a> EventContext<'a> {
    /// Parses the payload once.
    ///
    /// # Errors
    /// When the payload can't be read (a SQL producer can store what we refuse over HTTP).
    pub fn new(event: &'a Event) -> crate::kernel::Result<Self> {
        Ok(Self { event })
    }
}

impl CompiledRule {
    /// The texts for one reader.
    ///
    /// # Errors
    /// A fault of the template at run time (`on_missing: fail`, output over its limit, too many loops).
    pub fn render(
        &self,
        _context: &mut EventContext<'_>,
        _reader: &Reader,
        _warnings: &mut Vec<Warning>,
    ) -> Result<Rendered, Warning> {
        Ok(Rendered::default())
    }
}
