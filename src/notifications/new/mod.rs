//! Notifications about to be: from the pipeline's composing to their rows and revisions.

pub mod store;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::kernel::Severity;
use crate::rules::Rendered;

/// A notification about to be written.
#[derive(Debug, Clone)]
pub struct NewNotification {
    /// Taken ahead of the row.
    pub id: i64,
    /// The recipient.
    pub user_id: String,
    /// Whether it goes into the inbox (else it is told on other channels only).
    pub in_app: bool,
    /// Which event of the batch it is of (its index there); `None` = of none, as what gathers others is.
    pub event: Option<usize>,
    /// The rule, if one made it.
    pub rule_id: Option<i64>,
    /// Its version.
    pub rule_version: Option<i32>,
    /// 0 = the first telling; escalations and reminders count up.
    pub step: i16,
    /// When it is of no use any more.
    pub expires_at: Option<Timestamp>,
    /// The rule's category.
    pub category: String,
    /// The rule's severity, or the event's.
    pub severity: Severity,
    /// What it says; recipients of one event who read the same share it.
    pub texts: Arc<Rendered>,
}

/// How many revisions each inbox must give, and which of them each notification gets.
struct Shares<'a> {
    /// Whose inboxes.
    users: Vec<&'a str>,
    /// How many each.
    counts: Vec<i32>,
    /// Each notification's place among its inbox's, from 1; 0 = it isn't in the inbox.
    nth: Vec<i32>,
}

impl<'a> Shares<'a> {
    fn of(new: &'a [NewNotification]) -> Self {
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut shares = Self {
            users: Vec::new(),
            counts: Vec::new(),
            nth: Vec::with_capacity(new.len()),
        };
        for notification in new {
            if !notification.in_app {
                shares.nth.push(0);
                continue;
            }
            let user = notification.user_id.as_str();
            let place = *places.entry(user).or_insert_with(|| {
                shares.users.push(user);
                shares.counts.push(0);
                shares.users.len() - 1
            });
            shares.counts[place] += 1;
            shares.nth.push(shares.counts[place]);
        }
        shares
    }
}
