//! What a node with workers starts: evaluation, deliveries and their completer, and what its wakes set off.
//!
//! In: settings and the rooms' handles. Out: the two sources of work at the bell, and what `Node::stop` must finish.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::app::Parts;
use crate::config::Config;
use crate::db::Db;
use crate::deliveries::channels::{self, Channel};
use crate::deliveries::completer::Completer;
use crate::kernel::meters::Meters;
use crate::kernel::{Error, Result};
use crate::pipeline::deliver::Dispatcher;
use crate::pipeline::rulebook::Rulebook;
use crate::pipeline::{Evaluator, Hooks, Settings};
use crate::queue::presence::Presence;
use crate::queue::{BellHandle, Signals};
use crate::stream::Hub;
use crate::stream::hints::Hints;

/// The places of the sources at the bell.
pub(super) const EVENTS: usize = 0;
pub(super) const DELIVERIES: usize = 1;
pub(super) const ALARMS: usize = 2;

/// Workers that help the events' first while its claims come back full. Batches with the same recipients wait for each other
/// from the inboxes' locks to the commit; with three, somebody judges and renders meanwhile (1000 a batch, two cores: two
/// workers drain 36 thousand events a second, three 38, four 35).
pub(super) const EVENT_HELPERS: usize = 2;

/// What only a node with workers has.
pub(super) struct Works {
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) recorded: JoinHandle<()>,
}

pub(super) fn start_works(
    config: &Config,
    db: &Db,
    presence: &Arc<Presence>,
    rulebook: &Arc<Rulebook>,
    hints: &Hints,
    bell: &BellHandle,
    meters: &Meters,
) -> Result<(Arc<Evaluator>, Works)> {
    let ways: Vec<Arc<dyn Channel>> = channels::configured(config)?;
    presence.offers(ways.iter().map(|way| way.kind().as_str()).collect());
    let lease = config.worker.delivery_lease;
    if let Some(slow) = ways.iter().find(|way| way.timeout() * 2 > lease) {
        let (channel, timeout) = (slow.kind().as_str(), slow.timeout().as_secs());
        return Err(Error::invalid(
            "setting_invalid",
            format!(
                "NEUROLINK_DELIVERY_LEASE must be at least twice the time-out of channel {channel} ({timeout} s)"
            ),
        ));
    }
    let rung = bell.clone();
    let (completer, recorded) = Completer::start(
        db.clone(),
        presence.incarnation().0,
        lease,
        Arc::new(move || rung.nudge(DELIVERIES)),
    );
    let rung = bell.clone();
    let dispatcher = Dispatcher::new(
        db.clone(),
        presence.clone(),
        lease,
        &ways,
        completer,
        Arc::new(move || rung.nudge(DELIVERIES)),
    );
    let dispatcher = Arc::new(dispatcher.metered(meters));
    let (changed, rung, ring) = (hints.clone(), bell.clone(), bell.clone());
    let evaluator = Evaluator::new(
        db.clone(),
        presence.clone(),
        rulebook.clone(),
        Settings {
            batch_size: config.worker.batch_size,
            watchdog: config.worker.rule_watchdog,
            configured: ways.iter().map(|way| way.kind()).collect::<HashSet<_>>(),
            delivery_max_attempts: i32::try_from(config.worker.delivery_max_attempts)
                .unwrap_or(i32::MAX),
            storm_limit: config.worker.storm_limit,
            admin_role: config
                .auth
                .as_ref()
                .map_or_else(|| "admin".to_owned(), |auth| auth.admin_role.clone()),
        },
        Hooks {
            inboxes: Arc::new(move |users| changed.changed(users)),
            deliveries: Arc::new(move || rung.nudge(DELIVERIES)),
            alarms: Arc::new(move || ring.nudge(ALARMS)),
        },
    );
    Ok((
        Arc::new(evaluator.metered(meters)),
        Works {
            dispatcher,
            recorded,
        },
    ))
}

pub(super) fn signals(
    hub: &Arc<Hub>,
    hints: &Hints,
    rulebook: &Arc<Rulebook>,
    parts: Parts,
) -> Signals {
    let refresh = {
        let rulebook = rulebook.clone();
        move || {
            if parts.worker {
                let rulebook = rulebook.clone();
                tokio::spawn(async move { rulebook.refresh().await });
            }
        }
    };
    let (heard, look, reload) = (hints.clone(), hub.clone(), refresh.clone());
    Signals {
        inbox: Arc::new(move |payload| heard.heard(payload)),
        rules: Arc::new(refresh),
        connected: Arc::new(move || {
            reload();
            look.look_at_all();
        }),
    }
}
