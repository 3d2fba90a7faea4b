//! The first half of a preview: the rule compiled, its condition taken apart and judged, before anybody is known. Comes from a question,
//! goes to `preview`, which asks for the people. Pure.

use super::patience::Watch;
use super::rule::Trial;
use crate::ops::trial::Shown;
use crate::ops::trial::preview::{Preview, Question, Said, TriedEvent, TriedRule, Wrong};
use crate::pipeline::compose::Judged;
use crate::rules::set::EventContext;
use crate::rules::{Finding, Match};

/// What is found without knowing anybody.
pub(super) struct Looked {
    /// The answer so far.
    pub(super) preview: Preview,
    /// What there is to go on with; `None` where nothing else can be said.
    pub(super) trial: Option<(Trial, Judged)>,
}

/// Compiles and judges it.
pub(super) fn look(question: &Question, watch: &Watch) -> Looked {
    let Question {
        rule, event, now, ..
    } = question;
    let mut preview = Preview {
        rule: TriedRule::of(rule),
        event: TriedEvent::of(event),
        now: *now,
        fault: None,
        hints: question.silence.clone(),
        matched: false,
        verdict: "faulty",
        why: String::new(),
        failing: None,
        trace: None,
        recipients: Shown::default(),
        left_out: Shown::default(),
        memory: Vec::new(),
        steps: Vec::new(),
        texts: Vec::new(),
        suppressed: Vec::new(),
        warnings: Vec::new(),
    };
    let compiled = Trial::compile(rule).and_then(|trial| Ok((trial, crate::rules::check(rule)?)));
    let (trial, hints) = match compiled {
        Ok(compiled) => compiled,
        Err(fault) => {
            preview.why = format!("it can't be compiled: {}", fault.detail);
            preview.fault = Some(Wrong {
                place: fault.place,
                detail: fault.detail,
            });
            return Looked {
                preview,
                trial: None,
            };
        }
    };
    preview.hints.extend(hints.into_iter().map(Said::from));
    watch.progress.at(rule.id, rule.version);
    preview.trace = rule.dissected(event, *now);
    let finding = rule.asked(event, *now);
    (preview.verdict, preview.why) = said(&finding);
    if let Finding::False { part, .. } = finding {
        preview.failing = part;
    }
    let judged = match trial.judge(event, *now, watch) {
        Ok(judged) => judged,
        Err(why) => {
            preview.why = why;
            return Looked {
                preview,
                trial: None,
            };
        }
    };
    preview.matched = !judged.matches.is_empty();
    preview.warnings = judged.warnings.iter().cloned().map(Said::from).collect();
    let judged = match EventContext::new(event) {
        Ok(context) if !preview.matched => Judged {
            matches: trial
                .rule()
                .map(|rule| Match::supposed(rule, &context))
                .into_iter()
                .collect(),
            warnings: judged.warnings,
        },
        _ => judged,
    };
    Looked {
        preview,
        trial: Some((trial, judged)),
    }
}

/// The verdict, in a word and a sentence.
fn said(finding: &Finding) -> (&'static str, String) {
    match finding {
        Finding::Elsewhere(why) => ("elsewhere", why.clone()),
        Finding::Faulty(fault) => ("faulty", fault.detail.clone()),
        Finding::Broken { detail, .. } => ("broken", detail.clone()),
        Finding::False { part, .. } => (
            "false",
            match part {
                Some(part) => format!("its condition is not true: {}", part.sentence()),
                None => "its condition is not true".to_owned(),
            },
        ),
        Finding::True { over: 0, .. } => ("true", "it is true for this event".to_owned()),
        Finding::True { over, .. } => (
            "true",
            format!("it is true for this event; {over} people more than it may name are left out"),
        ),
    }
}
