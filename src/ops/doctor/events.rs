//! Has every event its outcome, its job or its dead job? Of the newest ones; workers look through all when they start.

use serde_json::json;

use super::model::Finding;

/// Of the newest events.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Events {
    pub(super) looked_at: i64,
    pub(super) missing: i64,
    pub(super) first: Option<i64>,
    pub(super) last: Option<i64>,
}

pub(super) fn judge(events: Events) -> Vec<Finding> {
    if events.missing == 0 {
        return Vec::new();
    }
    vec![
        Finding::error(
            "events_lost",
            format!(
                "{} of the newest {} events have neither outcome nor job: triggers were off, or a restore was partial",
                events.missing, events.looked_at
            ),
        )
        .evidence(json!({"missing": events.missing, "looked_at": events.looked_at, "first": events.first, "last": events.last}))
        .cure("# a worker's sweep queues them by itself within a minute; if none runs:")
        .cure("neurolink worker"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_that_fell_between_are_an_error_with_their_range() {
        let events = Events {
            looked_at: 10_000,
            ..Events::default()
        };
        assert_eq!(judge(events), []);
        let found = judge(Events {
            missing: 3,
            first: Some(7),
            last: Some(12),
            ..events
        });
        assert_eq!(
            (found[0].code, found[0].evidence["first"].as_i64()),
            ("events_lost", Some(7))
        );
    }
}
