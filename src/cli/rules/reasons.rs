//! What a preview's codes mean, in sentences: why somebody isn't told, and why a delivery is withheld or waits. Pure.

/// Why somebody isn't told now, or at all.
pub(super) fn untold(code: &str) -> &str {
    match code {
        "delayed" => "it is put off",
        "digested" => "it is gathered for a digest",
        "throttled" => "they were told often enough",
        "deduplicated" => "the same was told before",
        "superseded" => "a newer event about the same counts",
        "resolved" => "it is settled already",
        "expired" => "it is of no use any more",
        "too_late" => "the date that it would remind of is past",
        "no_date" => "the event has no date to remind of",
        "shadow" => "the rule is a shadow: whom it would tell is only recorded",
        "held" => "the rule is held",
        "render_failed" => "its texts can't be written",
        other => other,
    }
}

/// Why a delivery is withheld, or waits.
pub(super) fn undelivered(code: &str) -> &str {
    match code {
        "preference" => "they have switched it off",
        "not_configured" => "this node has no settings for it",
        "no_address" => "they have no address for it",
        "quiet_hours" => "they have quiet hours",
        other => other,
    }
}
