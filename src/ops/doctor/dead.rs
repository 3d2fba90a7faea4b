//! What was given up and waits for a person's decision?

use serde_json::json;

use super::model::Finding;

/// Counted up to here.
const COUNTED: i64 = 10_000;

/// Dead work of one kind and channel.
#[derive(Debug, Clone)]
pub(super) struct Dead {
    pub(super) kind: String,
    pub(super) channel: String,
    pub(super) many: i64,
    pub(super) last_error: Option<String>,
    pub(super) last_seconds_ago: Option<f64>,
}

pub(super) fn judge(dead: &[Dead]) -> Vec<Finding> {
    dead.iter().map(finding).collect()
}

fn finding(dead: &Dead) -> Finding {
    let more = if dead.many >= COUNTED { " or more" } else { "" };
    let error = dead.last_error.as_deref().unwrap_or("no error was kept");
    let evidence = json!({
        "kind": dead.kind, "channel": dead.channel, "many": dead.many, "last_error": dead.last_error,
        "last_seconds_ago": dead.last_seconds_ago.map(f64::round),
    });
    if dead.kind == "delivery" {
        let channel = &dead.channel;
        Finding::warning(
            "deliveries_dead",
            format!("deliveries by {channel} were given up: {}{more}, the last for: {error}", dead.many),
        )
        .evidence(evidence)
        .cure(format!("select id, user_id, last_error from neurolink_dead_work where kind = 'delivery' and channel = '{channel}' order by died_at desc limit 20;"))
        .cure(format!("neurolink queue retry deliveries --channel {channel}"))
    } else {
        let kind = &dead.kind;
        Finding::warning(
            "jobs_dead",
            format!("jobs of kind {kind} were given up: {}{more}, the last for: {error}", dead.many),
        )
        .evidence(evidence)
        .cure(format!("select id, ref_id, last_error from neurolink_dead_jobs where kind = '{kind}' order by died_at desc limit 20;"))
        .cure(format!("neurolink queue retry jobs --kind {kind}"))
        .cure(format!("neurolink queue discard jobs --kind {kind}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_and_jobs_have_cures_of_their_own() {
        let dead = |kind: &str, channel: &str, many| Dead {
            kind: kind.to_owned(),
            channel: channel.to_owned(),
            many,
            last_error: Some("mailbox full".to_owned()),
            last_seconds_ago: Some(12.4),
        };
        assert_eq!(judge(&[]), []);
        let findings = judge(&[dead("delivery", "email", 3), dead("event", "", COUNTED)]);
        assert_eq!(
            findings[0].cure[1],
            "neurolink queue retry deliveries --channel email"
        );
        assert!(findings[0].what.contains("mailbox full"));
        assert!(
            findings[1].what.contains("10000 or more"),
            "{}",
            findings[1].what
        );
        assert_eq!(findings[1].code, "jobs_dead");
    }
}
