//! What has somebody paused, and perhaps forgotten?

use serde_json::json;

use super::model::Finding;

/// A pause.
#[derive(Debug, Clone)]
pub(super) struct Pause {
    pub(super) kind: String,
    pub(super) channel: String,
    pub(super) reason: Option<String>,
    pub(super) paused_by: String,
    pub(super) seconds: f64,
}

pub(super) fn judge(pauses: &[Pause]) -> Vec<Finding> {
    pauses
        .iter()
        .map(|pause| {
            let Pause { kind, channel, .. } = pause;
            let (what, command) = match channel.as_str() {
                "" => (format!("jobs of kind {kind} are"), format!("neurolink queue resume {kind}")),
                _ => (format!("deliveries by {channel} are"), format!("neurolink queue resume {kind} {channel}")),
            };
            let reason = pause.reason.as_deref().map(|reason| format!(": {reason}"));
            Finding::warning(
                "paused",
                format!("{what} paused, by {}{}", pause.paused_by, reason.unwrap_or_default()),
            )
            .evidence(json!({"kind": kind, "channel": channel, "paused_by": pause.paused_by, "seconds": pause.seconds.round()}))
            .cure(command)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_told_with_who_why_and_how_to_end_it() {
        let pause = |channel: &str, reason: Option<&str>| Pause {
            kind: "delivery".to_owned(),
            channel: channel.to_owned(),
            reason: reason.map(str::to_owned),
            paused_by: "dba".to_owned(),
            seconds: 3.0,
        };
        let findings = judge(&[pause("email", Some("moving")), pause("", None)]);
        assert_eq!(
            findings[0].what,
            "deliveries by email are paused, by dba: moving"
        );
        assert_eq!(findings[0].cure, ["neurolink queue resume delivery email"]);
        assert_eq!(findings[1].what, "jobs of kind delivery are paused, by dba");
        assert_eq!(findings[1].cure, ["neurolink queue resume delivery"]);
    }
}
