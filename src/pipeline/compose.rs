//! Stations 4 to 6 up to the rows, pure: events × rules → matches; matches × people → tellings; tellings → notifications and
//! planned deliveries.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use crate::deliveries::{self, Planned};
use crate::directory::{People, recipients};
use crate::ingest::Event;
use crate::kernel::ChannelKind;
use crate::notifications::NewNotification;
use crate::pipeline::watchdog::{Broken, Progress};
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
    /// When it was judged, by the database's clock: what its texts count from.
    pub now: jiff::Timestamp,
}

/// One person is told of one event by one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Telling {
    /// The event's place in the batch.
    pub event: usize,
    /// The match's place in the event's.
    pub of: usize,
    /// The person's place among the people.
    pub person: usize,
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
        let context = EventContext::new(event).map_err(|e| e.chain())?;
        let (matches, warnings) = rules.evaluate(&context, now, &mut |rule, version| {
            progress.at(rule, version)
        });
        Ok(Judged {
            matches,
            warnings,
            now,
        })
    };
    events
        .iter()
        .enumerate()
        .map(|(index, event)| caught(index, || judge_one(event)))
        .collect()
}

/// The roles and people whom the directory is asked for.
#[must_use]
pub fn wanted(judged: &[Judged]) -> (Vec<String>, Vec<String>) {
    let audiences = || judged.iter().flat_map(|j| &j.matches).map(|m| &m.audience);
    let roles: BTreeSet<&String> = audiences().flat_map(|a| &a.roles).collect();
    let users: BTreeSet<&String> = audiences().flat_map(|a| &a.users).collect();
    (
        roles.into_iter().cloned().collect(),
        users.into_iter().cloned().collect(),
    )
}

/// Who is told what.
#[must_use]
pub fn tellings(judged: &[Judged], people: &People) -> Vec<Telling> {
    let mut tellings = Vec::new();
    for (event, judgement) in judged.iter().enumerate() {
        for (of, matched) in judgement.matches.iter().enumerate() {
            let chosen = recipients::choose(&matched.audience, people);
            tellings.extend(
                chosen
                    .into_iter()
                    .map(|person| Telling { event, of, person }),
            );
        }
    }
    tellings
}

/// Stations 5 and 6, up to the rows. `numbers` are as many ids as there are tellings.
///
/// # Errors
/// The first event that breaks the renderer (a template's own fault only costs its rule's tellings).
pub fn compose(
    events: &[Event],
    judged: Vec<Judged>,
    people: &People,
    tellings: &[Telling],
    numbers: &[i64],
    configured: &HashSet<ChannelKind>,
    progress: &Progress,
) -> Result<Composed, Broken> {
    let mut composed = Composed::default();
    let mut rest = tellings;
    let mut numbers = numbers.iter().copied();
    for (index, judgement) in judged.into_iter().enumerate() {
        let (mine, others) = rest.split_at(rest.iter().take_while(|t| t.event == index).count());
        rest = others;
        let numbered: Vec<(Telling, i64)> = mine.iter().copied().zip(numbers.by_ref()).collect();
        let mut desk = Desk {
            event: &events[index],
            judgement,
            people,
            configured,
            progress,
            composed: &mut composed,
            withheld: BTreeMap::new(),
        };
        caught(index, || desk.work(&numbered))?;
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
    event: &'a Event,
    judgement: Judged,
    people: &'a People,
    configured: &'a HashSet<ChannelKind>,
    progress: &'a Progress,
    composed: &'a mut Composed,
    /// Deliveries suppressed, by match, channel and reason.
    withheld: BTreeMap<(usize, ChannelKind, &'static str), i32>,
}

impl Desk<'_> {
    fn work(&mut self, tellings: &[(Telling, i64)]) -> Result<(), String> {
        let mut warnings = std::mem::take(&mut self.judgement.warnings);
        let mut told = 0;
        if !tellings.is_empty() {
            let mut context = EventContext::new(self.event)
                .map_err(|e| e.chain())?
                .at(self.judgement.now);
            let mut texts = Texts::new();
            for &(telling, number) in tellings {
                let rule = self.judgement.matches[telling.of].rule.clone();
                self.progress.at(rule.facts.id, rule.facts.version);
                let reader = self.people.reader(telling.person);
                match rendered(
                    &rule,
                    telling.of,
                    reader,
                    &mut context,
                    &mut texts,
                    &mut warnings,
                ) {
                    Ok(rendered) => {
                        told += 1;
                        self.tell(&rule, telling, number, rendered);
                    }
                    Err(warning) => warnings.push(warning),
                }
            }
        }
        let silent = |of: usize| !tellings.iter().any(|(telling, _)| telling.of == of);
        let suppressed = self
            .judgement
            .matches
            .iter()
            .enumerate()
            .filter(|(of, _)| silent(*of))
            .map(|(_, matched)| Suppressed {
                rule: matched.rule.facts.name.clone(),
                reason: "no_recipient".to_owned(),
                count: 0,
            });
        let withheld = self
            .withheld
            .iter()
            .map(|(&(of, channel, reason), &count)| Suppressed {
                rule: self.judgement.matches[of].rule.facts.name.clone(),
                reason: format!("{reason}:{}", channel.as_str()),
                count,
            });
        self.composed.outcomes.push(Outcome {
            event_id: self.event.id,
            rules_matched: i32::try_from(self.judgement.matches.len()).unwrap_or(i32::MAX),
            notifications: told,
            suppressed: suppressed.chain(withheld).collect(),
            warnings: distinct(warnings),
        });
        Ok(())
    }

    fn tell(&mut self, rule: &CompiledRule, telling: Telling, id: i64, texts: Arc<Rendered>) {
        let facts = &rule.facts;
        let person = self.people.get(telling.person);
        let wanted = |channel| facts.mandatory || person.wishes.wants(&facts.category, channel);
        for &channel in &facts.channels {
            let planned = deliveries::plan::plan(
                channel,
                wanted(channel),
                self.configured.contains(&channel),
                id,
                person,
                &texts,
                facts.priority,
            );
            if let Some(reason) = planned.reason {
                let withheld = self.withheld.entry((telling.of, channel, reason));
                *withheld.or_default() += 1;
            }
            self.composed.deliveries.push(planned);
        }
        self.composed.notifications.push(NewNotification {
            id,
            user_id: person.id.clone(),
            in_app: facts.channels.contains(&ChannelKind::InApp) && wanted(ChannelKind::InApp),
            event: telling.event,
            rule_id: facts.id,
            rule_version: facts.version,
            category: facts.category.clone(),
            severity: facts.severity.unwrap_or(self.event.severity),
            texts,
        });
    }
}

/// What an event's matches say so far, each with the reader it was first rendered for. Few: a look through them beats a map.
type Texts<'a> = Vec<(usize, &'a Reader, Arc<Rendered>)>;

/// A match's texts for a reader; rendered once per language and time zone unless they speak of the reader.
fn rendered<'a>(
    rule: &CompiledRule,
    of: usize,
    reader: &'a Reader,
    context: &mut EventContext<'_>,
    texts: &mut Texts<'a>,
    warnings: &mut Vec<Warning>,
) -> Result<Arc<Rendered>, Warning> {
    if rule.facts.personal {
        return Ok(Arc::new(rule.render(context, reader, warnings)?));
    }
    let same = |known: &&(usize, &Reader, Arc<Rendered>)| {
        let (match_, other, _) = known;
        *match_ == of && other.locale == reader.locale && other.timezone == reader.timezone
    };
    if let Some((_, _, texts)) = texts.iter().find(same) {
        return Ok(Arc::clone(texts));
    }
    let fresh = Arc::new(rule.render(context, reader, warnings)?);
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
