//! Stations 4 to 6 up to the rows, pure: events × rules → matches; matches × people → tellings; tellings → notifications and
//! planned deliveries.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use jiff::Timestamp;

use crate::deliveries::{self, Planned};
use crate::directory::People;
use crate::ingest::Event;
use crate::kernel::ChannelKind;
use crate::notifications::NewNotification;
use crate::pipeline::choose::Telling;
use crate::pipeline::decide::{Decided, useful_until};
use crate::pipeline::replay::Turn;
use crate::pipeline::watchdog::{Broken, Progress};
use crate::rules::memory::items::{Item, Mail};
use crate::rules::memory::ledger::Key;
use crate::rules::model::{Outcome, Suppressed};
use crate::rules::set::{CompiledRule, EventContext};
use crate::rules::{Match, Reader, Rendered, RuleSet, Warning};

/// An outcome keeps at most so many warnings: the rest are more of the same.
const WARNINGS: usize = 20;

/// An event's judgement.
#[derive(Debug, Default)]
pub struct Judged {
    /// Rules that are true for it.
    pub matches: Vec<Match>,
    /// What went wrong on the way.
    pub warnings: Vec<Warning>,
}

/// A batch's rows to be.
#[derive(Debug, Default)]
pub struct Composed {
    /// One per event.
    pub outcomes: Vec<Outcome>,
    /// One per telling.
    pub notifications: Vec<NewNotification>,
    /// One per notification and channel.
    pub deliveries: Vec<Planned>,
    /// What is gathered for digests instead, each for the digest of a key.
    pub gathered: Vec<(Key, Item)>,
}

/// What composing needs beside the events and their judgements.
#[derive(Debug)]
pub(crate) struct Order {
    /// The people there are.
    pub(crate) people: Arc<People>,
    /// What is told, gathered and suppressed.
    pub(crate) decided: Decided,
    /// As many ids as there are tellings.
    pub(crate) numbers: Vec<i64>,
    /// Channels with settings.
    pub(crate) configured: HashSet<ChannelKind>,
    /// The database's clock.
    pub(crate) now: Timestamp,
    /// Whether this is the events' first evaluation.
    pub(crate) turn: Turn,
}

/// Station 4.
///
/// # Errors
/// The first event that breaks the evaluator.
pub fn judge(
    rules: &RuleSet,
    events: &[Event],
    now: jiff::Timestamp,
    progress: &Progress,
) -> Result<Vec<Judged>, Broken> {
    let judge_one = |event: &Event| {
        let context = EventContext::new(event).map_err(|e| e.chain())?.at(now);
        let (matches, warnings) = rules.evaluate(&context, now, &mut |rule, version| {
            progress.at(rule, version)
        });
        Ok(Judged { matches, warnings })
    };
    events
        .iter()
        .enumerate()
        .map(|(index, event)| caught(index, || judge_one(event)))
        .collect()
}

/// Stations 5 and 6, up to the rows.
///
/// # Errors
/// The first event that breaks the renderer (a template's own fault only costs its rule's tellings).
pub(crate) fn compose(
    events: &[Event],
    judged: Vec<Judged>,
    order: &Order,
    progress: &Progress,
) -> Result<Composed, Broken> {
    let mut composed = Composed::default();
    let mut rest = order.decided.tellings.as_slice();
    let mut numbers = order.numbers.iter().copied();
    let mut gathered: HashMap<usize, Vec<(Telling, &Key)>> = HashMap::new();
    for (telling, key) in &order.decided.gathered {
        let mine = gathered.entry(telling.event).or_default();
        mine.push((*telling, key));
    }
    let mut suppressed: HashMap<usize, Vec<Suppressed>> = HashMap::new();
    for (event, one) in &order.decided.suppressed {
        suppressed.entry(*event).or_default().push(one.clone());
    }
    for (index, judgement) in judged.into_iter().enumerate() {
        let (mine, others) = rest.split_at(rest.iter().take_while(|t| t.event == index).count());
        rest = others;
        let numbered: Vec<(Telling, i64)> = mine.iter().copied().zip(numbers.by_ref()).collect();
        let mut desk = Desk {
            index,
            event: &events[index],
            judgement,
            order,
            progress,
            composed: &mut composed,
            withheld: BTreeMap::new(),
        };
        let gathered = gathered.remove(&index).unwrap_or_default();
        let suppressed = suppressed.remove(&index).unwrap_or_default();
        caught(index, || desk.work(&numbered, &gathered, suppressed))?;
    }
    Ok(composed)
}

fn caught<T>(index: usize, work: impl FnOnce() -> Result<T, String>) -> Result<T, Broken> {
    match std::panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome.map_err(|why| (index, why)),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            Err((
                index,
                format!(
                    "the evaluator broke on this event: {}",
                    text.unwrap_or("no message")
                ),
            ))
        }
    }
}

/// What one event's tellings are worked on with.
struct Desk<'a> {
    /// The event's place in the batch.
    index: usize,
    event: &'a Event,
    judgement: Judged,
    order: &'a Order,
    progress: &'a Progress,
    composed: &'a mut Composed,
    /// Deliveries suppressed, by match, channel and reason.
    withheld: BTreeMap<(usize, ChannelKind, &'static str), usize>,
}

impl Desk<'_> {
    fn work(
        &mut self,
        tellings: &[(Telling, i64)],
        gathered: &[(Telling, &Key)],
        mut suppressed: Vec<Suppressed>,
    ) -> Result<(), String> {
        let mut warnings = std::mem::take(&mut self.judgement.warnings);
        let mut told = 0;
        if !tellings.is_empty() || !gathered.is_empty() {
            let mut context = EventContext::new(self.event)
                .map_err(|e| e.chain())?
                .at(self.order.now);
            let mut texts = Texts::new();
            let mut write = |desk: &Self, telling: Telling, warnings: &mut Vec<Warning>| {
                let matched = &desk.judgement.matches[telling.of];
                let rule = matched.rule.clone();
                desk.progress.at(rule.facts.id, rule.facts.version);
                let reader = desk.order.people.reader(telling.person);
                let texts = &mut texts;
                let written = rendered(matched, telling.of, reader, &mut context, texts, warnings);
                match written {
                    Ok(written) => Some((rule, written)),
                    Err(warning) => {
                        warnings.push(warning);
                        None
                    }
                }
            };
            for &(telling, number) in tellings {
                if let Some((rule, written)) = write(self, telling, &mut warnings) {
                    told += 1;
                    self.tell(&rule, telling, number, written);
                }
            }
            for &(telling, key) in gathered {
                if let Some((rule, written)) = write(self, telling, &mut warnings) {
                    self.gather(&rule, telling, key, &written);
                }
            }
        }
        let is_silent = |of: usize, matched: &Match| {
            let memory = matched.rule.memory();
            let settles_only = matched.audience.is_nobody() && !memory.resolves.is_empty();
            !settles_only
                && !self.order.decided.answered.contains(&(self.index, of))
                && !tellings.iter().any(|(telling, _)| telling.of == of)
        };
        for (of, matched) in self.judgement.matches.iter().enumerate() {
            if self.order.turn != Turn::Later && is_silent(of, matched) {
                suppressed.push(Suppressed::new(&matched.rule.facts.name, "no_recipient", 0));
            }
        }
        for (&(of, channel, reason), &count) in &self.withheld {
            let (name, reason) = (
                &self.judgement.matches[of].rule.facts.name,
                format!("{reason}:{}", channel.as_str()),
            );
            suppressed.push(Suppressed::new(name, reason, count));
        }
        self.composed.outcomes.push(Outcome {
            event_id: self.event.id,
            rules_matched: i32::try_from(self.judgement.matches.len()).unwrap_or(i32::MAX),
            notifications: told,
            suppressed,
            warnings: distinct(warnings),
        });
        Ok(())
    }

    /// What would have been a notification of its own waits for a digest.
    fn gather(&mut self, rule: &CompiledRule, telling: Telling, key: &Key, texts: &Rendered) {
        let (facts, person) = (&rule.facts, self.order.people.get(telling.person));
        let matched = &self.judgement.matches[telling.of];
        let severity = matched.severity(self.event);
        let own = [&texts.email_subject, &texts.email_html, &texts.sms_body];
        let has_own = own.iter().any(|text| text.is_some());
        let channels = facts.channels.iter().map(|c| c.as_str().to_owned());
        let item = Item {
            event_id: self.event.id,
            rule_id: facts.id,
            rule_version: facts.version,
            user_id: person.id.clone(),
            category: facts.category.clone(),
            severity: severity.as_str().to_owned(),
            channels: channels.collect(),
            locale: texts.locale.clone(),
            title: texts.title.clone(),
            body: texts.body.clone(),
            action_url: texts.action_url.clone(),
            action_label: texts.action_label.clone(),
            occurred_at: self.event.occurred_at,
            expires_at: useful_until(matched, self.event),
            mail: has_own.then(|| Mail {
                email_subject: texts.email_subject.clone(),
                email_html: texts.email_html.clone(),
                sms_body: texts.sms_body.clone(),
            }),
        };
        self.composed.gathered.push((key.clone(), item));
    }

    fn tell(&mut self, rule: &CompiledRule, telling: Telling, id: i64, texts: Arc<Rendered>) {
        let (facts, order) = (&rule.facts, self.order);
        let matched = &self.judgement.matches[telling.of];
        let person = order.people.get(telling.person);
        let wanted = |channel| facts.mandatory || person.wishes.wants(&facts.category, channel);
        let channels = matched.channels();
        let expires_at = useful_until(matched, self.event);
        let severity = matched.severity(self.event);
        let quiet = deliveries::plan::quiet_until(person, severity, facts.mandatory, order.now);
        for &channel in channels {
            let planned = deliveries::plan::plan(
                channel,
                wanted(channel),
                order.configured.contains(&channel),
                id,
                person,
                &texts,
                facts.priority,
            )
            .after_quiet_hours(quiet);
            if let Some(reason) = planned.reason {
                let withheld = self.withheld.entry((telling.of, channel, reason));
                *withheld.or_default() += 1;
            }
            self.composed.deliveries.push(planned);
        }
        self.composed.notifications.push(NewNotification {
            id,
            user_id: person.id.clone(),
            in_app: channels.contains(&ChannelKind::InApp) && wanted(ChannelKind::InApp),
            event: Some(telling.event),
            rule_id: Some(facts.id),
            rule_version: Some(facts.version),
            step: matched.step,
            expires_at,
            category: facts.category.clone(),
            severity,
            texts,
        });
    }
}

/// What an event's matches say so far, each with the reader it was first rendered for. Few: a look through them beats a map.
type Texts<'a> = Vec<(usize, &'a Reader, Arc<Rendered>)>;

/// A match's texts for a reader; rendered once per language and time zone unless they speak of the reader.
fn rendered<'a>(
    matched: &Match,
    of: usize,
    reader: &'a Reader,
    context: &mut EventContext<'_>,
    texts: &mut Texts<'a>,
    warnings: &mut Vec<Warning>,
) -> Result<Arc<Rendered>, Warning> {
    let rule = &matched.rule;
    if rule.facts.personal {
        let fresh = rule.render_step(matched.step, context, reader, warnings)?;
        return Ok(Arc::new(fresh));
    }
    let same = |known: &&(usize, &Reader, Arc<Rendered>)| {
        let (match_, other, _) = known;
        *match_ == of && other.locale == reader.locale && other.timezone == reader.timezone
    };
    if let Some((_, _, texts)) = texts.iter().find(same) {
        return Ok(Arc::clone(texts));
    }
    let fresh = Arc::new(rule.render_step(matched.step, context, reader, warnings)?);
    texts.push((of, reader, Arc::clone(&fresh)));
    Ok(fresh)
}

fn distinct(warnings: Vec<Warning>) -> Vec<Warning> {
    let mut seen = Vec::new();
    for warning in warnings {
        if seen.len() == WARNINGS {
            break;
        }
        if !seen.contains(&warning) {
            seen.push(warning);
        }
    }
    seen
}
