//! Is work done in time: does anything wait for long that isn't paused, and is there somebody to do it?

use serde_json::json;

use super::Limits;
use super::model::Finding;

/// Where jobs wait.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) kind: String,
    pub(super) channel: String,
    pub(super) waiting: i64,
    pub(super) oldest_seconds: f64,
    pub(super) paused: bool,
    pub(super) workers: i64,
}

impl Place {
    fn name(&self) -> String {
        match self.kind.as_str() {
            "delivery" => format!("deliveries by {}", self.channel),
            kind => format!("jobs of kind {kind}"),
        }
    }
}

pub(super) fn judge(places: &[Place], limits: &Limits) -> Vec<Finding> {
    places
        .iter()
        .filter(|place| !place.paused && place.waiting > 0)
        .filter(|place| place.oldest_seconds >= limits.late.as_secs_f64())
        .map(|place| {
            let evidence = json!({
                "kind": place.kind, "channel": place.channel, "waiting": place.waiting,
                "oldest_seconds": place.oldest_seconds.round(), "workers": place.workers,
            });
            let minutes = (place.oldest_seconds / 60.0).round();
            if place.workers == 0 {
                Finding::error(
                    "jobs_unattended",
                    format!("{} have waited for {minutes} minutes, and no worker takes them", place.name()),
                )
                .evidence(evidence)
                .cure("neurolink worker")
                .cure("select host, works, channels, heartbeat_at from neurolink_workers;")
            } else {
                Finding::warning(
                    "jobs_late",
                    format!("{} have waited for {minutes} minutes though workers run", place.name()),
                )
                .evidence(evidence)
                .cure("select id, why, attempt, last_error from neurolink_stuck_jobs order by late_by desc limit 20;")
                .cure("neurolink queue status")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(waiting: i64, oldest_seconds: f64) -> Place {
        Place {
            kind: "delivery".to_owned(),
            channel: "email".to_owned(),
            waiting,
            oldest_seconds,
            paused: false,
            workers: 1,
        }
    }

    #[test]
    fn what_waits_for_long_is_told_unless_it_is_paused() {
        let codes = |place: Place| -> Vec<&str> {
            let found = judge(&[place], &Limits::default());
            found.iter().map(|finding| finding.code).collect()
        };
        assert!(codes(place(1_000, 3.0)).is_empty());
        assert_eq!(codes(place(1, 300.0)), ["jobs_late"]);
        let alone = Place {
            workers: 0,
            ..place(1, 300.0)
        };
        assert_eq!(codes(alone.clone()), ["jobs_unattended"]);
        assert!(
            codes(Place {
                paused: true,
                ..alone
            })
            .is_empty()
        );
    }
}
