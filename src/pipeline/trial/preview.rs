//! What a rule would do with one event: judged, composed and planned as a worker would, with the reasons beside. Comes from a question,
//! goes to its answer.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::Trier;
use super::course::{Course, Step};
use super::look::{Looked, look};
use super::patience::{Watch, patiently};
use super::rule::{self, Done, Trial};
use super::texts::Telling;
use super::{further, memory, reasons, texts};
use crate::deliveries::Planned;
use crate::deliveries::channels::email::Drawing;
use crate::directory::{People, Person, recipients};
use crate::kernel::{ChannelKind, Error, Result, mask};
use crate::notifications::NewNotification;
use crate::ops::trial::Shown;
use crate::ops::trial::preview::{
    Further, LeftOut, PEOPLE, Preview, Question, Reached, Recipient, Said, Way,
};
use crate::pipeline::choose;
use crate::pipeline::compose::{Composed, Judged};
use crate::pipeline::decide::{Decided, later, useful_until};
use crate::pipeline::replay::Turn;
use crate::rules::set::EventContext;
use crate::rules::{Audience, Match, Unless};

pub(super) async fn run(trier: &Trier, question: Question) -> Result<Preview> {
    let question = Arc::new(question);
    let asked = question.clone();
    let Looked { preview, trial } = patiently(move |watch| look(&asked, watch)).await?;
    let Some((trial, judged)) = trial else {
        return Ok(preview);
    };
    let mut wanted = choose::wanted(std::slice::from_ref(&judged));
    wanted.ids.extend(question.users.iter().cloned());
    let client = trier.db.client().await?;
    let most = i64::try_from(PEOPLE).unwrap_or(i64::MAX);
    let inactive = People::inactive(&client, &wanted, most).await?;
    let Some(matched) = judged.matches.first() else {
        return Ok(preview);
    };
    let (people, steps) = further::around(&client, matched, &question.event, wanted).await?;
    drop(client);
    let (configured, drawing) = (trier.configured.clone(), trier.drawing.clone());
    patiently(move |watch| {
        Tried {
            question: &question,
            trial: &trial,
            people: &people,
            steps,
            inactive,
            configured: &configured,
            drawing: &drawing,
        }
        .fill(preview, judged, watch)
    })
    .await?
}

/// What the second half works with.
struct Tried<'a> {
    question: &'a Question,
    trial: &'a Trial,
    people: &'a Arc<People>,
    /// Whom each step of its escalation is for.
    steps: Vec<Audience>,
    /// Some of them, and how many there are.
    inactive: (Vec<(String, String)>, i64),
    configured: &'a HashSet<ChannelKind>,
    drawing: &'a Drawing,
}

impl Tried<'_> {
    fn fill(self, mut preview: Preview, judged: Judged, watch: &Watch) -> Result<Preview> {
        let Question { event, now, .. } = self.question;
        let Some(matched) = judged.matches.first().cloned() else {
            return Ok(preview);
        };
        let Match { rule, audience, .. } = &matched;
        let chosen = self.people.chosen(audience);
        // As if nothing were remembered yet.
        let mut course = Course::default();
        let step = course.decide(
            self.trial,
            event.clone(),
            copy(&judged),
            self.people,
            *now,
            Turn::First,
        );
        preview.memory = memory::told(&matched, event, &step.decided, &course.ledger, self.people);
        let useful = useful_until(&matched, event);
        let off: HashMap<String, (String, Option<jiff::Timestamp>)> = chosen
            .iter()
            .filter_map(|person| {
                let (mut reason, mut until) = memory::put_off(&step.decided, &person.id)?;
                if let ("delayed", Some(digest)) = (reason, &rule.memory().digest) {
                    // Gathered when it is due, and told by the next digest after that.
                    let next = |due| digest.schedule.next_after(due, &zone(person));
                    (reason, until) = ("digested", until.map(next));
                }
                // A digest leaves out what is of no use by then.
                let is_useless = useful.zip(until).is_some_and(|(useful, at)| useful <= at);
                let said = match is_useless {
                    true => ("expired".to_owned(), None),
                    false => (reason.to_owned(), until),
                };
                Some((person.id.clone(), said))
            })
            .collect();
        let begins = memory::begins(&step.decided, *now);
        let at = begins.unwrap_or(*now);
        // Whoever is told later, or would be if it fired, is told as they will be then: by a course without memory.
        let whole = Decided {
            tellings: everybody(&judged, self.people),
            ..Decided::default()
        };
        let whole = Step {
            event: event.clone(),
            judged: copy(&judged),
            decided: whole,
            now: at,
            turn: Turn::First,
        };
        let real = self.composed(step, watch)?;
        let composed = self.composed(whole, watch)?;
        // Whether a digest interrupts is asked when it is told.
        let gathered = off.values().filter(|(reason, _)| reason == "digested");
        let mut digests: HashMap<i64, Vec<Planned>> = HashMap::new();
        if let Some(due) = gathered.filter_map(|(_, until)| *until).min() {
            let then = Step {
                event: event.clone(),
                decided: Decided {
                    tellings: everybody(&judged, self.people),
                    ..Decided::default()
                },
                judged,
                now: due,
                turn: Turn::First,
            };
            for delivery in self.composed(then, watch)?.deliveries {
                let of = digests.entry(delivery.notification_id).or_default();
                of.push(delivery);
            }
        }
        let context = EventContext::new(event)?;
        let mut planned: HashMap<i64, Vec<Planned>> = HashMap::new();
        for delivery in composed.deliveries {
            let of = planned.entry(delivery.notification_id).or_default();
            of.push(delivery);
        }
        let told: HashMap<&str, &NewNotification> = composed
            .notifications
            .iter()
            .map(|told| (told.user_id.as_str(), told))
            .collect();
        let is_asked =
            |id: &String| self.question.users.is_empty() || self.question.users.contains(id);
        let shown = chosen.iter().filter(|person| is_asked(&person.id));
        let items = shown.take(PEOPLE).map(|person| {
            let (code, why) = reasons::chosen(self.people, person, (0, audience), rule, &context);
            let told = told.get(person.id.as_str()).copied();
            let off = off.get(&person.id).cloned();
            let is_gathered = off.as_ref().is_some_and(|(reason, _)| reason == "digested");
            let deliveries = told.and_then(|told| match is_gathered {
                true => digests.remove(&told.id),
                false => planned.remove(&told.id),
            });
            self.recipient(
                person,
                (code, why),
                told,
                off,
                deliveries.unwrap_or_default(),
            )
        });
        preview.recipients = Shown {
            items: items.collect(),
            total: chosen.len(),
        };
        let (inactive, every) = &self.inactive;
        let out = reasons::left_out(self.people, audience, inactive, &self.question.users);
        let more = usize::try_from(*every).unwrap_or_default();
        let total = out.len() + more.saturating_sub(inactive.len());
        let out = out.into_iter().filter(|person| is_asked(&person.user_id));
        preview.left_out = Shown {
            items: out.take(PEOPLE).collect::<Vec<LeftOut>>(),
            total,
        };
        let mut tellings = vec![Telling {
            step: 0,
            at,
            people: chosen,
            gathered: None,
        }];
        if let Some(digest) = &rule.memory().digest {
            let people = self.people.chosen(audience);
            let of_digest = preview.memory.iter().find(|said| said.key == "digest");
            // What is put off is gathered only then.
            let next = || {
                let zone = people.first().map_or(TimeZone::UTC, |person| zone(person));
                digest.schedule.next_after(at, &zone)
            };
            let due = of_digest.and_then(|said| said.at);
            tellings.push(Telling {
                step: 0,
                at: due.unwrap_or_else(next),
                people,
                gathered: Some(at),
            });
        }
        let mut at = at;
        for (step, audience) in (1..).zip(&self.steps) {
            let after = rule.escalation(step).map(|step| step.after);
            at = later(at, after.unwrap_or_default());
            let people = self.people.chosen(audience);
            tellings.push(Telling {
                step,
                at,
                people,
                gathered: None,
            });
        }
        let steps = tellings.iter().filter(|telling| telling.step > 0);
        let steps = steps.filter_map(|of| self.further(of, &matched, &context, &is_asked));
        preview.steps = steps.collect();
        // Where nobody is told in the first place, no step comes, nor does one that is of no use by then.
        let is_told = begins.is_some() && !composed.notifications.is_empty();
        for step in &mut preview.steps {
            let is_useful = |at: &jiff::Timestamp| useful.is_none_or(|useful| *at < useful);
            step.at = step.at.filter(|at| is_told && is_useful(at));
        }
        preview.texts = texts::every(rule, event, &tellings, self.drawing);
        // Of a rule that doesn't fire, the outcome would only say what its evaluation warned of.
        if preview.matched {
            preview.warnings.clear();
            for outcome in real.outcomes {
                preview.suppressed.extend(outcome.suppressed);
                let warnings = outcome.warnings.into_iter();
                preview.warnings.extend(warnings.map(Said::from));
            }
        }
        Ok(preview)
    }

    fn composed(&self, step: Step, watch: &Watch) -> Result<Composed> {
        let worked = rule::work(vec![step], self.people, self.configured, watch);
        let done = worked.done.into_iter().next();
        done.map(|Done { composed, .. }| composed).ok_or_else(|| {
            Error::unavailable("the rule's texts break on this event; a worker would give it up")
        })
    }

    /// A step of the escalation, with whom it tells.
    fn further(
        &self,
        &Telling {
            step,
            at,
            ref people,
            ..
        }: &Telling<'_>,
        matched: &Match,
        context: &EventContext<'_>,
        is_asked: &impl Fn(&String) -> bool,
    ) -> Option<Further> {
        let rule = &matched.rule;
        let audience = self
            .steps
            .get(usize::try_from(step).ok()?.checked_sub(1)?)?;
        let own = rule.escalation(step)?;
        let reached = |person: &&Person| {
            let (code, why) = reasons::chosen(self.people, person, (step, audience), rule, context);
            Reached {
                user_id: person.id.clone(),
                display_name: person.display_name.clone(),
                code,
                why,
                locale: person.locale.clone(),
            }
        };
        let shown = people.iter().filter(|person| is_asked(&person.id));
        let channels = own.channels.as_ref().unwrap_or(&rule.facts.channels);
        Some(Further {
            step,
            after: memory::words(own.after),
            at: Some(at),
            unless: match own.unless {
                Unless::Read => "read",
                Unless::Acknowledged => "acknowledged",
            },
            channels: channels.iter().map(|channel| channel.as_str()).collect(),
            recipients: Shown {
                items: shown.take(PEOPLE).map(reached).collect(),
                total: people.len(),
            },
        })
    }

    fn recipient(
        &self,
        person: &Person,
        (code, why): (&'static str, String),
        told: Option<&NewNotification>,
        off: Option<(String, Option<jiff::Timestamp>)>,
        deliveries: Vec<Planned>,
    ) -> Recipient {
        let address = |address: String| {
            if self.question.shows_addresses {
                address
            } else {
                mask::address(&address)
            }
        };
        let is_told = told.is_some() && off.is_none();
        let (reason, until) = match off {
            Some((reason, until)) => (Some(reason), until),
            None => (None, None),
        };
        Recipient {
            user_id: person.id.clone(),
            display_name: person.display_name.clone(),
            code,
            why,
            locale: person.locale.clone(),
            timezone: person.timezone.clone(),
            is_told,
            reason: reason.or_else(|| told.is_none().then(|| "render_failed".to_owned())),
            until,
            in_app: told.is_some_and(|told| told.in_app),
            title: told.map(|told| told.texts.title.clone()),
            deliveries: deliveries
                .into_iter()
                .map(|planned| Way {
                    channel: planned.channel.as_str(),
                    status: planned.status,
                    reason: planned.reason.or(planned.deferred_by),
                    until: planned.not_before,
                    address: planned.address.map(address),
                })
                .collect(),
        }
    }
}

/// All whom the matches choose.
fn everybody(judged: &Judged, people: &People) -> Vec<choose::Telling> {
    let mut tellings = Vec::new();
    for (of, matched) in judged.matches.iter().enumerate() {
        let chosen = recipients::choose(&matched.audience, people).into_iter();
        tellings.extend(chosen.map(|person| choose::Telling {
            event: 0,
            of,
            person,
        }));
    }
    tellings
}

fn copy(judged: &Judged) -> Judged {
    Judged {
        matches: judged.matches.clone(),
        warnings: judged.warnings.clone(),
    }
}

/// Somebody's; UTC for one that isn't known.
fn zone(person: &Person) -> TimeZone {
    TimeZone::get(&person.timezone).unwrap_or(TimeZone::UTC)
}
