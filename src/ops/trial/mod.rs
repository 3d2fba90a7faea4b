//! Before it fires: what a rule would do with one event (preview), and what it would have done with those of a time (backtest). Comes
//! from drafts and saved rules, goes to whoever is about to trust one, by HTTP and by `neurolink rules`. Law: nothing is written, no
//! queue is touched, and nothing is worked out here: the answers are the line's own stations', asked through [`Trials`].

pub mod backtest;
pub mod preview;
pub mod request;
pub mod routes;
pub mod silence;
pub mod store;

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use serde::Serialize;

use crate::kernel::Result;

pub use backtest::{Backtest, Live, Plan};
pub use preview::{Preview, Question};

/// Who tries rules: the pipeline, which knows the stations.
pub trait Trials: Send + Sync {
    /// What a rule would do with an event.
    fn preview(&self, question: Question) -> BoxFuture<'_, Result<Preview>>;

    /// What a rule would have done with the events of a time. Dropped, it reads no further.
    fn backtest<'a>(&'a self, plan: Plan, far: &'a Far) -> BoxFuture<'a, Result<Backtest>>;
}

/// How far a backtest is, for whoever waits for it.
#[derive(Debug, Default)]
pub struct Far {
    looked: AtomicU64,
    of: AtomicU64,
    matched: AtomicU64,
}

/// The same at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Events looked at.
    pub looked: u64,
    /// Of about so many: an estimate by ids until the end.
    pub of: u64,
    /// Events that the rule was true for.
    pub matched: u64,
}

impl Far {
    /// It has come so far.
    pub fn at(&self, progress: Progress) {
        self.looked.store(progress.looked, Ordering::Relaxed);
        self.of.store(progress.of, Ordering::Relaxed);
        self.matched.store(progress.matched, Ordering::Relaxed);
    }

    /// How far it is.
    #[must_use]
    pub fn now(&self) -> Progress {
        Progress {
            looked: self.looked.load(Ordering::Relaxed),
            of: self.of.load(Ordering::Relaxed),
            matched: self.matched.load(Ordering::Relaxed),
        }
    }
}

/// Some of many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown<T> {
    /// How many there are.
    pub total: usize,
    /// The first of them.
    pub items: Vec<T>,
}

impl<T> Default for Shown<T> {
    fn default() -> Self {
        Self {
            total: 0,
            items: Vec::new(),
        }
    }
}
