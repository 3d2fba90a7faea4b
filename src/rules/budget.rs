//! What one rendering may cost, and where its warnings go. Filled by `set`, used up by `render`.

use crate::rules::limits;
use crate::rules::model::Warning;

/// What is left of one rendering's budget, over all its texts.
pub(crate) struct Budget {
    /// Steps.
    pub(crate) steps: usize,
    /// Rounds of loops.
    pub(crate) iterations: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            steps: limits::STEPS,
            iterations: limits::ITERATIONS,
        }
    }
}

/// Where warnings go, each once.
pub(crate) struct Notes<'w> {
    /// The rule's name.
    pub(crate) rule: &'w str,
    /// `on_missing: fail`
    pub(crate) strict: bool,
    /// Of the whole event.
    pub(crate) warnings: &'w mut Vec<Warning>,
}

impl Notes<'_> {
    /// Notes something, unless it is noted already.
    pub(crate) fn add(&mut self, kind: &'static str, detail: String) {
        let known = |w: &Warning| w.rule == self.rule && w.kind == kind && w.detail == detail;
        if self.warnings.len() < limits::WARNINGS && !self.warnings.iter().any(known) {
            self.warnings.push(Warning {
                rule: self.rule.to_owned(),
                kind,
                detail,
            });
        }
    }

    /// What ends a rendering.
    pub(crate) fn failure(&self, detail: impl Into<String>) -> Warning {
        Warning {
            rule: self.rule.to_owned(),
            kind: "render_failed",
            detail: detail.into(),
        }
    }
}
