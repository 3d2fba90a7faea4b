//! Whom the steps of a rule's escalation tell of one event, if nobody does what ends it. Comes from the match of the first telling and
//! the directory, goes to previews. Law: whom a step is for is said by `audience_at`, as it is for workers.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::db::Client;
use crate::directory::{self, People, Wanted};
use crate::ingest::Event;
use crate::kernel::Result;
use crate::rules::set::EventContext;
use crate::rules::{Audience, Match};

/// The people there are for a match and for the steps after it, and whom each of these is for. What the steps say themselves is asked
/// for together with what the match needs; who manages those who were told can be asked for only then.
///
/// # Errors
/// The database's.
pub(super) async fn around(
    client: &Client,
    matched: &Match,
    event: &Event,
    mut wanted: Wanted,
) -> Result<(Arc<People>, Vec<Audience>)> {
    let steps = audiences(matched, event, &People::default());
    wanted.join(Wanted::of(steps.iter()));
    loop {
        let people = directory::store::find(client, &wanted).await?;
        let steps = audiences(matched, event, &people);
        // No more often than there are steps: each is asked for once those before it are known.
        if !wanted.join(missing(&steps, &people)) {
            return Ok((Arc::new(people), steps));
        }
    }
}

/// Whom each step is for, once everybody of those before it was told.
fn audiences(matched: &Match, event: &Event, people: &People) -> Vec<Audience> {
    let Ok(context) = EventContext::new(event) else {
        return Vec::new();
    };
    let (rule, mut told) = (&matched.rule, BTreeSet::new());
    let mut note = |audience: &Audience| {
        let chosen = people.chosen(audience).into_iter();
        told.extend(chosen.map(|person| person.id.clone()));
        told.clone()
    };
    let mut before = note(&matched.audience);
    let mut all = Vec::new();
    for step in (1..).take(rule.memory().escalate.len()) {
        let Some(audience) = rule.audience_at(step, &context, before.into_iter()) else {
            break;
        };
        before = note(&audience);
        all.push(audience);
    }
    all
}

/// What these need and nobody was asked for: of people who are known, their manager is.
fn missing(audiences: &[Audience], people: &People) -> Wanted {
    let mut wanted = Wanted::of(audiences.iter());
    let known = std::mem::take(&mut wanted.managers_of);
    for id in known {
        match people.by_id(&id) {
            Some(person) => wanted.ids.extend(person.manager_id.clone()),
            None => drop(wanted.managers_of.insert(id)),
        }
    }
    wanted.ids.retain(|id| people.by_id(id).is_none());
    wanted
}
