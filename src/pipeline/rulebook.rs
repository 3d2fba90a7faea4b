//! The rules a node judges by. Every claim reads the rules' revision in its own statement, so an event committed after a
//! rule is always judged by that rule; notifications only let idle nodes compile, and mark faults, at once.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::db::{Client, Db};
use crate::kernel::{Error, Result};
use crate::rules::{self, Fault, RuleSet};

/// The compiled rules, with the revision they are of.
pub struct Rulebook {
    db: Db,
    loaded: ArcSwap<Loaded>,
    loading: tokio::sync::Mutex<()>,
    /// Rules that were held, and aren't.
    released: Mutex<Vec<i64>>,
}

#[derive(Default)]
struct Loaded {
    rev: i64,
    rules: Arc<RuleSet>,
}

impl Rulebook {
    /// An empty one, of a revision before every real one.
    #[must_use]
    pub fn new(db: Db) -> Arc<Self> {
        Arc::new(Self {
            db,
            loaded: ArcSwap::default(),
            loading: tokio::sync::Mutex::new(()),
            released: Mutex::default(),
        })
    }

    /// How many rules are loaded, and of which revision.
    #[must_use]
    pub fn facts(&self) -> (usize, i64) {
        let loaded = self.loaded.load();
        (loaded.rules.len(), loaded.rev)
    }

    /// The rules as of `rev` or later, read through `client` if ours are older.
    ///
    /// # Errors
    /// The database's.
    pub async fn at(self: &Arc<Self>, client: &Client, rev: i64) -> Result<Arc<RuleSet>> {
        let loaded = self.loaded.load();
        if loaded.rev >= rev {
            return Ok(loaded.rules.clone());
        }
        let _one = self.loading.lock().await;
        let loaded = self.loaded.load();
        if loaded.rev >= rev {
            return Ok(loaded.rules.clone());
        }
        let (rules, faults) = self.load(client).await?;
        let book = self.clone();
        tokio::spawn(async move { book.mark(&faults).await });
        Ok(rules)
    }

    /// Reads the rules anew whatever the revision, and marks faults. After a notification, and after every (re)connection.
    pub async fn refresh(self: &Arc<Self>) {
        let outcome = async {
            let _one = self.loading.lock().await;
            let client = self.db.client().await?;
            let (_, faults) = self.load(&client).await?;
            drop(client);
            Ok::<_, Error>(faults)
        }
        .await;
        match outcome {
            Ok(faults) => self.mark(&faults).await,
            Err(error) => {
                tracing::debug!(error = %error.chain(), "the rules could not be read; the next claim reads them")
            }
        }
    }

    /// Rules that were released since this was asked.
    pub(super) fn released(&self) -> Vec<i64> {
        std::mem::take(&mut *self.released.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn load(&self, client: &Client) -> Result<(Arc<RuleSet>, Vec<(i64, i32, Fault)>)> {
        let (rev, rows) = rules::store::load(client).await?;
        let (set, faults) = tokio::task::spawn_blocking(move || RuleSet::compile(&rows))
            .await
            .map_err(|e| Error::internal("compiling the rules broke", e))?;
        let set = Arc::new(set);
        tracing::info!(
            rules.count = set.len(),
            rules.rev = rev,
            rules.faulty = faults.len(),
            "rules are loaded"
        );
        let before = self.loaded.swap(Arc::new(Loaded {
            rev,
            rules: set.clone(),
        }));
        let goes_on = |id: &i64| set.by_id(*id).is_some_and(|rule| !rule.facts.is_held);
        let mut released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
        released.extend(before.rules.held().filter(goes_on));
        drop(released);
        Ok((set, faults))
    }

    async fn mark(&self, faults: &[(i64, i32, Fault)]) {
        for (rule, version, fault) in faults {
            tracing::warn!(
                rule.id = rule,
                rule.version = version,
                place = fault.place,
                detail = fault.detail,
                "a rule is faulty and is not evaluated"
            );
        }
        let marked =
            async { rules::store::mark_faults(&self.db.client().await?, faults).await }.await;
        if let Err(error) = marked {
            tracing::warn!(error = %error.chain(), "faults of rules could not be marked");
        }
    }

    /// A rule outlasted its watchdog: it is stopped here and everywhere.
    pub async fn stop(&self, rule: i64, version: i32, detail: &str) {
        tracing::error!(
            rule.id = rule,
            rule.version = version,
            detail,
            "a rule outlasted its watchdog and is stopped"
        );
        let marked = async {
            rules::store::mark_watchdog(&self.db.client().await?, rule, version, detail).await
        }
        .await;
        if let Err(error) = marked {
            tracing::error!(error = %error.chain(), "a rule could not be stopped; it will be tried again with the next event");
        }
    }
}
