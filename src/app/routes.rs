//! Every room's routes, gathered into the one table that `http` serves.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;

use crate::app::openapi::PARTS;
use crate::db::Db;
use crate::http::Route;
use crate::http::docs::Docs;
use crate::http::health::{Health, ListenerState};
use crate::ingest;
use crate::notifications::{self, inbox::Inboxes};
use crate::pipeline::rulebook::Rulebook;
use crate::queue::BellHandle;
use crate::stream::hints::Hints;
use crate::stream::routes::Streams;
use crate::stream::{self, Hub};
use crate::{directory, ops, preferences, rules};

pub(super) fn routes(
    db: &Db,
    writer: &ingest::WriterHandle,
    inboxes: &Inboxes,
    streams: &Streams,
    health: &Health,
) -> Vec<Route> {
    let mut routes = health.routes();
    routes.extend(Docs::new(PARTS).routes());
    routes.extend(ingest::routes(writer));
    routes.extend(notifications::routes::routes(inboxes));
    routes.extend(stream::routes::routes(streams));
    routes.extend(rules::routes::routes(db));
    routes.extend(directory::routes::routes(db));
    routes.extend(preferences::routes::routes(db));
    routes.extend(ops::audit::routes::routes(db));
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
