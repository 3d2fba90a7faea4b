//! Do deliveries wait for a channel that nobody has settings for, or are they withheld for that reason?

use serde_json::json;

use super::model::Finding;
use super::queue::Place;

/// Deliveries of a channel that were withheld, of the newest thousand.
#[derive(Debug, Clone)]
pub(super) struct Withheld {
    pub(super) channel: String,
    pub(super) many: i64,
}

/// `here`: whether these settings have e-mail. Channels that live workers serve are judged by the queue's check.
pub(super) fn judge(places: &[Place], withheld: &[Withheld], email_here: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for place in places {
        let waits = place.kind == "delivery" && place.waiting > 0 && place.workers == 0;
        let configured_here = place.channel == "email" && email_here;
        if waits && !configured_here {
            findings.push(
                Finding::error(
                    "channel_off",
                    format!(
                        "deliveries by {} wait, and nobody has settings for that channel: {}",
                        place.channel, place.waiting
                    ),
                )
                .evidence(json!({"channel": place.channel, "waiting": place.waiting, "oldest_seconds": place.oldest_seconds.round()}))
                .cure(settings_of(&place.channel)),
            );
        }
    }
    findings.extend(withheld.iter().map(|withheld| {
        Finding::note(
            "channel_not_configured",
            format!(
                "{} of the newest deliveries were withheld, since {} has no settings",
                withheld.many, withheld.channel
            ),
        )
        .evidence(json!({"channel": withheld.channel, "many": withheld.many, "of_newest": 1000}))
        .cure(settings_of(&withheld.channel))
        .cure(format!(
            "neurolink queue retry deliveries --status suppressed --channel {}     # those that should go after all",
            withheld.channel
        ))
    }));
    findings
}

fn settings_of(channel: &str) -> String {
    match channel {
        "email" => {
            "# on the nodes: SMTP_ENABLED=true, SMTP_HOST, NEUROLINK_EMAIL_FROM; then restart them"
                .to_owned()
        }
        other => format!(
            "# give {other} its settings on the nodes (neurolink config), or take it out of the rules' channels"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_that_wait_for_nobody_are_an_error_and_withheld_ones_a_note() {
        let place = Place {
            kind: "delivery".to_owned(),
            channel: "email".to_owned(),
            waiting: 3,
            oldest_seconds: 1.0,
            paused: false,
            workers: 0,
        };
        let codes = |place: &Place, here| -> Vec<&str> {
            let found = judge(std::slice::from_ref(place), &[], here);
            found.iter().map(|finding| finding.code).collect()
        };
        assert_eq!(codes(&place, false), ["channel_off"]);
        assert!(codes(&place, true).is_empty());
        let served = Place {
            workers: 1,
            ..place
        };
        assert!(codes(&served, false).is_empty());
        let withheld = Withheld {
            channel: "sms".to_owned(),
            many: 12,
        };
        assert_eq!(
            judge(&[], &[withheld], true)[0].code,
            "channel_not_configured"
        );
    }
}
