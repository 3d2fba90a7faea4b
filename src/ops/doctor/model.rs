//! What a look at a NeuroLink brings to light: findings, and which checks were made. Serialised as `neurolink doctor --json` prints it.

use serde::Serialize;
use serde_json::Value;

/// How much a finding matters. In this order they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something doesn't work, or data is at risk.
    Error,
    /// Something works badly, waits for a person, or will break.
    Warning,
    /// Good to know; nothing is wrong.
    Note,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Stable, for programs: `jobs_stuck`.
    pub code: &'static str,
    /// One sentence for people.
    pub what: String,
    /// The numbers behind it, an object.
    pub evidence: Value,
    /// What to do: commands and SQL to copy, or words (after `#`) where it takes a decision.
    pub cure: Vec<String>,
}

impl Finding {
    fn new(severity: Severity, code: &'static str, what: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            what: what.into(),
            evidence: Value::Object(serde_json::Map::new()),
            cure: Vec::new(),
        }
    }

    /// Something doesn't work.
    pub(super) fn error(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, what)
    }

    /// Something wants a person.
    pub(super) fn warning(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, what)
    }

    /// Good to know.
    pub(super) fn note(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, what)
    }

    /// With these numbers.
    pub(super) fn evidence(mut self, evidence: Value) -> Self {
        self.evidence = evidence;
        self
    }

    /// With another line of what to do.
    pub(super) fn cure(mut self, line: impl Into<String>) -> Self {
        self.cure.push(line.into());
        self
    }
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Made {
    /// It was made; what it found is among the findings.
    Done,
    /// It could not be made now.
    Failed,
    /// There was no use in making it.
    Skipped,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// How it ended.
    pub made: Made,
    /// Why it wasn't made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Whether the database could be asked.
    pub database_away: bool,
    /// What was found; ranked once [`Report::ranked`].
    pub findings: Vec<Finding>,
    /// What was looked at, in order.
    pub checks: Vec<Check>,
}

impl Report {
    /// Something to be mended was found.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.count(Severity::Error) + self.count(Severity::Warning) > 0
    }

    /// How many findings of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        let of = |finding: &&Finding| finding.severity == severity;
        self.findings.iter().filter(of).count()
    }

    /// The gravest first, else in the order of the checks.
    #[must_use]
    pub fn ranked(mut self) -> Self {
        self.findings.sort_by_key(|finding| finding.severity);
        self
    }

    /// A check was made.
    pub(super) fn done(&mut self, name: &'static str, findings: Vec<Finding>) {
        self.findings.extend(findings);
        self.checks.push(Check {
            name,
            made: Made::Done,
            why: None,
        });
    }

    /// A check could not be made, which is a finding of its own.
    pub(super) fn failed(&mut self, name: &'static str, why: String) {
        let finding =
            Finding::warning("not_checked", format!("{name} could not be checked: {why}"));
        self.findings.push(finding);
        self.checks.push(Check {
            name,
            made: Made::Failed,
            why: Some(why),
        });
    }

    /// There was no use in making these.
    pub(super) fn skipped(&mut self, names: &[&'static str], why: &str) {
        self.checks.extend(names.iter().map(|name| Check {
            name,
            made: Made::Skipped,
            why: Some(why.to_owned()),
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_comes_first_and_notes_are_nothing_wrong() {
        let mut report = Report::default();
        report.done("a", vec![Finding::note("n", "n")]);
        assert!(!report.is_wrong());
        report.done("b", vec![Finding::warning("w", "w")]);
        report.done("c", vec![Finding::error("e", "e"), Finding::note("m", "m")]);
        assert!(report.is_wrong());
        let codes: Vec<_> = report.ranked().findings.iter().map(|f| f.code).collect();
        assert_eq!(codes, ["e", "w", "n", "m"]);
    }

    #[test]
    fn a_check_that_can_t_be_made_is_a_warning() {
        let mut report = Report::default();
        report.failed("queue", "the database took too long".to_owned());
        assert_eq!(report.findings[0].severity, Severity::Warning);
        assert_eq!(report.checks[0].made, Made::Failed);
    }
}
