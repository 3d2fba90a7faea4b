//! Every room's routes, gathered into the one table that `http` serves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use crate::app::openapi::PARTS;
use crate::db::Db;
use crate::http::Route;
use crate::http::docs::Docs;
use crate::http::health::{Health, ListenerState};
use crate::ingest;
use crate::notifications::{self, inbox::Inboxes};
use crate::ops::prometheus::{Facts, NodeFacts};
use crate::ops::trial::routes::Desk;
use crate::pipeline::rulebook::Rulebook;
use crate::queue::BellHandle;
use crate::stream::hints::Hints;
use crate::stream::routes::Streams;
use crate::stream::{self, Hub};
use crate::{deliveries, directory, ops, preferences, queue, rules};

pub(super) fn routes(
    db: &Db,
    writer: &ingest::WriterHandle,
    inboxes: &Inboxes,
    streams: &Streams,
    health: &Health,
    trials: &Desk,
) -> Vec<Route> {
    let mut routes = health.routes();
    routes.extend(Docs::new(PARTS).routes());
    routes.extend(ingest::routes(writer));
    routes.extend(notifications::routes::routes(inboxes));
    routes.extend(stream::routes::routes(streams));
    routes.extend(rules::routes::routes(db));
    routes.extend(rules::diff::routes::routes(db));
    routes.extend(rules::shadow::routes::routes(db));
    routes.extend(directory::routes::routes(db));
    routes.extend(directory::following::routes::routes(db));
    routes.extend(preferences::routes::routes(db));
    routes.extend(deliveries::log::routes::routes(db));
    routes.extend(queue::control::routes::routes(db));
    routes.extend(ops::audit::routes::routes(db));
    routes.extend(ops::series::routes::routes(db));
    routes.extend(ops::summary::routes::routes(db));
    routes.extend(ingest::read::routes::routes(db));
    routes.extend(ops::trace::routes::routes(db));
    routes.extend(ops::why::routes::routes(db));
    routes.extend(ops::replay::routes::routes(db));
    routes.extend(ops::removal::routes::routes(db, inboxes));
    routes.extend(ops::event_types::routes::routes(db));
    routes.extend(ops::tell::routes::routes(db, inboxes));
    routes.extend(ops::trial::routes::routes(trials));
    routes
}

pub(super) fn listener_state(
    bell: &BellHandle,
    rulebook: &Arc<Rulebook>,
    hub: &Arc<Hub>,
    hints: &Hints,
) -> ListenerState {
    let (bell, rulebook, hub, hints) = (bell.clone(), rulebook.clone(), hub.clone(), hints.clone());
    Arc::new(move || {
        let (stats, counts) = (bell.stats(), hints.counts());
        let (rules, rules_rev) = rulebook.facts();
        json!({
            "connected": bell.is_connected(),
            "sleeps": stats.sleeps.load(Ordering::Relaxed),
            "woken_by_notify": stats.notified.load(Ordering::Relaxed),
            "woken_by_timer": stats.timed_out.load(Ordering::Relaxed),
            "parked": stats.parked.load(Ordering::Relaxed),
            "rules": rules,
            "rules_rev": rules_rev,
            "stream_readers": hub.readers(),
            "hints": {
                "redis": hints.redis_is_up(),
                "told_by_redis": counts.told_by_redis.load(Ordering::Relaxed),
                "told_by_notify": counts.told_by_notify.load(Ordering::Relaxed),
                "heard_by_redis": counts.heard_by_redis.load(Ordering::Relaxed),
                "heard_by_notify": counts.heard_by_notify.load(Ordering::Relaxed),
            },
        })
    })
}

/// What `/metrics` tells of this node.
pub(super) fn node_facts(
    bell: &BellHandle,
    rulebook: &Arc<Rulebook>,
    hub: &Arc<Hub>,
    hints: &Hints,
) -> NodeFacts {
    let (bell, rulebook, hub, hints) = (bell.clone(), rulebook.clone(), hub.clone(), hints.clone());
    Arc::new(move || {
        let (stats, counts, handed) = (bell.stats(), hints.counts(), hub.counts());
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Facts {
            readers: hub.readers(),
            bursts: read(&handed.bursts),
            cut_off: read(&handed.cut_off),
            hints: [
                ("redis", "told", read(&counts.told_by_redis)),
                ("notify", "told", read(&counts.told_by_notify)),
                ("redis", "heard", read(&counts.heard_by_redis)),
                ("notify", "heard", read(&counts.heard_by_notify)),
            ],
            sleeps: read(&stats.sleeps),
            notified: read(&stats.notified),
            timed_out: read(&stats.timed_out),
            parked: read(&stats.parked),
            inserter_open: read(&stats.inserter_open),
            connections: read(&stats.connections),
            listener_up: bell.is_connected(),
            rules: rulebook.facts().0,
        }
    })
}
