//! Rules tried before they fire. Comes from drafts and saved rules with events, stored or made up, goes to `ops::trial`'s answers.
//! Law: what would be is worked out by [`compose`](super::compose), `choose` and `decide`, the very functions that workers call; here is
//! only what they are called with, and the counting of what they give. Nothing is written.

mod backtest;
mod course;
mod crowd;
mod further;
mod look;
mod memory;
mod patience;
mod preview;
mod reasons;
mod rule;
mod tally;
mod texts;

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::config::Config;
use crate::db::Db;
use crate::deliveries::channels;
use crate::deliveries::channels::email::Drawing;
use crate::kernel::{ChannelKind, Result};
use crate::ops::trial::{Backtest, Far, Plan, Preview, Question, Trials};

/// Tries rules, by the settings of this process.
pub struct Trier {
    db: Db,
    configured: HashSet<ChannelKind>,
    drawing: Arc<Drawing>,
}

impl Trier {
    /// Of these settings. A channel whose settings don't hold counts as not configured: it is the workers' to refuse to start.
    ///
    /// # Errors
    /// When the mails' layout is broken.
    pub fn new(config: &Config, db: Db) -> Result<Self> {
        let configured = channels::configured(config).unwrap_or_default();
        Ok(Self {
            db,
            configured: configured.iter().map(|channel| channel.kind()).collect(),
            drawing: Arc::new(Drawing::from_config(
                &config.email,
                config.erp_url.as_deref(),
            )?),
        })
    }
}

impl Trials for Trier {
    fn preview(&self, question: Question) -> BoxFuture<'_, Result<Preview>> {
        Box::pin(preview::run(self, question))
    }

    fn backtest<'a>(&'a self, plan: Plan, far: &'a Far) -> BoxFuture<'a, Result<Backtest>> {
        Box::pin(backtest::run(self, plan, far))
    }
}
