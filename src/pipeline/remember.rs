//! Stations 5 and 6, what is remembered: held under its locks before anything is decided, written with what came of it. Comes from the
//! evaluation, which decides by it (`decide`); goes to `neurolink_rule_states`, digests' items, shadows, and to whom a rule has resolved
//! something for.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::db::Tx;
use crate::kernel::{Lane, Result};
use crate::notifications::resolve;
use crate::pipeline::Evaluator;
use crate::pipeline::choose::Chosen;
use crate::pipeline::compose::Composed;
use crate::pipeline::decide::{Decided, Scene};
use crate::pipeline::digest::Ended;
use crate::pipeline::storm::{self, Told};
use crate::rules::held;
use crate::rules::memory::items;
use crate::rules::memory::ledger::{Alarm, Key, Ledger};
use crate::rules::memory::states::Settle;
use crate::rules::memory::store;

/// So many notifications are resolved by the transaction that resolves; of more each event's by one of its own.
const AT_ONCE: usize = 500;

/// What was decided, with what is remembered of it.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    pub(super) decided: Decided,
    pub(super) ledger: Ledger,
    /// What rules tell in this minute, and which of them too much.
    pub(super) told: Told,
    minute: i64,
}

impl Evaluator {
    /// Decides what of the chosen is told. `also` is held with what the decision needs, and given with it.
    pub(super) async fn remember(
        &self,
        tx: &Tx,
        scene: &Scene<'_>,
        chosen: Chosen,
    ) -> Result<Remembered> {
        let mut ledger = Ledger::default();
        if scene.remembers(&chosen) {
            ledger = store::hold(tx, &scene.keys(&chosen)).await?;
        }
        Ok(self.decided(scene, chosen, ledger))
    }

    /// The same with a ledger that is held.
    pub(super) fn decided(
        &self,
        scene: &Scene<'_>,
        chosen: Chosen,
        mut ledger: Ledger,
    ) -> Remembered {
        let mut told = Told::default();
        let minute = scene.now.as_second().div_euclid(60);
        self.storm.forget(&self.rulebook.released());
        let decided = {
            let mut admit = self.storm.admits(minute, &mut told);
            scene.decide(chosen, &mut ledger, &mut admit)
        };
        Remembered {
            decided,
            ledger,
            told,
            minute,
        }
    }

    /// Writes what is remembered, and resolves what is settled. The inboxes of all whom the batch tells and whose notifications it
    /// resolves are locked together: gives the latter.
    pub(super) async fn keep(
        &self,
        tx: &Tx,
        remembered: &mut Remembered,
        composed: &Composed,
        ended: &[Ended],
        now: Timestamp,
    ) -> Result<Vec<String>> {
        let Remembered {
            decided, ledger, ..
        } = remembered;
        let held = decided.held.iter();
        let held: Vec<(i64, i64)> = held
            .map(|(&rule, &count)| (rule, i64::try_from(count).unwrap_or(i64::MAX)))
            .collect();
        held::store::count(tx, &held).await?;
        items::store::told(tx, ended).await?;
        items::store::gather(tx, &composed.gathered).await?;
        store::note(tx, &decided.shadows).await?;
        let mut settled = if decided.resolved.is_empty() {
            Vec::new()
        } else {
            let events: BTreeSet<i64> = decided.resolved.iter().map(|(event, _)| *event).collect();
            items::store::withdraw(tx, &events.into_iter().collect::<Vec<_>>()).await?;
            resolve::store::find(tx, &decided.resolved, AT_ONCE + 1).await?
        };
        let more = settled.len() > AT_ONCE;
        settled.truncate(AT_ONCE);
        if more {
            for &(event, rule) in &decided.resolved {
                let key = Key::settle(rule, event);
                ledger.put(&key, &Settle { event }, now);
                ledger.ring(&key, Alarm::Fanout, Lane::Normal, now);
            }
            let keys = decided
                .resolved
                .iter()
                .map(|&(event, rule)| Key::settle(rule, event));
            store::make(tx, keys.collect()).await?;
        }
        store::save(tx, ledger).await?;
        if settled.is_empty() {
            return Ok(Vec::new());
        }
        let told = composed.notifications.iter().filter(|n| n.in_app);
        let told = told.map(|n| n.user_id.as_str());
        let users: BTreeSet<&str> = settled
            .iter()
            .map(|t| t.user_id.as_str())
            .chain(told)
            .collect();
        resolve::store::lock(tx, &users.into_iter().collect::<Vec<_>>()).await?;
        let resolved = resolve::store::resolve(tx, &settled).await?;
        Ok(resolved.users)
    }

    /// After the commit: what was told counts, and rules that told too much are held. That beside the work: whatever fails there is tried
    /// again with the next batch that meets it.
    pub(super) fn guard(&self, remembered: Remembered) {
        let Remembered { told, minute, .. } = remembered;
        self.storm.committed(minute, &told);
        if told.tripped.is_empty() {
            return;
        }
        let (db, role) = (self.db.clone(), self.settings.admin_role.clone());
        tokio::spawn(async move {
            if let Err(error) = storm::hold(&db, &told.tripped, &role).await {
                tracing::warn!(error = %error.chain(), "a rule that tells too much could not be held; the next batch tries again");
            }
        });
    }
}
