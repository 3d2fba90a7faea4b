//! An event evaluated again with today's rules, which adds only what is missing. Comes from a job of channel `replay`, which is
//! evaluated alone; goes to the same stations as the first time, less what was told before. What is there stays: nothing is
//! written twice, rendered again or taken back.

use std::collections::{BTreeSet, HashSet};

use crate::db::Client;
use crate::directory::People;
use crate::ingest::Event;
use crate::kernel::Result;
use crate::pipeline::choose::{Chosen, Telling};
use crate::pipeline::compose::{Composed, Judged};
use crate::rules;
use crate::rules::model::Outcome;

/// Whether events are evaluated for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Their outcomes are written.
    First,
    /// One event, whose outcome is there and locked.
    Again,
    /// What of events was put off; their outcomes are there and locked.
    Later,
}

/// What a replay must not say again.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Names of rules that chose somebody, whether told now or before.
    rules: BTreeSet<String>,
}

impl Turn {
    /// Leaves the tellings that are still to be told: all, the first time.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn missing(
        self,
        client: &Client,
        events: &[Event],
        judged: &[Judged],
        people: &People,
        chosen: &mut Chosen,
    ) -> Result<Told> {
        let (Self::Again, [event], [judgement]) = (self, events, judged) else {
            return Ok(Told::default());
        };
        let before: HashSet<(i64, String)> = rules::store::told(client, event.id)
            .await?
            .into_iter()
            .collect();
        let tellings = &mut chosen.tellings;
        let rule = |telling: &Telling| &judgement.matches[telling.of].rule.facts;
        let rules = tellings.iter().map(|t| rule(t).name.clone()).collect();
        tellings.retain(|telling| {
            let user = people.get(telling.person).id.clone();
            !before.contains(&(rule(telling).id, user))
        });
        Ok(Told { rules })
    }

    /// Writes what came of the events.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn write_outcomes(self, client: &Client, outcomes: &[Outcome]) -> Result<()> {
        match (self, outcomes) {
            (Self::Again, [outcome]) => rules::store::replayed(client, outcome).await,
            (Self::Later, _) => rules::store::put_off_no_more(client, outcomes).await,
            _ => rules::store::insert_outcomes(client, outcomes).await,
        }
    }

    /// The same for a large batch.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn copy_outcomes(self, client: &Client, outcomes: &[Outcome]) -> Result<()> {
        match self {
            Self::First => rules::store::copy_outcomes(client, outcomes).await,
            Self::Again | Self::Later => self.write_outcomes(client, outcomes).await,
        }
    }
}

impl Told {
    /// A rule whose people were all told before has recipients, though it tells nobody now.
    pub(super) fn correct(&self, composed: &mut Composed) {
        if self.rules.is_empty() {
            return;
        }
        for outcome in &mut composed.outcomes {
            outcome
                .suppressed
                .retain(|s| s.reason != "no_recipient" || !self.rules.contains(&s.rule));
        }
    }
}
