//! A digest: what was gathered for a person becomes one notification that lists it; one thing alone is told as itself. Comes from
//! alarms (`later`), goes to the same rows as everything that is told.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::db::Client;
use crate::deliveries::{self, Planned};
use crate::directory::{People, Person};
use crate::kernel::{ChannelKind, Result, Severity};
use crate::notifications::NewNotification;
use crate::pipeline::compose::Composed;
use crate::pipeline::watchdog::Progress;
use crate::rules::memory::gathered;
use crate::rules::memory::items::{self, Waiting};
use crate::rules::memory::ledger::Key;
use crate::rules::memory::states::Gathering;
use crate::rules::set::CompiledRule;
use crate::rules::{Rendered, RuleSet};

/// A digest that is due.
#[derive(Debug)]
pub(super) struct Gathered {
    key: Key,
    gathering: Gathering,
    waiting: Waiting,
    /// Their place among the people; `None` = not active, or gone.
    person: Option<usize>,
}

/// Of a digest at most so many are told by one notification and one transaction.
const MOST: i64 = 50_000;

impl Gathered {
    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    pub(super) fn gathering(&self) -> &Gathering {
        &self.gathering
    }

    /// Whether there may be more than is told now.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.total >= MOST
    }
}

/// How a digest ended: by this notification, or not and why.
pub(super) type Ended = (Key, std::result::Result<i64, &'static str>);

/// What waits for these digests, whose states are held; that may be nothing any more.
pub(super) async fn read(
    client: &Client,
    keys: &[Key],
    gatherings: &BTreeMap<Key, Gathering>,
    people: &People,
) -> Result<Vec<Gathered>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let waiting = items::store::waiting(client, keys).await?;
    let all = keys.iter().zip(waiting);
    Ok(all
        .map(|(key, waiting)| {
            let gathering = gatherings.get(key).cloned().unwrap_or_default();
            Gathered {
                person: people.place_of(&gathering.user),
                key: key.clone(),
                gathering,
                waiting,
            }
        })
        .collect())
}

/// Makes notifications and deliveries of digests. `numbers` are as many ids.
pub(super) fn compose(
    digests: Vec<Gathered>,
    numbers: &[i64],
    rules: &RuleSet,
    people: &People,
    configured: &HashSet<ChannelKind>,
    now: Timestamp,
    progress: &Progress,
) -> (Composed, Vec<Ended>) {
    let (mut composed, mut ended) = (Composed::default(), Vec::new());
    for (digest, &id) in digests.into_iter().zip(numbers) {
        if digest.waiting.total == 0 {
            // Resolved meanwhile, or of no use any more.
            ended.push((digest.key, Err("expired")));
            continue;
        }
        let Some(place) = digest.person else {
            ended.push((digest.key, Err("inactive")));
            continue;
        };
        let rule = rules.by_id(digest.key.rule);
        if digest.key.rule > 0 && rule.is_none() {
            // Off, faulty or gone: it tells nobody.
            ended.push((digest.key, Err("rule_off")));
            continue;
        }
        progress.at(digest.key.rule, rule.map_or(0, |rule| rule.facts.version));
        let Some(texts) = texts(&digest, rule.map(|r| &**r), people, place, now) else {
            ended.push((digest.key, Err("render_failed")));
            continue;
        };
        let told = Digest {
            of: &digest,
            rule: rule.map(|r| &**r),
            person: people.get(place),
            texts: Arc::new(texts),
        };
        told.rows(id, configured, now, &mut composed);
        ended.push((digest.key, Ok(id)));
    }
    (composed, ended)
}

/// What it says: one thing alone speaks for itself.
fn texts(
    digest: &Gathered,
    rule: Option<&CompiledRule>,
    people: &People,
    place: usize,
    now: Timestamp,
) -> Option<Rendered> {
    if let (1, [only]) = (digest.waiting.total, digest.waiting.items.as_slice()) {
        let mail = only.mail.clone().unwrap_or_default();
        return Some(Rendered {
            locale: only.locale.clone(),
            title: only.title.clone(),
            body: only.body.clone(),
            action_url: only.action_url.clone(),
            action_label: only.action_label.clone(),
            email_subject: mail.email_subject,
            email_html: mail.email_html,
            sms_body: mail.sms_body,
        });
    }
    let name = &digest.gathering.of;
    match gathered::render(rule, name, &digest.waiting, people.reader(place), now) {
        Ok(texts) => Some(texts),
        Err(warning) => {
            tracing::warn!(
                rule.id = digest.key.rule,
                detail = warning.detail,
                "a digest could not be written; what it gathered is withdrawn"
            );
            None
        }
    }
}

/// A digest with its reader and texts.
struct Digest<'a> {
    of: &'a Gathered,
    rule: Option<&'a CompiledRule>,
    person: &'a Person,
    texts: Arc<Rendered>,
}

impl Digest<'_> {
    fn rows(
        &self,
        id: i64,
        configured: &HashSet<ChannelKind>,
        now: Timestamp,
        composed: &mut Composed,
    ) {
        let items = &self.of.waiting.items;
        let severity = items
            .iter()
            .filter_map(|item| Severity::parse(&item.severity))
            .max()
            .unwrap_or_default();
        let Some(last) = items.last() else { return };
        let mut channels: Vec<ChannelKind> = Vec::new();
        for item in items {
            let those = item
                .channels
                .iter()
                .filter_map(|word| ChannelKind::parse(word));
            for channel in those {
                if !channels.contains(&channel) {
                    channels.push(channel);
                }
            }
        }
        let mandatory = self.rule.is_some_and(|rule| rule.facts.mandatory);
        let priority = self.rule.map_or(0, |rule| rule.facts.priority);
        let wanted = |channel| mandatory || self.person.wishes.wants(&last.category, channel);
        let quiet = deliveries::plan::quiet_until(self.person, severity, mandatory, now);
        for &channel in &channels {
            let planned: Planned = deliveries::plan::plan(
                channel,
                wanted(channel),
                configured.contains(&channel),
                id,
                self.person,
                &self.texts,
                priority,
            )
            .after_quiet_hours(quiet);
            composed.deliveries.push(planned);
        }
        let own = self.of.key.rule > 0;
        let all_expire = items.iter().all(|item| item.expires_at.is_some());
        composed.notifications.push(NewNotification {
            id,
            user_id: self.person.id.clone(),
            in_app: channels.contains(&ChannelKind::InApp) && wanted(ChannelKind::InApp),
            event: None,
            rule_id: own.then_some(self.of.key.rule),
            rule_version: own.then_some(last.rule_version),
            step: 0,
            // As long as any of it.
            expires_at: items
                .iter()
                .map(|i| i.expires_at)
                .max()
                .filter(|_| all_expire)
                .flatten(),
            category: last.category.clone(),
            severity,
            texts: self.texts.clone(),
        });
    }
}
